"""LLM105: a list that each step makes longer and that nothing bounds.

Two forms. Steps append and nothing in the program ever takes anything out. Or what takes out asks each element whether
it is done and never waits for one: where the other side is slow, the list grows for as long as it stays slow.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.entries import those_around
from llmlint.code.domain.growing import is_taken_from, outlives_requests
from llmlint.code.domain.state import Change, changes_of, head_of, is_keyed, is_setup, symbol_of
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.runtime.block import Block, Target, Watch
from llmlint.vocabulary import words

_STEPS = frozenset("step execute schedule process forward run poll recv send dispatch".split())
_POLLS = (".is_completed(", ".is_done(", ".done(", ".query(", ".poll(", ".is_ready(")
_WAITS = frozenset("wait result synchronize join".split())
_BOUNDED = ("maxlen", "len(self.{}) >", "len(self.{})>")
_TRIALS = frozenset({"test", "tests", "conftest"})
_LISTS = frozenset({"append", "appendleft", "extend", "push_back", "emplace_back", "+="})


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.asked.classes:
        if cls.language != "python":
            continue  # there an object is mostly made for one run, and goes with all it holds
        for attribute, changes in changes_of(program, cls).items():
            known = cls.attributes.get(attribute)
            fills = [change for change in changes if _appends(change, attribute)]
            if known is None or not known.is_container or is_keyed(known) or not fills:
                continue
            if _is_bounded(cls, attribute, known.source):
                continue
            polling = next((f for f in cls.functions if _only_polls(program, f, attribute)), None)
            if polling is not None:
                if not _waits(cls, attribute):
                    yield _reaped(program, cls, attribute, fills[0], polling)
            elif (
                any(map(_is_per_step, (fills[0].function, *those_around(program, fills[0].function, cls))))
                and _lives_long(program, cls)
                and not is_taken_from(program, cls, attribute)
            ):
                yield _only_grows(program, cls, attribute, fills[0])


def _appends(change: Change, attribute: str) -> bool:
    effect = change.effect
    return (
        effect.op == "insert"
        and effect.path == f"self.{attribute}"
        and effect.via in _LISTS
        and not is_setup(change.function)
    )


def _is_bounded(cls: ClassInfo, attribute: str, source: str) -> bool:
    """By its own length, or by a condition on its length anywhere in the class."""
    marks = [mark.format(attribute) for mark in _BOUNDED]
    texts = [source, *(region.text for function in cls.functions for region in function.regions)]
    return any(mark in text for mark in marks for text in texts)


# ---------------------------------------------------------------- asked, never waited for


def _only_polls(program: Program, function: FunctionInfo, attribute: str) -> bool:
    """A loop on the list asks whether its elements are done, and the function takes out those that are."""
    asks = any(
        f"self.{attribute}" in region.text and any(poll in region.text for poll in _POLLS)
        for region in function.regions
        if region.kind == "loop"
    )
    effects = whole(program, function).effects if asks else ()
    return any(e.op in ("assign", "remove") and e.path == f"self.{attribute}" for e in effects)


def _waits(cls: ClassInfo, attribute: str) -> bool:
    element = f"self.{attribute}[]."
    return any(
        effect.callee.startswith(element) and effect.callee.rpartition(".")[2] in _WAITS
        for function in cls.functions
        for effect in function.effects
    )


def _reaped(program: Program, cls: ClassInfo, attribute: str, fill: Change, polling: FunctionInfo) -> Report:
    loop = next(r for r in polling.regions if r.kind == "loop" and f"self.{attribute}" in r.text)
    return Report(
        head_of(polling),
        symbol_of(polling),
        f"{polling.name} takes out of self.{attribute} only what is done already: a slow peer lets it grow",
        (
            program.step(fill.function, fill.effect, f"{fill.function.name} appends"),
            program.step(polling, loop.line, "what is done is taken out; nothing waits for what is not"),
        ),
        confidence="medium",
        reason="no function of the class waits for an element or looks at the length",
        subject=attribute,
        fix=f"wait for the oldest elements once self.{attribute} has grown, or bound it",
        data={"runtime": _runtime(cls, attribute, fill)},
    )


# ---------------------------------------------------------------- never taken from


def _is_per_step(function: FunctionInfo) -> bool:
    return not _STEPS.isdisjoint(words(function.name)[:1])


def _lives_long(program: Program, cls: ClassInfo) -> bool:
    return _TRIALS.isdisjoint(words(cls.path)) and outlives_requests(program, cls)


def _only_grows(program: Program, cls: ClassInfo, attribute: str, fill: Change) -> Report:
    known = cls.attributes[attribute]
    return Report(
        program.place(fill.function, fill.effect),
        symbol_of(fill.function),
        f"{fill.function.name} appends to self.{attribute} each time, and nothing ever takes anything out",
        (
            Step(known.path, known.line, f"self.{attribute} begins empty"),
            program.step(fill.function, fill.effect, f"{fill.function.name} appends"),
        ),
        confidence="medium",
        reason="no removal, clear or reassignment of the list was found anywhere in the program",
        subject=attribute,
        fix=f"give self.{attribute} a maxlen, or drop what has been used",
        data={"runtime": _runtime(cls, attribute, fill)},
    )


def _runtime(cls: ClassInfo, attribute: str, fill: Change) -> dict[str, object]:
    target = Target(fill.function.facts.qualname, "insert", path=fill.function.path)
    return Block(targets=(target,), watch=(Watch(attribute, owner=cls.facts.qualname, path=cls.path),)).plain()
