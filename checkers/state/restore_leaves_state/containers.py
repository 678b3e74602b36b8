"""Some containers cleared, one left: a reset that empties several siblings and omits one that ordinary methods fill."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from llmlint.checkers.state.restore_leaves_state.needless import needless
from llmlint.checkers.state.restore_leaves_state.owing import (
    SHOWN,
    cleared_by,
    is_made,
    is_owed,
    listed,
    may_last,
    runtime,
)
from llmlint.code.domain.state import (
    Change,
    attribute_of,
    grows,
    handled_by,
    head_of,
    is_keyed,
    is_setup,
    mentioned_by,
    only_logged,
    symbol_of,
)
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.skipped import skipped
from llmlint.code.flow.summaries import does
from llmlint.code.link.program import AttributeInfo, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_GENERATIONS = frozenset({"generation", "epoch", "version"})


def left_behind(
    program: Program,
    cls: ClassInfo,
    method: FunctionInfo,
    owed: tuple[str, ...],
    changes: Mapping[str, Sequence[Change]],
) -> Iterator[Report]:
    handled = handled_by(program, method, cls)
    cleared = {
        attribute: effect
        for attribute, effect in cleared_by(program, method, cls).items()
        if any(c.effect.op == "insert" and not is_setup(c.function) for c in changes.get(attribute, ()))
    }
    if not cleared:
        return
    mentioned = mentioned_by(program, method, cls) - only_logged(method)
    skips = _cleared_on_some_ways(program, method, cls, cleared)
    left = [
        (attribute, fill)
        for attribute in cls.attributes
        if is_owed(owed, attribute) and (attribute in skips or attribute not in {*handled, *mentioned})
        for others in [[c for c in changes.get(attribute, ()) if c.effect is not cleared.get(attribute)]]
        for fill in [_filled_by(program, cls, attribute, others)]
        if fill is not None and (len(cleared) > 1 or _go_together(attribute, next(iter(cleared)), changes))
    ]
    cleared = {attribute: effect for attribute, effect in cleared.items() if attribute not in skips}
    if not cleared or not left or len(left) > len(cleared):
        return
    names = [f"self.{attribute}" for attribute, _ in left]
    evidence = [
        Step(method.path, effect.line, f"{method.name} clears self.{attribute}")
        for attribute, effect in list(cleared.items())[:SHOWN]
        if effect in method.effects
    ]
    for attribute, fill in left[:SHOWN]:
        evidence.append(
            Step(fill.function.path, fill.effect.line, f"{fill.function.name} fills self.{attribute}, which is left")
        )
        if attribute in skips:
            evidence.append(
                Step(method.path, skips[attribute].line, f"self.{attribute} is cleared {skips[attribute].when}")
            )
    chosen = any(skips[attribute].is_chosen for attribute, _ in left if attribute in skips)
    lasting = chosen or all(may_last(attribute) for attribute, _ in left) or _turns_the_page(method)
    twice = all(_is_drained_singly(changes.get(attribute, [])) for attribute, _ in left)
    sure = "low" if lasting else "high" if len(cleared) > 2 and twice else "medium"
    yield Report(
        head_of(method),
        symbol_of(method),
        f"{method.name} clears {listed([f'self.{a}' for a in cleared])} but leaves {listed(names)}",
        tuple(evidence),
        confidence=sure,
        reason=_why(len(cleared), twice, lasting),
        subject=",".join(sorted(attribute for attribute, _ in left)),
        fix=f"clear {listed(names)} beside its siblings in {method.name}",
        data={
            "clear": sorted(attribute for attribute, _ in left),
            "beside": min(cleared.values(), key=lambda e: e.line).line,
            "runtime": runtime(cls, method, [attribute for attribute, _ in left]),
        },
    )


class _Skip(NamedTuple):
    """A clear that some ways through the reset leave out; `is_chosen`: the caller asks for it."""

    line: int
    when: str
    is_chosen: bool


def _cleared_on_some_ways(
    program: Program, method: FunctionInfo, cls: ClassInfo, cleared: dict[str, Effect]
) -> dict[str, _Skip]:
    found: dict[str, _Skip] = {}
    places: dict[str, list[int]] = {}
    for done in does(program, method, cls):
        if done.attribute:
            places.setdefault(done.attribute, []).append(_place_of(method, done.chain[0].effect))
    given = {param.name for param in method.params}
    for attribute, effect in cleared.items():
        others = [at for other in cleared if other != attribute for at in places[other]]
        way = skipped(method, places[attribute], others, f"self.{attribute}") if effect in method.effects else None
        if way is not None and not needless(program, cls, method, way, attribute):
            when = "after an early exit" if way.is_early_exit else f"only where {'not ' * way.holds}{way.test}"
            found[attribute] = _Skip(effect.line, when, bool(given & set(re.findall(r"\w+", way.test))))
    return found


def _place_of(method: FunctionInfo, effect: Effect) -> int:
    """A property that is read is no effect of its own; it runs where its line begins."""
    if effect in method.effects:
        return method.effects.index(effect)
    return sum(other.line < effect.line for other in method.effects)


def _why(cleared: int, twice: bool, lasting: bool) -> str:
    parts = [f"{cleared} siblings are cleared here"]
    if twice:
        parts.append("entries of what is left are removed elsewhere, so it is not meant to last")
    if lasting:
        parts.append("its name, or a generation that the reset counts up, says it may be meant to outlive one")
    return "; ".join(parts)


def _turns_the_page(method: FunctionInfo) -> bool:
    """Does the reset count up a generation, by which what is left can be told from what comes?"""
    return any(e.via == "+=" and _GENERATIONS & set(words(attribute_of(e.path))) for e in method.effects)


def _go_together(attribute: str, cleared: str, changes: Mapping[str, Sequence[Change]]) -> bool:
    """Does whoever fills the one fill the other? Then clearing the other alone is no smaller reset."""
    filling, with_it = (
        {change.function for change in changes.get(name, ()) if change.effect.op == "insert"}
        for name in (attribute, cleared)
    )
    return not may_last(attribute) and bool(filling) and filling <= with_it


def _filled_by(program: Program, cls: ClassInfo, attribute: str, changes: Sequence[Change]) -> Change | None:
    """Where ordinary methods fill a container that nothing else empties wholesale; None when it is no such state."""
    known = cls.attributes.get(attribute)
    if known is None or not known.is_container or known.is_class_level or program.vocabulary.is_not_state(attribute):
        return None
    if not is_made(cls, attribute) or any(c.effect.op == "clear" and not is_setup(c.function) for c in changes):
        return None
    fills = [c for c in changes if grows(c, known) and not is_setup(c.function)]
    return fills[0] if fills else _filled_for_it(program, cls, known, attribute)


def _filled_for_it(program: Program, cls: ClassInfo, known: AttributeInfo, attribute: str) -> Change | None:
    """Where a helper that is handed the container fills it, or another object that reaches in."""
    path = f"self.{attribute}"
    for function in cls.functions:
        hands_over = any(argument.path == path for effect in function.effects for argument in effect.args)
        if hands_over and function not in cls.building and not is_setup(function):
            for done in does(program, function, cls):
                adds = done.how == "insert" and (done.effect.via != "[]=" or is_keyed(known))
                if adds and done.path == path and done.inner is not None:
                    return Change(attribute, done.function, done.effect)
    for touch in program.touches(cls, attribute):
        of_class = touch.function.owner is not None and touch.function.owner.is_kin_of(cls)
        if touch.effect.op == "insert" and not touch.by_name and not of_class and touch.path.endswith(f".{attribute}"):
            return Change(attribute, touch.function, touch.effect)
    return None


def _is_drained_singly(changes: Sequence[Change]) -> bool:
    return any(c.effect.op == "remove" and not is_setup(c.function) for c in changes)
