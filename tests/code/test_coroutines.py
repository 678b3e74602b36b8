"""Which calls give a coroutine, and what takes it for a value."""

from __future__ import annotations

import pytest
from linking import function, link

from llmlint.code.domain.coroutines import by_name, is_coroutine, is_told_apart, taken_for_value

ACCOUNTS = """
class Accounts:
    async def actor_or_default(self, name: str) -> str:
        return name

    async def size_for(self, actor: str) -> int:
        return len(actor)


async def count(server, name):
    actor = server.accounts.actor_or_default(name)
    return await server.accounts.size_for(actor=actor)


async def show(server, name):
    return await server.accounts.actor_or_default(name), await server.accounts.size_for(name)


async def remove(server, name):
    return await server.accounts.actor_or_default(name), await server.accounts.size_for(name)
"""


def asked(source: str) -> tuple[bool, str]:
    """Is the first call of `count` one of a coroutine by its name, and what is done with what it gives?"""
    program = link({"accounts.py": source})
    counting = function(program, "count")
    call = next(effect for effect in counting.effects if effect.callee)
    return bool(by_name(program, counting, call)), taken_for_value(program, counting, call)


def test_a_name_that_only_coroutines_bear_says_what_an_object_of_no_known_type_gives() -> None:
    assert asked(ACCOUNTS) == (True, "given to size_for as its actor")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    async def size_for", "    def actor_or_default(self): pass\n\n    async def size_for"),
        ("return await server.accounts.actor_or_default(name), await", "return await"),
        ("actor_or_default", "default"),
    ],
)
def test_a_name_says_nothing_that_others_bear_that_is_rarely_awaited_or_that_is_anybodys(old: str, new: str) -> None:
    assert not asked(ACCOUNTS.replace(old, new))[0]


@pytest.mark.parametrize(
    ("wrapper", "is_one"),
    [
        ("async def inner(*a):\n        return await f(*a)", True),
        ("def inner(*a):\n        return f(*a)", True),
        ("def inner(*a):\n        return run(f(*a))", False),
        ("def inner(*a):\n        return f", False),
    ],
)
def test_a_decorator_of_the_programs_own_gives_a_coroutine_for_one_or_not(wrapper: str, is_one: bool) -> None:
    source = f"def wrapped(f):\n    {wrapper}\n    return inner\n\n\n@wrapped\nasync def answer():\n    return 1\n"
    program = link({"a.py": source})
    assert is_coroutine(program, function(program, "answer")) is is_one


def test_a_route_is_a_coroutine_to_who_calls_it() -> None:
    program = link({"a.py": "@app.get('/x')\nasync def answer():\n    return 1\n"})
    assert is_coroutine(program, function(program, "answer"))


@pytest.mark.parametrize(
    ("body", "told_apart"),
    [
        ("if asyncio.iscoroutinefunction(x.close):\n        await x.close()\n    else:\n        x.close()", True),
        ("if x.is_open:\n        await x.close()\n    else:\n        x.close()", False),
    ],
)
def test_who_asks_first_whether_it_is_a_coroutine_knows_what_he_calls(body: str, told_apart: bool) -> None:
    program = link({"a.py": f"async def end(x):\n    {body}\n"})
    ending = function(program, "end")
    call = next(e for e in ending.effects if e.callee == "x.close" and e.via != "await")
    assert is_told_apart(ending, call) is told_apart
