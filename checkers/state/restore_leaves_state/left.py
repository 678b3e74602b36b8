"""A flag, a mark or a count that moves with what a reset sets back, and that the reset leaves.

What a reset sets back is told by what it does, and not by its name alone: it gives attributes again what they began
with. An attribute goes with those when each function that moves it moves one of them as well. Left behind, it is wrong
where something asks it afterwards: a branch that looks at it and at none of what was set back; a flag that is raised
and never lowered; a count that goes up and down with what is held; text that is added to. What each use sets anew is
not left where others see to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from llmlint.checkers.state.restore_leaves_state.entered import is_set_on_entry
from llmlint.checkers.state.restore_leaves_state.owing import SHOWN, is_owed, listed, may_last, runtime
from llmlint.code.domain.fields import ByFunction, Fields, brings_back
from llmlint.code.domain.state import attribute_of, head_of, is_setup, mentioned_by, only_logged, only_looks, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.always import surely
from llmlint.code.flow.summaries import Done, does
from llmlint.code.link.exits import chain
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_FEWEST_BACK = 2
_FEWEST_UNNAMED = 3
"""A method that no word calls a reset is one when it only sets back, and so many attributes."""
_NO_TEXT = frozenset({'""', "''"})
_SETS = frozenset({"assign"})
_LEAVES = frozenset({"return", "raise", "continue"})
_UNDER_WAY = frozenset({"pending", "inflight", "outstanding", "flight"})
_CLOSES = frozenset("close shutdown stop terminate kill destroy exit del finalize".split())
_KEEPS_COUNT = frozenset("stats stat statistics metric metrics time times conf config".split())


class Reset(msgspec.Struct, frozen=True):
    """What a method sets back, what it makes anew though only its inside moves, and what it sees to in any way."""

    method: FunctionInfo
    back: dict[str, Done]
    anew: dict[str, Done]
    is_direct: bool
    is_named: bool
    seen_to: frozenset[str]


class Asked(msgspec.Struct, frozen=True):
    """Why it matters that the attribute is left: what happens by it, and where."""

    function: FunctionInfo
    line: int
    what: str


def left(program: Program, cls: ClassInfo) -> Iterator[Report]:
    fields = Fields(program, cls)
    for method in cls.methods.values():
        owed = program.vocabulary.is_reset(method.name)
        if method in cls.building or is_setup(method) or not method.facts.has_body:
            continue
        if method.name == "__del__":  # nobody asks what has gone
            continue
        if owed is None and not _only_sets_back(fields, method) and not _does_no_more(program, fields, method):
            continue
        reset = _reset(program, cls, fields, method)
        for attribute in list(fields.moves) if reset.back or reset.anew else ():
            if attribute not in reset.seen_to and is_owed(owed or (), attribute):
                asked = _asked(program, fields, reset, attribute)
                if asked is not None and not is_set_on_entry(program, cls, attribute):
                    yield _report(program, cls, fields, reset, attribute, asked)


def _only_sets_back(fields: Fields, method: FunctionInfo) -> bool:
    back = [name for name, by in fields.backs.items() if method in by and name in fields.moves]
    return len(back) >= _FEWEST_UNNAMED and not any(method in by for by in fields.moves.values())


def _does_no_more(program: Program, fields: Fields, method: FunctionInfo) -> bool:
    """Is all that the method does to set something back that other methods move, and perhaps to log it?"""
    back = {effect for name, by in fields.backs.items() if name in fields.moves for effect in by.get(method, ())}
    others = [effect for effect in method.effects if effect not in back]
    is_idle = all(only_looks(program, e) if e.callee else e.op == "return" and e.path in ("", "self") for e in others)
    return bool(back) and is_idle


def _reset(program: Program, cls: ClassInfo, fields: Fields, method: FunctionInfo) -> Reset:
    back: dict[str, Done] = {}
    handed_on: dict[str, Done] = {}
    anew: dict[str, Done] = {}
    seen_to = mentioned_by(program, method, cls) - only_logged(method)
    for done in does(program, method, cls):
        known = cls.attributes.get(done.attribute)
        if known is None:
            continue
        if done.how != "pass":
            seen_to.add(done.attribute)
        if done.is_whole and done.attribute in fields.moves and brings_back(done.effect, known):
            back.setdefault(done.attribute, done)
        elif done.is_whole and done.effect.value == "new" and brings_back(done.effect, known):
            anew.setdefault(done.attribute, done)
        elif done.how == "call" and done.is_whole and _verb(done.effect) == words(method.name)[:1]:
            handed_on.setdefault(done.attribute, done)
    is_named = program.vocabulary.is_reset(method.name) is not None
    return Reset(method, {**handed_on, **back}, anew, bool(back), is_named, frozenset(seen_to))


def _verb(effect: Effect) -> tuple[str, ...]:
    return words(effect.callee.rpartition(".")[2])[:1]


# ---------------------------------------------------------------- does it go with what is set back, and does it matter


def _asked(program: Program, fields: Fields, reset: Reset, attribute: str) -> Asked | None:
    known, by = fields.cls.attributes[attribute], fields.moves[attribute]
    moving = [function for function in by if function is not reset.method]
    if known.is_container or known.is_class_level or not any(function.owner is fields.cls for function in moving):
        return None
    returning = [function for function in fields.backs.get(attribute, ()) if function not in by]
    counted = {effect.via for function in moving for effect in by[function]}
    if {"+=", "-="} <= counted and not returning and any(_works_in(function, reset.anew) for function in moving):
        return _counted_down(by, moving) if reset.is_named else None
    is_raised = (
        known.value == "constant"
        and not returning
        and all(
            effect.op == "assign" and not effect.via and effect.value == "constant" for f in moving for effect in by[f]
        )
    )
    if not all(_moves_with(fields, reset, function, is_raised) for function in moving):
        return None
    if returning and not any(_is_alike(fields, reset, function) for function in returning):
        return None  # setting it back is somebody else's
    if returning and all(surely(program, function, f"self.{attribute}", _SETS) for function in moving):
        return None  # so does each use
    if known.source in _NO_TEXT and reset.is_direct:
        return _added_to(fields, attribute, moving)
    if len(reset.back) < _FEWEST_BACK and not reset.is_named:
        return None
    if is_raised:
        reading = [read for read in program.reads(fields.cls, attribute) if read.function not in by]
        return Asked(reading[0].function, reading[0].line, "goes on asking it") if reading else None
    if len(reset.back) < _FEWEST_BACK or not reset.is_direct:
        return None
    if {"+=", "-="} <= counted:  # what only hands a batch over leaves what is still held counted
        return _counted_down(by, moving) if reset.is_named else None
    return _decided_by(program, fields, reset, attribute)


def _works_in(function: FunctionInfo, anew: Iterable[str]) -> bool:
    """Does the function look into, or change, what a reset makes anew: a tree by its root?"""
    paths = {*(effect.path for effect in function.effects), *(path for path, _ in function.reads)}
    return any(attribute_of(path) == name for name in anew for path in paths)


def _counted_down(by: ByFunction, moving: list[FunctionInfo]) -> Asked | None:
    return next((Asked(f, e.line, "counts it down") for f in moving for e in by[f] if e.via == "-="), None)


def _added_to(fields: Fields, attribute: str, moving: list[FunctionInfo]) -> Asked | None:
    """Where something is added to what lies there, by a function that does not first throw it away."""
    for function in moving:
        begun = fields.backs[attribute].get(function, ())
        for effect in fields.moves[attribute][function]:
            above = (e for e in begun if e.line < effect.line and e.region in chain(function, effect.region))
            if effect.via == "+=" and next(above, None) is None:
                return Asked(function, effect.line, "goes on from what it holds")
    return None


def _moves_with(fields: Fields, reset: Reset, function: FunctionInfo, or_uses: bool) -> bool:
    """Does the function move, or for a flag so much as use, something of what is set back?"""
    return any(function in fields.moves[name] or (or_uses and function in fields.uses[name]) for name in reset.back)


def _is_alike(fields: Fields, reset: Reset, function: FunctionInfo) -> bool:
    """Does another function set back most of the same things?"""
    shared = sum(function in fields.backs[name] for name in reset.back if name in fields.backs)
    return function is not reset.method and shared >= _FEWEST_BACK and 2 * shared >= len(reset.back)


def _decided_by(program: Program, fields: Fields, reset: Reset, attribute: str) -> Asked | None:
    """A branch that looks at it, in a function that neither moves it nor is told by what was set back that there is
    nothing to do."""
    by = fields.moves[attribute]
    for read in program.reads(fields.cls, attribute):
        function = read.function
        if function in by or function in fields.cls.building or function is reset.method:
            continue
        for at, region in enumerate(function.regions):
            asks = region.kind in ("if", "loop", "and") and attribute in _attributes(function, at)
            if asks and not _is_guarded(function, at, reset):
                return Asked(function, region.line, "decides by it")
    return None


def _attributes(function: FunctionInfo, region: int) -> set[str]:
    return {attribute_of(path) for path in function.reads_of(function.regions[region])}


def _is_guarded(function: FunctionInfo, region: int, reset: Reset) -> bool:
    """Does a branch around it, or an early way out above it, ask for something of what was set back?"""
    above = [at for at in range(region) if any(e.region == at and e.op in _LEAVES for e in function.effects)]
    return any(not reset.back.keys().isdisjoint(_attributes(function, at)) for at in (*chain(function, region), *above))


# ---------------------------------------------------------------- the message


def _report(program: Program, cls: ClassInfo, fields: Fields, reset: Reset, attribute: str, asked: Asked) -> Report:
    method, by = reset.method, fields.moves[attribute]
    mover, moved = next((f, effects[0]) for f, effects in by.items() if f is not method)
    renewed = {**reset.back, **reset.anew}
    names = listed([f"self.{name}" for name in renewed])
    back = [(name, done.chain[0].effect) for name, done in renewed.items()]
    doubt = _doubt(program, cls, fields, reset, attribute)
    return Report(
        head_of(method),
        symbol_of(method),
        f"{method.name} sets {names} back and leaves self.{attribute}: {asked.function.name} {asked.what}",
        (
            *(Step(method.path, effect.line, f"{method.name} sets self.{name} back") for name, effect in back[:SHOWN]),
            Step(mover.path, moved.line, f"{mover.name} moves self.{attribute} with them"),
            Step(asked.function.path, asked.line, f"{asked.function.name} {asked.what}"),
        ),
        confidence="low" if doubt else "medium",
        reason=doubt or "what moves it moves what is set back, and nothing else sets it back",
        subject=attribute,
        fix=f"set self.{attribute} back in {method.name}",
        data={"runtime": runtime(cls, method, [attribute])},
    )


def _doubt(program: Program, cls: ClassInfo, fields: Fields, reset: Reset, attribute: str) -> str:
    """Why it may be meant to stay; "" where nothing says so. A word that also names what is set back says nothing."""
    name = {*words(cls.name), *words(attribute)}
    moving = [function for function in fields.moves[attribute] if function is not reset.method]
    if all(not _CLOSES.isdisjoint(words(function.name)) for function in moving):
        return "only closing moves it, and nothing may come back from that"
    if not _UNDER_WAY.isdisjoint(name):
        return "its name says that it counts work under way, which a reset may have to let run out"
    lasts = may_last(attribute) or program.vocabulary.is_not_state(attribute)
    so_do_others = any(may_last(other) or program.vocabulary.is_not_state(other) for other in reset.back)
    if not _KEEPS_COUNT.isdisjoint(name) or (lasts and not so_do_others):
        return "its name says that it may be meant to last"
    returning = [function for function in fields.backs.get(attribute, ()) if function not in fields.moves[attribute]]
    return f"{returning[0].name} sets it back too, and this may be the smaller of two resets" if returning else ""
