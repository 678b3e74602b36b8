"""LLM949: C and C++ assertions about a value from outside: whoever writes the file or the message ends the process.

So does whoever writes a request, where a function that refuses requests by returning asserts about another part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.facts.facts import Effect, Function
from llmlint.code.facts.native_tests import UNSET, inside_casts, truth_of
from llmlint.code.facts.native_tests import place_of as value_place
from llmlint.code.flow.arrivals import Arrival, way_of
from llmlint.code.flow.outside import arrivals_in
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import functions_of
from llmlint.findings import Place, Report, Step

_FROM_STRANGERS = ("number in a file or message", "number in a request", "key of a file")
_OF_TESTS = ("ASSERT_", "EXPECT_")
_REQUEST = re.compile(r"[rR]equest\b *(?:const *)?&?$")
_RETURNS = re.compile(r"\breturn\b")
_CALLED = re.compile(r"\b([A-Z]\w+)\(")
_DEEPEST = 2
_ASSERTS = re.compile(r"^(?:\w+_)?(?:assert|ASSERT|CHECK)$")
_LEFT_OUT = re.compile(r"^assert$|(?:^|_)D(?:CHECK|ASSERT)(?:_[A-Z]{2})?$|DEBUG_ASSERT|assert_debug|dbg_assert")
"""What a build for use is compiled without."""
_FILLED = frozenset({"push_back", "emplace_back", "insert", "emplace"})


def check_file(file: SourceFile) -> Iterator[Report]:
    for arrival in arrivals_in(file):
        is_trial = arrival.by.startswith(_OF_TESTS)
        is_meant = arrival.how == "assert" and not is_trial and arrival.source.what in _FROM_STRANGERS
        if is_meant and not _returns(file.text, arrival.by):
            yield _report(file, arrival)
    for function in file.facts.functions:
        yield from _refusing(file, function)


def _returns(text: str, macro: str, deep: int = _DEEPEST) -> bool:
    """Is it defined in this file, itself or by another macro, as a test that leaves the function by returning?"""
    defined = re.search(rf"^[ \t]*#[ \t]*define[ \t]+{macro}\([^)]*\)((?:[^\n]*\\\r?\n)*[^\n]*)", text, re.MULTILINE)
    if defined is None:
        return False
    body = defined[1]
    if _RETURNS.search(body):
        return True
    return deep > 0 and any(_returns(text, other, deep - 1) for other in set(_CALLED.findall(body)) - {macro})


def _doubts(file: SourceFile, arrival: Arrival) -> str:
    if _LEFT_OUT.search(arrival.by):
        return "a build without debug checks leaves it out"
    if container := _counted_with(arrival):
        return f"it is compared with how many the function itself has put into {container}"
    around = [arrival.function, *_callers(file, arrival.function.name)]
    if not any(_refuses(node) for function in around for node in tree.walk_own(function)):
        return "nothing around it refuses what comes in by another way than to end the process"
    return ""


def _counted_with(arrival: Arrival) -> str:
    """A container that the function fills, whose size the assertion asks for."""
    asked = (n.function for n in tree.walk(arrival.at) if isinstance(n, tree.Call))
    sized = {value_place(f.value) for f in asked if isinstance(f, tree.Attribute) and f.name == "size"}
    for node in tree.walk_own(arrival.function) if sized else ():
        match node:
            case tree.Call(function=tree.Attribute(value=value, name=name)) if name in _FILLED:
                if value_place(value) in sized:
                    return value_place(value)
            case tree.Call(args=args) if node is not arrival.at:
                if handed := sized.intersection(map(value_place, args)):
                    return min(handed)
    return ""


def _callers(file: SourceFile, name: str) -> Iterator[tree.Function]:
    for function in functions_of(file.tree):
        called = (node.function for node in tree.walk_own(function) if isinstance(node, tree.Call))
        if any(tree.path_of(path).rpartition(".")[2] == name for path in called):
            yield function


def _refuses(node: tree.Node) -> bool:
    """Does it leave by an exception, or by returning nothing, false or what is below zero?"""
    match node:
        case tree.Raise():
            return True
        case tree.Return(value=value) if value is not None:
            value = inside_casts(value)
            return truth_of(value) == UNSET or (isinstance(value, tree.Unary) and value.op == "-")
    return False


def _report(file: SourceFile, arrival: Arrival) -> Report:
    place, source = arrival.place, arrival.source
    doubts = _doubts(file, arrival)
    return Report(
        place_of(arrival.at),
        qualname_at(file.facts, arrival.at.line),
        f"{arrival.by} ends the process where {place} ({source.what}) is not what is expected",
        (
            Step("", source.at.line, f"it comes in by {source.call}()"),
            *way_of(arrival),
            Step("", arrival.at.line, f"{arrival.by} is all that looks at it"),
        ),
        confidence="low" if doubts else "medium",
        reason=doubts or "nothing else asks about the value on the way",
        subject=place,
        fix="refuse the file or the message with an error that the caller can report",
    )


# ---------------------------------------------------------------- requests


def _refusing(file: SourceFile, function: Function) -> Iterator[Report]:
    """Asserts about what a request holds, in a function that answers for other parts of it by returning."""
    asserts = [e for e in function.effects if e.op == "call" and _ASSERTS.match(_bare(e.path))]
    request = next((p for p in function.params if _REQUEST.search(p.annotation)), None)
    if not asserts or request is None or file.facts.language == "python":
        return
    refused = _refused_at(function, request.name)
    for effect in asserts if refused else ():
        place = next((path for path in effect.reads if _holds(path, _made_of(function, request.name, effect))), "")
        if place and not _is_asked(function, place, effect.line):
            yield _of_request(function, effect, place, request.name, refused)


def _refused_at(function: Function, request: str) -> int:
    """The line of the first test of the request whose branch returns."""
    leaving = {effect.region for effect in function.effects if effect.op == "return"}
    tests = (r for at, r in enumerate(function.regions) if at in leaving and r.kind == "if")
    return next((r.line for r in tests if any(_holds(path, {request}) for path in r.reads)), 0)


def _made_of(function: Function, request: str, until: Effect) -> set[str]:
    """The request, and the locals that hold something of it by then."""
    made = {request}
    for effect in function.effects:
        if effect is until:
            break
        is_local = effect.op in ("bind", "insert") and "." not in effect.path
        if is_local and any(_holds(path, made) for path in effect.reads):
            made.add(effect.path)
    return made


def _holds(path: str, names: set[str]) -> bool:
    return re.split(r"[.\[]", path, maxsplit=1)[0] in names


def _is_asked(function: Function, place: str, line: int) -> bool:
    """Does a test before speak of the same place, or of what is reached by it?"""
    bare = place.removesuffix("()").rpartition(".")[0] if place.endswith("()") else place
    return any(
        r.line < line and r.kind in ("if", "and", "else") and any(path.startswith(bare) for path in r.reads)
        for r in function.regions
    )


def _of_request(function: Function, effect: Effect, place: str, request: str, refused: int) -> Report:
    return Report(
        Place("", effect.line, effect.column, effect.line, effect.column + len(_bare(effect.path))),
        function.qualname,
        f"{_bare(effect.path)} ends the process where {place}, which {request} brings, is not what is expected",
        (
            Step("", refused, f"{request} is refused here by returning"),
            Step("", effect.line, f"{_bare(effect.path)} is all that looks at {place}"),
        ),
        confidence="medium",
        reason="the same function refuses other requests without ending the process",
        subject=place,
        fix="refuse the request as the function does above",
        mechanism="asserted_input.request",
    )


def _bare(path: str) -> str:
    return path.lstrip("~").rpartition(".")[2]
