"""LLM803: what belongs together is cleared in one place and not in the other.

`partners` looks at two containers that are filled together, `shared` at objects that stand in two queues, `peers` at
what is kept of a peer that was lost.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.state.partial_clear import partners, peers, shared
from llmlint.code.link.program import Program
from llmlint.findings import Report


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.classes:
        yield from partners.taken_alone(program, cls)
        yield from shared.stripped_in_one_queue(program, cls)
        yield from peers.connection_kept(program, cls)
