"""LLM204: a wait for somebody who may be gone, which nothing ends.

Waits for work, as a dispatcher's thread does for ever, are right; what counts here is a wait for the answer of a named
peer: of a process that was just started (`startup.py`), of whom a request was sent to (`answers.py`), of a loop that
has ended (`abandoned.py`), of a server on the network (`network.py`, `deadlines.py`), for a state that a peer should
come to (`polling.py`), and in C++ for a result that another thread puts into a container (`conditions.py`). And who
waits for a loop to stop may wait for ever (`idle_stop.py`), as may a child whose output nobody takes
(`unread_pipe.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.unbounded_wait.abandoned import abandoned
from llmlint.checkers.concurrency.unbounded_wait.answers import unanswered
from llmlint.checkers.concurrency.unbounded_wait.conditions import unconditional
from llmlint.checkers.concurrency.unbounded_wait.deadlines import without_deadline
from llmlint.checkers.concurrency.unbounded_wait.idle_stop import stopped_when_idle
from llmlint.checkers.concurrency.unbounded_wait.network import without_timeout
from llmlint.checkers.concurrency.unbounded_wait.polling import polled
from llmlint.checkers.concurrency.unbounded_wait.startup import unstarted
from llmlint.checkers.concurrency.unbounded_wait.unread_pipe import unread
from llmlint.code.link.program import Program
from llmlint.findings import Report


def check_program(program: Program) -> Iterator[Report]:
    yield from unstarted(program)
    yield from unanswered(program)
    yield from abandoned(program)
    yield from without_timeout(program)
    yield from without_deadline(program)
    yield from polled(program)
    yield from unconditional(program)
    yield from stopped_when_idle(program)
    yield from unread(program)
