"""A small serving engine with switches for its bugs; the tests trace it as a user would."""

from __future__ import annotations

import os
import threading
import time

BUGS = set(os.environ.get("BUGS", "").split(","))
PREFIXES: dict[str, int] = {}


class BlockPool:
    def __init__(self, blocks: int) -> None:
        self.free = list(range(blocks))
        self.used: dict[int, str] = {}
        self.pins: dict[int, int] = {}

    def allocate(self, request_id: str) -> int:
        block = self.free.pop()
        self.used[block] = request_id
        return block

    def pin(self, block: int) -> None:
        self.pins[block] = self.pins.get(block, 0) + 1

    def unpin(self, block: int) -> None:
        self.pins[block] -= 1

    def release(self, block: int) -> None:
        self.used.pop(block, None)
        self.free.append(block)


class Scheduler:
    def __init__(self) -> None:
        self.pool = BlockPool(256)
        self.requests: dict[str, int] = {}
        self.progress: dict[str, int] = {}
        self.saved: dict[str, int] = {}
        self.history: dict[str, int] = {}

    def add(self, request_id: str) -> None:
        block = self.pool.allocate(request_id)
        if request_id.endswith("!") and "error" in BUGS:
            raise ValueError(request_id)
        if request_id.endswith("!"):
            self.pool.release(block)
            raise ValueError(request_id)
        self.requests[request_id] = block
        self.progress[request_id] = 0
        self.history[request_id] = block

    def finish(self, request_id: str) -> None:
        self.pool.release(self.requests.pop(request_id))
        del self.progress[request_id]

    def abort(self, request_ids: list[str]) -> None:
        for request_id in request_ids:
            self.pool.release(self.requests.pop(request_id))
            if "abort" not in BUGS:
                del self.progress[request_id]

    def touch(self, block: int) -> None:
        self.pool.pin(block)
        if block % 3 == 0 and "pin" in BUGS:
            return
        self.pool.unpin(block)

    def sleep(self) -> None:
        self.pool = BlockPool(256)
        if "sleep" not in BUGS:
            self.progress.clear()

    def wake(self) -> None:
        self.saved.clear()

    def doze(self) -> None:
        self.saved = dict(self.progress)
        if "doze" not in BUGS:
            self.progress.clear()

    def rouse(self) -> None:
        self.progress.update(self.saved)

    def reset(self) -> None:
        self.requests.clear()
        if "reset" not in BUGS:
            self.progress.clear()

    def restore(self, saved: dict[str, int]) -> None:
        if "restore" in BUGS:
            print(f"restoring {len(saved)} requests")
            return
        self.progress.update(saved)

    def restore_progress(self, saved: dict[str, int]) -> None:
        """Back to what was saved: the rest goes."""
        if "rollback" not in BUGS:
            self.progress.clear()
        self.progress.update(saved)

    def prefix(self, prompt: str) -> int:
        if "cache" not in BUGS and len(PREFIXES) > 16:
            PREFIXES.clear()
        PREFIXES[prompt] = len(prompt)
        return PREFIXES[prompt]


class Accounts:
    """Two locks; BUGS=order: `report` takes them the other way round."""

    def __init__(self) -> None:
        self.users_lock = threading.Lock()
        self.total_lock = threading.Lock()
        self.recording = self.reporting = False

    def record(self) -> None:
        with self.users_lock:
            with self.total_lock:
                self.recording = True
                self.wait_for("reporting")

    def wait_for(self, flag: str) -> None:
        """With nothing that puts threads in order."""
        for _ in range(1000):
            if getattr(self, flag):
                return
            time.sleep(0.001)

    def report_while_recording(self) -> None:
        self.wait_for("recording")
        self.report()

    def report(self) -> None:
        self.reporting = True
        first, second = self.users_lock, self.total_lock
        if "order" in BUGS:
            with self.total_lock, self.users_lock:
                return
        with self.users_lock:
            with self.total_lock:
                assert first is not second


class Machine:
    """Accepts numbers that rise."""

    def __init__(self) -> None:
        self.last = 0

    def accept(self, token: int) -> bool:
        if token < self.last:
            return False
        self.last = token
        return True


def follow(machine: Machine, tokens: list[int]) -> None:
    for token in tokens:
        if not machine.accept(token) and "fsm" not in BUGS:
            return


def format_id(value: int) -> str:
    return f"{value:g}" if "float" in BUGS else str(value)


def cache_key(tokens: tuple[int, ...], lora: str) -> int:
    return hash(tokens) if "key" in BUGS else hash((tokens, lora))


def block_key(tokens: tuple[int, ...], lora: str) -> tuple[int, tuple[int, ...], str]:
    """The hash, with what went into it beside it."""
    return hash(tokens if "beside" in BUGS else (tokens, lora)), tokens, lora


def look_up(key: int, store: dict[int, str]) -> str | None:
    return store.get(key)


def serve(rounds: int = 80) -> None:
    scheduler = Scheduler()
    for number in range(rounds):
        for kind in "ab":
            scheduler.add(f"{kind}{number}")
            scheduler.prefix(f"prompt {number}")
        scheduler.finish(f"a{number}")
        scheduler.abort([f"b{number}"])
        try:
            scheduler.add(f"c{number}!")
        except ValueError:
            pass
        format_id(123456789 + number)
    store: dict[int, str] = {}
    for lora in ("french", "german"):
        key = cache_key((1, 2, 3), lora)
        look_up(key, store)
        store[key] = lora
        key, _, _ = block_key((1, 2, 3), lora)
        look_up(key, store)
        store[key] = lora
    for number in range(4):
        scheduler.add(f"d{number}")
        scheduler.reset()
        scheduler.restore({f"saved {number}": number})
    for number in range(4):
        scheduler.add(f"e{number}")
        scheduler.sleep()
        scheduler.wake()
    for number in range(4):
        scheduler.add(f"f{number}")
        saved = dict(scheduler.progress)
        scheduler.add(f"g{number}")
        scheduler.restore_progress(saved)
        scheduler.doze()
        scheduler.rouse()
    accounts = Accounts()
    reporting = threading.Thread(target=accounts.report_while_recording)
    reporting.start()
    accounts.record()
    reporting.join()
    for number in range(4):
        follow(Machine(), [1, 5, number, 7])
    for block in range(30):
        scheduler.touch(block)
    print("served", rounds)
