"""What is known of every call of a program, as shares."""

from __future__ import annotations

import builtins
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from llmlint.code.facts.effects import facts_of
from llmlint.code.facts.facts import FileFacts
from llmlint.code.link.entities import Call, FunctionInfo
from llmlint.code.link.program import Program
from llmlint.code.syntax.cpp import read_cpp
from llmlint.code.syntax.errors import Unreadable
from llmlint.code.syntax.python import read_python
from llmlint.code.syntax.recursion import room_for_calls
from llmlint.vocabulary_file import load_vocabulary

KINDS = {
    "resolved": "runs a function of the program",
    "made": "makes an object of a class of the program that has no constructor",
    "builtin": "a function or method of Python's own",
    "library": "leads out of the program, by its import or by the class of what it is called on",
    "from a library": "called on what a library's call gave, whose class is the library's secret",
    "no such method": "called on an object of a class of the program that has no such method",
    "unknown receiver": "called on an object of which nothing is known",
    "unknown function": "a plain name of which nothing is known, or only that it is some function or class",
    "expression": "called on something that has no name, such as a text or an arithmetic expression",
}


MAY_RUN_OURS = ("resolved", "no such method", "unknown receiver", "unknown function")
"""Calls that run a function of the program, or that nothing says lead elsewhere: what there is to resolve."""

_UNSAID = frozenset({"Callable", "type"})
"""Types of a function or a class that do not say which."""


class Linked(NamedTuple):
    program: Program
    targets: dict[Call, tuple[FunctionInfo, ...]]
    seconds: float
    """CPU seconds of linking and of resolving every call once."""


class Shares(msgspec.Struct, frozen=True):
    files: int
    lines: int
    calls: int
    cpu_seconds: float
    counts: dict[str, int]

    @property
    def may_run_ours(self) -> int:
        return sum(self.counts[kind] for kind in MAY_RUN_OURS)


def linked(files: dict[str, FileFacts]) -> Linked:
    started = time.process_time()
    program = Program(files, load_vocabulary())
    calls = [Call(f, e) for f in program.functions for e in f.effects if e.callee]
    targets = {call: program.callees(*call) for call in calls}
    return Linked(program, targets, time.process_time() - started)


def read_files(root: Path, paths: Iterable[Path]) -> dict[str, FileFacts]:
    return {str(path.relative_to(root)): facts for path in paths if (facts := _facts(path)) is not None}


@room_for_calls(5000)
def _facts(path: Path) -> FileFacts | None:
    data = path.read_bytes()
    try:
        text, tree = read_python(data) if path.suffix in (".py", ".pyi") else read_cpp(data, _language(path))
        return facts_of(tree, text)
    except (Unreadable, RecursionError):
        return None


def _language(path: Path) -> str:
    return {".cu": "cuda", ".cuh": "cuda", ".c": "c"}.get(path.suffix, "cpp")


def shares_of(one: Linked) -> Shares:
    counts = Counter(kind_of(one, call) for call in one.targets)
    files = one.program.files
    return Shares(
        files=len(files),
        lines=sum(facts.lines for facts in files.values()),
        calls=len(one.targets),
        cpu_seconds=round(one.seconds, 2),
        counts={kind: counts[kind] for kind in KINDS},
    )


def kind_of(one: Linked, call: Call) -> str:
    if one.targets[call]:
        return "resolved"
    callee = call.effect.callee
    if callee.startswith("?"):
        return "expression"
    name = one.program.name_called(*call)
    if name.rpartition(".")[2] in _UNSAID and name.rpartition(".")[2] != callee.rpartition(".")[2]:
        return "unknown function"
    if name:
        return _kind_of_name(one.program, name)
    receiver = callee.rpartition(".")[0]
    if not receiver:
        return "unknown function"
    return "no such method" if one.program.class_of(call.function, receiver) is not None else "unknown receiver"


def _kind_of_name(program: Program, name: str) -> str:
    first = name.partition(".")[0].removesuffix("()")
    if hasattr(builtins, first) or first in ("deque", "defaultdict", "OrderedDict"):
        return "builtin"
    if any(cls.full_name == name for cls in program.classes_named(name)):
        return "made"
    return "from a library" if "()" in name or "[" in name else "library"
