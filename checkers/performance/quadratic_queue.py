"""LLM606: a list that requests fill is shifted or searched once for each of its entries.

A list gives its last entry at once; its first only after all others have moved up, and any other only after a search.
Three forms: it is taken from at the front (or put there); it is asked for an entry, or relieved of one, in a loop; a
helper walks it for the one entry with this id, and a loop calls the helper.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.state import Change, changes_of, is_setup, symbol_of
from llmlint.code.domain.steps import only_sets_up
from llmlint.code.facts.facts import Effect, Test
from llmlint.code.link.entities import AttributeInfo
from llmlint.code.link.exits import around, chain, loops_around
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Place, Report, Step
from llmlint.vocabulary import words

_GROWS = frozenset({"append", "extend", "insert", "+=", "push_back", "emplace_back", "appendleft"})
_MOST_EVIDENCE = 6
_ENDS = frozenset({"return", "break", "raise"})


class _Slow(NamedTuple):
    """One place that costs a walk over the whole list."""

    function: FunctionInfo
    line: int
    effect: Effect | None
    what: str


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.asked.classes:
        changes = changes_of(program, cls)
        for attribute, known in cls.own_attributes.items():
            grown = [change for change in changes.get(attribute, ()) if _grows(change)]
            if not grown or not known.is_container or _is_keyed(known) or _is_made_for_one(program, cls):
                continue
            slow = [*_shifted(program, cls, known), *_searched(cls, known), *_looked_up(program, cls, known)]
            if slow:
                yield _report(program, known, grown[0], slow)


def _grows(change: Change) -> bool:
    effect = change.effect
    on_itself = effect.op == "insert" and effect.path == f"self.{change.attribute}" and effect.via in _GROWS
    return on_itself and not is_setup(change.function)


def _is_made_for_one(program: Program, cls: ClassInfo) -> bool:
    """Does its constructor take one request, or the id of one: not `max_seqs`?"""
    made = cls.method("__init__")
    names = [param.name for param in made.params] if made is not None else [f.name for f in cls.facts.fields]
    asks = program.vocabulary
    return any(asks.is_request_id(n) or (len(words(n)) == 1 and asks.speaks_of_requests(n)) for n in names)


def _told(known: AttributeInfo) -> str:
    return f"{known.annotation} {known.source}".lower()


def _is_keyed(known: AttributeInfo) -> bool:
    return any(kind in _told(known) for kind in ("map", "dict", "set", "counter", "{", "heap"))


# ---------------------------------------------------------------- moved up


def _shifted(program: Program, cls: ClassInfo, known: AttributeInfo) -> Iterator[_Slow]:
    """Taken from its front, where the others move up, or put there."""
    if "deque" in _told(known) or "queue" in _told(known) or "std::list" in _told(known):
        return
    touches = program.touches(cls, known.name)
    if not any(touch.effect.op == "remove" for touch in touches):
        return
    for touch in touches:
        effect, path = touch.effect, touch.path
        if _is_at_front(effect, path) and not _is_window(program, touch.function, effect, path):
            if not only_sets_up(program, touch.function):
                yield _Slow(touch.function, effect.line, effect, "all entries behind the first move by one")


def _is_at_front(effect: Effect, path: str) -> bool:
    first = effect.args[0] if effect.args else None
    if first is None or path.endswith("[]"):
        return False
    if effect.via in ("pop", "insert") and first.literal in ("0", "") and first.path in ("0", ""):
        return first.literal == "0" or first.path == "0"
    is_begin = first.path == effect.path and first.written.endswith("begin()")
    return effect.via == "erase" and len(effect.args) == 1 and is_begin


def _is_window(program: Program, function: FunctionInfo, effect: Effect, path: str) -> bool:
    """Is it kept short: what is taken out is asked for by the list's own length, or makes room for what comes?"""
    makes_room = effect.op == "remove" and any(
        e.op == "insert" and e.path == effect.path and e.region == effect.region and e.via in _GROWS
        for e in function.effects
    )
    calls = program.callers(function)
    name = path.rpartition(".")[2]
    return (
        makes_room
        or _asks_length(function, effect, name)
        or (bool(calls) and all(_asks_length(call.function, call.effect, name) for call in calls))
    )


def _asks_length(function: FunctionInfo, effect: Effect, name: str) -> bool:
    return any(
        (f"{name})" in region.text or f"{name}.size()" in region.text) and any(sign in region.text for sign in "<>=")
        for region in around(function, effect)
        if region.kind in ("if", "loop") and ("len(" in region.text or ".size()" in region.text)
    )


