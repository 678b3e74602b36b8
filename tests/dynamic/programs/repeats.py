"""Functions of many kinds that are called again and again about the same request."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

STEPS = 0


class Request:
    def __init__(self, request_id: str) -> None:
        self.request_id = request_id


class Base:
    def plain(self, request: Request) -> str:
        return f"base {request.request_id}"


class Repeats(Base):
    __secret = "hidden"

    def plain(self, request: Request) -> str:
        """Says whose it is."""
        if request.request_id:
            return super().plain(request) + self.__secret
        return ""

    def falls_off_its_end(self, request_id: str) -> None:
        if request_id == "nobody":
            return
        self.last = request_id

    def closure(self, request_id: str) -> Callable[[], str]:
        count = 0

        def inner() -> str:
            nonlocal count
            count += 1
            return f"{request_id} {count} {[request_id for _ in range(count)]}"

        inner()
        return inner

    def counts(self, request_id: str) -> int:
        global STEPS
        STEPS += 1
        return STEPS

    def gives_back(self, request_id: str) -> str:
        try:
            return request_id
        finally:
            self.last = "given back"

    def fails(self, request_id: str) -> None:
        raise KeyError(request_id)

    async def coroutine(self, request_id: str) -> str:
        await asyncio.sleep(0)
        return request_id

    async def stream(self, request_id: str) -> AsyncIterator[str]:
        yield request_id
        return

    def generate(self, request_id: str) -> Iterator[str]:
        got = yield request_id
        yield f"got {got}"


async def asked(repeats: Repeats, request_id: str) -> list[Any]:
    return [await repeats.coroutine(request_id), [part async for part in repeats.stream(request_id)]]


def main() -> None:
    repeats, request = Repeats(), Request("r1")
    for _ in range(40):
        print(repeats.plain(request), repeats.falls_off_its_end("r1"), repeats.closure("r1")(), repeats.counts("r1"))
        print(repeats.gives_back("r1"), repeats.last, asyncio.run(asked(repeats, "r1")))
        generator = repeats.generate("r1")
        print(next(generator), generator.send("more"))
        try:
            repeats.fails("r1")
        except KeyError:
            print(traceback.format_exc())
    try:
        repeats.plain(None)  # type: ignore[arg-type]
    except AttributeError:
        print(traceback.format_exc())


if __name__ == "__main__":
    main()
