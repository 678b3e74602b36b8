"""LLM807: a flag or cursor that says how things stand, and that one place forgets to set back.

`forgotten` asks what other places of its kind do; `way_out` looks for the way out of a function between a switch and
the switch back.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.state.flag_not_reset import forgotten, way_out
from llmlint.code.link.program import Program
from llmlint.findings import Report


def check_program(program: Program) -> Iterator[Report]:
    yield from forgotten.forgotten(program)
    for function in program.asked.functions:
        yield from way_out.left_switched(function)
