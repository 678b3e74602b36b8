"""LLM946: C and C++ sizes, indices and offsets that came from outside and that nothing bounds from above.

`half`: a copy whose start is compared with the end of what it reads, and whose length is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.facts.facts import Argument, Effect, Function, Region
from llmlint.code.facts.native_tests import SET, UNSET, told_by
from llmlint.code.facts.native_tests import place_of as value_place
from llmlint.code.flow.arrivals import LENGTH, OF_OTHERS, TRUSTED, Arrival, way_of
from llmlint.code.flow.outside import arrivals_in
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Place, Report, Step

_USED = {
    "size": "is the size that {by} is given",
    "wrapped": "is a part of the size that {by} is given, which may wrap",
    "index": "is an index into {by}",
    "pointer": "moves the pointer {by}",
    "rounds": "is the end of a loop around {by}",
    "past": "is the end of a loop over {by}, an array of a fixed size",
    "shift": "is how far a number is shifted",
    "thrown": "is what {by} is asked for, uncaught",
}
_UNREAD = frozenset({"rounds", "past", "shift", "thrown"})
_THROW = frozenset({"resize()", "reserve()", "vector()"})
_COPIES = frozenset("memcpy memmove assign append write string fwrite".split())
_CHECKS = re.compile(r"check|valid|verify|require|assert|ensure|expect", re.IGNORECASE)
_KEY = "key of a file"
_ALLOCATES = re.compile(r"(?:malloc|alloca|realloc|MALLOC)\(\)$")
_WIDE = re.compile(r"64|\blong\b|size_t\b|ptrdiff_t\b|streamsize\b|streamoff\b")


def check_file(file: SourceFile) -> Iterator[Report]:
    for arrival in arrivals_in(file):
        if arrival.how in _USED and arrival.source.what != _KEY and not _is_of_what_is_read(arrival):
            yield _report(file, arrival)
    for function in file.facts.functions if file.facts.language != "python" else ():
        yield from _half_asked(function)


def _is_of_what_is_read(arrival: Arrival) -> bool:
    """Does a file tell how long it is, and is read for so long behind that? So much is there, whatever stands in it."""
    asked = arrival.source.at
    if arrival.source.what != LENGTH or arrival.how != "size" or not isinstance(asked, tree.Call):
        return False
    told_by = _known_as(arrival.function, set(map(value_place, _parts(asked))) - {""})
    size = _known_as(arrival.function, {arrival.place})
    calls = (n for n in tree.walk(arrival.function) if isinstance(n, tree.Call) and n.line > asked.line)
    return any(
        not told_by.isdisjoint(map(value_place, _parts(call)))
        and any(value_place(inner) in size for arg in call.args for inner in tree.walk(arg))
        for call in calls
    )


def _parts(call: tree.Call) -> list[tree.Node]:
    """What a call is made on, and what it is given."""
    return [call.function.value, *call.args] if isinstance(call.function, tree.Attribute) else list(call.args)


def _known_as(function: tree.Function, names: set[str]) -> set[str]:
    """A place with the names that the function gives it later."""
    for node in tree.walk(function):
        if isinstance(node, tree.Assign) and not node.op and value_place(node.value) in names:
            names |= {target.id for target in node.targets if isinstance(target, tree.Name)}
    return names


def _report(file: SourceFile, arrival: Arrival) -> Report:
    used = _USED[arrival.how].format(by=arrival.by)
    source = arrival.source
    one_sided = (Step("", arrival.asked.line, "it is tested here, from one side only"),) if arrival.asked else ()
    confidence, reason = _sure(arrival)
    return Report(
        place_of(arrival.at),
        qualname_at(file.facts, arrival.at.line),
        f"{arrival.place} ({source.what}) {used}, and nothing bounds it",
        (
            Step("", source.at.line, f"it comes in by {source.call}()"),
            *way_of(arrival),
            *one_sided,
            Step("", arrival.at.line, f"{arrival.place} {used}"),
        ),
        confidence=confidence,
        reason=reason,
        subject=f"{arrival.place}:{arrival.how}",
        fix="compare it with what is there (the bytes left, the number of elements) before it is used, and refuse it",
        mechanism=f"unchecked_size.{OF_OTHERS.get(source.what, arrival.how)}",
    )


def _sure(arrival: Arrival) -> tuple[str, str]:
    if arrival.by in _THROW:
        return "low", "a container throws when it cannot be made that large"
    if arrival.source.what in TRUSTED:
        return "low", "what is read here may be the program's own"
    if arrival.how in _UNREAD:
        return "low", "how far it harms depends on what is done with so much"
    if _ALLOCATES.search(arrival.by) and not _WIDE.search(arrival.source.declared) and _asks_for_what_it_got(arrival):
        return "low", "the function asks whether it got so much memory, and the number is none that is known to wrap"
    return "medium", "no test on the way compares it with anything larger"


def _asks_for_what_it_got(arrival: Arrival) -> bool:
    """Is what an allocation gives tested for null behind it?"""
    made = ""
    for node in tree.walk(arrival.function):
        match node:
            case tree.Assign(targets=[target], value=value) | tree.Named(target=target, value=value) if (
                value is not None
            ):
                if any(inner is arrival.at for inner in tree.walk(value)):
                    made = value_place(target)
            case tree.If(test=test) | tree.Conditional(test=test) if made and node.line >= arrival.at.line:
                if any(place == made and told in (SET, UNSET) for place, told, _ in told_by(test, True)):
                    return True
    return False


# ---------------------------------------------------------------- one half asked


def _half_asked(function: Function) -> Iterator[Report]:
    """A copy for a length from a place on, where a test refuses the place behind the end and none asks the length."""
    for effect in function.effects:
        if effect.callee.rpartition(".")[2].lstrip("~") in _COPIES:
            for start, length in pairwise(effect.args):
                test = _refused_behind_end(function, start, effect.line)
                if test is not None and _is_handed_in(function, length.path) and not _speaks_of(function, length.path):
                    yield _of_half(function, effect, length.path, test)


def _refused_behind_end(function: Function, start: Argument, line: int) -> Region | None:
    """The test of what the copy starts at against the length of what it is copied from."""
    leaving = {effect.region for effect in function.effects if effect.op in ("raise", "return")}
    for at, region in enumerate(function.regions):
        if at in leaving and region.kind == "if" and region.line < line and len(start.reads) > 1:
            measured = {path.removesuffix(".size()") for path in region.reads if path.endswith(".size()")}
            offsets = set(start.reads) - measured
            if not measured.isdisjoint(start.reads) and not offsets.isdisjoint(region.reads):
                return region
    return None


def _is_handed_in(function: Function, path: str) -> bool:
    """A parameter or a part of one, that nothing here gives a value."""
    root = path.partition(".")[0]
    return any(p.name == root for p in function.params) and not any(
        e.op in ("bind", "assign") and e.path in (path, root) for e in function.effects
    )


def _speaks_of(function: Function, path: str) -> bool:
    root = path.partition(".")[0]
    asked = any(path in region.reads for region in function.regions)
    given = any(a.path in (path, root) for e in function.effects if _may_check(e) for a in e.args)
    return asked or given


def _may_check(effect: Effect) -> bool:
    return bool(effect.callee) and bool(_CHECKS.search(effect.callee.rpartition(".")[2]))


def _of_half(function: Function, effect: Effect, length: str, test: Region) -> Report:
    name = effect.callee.rpartition(".")[2].lstrip("~")
    return Report(
        Place("", effect.line, effect.column, effect.line, effect.column + len(effect.callee)),
        function.qualname,
        f"{name}() reads on for {length}, and only where it starts is compared with the end",
        (
            Step("", test.line, "what starts behind the end is refused here"),
            Step("", effect.line, f"{length} bytes are read from there, and nothing asked whether so many are left"),
        ),
        confidence="medium",
        reason="the function itself thinks that the place may be wrong",
        subject=length,
        fix="compare the length with what is left from there on",
        mechanism="unchecked_size.half",
    )
