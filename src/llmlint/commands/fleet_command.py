"""`llmlint fleet`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmlint.catalogue import UnknownRule
from llmlint.commands.common import CLEAN, FAILED, say, wrong_use
from llmlint.fleet.fleet_file import FleetFileError, read_fleet_file
from llmlint.fleet.tasks import EXECUTORS, OpenExecutor, opener
from llmlint.progress import KINDS, shown_progress
from llmlint.project import processors
from llmlint.writing import write_file

if TYPE_CHECKING:
    from llmlint.fleet.fleet_run import FleetResult

_EXAMPLE = """\b
A file of a fleet:
  [[repository]]
  name = "vllm"
  source = "clones/vllm"        a clone, bare or not, or a URL
  paths = ["vllm"]
  monthly = true
  since = "2025-01-01" """


@click.command(epilog=_EXAMPLE)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Tasks at a time (default: one a processor).")
@click.option("--executor", type=click.Choice(EXECUTORS), default="processes", help="What runs the tasks.")
@click.option("--scheduler", metavar="ADDRESS", help="Of dask, for --executor dask: tcp://host:8786.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write a page of it too.")
@click.option("--no-follow", is_flag=True, help="Don't look for the commits that made findings disappear.")
@click.option("--cache-dir", type=click.Path(file_okay=False, path_type=Path), help="Where the cache lies.")
@click.option("--shared-cache", metavar="URL", default="", help="A folder or object store that several machines share.")
@click.option("--progress", type=click.Choice(KINDS), default="auto", help="auto, plain: lines, for a log; none.")
def fleet(
    file: Path,
    jobs: int | None,
    executor: str,
    scheduler: str | None,
    html: Path | None,
    no_follow: bool,
    cache_dir: Path | None,
    shared_cache: str,
    progress: str,
) -> None:
    """Scan the repositories that FILE names at the revisions it names, and follow every finding through them.

    Results go to a folder of Parquet files. A run that was ended goes on where it was.
    """
    try:
        from llmlint.fleet.fleet_run import Running, run_fleet
    except ImportError as error:
        wrong_use(f"a fleet needs {error.name}: pip install 'llmlint-serving[fleet]'")
    if (executor == "dask") != (scheduler is not None):
        wrong_use("--executor dask and --scheduler ADDRESS go together")
    open_executor, jobs = _on_cluster(scheduler, jobs) if scheduler else _here(executor, jobs)
    try:
        asked = read_fleet_file(file)
        with shown_progress(progress) as tell:
            running = Running(open_executor, jobs, cache_dir, shared_cache, not no_follow, tell)
            result = run_fleet(asked, file, running)
    except (FleetFileError, UnknownRule) as error:
        wrong_use(str(error))
    if html is not None and result.revisions:
        _write_page(html, Path(asked.data))
    _summarise(result, asked.data)
    sys.exit(FAILED if result.problems else CLEAN)


def _here(executor: str, jobs: int | None) -> tuple[OpenExecutor, int]:
    jobs = jobs or processors()
    return opener(executor, jobs), jobs


def _on_cluster(scheduler: str, jobs: int | None) -> tuple[OpenExecutor, int]:
    """As many tasks at a time as its workers have threads."""
    try:
        from llmlint.fleet.cluster import Cluster, ClusterError
    except ImportError as error:
        wrong_use(f"a cluster needs {error.name}: pip install 'llmlint-serving[cluster]'")
    try:
        cluster = Cluster(scheduler, say)
    except ClusterError as error:
        wrong_use(str(error))
    return cluster.open, jobs or cluster.threads


def _write_page(file: Path, data: Path) -> None:
    from llmlint.fleet.fleet_page import render_fleet
    from llmlint.fleet.story import stories

    try:
        write_file(file, render_fleet(stories(data)).encode("utf-8", "replace"))
    except OSError as error:
        wrong_use(f"cannot write {file}: {error.strerror}")


def _summarise(result: FleetResult, folder: str) -> None:
    for problem in dict.fromkeys([*result.warnings, *result.problems]):
        say(problem)
    for project in dict.fromkeys(revision.project for revision in result.revisions):
        revisions = [revision for revision in result.revisions if revision.project == project]
        lives = [life for life in result.lives if life.project == project]
        gone = [life for life in lives if life.gone]
        fixed = sum(life.gone == "fix" for life in gone)
        click.echo(
            f"{project}: {len(revisions)} revisions, {revisions[0].date[:10]} to {revisions[-1].date[:10]}; "
            f"{len(lives)} findings, {len(lives) - len(gone)} there, {len(gone)} gone, {fixed} of them by a fix"
        )
    again = f", {result.reused} from an earlier run" if result.reused else ""
    click.echo(f"{len(result.revisions)} revisions in {folder}{again}")
