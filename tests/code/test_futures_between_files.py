"""LLM206 across files: the future is made in one and set in another."""

from __future__ import annotations

from llmlint.checkers.concurrency.future_state_unchecked import check_program
from tests.code.linking import link

CLIENT = """
import asyncio
from registry import Registry


class Client:
    def __init__(self):
        self.registry = Registry()

    async def call(self, key):
        future = asyncio.get_running_loop().create_future()
        self.registry.add(key, future)
        return await asyncio.wait_for(future, 3.0)
"""

REGISTRY = """
class Registry:
    def __init__(self):
        self.pending = {}

    def add(self, key, future):
        self.pending[key] = future

    def resolve(self, key, value):
        future = self.pending.pop(key)
        future.set_result(value)
"""


def told(client: str, registry: str) -> list[str]:
    return [report.symbol for report in check_program(link({"client.py": client, "registry.py": registry}))]


def test_a_future_that_is_handed_to_the_class_of_another_file_may_be_cancelled_there() -> None:
    assert told(CLIENT, REGISTRY) == ["Registry.resolve"]


def test_one_that_stays_where_it_is_made_is_not_the_other_file_s() -> None:
    assert told(CLIENT.replace("self.registry.add(key, future)", "self.futures[key] = future"), REGISTRY) == []


def test_who_asks_first_is_right_in_another_file_too() -> None:
    asks = "        if not future.done():\n            future.set_result"
    asking = REGISTRY.replace("        future.set_result", asks)
    assert told(CLIENT, asking) == []
