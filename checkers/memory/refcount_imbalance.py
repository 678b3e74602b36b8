"""LLM104: a count that one path raises or lowers and another does not.

Three forms. A function raises a count and then fails: it answers None or False, or raises, without lowering it, while
what it raised the count for has not been recorded anywhere. A table of counters whose entries one function deletes once
nobody uses them, and another without asking. And parts that get a second owner uncounted (`shared_entry.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.memory.shared_entry import shared_entries
from llmlint.code.domain.counting import LOWER, RAISE, Counts, counted_by, counts_asked
from llmlint.code.domain.state import attribute_of
from llmlint.code.facts.facts import Effect, Function
from llmlint.code.flow.leaks import Question, leak
from llmlint.code.link.exits import chain, stands_in
from llmlint.code.link.once import once
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program, root_of
from llmlint.findings import Report, Step
from llmlint.runtime.block import Block, Target
from llmlint.vocabulary import words

_LEVELS = 2
_NO = frozenset({"False", "false"})


def check_program(program: Program) -> Iterator[Report]:
    counts = counts_asked(program)
    entered_by = program.vocabulary.entered_by
    names = {f.name for f in counts.raising} | {
        name for name in program.asked.call_names if any(row.kind == "count" for row in entered_by(f"x.{name}"))
    }
    for function in program.asked.functions:
        gist = function.facts.gist
        may_raise_one = f"assign {RAISE}" in gist.deeds or not names.isdisjoint(gist.calls)
        if may_raise_one and function not in counts.raising:
            yield from _failing_exits(program, counts, function)
    for cls in program.asked.classes:
        yield from _dropped_counters(program, cls)
    yield from shared_entries(program)


# ---------------------------------------------------------------- raised before a failing exit


def _failing_exits(program: Program, counts: Counts, function: FunctionInfo) -> Iterator[Report]:
    effects = function.effects
    failing = [at for at, effect in enumerate(effects) if _fails(function, effect)]
    for at, effect in enumerate(effects) if failing else ():
        thing = counted_by(program, counts, function, effect, RAISE)
        if not thing or stands_in(function, effect, {"lambda"}) or _is_noted(program, counts, function, effect):
            continue
        settled = [n for n, e in enumerate(effects) if n != at and _settles(program, counts, function, thing, e)]
        if any(n < at and effects[n].op in ("insert", "assign") for n in settled):
            continue  # recorded before it is counted: its end will find it
        status = frozenset({effect.result.split(", ")[0]} - {"", thing})
        asked = Question(function, at, frozenset({thing}), status, settled, settled, exits=failing)
        found = leak(asked)
        if found is not None and found.left_by is not None:
            yield _report(program, function, effect, found.left_by, thing, [effects[n] for n in settled])
            return


def _is_noted(program: Program, counts: Counts, function: FunctionInfo, effect: Effect) -> bool:
    """Does what raises the count note so in the thing itself (`sequence.is_pinned = True`), for whoever ends it?"""
    raising = counts.raising.intersection(program.callees(function, effect))
    return any(_notes(program, callee, _LEVELS) for callee in raising)


def _notes(program: Program, function: FunctionInfo, levels: int) -> bool:
    given = {param.name for param in function.params}
    if any(e.op == "assign" and e.source == "True" and root_of(e.path) in given for e in function.effects):
        return True
    helpers = (f for e in function.effects if e.op == "call" for f in program.callees(function, e))
    return levels > 0 and any(_notes(program, helper, levels - 1) for helper in helpers)


def _settles(program: Program, counts: Counts, function: FunctionInfo, thing: str, effect: Effect) -> bool:
    """The count is lowered again, or the thing is recorded where its end will find it."""
    if counted_by(program, counts, function, effect, LOWER):
        return True
    return effect.op in ("insert", "assign") and thing in (effect.source, effect.key, *effect.reads)


def _fails(function: FunctionInfo, exit_: Effect) -> bool:
    """An exit that says no, in a function that has another answer too."""
    if exit_.op == "raise":
        return True
    if exit_.op != "return" or not (exit_.value == "none" or exit_.source in _NO):
        return False
    answers = [e for e in function.effects if e.op == "return" and e is not exit_]
    return any(e.value not in ("none", "") and e.source not in _NO for e in answers)


def _report(
    program: Program, function: FunctionInfo, raised: Effect, exit_: Effect, thing: str, settled: list[Effect]
) -> Report:
    how = raised.callee or f"{raised.path} {RAISE}"
    steps = [
        Step(function.path, raised.line, f"{how} raises the count of {thing}"),
        Step(function.path, exit_.line, "this path fails and leaves it raised"),
    ]
    steps += [Step(function.path, e.line, f"another path settles it: {e.callee or e.path}") for e in settled[:1]]
    return Report(
        program.place(function, raised),
        function.facts.qualname,
        f"{function.name} raises the count of {thing} and can still fail: the count is never lowered then",
        tuple(steps),
        confidence="high" if settled else "medium",
        reason="nothing between the two lowers the count or records the thing",
        subject=f"{thing}:{exit_.op}",
        fix="raise the count after the last check, or lower it before leaving",
        data={"runtime": _runtime(program, function, raised)},
    )


def _runtime(program: Program, function: FunctionInfo, raised: Effect) -> dict[str, object]:
    targets = [Target(function.facts.qualname, "scope", function.path)]
    for callee in program.callees(function, raised)[:1]:
        params = [p.name for p in callee.params]
        targets.append(Target(callee.facts.qualname, "acquire", callee.path, params[0] if params else "self"))
    return Block(tuple(targets)).plain()


# ---------------------------------------------------------------- a counter that goes while it is used


def _dropped_counters(program: Program, cls: ClassInfo) -> Iterator[Report]:
    tables = _counter_tables(program, cls)
    for attribute in sorted(tables):
        removed = [
            (f, e)
            for f in cls.functions
            for e in f.effects
            if e.op == "remove" and e.path == f"self.{attribute}" and e.key
        ]
        asked = [(f, e) for f, e in removed if _asks_first(f, e)]
        for function, effect in removed if asked else ():
            if (function, effect) not in asked:
                yield _dropped_report(program, function, effect, attribute, asked[0], tables[attribute])


def _counter_tables(program: Program, cls: ClassInfo) -> dict[str, tuple[FunctionInfo, Effect]]:
    """Attributes of keyed counters, with where one is raised: by `self.counters[key].increment()` or `+= 1`."""
    raised: dict[str, tuple[FunctionInfo, Effect]] = {}
    lowered: set[str] = set()
    for function in cls.functions:
        up, down = once(function.settled, _counted_in)
        for attribute, effect in up.items():
            raised.setdefault(attribute, (function, effect))
        lowered |= down
    return {attribute: at for attribute, at in raised.items() if attribute in lowered}


def _counted_in(function: Function) -> tuple[dict[str, Effect], set[str]]:
    """The attributes whose counters a function raises, with where, and those whose it lowers."""
    raised: dict[str, Effect] = {}
    lowered: set[str] = set()
    for effect in function.effects:
        attribute = attribute_of(effect.path)
        if not attribute:
            continue
        verb = words(effect.callee.rpartition(".")[2]) if effect.callee.startswith(f"self.{attribute}[].") else ()
        steps = effect.path == f"self.{attribute}" and effect.op in ("insert", "assign")
        if "increment" in verb or "incr" in verb or (steps and effect.via == RAISE):
            raised.setdefault(attribute, effect)
        if "decrement" in verb or "decr" in verb or (steps and effect.via == LOWER):
            lowered.add(attribute)
    return raised, lowered


def _asks_first(function: FunctionInfo, removal: Effect) -> bool:
    """The removal waits for zero, or stands under a test of the counter."""
    counter = f"{removal.path}[]"
    waited = any(
        e.callee.startswith(f"{counter}.") and {"wait", "zero"} & set(words(e.callee.rpartition(".")[2]))
        for e in function.effects
        if e.line <= removal.line
    )
    regions = (function.regions[r] for r in chain(function, removal.region))
    return waited or any(counter in region.reads or counter[5:-2] in region.text for region in regions)


def _dropped_report(
    program: Program,
    function: FunctionInfo,
    removal: Effect,
    attribute: str,
    asked: tuple[FunctionInfo, Effect],
    raised: tuple[FunctionInfo, Effect],
) -> Report:
    return Report(
        program.place(function, removal),
        function.facts.qualname,
        f"{function.name} deletes a counter of {attribute} that users may still hold; {asked[0].name} asks first",
        (
            Step(raised[0].path, raised[1].line, f"{raised[0].facts.qualname} raises the counter"),
            Step(function.path, removal.line, "it goes here, whatever it stands at"),
            Step(asked[0].path, asked[1].line, f"{asked[0].facts.qualname} lets it go once nobody uses it"),
        ),
        confidence="medium",
        reason="one function lets the counter go only when it is zero, this one does not ask",
        subject=f"dropped:{attribute}",
        fix="let the counter go only where it is known to be zero",
        data={"runtime": Block((Target(function.facts.qualname, "scope", function.path),)).plain()},
    )
