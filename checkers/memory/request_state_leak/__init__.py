"""LLM102: something of a request that some end of its life leaves behind.

`entries` looks at one map keyed by requests, `together` at what the ends of a request release side by side,
`leaving` at the branches of one loop that let requests go from a queue.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.memory.request_state_leak import entries, leaving, together
from llmlint.code.link.program import Program
from llmlint.findings import Report


def check_program(program: Program) -> Iterator[Report]:
    yield from entries.check_program(program)
    yield from together.check_program(program)
    yield from leaving.check_program(program)
