"""What watching costs, by finding: from the calls that are counted anyway, and one call of each station timed a tick.

Seconds are a thread's own on the processor. A station's watchers share what its calls take. Calls of which nobody is
told, as all is known of what they are about, still look that up: where there is a budget to keep, they are told of all
the same now and then, and counted so.
"""

from __future__ import annotations

import builtins
import time
from collections.abc import Iterable, Sequence
from typing import Any

from .station import Station

COUNT_ALL = 8
"""In one tick of so many, calls about what is known are told of."""
_SAMPLES = 7
"""So many timed calls are remembered of each way into a station."""


SHARE = 200
"""Work of the tracer's thread rests for so many times as long as it took: half a per cent at most, of a core and of
what the program itself takes of one."""
LONGEST = 1.0
"""Seconds after which work is done again in a program that takes next to nothing of the processor."""


class Pace:
    """When work that is done now and then is due again."""

    __slots__ = ("least", "longest", "processor", "soonest")

    def __init__(self, least: float = 0.0) -> None:
        self.least = least
        """Seconds that pass between two at the least."""
        self.processor = self.soonest = self.longest = 0.0

    def is_due(self) -> bool:
        now = time.monotonic()
        return now >= self.soonest and (now >= self.longest or time.process_time() >= self.processor)

    def took(self, seconds: float) -> None:
        now, rest = time.monotonic(), max(self.least, SHARE * seconds)
        self.soonest, self.longest = now + rest, now + max(rest, LONGEST)
        self.processor = time.process_time() + SHARE * seconds


class Meter:
    """The seconds that each finding's watchers took so far, and how far they may go."""

    def __init__(self, budget: float = 0.0) -> None:
        self.budget = budget
        """Seconds of the processor that watching may take in each second; 0 for as many as it needs."""
        self.spent: dict[str, float] = {}
        self.lately: dict[str, float] = {}
        """Since the last time that somebody was shed: who is the costliest now."""
        self.own = 0.0
        """What no finding can be blamed for: the tracer's thread."""
        self.starting = 0.0
        """What is taken once: to put the watchers in, to hear the canaries, to search the heap."""
        self.assigned = 0.0
        """Of the tracer's thread: what is accounted for by now."""
        self.shed: dict[str, dict[str, float]] = {}
        """By finding: at what share of a core, after how many seconds."""
        self.began = self.seen = self.since = time.monotonic()
        self.allowance = budget
        self.ticks = 0
        self.look_up = 0.0
        self._told: dict[int, dict[str, int]] = {}
        self._cost: dict[int, dict[str, list[float]]] = {}
        self._unheard: dict[int, float] = {}

    def of_a_child(self) -> Meter:
        """Of a forked one, in which the same was shed."""
        meter = Meter(self.budget)
        meter.shed = dict(self.shed)
        return meter

    def add(self, key: str, seconds: float) -> None:
        self.spent[key] = self.spent.get(key, 0.0) + seconds
        self.lately[key] = self.lately.get(key, 0.0) + seconds
        self.allowance -= seconds

    def add_look(self, key: str, seconds: float) -> None:
        self.assigned += seconds
        self.add(key, seconds)

    def add_start(self, seconds: float) -> None:
        self.assigned += seconds
        self.starting += seconds

    def add_own(self, seconds: float) -> None:
        """What the tracer's thread took for a tick that is not accounted for."""
        self.own += seconds
        self.allowance -= seconds

    def read(self, stations: Iterable[Station]) -> None:
        """In each tick where there is a budget to keep, else after each look."""
        now = time.monotonic()
        passed, self.seen = now - self.seen, now
        self.allowance = min(self.budget, self.allowance + passed * self.budget)
        self.ticks += 1
        if not self.look_up:
            self.look_up = _looking_up()
        for station in list(stations):
            self._read(station, passed)

    def _read(self, station: Station, passed: float) -> None:
        told = station.told()
        before = self._told.get(id(station), {})
        cost = self._cost.setdefault(id(station), {})
        for name, seconds in station.timed.items():
            cost[name] = [*cost.get(name, ()), seconds][-_SAMPLES:]
        news = {name: count - before.get(name, 0) for name, count in told.items()}
        taken = sum(count * _usual(cost.get(name, ())) for name, count in news.items())
        taken += self._of_the_unheard(station, news["leave"], passed)
        self._told[id(station)] = told
        watchers = station.watchers
        for watcher in watchers:
            self.add(watcher.probe.finding.key, taken / len(watchers))
        station.timed = {}
        station.time_next(news)

    def _of_the_unheard(self, station: Station, entered: int, passed: float) -> float:
        """All calls look their station up; how many there are is known from the ticks in which all are told of."""
        if not station.asks_itself or not self.budget:
            return entered * self.look_up
        if self.ticks % COUNT_ALL == 0:
            self._unheard[id(station)] = entered / passed if passed else 0.0
        station.tell_of_all((self.ticks + 1) % COUNT_ALL == 0)
        return max(float(entered), self._unheard.get(id(station), 0.0) * passed) * self.look_up

    def costliest(self) -> str:
        """Whose watchers have to go now; "" while the budget is kept."""
        if not self.budget or self.allowance >= 0:
            return ""
        return max(self.lately, key=lambda key: self.lately[key], default="")

    def leave_out(self, key: str) -> None:
        now = time.monotonic()
        share = self.lately.get(key, 0.0) / max(now - self.since, 0.001)
        self.shed[key] = {"share": round(share, 4), "after": round(now - self.began, 2)}
        self.lately, self.since = {}, now
        self.allowance = self.budget

    def account(self) -> dict[str, Any]:
        return {
            "budget": self.budget,
            "seconds": round(self.seen - self.began, 2),
            "starting": round(self.starting, 4),
            "own": round(self.own, 4),
            "findings": {key: round(seconds, 4) for key, seconds in self.spent.items()},
            "shed": self.shed,
        }


def _usual(samples: Sequence[float]) -> float:
    """The middle one, or the less of two: a collection of garbage may fall into a call."""
    return sorted(samples)[(len(samples) - 1) // 2] if samples else 0.0


def _looking_up() -> float:
    """Seconds in which a function finds out that it need not tell: the entity is in a set, by the set's name."""
    name, times = "__llmlint_measure__", 500
    code = compile(
        f"for _ in range({times}):\n"
        f"    try: found = None if subject.entity in {name} else subject\n"
        "    except (NameError, KeyError): found = None\n",
        "<meter>",
        "exec",
    )
    names = {"subject": _Subject(), name: {"an entity"}, "__builtins__": builtins}
    began = time.thread_time()
    exec(code, names)
    return (time.thread_time() - began) / times


class _Subject:
    def __init__(self) -> None:
        self.entity = "an entity"
