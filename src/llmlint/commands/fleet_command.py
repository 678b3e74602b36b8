"""`llmlint fleet` and `llmlint fleet watch`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from llmlint.catalogue import UnknownRule
from llmlint.commands.common import CLEAN, FAILED, say, wrong_use
from llmlint.fleet.fleet_file import FleetFile, FleetFileError, read_fleet_file
from llmlint.fleet.tasks import EXECUTORS, OpenExecutor, opener
from llmlint.plain import counted, one_line
from llmlint.progress import KINDS, shown_progress
from llmlint.project import processors
from llmlint.writing import write_file

if TYPE_CHECKING:
    from llmlint.fleet.fleet_run import Chosen, FleetResult
    from llmlint.fleet.fleet_watch import News

_EXAMPLE = """\b
A file of a fleet:
  [[repository]]
  name = "vllm"
  source = "clones/vllm"        a clone, bare or not, or a URL
  paths = ["vllm"]
  monthly = true
  since = "2025-01-01" """

F = TypeVar("F", bound=Callable[..., Any])


class _Fleet(click.Group):
    """`fleet FILE` is `fleet scan FILE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["scan", *args]
        return super().parse_args(ctx, args)


class _Way(msgspec.Struct, frozen=True):
    """What the command line says about how the work is done."""

    open_executor: OpenExecutor
    jobs: int
    html: Path | None
    follows: bool
    cache_dir: Path | None
    shared_cache: str
    progress: str


_OPTIONS = (
    click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    click.option("-j", "--jobs", type=click.IntRange(min=1), help="Tasks at a time (default: one a processor)."),
    click.option("--executor", type=click.Choice(EXECUTORS), default="processes", help="What runs the tasks."),
    click.option("--scheduler", metavar="ADDRESS", help="Of dask, for --executor dask: tcp://host:8786."),
    click.option(
        "--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write a page of it too."
    ),
    click.option("--no-follow", is_flag=True, help="Don't look for the commits that made findings disappear."),
    click.option("--cache-dir", type=click.Path(file_okay=False, path_type=Path), help="Where the cache lies."),
    click.option(
        "--shared-cache", metavar="URL", default="", help="A folder or object store that several machines share."
    ),
    click.option("--progress", type=click.Choice(KINDS), default="auto", help="auto, plain: lines, for a log; none."),
)


def _fleet_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command is given the file and the way."""

    @wraps(command)
    def with_way(
        file: Path,
        jobs: int | None,
        executor: str,
        scheduler: str | None,
        html: Path | None,
        no_follow: bool,
        cache_dir: Path | None,
        shared_cache: str,
        progress: str,
        **own: Any,
    ) -> None:
        if (executor == "dask") != (scheduler is not None):
            wrong_use("--executor dask and --scheduler ADDRESS go together")
        open_executor, jobs = _on_cluster(scheduler, jobs) if scheduler else _here(executor, jobs)
        command(file, _Way(open_executor, jobs, html, not no_follow, cache_dir, shared_cache, progress), **own)

    told: Callable[..., None] = with_way
    for option in reversed(_OPTIONS):
        told = option(told)
    return told


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


@click.group(cls=_Fleet)
def fleet() -> None:
    """Scan many revisions of many repositories, and follow every finding through them: `llmlint fleet FILE`."""


@fleet.command(epilog=_EXAMPLE)
@_fleet_options
def scan(file: Path, way: _Way) -> None:
    """Scan the repositories that FILE names at the revisions it names, and follow every finding through them.

    Results go to a folder of Parquet files. A run that was ended goes on where it was.
    """
    asked = _read(file)
    result = _run(asked, file, way, None)
    _summarise(result, asked.data)
    sys.exit(FAILED if result.problems else CLEAN)


@fleet.command(epilog=_EXAMPLE)
@_fleet_options
@click.option(
    "--every", type=click.FloatRange(min=0.01), default=10.0, show_default=True, help="Minutes between looks."
)
@click.option("--once", is_flag=True, help="Look once, and end.")
def watch(file: Path, way: _Way, every: float, once: bool) -> None:
    """Look for new commits of the repositories that FILE names, and scan those only.

    Each commit of a branch is scanned, and told with what it brought and ended. URLs are fetched at each look; clones
    are whoever's they are.
    """
    asked = _read(file)
    from llmlint.fleet.fleet_watch import Watch

    watched = Watch(asked)
    while True:
        result = _run(asked, file, way, watched.chosen())
        _say_problems(result)
        for news in watched.news(result):
            _tell(news)
        if once:
            sys.exit(FAILED if result.problems else CLEAN)
        time.sleep(every * 60)


def _read(file: Path) -> FleetFile:
    try:
        import llmlint.fleet.fleet_run  # noqa: F401

        return read_fleet_file(file)
    except ImportError as error:
        wrong_use(f"a fleet needs {error.name}: pip install 'llmlint-serving[fleet]'")
    except FleetFileError as error:
        wrong_use(str(error))


def _run(asked: FleetFile, file: Path, way: _Way, chosen: Chosen | None) -> FleetResult:
    from llmlint.fleet.fleet_run import Running, run_fleet
    from llmlint.fleet.revisions import revisions_of

    try:
        with shown_progress(way.progress) as tell:
            running = Running(way.open_executor, way.jobs, way.cache_dir, way.shared_cache, way.follows, tell)
            result = run_fleet(asked, file, running, chosen or revisions_of)
    except UnknownRule as error:
        wrong_use(str(error))
    except OSError as error:
        if not str(error.filename).startswith(asked.data):
            raise
        wrong_use(f"cannot write to {asked.data}: {error.strerror}")
    if way.html is not None and result.revisions:
        _write_page(way.html, Path(asked.data))
    return result


def _write_page(file: Path, data: Path) -> None:
    from llmlint.fleet.fleet_page import render_fleet
    from llmlint.fleet.story import stories

    try:
        write_file(file, render_fleet(stories(data)).encode("utf-8", "replace"))
    except OSError as error:
        wrong_use(f"cannot write {file}: {error.strerror}")


def _say_problems(result: FleetResult) -> None:
    for problem in dict.fromkeys([*result.warnings, *result.problems]):
        say(problem)


def _summarise(result: FleetResult, folder: str) -> None:
    _say_problems(result)
    for project in dict.fromkeys(revision.project for revision in result.revisions):
        revisions = [revision for revision in result.revisions if revision.project == project]
        lives = [life for life in result.lives if life.project == project]
        gone = [life for life in lives if life.gone]
        fixed = sum(life.gone == "fix" for life in gone)
        click.echo(
            f"{project}: {counted(len(revisions), 'revision')}, "
            f"{revisions[0].date[:10]} to {revisions[-1].date[:10]}; {counted(len(lives), 'finding')}, "
            f"{len(lives) - len(gone)} there, {len(gone)} gone, {fixed} of them by a fix"
        )
    again = f", {result.reused} from an earlier run" if result.reused else ""
    click.echo(f"{counted(len(result.revisions), 'revision')} in {folder}{again}")


def _tell(news: News) -> None:
    """One line a commit, and one for each finding that it brought (+) or ended (-)."""
    revision = news.revision
    subject = one_line(news.subject)
    click.echo(
        f"{revision.project} {revision.commit[:10]} {revision.date[:10]} {counted(revision.findings, 'finding')}, "
        f"{len(news.came)} new, {len(news.went)} gone: {subject}"
    )
    for sign, lives in (("+", news.came), ("-", news.went)):
        for life in lives:
            click.echo(f"  {sign} {one_line(life.path)}:{life.line} {life.rule} {one_line(life.message)}")
