"""What pyrefly says that calls run, read from the report it writes for Pysa.

A report has one file for each module, with the calls of each function by where they stand, and one with the functions
that the module defines.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.program import Program

_TARGETS = ("call_targets", "init_targets", "new_targets")
_LONGEST_HEAD = 30
"""Lines between a decorator and the name of what it decorates."""


class Said(NamedTuple):
    """What is said of one call: functions of the program, and whether anything outside of it."""

    inside: frozenset[FunctionInfo]
    outside: bool


class _Target(NamedTuple):
    function: tuple[int, str]
    name: str


class Oracle:
    """`root` is the tree that was reported on."""

    def __init__(self, report: Path, root: Path, program: Program) -> None:
        self._root = f"{root.resolve()}/"
        self._program = program
        modules = _decoded(report / "pyrefly.pysa.json")["modules"].values()
        self._paths = {module["module_id"]: _source(module) for module in modules}
        self._named: dict[tuple[str, str], list[FunctionInfo]] = {}
        for function in program.functions:
            self._named.setdefault((function.path, function.name), []).append(function)
        self._defined = dict(self._definitions(report))
        self._calls = dict(self._all_calls(report))

    def of(self, path: str, line: int, column: int, name: str) -> Said | None:
        """What the call of a name that begins there runs, None where the report has no call."""
        calls = self._calls.get((path, line, column))
        if calls is None:
            return None
        makers = () if name == "super" else ("__init__", "__new__")
        targets = [t for call in calls for t in call if t.name in (name, *makers) or len(calls) == 1]
        inside = (self._defined.get(target.function) for target in targets)
        found = frozenset(function for function in inside if function is not None)
        return Said(found, len(targets) > len(found))

    def _definitions(self, report: Path) -> Iterator[tuple[tuple[int, str], FunctionInfo]]:
        for file in sorted((report / "definitions").iterdir()):
            module = _decoded(file)
            path = self._paths.get(module["module_id"], "").removeprefix(self._root)
            for identity, definition in module["function_definitions"].items():
                line = int(definition.get("name_location", "0:").partition(":")[0])
                function = self._at(path, definition["name"], line)
                if function is not None:
                    yield (module["module_id"], identity), function

    def _at(self, path: str, name: str, line: int) -> FunctionInfo | None:
        near = [f for f in self._named.get((path, name), ()) if 0 <= line - f.facts.line < _LONGEST_HEAD]
        return max(near, key=lambda function: function.facts.line, default=None)

    def _all_calls(self, report: Path) -> Iterator[tuple[tuple[str, int, int], list[list[_Target]]]]:
        found: dict[tuple[str, int, int], list[list[_Target]]] = {}
        for file in sorted((report / "call_graphs").iterdir()):
            module = _decoded(file)
            path = self._paths.get(module["module_id"], "")
            if not path.startswith(self._root):
                continue
            for graph in module["call_graphs"].values():
                for location, expression in graph.items():
                    if "|" not in location and "Call" in expression:
                        line, column = location.partition("-")[0].split(":")
                        place = (path.removeprefix(self._root), int(line), int(column))
                        found.setdefault(place, []).append(list(_targets(expression["Call"])))
        return iter(found.items())


def _targets(call: dict[str, Any]) -> Iterator[_Target]:
    for kind in _TARGETS:
        for entry in call.get(kind, ()):
            for target in entry["target"].values():
                if isinstance(target, dict) and "function_id" in target:
                    yield _Target((target["module_id"], target["function_id"]), target["function_name"])


def _source(module: dict[str, Any]) -> str:
    source = module["source_path"]
    return str(source.get("FileSystem", "")) if isinstance(source, dict) else ""


def _decoded(file: Path) -> Any:
    return msgspec.json.decode(file.read_bytes())


def asked(root: Path, program: Program) -> tuple[Oracle, str]:
    """Runs pyrefly over a tree; also which version it was."""
    command = shutil.which("pyrefly", path=str(Path(sys.executable).parent)) or "pyrefly"
    version = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="llmlint-oracle-") as scratch:
        report = Path(scratch) / "report"
        arguments = ["check", "--report-pysa", str(report), "--report-pysa-format", "json"]
        roots = [f"--search-path={folder}" for folder in _import_roots(root)]
        subprocess.run([command, *arguments, *roots], cwd=root, capture_output=True, check=False)
        return Oracle(report, root, program), version


def _import_roots(root: Path) -> list[Path]:
    """The folders that the tree's packages stand in: without them an import of the tree's own code leads nowhere."""
    packages = {init.parent for init in root.rglob("__init__.py")}
    return sorted({root, *(package.parent for package in packages if package.parent not in packages)})
