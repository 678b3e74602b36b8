"""`llmlint graph`."""

from __future__ import annotations

from typing import Any

import click

from llmlint.commands.common import read_options, request_of, say, wrong_use
from llmlint.plain import counted

_EXAMPLES = """\b
Examples:
  llmlint graph calls --around Scheduler.reset | dot -Tsvg -o reset.svg
  llmlint graph hierarchy src --around Worker --depth 3 --format mermaid
  llmlint graph locks --format json"""


@click.command(epilog=_EXAMPLES)
@click.argument("kind", type=click.Choice(("calls", "hierarchy", "locks")))
@click.argument("paths", nargs=-1, type=click.Path(exists=True))
@click.option("--around", "names", multiple=True, metavar="NAME", help="Only what is near a function, class or lock.")
@click.option("--depth", type=click.IntRange(min=0), default=1, show_default=True, help="How near: so many steps.")
@click.option("--format", "--output-format", "format_", type=click.Choice(("dot", "json", "mermaid")), default="dot")
@read_options
def graph(kind: str, paths: tuple[str, ...], names: tuple[str, ...], depth: int, format_: str, **flags: Any) -> None:
    """Show a program as it is linked: who calls whom, who inherits from whom, which lock is held for which other."""
    from llmlint.graph_formats import FORMATS
    from llmlint.plain import without_commands
    from llmlint.program_graphs import GRAPHS, UnknownName, around, linked_program
    from llmlint.progress import shown_progress
    from llmlint.project import Project

    with shown_progress("auto") as tell:
        program = linked_program(Project(request_of(paths or (".",), flags)), tell)
    shown = GRAPHS[kind](program)
    if names:
        try:
            shown = around(shown, names, depth)
        except UnknownName as error:
            wrong_use(str(error))
    click.echo(without_commands(FORMATS[format_](shown)), nl=False)
    say(f"{counted(len(shown), 'node')}, {counted(shown.number_of_edges(), 'edge')}")
