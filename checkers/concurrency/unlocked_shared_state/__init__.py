"""LLM203: state that several threads use, and one place uses without what keeps them apart.

Nobody declares in Python or C++ which lock guards what, so the majority of the places tells (`guarded`), or a mutex in
the same struct (`siblings`). Elsewhere no lock is in sight, and the form of the code tells that threads meet: a static
of a C++ function (`statics`), a request handler (`handlers`), work for a pool of threads (`handed_over`), a flag of a
function (`once`), a per-thread setting kept for all (`per_thread`), files that all ranks download (`downloads`), a
number that processes share (`process_values`).
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.unlocked_shared_state.downloads import unlocked_downloads
from llmlint.checkers.concurrency.unlocked_shared_state.guarded import unguarded_places
from llmlint.checkers.concurrency.unlocked_shared_state.handed_over import handed_to_threads
from llmlint.checkers.concurrency.unlocked_shared_state.handlers import walks_in_handlers
from llmlint.checkers.concurrency.unlocked_shared_state.once import unlocked_once_flags
from llmlint.checkers.concurrency.unlocked_shared_state.per_thread import settings_in_globals
from llmlint.checkers.concurrency.unlocked_shared_state.process_values import counted_without_lock
from llmlint.checkers.concurrency.unlocked_shared_state.siblings import forgotten_beside_a_mutex
from llmlint.checkers.concurrency.unlocked_shared_state.statics import changed_statics
from llmlint.code.domain.locks import Locks
from llmlint.code.link.once import once
from llmlint.code.link.program import Program
from llmlint.findings import Report


def check_program(program: Program) -> Iterator[Report]:
    locks = once(program, Locks)
    yield from unguarded_places(program, locks)
    yield from forgotten_beside_a_mutex(program, locks)
    yield from changed_statics(program, locks)
    yield from walks_in_handlers(program, locks)
    yield from handed_to_threads(program, locks)
    yield from unlocked_once_flags(program, locks)
    yield from settings_in_globals(program)
    yield from unlocked_downloads(program, locks)
    yield from counted_without_lock(program, locks)
