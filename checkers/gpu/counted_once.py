"""LLM305: a number that code counts up while a graph is recorded. A replay runs what the device was given, and no code
of the host: the number stays as the recording left it, whoever reads it."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.captures import Capture
from llmlint.code.domain.state import CONSTRUCTORS, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.code.link.reach import Wanted
from llmlint.findings import Report, Step
from llmlint.phrases import last_name

_DEEPEST = 3
_COUNTS = frozenset({"+=", "-="})


def counted_once(program: Program, capture: Capture, wanted: Wanted) -> Iterator[Report]:
    function = capture.function
    for at in capture.inside:
        effect = function.effects[at]
        for callee in program.callees(function, effect) if effect.callee else ():
            way = program.reaches(callee, wanted, _DEEPEST)
            if way and way[-1].function in program.asked and _reader(way[-1]) is not None:
                yield _report(program, capture, (Call(function, effect), *way))


def counts(function: FunctionInfo, effect: Effect) -> bool:
    """Does it count a number of the object up or down by one that is written there?"""
    is_own = effect.op == "assign" and effect.path.startswith("self.") and effect.path.count(".") == 1
    return is_own and effect.via in _COUNTS and effect.value == "constant" and _is_number(function, effect.path)


def _is_number(function: FunctionInfo, path: str) -> bool:
    """Is it made as one, by its object?"""
    owner = function.owner
    makers = [f for f in owner.functions if f.name in CONSTRUCTORS] if owner is not None else []
    made = [e for maker in makers for e in maker.effects if e.op == "assign" and e.path == path]
    return bool(made) and all(e.value == "constant" and e.source.lstrip("-").isdigit() for e in made)


def _reader(counted: Call) -> FunctionInfo | None:
    """Who else of the object reads the number."""
    owner, name = counted.function.owner, counted.effect.path
    others = (f for f in (owner.functions if owner is not None else ()) if f is not counted.function)
    return next((f for f in others if any(path == name for path, _ in f.reads)), None)


def _report(program: Program, capture: Capture, way: tuple[Call, ...]) -> Report:
    holder, counted = way[-1]
    reader = _reader(way[-1])
    steps = [Step(capture.function.path, capture.line, "a graph of the device is recorded from here")]
    steps += [program.step(f, e, f"{f.facts.qualname} calls {last_name(e.callee)}") for f, e in way[:-1]]
    steps.append(program.step(holder, counted, f"{counted.path} is counted by the host, in the recording alone"))
    if reader is not None:
        steps.append(program.step(reader, reader.facts.line, f"{reader.name} reads it"))
    return Report(
        program.place(holder, counted),
        symbol_of(holder),
        f"{counted.path} is counted while a graph is recorded, and by no replay of it",
        tuple(steps),
        confidence="low",
        reason="whether this function also runs outside of recordings is not seen",
        subject=f"counted:{counted.path}",
        fix="count where the graph is replayed",
        mechanism="counted_once",
    )
