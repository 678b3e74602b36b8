"""A fleet scan, from its file to its data set.

First every blob that any of a project's revisions holds is read, once; then each revision is linked and judged, and
stored as soon as it is; then each finding that went is followed to the commit that ended it. Each step knows what an
earlier run has done of it, so a run that was ended goes on where it was.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import msgspec

from llmlint.catalogue import load_catalogue
from llmlint.config import Config
from llmlint.files import SourcePath
from llmlint.fleet.dataset import DataSet, Life, Revision
from llmlint.fleet.fleet_file import FleetFile, Repository
from llmlint.fleet.following import Lost, follow, not_followed
from llmlint.fleet.git_objects import Commit, Git, GitError, clone_or_fetch
from llmlint.fleet.git_trees import TreeFilter
from llmlint.fleet.lives import Ended, Shown, lives_of
from llmlint.fleet.revision_scan import Asked, Scanned, read_blobs, scan_revision, sources_at, unknown_blobs
from llmlint.fleet.revisions import revisions_of
from llmlint.fleet.sightings import revision_of, sightings_of
from llmlint.fleet.tasks import OpenExecutor, run_all
from llmlint.local_cache import users_folder
from llmlint.progress import Progress, Stage
from llmlint.scan import generation
from llmlint.vocabulary_file import load_vocabulary

T = TypeVar("T", bound=Hashable)
R = TypeVar("R")

Chosen = Callable[[Repository, Git], list[Commit]]
"""Which revisions of a repository are asked for."""

_BLOBS_AT_ONCE = 400
"""So many are read before their records are stored."""


class Running(msgspec.Struct, frozen=True):
    """How a fleet scan does its work."""

    open_executor: OpenExecutor
    jobs: int
    cache_directory: Path | None = None
    shared_cache: str = ""
    follows: bool = True
    progress: Progress | None = None

    def tell(self, stage: Stage) -> None:
        if self.progress is not None:
            self.progress(stage)


class FleetResult(msgspec.Struct):
    """`reused` revisions were there from an earlier run."""

    revisions: list[Revision] = []
    lives: list[Life] = []
    reused: int = 0
    problems: list[str] = []
    warnings: list[str] = []
    generations: dict[str, str] = {}


class _Judging(msgspec.Struct, frozen=True):
    """A task: the revisions that have the same sources, of which one is scanned."""

    asked: Asked
    commits: tuple[Commit, ...]


def run_fleet(fleet: FleetFile, file: Path, running: Running, chosen: Chosen = revisions_of) -> FleetResult:
    result = FleetResult()
    data = DataSet(Path(fleet.data))
    for repository in fleet.repository:
        try:
            asked = _asked(fleet, repository, file, running)
            _run_repository(asked, partial(chosen, repository), data, running, result)
        except GitError as error:
            result.problems.append(str(error))
    data.write_summary(result.revisions, result.lives)
    return result


def _asked(fleet: FleetFile, repository: Repository, file: Path, running: Running) -> Asked:
    folder = Path(repository.source)
    cache = running.cache_directory or users_folder(file.parent)
    if repository.is_remote:
        folder = cache / "clones" / hashlib.sha256(repository.source.encode()).hexdigest()[:16]
        running.tell(Stage("fetching", about=repository.source))
        clone_or_fetch(repository.source, folder)
    rules = Config(select=fleet.select, ignore=fleet.ignore).rules(load_catalogue())
    return Asked(
        project=repository.name,
        folder=os.path.abspath(folder),
        wanted=TreeFilter(repository.paths, repository.exclude, int(fleet.max_file_mb * 1_000_000)),
        rules=tuple(rule.code for rule in rules),
        min_confidence=fleet.min_confidence,
        cache_directory=os.path.abspath(cache),
        shared_cache=_from_anywhere(running.shared_cache),
    )


def _from_anywhere(url: str) -> str:
    """A folder as workers name it that run somewhere else."""
    return os.path.abspath(url) if url and "://" not in url else url


def _run_repository(
    asked: Asked, chosen: Callable[[Git], list[Commit]], data: DataSet, running: Running, result: FleetResult
) -> None:
    made = result.generations[asked.project] = _made_by(asked)
    with Git(Path(asked.folder)) as git:
        commits = chosen(git)
        shown = {c.sha: stored for c in commits if (stored := data.stored(asked.project, c.sha, made)) is not None}
        result.reused += len(shown)
        tasks = _read(asked, git, [commit for commit in commits if commit.sha not in shown], running, result)
    for task, scanned in _told(_judged, tasks, running, "scanning", "revisions"):
        name = f"{asked.project} {task.commits[0].sha[:12]}"
        if isinstance(scanned, Exception):
            result.problems.append(f"{name}: {scanned}")
            continue
        result.problems += [f"{name}: {fault}" for fault in scanned.faults]
        for commit in task.commits:
            shown[commit.sha] = (revision_of(scanned, asked.project, commit), sightings_of(scanned, commit))
            if not scanned.faults:
                data.store(*shown[commit.sha], made)
    in_order = [
        (msgspec.structs.replace(shown[commit.sha][0], number=number), shown[commit.sha][1])
        for number, commit in enumerate(commits)
        if commit.sha in shown
    ]
    if in_order and not any(revision.files for revision, _ in in_order):
        result.warnings.append(f"{asked.project}: no revision has a file that llmlint reads")
    result.revisions += [revision for revision, _ in in_order]
    result.lives += sorted(_followed(asked, in_order, data, made, running, result), key=_order)


def _order(life: Life) -> tuple[str, str, int, str]:
    return life.first_date, life.path, life.line, life.fingerprint


def _judged(task: _Judging) -> Scanned:
    return scan_revision(task.asked, task.commits[0].sha)


def _made_by(asked: Asked) -> str:
    """Changes with whatever may change what a revision shows."""
    told = msgspec.json.encode((asked.wanted, asked.rules, asked.min_confidence, generation(load_vocabulary(None))))
    return hashlib.sha256(told).hexdigest()[:20]


# ---------------------------------------------------------------- blobs


class _Reading(msgspec.Struct, frozen=True):
    """A task: some blobs."""

    asked: Asked
    blobs: tuple[SourcePath, ...]


def _read(asked: Asked, git: Git, commits: Sequence[Commit], running: Running, result: FleetResult) -> list[_Judging]:
    """Every blob of these revisions goes into the cache; answers what there is to scan, oldest first.

    A batch that ends its worker is read file by file.
    """
    distinct: dict[tuple[str, str], SourcePath] = {}
    alike: dict[str, list[Commit]] = {}
    for number, commit in enumerate(commits):
        running.tell(Stage("listing", number, len(commits), "revisions", f"{asked.project} {commit.date[:10]}"))
        tree = sources_at(asked, git, commit.sha)
        alike.setdefault(tree.digest, []).append(commit)
        for source in tree.sources:
            distinct.setdefault((source.file, source.language), source)
    blobs = [SourcePath(f"{s.file}:{s.language}", s.file, s.language) for s in distinct.values()]
    unknown, warning = unknown_blobs(asked, blobs)
    result.warnings += [warning] if warning else []
    size = max(1, min(_BLOBS_AT_ONCE, len(unknown) // (running.jobs * 4)))
    tasks = [_Reading(asked, tuple(unknown[start : start + size])) for start in range(0, len(unknown), size)]
    for task, done in _told(_read_some, tasks, running, "reading", "batches of files"):
        if isinstance(done, Exception):
            read_blobs(asked, task.blobs, jobs=2)
    return [_Judging(asked, tuple(same)) for same in alike.values()]


def _read_some(task: _Reading) -> int:
    return read_blobs(task.asked, task.blobs)


# ---------------------------------------------------------------- lives


def _followed(
    asked: Asked, shown: Sequence[Shown], data: DataSet, made: str, running: Running, result: FleetResult
) -> Iterator[Life]:
    """Those whose end an earlier run found have it still."""
    there, ended = lives_of(asked.project, shown)
    yield from there
    known = {life.known_by: life for one in shown for life in data.ended(asked.project, one[0].commit, made)}
    told = [(one, known.get(msgspec.structs.replace(one.life, gone_after=one.after).known_by)) for one in ended]
    yield from (_with_end(one.life, end) for one, end in told if end is not None)
    ended = [one for one, end in told if end is None]
    if not running.follows:
        yield from (life for lost in _lost(asked, ended) for life in not_followed(lost))
        return
    for task, lives in _told(follow, list(_lost(asked, ended)), running, "following", "revisions with findings gone"):
        if isinstance(lives, Exception):
            result.problems.append(f"{asked.project} {task.ended[0].after[:12]}: {lives}")
            lives = [msgspec.structs.replace(one.life, gone="changed", gone_after=one.after) for one in task.ended]
        data.store_ended(asked.project, task.ended[0].after, [life for life in lives if life.gone_by], made)
        yield from lives


def _with_end(life: Life, end: Life) -> Life:
    how = {name: getattr(end, name) for name in Life.__struct_fields__ if name.startswith("gone")}
    return msgspec.structs.replace(life, **how)


def _lost(asked: Asked, ended: Iterable[Ended]) -> Iterator[Lost]:
    def revision(one: Ended) -> str:
        return one.after

    for _, group in groupby(sorted(ended, key=revision), key=revision):
        yield Lost(asked, tuple(group))


# ---------------------------------------------------------------- progress


def _told(
    work: Callable[[T], R], tasks: Sequence[T], running: Running, name: str, things: str
) -> Iterator[tuple[T, R | Exception]]:
    """The tasks as they end, each told."""
    if tasks:
        running.tell(Stage(name, 0, len(tasks), things))
    for number, (task, done) in enumerate(run_all(work, tasks, running.open_executor, running.jobs), 1):
        running.tell(Stage(name, number, len(tasks), things, _about(task)))
        yield task, done


def _about(task: object) -> str:
    if isinstance(task, _Judging):
        return f"{task.asked.project} {task.commits[0].date[:10]}"
    return task.asked.project if isinstance(task, _Reading | Lost) else ""
