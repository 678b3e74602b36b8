"""A service on the loopback that nobody prepared for a tracer: says its port, and what it is when its input ends."""

from __future__ import annotations

import asyncio
import os
import sys
from itertools import count

import lasting

SCHEDULER, NUMBERS = lasting.Lasting(), count()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    lasting.run(SCHEDULER, next(NUMBERS))
    writer.write(b"served\n")
    await writer.drain()
    writer.close()


async def serve() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    over = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, over.set)
    await over.wait()


codes, around = [one.__code__ for one in lasting.FUNCTIONS], lasting.surroundings()
asyncio.run(serve())
same = all(one.__code__ is code for one, code in zip(lasting.FUNCTIONS, codes, strict=True))
print("the same:", same and lasting.surroundings() == around, "threads:", len(os.listdir("/proc/self/task")))
