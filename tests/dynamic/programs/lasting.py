"""A service that lasts until its input ends: every third request is aborted, and with BUGS=abort leaves its progress.

Says afterwards whether what an attached tracer touched is what it was, and whether it ever was anything else.
"""

from __future__ import annotations

import asyncio
import builtins
import os
import select
import signal
import sys
import time

BUGS = set(os.environ.get("BUGS", "").split(","))
BUSY = float(os.environ.get("BUSY", "0.001"))


class Lasting:
    def __init__(self) -> None:
        self.running: dict[str, int] = {}
        self.progress: dict[str, int] = {}

    def add(self, request_id: str) -> None:
        self.running[request_id] = self.progress[request_id] = 0

    def step(self, request_id: str) -> None:
        self.running[request_id] += 1

    def finish(self, request_id: str) -> None:
        del self.running[request_id], self.progress[request_id]

    def abort(self, request_id: str) -> None:
        del self.running[request_id]
        if "abort" not in BUGS:
            del self.progress[request_id]

    def hot(self, key: int) -> int:
        return key

    def rows(self):
        """One that was begun untraced, goes on traced, and ends untraced."""
        while True:
            yield len(self.running)


async def stalls() -> None:
    time.sleep(0.08)


FUNCTIONS = [Lasting.__init__, *(vars(Lasting)[name] for name in ("add", "step", "finish", "abort", "hot")), stalls]


def surroundings() -> list[object]:
    import _posixsubprocess

    places = [os._exit, os.kill, os.execv, signal.raise_signal, _posixsubprocess.fork_exec]
    return [*places, list(sys.meta_path), {name for name in vars(builtins) if name.startswith("__llmlint")}]


def run(scheduler: Lasting, number: int) -> None:
    name = f"r{number}"
    scheduler.add(name)
    for _ in range(8):
        scheduler.step(name)
    for key in range(int(os.environ.get("HOT", "0"))):
        scheduler.hot(key)
    (scheduler.abort if number % 3 == 0 else scheduler.finish)(name)


def main() -> None:
    asyncio.new_event_loop()
    codes, around = [function.__code__ for function in FUNCTIONS], surroundings()
    scheduler, changed, number = Lasting(), False, 0
    rows = scheduler.rows()
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], BUSY)[0]:
        run(scheduler, number)
        number += 1
        if number % 50 == 0:
            asyncio.run(stalls())
        next(rows)
        changed = changed or any(one.__code__ is not code for one, code in zip(FUNCTIONS, codes, strict=True))
    if hasattr(signal, "SIGUSR2"):
        print("handler of SIGUSR2:", getattr(signal.getsignal(signal.SIGUSR2), "__name__", "default"))
    same = [one.__code__ is code for one, code in zip(FUNCTIONS, codes, strict=True)]
    print("was watched:", changed, "the same again:", all(same) and surroundings() == around)


if __name__ == "__main__":
    main()
