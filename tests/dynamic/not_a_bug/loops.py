"""Coroutines during which the loop goes on, or stands still through no fault of theirs."""

import asyncio
import threading
import time

from libraries.not_ours import borrowed


async def hands_over():
    """The work is done in a thread."""
    await asyncio.to_thread(time.sleep, 0.08)


async def rests():
    """Off the processor, but the loop goes on."""
    await asyncio.sleep(0.08)


async def works_briefly():
    """Each piece of it is short, and the loop goes on between two."""
    for _ in range(30):
        time.sleep(0.004)
        await asyncio.sleep(0)


STATE = {}


async def sets_up():
    """The first call reads what all later ones use, in several pieces."""
    for name in ("model", "tokeniser", "template", "adapters"):
        if name not in STATE:
            time.sleep(0.07)
            STATE[name] = name
        await asyncio.sleep(0)


async def awaits_another():
    """Who stands still is a coroutine of somebody else."""
    await borrowed(str(time.time()))


async def stands_in_line():
    """Its few milliseconds of work take long where other threads compute at the same time."""
    until = time.thread_time() + 0.012
    while time.thread_time() < until:
        pass


async def is_alone():
    """Nobody else is on its loop."""
    time.sleep(0.08)


def computes(is_over):
    while not is_over.is_set():
        sum(range(1000))


async def beside(*coroutines):
    """Each of them has somebody beside it who could be kept waiting."""
    await asyncio.gather(*(coroutine() for coroutine in coroutines), asyncio.sleep(0.01))


def main():
    for _ in range(5):
        asyncio.run(beside(hands_over, rests, works_briefly, sets_up, awaits_another))
        asyncio.run(is_alone())
    is_over = threading.Event()
    threads = [threading.Thread(target=computes, args=(is_over,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        asyncio.run(beside(stands_in_line))
    is_over.set()
    for thread in threads:
        thread.join()
