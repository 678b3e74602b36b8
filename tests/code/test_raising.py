"""Which calls end in an exception that somebody wrote down."""

from __future__ import annotations

import pytest
from linking import link

from llmlint.code.link.raising import way_to_raise

SOURCE = """
def checked(value):
    if value < 0:
        raise ValueError(value)
    return value

def through(value):
    return checked(value)

def forgiving(value):
    try:
        return checked(value)
    except ValueError:
        return 0

def passes_on(value):
    try:
        return value.read()
    except OSError:
        raise

def unfinished(value):
    raise NotImplementedError

def caller(value):
    {name}(value)
"""


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("checked", ["ValueError"]),
        ("through", ["checked", "ValueError"]),
        ("forgiving", []),
        ("passes_on", []),
        ("unfinished", []),
    ],
)
def test_only_a_raise_that_leaves_the_called_function_counts(name: str, way: list[str]) -> None:
    program = link({"a.py": SOURCE.replace("{name}", name)})
    caller = program.function_named("caller")
    assert caller is not None
    links = way_to_raise(program, caller, caller.effects[0], 3)
    assert [effect.path for _, effect in links] == way


HANDED_OVER = """
import asyncio

class Worker:
    def run(self, batch):
        if not batch:
            raise ValueError(batch)

    async def waits(self, batch):
        await asyncio.to_thread(self.run, batch)

    async def waits_in_a_pool(self, loop, batch):
        await loop.run_in_executor(None, self.run, batch)

    async def goes_on(self, loop, batch):
        loop.run_in_executor(None, self.run, batch)
"""


@pytest.mark.parametrize(("name", "raises"), [("waits", True), ("waits_in_a_pool", True), ("goes_on", False)])
def test_who_waits_for_the_work_of_a_thread_gets_its_exception(name: str, raises: bool) -> None:
    program = link({"a.py": HANDED_OVER})
    function = next(f for f in program.functions if f.name == name)
    handed = next(e for e in function.effects if e.op == "call" and e.args)
    assert bool(way_to_raise(program, function, handed, 3)) is raises