# ---------------------------------------------------------------- searched in a loop


def _searched(cls: ClassInfo, known: AttributeInfo) -> Iterator[_Slow]:
    """Asked in a loop whether something is in it, or relieved in a loop of what must be looked for."""
    path = f"self.{known.name}"
    for function in cls.functions:
        for effect in function.effects:
            if effect.callee in (f"{path}.remove", f"{path}.index") and effect.args and _is_repeated(function, effect):
                yield _Slow(function, effect.line, effect, f"{effect.via or 'index'} walks the list in each round")
        for at, region in enumerate(function.regions):
            asked = function.settled_test(region.test)
            if asked is not None and _asks(asked, path, _of_itself(function, path)) and _stands_in_loop(function, at):
                yield _Slow(function, region.line, None, "`in` walks the list in each round")


def _of_itself(function: FunctionInfo, path: str) -> set[str]:
    """Names of its own entries: is what a walk over a copy has come to still in it?"""
    return {e.path for e in function.effects if e.via == "for" and e.source.startswith(f"{path}[")}


def _asks(test: Test, path: str, entries: set[str]) -> bool:
    if test.op in ("in", "not in"):
        return test.args[1].path == path and test.args[0].path not in entries
    return any(_asks(part, path, entries) for part in test.args)


def _stands_in_loop(function: FunctionInfo, at: int) -> bool:
    return any(function.regions[region].kind == "loop" for region in chain(function, at)[1:])


def _is_repeated(function: FunctionInfo, effect: Effect) -> bool:
    """In a loop that goes on behind it: not one that takes the entry out and ends."""
    ends = any(e.op in _ENDS and e.line >= effect.line and e.region == effect.region for e in function.effects)
    return bool(loops_around(function, effect)) and not ends


# ---------------------------------------------------------------- looked up by a walk


def _looked_up(program: Program, cls: ClassInfo, known: AttributeInfo) -> Iterator[_Slow]:
    """A walk for the one entry that equals what is asked, itself in a loop or in a function that a loop calls."""
    path = f"self.{known.name}"
    for function in cls.functions:
        for at, region in enumerate(function.regions):
            if region.kind != "loop" or path not in region.reads or not _looks_for_one(function, at, path):
                continue
            outer = any(function.regions[r].kind == "loop" for r in chain(function, at)[1:])
            call = next((c for c in program.callers(function) if loops_around(c.function, c.effect)), None)
            if outer:
                yield _Slow(function, region.line, None, "each round of the loop around walks the list for one entry")
            elif call is not None and not only_sets_up(program, call.function):
                yield _Slow(function, region.line, None, "walks the list for one entry")
                yield _Slow(call.function, call.effect.line, call.effect, f"calls {function.name} in each round")


def _looks_for_one(function: FunctionInfo, loop: int, path: str) -> bool:
    """`for x in self.xs: if x.id == id: return x`."""
    bound = _of_itself(function, path)
    for at, region in enumerate(function.regions):
        if region.kind == "if" and region.parent == loop and region.test is not None and _compares(region.test, bound):
            if any(e.op in ("return", "break") and e.region == at for e in function.effects):
                return True
    return False


def _compares(test: Test, bound: set[str]) -> bool:
    if test.op == "and":
        return any(_compares(part, bound) for part in test.args)
    if test.op not in ("==", "is"):
        return False
    ours = [part.path.partition(".")[0] in bound for part in test.args]
    return ours.count(True) == 1 and all(part.op in ("path", "call") for part in test.args)


# ---------------------------------------------------------------- told


def _report(program: Program, known: AttributeInfo, grown: Change, slow: list[_Slow]) -> Report:
    first = slow[0]
    at = Place(first.function.path, first.line, 1, first.line, 1)
    return Report(
        at if first.effect is None else program.place(first.function, first.effect),
        symbol_of(first.function),
        f"self.{known.name} is a list, and {first.function.name} goes through all of it for one entry",
        (
            Step(known.path, known.line, f"self.{known.name} is a list"),
            program.step(grown.function, grown.effect, f"{grown.function.name} makes it longer"),
            *(program.step(one.function, one.line, one.what) for one in slow[:_MOST_EVIDENCE]),
        ),
        confidence="low",
        reason="how long the list gets is for its users to say",
        subject=known.name,
        fix="a deque for what is taken in turn, a dict by id for what is looked up",
    )
