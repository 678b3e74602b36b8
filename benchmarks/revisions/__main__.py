"""`python -m benchmarks.revisions HISTORY`: what a fleet scan of consecutive revisions costs beside cold scans of them.

The revisions are scanned once by `llmlint fleet` from an empty cache. Some of them, evenly spread, are laid out and
scanned cold, each with a cache of its own; the mean of those stands for all. Findings are compared at each of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import click
import msgspec
import pyarrow.parquet as pq

import llmlint
from benchmarks.histories import History, WorkTree, existing, sources
from benchmarks.scanning import scan

Shown = set[tuple[str, str, int, str]]


class Figures(msgspec.Struct, frozen=True):
    """CPU-seconds; `changes` of the revisions have other sources than the one before them."""

    revisions: int
    changes: int
    files: int
    fleet: float
    cold: tuple[float, ...]
    same: int

    @property
    def ratio(self) -> float:
        return self.revisions * sum(self.cold) / len(self.cold) / self.fleet


@click.command(help=__doc__)
@click.argument("history", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--paths", default="", help="Folders, with commas between them; everything where none is named.")
@click.option("--until", required=True, help="The newest revision is the last of this day or before.")
@click.option("--count", default=100, show_default=True, help="Revisions, one commit after the other.")
@click.option("--cold", default=3, show_default=True, help="So many of them are scanned cold.")
def main(history: Path, paths: str, until: str, count: int, cold: int) -> None:
    figures = measured(history.resolve(), tuple(filter(None, paths.split(","))), until, count, cold)
    mean = sum(figures.cold) / len(figures.cold)
    click.echo(f"{figures.revisions} revisions, {figures.changes} of which change a source; {figures.files} files")
    click.echo(f"fleet: {figures.fleet:.1f} CPU-seconds; cold: {mean:.1f} a scan, mean of {len(figures.cold)}")
    click.echo(f"{figures.ratio:.1f} times fewer; the same findings at {figures.same} of {len(figures.cold)}")


def measured(history: Path, paths: tuple[str, ...], until: str, count: int, cold: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="llmlint-revisions-") as scratch, History(history) as opened:
        fleet, shown = _fleet(history, paths, until, count, Path(scratch))
        commits = list(shown)
        content = [sources(opened.files(commit), paths) if paths else opened.files(commit) for commit in commits]
        picked = range(0, len(commits), max(1, len(commits) // cold))
        seconds, same = [], 0
        for at in list(picked)[:cold]:
            used, found = _cold(opened, content[at], paths, Path(scratch) / f"tree-{at}")
            seconds.append(used)
            same += found == shown[commits[at]]
        changes = sum(before != after for before, after in pairwise(content))
        return Figures(len(commits), changes, len(content[-1]), fleet, tuple(seconds), same)


def _fleet(
    history: Path, paths: tuple[str, ...], until: str, count: int, scratch: Path
) -> tuple[float, dict[str, Shown]]:
    """CPU-seconds of it and all its children, and what each revision shows, oldest first."""
    file = scratch / "fleet.toml"
    named = ", ".join(f'"{path}"' for path in paths)
    file.write_text(
        f'[[repository]]\nname = "p"\nsource = "{history}"\npaths = [{named}]\n'
        f'every = 1\nuntil = "{until}"\nlast = {count}\n'
    )
    command = [sys.executable, "-P", "-m", "llmlint", "fleet", str(file), "--jobs", "1", "--no-follow"]
    environment = {**os.environ, "PYTHONPATH": str(Path(llmlint.__file__).resolve().parents[1])}
    process = subprocess.Popen([*command, "--cache-dir", str(scratch / "cache")], env=environment, stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise click.ClickException(f"the fleet scan ended with {process.returncode}")
    data = scratch / "fleet-data"
    commits = pq.read_table(data / "revisions.parquet").column("commit").to_pylist()
    return usage.ru_utime + usage.ru_stime, {commit: _stored(data, commit) for commit in commits}


def _stored(data: Path, commit: str) -> Shown:
    rows = pq.read_table(data / "sightings" / "project=p" / f"{commit}.parquet", partitioning=None).to_pylist()
    return {(row["rule"], row["path"], row["line"], row["fingerprint"]) for row in rows}


def _cold(history: History, files: dict[str, str], paths: tuple[str, ...], folder: Path) -> tuple[float, Shown]:
    """A scan of the tree as a checkout has it, with nothing known of it."""
    folder.mkdir()
    (folder / "llmlint.toml").write_text("root = true\n")
    WorkTree(history, folder).lay(files)
    where = list(existing(folder, paths)) if paths else ["."]
    done = scan(folder, where, cache=folder.with_suffix(".cache"), min_confidence="medium")
    return done.cpu_seconds, {(f.rule, f.path, f.line, f.fingerprint) for f in done.findings if f.suppressed is None}


if __name__ == "__main__":
    main()
