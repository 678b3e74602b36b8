"""LLM102: a map keyed by requests whose entry one end of the request leaves behind, while other ends remove it.

What a request enters, in the object and in what the object owns, is told by the functions that enter it, with all they
call; what an end removes likewise. An end that takes the request out of one of these places and neither takes it out of
the object's own map nor looks at it leaves an entry that nobody comes back for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from llmlint.code.domain.entries import entered, is_of_request, those_around
from llmlint.code.domain.state import is_keyed, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.summaries import Done, does, mentions
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_MARK = re.compile(r"self\.\w+\[\]\.\w+")


class Course(msgspec.Struct, frozen=True):
    """What calling a method enters and removes under a request's id, by path, what it marks in entries as over, and all
    paths that it looks at."""

    function: FunctionInfo
    enters: dict[str, Done]
    removes: dict[str, Done]
    marks: dict[str, Done]
    seen: frozenset[str]


class Ending(msgspec.Struct, frozen=True):
    """How an end says that it is one: what it does to the request, and where."""

    done: Done
    what: str


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.classes:
        ends = [m for m in cls.methods.values() if m not in cls.building and _ends_whole_requests(program, m)]
        for attribute in _maps_of_requests(program, cls) if ends else ():
            yield from _left(program, cls, attribute, [_course(program, cls, end) for end in ends])


def _maps_of_requests(program: Program, cls: ClassInfo) -> list[str]:
    found = {
        attribute
        for function in cls.functions
        for effect in function.effects
        if (attribute := entered(effect)) and program.vocabulary.is_request_id(effect.key)
    }
    return [a for a in sorted(found) if a in cls.attributes and is_keyed(cls.attributes[a])]


def _course(program: Program, cls: ClassInfo, method: FunctionInfo) -> Course:
    enters: dict[str, Done] = {}
    removes: dict[str, Done] = {}
    done = does(program, method, cls)
    for each in done:
        into = enters if each.how == "insert" else removes if each.how in ("remove", "delete") else None
        if into is not None and is_of_request(program.vocabulary, each.effect):
            into.setdefault(each.path, each)
    marks = {d.path: d for d in done if _MARK.fullmatch(d.path) and d.how == "assign" and d.effect.value == "constant"}
    seen = frozenset((*(each.path for each in done), *mentions(program, method, cls)))
    return Course(method, enters, removes, marks, seen)


def _left(program: Program, cls: ClassInfo, attribute: str, ends: list[Course]) -> Iterator[Report]:
    path = f"self.{attribute}"
    filling = [_course(program, cls, f) for f in cls.methods.values() if any(map(_enters(attribute), f.effects))]
    removing = [_course(program, cls, f) for f in cls.methods.values() if any(map(_removes(path), f.effects))]
    for end in ends if removing else ():
        if path not in end.removes and not _is_seen_to(program, cls, end, path):
            ending = _ending(program, path, end, filling, removing)
            if ending is not None:
                yield _report(program, cls, path, end, ending, filling[0], removing[0])


def _enters(attribute: str) -> Callable[[Effect], bool]:
    return lambda effect: entered(effect) == attribute


def _removes(path: str) -> Callable[[Effect], bool]:
    return lambda effect: effect.op == "remove" and effect.path == path


def _ending(program: Program, path: str, end: Course, filling: list[Course], removing: list[Course]) -> Ending | None:
    """What says that the request is over for this object, and that its entry ought to go."""
    if not any(_is_at(seen, path) for seen in end.seen):
        beside = [other for course in filling for other in course.enters if other in end.removes]
        return Ending(end.removes[beside[0]], f"takes a request out of {beside[0]}") if beside else None
    shared = {mark for course in removing for mark in course.marks}
    ended = program.vocabulary.ended
    for mark, done in end.marks.items():
        if _is_at(mark, path) and (mark in shared or not ended.isdisjoint(words(mark.rpartition(".")[2]))):
            return Ending(done, f"sets {mark.rpartition('.')[2]} in the entry of a request")
    return None


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


def _is_seen_to(program: Program, cls: ClassInfo, end: Course, path: str) -> bool:
    """Is the end part of a larger one of the same object that removes the entry?"""
    around = those_around(program, end.function, cls)
    return any(path in _course(program, cls, each).removes for each in around)


def _report(
    program: Program, cls: ClassInfo, path: str, end: Course, ending: Ending, filling: Course, removing: Course
) -> Report:
    entering, removal, first = filling.enters[path], removing.removes[path], ending.done.chain[0].effect
    return Report(
        program.place(end.function, first),
        symbol_of(end.function),
        f"{end.function.name} {ending.what}, and leaves its entry in {path}",
        (
            Step(entering.function.path, entering.effect.line, f"{filling.function.name} enters the request in {path}"),
            Step(removal.function.path, removal.effect.line, f"{removing.function.name} removes the entry"),
            Step(end.function.path, first.line, f"{end.function.name} {ending.what}, and does not"),
        ),
        confidence="medium",
        reason=f"{removing.function.name} removes it, and neither {end.function.name} nor a caller of it does",
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
