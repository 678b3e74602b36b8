"""Every kind of function that a tracer may have to watch, and one that fails."""

from __future__ import annotations

import asyncio
import functools
import inspect
import pickle
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any


def opaque(function: Callable[..., Any]) -> Callable[..., Any]:
    def inner(*arguments: Any) -> Any:
        return function(*arguments)

    return inner


class Base:
    def plain(self, key: str) -> str:
        return f"base {key}"


class Kinds(Base):
    __secret = "hidden"

    def plain(self, key: str, *, twice: bool = False) -> str:
        """Says what it was given."""
        if twice:
            return super().plain(key) + self.__secret
        return key

    @staticmethod
    def static(key: str) -> str:
        return key

    @classmethod
    def of_class(cls, key: str) -> str:
        return f"{cls.__name__} {key}"

    @property
    def prop(self) -> str:
        return "prop"

    @functools.lru_cache(maxsize=4)  # noqa: B019
    def cached(self, key: str) -> str:
        return key

    @opaque
    def decorated(self, key: str) -> str:
        return key

    async def coroutine(self, key: str) -> str:
        await asyncio.sleep(0)
        return key

    async def stream(self, key: str) -> AsyncIterator[str]:
        yield key
        yield key * 2
        return

    def generate(self, key: str) -> Iterator[str]:
        got = yield key
        yield f"got {got}"

    @opaque
    def fails(self, key: str) -> None:
        raise KeyError(
            key,
        )

    def looks(self, key: str) -> dict[str, object]:
        return dict(locals())


class Later(Kinds):
    def plain(self, key: str, *, twice: bool = False) -> str:
        return f"later {key}"


async def streamed(kinds: Kinds) -> list[str]:
    return [part async for part in kinds.stream("s")]


def main() -> None:
    kinds = Kinds()
    print(kinds.plain("a"), kinds.plain("b", twice=True), Later().plain("c"))
    print(kinds.static("d"), kinds.of_class("e"), kinds.prop, kinds.cached("f"), kinds.decorated("g"))
    print(asyncio.run(kinds.coroutine("h")), asyncio.run(streamed(kinds)))
    generator = kinds.generate("i")
    print(next(generator), generator.send("x"))
    print(sorted(kinds.looks("j")))
    print(inspect.signature(Kinds.plain), Kinds.plain.__doc__, Kinds.plain.__qualname__)
    print(inspect.iscoroutinefunction(Kinds.coroutine), inspect.isasyncgenfunction(Kinds.stream))
    print(pickle.loads(pickle.dumps(kinds.plain))("k"), inspect.getsource(Kinds.static).strip())
    try:
        kinds.fails("l")
    except KeyError:
        traceback.print_exc()
    kinds.fails("m")
