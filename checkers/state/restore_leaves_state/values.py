"""Plain values a reset leaves: counts of what it gives back, and records of what the state was made for."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.state.restore_leaves_state.owing import cleared_by, is_made, is_owed, listed, may_last, runtime
from llmlint.code.domain.state import Change, attribute_of, handled_by, head_of, is_setup, mentioned_by, symbol_of
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program, Touch
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_FEWEST_CLEARED = 2
_FEWEST_RESET = 4
_UNDER_WAY = frozenset({"pending", "inflight", "outstanding", "flight"})
"""Work that a reset cannot undo goes on counting itself down."""


# ---------------------------------------------------------------- counts that go up and down with what is cleared


def counters(program: Program, cls: ClassInfo, method: FunctionInfo, owed: tuple[str, ...]) -> Iterator[Report]:
    cleared = cleared_by(program, method, cls)
    if len(cleared) < _FEWEST_CLEARED:
        return
    seen_to = handled_by(program, method, cls).keys() | mentioned_by(program, method, cls)
    for attribute in cls.attributes:
        if attribute in seen_to or not is_owed(owed, attribute) or not _may_count(program, cls, attribute):
            continue
        ups, downs = _moves(program, cls, attribute)
        if ups and downs and not _has_a_reset(program, cls, attribute):
            yield _left_counting(cls, method, attribute, list(cleared), ups[0], downs[0])


def _may_count(program: Program, cls: ClassInfo, attribute: str) -> bool:
    lasts = may_last(attribute) or _UNDER_WAY & set(words(attribute)) or program.vocabulary.is_not_state(attribute)
    return not lasts and not cls.attributes[attribute].is_container and is_made(cls, attribute)


def _moves(program: Program, cls: ClassInfo, attribute: str) -> tuple[list[Touch], list[Touch]]:
    """Where it is counted up, and where down, whoever does it."""
    counted = [t for t in program.touches(cls, attribute) if t.effect.op == "assign" and not is_setup(t.function)]
    return [t for t in counted if t.effect.via == "+="], [t for t in counted if t.effect.via == "-="]


def _has_a_reset(program: Program, cls: ClassInfo, attribute: str) -> bool:
    """Is setting it back the job of another reset, which comes before each use?"""
    return any(
        touch.effect.value == "constant" and program.vocabulary.is_reset(touch.function.name) is not None
        for touch in program.touches(cls, attribute)
    )


def _left_counting(
    cls: ClassInfo, method: FunctionInfo, attribute: str, cleared: list[str], up: Touch, down: Touch
) -> Report:
    return Report(
        head_of(method),
        symbol_of(method),
        f"{method.name} clears {listed([f'self.{a}' for a in cleared])} but leaves self.{attribute} at what it counted",
        (
            Step(method.path, method.facts.line, f"{method.name} empties {len(cleared)} containers"),
            Step(up.function.path, up.effect.line, f"{up.function.name} counts self.{attribute} up"),
            Step(
                down.function.path, down.effect.line, f"{down.function.name} counts it down, which will not happen now"
            ),
        ),
        confidence="medium",
        reason="it is counted up and down with what the object holds, and nothing of it is held after the reset",
        subject=attribute,
        fix=f"set self.{attribute} back in {method.name}",
        data={"runtime": runtime(cls, method, [attribute])},
    )


# ---------------------------------------------------------------- what the state was made for


def records(
    program: Program, cls: ClassInfo, method: FunctionInfo, owed: tuple[str, ...], changes: dict[str, list[Change]]
) -> Iterator[Report]:
    """A reset throws the state away, and what it was made for stays: the next look finds it fit to be used again."""
    handled = handled_by(program, method, cls)
    if owed or len(handled) < _FEWEST_RESET:
        return
    mentioned = mentioned_by(program, method, cls)
    for attribute, its_changes in changes.items():
        kept = next((c for c in its_changes if _keeps_parameter(c, cls)), None)
        if attribute in handled or attribute in mentioned or kept is None:
            continue
        asking = next((m for m in cls.all_methods.values() if _compares(program, m, attribute)), None)
        if asking is not None:
            yield _still_fits(cls, method, attribute, kept, asking, len(handled))


def _keeps_parameter(change: Change, cls: ClassInfo) -> bool:
    """Does an ordinary method keep what it is given as the attribute?"""
    effect, function = change.effect, change.function
    return (
        effect.op == "assign"
        and effect.path == f"self.{change.attribute}"
        and effect.value == "path"
        and effect.source in {p.name for p in function.params}
        and function not in cls.building
    )


def _compares(program: Program, method: FunctionInfo, attribute: str) -> bool:
    asks = program.vocabulary.asks_reuse(method.name)
    return asks and any(attribute_of(path) == attribute for path, _ in method.reads)


def _still_fits(
    cls: ClassInfo, method: FunctionInfo, attribute: str, kept: Change, asking: FunctionInfo, handled: int
) -> Report:
    return Report(
        head_of(method),
        symbol_of(method),
        f"{method.name} leaves self.{attribute}, by which {asking.name} tells whether the state may be used again",
        (
            Step(method.path, method.facts.line, f"{method.name} sets {handled} other members back"),
            Step(
                kept.function.path, kept.effect.line, f"{kept.function.name} keeps in self.{attribute} what it was for"
            ),
            Step(asking.path, asking.facts.line, f"{asking.name} compares with it"),
        ),
        confidence="medium",
        reason=f"after the reset {asking.name} may still say yes, for state that is gone",
        subject=attribute,
        fix=f"set self.{attribute} back in {method.name}",
        data={"runtime": runtime(cls, method, [attribute])},
    )


# ---------------------------------------------------------------- when something was last used


def never_marked(program: Program, cls: ClassInfo) -> Iterator[Report]:
    """A mark of the last use that others choose by, and that no method sets: a release should."""
    letting_go = next(
        (m for n, m in cls.methods.items() if m.facts.has_body and program.vocabulary.is_terminal(n)), None
    )
    if letting_go is None:
        return
    for attribute, known in cls.own_attributes.items():
        if not program.vocabulary.is_recency(attribute) or known.value != "constant":
            continue
        readers = program.reads(cls, attribute)
        if readers and all(touch.function in cls.building for touch in program.touches(cls, attribute)):
            yield Report(
                head_of(letting_go),
                symbol_of(letting_go),
                f"{letting_go.name} does not set self.{attribute}, and nothing else does: "
                f"{readers[0].function.name} chooses by its initial value",
                (
                    Step(known.path, known.line, f"{attribute} starts at {known.source}"),
                    Step(readers[0].function.path, readers[0].line, f"{readers[0].function.name} reads it"),
                    Step(letting_go.path, letting_go.facts.line, f"{letting_go.name} ends a use and leaves it"),
                ),
                confidence="medium",
                reason="no assignment to it was found in the program",
                subject=attribute,
                fix=f"set {attribute} in {letting_go.name}",
            )
