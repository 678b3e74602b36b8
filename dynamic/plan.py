"""The plan: which functions of which files a run watches, for which findings. Read in every traced process."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .paths import Path, PathError, parse_path

SCHEMA = 1


class Inside(NamedTuple):
    """What a station is told of while a function runs: `with` statements on locks, and uses of attributes, by name."""

    locks: frozenset[str] = frozenset()
    accesses: frozenset[str] = frozenset()


class Target:
    """A function to watch and the part it plays for one finding."""

    __slots__ = ("entity", "finding", "owner", "path", "problem", "qualname", "role", "via")

    def __init__(self, finding: Finding, data: Mapping[str, Any]) -> None:
        self.finding = finding
        self.path: str = data.get("path") or finding.path
        self.qualname: str = data["qualname"]
        self.role: str = data["role"]
        self.via: str = data.get("via", "")
        self.problem = ""
        self.entity = self._parsed(data.get("entity", ""))
        self.owner = self._parsed(data.get("owner", ""))

    def _parsed(self, text: str) -> Path | None:
        try:
            return parse_path(text) if text else None
        except PathError as error:
            self.problem = str(error)
            return None

    def roots(self) -> set[str]:
        """The names whose values the probe wants when the function is called."""
        names: set[str] = set()
        for path in (self.entity, self.owner, *self.finding.extra_paths()):
            if path is not None:
                names |= path.roots()
        return names

    @property
    def name(self) -> str:
        return f"{self.qualname} ({self.role})"


class Watched:
    """An attribute of a class's instances, or a global of a file."""

    __slots__ = ("attribute", "owner", "path")

    def __init__(self, finding: Finding, data: Mapping[str, Any]) -> None:
        self.path: str = data.get("path") or finding.path
        self.owner: str = data.get("owner", "")
        self.attribute: str = data["attribute"]


class Finding:
    """What one finding wants watched."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.key: str = data["key"]
        self.rule: str = data.get("rule", "")
        self.probe: str = data["probe"]
        self.path: str = data["path"]
        self.symbol: str = data.get("symbol", "")
        self.line: int = data.get("line", 0)
        self.end_line: int = data.get("end_line", 0)
        self.needs: dict[str, int] = dict(data.get("needs", {}))
        self.options: dict[str, Any] = dict(data.get("options", {}))
        self._extra: list[Path] | None = None
        self.watch = [Watched(self, one) for one in data.get("watch", ())]
        self.targets = [Target(self, one) for one in data.get("targets", ())]

    def extra_paths(self) -> list[Path]:
        """Paths among the options: `omitted` for keys, `timeout` for groups."""
        if self._extra is None:
            self._extra = []
            for name in ("omitted", "timeout", "out"):
                given = self.options.get(name, [])
                for text in [given] if isinstance(given, str) else given:
                    try:
                        self._extra.append(parse_path(text))
                    except PathError:
                        continue
        return self._extra


class Plan:
    """All findings to watch, and the files they speak of."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        if data.get("schema") != SCHEMA:
            raise ValueError(f"a plan of schema {data.get('schema')!r}, expected {SCHEMA}")
        self.hash: str = data.get("hash", "")
        self.run: str = data.get("run", "")
        """A word of this run alone, which its records repeat."""
        self.budget = float(data.get("budget", 0.0))
        """What watching may take of a core, as a share; 0 for as much as it needs."""
        self.files: dict[str, dict[str, str]] = dict(data.get("files", {}))
        self.findings = [Finding(one) for one in data.get("findings", ())]
        for finding in self.findings:
            finding.options.setdefault("device", data.get("device", "cuda"))
        self.inside = inside_of(self.findings)
        self.targets: dict[str, list[Target]] = {}
        for finding in self.findings:
            for target in finding.targets:
                self.targets.setdefault(target.path, []).append(target)
            for watched in finding.watch:
                self.targets.setdefault(watched.path, [])
        self.stems = {_dotted(path)[-1] for path in self.targets if _dotted(path)}
        self._absolute = {os.path.realpath(entry["absolute"]): path for path, entry in self.files.items()}

    def may_mean(self, module_name: str) -> bool:
        """A quick no for nearly every module of a program."""
        return module_name.rpartition(".")[2] in self.stems

    def path_of(self, module_name: str, file: str | None) -> str | None:
        """The plan's name for a module: the same file, or one whose path ends in the module's dotted name."""
        if file is None:
            return None
        same = self._absolute.get(os.path.realpath(source_of(file)))
        if same is not None:
            return same if same in self.targets else None
        parts = tuple(module_name.split("."))
        if len(parts) < 2:
            return None
        matching = [path for path in self.targets if _dotted(path)[-len(parts) :] == parts]
        return matching[0] if len(matching) == 1 else None


def is_compiled(file: str) -> bool:
    """Whether a module came from something else than its source: an extension, or bytecode alone."""
    return not file.endswith(".py")


def source_of(file: str) -> str:
    """What a module was made from, where it was made: of `core.cpython-312-x86_64-linux-gnu.so`, `core.py`."""
    if not is_compiled(file):
        return file
    folder, name = os.path.split(file)
    return os.path.join(folder, name.partition(".")[0] + ".py")


def inside_of(findings: Iterable[Finding]) -> Inside:
    """What the findings ask to be told of inside the functions of the plan."""
    given = [finding.options for finding in findings]
    return Inside(*(frozenset(str(name) for one in given for name in one.get(what, ())) for what in Inside._fields))


def _dotted(path: str) -> tuple[str, ...]:
    """`vllm/v1/core/__init__.py` and `vllm/v1/core.py` are both (vllm, v1, core)."""
    parts = path.replace("\\", "/").removesuffix(".py").split("/")
    return tuple(parts[:-1] if parts[-1] == "__init__" else parts)


def read_plan(file: str) -> Plan:
    with open(file, encoding="utf-8") as text:
        return Plan(json.load(text))


def probe_names(findings: Iterable[Finding]) -> list[str]:
    return sorted({finding.probe for finding in findings})
