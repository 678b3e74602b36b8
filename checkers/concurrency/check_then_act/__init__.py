"""LLM210: what was asked need no longer hold where it is acted on, and nobody asks again.

Each method of a class that is made for several threads takes its lock, and a caller asks by one and acts by another
(`acts_in_another_call`); one function lets the lock go between its question and its act (`acts_in_another_scope`); what
was looked up in a cache is pinned only after a call that may evict it (`pins_too_late`).
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.check_then_act.acts_in_another_call import acts_in_another_call
from llmlint.checkers.concurrency.check_then_act.acts_in_another_scope import acts_in_another_scope
from llmlint.checkers.concurrency.check_then_act.pins_too_late import pins_too_late
from llmlint.code.domain.locks import Locks
from llmlint.code.link.once import once
from llmlint.code.link.program import Program
from llmlint.findings import Report


def check_program(program: Program) -> Iterator[Report]:
    locks = once(program, Locks)
    yield from acts_in_another_call(program, locks)
    yield from acts_in_another_scope(program, locks)
    yield from pins_too_late(program)
