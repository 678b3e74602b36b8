"""Calls that wait, told apart by whose methods they are."""

from __future__ import annotations

import pytest
from linking import link

from llmlint.code.domain.waiting import blocking_at, is_deferred, origins

SOURCE = """
import asyncio
import os
import queue
import subprocess
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from time import sleep


class Worker:
    def __init__(self, other: threading.Event):
        self.thread = threading.Thread(target=self.run)
        self.tasks = queue.Queue()
        self.answers = asyncio.Queue()
        self.pool = ThreadPoolExecutor(2)
        self.other = other

    def run(self, names, done: "Future | None", futures):
        %s
"""


def kind(statement: str) -> str | None:
    """What the last call of the statement waits for."""
    program = link({"a.py": SOURCE % statement})
    function = next(f for f in program.functions if f.name == "run")
    call = [effect for effect in function.effects if effect.callee][-1]
    row = blocking_at(program, function, call)
    return row.kind if row is not None else None


@pytest.mark.parametrize(
    ("statement", "waits_for"),
    [
        ("sleep(1)", "sleep"),
        ("subprocess.run(names)", "process"),
        ("os.waitpid(names, 0)", "process"),
        ("self.thread.join()", "peer"),
        ("self.tasks.get()", "peer"),
        ("self.other.wait()", "peer"),
        ("self.pool.submit(self.run).result()", "peer"),
        ("done.result()", "peer"),
        ("self.put(futures); found = []; found.append((1, self.pool.submit(names))); found[0].result()", "peer"),
        ("found: list[tuple[int, Future]] = []\n        for at, one in found: one.result()", "peer"),
        ("for one in [self.pool.submit(n) for n in names]: one.result()", "peer"),
    ],
)
def test_a_call_waits_when_its_object_comes_from_one_that_does(statement: str, waits_for: str) -> None:
    assert kind(statement) == waits_for


@pytest.mark.parametrize(
    "statement",
    [
        '", ".join(names)',
        "self.answers.get()",
        "names.get()",
        "self.tasks.get(block=False)",
        "self.other.wait(timeout=0)",
        "asyncio.sleep(1)",
        "os.waitpid(names, os.WNOHANG)",
        "futures.result()",
    ],
)
def test_the_same_name_on_another_object_does_not_wait(statement: str) -> None:
    assert kind(statement) is None


def test_what_stands_in_a_lambda_is_called_by_somebody_else() -> None:
    program = link({"a.py": SOURCE % "self.pool.submit(lambda: time.sleep(1)); [time.sleep(n) for n in names]"})
    function = next(f for f in program.functions if f.name == "run")
    sleeps = [effect for effect in function.effects if effect.callee == "time.sleep"]
    assert [is_deferred(function, sleep) for sleep in sleeps] == [True, False]


def test_an_object_comes_from_the_calls_that_made_it_and_from_its_declared_types() -> None:
    program = link({"a.py": SOURCE % "pass"})
    function = next(f for f in program.functions if f.name == "run")
    assert list(origins(program, function, "self.tasks")) == ["queue.Queue"]
    assert list(origins(program, function, "self.other")) == ["threading.Event"]
    assert list(origins(program, function, "done")) == ["concurrent.futures.Future"]


def test_a_call_whose_result_is_waited_for_is_no_wait() -> None:
    assert kind("self.thread.join()") == "peer"
    for statement in ("waiting = self.thread.join()\n        await waiting", "async for x in self.thread.join(): pass"):
        program = link({"a.py": (SOURCE % statement).replace("def run", "async def run")})
        function = next(f for f in program.functions if f.name == "run")
        call = next(effect for effect in function.effects if effect.callee.endswith("join"))
        assert blocking_at(program, function, call) is None
