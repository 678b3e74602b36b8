"""Print one case for a reader: why it is a bug, the code at the place before the fix, and the fix.

python -m benchmarks.real_bugs.show vllm-012 --histories ~/clones
"""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.histories import History, HistoryError
from benchmarks.real_bugs.cases import Case, Where, load_cases
from benchmarks.real_bugs.options import cache_option, histories_option, open_history

CONTEXT = 12
"""Lines shown before and after the place."""


@click.command(help=__doc__)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@histories_option
@cache_option
@click.option("--whole-diff", is_flag=True, help="Every file of the fix, not only those the case names.")
@click.option("--context", default=CONTEXT, show_default=True, help="Lines around the place.")
def main(ids: tuple[str, ...], histories: Path | None, cache: Path, whole_diff: bool, context: int) -> None:
    by_id = {case.id: case for case in load_cases()}
    for case_id in ids:
        if case_id not in by_id:
            raise click.UsageError(f"no case {case_id} in the manifest")
        case = by_id[case_id]
        try:
            with open_history(case, histories, cache) as history:
                show(case, history, whole_diff, context)
        except HistoryError as problem:
            raise click.ClickException(str(problem)) from problem


def show(case: Case, history: History, whole_diff: bool, context: int) -> None:
    click.secho(f"{case.id}  {case.cause}  {case.scope}  {case.impact}  {case.date}", bold=True)
    click.echo(f"{case.title}\n{case.mirror}  parent {case.parent}  fix {case.fix}")
    click.echo(f"pattern gone after the fix: {'yes' if case.gone else 'no'}\n\n{case.why}\n")
    files = history.files(case.parent)
    for where in case.where:
        show_place(where, history.blob(files[where.file]) if where.file in files else None, context)
    click.secho("\nthe fix", bold=True)
    click.echo(history.diff(case.parent, case.fix, () if whole_diff else case.files))


def show_place(where: Where, data: bytes | None, context: int) -> None:
    first, last = where.lines
    click.secho(f"{where.file}:{first}-{last}  {where.symbol}", bold=True)
    if data is None:
        click.echo("    (this clone lacks the file)")
        return
    lines = data.decode("utf-8", "replace").splitlines()
    for number in range(max(1, first - context), min(len(lines), last + context) + 1):
        mark = ">" if first <= number <= last else " "
        click.echo(f"{mark}{number:6}  {lines[number - 1]}")


if __name__ == "__main__":
    main()
