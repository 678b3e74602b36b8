"""Which coroutines nothing of the program cancels while they wait."""

import pytest

from llmlint.code.domain.cancelling import runs_to_its_end
from tests.code.linking import function, link

ROUTER = """
import asyncio

class Router:
    async def place(self, request):
        return await self.placed[request]

    async def bounded(self, request):
        return await asyncio.wait_for(self.placed[request], 5)

    async def called(self, request):
        return await self.placed[request]

    async def other(self, request):
        return await self.called(request)
"""
CLIENT = """
import ray

async def ask(router, request):
    await router.bounded.remote(request)
    await router.called.remote(request)
    return await router.place.remote(request)
"""
STOPS = "\ndef stop(answer):\n    ray.cancel(answer)\n"


@pytest.mark.parametrize(
    ("name", "client", "to_its_end"),
    [
        ("place", CLIENT, True),
        ("bounded", CLIENT, False),
        ("called", CLIENT, False),
        ("other", CLIENT, False),
        ("place", CLIENT + STOPS, False),
        ("place", "", False),
    ],
)
def test_what_another_process_runs_is_cancelled_only_where_the_program_says_so(
    name: str, client: str, to_its_end: bool
) -> None:
    program = link({"router.py": ROUTER, "client.py": client})
    assert runs_to_its_end(program, function(program, f"Router.{name}")) == to_its_end
