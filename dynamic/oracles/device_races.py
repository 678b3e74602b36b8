"""Probes that ask for races: of the whole process, step by step, or of the calls of one finding's function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from ..paths import Roots
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, SUSPICIOUS, Judgement, State, need, total
from .allocators import loaded_torch
from .device_waits import SyncUser
from .races import Races
from .streams import HOST, Access, Streams
from .syncs import SYNCS

CALLS = 8

RACES: list[Races] = []
"""None, or the only one."""


def races_of(torch: Any, device: str) -> Races:
    """One for the process, made when it is first asked for."""
    if not RACES:
        RACES.append(Races(torch, device))
        SYNCS.tell(RACES[0].read_by_host)
    return RACES[0]


class RaceUser(SyncUser):
    """Has operations watched for a while, on the threads that ask for it. Of what the host reads without any, the
    watcher of waits tells."""

    def races(self) -> Races | None:
        torch = loaded_torch()
        return races_of(torch, str(self.finding.options.get("device", "cuda"))) if torch is not None else None

    def forked(self) -> None:
        super().forked()
        RACES.clear()

    def detached(self) -> None:
        super().detached()
        for races in RACES:
            races.stop()
            if races.read_by_host in SYNCS.readers:
                SYNCS.readers.remove(races.read_by_host)
        RACES.clear()

    @classmethod
    def canary(cls) -> bool:
        """A reader on one stream of what another writes, with an event between the two and without."""
        found = []
        for is_ordered in (True, False):
            streams = Streams()
            streams.run(1, [(7, Access(0, 8, True, False))], "writer", "fill_")
            streams.record(3, 1)
            if is_ordered:
                streams.wait(3, 2)
            streams.run(2, [(7, Access(4, 6, False, False))], "reader", "add")
            streams.look_at(7, Access(0, 8, False, False), "host", "tolist")
            streams.host_waits_for_stream(1)
            streams.look_at(7, Access(0, 8, False, False), "host later", "tolist")
            found.append([(race.later.site, race.later.stream == HOST) for race in streams.races.values()])
        return found == [[("host", True)], [("reader", False), ("host", True)]]


class RaceAt(RaceUser):
    """The finding's own function is `scope`: what it and its callees do on streams is watched in each call."""

    exercised: ClassVar[str] = "the function gave work to the device"
    may_refute: ClassVar[bool] = False
    attached: ClassVar[str] = CONFIRMED

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.calls = self.operations = 0

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        self.calls += 1
        races = self.races()
        if races is None or not races.begin():
            return None
        return races, races.streams.operations

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if isinstance(token, tuple):
            races, before = token
            races.end()
            self.operations += races.streams.operations - before

    def state(self) -> dict[str, Any]:
        seen = [race for races in RACES for race in races.state() if self._is_about(race)]
        return {"calls": self.calls, "operations": self.operations, "races": seen[:8]}

    def _is_about(self, race: State) -> bool:
        return any(self._is_in(str(race[which])) for which in ("earlier", "later"))

    def _is_in(self, site: str) -> bool:
        place, _, qualname = site.rpartition(" ")
        path = place.rpartition(":")[0].replace("\\", "/")
        name = self.finding.symbol.rpartition(".")[2]
        return qualname.rpartition(".")[2] == name and f"/{path}".endswith(f"/{self.finding.path}")

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        calls, operations = total(states, "calls"), total(states, "operations")
        races = [race for state in states for race in state.get("races", ())]
        if races:
            sure = any(race["sure"] for race in races)
            said = f"{len(races)} pairs of accesses that nothing orders"
            aside = "" if sure else ", of which one touches only some of the bytes between its first and its last"
            return Judgement(CONFIRMED if sure else SUSPICIOUS, said + aside, [told(race) for race in races[:4]])
        if not calls:
            return Judgement(NOT_EXERCISED, "the function was never called")
        if not operations:
            return Judgement(NOT_EXERCISED, f"nothing was given to the device in {calls} calls")
        if calls < need(finding, "calls", CALLS):
            return Judgement(NOT_EXERCISED, f"only {calls} calls, {operations} operations on the device")
        return Judgement(
            CLEAN, f"{calls} calls and {operations} operations on the device, each in order with the others"
        )


def told(race: State) -> str:
    first, second = ("writes" if race[f"{which}_writes"] else "reads" for which in ("earlier", "later"))
    between = ", given back in between without record_stream" if race["freed"] else ""
    one, other = race["operations"]
    return f"{one} {first} at {race['earlier']}; {other} {second} at {race['later']}{between}"
