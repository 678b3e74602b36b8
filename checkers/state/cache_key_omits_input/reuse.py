"""A test for reuse that asks for one factor of a size, where another method of the object multiplies two."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.state import attribute_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report

_COUNT = re.compile(r"^(const )?(u?int(8|16|32|64)?(_t)?|size_t|unsigned|long|int)$")


def one_factor_of_a_size(program: Program, function: FunctionInfo) -> Iterator[Report]:
    if function.owner is None or not program.vocabulary.asks_reuse(function.name):
        return
    asked = {attribute_of(path) for path, _ in function.reads}
    counts = [f.name for f in function.owner.facts.fields if _COUNT.match(f.annotation) and f.name not in asked]
    for test in function.effects:
        sizes = {attribute_of(path) for path in test.reads if ".ne[" in path or ".size()" in path or ".shape" in path}
        others = {path.rpartition(".")[2] for path in test.reads if not path.startswith("self.") and "." in path}
        for held in sorted(sizes - {""}):
            for count in counts:
                if _is_a_dimension(function.owner, held, count):
                    continue
                used = _used_together(function.owner, held, count, others)
                if used is not None:
                    yield _factor(program, function, test, held, count, used)


def _is_a_dimension(cls: ClassInfo, held: str, count: str) -> bool:
    """Is the count held against a size of the attribute somewhere? Then it is another dimension of it, not a factor."""
    sizes = (f"self.{held}.ne[]", f"self.{held}.size()", f"self.{held}.shape")
    return any(
        f"self.{count}" in effect.reads and any(path.startswith(sizes) for path in effect.reads)
        for method in cls.functions
        for effect in method.effects
    )


def _used_together(cls: ClassInfo, held: str, count: str, others: set[str]) -> tuple[FunctionInfo, Effect] | None:
    """A call that is handed the attribute with a size made of the count and of what the test compares with."""
    for method in cls.functions:
        for effect in method.effects:
            if effect.op == "call" and effect.args and effect.args[0].path == f"self.{held}":
                for argument in effect.args[1:]:
                    if f"self.{count}" in argument.reads and others & {p.rpartition(".")[2] for p in argument.reads}:
                        return method, effect
    return None


def _factor(
    program: Program, test: FunctionInfo, at: Effect, held: str, count: str, used: tuple[FunctionInfo, Effect]
) -> Report:
    method, effect = used
    return Report(
        program.place(test, at),
        symbol_of(test),
        f"{test.name} asks for the size of {held} without {count}, by which {method.name} multiplies it",
        (
            program.step(method, effect, f"{method.name} fills {held} with a multiple of {count}"),
            program.step(test, at, f"{test.name} compares its size, and leaves {count} out"),
        ),
        confidence="high",
        reason=f"{count} belongs to the object, and the test never reads it",
        subject=f"{held}:{count}",
        fix=f"compare with the product, {count} included",
    )
