"""LLM806: a key, hash or comparison that does not see everything the cached value depends on.

`digests` looks at hashes and keys as they are computed, `memos` at results that are kept under one, `tokens` at keys
that stand for a request and hold its tokens alone, `records` and `reuse` at the comparisons that say whether what was
made earlier will do again.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.state.cache_key_omits_input import digests, memos, records, reuse, tokens
from llmlint.code.domain.snapshots import snapshots
from llmlint.code.link.program import Program
from llmlint.findings import Report


def check_program(program: Program) -> Iterator[Report]:
    for snapshot in snapshots(program):
        yield from records.unrecorded(program, snapshot)
    for function in program.asked.functions:
        if function.language == "python":
            yield from digests.keyed_by_id(program, function)
            yield from digests.incomplete(program, function)
            yield from tokens.alone(program, function)
            yield from memos.kept_under_less(program, function)
        yield from reuse.one_factor_of_a_size(program, function)
