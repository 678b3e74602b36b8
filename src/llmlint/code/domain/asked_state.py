"""What of the shared state a test asks, and what an effect makes of that: who asks and then acts relies on the answer.

State is known by the class that has it and its attribute, or by its path where the class is not known. A test asks it
directly, by way of a local that was looked up in it, or through a function of the program that reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import msgspec

from llmlint.code.facts.facts import Effect, Test
from llmlint.code.link.program import FunctionInfo, Program, arguments_by_parameter, root_of

State = tuple[str, str]
"""The class that has it, "" where that is not known, and its attribute; or "" and a path."""

ABSENT, PRESENT, EQUAL, COMPARED = "absent", "present", "equal", "compared"
_LOOKS_UP = frozenset({"get", "find", "count", "contains"})
_SIZES = frozenset({"len", "size", "qsize"})
_CHANGES = frozenset({"insert", "remove", "assign", "clear"})
_NOTHING = frozenset({"False", "None", "0", "false", "nullptr", "NULL", '""', "''"})


class Asked(NamedTuple):
    """On this answer the state is absent (none, false, not in), present, equal to a constant, or what a comparison or a
    function said. `key` is what was looked for in a container."""

    path: str
    how: str
    key: str = ""


class Change(NamedTuple):
    """What an effect of a function, or what it calls, does to state. `waits`: what is called awaits something first."""

    state: State
    at: Effect
    done: Effect
    waits: Effect | None = None


def name_of(path: str) -> str:
    return path.removesuffix("[]").rpartition(".")[2]


def state_of(program: Program, function: FunctionInfo, path: str) -> State:
    place = path.removesuffix("[]")
    base, dot, attribute = place.rpartition(".")
    if not dot:
        return "", f"{function.path}:{place}"
    cls = function.owner if base == "self" else program.class_of(function, base)
    if cls is None:
        return "", place
    having = [c for c in cls.mro if attribute in c.attributes]
    return (having[-1] if having else cls).full_name, attribute


# ---------------------------------------------------------------- what a test asks


def asked(program: Program, function: FunctionInfo, test: Test, holds: bool, line: int) -> Iterator[Asked]:
    """What is known of state where a test on this line holds, or does not."""
    match test.op:
        case "not":
            yield from asked(program, function, test.args[0], not holds, line)
        case "and" | "or":
            for part in test.args:  # where only one of them need hold, it may be this one
                yield from asked(program, function, part, holds, line)
        case "path":
            yield from _asked_by_name(function, test.path, PRESENT if holds else ABSENT, line)
        case "call":
            yield from _asked_by_call(program, function, test, PRESENT if holds else ABSENT, line)
        case "in" | "not in":
            how = PRESENT if holds == (test.op == "in") else ABSENT
            yield from (
                a._replace(key=test.args[0].path) for a in _asked_by_name(function, test.args[1].path, how, line)
            )
        case "is" | "is not" | "==" | "!=" if any(_is_nothing(part) for part in test.args):
            is_nothing = holds == (test.op in ("is", "=="))
            named = next((part for part in test.args if not _is_nothing(part)), test)
            yield from asked(program, function, named, not is_nothing, line) if named is not test else ()
        case "<" | "<=" | ">" | ">=" | "==" | "!=":
            is_constant = any(part.op == "constant" for part in test.args)
            how = EQUAL if test.op in ("==", "!=") and is_constant else COMPARED
            for part in test.args:
                yield from _compared(program, function, part, how, line)


def _is_nothing(part: Test) -> bool:
    return part.op == "none" or (part.op == "constant" and part.path in _NOTHING)


def _compared(program: Program, function: FunctionInfo, part: Test, how: str, line: int) -> Iterator[Asked]:
    if part.op == "path" and not part.path.endswith("[]"):
        yield from _asked_by_name(function, part.path, how, line)
    elif part.op == "call":
        yield from _asked_by_call(program, function, part, how, line)


def _asked_by_name(function: FunctionInfo, path: str, how: str, line: int) -> Iterator[Asked]:
    if not path.isidentifier() or path == "self":
        yield Asked(path, how)
        return
    bound = [e for e in function.effects if e.op == "bind" and e.path == path and e.line <= line]
    if not bound:
        yield Asked(path, how)
        return
    last = bound[-1]
    leaf = last.source.rpartition(".")[2]
    if last.value == "new" and leaf in _LOOKS_UP:
        call = next((e for e in function.effects if e.callee == last.source and e.line == last.line), None)
        yield Asked(last.source.rpartition(".")[0], how, _first_argument(call))
    elif last.value == "path" and last.source.count("."):
        yield Asked(last.source, how)
    elif last.value == "other":
        yield from (Asked(read, COMPARED) for read in last.reads if "." in read and not read.endswith("()"))


def _first_argument(call: Effect | None) -> str:
    first = call.args[0] if call is not None and call.args else None
    return (first.written or first.path or first.literal) if first is not None else ""


def _asked_by_call(program: Program, function: FunctionInfo, test: Test, how: str, line: int) -> Iterator[Asked]:
    receiver, _, leaf = test.path.rpartition(".")
    if leaf in _SIZES and (receiver or test.args):
        sized = receiver or test.args[0].path
        yield from () if sized.endswith("[]") else (Asked(sized, COMPARED),)
        return
    call = next((e for e in function.effects if e.callee == test.path and abs(e.line - line) <= 2), None)
    callees = program.callees(function, call) if call is not None else ()
    if not callees and leaf in _LOOKS_UP and receiver:
        yield Asked(receiver, how, test.args[0].path if test.args else "")
    for callee in callees:
        if not callee.facts.is_async and callee.is_method:
            yield from (Asked(path, COMPARED) for path in read_by(program, callee, receiver))


def read_by(program: Program, callee: FunctionInfo, receiver: str) -> Iterator[str]:
    """The state that a method reads, as whoever calls it on `receiver` would write it."""
    methods = _with_its_own_calls(program, callee)
    for path in dict.fromkeys(path for method in methods for path, _ in method.reads):
        if path.startswith("self.") and not path.endswith("()"):
            yield f"{receiver}{path[4:]}" if receiver != "self" else path


def _with_its_own_calls(program: Program, method: FunctionInfo) -> list[FunctionInfo]:
    """A method and those that it calls on the same object: as far as one reads who wants to know what it is about."""
    calls = (e for e in method.effects if e.op == "call" and e.path.startswith("self.") and e.path.count(".") == 1)
    return [method, *(callee for e in calls for callee in program.callees(method, e) if not callee.facts.is_async)]


# ---------------------------------------------------------------- what is done to it


def changes(program: Program, function: FunctionInfo, wanted: Collection[str], sieve: ChangedNames) -> Iterator[Change]:
    """What a function does to state of these names: by its own effects, and by the methods that it calls."""
    for effect in function.effects:
        if effect.op in _CHANGES and name_of(effect.path) in wanted:
            yield Change(state_of(program, function, effect.path), effect, effect)
        elif effect.op == "call" and not sieve.of_call(effect.path).isdisjoint(wanted):
            by = _by_coroutines if effect.via == "await" else _by_callees
            yield from by(program, function, effect, wanted)


class ChangedNames:
    """What functions of a name may change, by its names: a sieve before calls are resolved."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._by_name: dict[str, frozenset[str]] = {}

    def of(self, function: FunctionInfo) -> set[str]:
        return self._own(function).union(*(self.of_call(e.path) for e in function.effects if e.op == "call"))

    def of_call(self, callee: str) -> frozenset[str]:
        leaf = callee.rpartition(".")[2]
        if leaf not in self._by_name:
            named = [f for f in self._program.functions_named(leaf) if f.is_method]
            deeper = {e.path[5:] for f in named for e in f.effects if e.op == "call" and e.path.startswith("self.")}
            further = (f for name in deeper if "." not in name for f in self._program.functions_named(name))
            self._by_name[leaf] = frozenset(name for f in (*named, *further) for name in self._own(f))
        return self._by_name[leaf]

    def _own(self, function: FunctionInfo) -> set[str]:
        return {name_of(e.path) for e in function.effects if e.op in _CHANGES}


