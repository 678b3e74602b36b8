"""Which functions raise a reference count, and of what."""

from __future__ import annotations

from linking import link

from llmlint.code.domain.counting import LOWER, RAISE, counted_by, counts_asked
from llmlint.code.link.program import Program

POOL = """
class Pool:
    def touch(self, blocks):
        for block in blocks:
            block.ref_cnt += 1

    def free(self, blocks):
        for block in blocks:
            block.ref_cnt -= 1

    def hit(self, blocks):
        self.touch(blocks)

    def swap(self, old, new):
        old.ref_cnt -= 1
        new.ref_cnt += 1

    def score(self, block):
        block.hits += 1
        block.touch()
"""


def raised_in(program: Program, function: str) -> list[str]:
    counts = counts_asked(program)
    found = program.function_named(function)
    assert found is not None
    return [thing for e in found.effects if (thing := counted_by(program, counts, found, e, RAISE))]


def test_a_function_that_raises_a_count_is_known_by_what_it_does() -> None:
    program = link({"pool.py": POOL})
    assert "touch" in {f.name for f in counts_asked(program).raising}
    assert raised_in(program, "Pool.hit") == ["blocks"]


def test_one_that_only_passes_on_what_it_is_given_raises_too() -> None:
    assert "hit" in {f.name for f in counts_asked(link({"pool.py": POOL})).raising}


def test_one_that_also_lowers_a_count_is_no_raising_function() -> None:
    assert "swap" not in {f.name for f in counts_asked(link({"pool.py": POOL})).raising}


def test_other_numbers_are_no_counts() -> None:
    assert raised_in(link({"pool.py": POOL}), "Pool.score") == []


def test_a_call_that_cannot_be_followed_is_known_by_the_vocabulary() -> None:
    source = "def hold(cache, node):\n    cache.inc_lock_ref(node)\n    cache.dec_lock_ref(node)\n"
    program = link({"hold.py": source})
    function = program.function_named("hold")
    assert function is not None
    counts = counts_asked(program)
    lowered = [e.line for e in function.effects if counted_by(program, counts, function, e, LOWER)]
    assert raised_in(program, "hold") == ["node"] and lowered == [3]
