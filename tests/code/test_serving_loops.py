"""Which loops serve all, and what ends them."""

from __future__ import annotations

import pytest

from llmlint.code.domain.serving_loops import dispatched, ended_by, taken_in
from tests.code.linking import call, function, link

LOOP = """
import asyncio
import queue

class Engine:
    def __init__(self):
        self.inbox = queue.Queue()

    def run(self):
        while {test}:
            request = self.inbox.get()
            self.admit(request)
"""


@pytest.mark.parametrize(
    ("test", "serves"),
    [
        ("True", True),
        ("not self.stopped.is_set()", True),
        ("self.is_running", True),
        ("self.inbox.qsize()", False),
        ("self.has_unfinished_requests()", False),
        ("self.count > 0", False),
    ],
)
def test_a_loop_serves_all_when_it_does_not_end_with_the_work(test: str, serves: bool) -> None:
    run = function(program := link({"engine.py": LOOP.format(test=test)}), "run")
    assert bool(ended_by(program, run, call(run, "self.admit"), "ValueError")) is serves


def test_what_a_round_takes_is_known_by_its_names() -> None:
    run = function(program := link({"engine.py": LOOP.format(test="True")}), "run")
    (taken,) = taken_in(program, run)
    assert "request" in taken.paths
    assert not taken.is_message


def test_the_way_leads_up_to_the_loop_and_ends_at_who_takes_the_error() -> None:
    source = """
class Engine:
    def run(self):
        while True:
            self.step()

    def careful(self):
        while True:
            try:
                self.look()
            except ValueError:
                continue

    def step(self):
        self.admit(self.inbox)

    def look(self):
        self.refuse(self.inbox)
"""
    program = link({"engine.py": source})
    step, look = function(program, "step"), function(program, "look")
    way = ended_by(program, step, call(step, "self.admit"), "ValueError")
    assert [one.function.name for one in way] == ["step", "run"]
    assert not ended_by(program, look, call(look, "self.refuse"), "ValueError")
    assert ended_by(program, look, call(look, "self.refuse"), "KeyError")


def test_methods_beside_classes_are_called_through_their_table() -> None:
    source = """
class Engine:
    def __init__(self):
        self.table = {Add: self.add, Abort: self.abort}
        self.callbacks = [self.add]

    def handle(self, message):
        self.table[type(message)](message)

    def add(self, message): ...

    def abort(self, message): ...
"""
    found = dispatched(link({"engine.py": source}))
    assert {method.name: at.function.name for method, at in found.items()} == {"add": "handle", "abort": "handle"}
