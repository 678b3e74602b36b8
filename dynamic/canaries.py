"""Small programs with a seeded bug, one for each probe, run inside every traced process before anything is judged.

A probe that does not see its own canary would not see the program's bug either: its verdicts from that process are
void. They go through the same rewriting and the same looking as the program's code.
"""

from __future__ import annotations

import _thread
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

from .oracles.stalls import STAND_INS, WATCHDOG
from .plan import Finding, Target, inside_of
from .probe import CONFIRMED, Judgement, Probe
from .station import Faults, Station


class Engine:
    """Forgets to remove an aborted request, keeps every prefix, resets half, restores nothing."""

    def __init__(self) -> None:
        self.requests: dict[str, int] = {}
        self.prefixes: dict[str, int] = {}
        self.seen: dict[str, int] = {}
        self.free = list(range(32))
        self.lock, self.other_lock = _thread.allocate_lock(), _thread.allocate_lock()
        self.coming = self.reported = False

    def add(self, request_id: str) -> None:
        self.requests[request_id] = 1
        self.prefixes[request_id] = 1

    def finish(self, request_id: str) -> None:
        self.requests.pop(request_id, None)

    def abort(self, request_id: str) -> None:
        self.seen.pop(request_id, None)

    def reset(self) -> None:
        self.requests.clear()

    def sleep(self) -> None:
        self.free = list(range(32))

    def wake(self) -> None:
        self.seen.clear()

    def restore(self, saved: dict[str, int]) -> None:
        len(saved)

    def allocate(self) -> int:
        return self.free.pop()

    def release(self, block: int) -> None:
        self.free.append(block)

    def admit(self, fails: bool) -> None:
        block = self.allocate()
        if fails:
            raise ValueError(block)
        self.release(block)

    def write(self, value: int) -> str:
        return f"{value:g}"

    def key(self, tokens: tuple[int, ...], image: str) -> int:
        self.seen[image] = len(tokens)
        return hash(tokens)

    def get(self, key: int) -> int:
        return key or 1

    def count(self) -> None:
        with self.lock:
            with self.other_lock:
                self.seen.clear()
                self.meet()

    def meet(self) -> None:
        """Has another thread come to `report` meanwhile."""
        _thread.start_new_thread(self.report, ())
        for _ in range(200):
            if self.coming:
                return
            time.sleep(0.001)

    def report(self) -> None:
        self.coming = True
        with self.other_lock, self.lock:
            self.seen.clear()
        self.reported = True

    def note(self, name: str) -> None:
        with self.lock:
            self.seen[name] = 1

    def peek(self) -> None:
        for _ in self.seen:
            return

    def accept(self, token: int) -> bool:
        return token < 3

    def match(self, tokens: tuple[int, ...]) -> None:
        for token in tokens:
            self.accept(token)

    async def serve(self) -> None:
        _until_it_is_noticed()

    async def ask(self) -> None:
        await _Never()


def _requests() -> None:
    engine = Engine()
    for number in range(64):
        engine.add(f"canary-{number}")
        (engine.abort if number % 2 else engine.finish)(f"canary-{number}")
    _alive.append(engine)


def _reset() -> None:
    engine = Engine()
    engine.add("canary")
    engine.reset()
    engine.sleep()
    engine.wake()
    _alive.append(engine)


def _restore() -> None:
    Engine().restore({"canary": 1})


def _admit() -> None:
    engine = Engine()
    for number in range(24):
        try:
            engine.admit(number % 3 == 0)
        except ValueError:
            continue
    _alive.append(engine)


def _write() -> None:
    Engine().write(123456789)


def _keys() -> None:
    engine = Engine()
    for image in ("cat", "dog"):
        engine.get(engine.key((1, 2, 3), image))


def _locks() -> None:
    engine = Engine()
    engine.count()
    for _ in range(200):
        if engine.reported:
            break
        time.sleep(0.001)
    time.sleep(0.002)  # until its call has ended as well


def _peek() -> None:
    engine, done = Engine(), _thread.allocate_lock()

    def note() -> None:
        engine.note("canary")
        done.release()

    engine.peek()
    done.acquire()
    _thread.start_new_thread(note, ())
    done.acquire(timeout=1)
    engine.peek()


def _match() -> None:
    Engine().match((1, 2, 3, 4))


class _DeafLoop:
    """An event loop that never gets to what it is asked."""

    def call_soon_threadsafe(self, callback: object) -> None:
        return None


def _until_it_is_noticed() -> None:
    """On this thread: a loop of the program's own may stand still at the same time."""
    here = WATCHDOG.loops[_thread.get_ident()]
    for _ in range(200):
        if any(standing.told for standing in list(here.standing.values())):
            return
        time.sleep(0.005)


def _serve() -> None:
    thread = _thread.get_ident()
    STAND_INS[thread] = _DeafLoop()
    try:
        Engine().serve().send(None)
    except StopIteration:
        return
    finally:
        del STAND_INS[thread]
        WATCHDOG.loops.pop(thread, None)


class _Never:
    """An answer that does not come."""

    def __await__(self) -> Generator[None, None, None]:
        yield


def _ask() -> None:
    asking = Engine().ask()
    asking.send(None)
    _alive.append(asking)


_alive: list[object] = []


def _target(name: str, role: str, entity: str = "", via: str = "") -> dict[str, str]:
    return {"qualname": f"Engine.{name}", "role": role, "entity": entity, "via": via}


