"""LLM305: a graph of the device is replayed with an address or a value that its object has given up since."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, ClassVar

from ..oracles.allocators import loaded_torch
from ..oracles.dispatch import Modes
from ..oracles.gates import weakly
from ..oracles.resets import reached_from
from ..paths import Roots
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, SUSPICIOUS, Judgement, Quick, State, merged, total
from ..probe import Probe as Base
from ..record import Recorder

GRAPHS = "torch.cuda.graphs"
RECORDS, REPLAYS = "CUDAGraph.capture_end", "CUDAGraph.replay"
MOST_GRAPHS = 1024

Place = tuple[int, str]
"""An object, by id, and an attribute of it."""


class Recorded:
    """A graph, and what each attribute of the object was for which it was recorded."""

    __slots__ = ("graph", "used", "was")

    def __init__(self, graph: object, was: dict[Place, object], used: Collection[Place]) -> None:
        self.graph = weakref.ref(graph)
        self.was = was
        self.used = frozenset(used)
        """Attributes whose memory operations were given as it was recorded."""


class Probe(Base):
    """`save` is the function in which the graph is recorded, `scope` the one that binds the watched attribute anew."""

    exercised: ClassVar[str] = "a graph was recorded in the function, and replayed later"
    attached: ClassVar[str] = CONFIRMED
    libraries: ClassVar[dict[str, tuple[str, ...]]] = {GRAPHS: (RECORDS, REPLAYS)}

    told: ClassVar[list[Probe]] = []
    """All findings' probes: torch's own functions are watched once, for all of them."""

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.recording: list[Callable[[], object]] = []
        """For which objects graphs are being recorded."""
        self.recorded: dict[int, Recorded] = {}
        self.given: set[int] = set()
        """Where the memory lies that operations were given since a recording began."""
        self.modes: Modes | None = None
        self.graphs = self.bound = self.replays = 0
        self.stale: dict[str, int] = {}
        self.unseen: dict[str, int] = {}
        """The same of attributes that no operation was seen to be given."""

    def attach(self, recorder: Recorder) -> None:
        if self.finding.path != GRAPHS and self not in Probe.told:
            Probe.told.append(self)

    def detached(self) -> None:
        if self in Probe.told:
            Probe.told.remove(self)

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick | None:
        if target.path != GRAPHS:
            return None
        is_replay = target.qualname == REPLAYS

        def before(values: tuple[object, ...]) -> object:
            if is_replay:
                for probe in list(Probe.told):
                    probe.replayed(values[0])
                return None
            return values[0]

        def after(graph: Any, result: Any, error: BaseException | None) -> None:
            if graph is not None and error is None:
                for probe in list(Probe.told):
                    probe.has_recorded(graph)

        return Quick(before, after)

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        self.see(subject)
        self.bound += target.role == "scope"
        return self._begin(subject) if target.role == "save" else None

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if isinstance(token, tuple) and token[0] in self.recording:
            self.recording.remove(token[0])
            if token[1] and self.modes is not None:
                self.modes.end()

    def _begin(self, subject: object) -> tuple[Callable[[], object], bool]:
        torch, way = loaded_torch(), weakly(subject)
        if not self.recording:
            self.given.clear()
        self.recording.append(way)
        if torch is not None and self.modes is None:
            self.modes = Modes(torch, self._see)
        return way, self.modes is not None and self.modes.begin()

    def _see(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> None:
        for value in (*args, *kwargs.values()):
            for one in value if isinstance(value, (list, tuple)) else (value,):
                if hasattr(one, "untyped_storage"):
                    self.given.add(int(one.untyped_storage().data_ptr()))

    def has_recorded(self, graph: object) -> None:
        if not self.recording:
            return
        if len(self.recorded) >= MOST_GRAPHS:
            self.recorded.clear()
        self.graphs += 1
        meant = self._meant()
        held = [(place, value) for place, value in self._held() if place[0] in meant]
        used = [place for place, value in held if _memory_of(value) in self.given]
        self.recorded[id(graph)] = Recorded(graph, {place: _mark(value) for place, value in held}, used)

    def _meant(self) -> set[int]:
        """For whom a graph is being recorded: another of its kind may change what it likes."""
        holders = {place[0] for place, _ in self._held()}
        subjects = [way() for way in self.recording]
        own = holders.intersection(map(id, subjects))
        if own or len(holders) < 2:
            return own or holders
        return holders.intersection(*(reached_from(subject) for subject in subjects[-1:]))

    def replayed(self, graph: object) -> None:
        recorded = self.recorded.get(id(graph))
        if recorded is None or recorded.graph() is not graph:
            return
        self.replays += 1
        for place, value in self._held():
            if place in recorded.was and _mark(value) != recorded.was[place]:
                counts = self.stale if place in recorded.used else self.unseen
                counts[place[1]] = counts.get(place[1], 0) + 1

    def _held(self) -> Iterator[tuple[Place, object]]:
        for watched in self.finding.watch:
            for holder, value in self.holders(watched):
                yield (id(holder), watched.attribute), value

    def state(self) -> dict[str, Any]:
        return {
            "graphs": self.graphs,
            "bound": self.bound,
            "replays": self.replays,
            "stale": dict(self.stale),
            "unseen": dict(self.unseen),
        }

    @classmethod
    def canary(cls) -> bool:
        """An object whose attribute is the same at the first replay of its graph, and another at the second."""

        class Memory:
            def data_ptr(self) -> int:
                return id(self)

            def untyped_storage(self) -> Memory:
                return self

        class Runner:
            def __init__(self) -> None:
                self.hidden = Memory()

        class Graph:
            pass

        runner, graph = Runner(), Graph()
        watch = [{"attribute": "hidden", "owner": Runner.__qualname__}]
        finding = Finding({"key": "canary", "probe": "graph-unsafe-op", "path": "canary", "watch": watch})
        probe = cls(finding, lambda values: [])
        probe.see(runner)
        probe.recording, probe.bound = [lambda: runner], 1
        probe._see(None, (runner.hidden,), {}, None)
        probe.has_recorded(graph)
        probe.replayed(graph)
        before = cls.judge(finding, [probe.state()]).status
        first, runner.hidden = runner.hidden, Memory()
        probe.replayed(graph)
        del first
        return (before, cls.judge(finding, [probe.state()]).status) == (CLEAN, CONFIRMED)

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        graphs, bound, replays = (total(states, name) for name in ("graphs", "bound", "replays"))
        stale = merged(states, "stale")
        if stale:
            which = ", ".join(f"{name} ({count} times)" for name, count in sorted(stale.items()))
            said = f"graphs were replayed with what they had recorded of {which}, which was another by then"
            return Judgement(CONFIRMED, f"{said}; {replays} replays in all")
        unseen = merged(states, "unseen")
        if unseen:
            which = ", ".join(f"{name} ({count} times)" for name, count in sorted(unseen.items()))
            said = f"{which} was another when a graph was replayed than when it was recorded"
            return Judgement(SUSPICIOUS, f"{said}, and no operation was seen to be given it then; {replays} replays")
        if not graphs:
            return Judgement(NOT_EXERCISED, "no graph was recorded in the function")
        if not bound or not replays:
            return Judgement(NOT_EXERCISED, f"{bound} calls of what binds it anew, {replays} replays of its graphs")
        return Judgement(CLEAN, f"{replays} replays, each with what its graph had recorded")


def _memory_of(value: object) -> int:
    """Where a tensor's memory lies, 0 for what is none."""
    storage = getattr(value, "untyped_storage", None)
    return int(storage().data_ptr()) if callable(storage) else 0


def _mark(value: object) -> object:
    """The address of a tensor, the value of what is plain, or else which object it is."""
    if hasattr(value, "data_ptr"):
        return ("at", int(value.data_ptr()))
    return value if isinstance(value, (int, float, str, bytes, type(None))) else ("object", id(value))
