"""What a function owes: things that it holds and itself gives back when all goes well, and ways out that forget one.

What is held for the caller is not owed here, nor what ends with an object's scope. An entry that the function takes out
of a map of its object's own is owed when it gives a part of it back later on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.lending import (
    Fate,
    Held,
    Lending,
    gives_back,
    held_by,
    is_captured,
    mentions,
    names_of,
    scopes_of,
)
from llmlint.code.domain.state import attribute_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.leaks import Leak, Question, leak
from llmlint.code.flow.paths import PLAIN
from llmlint.code.flow.with_helpers import read_with_callers, whole
from llmlint.code.link.exits import chain, stands_in
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.code.link.raising import may_raise
from llmlint.vocabulary import words

_NUMBERS = frozenset({"int", "bool", "size_t", "int32_t", "uint32_t", "int64_t", "uint64_t", "unsigned", "long"})
_MOST_THINGS = 100
"""That one function takes: for each, the ways through all of it are gone, so that more would cost their square."""
_INSERTS_ALL = frozenset({"extend", "update"})


class Forgotten(NamedTuple):
    """The way out that leaves the thing held, and the effect by which other ways give it back or hand it over."""

    leak: Leak
    left_by: Effect
    released: Effect
    is_handed_over: bool


def owed(lending: Lending) -> Iterator[Held]:
    """What the functions of a program take for themselves; counts are no things."""
    looked_at: Counter[FunctionInfo] = Counter()
    for held in lending.asked:
        looked_at[held.function] += 1
        if looked_at[held.function] > _MOST_THINGS:
            continue
        if _is_owed(held):
            yield held
    yield from _taken_by_helpers(lending)
    yield from _taken_out(lending.program)


def _taken_by_helpers(lending: Lending) -> Iterator[Held]:
    """Locks and permits that a small helper takes for who calls it, whatever it is given."""
    program = lending.program
    if not program.asked.speaks("python"):
        return
    for taken in lending.things(in_python=True):
        if taken.protocol.held != "receiver" or taken.effect.region or lending.fates(taken):
            continue
        for function, effect in read_with_callers(program, taken.function, taken.effect):
            path = held_by(taken.protocol, effect)
            if function is not taken.function and function in program.asked and path:
                held = Held(function, path, function.effects.index(effect), effect, taken.protocol)
                if _is_owed(held):
                    yield held


def _is_owed(held: Held) -> bool:
    is_own = _is_lasting_lock(held) if is_lock(held) else held.is_local
    return held.protocol.kind != "count" and is_own and not _belongs_to_caller(held) and not _is_number(held)


def is_lock(held: Held) -> bool:
    return held.protocol.held == "receiver" or held.protocol.kind == "lock"


def _is_lasting_lock(held: Held) -> bool:
    """`std::unique_lock lock(mutex)`: whatever a local object of C++ holds is let go at the end of its scope."""
    return held.function.language == "python" or held.protocol.held != "receiver" or not held.is_local


def _belongs_to_caller(held: Held) -> bool:
    """Is it kept in what a parameter points to, or is taking it what the function is for: `acquire_until_ready`?"""
    root, is_a_lock = held.name.partition(".")[0], is_lock(held)
    if root != "self" and not (is_a_lock and (held.function.language == "python" or held.protocol.kind == "lock")):
        if any(param.name == root for param in held.function.facts.params):
            return True
    verbs = {words(name.lstrip("."))[0] for name in held.protocol.enter if name.startswith(".")}
    return is_a_lock and not verbs.isdisjoint(words(held.function.name))


def _is_number(held: Held) -> bool:
    """`int got = slab.allocate(out, n)` says how many there are, as does `left -= slab.allocate(out, left)`; who holds
    them is another question."""
    spoken_of = (held.function.effects[at] for at in mentions(held.function, {held.name}))
    bound = (e for e in spoken_of if e.op == "bind" and e.path == held.name)
    is_method = held.protocol.enter[0].startswith(".")
    return is_method and any(e.via == "-=" or not _NUMBERS.isdisjoint(e.annotation.split()) for e in bound)


def _taken_out(program: Program) -> Iterator[Held]:
    """`node, slots = self.pending.pop(key)`, where the function gives back `node` or `slots` later on."""
    for function, effect in program.asked.calls("pop"):
        if effect.op == "remove" and effect.args and attribute_of(effect.path):
            at = function.effects.index(effect)
            for name in effect.result.split(", "):
                if name.isidentifier():
                    yield from _given_back_later(program, function, name, at)


def _given_back_later(program: Program, function: FunctionInfo, name: str, at: int) -> Iterator[Held]:
    taken = function.effects[at]
    for later in whole(program, function).effects:
        if (later.line, later.column) <= (taken.line, taken.column):
            continue
        for protocol in program.vocabulary.left_by(later.callee) if later.callee else ():
            if gives_back(program, protocol, name, later):
                yield Held(function, name, at, function.effects[at], protocol)
                return


# ---------------------------------------------------------------- what is forgotten


def forgotten(lending: Lending, held: Held) -> Forgotten | None:
    """The way out on which a thing is not given back, where the function does so on another, or hands it over there."""
    function = held.function
    if is_captured(held):
        return None
    fates = lending.fates(held)
    given_back = given_back_at(held, fates)
    is_handed_over = not given_back and _is_made_for_it(held)
    released = _fated(held, fates, Fate.KEPT) if is_handed_over else given_back
    normal = normally(held, released)
    if not normal:
        return None
    asked = question_of(held, fates, released)
    raising = asked._replace(throws=lambda effect: may_raise(lending.program, function, effect))
    found = leak(asked) or (None if is_handed_over else leak(raising))
    if found is None and held.protocol.kind == "lock" and function.facts.is_async and not is_handed_over:
        found = leak(asked._replace(throws=_is_awaited_work))
    if found is None or found.left_by is None or _shares_exit(held, found.left_by, released):
        return None
    return Forgotten(found, found.left_by, function.effects[normal[0]], is_handed_over)


def question_of(held: Held, fates: dict[int, Fate], released: list[int]) -> Question:
    """The ways on which a thing is neither given back nor handed over."""
    return Question(
        function=held.function,
        taken=held.at,
        names=names_of(held),
        status=_status(held) | _flags(held, released),
        settled=fates.keys() | _noted(held),
        released=released,
        scopes=scopes_of(held),
        ways=held.protocol.exits,
    )


def given_back_at(held: Held, fates: dict[int, Fate]) -> list[int]:
    """Where the function gives the thing back, by the places of the effects."""
    return _fated(held, fates, Fate.GIVEN_BACK)


def normally(held: Held, released: list[int]) -> list[int]:
    """Those of them that are no answer to an error."""
    function = held.function
    return [at for at in released if not stands_in(function, function.effects[at], {"except"})]


def _is_awaited_work(effect: Effect) -> bool:
    """Whatever a coroutine waits for may end in an exception, and in the cancelling of the coroutine."""
    return effect.op == "call" and effect.via == "await"


def _is_made_for_it(held: Held) -> bool:
    """Is it the call's result, which nobody had before, and which nothing else is made of: `pool = base + offset`?"""
    made_of_it = (e for e in held.after if e.op == "bind" and e.value == "other" and held.name in e.reads)
    return held.is_local and held.protocol.held == "result" and not held.protocol.out and not any(made_of_it)


