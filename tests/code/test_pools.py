"""Pools and counts that are known by what is done with them, whatever they are called."""

from __future__ import annotations

from linking import cls, function, link

from llmlint.code.domain.counting import counts_asked
from llmlint.code.domain.pools import pools_of


def pools(source: str) -> list[str]:
    return [pool.attribute for pool in pools_of(link({"a.py": source}))]


ARENA = """
class Arena:
    def __init__(self, size):
        self.spare = {made}

    def take(self):
        return self.spare.pop()

    def put(self, slot):
        self.spare.append(slot)
"""


def test_what_is_full_when_it_is_made_and_taken_from_and_put_into_is_a_pool() -> None:
    assert pools(ARENA.format(made="list(range(size))")) == ["spare"]
    assert pools(ARENA.format(made="[Slot(i) for i in range(size)]")) == ["spare"]


def test_a_queue_begins_empty_and_is_no_pool() -> None:
    assert pools(ARENA.format(made="[]")) == []


def test_a_pool_knows_who_takes_and_who_gives() -> None:
    program = link({"a.py": ARENA.format(made="list(range(size))")})
    (pool,) = pools_of(program)
    assert pool.cls is cls(program, "Arena")
    assert pool.takers == {function(program, "Arena.take")}
    assert pool.givers == {function(program, "Arena.put"): {"slot"}}


def test_two_functions_that_only_count_up_and_down_what_they_are_given_are_a_pair() -> None:
    source = """
    def hold(node):
        node.guards += 1

    def let_go(node):
        node.guards -= 1
    """
    counts = counts_asked(link({"a.py": source}))
    assert {f.name for f in counts.raising} == {"hold"}
    assert {f.name for f in counts.lowering} == {"let_go"}


def test_a_length_that_goes_up_and_down_with_other_things_is_no_count_of_holders() -> None:
    source = """
    def push(text, token):
        text.tokens.append(token)
        text.length += 1

    def drop(text):
        text.tokens.pop()
        text.length -= 1
    """
    assert not counts_asked(link({"a.py": source})).raising


def test_who_asks_for_zero_counts_holders_whatever_else_is_done() -> None:
    source = """
    struct buffer { std::atomic<int> users; };
    buffer * take(buffer * b) { b->users.fetch_add(1); return b; }
    void drop(buffer * b) { if (b->users.fetch_sub(1) == 1) { delete b; } }
    """
    counts = counts_asked(link({"a.cpp": source}))
    assert {f.name for f in counts.raising} == {"take"}
    assert {f.name for f in counts.lowering} == {"drop"}
