"""LLM607: memory of the device is taken anew in each call, and not the same size each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from ..oracles.allocators import loaded_torch
from ..oracles.tensors import Ledger, Site, blocks_of, qualname_of
from ..paths import Roots
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, Judgement, State, need, total
from ..probe import Probe as Base

ALLOCATIONS, SIZES = 32, 8
"""So many allocations at the line, in so many sizes, leave gaps."""
ALL_CALLS = 64
"""So many calls are all watched, and one of eight later on."""


class Probe(Base):
    """The finding's own function is `scope`: what its line allocates is measured while it runs."""

    exercised: ClassVar[str] = "the line allocated"
    may_refute: ClassVar[bool] = False
    attached: ClassVar[str] = CONFIRMED

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.calls = 0
        self.ledger: Ledger | None = None

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        self.calls += 1
        torch = loaded_torch()
        if torch is None or (self.calls > ALL_CALLS and self.calls % 8):
            return None
        self.ledger = self.ledger or Ledger(torch, (str(self.finding.options.get("device", "cuda")),))
        self.ledger.begin()
        return self.ledger

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if isinstance(token, Ledger):
            token.end()

    def _sites(self) -> Iterator[Site]:
        lines = range(self.finding.line, max(self.finding.line, self.finding.end_line) + 1)
        name = self.finding.symbol.rpartition(".")[2]
        for (code, line), site in list(self.ledger.sites.items()) if self.ledger is not None else ():
            if line in lines and qualname_of(code).rpartition(".")[2] == name:
                yield site

    def state(self) -> dict[str, Any]:
        sites = list(self._sites())
        sizes = sorted(blocks_of(set().union(*(site.sizes for site in sites))))
        return {
            "calls": self.calls,
            "allocations": sum(site.allocations for site in sites),
            "sizes": len(sizes),
            "least": sizes[0] if sizes else 0,
            "most": sizes[-1] if sizes else 0,
        }

    @classmethod
    def canary(cls) -> bool:
        """A line that allocates on the host in ever other sizes, where torch is there; what is said of one size."""
        finding = Finding({"key": "canary", "probe": "hot-path-allocation", "path": "canary.py", "line": 2})
        finding.symbol = "build"
        finding.options["device"] = "cpu"
        probe = cls(finding, lambda values: [])
        names: dict[str, Any] = {"torch": loaded_torch()}
        same = {"calls": 64, "allocations": 64, "sizes": 1, "least": 8, "most": 8}
        if names["torch"] is None:
            return cls.judge(finding, [same]).status == CLEAN
        exec(compile("def build(size):\n    return torch.ones(size)\n", "canary.py", "exec"), names)
        for size in range(128, 128 * ALL_CALLS, 128):
            token: Any = probe.called(None, None, None)  # type: ignore[arg-type]
            names["build"](size)
            token.end()
        found = [cls.judge(finding, [state]).status for state in (probe.state(), same)]
        return found == [CONFIRMED, CLEAN]

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        calls, allocations = total(states, "calls"), total(states, "allocations")
        sizes = max((int(state.get("sizes", 0)) for state in states), default=0)
        if not calls:
            return Judgement(NOT_EXERCISED, "the function was never called")
        if not allocations:
            return Judgement(NOT_EXERCISED, f"nothing of the device was allocated at the line in {calls} calls")
        least = min(int(state["least"]) for state in states if state.get("allocations"))
        most = max(int(state["most"]) for state in states if state.get("allocations"))
        said = f"{allocations} allocations in {sizes} sizes, {least} to {most} bytes, in {calls} calls"
        enough = allocations >= need(finding, "allocations", ALLOCATIONS) and sizes >= need(finding, "sizes", SIZES)
        return Judgement(CONFIRMED if enough else CLEAN, said)