def _watch(attribute: str) -> dict[str, str]:
    return {"attribute": attribute, "owner": "Engine"}


_PAIRS = [_target("admit", "scope"), _target("allocate", "acquire", "return"), _target("release", "release", "block")]

CANARIES: dict[str, tuple[Callable[[], None], dict[str, Any]]] = {
    "request-state-leak": (
        _requests,
        {
            "targets": [
                _target("add", "enter", "request_id"),
                _target("finish", "leave", "request_id", "finish"),
                _target("abort", "leave", "request_id", "abort"),
            ],
            "watch": [_watch("requests")],
            "needs": {"settle_ms": 0},
        },
    ),
    "unbounded-cache": (
        _requests,
        {
            "targets": [_target("add", "insert", "request_id")],
            "watch": [_watch("prefixes")],
            "needs": {"bound": 64},
        },
    ),
    "restore-leaves-state": (_reset, {"targets": [_target("reset", "reset")], "watch": [_watch("prefixes")]}),
    "offload-drops-state": (
        _reset,
        {"targets": [_target("sleep", "offload"), _target("wake", "onload")], "watch": [_watch("prefixes")]},
    ),
    "noop-restore": (_restore, {"targets": [_target("restore", "restore", "saved")]}),
    "leak-on-error-path": (_admit, {"targets": _PAIRS}),
    "refcount-imbalance": (_admit, {"targets": _PAIRS}),
    "float-serialised-int": (_write, {"targets": [_target("write", "format", "value")]}),
    "lock-order": (
        _locks,
        {
            "targets": [_target("count", "scope"), _target("report", "scope")],
            "options": {"locks": ["lock", "other_lock"]},
        },
    ),
    "unlocked-shared-state": (
        _peek,
        {
            "symbol": "Engine.peek",
            "targets": [_target("peek", "scope"), _target("note", "scope")],
            "options": {"owner": "Engine", "accesses": ["seen"], "locks": ["lock"]},
        },
    ),
    "fsm-result-ignored": (_match, {"targets": [_target("match", "scope"), _target("accept", "advance")]}),
    "blocking-in-async": (
        _serve,
        {
            "symbol": "Engine.serve",
            "line": Engine.serve.__code__.co_firstlineno + 1,
            "targets": [_target("serve", "scope")],
            "needs": {"stall_ms": 5},
        },
    ),
    "unbounded-wait": (
        _ask,
        {
            "symbol": "Engine.ask",
            "line": Engine.ask.__code__.co_firstlineno + 1,
            "targets": [_target("ask", "wait")],
            "needs": {"pending": 0},
        },
    ),
    "cache-key-omits-input": (
        _keys,
        {
            "targets": [_target("key", "key", "return"), _target("get", "lookup", "key")],
            "options": {"omitted": ["image"]},
        },
    ),
}
CANARIES["accumulating-buffer"] = CANARIES["unbounded-cache"]
CANARIES["partial-clear"] = CANARIES["restore-leaves-state"]


class _Counts:
    """As much of a recorder as a station needs."""

    def __init__(self) -> None:
        self.counters = [0] * 64
        self._next = 0

    def counter(self) -> int:
        self._next += 1
        return self._next


def run(probes: Mapping[str, type[Probe]]) -> dict[str, str]:
    """Why each of these probes does not see its seeded bug, here and now; "" for one that does."""
    silent = {}
    for name, kind in probes.items():
        if name in CANARIES:
            drive, block = CANARIES[name]
            silent[name] = _silent(kind, drive, {"key": "canary", "probe": name, "path": "canary", **block})
        elif hasattr(kind, "canary"):
            silent[name] = "" if kind.canary() else "its own canary was silent"
    return silent


def _silent(kind: type[Probe], drive: Callable[[], None], block: dict[str, Any]) -> str:
    finding = Finding(block)
    probe = kind(finding, lambda values: [str(value) for value in values][:3])
    counts: Any = _Counts()
    stations: dict[str, Station] = {}
    try:
        for target in [*finding.targets, Target(finding, {"qualname": "Engine.__init__", "role": "instance"})]:
            function = Engine.__dict__[target.qualname.partition(".")[2]]
            if target.qualname not in stations:
                stations[target.qualname] = Station(function, counts, Faults())
            station = stations[target.qualname]
            station.add(probe, target)
            station.rewrite(inside_of([finding]))
        drive()
        probe.look(False)
        probe.look(True)
        judgement = _judged(kind, finding, probe.state())
        return "" if judgement.status == CONFIRMED else f"{judgement.status}: {judgement.summary}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        _alive.clear()
        for station in stations.values():
            station.restore()


def _judged(kind: type[Probe], finding: Finding, state: dict[str, Any]) -> Judgement:
    """By the state alone; or, where a probe judges whole runs, by a run in which the peer was lost at the beginning."""
    if not hasattr(kind, "judge_run"):
        return kind.judge(finding, [state])
    from .read import Process

    process = Process("canary")
    process.states[finding.key], process.canaries[finding.probe] = state, True
    process.last_alive = time.monotonic() + 1
    judgement: Judgement = kind.judge_run(finding, _Loss([process]))
    return judgement


class _Loss:
    """As much of a run as a judge needs."""

    def __init__(self, processes: list[Any]) -> None:
        self.processes = processes
        self.command = {"workload": {"faults": ["kill:canary"], "fault_times": [0.0]}}
