"""LLM101: a memo that grows with the traffic and is never trimmed.

Three forms: `functools.cache` or `lru_cache` on a method, which also keeps every object it was called on alive, or
without a bound on a function of request data; a module's dict that a function fills under a key it is given, and that
nobody empties; such a dict or set of an object that lives long.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.memory.unbounded_cache import filled, memoised
from llmlint.code.link.program import Program
from llmlint.findings import Report


def check_program(program: Program) -> Iterator[Report]:
    yield from memoised.check_program(program)
    yield from filled.check_program(program)
