"""`llmlint completion SHELL`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from llmlint.commands.common import wrong_use


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete llmlint's commands and flags: eval "$(llmlint completion bash)"."""
    from llmlint.cli import main

    kind = get_completion_class(shell)
    if kind is None:
        wrong_use(f"there is no completion for {shell}")
    click.echo(kind(main, {}, "llmlint", "_LLMLINT_COMPLETE").source())
