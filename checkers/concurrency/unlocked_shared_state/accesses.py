"""Every place where functions use state that has a lock beside it, in an object or a file, and what is held there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from llmlint.code.domain.lock_steps import is_lock_type
from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import attribute_of
from llmlint.code.facts.facts import Effect, Region
from llmlint.code.facts.gists import CHANGING
from llmlint.code.link.exits import chain
from llmlint.code.link.program import AttributeInfo, ClassInfo, FunctionInfo, Program, root_of

_SAFE_TYPES = re.compile(
    r"Queue|Event|Lock|Semaphore|Condition|atomic|mutex|condition_variable|Thread|thread|local\b|Executor|Barrier|once_flag"
)
_RANKS = ("read", "test", "loop", "write")


class Holder(msgspec.Struct, frozen=True):
    """Who has the state and the locks: the objects of a class (`cls`), or a file. `kept` is the state that is no lock
    and not safe by itself, as its functions write it: `self.sessions`, or `sessions` in a file."""

    cls: ClassInfo | None
    functions: tuple[FunctionInfo, ...]
    locks: list[str]
    kept: frozenset[str]

    @property
    def is_python(self) -> bool:
        return self.functions[0].language == "python"


class Access(msgspec.Struct, frozen=True):
    """`kind` is write, loop (walks over it), test (a condition asks it) or read; `effect` is set for a write.

    `path` is the state itself, or what of it is meant; locals that stand for it are followed, so the path of a read may
    well be read later than it was taken.
    """

    function: FunctionInfo
    state: str
    kind: str
    path: str
    line: int
    region: int
    held: frozenset[str]
    effect: Effect | None = None

    @property
    def is_direct(self) -> bool:
        return self.path == self.state


def holders(program: Program) -> Iterator[Holder]:
    for cls in program.asked.classes:
        locks = locks_of(program, cls)
        if locks and cls.functions:
            kept = (a.name for a in cls.attributes.values() if not _SAFE_TYPES.search(f"{a.source} {a.annotation}"))
            names = frozenset(f"self.{name}" for name in kept)
            yield Holder(cls, cls.functions, [f"self.{lock.name}" for lock in locks], names)
    for module in program.asked.functions:
        if module.name == "<module>":
            yield from _of_file(program, module)


def locks_of(program: Program, cls: ClassInfo) -> list[AttributeInfo]:
    """The attributes of a class that are locks for threads. Tasks of one event loop need none between two awaits."""
    return [a for a in cls.attributes.values() if is_lock_type(program, cls.path, f"{a.source} {a.annotation}")]


def _of_file(program: Program, module: FunctionInfo) -> Iterator[Holder]:
    """The globals of a file that has a lock among them."""
    types: dict[str, str] = {}
    for effect in module.effects:
        if effect.op in ("assign", "bind", "clear") and effect.path.isidentifier():
            types.setdefault(effect.path, f"{effect.source} {effect.annotation}")
    locks = [name for name, text in types.items() if is_lock_type(program, module.path, text)]
    functions = tuple(f for f in program.functions_in(module.path) if f is not module)
    if locks and functions:
        kept = frozenset(name for name, text in types.items() if not _SAFE_TYPES.search(text))
        yield Holder(None, functions, locks, kept)


def accesses_of(holder: Holder, locks: Locks) -> dict[str, list[Access]]:
    """By state, in source order, each line once. What only runs while the object is made is left out."""
    found: dict[tuple[str, FunctionInfo, int], Access] = {}
    for function in holder.functions:
        if not _mentions(function, holder) or locks.is_single_threaded(function):
            continue
        for access in _in(function, holder, locks):
            key = (access.state, function, access.line)
            if key not in found or _RANKS.index(found[key].kind) < _RANKS.index(access.kind):
                found[key] = access
    by_state: dict[str, list[Access]] = {}
    for access in found.values():
        by_state.setdefault(access.state, []).append(access)
    return by_state


def _mentions(function: FunctionInfo, holder: Holder) -> bool:
    """Does the function use any of the state? Most functions of a file don't."""
    read = (path for path, _ in function.reads)
    changed = (effect.path for effect in function.effects if effect.op in CHANGING)
    return any(_state_of(path, holder) in holder.kept for path in (*read, *changed))


def _in(function: FunctionInfo, holder: Holder, locks: Locks) -> Iterator[Access]:
    own = _own_names(function) if holder.cls is None else frozenset()

    def access(kind: str, path: str, effect: Effect | None = None, asked: int = 0) -> Iterator[Access]:
        state = _state_of(path, holder)
        if state in holder.kept and state not in own:
            line = effect.line if effect else function.regions[asked].line
            region = effect.region if effect else function.regions[asked].parent
            held = locks.held(function, effect, asked)
            if held or not _is_in_lambda(function, region):
                yield Access(function, state, kind, path, line, region, held, effect if kind == "write" else None)

    for effect in function.effects:
        if effect.op in CHANGING:
            yield from access("write" if _changes(holder, effect) else "read", effect.path, effect)
        for path in _read_by(effect):
            yield from access("read", path, effect)
    for at, region in enumerate(function.regions):
        for path in function.reads_of(region):
            if _names(function, region, _state_of(path, holder)):
                kind = "loop" if region.kind == "loop" and region.text.startswith("for ") else "test"
                yield from access(kind, path, asked=at)


def _state_of(path: str, holder: Holder) -> str:
    if holder.cls is None:
        return root_of(path)
    return f"self.{attribute_of(path)}"


def _own_names(function: FunctionInfo) -> frozenset[str]:
    """Parameters and locals, which a global of the same name is hidden behind."""
    bound = (effect.path for effect in function.effects if effect.op == "bind")
    return frozenset((*bound, *(param.name for param in function.facts.params)))


def _names(function: FunctionInfo, region: Region, state: str) -> bool:
    """Does the region's header name the state itself, and not a local that was taken of it before?"""
    names = {state.removeprefix("self."), *_aliases(function, state)}
    return any(re.search(rf"\b{re.escape(name)}\b", region.text) for name in names)


def _aliases(function: FunctionInfo, state: str) -> set[str]:
    """The locals that stand for the state all along; what is swapped for another is the function's own by then."""
    if any(effect.op in ("assign", "clear") and effect.path == state for effect in function.effects):
        return set()
    return {e.path for e in function.effects if e.op == "bind" and e.value == "path" and e.source == state}


def _is_in_lambda(function: FunctionInfo, region: int) -> bool:
    """A lambda may be called where the lock is held, wherever it is written."""
    return any(function.regions[at].kind == "lambda" for at in chain(function, region))


def _changes(holder: Holder, effect: Effect) -> bool:
    """The state itself, or a count in what it holds, which is read and written back; a method of an object of the
    program's own is no change, whatever its name."""
    state = _state_of(effect.path, holder)
    if effect.op == "assign" and effect.via and effect.path.startswith(f"{state}["):
        return True
    if effect.op not in CHANGING or effect.path != state:
        return False
    known = holder.cls.attributes.get(attribute_of(effect.path)) if holder.cls is not None else None
    return known is None or known.class_of is None or not effect.callee


def _read_by(effect: Effect) -> Iterator[str]:
    yield from effect.reads
    for argument in effect.args:
        yield from (argument.path, *argument.reads)
    yield from (effect.callee.rpartition(".")[0], effect.key)
    if effect.op in ("return", "yield"):
        yield effect.path