def _fated(held: Held, fates: dict[int, Fate], wanted: Fate) -> list[int]:
    return [at for at, fate in fates.items() if wanted in fate and at > held.at]


def _status(held: Held) -> frozenset[str]:
    """Where the acquiring call says whether it worked: its result, or an argument it writes to."""
    if held.effect.result != held.name:
        return frozenset({held.effect.result} - {""})
    if f"={held.effect.callee}" in held.protocol.enter:
        return frozenset()  # a function of C's library: what it gives says whether it worked
    given = {a.written or a.path for a in held.effect.args} - {param.name for param in held.function.facts.params}
    return frozenset(name for name in given if name.isidentifier() and not name.isupper())


def _flags(held: Held, released: list[int]) -> frozenset[str]:
    """Names that say whether the thing is held, where a release asks them: `is_mine = True` beside the acquisition, or
    `is_mine = slot is not None`; or one known before, where two releases, or the only one, ask nothing else."""
    function, names = held.function, names_of(held)
    asking = [function.regions[at] for each in released for at in chain(function, function.effects[each].region)]
    asked_alone = Counter(region.text for region in asking if region.kind == "if" and region.text.isidentifier())
    alone = {name for name, times in asked_alone.items() if times >= min(2, len(released))} - names
    known = {e.path for e in function.effects[: held.at] if e.op == "bind"} | {p.name for p in function.params}
    asked = {path for region in asking if region.kind == "if" for path in region.reads if path.isidentifier()} - names
    told = {e.path for e in held.after if e.op == "bind" and e.path in asked and _tells(held, names, e)}
    return frozenset(told | (alone & known))


def _tells(held: Held, names: frozenset[str], bound: Effect) -> bool:
    if bound.value == "constant":
        return bound.source in ("True", "true") and bound.region == held.effect.region
    return bound.value == "other" and bool(bound.reads) and names.issuperset(bound.reads)


def _noted(held: Held) -> set[int]:
    """Where the ids that a list of things was made of are put by, for whoever gives the things back."""
    function = held.function
    before = (function.effects[at] for at in mentions(function, {held.name}) if at < held.at)
    made = (e for e in before if e.op == "bind" and e.path == held.name and e.value == "container")
    ids = {path for e in made for path in e.reads if path not in e.holds} - {param.name for param in function.params}
    return {
        at
        for at in mentions(function, ids)
        for effect in (function.effects[at],)
        if at > held.at and effect.via in _INSERTS_ALL and any(argument.path in ids for argument in effect.args)
    }


def _shares_exit(held: Held, exit_: Effect, released: list[int]) -> bool:
    """Does every release lead to this exit as well? Then a condition says whose the thing is."""
    paths = paths_of(held.function)
    afters = (paths.reached(paths.graph.nodes_of(at), lambda node: False, PLAIN - {"back"}) for at in released)
    return all(any(paths.graph.effect(node) is exit_ for node in after) for after in afters)
