"""LLM903: a call whose result is not what the caller takes it for.

It is nothing at all, or another number of values than are taken from it (`taken`); a coroutine or a generator that
never runs (`never_runs`); a call that begins an event loop where one runs already (`second_loop`); a member of an
enumeration that is compared with what it can never equal (`never_equal`); what can be gone through once is gone
through again (`read_twice`).
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.contracts.misread_result.never_equal import never_equal
from llmlint.checkers.contracts.misread_result.never_runs import begins_nothing, library_coroutines
from llmlint.checkers.contracts.misread_result.read_twice import read_twice
from llmlint.checkers.contracts.misread_result.second_loop import second_loop
from llmlint.checkers.contracts.misread_result.taken import taken
from llmlint.code.domain.coroutines import by_name, may_give_that_of_another
from llmlint.code.domain.results import counts_given, gives_nothing, run_by
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Report

_GIVEN_TO_EXIT = "main"


def check_file(file: SourceFile) -> Iterator[Report]:
    yield from read_twice(file)


def check_program(program: Program) -> Iterator[Report]:
    called = program.asked.call_names
    named = [f for f in program.functions if f.name in called]
    coroutines = {f.name for f in program.functions if f.language == "python" and f.facts.is_async}
    for name in sorted({f.name for f in named if _is_of_note(f) or may_give_that_of_another(f, coroutines)}):
        for function, effect in program.asked.calls(name):
            if function.language == "python" and effect.op == "call":
                ran = run_by(program, function, effect) or by_name(program, function, effect)
                if ran:
                    yield from begins_nothing(program, function, effect, ran)
                    yield from taken(program, function, effect, ran) if name != _GIVEN_TO_EXIT else ()
    yield from library_coroutines(program)
    yield from second_loop(program)
    yield from never_equal(program)


def _is_of_note(function: FunctionInfo) -> bool:
    if function.language != "python":
        return False
    lazy = function.facts.is_async or function.facts.is_generator
    return lazy or gives_nothing(function) or bool(counts_given(function))
