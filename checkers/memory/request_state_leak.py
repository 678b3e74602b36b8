"""LLM102: a map keyed by requests whose entry one end of the request leaves behind, while other ends remove it.

An end shows in two ways that a request is over. It takes the request out of another place, of the object or of what
the object owns, where whoever fills the map enters it as well: told by what each method enters and removes with all it
calls. Or it takes the entry in hand, ends what it holds, and keeps it. An end leaves nothing where whoever calls it has
another method of the object remove the entry, or where a method removes what the end has marked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from llmlint.checkers.memory.left_by_raise import left_by_raise
from llmlint.code.domain.entries import entered, is_of_request, taken, those_around
from llmlint.code.domain.state import is_keyed, symbol_of
from llmlint.code.facts.bodies.scope import is_within
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.summaries import Done, does, mentions
from llmlint.code.link.exits import chain
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program, root_of
from llmlint.findings import Report, Step
from llmlint.phrases import last_name
from llmlint.vocabulary import words


class Course(msgspec.Struct, frozen=True):
    """What calling a method enters and removes under a request's id, by path, and all paths that it looks at."""

    enters: dict[str, Done]
    removes: dict[str, Done]
    seen: frozenset[str]


class Map(msgspec.Struct, frozen=True):
    """A map of the object, by what names its keys go, and where entries are made and removed."""

    attribute: str
    keys: frozenset[str]
    filling: dict[FunctionInfo, Effect]
    removing: dict[FunctionInfo, Effect]

    @property
    def path(self) -> str:
        return f"self.{self.attribute}"


class Ending(msgspec.Struct, frozen=True):
    """How an end says that it is one: what it does to the request, and where."""

    done: Done
    what: str
    is_sure: bool


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.asked.classes:
        yield from left_by_raise(program, cls)
        ends = [m for m in cls.methods.values() if m not in cls.building and program.vocabulary.is_terminal(m.name)]
        for held in _maps(cls) if ends else ():
            for end in ends:
                if end not in held.filling and end not in held.removing:
                    ending = _in_hand(program, cls, held, end) or _elsewhere(program, cls, held, end)
                    if ending is not None and not _is_seen_to(program, cls, held, end):
                        yield _report(program, cls, held, end, ending)


def _maps(cls: ClassInfo) -> list[Map]:
    """The keyed containers from which some method removes by key."""
    filling: dict[str, dict[FunctionInfo, Effect]] = defaultdict(dict)
    removing: dict[str, dict[FunctionInfo, Effect]] = defaultdict(dict)
    for function in cls.functions:
        for effect in () if function in cls.building else function.effects:
            if name := entered(effect):
                filling[name].setdefault(function, effect)
            elif effect.op == "remove" and (name := taken(effect)):
                removing[name].setdefault(function, effect)
    return [
        Map(name, frozenset(last_name(e.key) for e in (*filling[name].values(), *its.values())), filling[name], its)
        for name, its in sorted(removing.items())
        if name in filling and name in cls.attributes and is_keyed(cls.attributes[name])
    ]


# ---------------------------------------------------------------- how an end shows that it is one


def _in_hand(program: Program, cls: ClassInfo, held: Map, end: FunctionInfo) -> Ending | None:
    """It is given the key, and ends what the entry holds: `self.streams[rid].close()`, `state.finished = True`."""
    if not _is_given_a_key(held, end):
        return None
    element = f"{held.path}[]"
    for done in does(program, end, cls):
        verb, field = done.effect.callee.rpartition(".")[2], done.path.removeprefix(f"{element}.")
        if done.how == "call" and done.path == element and program.vocabulary.is_terminal(verb):
            return Ending(done, f"ends an entry by {verb}", True)
        is_mark = done.how == "assign" and done.effect.value == "constant" and field.isidentifier()
        says_over = is_mark and done.path != field and _says_over(program, cls, held, done, field)
        if says_over and not _is_told_once(done, field):
            return Ending(done, f"sets {field} in an entry", True)
    return None


