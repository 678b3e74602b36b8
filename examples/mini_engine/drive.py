"""Everything that production does to an engine, in a few seconds: the clients here leave, err, repeat themselves."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .client import Client

TOOL = {"type": "function", "function": {"name": "set_id", "parameters": {"type": "object"}}}
BIG = 2**53 + 1
PATIENCE = 20.0
"""Seconds after which a client gives up."""


class SlowHost(BaseHTTPRequestHandler):
    """A host of pictures: `/12345` is one of so many bytes."""

    def do_GET(self) -> None:
        time.sleep(0.2)
        picture = self.path.encode().ljust(int(self.path[1:]), b".")
        self.send_response(200)
        self.send_header("Content-Length", str(len(picture)))
        self.end_headers()
        self.wfile.write(picture)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@contextmanager
def pictures() -> Iterator[str]:
    """The address of a slow host while it is there."""
    host = ThreadingHTTPServer(("127.0.0.1", 0), SlowHost)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{host.server_address[1]}"
    finally:
        host.shutdown()
        host.server_close()


async def _together(asks: list[Awaitable]) -> list:
    return await asyncio.gather(*asks)


async def talk(client: Client) -> str:
    """Sixty requests at once: they share prefixes, and there are not blocks for all."""
    system = "You are a small engine that answers in riddles. "
    asks = [client.complete(f"{system}Riddle {n}", max_tokens=8 + n % 24, user=f"user {n % 4}") for n in range(60)]
    return f"{sum(len(text) for _, text in await _together(asks))} characters came back."


async def leave(client: Client) -> None:
    """Forty clients hang up in the middle, ten at once."""
    await _together([client.leave_early(f"A long story, {n}", 3, max_tokens=200) for n in range(40)])
    await _together([client.leave_early(f"Never mind, {n}", 0, max_tokens=200) for n in range(10)])


async def err(client: Client) -> str:
    """Bad requests: wrong types, too long, an answer that does not begin as its grammar wants."""
    bad = [{"max_tokens": -1}, {"temperature": "hot"}, {"max_tokens": 1024}, {"grammar": "yes|no", "prefill": "maybe"}]
    asks = [client.complete("Is it?", **options) for options in bad * 6]
    return f"{sum(status == 400 for status, _ in await _together(asks))} of {len(asks)} were refused."


async def call_tools(client: Client) -> str:
    """Eighty tool calls with integers of all sizes, some beyond 2**53."""
    numbers = [BIG, -BIG, 2**63 - 1] + [123456789 + 1001 * n for n in range(77)]
    asks = [client.complete(f"set {number}", tools=[TOOL], tool_choice="required") for number in numbers]
    whole = [str(number) in text for number, (_, text) in zip(numbers, await _together(asks))]
    return f"{sum(whole)} integers came back whole."


async def ask_for_grammars(client: Client) -> str:
    """A thousand and more grammars, none of which allows what its answer is to begin with."""
    refused = 0
    for some in range(0, 1100, 50):
        asks = [client.complete("Is it?", grammar=f"yes {n}|no {n}", prefill="maybe") for n in range(some, some + 50)]
        refused += sum(status == 400 for status, _ in await _together(asks))
    return f"{refused} were refused."


async def look_at_images(client: Client) -> str:
    """The same question about twelve images, each asked twice."""
    question = "What is there to be seen in this picture?"
    answers: dict[int, list[str]] = {}
    for n in [*range(12), *range(12)]:
        answers.setdefault(n, []).append((await client.complete(question, image=f"picture {n}", max_tokens=8))[1])
    return f"{len({text for texts in answers.values() for text in texts})} different answers."


async def sleep_and_wake(client: Client) -> str:
    """Six naps with requests under way, of which one client leaves and one comes meanwhile."""
    finished = 0
    for nap in range(6):
        asks = [
            asyncio.ensure_future(client.complete(f"Nap {nap}, request {n}", max_tokens=60, image=f"bed {n}"))
            for n in range(6)
        ]
        leaver = asyncio.ensure_future(client.leave_early(f"Nap {nap}, leaver", 10**6, max_tokens=400, image="door"))
        await asyncio.sleep(0.03)
        await client.post("/sleep", {"level": 1 + nap % 2})
        leaver.cancel()
        asks.append(asyncio.ensure_future(client.complete(f"Nap {nap}, late", max_tokens=4)))
        await asyncio.sleep(0.02)
        await client.post("/wake_up")
        finished += sum(status == 200 for status, _ in await _together(asks))
    return f"{finished} requests survived."


async def change_weights(client: Client) -> None:
    """Four changes of weights, with images before and after."""
    for n in range(4):
        await client.complete("Describe it", image=f"weights {n}", max_tokens=4)
        await client.post("/update_weights")


async def fetch_pictures(client: Client) -> str:
    """Five pictures from a slow host."""
    with pictures() as host:
        asks = [client.complete("What is there?", picture=f"{host}/{100 + n}", max_tokens=4) for n in range(5)]
        return f"{sum(status == 200 for status, _ in await _together(asks))} were seen."


async def send_a_huge_picture(client: Client) -> str:
    """A picture so large that the process that should make it small is killed."""
    with pictures() as host:
        asking = client.complete("What is there?", picture=f"{host}/{1 << 20}", max_tokens=4)
        try:
            return f"It was answered with {(await asyncio.wait_for(asking, PATIENCE))[0]}."
        except asyncio.TimeoutError:
            return "Nobody answered."


async def rest(client: Client) -> None:
    """A second in which nobody asks for anything."""
    await asyncio.sleep(1)


async def count(client: Client) -> str:
    """The bill is asked for while it is counted: locks in two orders may stop the engine here, so nothing comes after."""
    asking = [asyncio.ensure_future(_ask_for_the_bill(client)) for _ in range(4)]
    await _together([client.complete(f"Bill {n}", max_tokens=64, user=f"user {n % 4}") for n in range(60)])
    for one in asking:
        one.cancel()
    return (await client.post("/usage"))[1]


async def _ask_for_the_bill(client: Client) -> None:
    while True:
        await client.post("/usage")


CHAPTERS = {
    chapter.__name__: chapter
    for chapter in (
        talk, leave, err, call_tools, ask_for_grammars, look_at_images, fetch_pictures, sleep_and_wake, change_weights,
        send_a_huge_picture, rest, count,
    )
}


async def drive(client: Client, chapters: list[str]) -> None:
    for name in chapters:
        chapter = CHAPTERS[name]
        print(chapter.__doc__, await chapter(client) or "", flush=True)
