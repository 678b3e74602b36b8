"""A service on uvloop: coroutines, streams, a child by the loop's own way, an end by SIGTERM through the loop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator

import engine
import uvloop


class Service:
    def __init__(self) -> None:
        self.scheduler = engine.Scheduler()

    async def handle(self, request_id: str) -> str:
        self.scheduler.add(request_id)
        await asyncio.sleep(0)
        if request_id.startswith("a"):
            self.scheduler.finish(request_id)
        else:
            self.scheduler.abort([request_id])
        return request_id

    async def stream(self, request_id: str) -> AsyncIterator[str]:
        for _ in range(3):
            yield await self.handle(request_id)


async def main() -> None:
    service, over = Service(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    names = [f"{kind}{number}" for number in range(80) for kind in "ab"]
    print(type(loop).__module__, len(await asyncio.gather(*map(service.handle, names))))
    print([name async for name in service.stream("a")])
    child = await asyncio.create_subprocess_exec(sys.executable, *sys.argv[1:], "-c", "print('a child')")
    print(await child.wait(), asyncio.iscoroutinefunction(Service.handle), Service.handle.__code__.co_name)
    os.kill(os.getpid(), signal.SIGTERM)
    await over.wait()
    sys.stdout.flush()
    await service.handle("a")
    raise RuntimeError("the end")


if __name__ == "__main__":
    uvloop.run(main())
