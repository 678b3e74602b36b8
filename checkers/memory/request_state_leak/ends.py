"""A map keyed by requests whose entry one end of the request leaves behind, while other ends remove it.

What a request enters, in the object and in what the object owns, is told by the functions that enter it, with all they
call; what an end removes likewise. An end that takes the request out of one of these places and neither takes it out of
the object's own map nor looks at it leaves an entry that nobody comes back for.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.code.domain.entries import entered, is_of_request
from llmlint.code.domain.state import is_keyed, symbol_of
from llmlint.code.flow.summaries import Done, does, mentions
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words


class Course(msgspec.Struct, frozen=True):
    """What calling a method enters and removes under a request's id, by path, and all paths that it looks at."""

    function: FunctionInfo
    enters: dict[str, Done]
    removes: dict[str, Done]
    seen: frozenset[str]


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.classes:
        maps = _maps_of_requests(program, cls)
        courses = [_course(program, cls, m) for m in cls.methods.values() if m not in cls.building] if maps else []
        for attribute in maps:
            yield from _left(program, cls, f"self.{attribute}", courses)


def _maps_of_requests(program: Program, cls: ClassInfo) -> list[str]:
    found = {
        attribute
        for function in cls.functions
        for effect in function.effects
        if (attribute := entered(effect)) and program.vocabulary.is_request_id(effect.key)
    }
    return sorted(a for a in found if a in cls.attributes and is_keyed(cls.attributes[a]))


def _course(program: Program, cls: ClassInfo, method: FunctionInfo) -> Course:
    enters: dict[str, Done] = {}
    removes: dict[str, Done] = {}
    done = does(program, method, cls)
    for each in done:
        into = enters if each.how == "insert" else removes if each.how in ("remove", "delete") else None
        if into is not None and is_of_request(program.vocabulary, each.effect):
            into.setdefault(each.path, each)
    seen = frozenset((*(each.path for each in done), *mentions(program, method, cls)))
    return Course(method, enters, removes, seen)


def _left(program: Program, cls: ClassInfo, path: str, courses: list[Course]) -> Iterator[Report]:
    filling = [course for course in courses if path in course.enters]
    removing = [course for course in courses if path in course.removes]
    for end in courses if removing else ():
        if not _ends_whole_requests(program, end.function) or any(_is_at(seen, path) for seen in end.seen):
            continue
        beside = [f for f in filling if f.enters.keys() & end.removes.keys()]
        if not beside or path in end.enters or _is_seen_to(program, end, removing):
            continue
        yield _report(program, cls, path, end, beside[0], removing)


def _ends_whole_requests(program: Program, function: FunctionInfo) -> bool:
    """`abort_request(request_id)` and `_free(request)` do; `free_encoder_input` frees a part, `evict(n)` anything."""
    vocabulary = program.vocabulary
    if not vocabulary.is_terminal(function.name):
        return False
    if not any(vocabulary.is_request_id(p.name) or vocabulary.speaks_of_requests(p.name) for p in function.params):
        return False
    of_what = [word for word in words(function.name) if word not in vocabulary.terminal | vocabulary.lead_in]
    return not of_what or of_what[0] in vocabulary.joint or vocabulary.speaks_of_requests(function.name)


def _is_at(seen: str, path: str) -> bool:
    return seen.startswith(path) and (len(seen) == len(path) or seen[len(path)] in ".[")


def _is_seen_to(program: Program, end: Course, removing: list[Course]) -> bool:
    """Is the end part of a larger one that removes the entry?"""
    removers = {course.function for course in removing}
    return any(call.function in removers for call in program.callers(end.function))


def _report(
    program: Program, cls: ClassInfo, path: str, end: Course, filling: Course, removing: list[Course]
) -> Report:
    other = next(p for p in end.removes if p in filling.enters)
    there, entering, removal = end.removes[other], filling.enters[path], removing[0].removes[path]
    first = there.chain[0].effect
    through = first.callee if there.inner is not None else other
    return Report(
        program.place(end.function, first),
        symbol_of(end.function),
        f"{end.function.name} takes a request out of {other} and leaves its entry in {path}",
        (
            Step(entering.function.path, entering.effect.line, f"{filling.function.name} enters the request in {path}"),
            Step(removal.function.path, removal.effect.line, f"{removing[0].function.name} removes the entry"),
            Step(end.function.path, first.line, f"{end.function.name} ends the request by {through}, and does not"),
        ),
        confidence="medium",
        reason=f"{filling.function.name} enters it in both; neither {end.function.name} nor a caller looks at {path}",
        subject=path.removeprefix("self."),
        fix=f"remove the request from {path} in {end.function.name} too",
        data={"runtime": _runtime(cls, path, filling, end)},
    )


def _runtime(cls: ClassInfo, path: str, filling: Course, end: Course) -> dict[str, object]:
    owner = cls.facts.qualname
    entering = filling.enters[path]
    targets = [
        {
            "qualname": entering.function.facts.qualname,
            "role": "insert",
            "owner": owner,
            "entity": entering.effect.key,
        },
        {"qualname": end.function.facts.qualname, "role": "leave", "owner": owner},
    ]
    return {"targets": targets, "watch": [{"attribute": path.removeprefix("self."), "owner": owner}]}
