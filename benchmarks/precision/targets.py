"""The trees whose findings are read, and the findings of their last scan."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.histories import History, HistoryError, WorkTree, clone_history, existing, find_history, sources
from benchmarks.scanning import scan
from llmlint.findings import Finding, at_least

HERE = Path(__file__).parent


class Target(msgspec.Struct, frozen=True):
    folder: str
    repository: str
    commit: str
    scopes: tuple[str, ...]
    package: str = ""
    unseen: bool = False
    """No rule was written or tuned on it."""


class Sighting(msgspec.Struct, frozen=True):
    """A finding, and the target it was seen in."""

    target: str
    finding: Finding

    @property
    def key(self) -> tuple[str, str]:
        return (self.target, self.finding.fingerprint)


class LastScan(msgspec.Struct, frozen=True):
    """`trees` says where each target's files lie, so that their code can be shown."""

    trees: dict[str, str]
    sightings: tuple[Sighting, ...]


def load_targets(file: Path | None = None) -> dict[str, Target]:
    """Those of the file, or the committed ones."""
    text = (file or HERE / "targets.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Target])


def tree_of(target: Target, trees: Path | None, histories: Path | None, cache: Path) -> Path:
    """The target's folder under `trees`, or one laid out from a history."""
    if trees is not None and (trees / target.folder).is_dir():
        return (trees / target.folder).resolve()
    if trees is not None and histories is None:
        raise HistoryError(f"{trees} has no folder {target.folder}")
    with _history(target, histories, cache) as history:
        laid = cache / "targets" / target.folder
        WorkTree(history, laid).lay(sources(history.files(target.commit), target.scopes))
    return laid.resolve()


def _history(target: Target, histories: Path | None, cache: Path) -> History:
    found = find_history(histories, target.repository) if histories else None
    url = f"https://github.com/{target.repository}"
    return found or clone_history(cache / "histories", target.repository, url)


class Scanned(NamedTuple):
    sightings: list[Sighting]
    lines: int


def scan_target(name: str, target: Target, tree: Path, cache: Path, jobs: int, rules: Sequence[str]) -> Scanned:
    paths = list(existing(tree, target.scopes))
    found = scan(tree, paths, cache=cache / "llmlint" / name, jobs=jobs, rules=rules)
    return Scanned([Sighting(name, finding) for finding in found.findings], int(found.files["lines"]))


def by_default(sighting: Sighting) -> bool:
    """Whether a user sees it who asks for nothing in particular."""
    return at_least(sighting.finding.confidence, "medium")


def sample(sightings: Sequence[Sighting], rule: str, count: int, seed: int) -> list[Sighting]:
    """The same `count` for the same seed; a finding more or less in the tree changes the sample by as much."""
    of_rule = [s for s in sightings if not rule or rule in (s.finding.rule, s.finding.name)]

    def drawn(sighting: Sighting) -> str:
        return sha256(f"{seed}:{sighting.target}:{sighting.finding.fingerprint}".encode()).hexdigest()

    return sorted(of_rule, key=drawn)[:count]


def excerpts(finding: Finding, tree: Path, context: int) -> Iterator[str]:
    """The finding's line and each step of its evidence, with the target's code around it."""
    yield from _excerpt(tree, finding.path, finding.line, finding.message, context)
    for number, step in enumerate(finding.evidence, 1):
        yield from _excerpt(tree, step.path or finding.path, step.line, f"{number}. {step.message}", context)


def _excerpt(tree: Path, path: str, line: int, title: str, context: int) -> Iterator[str]:
    yield f"{path}:{line}  {title}"
    try:
        lines = (tree / path).read_bytes().decode("utf-8", "replace").splitlines()
    except OSError as problem:
        yield f"    (cannot be read: {problem.strerror})"
        return
    for number in range(max(1, line - context), min(len(lines), line + context) + 1):
        yield f"{'>' if number == line else ' '}{number:6}  {lines[number - 1]}"
    yield ""
