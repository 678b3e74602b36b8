"""LLM948: what was cleared, or moved away, and is read afterwards as if it still held something.

A clear counts where every way to the reading leads through it and nothing fills again between. A move counts on any
way; where the call that takes the value tells by its result whether it did, on those where it says yes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect, Test
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.flow.graph import ENTRY, Edge
from llmlint.code.flow.paths import PLAIN
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report

_MOVE = "std.move"
_ONWARDS = PLAIN - {"back"}
_POINTER = re.compile(r"\b(?:unique_ptr|shared_ptr)\s*<")
_CONTAINER = re.compile(r"\b(?:vector|deque|string|(?:unordered_)?(?:multi)?(?:map|set))\b")
_SHARED = re.compile(r"[&*]\s*$")
_ELEMENTS = frozenset("size front back data at begin rbegin c_str length pop items values keys".split())
_OF_POINTERS = frozenset("get reset swap release use_count operator".split())
_PYTHON_READERS = frozenset("len sum max min sorted list tuple enumerate any all dict set".split())


class _Emptied(NamedTuple):
    """`at` is the effect that does it, `place` what holds nothing from there on."""

    function: FunctionInfo
    at: int
    place: str
    moved: str = ""
    is_pointer: bool = False

    @property
    def effect(self) -> Effect:
        return self.function.effects[self.at]


def check_program(program: Program) -> Iterator[Report]:
    asked = {function for name in ("clear", "move") for function, _ in program.calls_named(name)}
    for function in sorted(asked, key=lambda function: function.order):
        told: set[int] = set()
        for emptied in _emptied_in(program, function):
            read = _read_after(emptied)
            if read is not None and read.line not in told:
                told.add(read.line)
                yield _report(program, emptied, read)


def _emptied_in(program: Program, function: FunctionInfo) -> Iterator[_Emptied]:
    for at, effect in enumerate(function.effects):
        if effect.op == "clear" and effect.via == "clear" and not _is_copied(function, effect.path):
            yield _Emptied(function, at, effect.path)
        elif effect.op == "call" and effect.path == _MOVE and effect.args and effect.args[0].path.isidentifier():
            yield from _moved(program, function, at, effect.args[0].path)


def _is_copied(function: FunctionInfo, place: str) -> bool:
    """C++: what is declared by value from it keeps what it held; facts follow it as if it were the same."""
    return function.language != "python" and any(
        _is_within(path, place) and not _SHARED.search(e.annotation) for e in _named(function) for path in _sources(e)
    )


def _named(function: FunctionInfo) -> Iterator[Effect]:
    """Where a local name is made for what stands elsewhere."""
    return (e for e in function.effects if e.op == "bind" and e.value == "path" and e.via != "for")


def _sources(effect: Effect) -> tuple[str, ...]:
    return (effect.source, *effect.reads)


def _moved(program: Program, function: FunctionInfo, at: int, name: str) -> Iterator[_Emptied]:
    declared = _type_of(function, name)
    if _POINTER.search(declared):
        yield _Emptied(function, at, name, name, True)
    elif _CONTAINER.search(declared):
        yield _Emptied(function, at, name, name)
    else:
        cls = program.class_of(function, name)
        for field in cls.facts.fields if cls is not None else ():
            place = f"{name}.{field.name}"
            if (_POINTER.search(field.annotation) or _CONTAINER.search(field.annotation)) and not _is_copied(
                function, place
            ):
                yield _Emptied(function, at, place, name, bool(_POINTER.search(field.annotation)))


def _type_of(function: FunctionInfo, name: str) -> str:
    for param in function.facts.params:
        if param.name == name:
            return param.annotation.removesuffix("&").removesuffix("&")
    for effect in function.effects:
        if effect.op == "bind" and effect.path == name and effect.via != "for":
            made = {"std.make_unique": "unique_ptr<", "std.make_shared": "shared_ptr<"}.get(effect.source, "")
            return made or (effect.source if effect.via == "declare" else effect.annotation)
    return ""


def _is_within(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))


# ---------------------------------------------------------------- who reads it


def _read_after(emptied: _Emptied) -> Effect | None:
    function = emptied.function
    reads = [at for at, effect in enumerate(function.effects) if at > emptied.at and _reads(emptied, effect)]
    lines = emptied.effect.line
    reads = [at for at in reads if function.effects[at].line > lines]
    tested = [r for r, region in enumerate(function.regions) if region.line > lines and _asks(emptied, region.test)]
    element = _element(emptied)
    if not (reads or tested) or element is None:
        return None
    paths = paths_of(function, body_of(function, emptied.effect.region))
    graph = paths.graph
    goals = {node: function.effects[at] for at in reads for node in graph.nodes_of(at)}
    for region in tested:
        line = function.regions[region].line
        goals |= {node: Effect("test", emptied.place, line, 1) for node in graph.asked.get(region, ())}
    fills = {node for node in range(len(graph.nodes)) if _fills(emptied, graph.effect(node), element)}
    starts = graph.nodes_of(emptied.at)
    way = paths.find(starts, goals, fills.__contains__, kinds=_ONWARDS, refuses=_not_taken(emptied))
    if way is None:
        return None
    read = way.nodes[-1]
    if not emptied.moved:
        between = paths.reached(starts, set(starts).__contains__) & paths.leading_to({read})
        around = paths.find([ENTRY], {read}, set(starts).__contains__)
        if around is not None or not fills.isdisjoint(between - {read}):
            return None
    return goals[read]


def _element(emptied: _Emptied) -> str | None:
    """The one name that an element is known by, "" for what is no element; None where it may be several."""
    whole, within, _ = emptied.place.rpartition("[]")
    if not within:
        return ""
    names = [e.path for e in emptied.function.effects if e.op == "bind" and e.source == f"{whole}[]"]
    return names[0] if len(names) == 1 else None


def _not_taken(emptied: _Emptied) -> Callable[[Edge], bool]:
    """Is this the branch on which the call that was given the value says that it did not take it?"""

    def refuses(edge: Edge) -> bool:
        test, holds = edge.test, edge.holds
        while test is not None and test.op == "not":
            test, holds = test.args[0], not holds
        return test is not None and not holds and test.op == "call" and _gives_away(test, emptied.moved)

    return refuses if emptied.moved else lambda edge: False


def _gives_away(test: Test, name: str) -> bool:
    is_move = test.op == "call" and test.path == _MOVE and any(arg.path == name for arg in test.args)
    return is_move or any(_gives_away(arg, name) for arg in test.args)


def _asks(emptied: _Emptied, test: Test | None) -> bool:
    if test is None or not emptied.is_pointer:
        return False
    is_read = test.op == "path" and _reads_through(emptied, test.path)
    return is_read or any(_asks(emptied, arg) for arg in test.args)


def _reads(emptied: _Emptied, effect: Effect) -> bool:
    if "std.move()" in effect.reads:
        return False
    place = emptied.place
    receiver, _, method = effect.callee.rpartition(".")
    if emptied.is_pointer:
        written = (effect.path,) if effect.op == "assign" else ()
        return any(_reads_through(emptied, path) for path in (*effect.reads, effect.callee, *written) if path)
    if receiver == place and method in _ELEMENTS:
        return True
    if emptied.function.language == "python" and effect.callee in _PYTHON_READERS:
        return any(arg.path == place for arg in effect.args)
    return (
        effect.op == "bind"
        and effect.via == "for"
        and effect.source == f"{place}[]"
        and not _walks_copy(emptied, effect)
    )


def _walks_copy(emptied: _Emptied, effect: Effect) -> bool:
    """Does the loop go over a name that was made of it, as by `list(…)`? It has the same elements."""
    walked = emptied.function.regions[effect.region].text.rpartition(" in ")[2]
    return any(e.op == "bind" and e.path == walked and e.value != "path" for e in emptied.function.effects)


def _reads_through(emptied: _Emptied, path: str) -> bool:
    if not path.startswith(f"{emptied.place}."):
        return False
    first = path.removeprefix(f"{emptied.place}.").partition(".")[0]
    return first.removesuffix("()") not in _OF_POINTERS and not any(
        _is_within(path, source) for e in _named(emptied.function) for source in _sources(e) if "." in source
    )


def _fills(emptied: _Emptied, effect: Effect | None, element: str) -> bool:
    """May the place hold something again behind this, or be another one?"""
    if effect is None or effect is emptied.effect:
        return False
    place = emptied.place
    if effect.op in ("bind", "assign", "insert", "clear", "delete"):
        if effect.path and (_is_within(place, effect.path) or effect.path == element):
            return True
    if effect.via == "await" or effect.op in ("await", "yield"):
        return not place.isidentifier()
    if not effect.callee or _reads(emptied, effect):
        return False
    receiver, _, method = effect.callee.rpartition(".")
    if any(arg.path and _is_within(place, arg.path.lstrip("&*")) for arg in effect.args):
        return True
    if not receiver:
        return effect.callee.startswith("~") or _is_local(emptied.function, effect.callee)
    return _is_within(place, receiver) and not (receiver == place and method == "empty")


def _is_local(function: FunctionInfo, name: str) -> bool:
    return any(e.op == "bind" and e.path == name for e in function.effects)


# ---------------------------------------------------------------- the report


def _report(program: Program, emptied: _Emptied, read: Effect) -> Report:
    function, place = emptied.function, emptied.place
    done = f"{emptied.moved} is moved away" if emptied.moved else f"{place} is cleared"
    return Report(
        program.place(function, read),
        symbol_of(function),
        f"{place} is read here, and holds nothing any more: {done} before",
        (
            program.step(function, emptied.effect, f"{done} here"),
            program.step(function, read, f"{place} is read"),
        ),
        confidence="medium",
        reason="nothing on the way gives it a value again",
        subject=place,
        fix="read it first, and keep what is needed afterwards",
        mechanism="read_after_emptied." + ("moved" if emptied.moved else "cleared"),
    )
