"""`python -m benchmarks.mended --histories DIR`: see README.md."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click

from benchmarks.mended.edits import Mend, by_edit, mends_of, projects
from benchmarks.mended.telling import Told, told_of


@click.command()
@click.option("--histories", type=click.Path(exists=True, path_type=Path), required=True, help="A folder of clones.")
@click.option("--without", multiple=True, help="A clone to leave out.")
@click.option(
    "--edit", "edits", multiple=True, help="Only this edit: say where, and what llmlint tells of the old file."
)
@click.option("--least", default=5, show_default=True, help="Edits that so many projects share.")
@click.option("--jobs", default=2, show_default=True)
def main(histories: Path, without: tuple[str, ...], edits: tuple[str, ...], least: int, jobs: int) -> None:
    """The small mends that projects share."""
    clones = dict(projects(histories, without))
    with ProcessPoolExecutor(jobs) as pool:
        found = [mend for mends in pool.map(mends_of, clones, clones.values()) for mend in mends]
    shared = by_edit(found)
    if edits:
        for edit in edits:
            _judge(edit, shared.get(edit, []), clones)
        return
    click.echo(f"{len(found)} hunks of {len(clones)} projects\n\nprojects  mends  edit")
    for edit, mends in sorted(shared.items(), key=lambda item: -len({mend.project for mend in item[1]})):
        number = len({mend.project for mend in mends})
        if number >= least:
            click.echo(f"{number:8}  {len(mends):5}  {edit}")


def _judge(edit: str, mends: list[Mend], clones: dict[str, Path]) -> None:
    told = told_of(mends, clones)
    count: defaultdict[Told, int] = defaultdict(int)
    for mend, how in zip(mends, told, strict=True):
        count[how] += 1
        old, new = (" / ".join(line.strip() for line in text.split("\n"))[:90] for text in (mend.old, mend.new))
        click.echo(f"{how.value:7} {mend.project} {mend.commit[:9]} {mend.path}\n        - {old}\n        + {new}")
    click.echo(f"{edit}: {len(mends)} mends, {count[Told.SHOWN]} shown, {count[Told.LOW]} told with low confidence")


if __name__ == "__main__":
    main()
