"""`python -m benchmarks.prospective --histories DIR`: which findings did upstream fix later, and after how long.

Each project is scanned as it was each month of a year, and every finding is followed to the commit that made it
disappear. README.md says how that is counted.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import click
import msgspec
import pyarrow.parquet as pq

from benchmarks.histories import find_history
from llmlint.fleet.dataset import Life, Revision
from llmlint.study.wilson import wilson

PROJECTS_FILE = Path(__file__).parent / "projects.toml"
ENDS = ("fix", "changed", "removed", "")
_LEEWAY_DAYS = 8
"""A month's revision is the last commit before the month began; so long before, there is one."""


class Project(msgspec.Struct, frozen=True):
    mirror: str
    paths: tuple[str, ...]


class Row(msgspec.Struct, frozen=True):
    """What became of the findings that one scan showed: of a project, or of a rule."""

    name: str
    ends: dict[str, int]

    @property
    def all(self) -> int:
        return sum(self.ends.values())


class Told(msgspec.Struct, frozen=True):
    """A project's year. `first` are the findings of its oldest revision, `later` those that came after it."""

    project: str
    revisions: tuple[Revision, ...]
    first: tuple[Life, ...]
    later: tuple[Life, ...]


@click.command(help=__doc__)
@click.option("--histories", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True)
@click.option("--work", type=click.Path(path_type=Path, file_okay=False), required=True, help="Results and cache.")
@click.option("--projects", default="vllm,sglang,llama.cpp", show_default=True)
@click.option("--until", default="2026-05-01", show_default=True, help="The first day of the month that ends the year.")
@click.option("--months", default=12, show_default=True)
@click.option("--jobs", default=1, show_default=True)
@click.option("--no-follow", is_flag=True, help="Look for no commits: what went is only counted.")
@click.option("--table-only", is_flag=True, help="Only tell of what there is in the folder.")
def main(
    histories: Path, work: Path, projects: str, until: str, months: int, jobs: int, no_follow: bool, table_only: bool
) -> None:
    work.mkdir(parents=True, exist_ok=True)
    known = msgspec.convert(tomllib.loads(PROJECTS_FILE.read_text("utf-8")), dict[str, Project])
    names = projects.split(",")
    if not table_only:
        for name in names:  # one after the other: a project that is done is there, whatever comes after
            file = _fleet_file(work, name, known[name], histories, date.fromisoformat(until), months)
            _scan(file, work / "cache", jobs, no_follow)
    click.echo(table([told(work / f"{name}-data") for name in names]), nl=False)


def _fleet_file(work: Path, name: str, project: Project, histories: Path, until: date, months: int) -> Path:
    history = find_history(histories, project.mirror)
    if history is None:
        raise click.UsageError(f"{histories} holds no clone of {project.mirror}")
    month = until.year * 12 + until.month - 1 - months
    since = date(month // 12, month % 12 + 1, 1)
    early = date.fromordinal(since.toordinal() - _LEEWAY_DAYS)
    file = work / f"{name}.toml"
    paths = ", ".join(f'"{path}"' for path in project.paths)
    file.write_text(
        f'[[repository]]\nname = "{name}"\nsource = "{history.repository.resolve()}"\npaths = [{paths}]\n'
        f'monthly = true\nsince = "{early}"\nuntil = "{until}"\n',
        encoding="utf-8",
    )
    return file


def _scan(file: Path, cache: Path, jobs: int, no_follow: bool) -> None:
    command = [sys.executable, "-P", "-m", "llmlint", "fleet", str(file), "--jobs", str(jobs)]
    command += ["--no-follow"] * no_follow
    subprocess.run([*command, "--cache-dir", str(cache), "--progress", "plain"], check=True)


# ---------------------------------------------------------------- what there is


def told(folder: Path) -> Told:
    revisions = msgspec.convert(pq.read_table(folder / "revisions.parquet").to_pylist(), tuple[Revision, ...])
    lives = msgspec.convert(pq.read_table(folder / "findings.parquet").to_pylist(), tuple[Life, ...])
    first = tuple(life for life in lives if life.from_the_start)
    later = tuple(life for life in lives if not life.from_the_start)
    return Told(revisions[0].project, revisions, first, later)


def row(name: str, lives: Sequence[Life]) -> Row:
    return Row(name, {end: sum(life.gone == end for life in lives) for end in ENDS})


def by_rule(lives: Sequence[Life]) -> list[Row]:
    """The rules with most findings first."""
    names = {life.rule: life.name for life in lives}
    rows = [row(f"{rule} {names[rule]}", [life for life in lives if life.rule == rule]) for rule in names]
    return sorted(rows, key=lambda row: (-row.all, row.name))


# ---------------------------------------------------------------- tables


def table(projects: Sequence[Told]) -> str:
    return "\n".join(_lines(projects)) + "\n"


def _lines(projects: Sequence[Told]) -> Iterator[str]:
    yield "| project | scans | from | to | lines at the end |"
    yield "| --- | ---: | --- | --- | ---: |"
    for one in projects:
        first, last = one.revisions[0], one.revisions[-1]
        yield (
            f"| {one.project} | {len(one.revisions)} | {first.date[:10]} `{first.commit[:10]}` "
            f"| {last.date[:10]} `{last.commit[:10]}` | {last.lines:,} |"
        )
    is_followed = any(life.gone_by for one in projects for life in (*one.first, *one.later))
    yield from ("", "Findings that the first scan shows, at the end of the time:", "")
    yield from _ends([row(one.project, one.first) for one in projects], is_followed)
    yield from ("", "Findings that came later, which had less time:", "")
    yield from _ends([row(one.project, one.later) for one in projects], is_followed)
    yield from ("", "The first scan's findings, by rule:", "")
    yield from _ends(by_rule([life for one in projects for life in one.first]), is_followed)


def _ends(rows: Sequence[Row], is_followed: bool) -> Iterator[str]:
    """Where no commits were looked for, nobody knows which of them were fixes."""
    known = "removed by a fix | by another commit" if is_followed else "gone, their function there"
    yield f"| | findings | {known} | with their code | still there |"
    yield f"| --- | ---: | ---: |{' ---: |' if is_followed else ''} ---: | ---: |"
    if len({one.name.split()[0] for one in rows}) > 1 and not rows[0].name.startswith("LLM"):
        rows = [*rows, Row("all", {end: sum(one.ends[end] for one in rows) for end in ENDS})]
    for one in rows:
        fix, changed, removed, there = (one.ends[end] for end in ENDS)
        left = f"{there}{share(there, one.all)}"
        how = f"{fix}{share(fix, one.all)} | {changed}" if is_followed else f"{changed}{share(changed, one.all)}"
        yield f"| {one.name} | {one.all} | {how} | {removed} | {left} |"


def share(part: int, of: int) -> str:
    if not of:
        return ""
    low, high = wilson(part, of)
    return f" ({100 * part / of:.0f} %, {100 * low:.0f} to {100 * high:.0f})"


if __name__ == "__main__":
    main()
