"""`llmlint init`."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import click

from llmlint.commands.common import CLEAN, exit_code, say, tell_problems, wrong_use
from llmlint.init import BASELINE, ByHand, Step, Unreachable, steps, write_known
from llmlint.installed import installed_from
from llmlint.plain import counted
from llmlint.project import Request, scan
from llmlint.scan import ScanResult


@click.command()
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Write everything without asking.")
def init(folder: Path, yes: bool) -> None:
    """Set a project up: settings, pre-commit, a GitHub workflow, and a baseline of the findings it has."""
    result = _scanned(folder)
    with_baseline = _offer_baseline(folder, result, yes)
    try:
        planned = list(steps(folder, with_baseline, installed_from()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        wrong_use(str(error))
    for step in planned:
        if isinstance(step, ByHand):
            say(f"{step.file} is too much its own to change; add {step.where}")
            click.echo(step.text, err=True)
        elif isinstance(step, Unreachable):
            here = step.source.place.removeprefix(" @ ")
            say(f"{step.file} not written: a server cannot install llmlint from {here}")
        elif yes or click.confirm(step.question, default=True):
            _take(step)
    if not planned:
        say("nothing to add: settings, hook and workflow are there")
    sys.exit(CLEAN if exit_code(result) == 1 else exit_code(result))


def _take(step: Step) -> None:
    try:
        step.take()
    except OSError as error:
        wrong_use(f"cannot write {step.file}: {error.strerror}")
    say(f"{step.file} written")


def _scanned(folder: Path) -> ScanResult:
    result = scan(Request(paths=(str(folder),)))
    tell_problems(result)
    return result


def _offer_baseline(folder: Path, result: ScanResult, yes: bool) -> bool:
    """A baseline is kept only where there are findings and none is kept yet."""
    known = folder / BASELINE
    if known.exists() or not result.shown:
        return known.exists()
    number = counted(len(result.shown), "finding")
    question = f"There are {number}. Keep them in {BASELINE}, so that only new ones count?"
    if not (yes or click.confirm(question, default=True)):
        return False
    try:
        say(f"{write_known(folder, result.shown)} written: {number}")
    except OSError as error:
        wrong_use(f"cannot write {known}: {error.strerror}")
    return True
