"""A setting that a library keeps for each thread, noted in a global of a module for all of them."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.state import place_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report


def settings_in_globals(program: Program) -> Iterator[Report]:
    for module in program.asked.functions:
        if module.name != "<module>" or module.language != "python":
            continue
        for put in module.effects:
            name = put.path.rpartition(".")[2]
            if (
                put.op == "assign"
                and "." in put.path
                and name in program.vocabulary.thread_settings
                and put.value == "path"
            ):
                yield from _noted(program, module, put)


def _noted(program: Program, module: FunctionInfo, put: Effect) -> Iterator[Report]:
    """Where the function that takes the library's place stores what it is given in a global."""
    for function in program.functions_in(module.path):
        if function.facts.qualname != put.source:
            continue
        given = {param.name for param in function.params}
        for effect in function.effects:
            if effect.op == "assign" and effect.path.isidentifier() and effect.source in given:
                yield Report(
                    place_of(function, effect),
                    symbol_of(function),
                    f"{put.path} sets what holds for one thread; {function.name}, in its place, notes it in the "
                    f"global {effect.path}, and what one thread sets all others take for theirs",
                    (
                        program.step(module, put, f"{function.name} takes the place of {put.path}"),
                        program.step(function, effect, f"{effect.path} is one for all threads"),
                    ),
                    confidence="high",
                    reason="the library keeps it per thread",
                    subject=effect.path,
                    fix=f"keep {effect.path} in a threading.local()",
                )