def _by_callees(program: Program, function: FunctionInfo, call: Effect, wanted: Collection[str]) -> Iterator[Change]:
    for callee in program.callees(function, call):
        if not callee.is_method or callee.facts.is_async or callee.name == "__init__":
            continue
        for method in _with_its_own_calls(program, callee):
            for done in method.effects:
                if done.op in _CHANGES and name_of(done.path) in wanted:
                    yield Change(state_of(program, method, done.path), call, _with_the_callers_key(method, call, done))


def _with_the_callers_key(method: FunctionInfo, call: Effect, done: Effect) -> Effect:
    """The key as the caller writes it; "" where that is another name, or what the method is not given."""
    given = arguments_by_parameter(method, call).get(root_of(done.key)) if done.key else None
    is_same = given is not None and root_of(done.key) in (given.path, given.written)
    return done if is_same else msgspec.structs.replace(done, key="")


def _by_coroutines(program: Program, function: FunctionInfo, call: Effect, wanted: Collection[str]) -> Iterator[Change]:
    """What an awaited coroutine of the program does itself, where it does not ask before."""
    for callee in program.callees(function, call):
        if not callee.facts.is_async or callee is function:
            continue
        awaited = [e for e in callee.effects if e.via == "await" or e.op == "await"]
        own = (param.name for param in callee.params)
        for effect in callee.effects:
            asks_itself = any(effect.path in region.reads for region in callee.regions)
            if (
                effect.op in ("insert", "assign")
                and effect.path.startswith("self.")
                and not effect.region | asks_itself
            ):
                waits = next((e for e in awaited if e.line <= effect.line), None)
                key = effect.key if effect.key not in own else ""
                done = msgspec.structs.replace(effect, key=key)
                yield Change(state_of(program, callee, effect.path), call, done, waits)


def takes_away(change: Change, answer: Asked) -> bool:
    """Would the same question be answered otherwise after the change?"""
    done = change.done
    is_counted = done.via in ("+=", "-=") or done.op in ("insert", "remove")
    if answer.key and done.key and answer.key != done.key:
        return False  # another entry
    if answer.how == ABSENT:
        return done.op == "insert" or (done.op == "assign" and not _gives_nothing(done))
    if answer.how == PRESENT:
        takes_key = done.op == "remove" and done.via not in ("discard", "[]") and len(done.args) < 2
        return takes_key or (done.op == "assign" and done.source in ("False", "false"))
    return is_counted or (answer.how == EQUAL and done.op == "assign" and done.value in ("constant", "path"))


def _gives_nothing(done: Effect) -> bool:
    return done.value in ("none", "empty") or (done.value == "constant" and done.source in _NOTHING)
