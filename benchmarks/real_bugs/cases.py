"""The manifest of real bugs: its cases, the root causes and the projects they come from."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

HERE = Path(__file__).parent

MEDIAN_DATE = "2025-11-29"
"""Cuts the manifest in two halves: rules are learnt from the bugs before it and tested on those after it."""


FIRST_LATE = 2000
"""The number of the first case that was taken in when the rules of the first release had been written."""


class Where(msgspec.Struct, frozen=True):
    """A fair place to point at, in the tree at the case's parent commit."""

    file: str
    symbol: str
    lines: tuple[int, int]


class Case(msgspec.Struct, frozen=True):
    """One real bug; README.md explains each field."""

    id: str
    project: str
    mirror: str
    fix: str
    parent: str
    date: str
    title: str
    language: str
    cause: str
    where: tuple[Where, ...]
    why: str
    scope: str
    gone: bool
    impact: str
    pr: int | None = None

    @property
    def is_late(self) -> bool:
        """Taken into the manifest when the rules had been written; to most of the others their forms were fitted."""
        return int(self.id.rpartition("-")[2]) >= FIRST_LATE

    @property
    def files(self) -> list[str]:
        return sorted({where.file for where in self.where})


class Project(msgspec.Struct, frozen=True):
    scopes: tuple[str, ...]


def load_cases(manifest: Path = HERE / "manifest.jsonl") -> list[Case]:
    """All cases, by project and date, so that neighbours share most of their files."""
    lines = manifest.read_bytes().splitlines()
    cases = [msgspec.json.decode(line, type=Case) for line in lines if line.strip()]
    return sorted(cases, key=lambda case: (case.project, case.date, case.id))


def load_projects(file: Path = HERE / "projects.toml") -> dict[str, Project]:
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), dict[str, Project])


def load_causes(file: Path = HERE / "causes.tsv") -> dict[str, str]:
    with file.open(encoding="utf-8", newline="") as rows:
        return {row["cause"]: row["meaning"] for row in csv.DictReader(rows, delimiter="\t")}


def load_families(file: Path = HERE / "families.toml") -> dict[str, tuple[str, ...]]:
    """The causes that are counted together, by the name of the family."""
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), dict[str, tuple[str, ...]])


def chosen(
    cases: Iterable[Case],
    ids: Collection[str] = (),
    causes: Collection[str] = (),
    projects: Collection[str] = (),
    before: str = "",
    after: str = "",
) -> list[Case]:
    """The cases that pass every filter that is given; a case of the very day is after it, not before."""
    return [
        case
        for case in cases
        if (not ids or case.id in ids)
        and (not causes or case.cause in causes)
        and (not projects or case.project in projects)
        and (not before or case.date < before)
        and (not after or case.date >= after)
    ]


def upstream_url(mirror: str) -> str:
    return f"https://github.com/{mirror}"
