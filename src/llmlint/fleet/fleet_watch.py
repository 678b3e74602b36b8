"""New commits as they come: each is scanned once, after the revisions that the data set tells of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec

from llmlint.fleet.dataset import DataSet, Life, Revision
from llmlint.fleet.fleet_file import FleetFile, Repository
from llmlint.fleet.fleet_run import Chosen, FleetResult
from llmlint.fleet.git_objects import Commit, Git
from llmlint.fleet.lives import Shown, lives_of
from llmlint.fleet.revisions import revisions_of


class News(msgspec.Struct, frozen=True):
    """What a new commit brought and ended."""

    revision: Revision
    subject: str
    came: tuple[Life, ...]
    went: tuple[Life, ...]


class Watch:
    """What the looks at a fleet have in common; the data set says what was seen before."""

    def __init__(self, fleet: FleetFile) -> None:
        self._data = DataSet(Path(fleet.data))
        self._new: dict[str, dict[str, str]] = {}

    def chosen(self) -> Chosen:
        """For the next look. A repository that no run has seen yet is looked at as its file says."""
        self._new = {}

        def known_and_new(repository: Repository, git: Git) -> list[Commit]:
            known = [revision.commit for revision in self._data.revisions(repository.name)]
            if not known:
                return revisions_of(repository, git)
            span = f"{known[-1]}..{git.resolved(repository.branch)}"
            new = git.commits("--first-parent", span)[::-1]
            self._new[repository.name] = {commit.sha: commit.subject for commit in new}
            return [*git.commits("--no-walk=unsorted", *known), *new]

        return known_and_new

    def news(self, result: FleetResult) -> Iterator[News]:
        """Of each commit that was new to the last look, oldest first. What came back came."""
        for before, revision in pairwise(result.revisions):
            subject = self._new.get(revision.project, {}).get(revision.commit)
            if subject is not None:
                made = result.generations[revision.project]
                there, ended = lives_of(revision.project, [self._shown(before, made), self._shown(revision, made)])
                came = tuple(life for life in there if not life.from_the_start)
                yield News(revision, subject, came, tuple(one.life for one in ended))

    def _shown(self, revision: Revision, generation: str) -> Shown:
        """Nothing where a fault kept it from being stored."""
        return self._data.stored(revision.project, revision.commit, generation) or (revision, ())