def _says_over(program: Program, cls: ClassInfo, held: Map, mark: Done, field: str) -> bool:
    """By its word, or because whoever removes the entry sets the same mark."""
    if not program.vocabulary.ended.isdisjoint(words(field)):
        return True
    set_alike = (d for f in held.removing for d in does(program, f, cls) if d.how == "assign" and d.path == mark.path)
    return any(d.effect.source == mark.effect.source for d in set_alike)


def _is_told_once(done: Done, field: str) -> bool:
    """`if not state.notified: state.notified = True` notes a step that is taken once, and no end."""
    around = (done.function.regions[at] for at in chain(done.function, done.effect.region))
    return any(last_name(path) == field for region in around if region.kind == "if" for path in region.reads)


def _is_given_a_key(held: Map, end: FunctionInfo) -> bool:
    """As a parameter, or in one: `rid`, `message.rid`."""
    given = {param.name for param in end.params}
    indexed = (e.reads for e in end.effects if e.op == "bind" and e.source == f"{held.path}[]")
    if any(root_of(path) in given for reads in indexed for path in reads):
        return True
    return any(last_name(path) in held.keys and root_of(path) in given for path in (*given, *(p for p, _ in end.reads)))


def _elsewhere(program: Program, cls: ClassInfo, held: Map, end: FunctionInfo) -> Ending | None:
    """It takes the request out of another place in which the request is entered together with the entry."""
    if not _ends_whole(program, end):
        return None
    is_named = _ends_requests(program, end) and any(map(program.vocabulary.is_request_id, held.keys))
    its = _course(program, cls, end)
    if any(is_within(seen, held.path) for seen in its.seen):
        return None
    beside = (other for f in held.filling for other in _course(program, cls, f).enters if other in its.removes)
    other = next((other for other in beside if is_named or _go_together(held, other)), "")
    return Ending(its.removes[other], f"takes a request out of {other}", False) if other else None


def _go_together(held: Map, other: str) -> bool:
    """One function enters both under one key, and another removes both under one: whatever the key is called, it
    stands for one thing that is in both."""

    def does_both(functions: Iterable[FunctionInfo], op: str) -> bool:
        return any(_keys(f, op, held.path) & _keys(f, op, other) for f in functions)

    return does_both(held.filling, "insert") and does_both(held.removing, "remove")


def _keys(function: FunctionInfo, op: str, path: str) -> set[str]:
    return {effect.key for effect in function.effects if effect.op == op and effect.path == path and effect.key}


def _course(program: Program, cls: ClassInfo, method: FunctionInfo) -> Course:
    enters: dict[str, Done] = {}
    removes: dict[str, Done] = {}
    done = does(program, method, cls)
    for each in done:
        into = enters if each.how == "insert" else removes if each.how in ("remove", "delete") else None
        if into is not None and (is_of_request(program.vocabulary, each.effect) or _is_by_parameter(each)):
            into.setdefault(each.path, each)
    seen = frozenset((*(each.path for each in done), *mentions(program, method, cls)))
    return Course(enters, removes, seen)


def _is_by_parameter(done: Done) -> bool:
    return any(param.name == done.effect.key for param in done.function.params)


def _ends_whole(program: Program, function: FunctionInfo) -> bool:
    """`abort_request(request_id)` and `_free(request)` do; `free_request_row` frees a part."""
    of_what = _of_what(program, function)
    return not of_what or of_what[0] in program.vocabulary.joint or _names_requests_last(program, of_what)


def _ends_requests(program: Program, function: FunctionInfo) -> bool:
    """Is it given a request, or does its name say that it ends one? `evict(n)` ends anything."""
    vocabulary, of_what = program.vocabulary, _of_what(program, function)
    if function.params and of_what and vocabulary.speaks_of_requests(of_what[-1]):
        return True
    return any(vocabulary.is_request_id(p.name) or vocabulary.speaks_of_requests(p.name) for p in function.params)


