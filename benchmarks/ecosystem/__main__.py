"""`python -m benchmarks.ecosystem BASE HEAD TREES`: what HEAD finds in these trees that BASE does not, and the reverse.

BASE and HEAD are revisions of llmlint, or folders of checkouts (`.` is what is being worked on). TREES are folders, or
names of benchmarks/precision/targets.toml, which are laid out at their pinned commit. Both sides scan with everything
on, each with a cache of its own.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from benchmarks.ecosystem.comparing import Difference, compared, is_shown
from benchmarks.ecosystem.engines import engine_of
from benchmarks.ecosystem.report import markdown
from benchmarks.histories import HistoryError, existing
from benchmarks.precision.targets import load_targets, tree_of
from benchmarks.real_bugs.options import cache_option
from benchmarks.scanning import Scan, ScanFailed, scan

REPOSITORY = Path(__file__).parents[2]


@click.command(help=__doc__)
@click.argument("base")
@click.argument("head")
@click.argument("trees", nargs=-1, required=True)
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Write the report here too.")
@click.option("--jobs", default=1, show_default=True, help="Worker processes of each scan.")
@cache_option
def main(base: str, head: str, trees: tuple[str, ...], report: Path | None, jobs: int, cache: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="llmlint-ecosystem-") as scratch:
        engines = [engine_of(revision, REPOSITORY, Path(scratch)) for revision in (base, head)]
        laid = dict(_laid(name, cache) for name in trees)
        differences = [_difference(name, *laid[name], engines, Path(scratch), jobs) for name in laid]
    text = markdown(differences, {name: folder for name, (folder, _) in laid.items()})
    if report:
        report.write_text(text, encoding="utf-8")
    click.echo(text, nl=False)


def _laid(name: str, cache: Path) -> tuple[str, tuple[Path, tuple[str, ...]]]:
    """A tree's name, its folder, and what of it is scanned."""
    if Path(name).is_dir():
        return Path(name).resolve().name, (Path(name).resolve(), (".",))
    target = load_targets().get(name)
    if target is None:
        raise click.ClickException(f"{name} is neither a folder nor one of {', '.join(load_targets())}")
    try:
        folder = tree_of(target, None, None, cache)
    except HistoryError as problem:
        raise click.ClickException(str(problem)) from problem
    return name, (folder, tuple(existing(folder, target.scopes)))


def _difference(
    tree: str, folder: Path, paths: tuple[str, ...], engines: list[Path], scratch: Path, jobs: int
) -> Difference:
    before, after = (
        _scanned(folder, paths, engine, scratch / f"cache-{side}", jobs) for side, engine in enumerate(engines)
    )
    added, removed, changed = compared(before.findings, after.findings)
    return Difference(
        tree=tree,
        lines=after.files["lines"],
        added=tuple(added),
        removed=tuple(removed),
        changed=tuple(changed),
        shown=(sum(map(is_shown, before.findings)), sum(map(is_shown, after.findings))),
        seconds=(before.cpu_seconds, after.cpu_seconds),
    )


def _scanned(folder: Path, paths: tuple[str, ...], engine: Path, cache: Path, jobs: int) -> Scan:
    try:
        return scan(folder, paths, cache=cache, jobs=jobs, engine=engine)
    except ScanFailed as problem:
        raise click.ClickException(f"{folder.name} with {engine.parent.name}: {problem}") from problem


if __name__ == "__main__":
    main()
