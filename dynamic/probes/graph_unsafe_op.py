"""LLM305: a graph of the device is replayed with an address or a value that its object has given up since."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, ClassVar

from ..paths import Roots
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, Judgement, Quick, State, merged, total
from ..probe import Probe as Base
from ..record import Recorder

GRAPHS = "torch.cuda.graphs"
RECORDS, REPLAYS = "CUDAGraph.capture_end", "CUDAGraph.replay"
MOST_GRAPHS = 1024

Place = tuple[int, str]
"""An object, by id, and an attribute of it."""


class Probe(Base):
    """`save` is the function in which the graph is recorded, `scope` the one that binds the watched attribute anew."""

    exercised: ClassVar[str] = "a graph was recorded in the function, and replayed later"
    attached: ClassVar[str] = CONFIRMED
    libraries: ClassVar[dict[str, tuple[str, ...]]] = {GRAPHS: (RECORDS, REPLAYS)}

    told: ClassVar[list[Probe]] = []
    """All findings' probes: torch's own functions are watched once, for all of them."""

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.recording = 0
        self.recorded: dict[int, tuple[Any, dict[Place, object]]] = {}
        """By graph: a way to it, and what each attribute was when it was recorded."""
        self.bound = self.replays = 0
        self.stale: dict[str, int] = {}

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
        self.recording += target.role == "save"
        self.bound += target.role == "scope"
        return None

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        self.recording -= target.role == "save"

    def has_recorded(self, graph: object) -> None:
        if self.recording <= 0:
            return
        if len(self.recorded) >= MOST_GRAPHS:
            self.recorded.clear()
        self.recorded[id(graph)] = (weakref.ref(graph), self._now())

    def replayed(self, graph: object) -> None:
        way, before = self.recorded.get(id(graph), (None, {}))
        if way is None or way() is not graph:
            return
        self.replays += 1
        now = self._now()
        for place, was in before.items():
            if place in now and now[place] != was:
                self.stale[place[1]] = self.stale.get(place[1], 0) + 1

    def _now(self) -> dict[Place, object]:
        return {
            (id(holder), watched.attribute): _mark(value)
            for watched in self.finding.watch
            for holder, value in self.holders(watched)
        }

    def state(self) -> dict[str, Any]:
        return {"graphs": len(self.recorded), "bound": self.bound, "replays": self.replays, "stale": dict(self.stale)}

    @classmethod
    def canary(cls) -> bool:
        """An object whose attribute is the same at the first replay of its graph, and another at the second."""

        class Runner:
            def __init__(self) -> None:
                self.hidden = [1]

        class Graph:
            pass

        runner, graph = Runner(), Graph()
        watch = [{"attribute": "hidden", "owner": Runner.__qualname__}]
        finding = Finding({"key": "canary", "probe": "graph-unsafe-op", "path": "canary", "watch": watch})
        probe = cls(finding, lambda values: [])
        probe.see(runner)
        probe.recording, probe.bound = 1, 1
        probe.has_recorded(graph)
        probe.replayed(graph)
        before = cls.judge(finding, [probe.state()]).status
        runner.hidden = [1]
        probe.replayed(graph)
        return (before, cls.judge(finding, [probe.state()]).status) == (CLEAN, CONFIRMED)

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        graphs, bound, replays = (total(states, name) for name in ("graphs", "bound", "replays"))
        stale = merged(states, "stale")
        if stale:
            which = ", ".join(f"{name} ({count} times)" for name, count in sorted(stale.items()))
            said = f"graphs were replayed with what they had recorded of {which}, which was another by then"
            return Judgement(CONFIRMED, f"{said}; {replays} replays in all")
        if not graphs:
            return Judgement(NOT_EXERCISED, "no graph was recorded in the function")
        if not bound or not replays:
            return Judgement(NOT_EXERCISED, f"{bound} calls of what binds it anew, {replays} replays of its graphs")
        return Judgement(CLEAN, f"{replays} replays, each with what its graph had recorded")


def _mark(value: object) -> object:
    """The address of a tensor, the value of what is plain, or else which object it is."""
    if hasattr(value, "data_ptr"):
        return ("at", int(value.data_ptr()))
    return value if isinstance(value, (int, float, str, bytes, type(None))) else ("object", id(value))
