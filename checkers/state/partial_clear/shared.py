"""An object stands in two queues; one drops it and takes a part of it away, the other still walks over it."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.state import attribute_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report


def stripped_in_one_queue(program: Program, cls: ClassInfo) -> Iterator[Report]:
    for method in cls.functions:
        for stripped in method.effects:
            queue, _, part = stripped.path.removeprefix("self.").partition("[].")
            if stripped.op != "assign" or stripped.value != "none" or not part.isidentifier():
                continue
            if not queue.isidentifier() or not stripped.path.startswith("self.") or not _drops(method, queue):
                continue
            for other, (filling, filled) in _also_in(cls, queue).items():
                used = _used(cls, method, other, part)
                if used is not None and not _touches(method, other):
                    yield _report(program, method, stripped, queue, other, part, (filling, filled), used)


def _drops(method: FunctionInfo, queue: str) -> bool:
    return any(e.path == f"self.{queue}" and e.op in ("assign", "remove", "clear") for e in method.effects)


def _touches(method: FunctionInfo, queue: str) -> bool:
    paths = (*(effect.path for effect in method.effects), *(path for path, _ in method.reads))
    return any(attribute_of(path) == queue for path in paths)


def _also_in(cls: ClassInfo, queue: str) -> dict[str, tuple[FunctionInfo, Effect]]:
    """The other containers that are given an object which has just been put into the queue."""
    found: dict[str, tuple[FunctionInfo, Effect]] = {}
    for function in cls.functions:
        if any(e.op in ("remove", "clear", "assign") and e.path == f"self.{queue}" for e in function.effects):
            continue  # what it puts elsewhere may have left the queue
        put = _put_into(cls, function, queue)
        for effect in function.effects:
            other = attribute_of(effect.path)
            if effect.op == "insert" and other != queue and effect.path == f"self.{other}" and _given(effect) & put:
                found.setdefault(other, (function, effect))
    return found


def _given(effect: Effect) -> set[str]:
    return {argument.path for argument in effect.args if argument.path.isidentifier()}


def _put_into(cls: ClassInfo, function: FunctionInfo, queue: str) -> set[str]:
    """The locals that stand in the queue: put there here, or by the method of the object that returned them."""
    inserted = [effect for effect in function.effects if effect.op == "insert" and effect.path == f"self.{queue}"]
    put = {name for effect in inserted for name in _given(effect)}
    for effect in function.effects:
        maker = cls.methods.get(effect.path.removeprefix("self.")) if effect.op == "call" else None
        if maker is not None and maker is not function and effect.result.isidentifier():
            returned = {e.path for e in maker.effects if e.op == "return"}
            if returned & _put_into_by_itself(maker, queue):
                put.add(effect.result)
    return put


def _put_into_by_itself(function: FunctionInfo, queue: str) -> set[str]:
    return {n for e in function.effects if e.op == "insert" and e.path == f"self.{queue}" for n in _given(e)}


def _used(cls: ClassInfo, method: FunctionInfo, other: str, part: str) -> tuple[FunctionInfo, Effect] | None:
    """Where a function that walks over the other container calls the part, and never asks whether it is there."""
    for function in cls.functions:
        walks = any(path.startswith(f"self.{other}[]") for path, _ in function.reads)
        if function is method or not walks or any(_names(region.reads, part) for region in function.regions):
            continue
        for effect in function.effects:
            if effect.op == "call" and f".{part}." in effect.path:
                return function, effect
    return None


def _names(paths: tuple[str, ...], part: str) -> bool:
    return any(path.endswith(f".{part}") for path in paths)


def _report(
    program: Program,
    method: FunctionInfo,
    stripped: Effect,
    queue: str,
    other: str,
    part: str,
    filled: tuple[FunctionInfo, Effect],
    used: tuple[FunctionInfo, Effect],
) -> Report:
    return Report(
        program.place(method, stripped),
        symbol_of(method),
        f"{method.name} drops an object from self.{queue} without its {part}; self.{other} may hold it still",
        (
            program.step(*filled, f"{filled[0].name} puts what stands in self.{queue} into self.{other} too"),
            program.step(method, stripped, f"{part} is taken away, and the object leaves self.{queue} only"),
            program.step(*used, f"{used[0].name} walks over self.{other} and calls {part} without asking"),
        ),
        confidence="medium",
        reason=f"{method.name} never looks at self.{other}",
        subject=f"{queue}:{other}:{part}",
        fix=f"take the object out of self.{other} as well",
    )
