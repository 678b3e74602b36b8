"""`llmlint config show|schema`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import msgspec

from llmlint.commands.common import CLEAN, WRONG_USE, say, show_frame
from llmlint.config import Configuration, settings_schema
from llmlint.plain import one_line, plain_json


@click.group()
def config() -> None:
    """Look at settings."""


@config.command()
@click.argument("file", default=".", type=click.Path(path_type=Path))
def show(file: Path) -> None:
    """Each setting in force for FILE, with where it comes from."""
    configuration = Configuration()
    settings = configuration.of(file)
    for key, value in msgspec.to_builtins(settings.config).items():
        origin = settings.origins.get(key, "default")
        shown = f"{key} = {msgspec.json.encode(value).decode()}  # {one_line(str(origin))}"
        click.echo(plain_json(shown))
    for problem in configuration.problems:
        say(problem.text)
        show_frame(problem.frame)
    sys.exit(WRONG_USE if configuration.problems else CLEAN)


@config.command()
def schema() -> None:
    """The JSON schema of the settings, for editors."""
    click.echo(msgspec.json.format(msgspec.json.encode(settings_schema()), indent=2).decode())
