"""A server on an event loop, with clients of its own. BUGS=tokenise: each prompt is tokenised on the loop.

Without it the same work is done in a thread, and the loop goes on meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import time

BUGS = os.environ.get("BUGS", "")


def tokenise(prompt: str) -> list[int]:
    time.sleep(0.15)
    return [ord(letter) for letter in prompt]


async def answer(prompt: str) -> list[int]:
    await asyncio.sleep(0)
    if BUGS == "tokenise":
        tokens = tokenise(prompt)
    else:
        tokens = await asyncio.to_thread(tokenise, prompt)
    await asyncio.sleep(0.001)
    return tokens


async def wait_long(prompt: str) -> str:
    """Takes as long, and lets the loop go on meanwhile."""
    await asyncio.sleep(
        0.15,
    )
    return prompt


async def count_up(prompt: str) -> int:
    """Many short steps, none of which keeps the loop for long."""
    total = 0
    for _ in range(150):
        total += len(hash_of(prompt))
        await asyncio.sleep(0)
    return total


def hash_of(prompt: str) -> str:
    time.sleep(0.001)
    return str(hash(prompt))


async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    prompt = (await reader.readline()).decode()
    tokens = await answer(prompt)
    writer.write(f"{len(tokens)}\n".encode())
    await writer.drain()
    writer.close()


async def ask(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"how long is this?\n")
    await reader.readline()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        await asyncio.gather(*(ask(port) for _ in range(4)), wait_long("x"), *(count_up("y") for _ in range(8)))


def offline() -> None:
    """The same work with no loop around it."""
    for _ in range(2):
        tokenise("once more")


if __name__ == "__main__":
    import looping

    asyncio.run(looping.main())
    looping.offline()