def _of_what(program: Program, function: FunctionInfo) -> list[str]:
    return [w for w in words(function.name) if w not in program.vocabulary.terminal | program.vocabulary.lead_in]


def _names_requests_last(program: Program, of_what: list[str]) -> bool:
    """`abort_reqs_in_batch` speaks of requests, `free_request_row` of what one has."""
    whole = of_what[: next((at for at, word in enumerate(of_what) if word in program.vocabulary.joint), None)]
    return program.vocabulary.speaks_of_requests(whole[-1])


def _is_seen_to(program: Program, cls: ClassInfo, held: Map, end: FunctionInfo) -> bool:
    """Does the end, a larger one of the same object, or a method that goes with it remove the entry?"""
    around = (end, *those_around(program, end, cls))
    if any(_removes(program, f, cls, held.path) for f in around):
        return True
    return _is_swept(program, cls, held, end) or _goes_with_removal(program, cls, held, around)


def _removes(program: Program, function: FunctionInfo, cls: ClassInfo, path: str) -> bool:
    return any(d.path == path and d.how in ("remove", "clear", "delete") for d in does(program, function, cls))


def _goes_with_removal(program: Program, cls: ClassInfo, held: Map, ends: tuple[FunctionInfo, ...]) -> bool:
    """Whoever calls the end has another method of the same object remove the entry, before it or after."""
    for end in ends:
        for caller, call in program.callers(end):
            whose = call.callee.rpartition(".")[0]
            larger = those_around(program, caller, caller.owner) if caller.owner and whose.startswith("self.") else ()
            beside = ((f, e) for f in (caller, *larger) for e in f.effects if e.callee.rpartition(".")[0] == whose)
            called = (f for at, e in beside if e.callee for f in program.callees(at, e) if f.owner in cls.mro)
            if any(f is not end and _removes(program, f, cls, held.path) for f in called):
                return True
    return False


def _is_swept(program: Program, cls: ClassInfo, held: Map, end: FunctionInfo) -> bool:
    """A method removes what bears the mark that this end sets: `if entry.status == FAILED: del self.entries[rid]`."""
    marks = {
        last_name(d.path) for d in does(program, end, cls) if d.how == "assign" and "." in d.path.partition("[]")[2]
    }
    return any(
        last_name(path) in marks
        for remover, removal in held.removing.items()
        for function, effect in ((remover, removal), *program.callers(remover))
        for at in chain(function, effect.region)
        for path in function.regions[at].reads
    )


def _report(program: Program, cls: ClassInfo, held: Map, end: FunctionInfo, ending: Ending) -> Report:
    filler, entering = next(iter(held.filling.items()))
    remover, removal = next(iter(held.removing.items()))
    first = ending.done.chain[0].effect
    return Report(
        program.place(end, first),
        symbol_of(end),
        f"{end.name} {ending.what}, and leaves it in {held.path}",
        (
            Step(filler.path, entering.line, f"{filler.name} makes the entry in {held.path}"),
            Step(remover.path, removal.line, f"{remover.name} removes it"),
            Step(end.path, first.line, f"{end.name} {ending.what}, and does not remove it"),
        ),
        confidence="medium" if ending.is_sure else "low",
        reason=f"{remover.name} removes it, and neither {end.name} nor a caller of it does"
        + ("" if ending.is_sure else "; it may be one step of an end whose other steps are taken elsewhere"),
        subject=held.attribute,
        fix=f"remove the entry from {held.path} in {end.name} too",
        data={"runtime": _runtime(cls, held, filler, entering, end)},
    )


def _runtime(cls: ClassInfo, held: Map, filler: FunctionInfo, entering: Effect, end: FunctionInfo) -> dict[str, object]:
    owner = cls.facts.qualname
    targets = [
        {"qualname": filler.facts.qualname, "role": "insert", "owner": owner, "entity": entering.key},
        {"qualname": end.facts.qualname, "role": "leave", "owner": owner},
    ]
    return {"targets": targets, "watch": [{"attribute": held.attribute, "owner": owner}]}
