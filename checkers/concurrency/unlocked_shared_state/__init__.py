"""LLM203: state that several threads use, and one place uses without what keeps them apart.

Nobody declares in Python or C++ which lock guards what, so the majority of the places tells (`guarded`). Some state has
no lock in sight at all: a static of a C++ function (`statics`), a per-thread setting of a library that is noted in a
module's global (`per_thread`), files that several processes download at once (`downloads`).
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.unlocked_shared_state.downloads import unlocked_downloads
from llmlint.checkers.concurrency.unlocked_shared_state.guarded import unguarded_places
from llmlint.checkers.concurrency.unlocked_shared_state.per_thread import settings_in_globals
from llmlint.checkers.concurrency.unlocked_shared_state.statics import changed_statics
from llmlint.code.locks import Locks
from llmlint.code.program import Program
from llmlint.findings import Report


def check_program(program: Program) -> Iterator[Report]:
    locks = Locks(program)
    yield from unguarded_places(program, locks)
    yield from changed_statics(program, locks)
    yield from settings_in_globals(program)
    yield from unlocked_downloads(program, locks)
