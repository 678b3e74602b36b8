"""LLM701: a call that waits for a peer which is gone, for longer than anybody would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ..oracles.collectives import PENDING, CollectiveLog, divergences, group_of, passes, ran, stack_of
from ..plan import Finding
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, REFUTED, Judgement, need
from ..read import Process, Run
from ..record import DONE, RAISED


class Probe(CollectiveLog):
    """Judges groups made in the finding's function, and calls made from it."""

    exercised: ClassVar[str] = "a peer died, stopped or parted while a call on the group was open"
    may_refute: ClassVar[bool] = True

    @classmethod
    def judge_run(cls, finding: Finding, run: Run) -> Judgement:
        if not any(ran(finding, process) for process in run.processes):
            return Judgement(NOT_EXERCISED, "the function was never called")
        groups = [group for process in run.processes for group in process.groups if passes(finding, group["stack"])]
        patience = need(finding, "pending", PENDING)
        unbounded = {str(group["name"]) for group in groups if group["timeout"] is None}
        bounded = {str(group["name"]) for group in groups} - unbounded
        stuck = list(_stuck(finding, run.processes, unbounded, bounded, patience))
        lost = _lost_peers(run)
        if stuck and lost:
            evidence = [f"{process.label()} waited {waited:.0f} s in {what}" for process, what, waited in stuck[:5]]
            return Judgement(CONFIRMED, f"{len(stuck)} calls waited for more than {patience} s after {lost}", evidence)
        if groups and all(group["timeout"] is not None for group in groups):
            given = ", ".join(sorted({str(group["timeout"]) for group in groups}))
            return Judgement(REFUTED, f"every group made here was given a timeout ({given})")
        made = f"{len(groups)} groups were made here without a timeout" if groups else "calls were made"
        if not lost:
            return Judgement(NOT_EXERCISED, f"{made}, but no peer was lost: try --fault kill:CHILD or stop:CHILD")
        return Judgement(CLEAN, f"{made}; after {lost} no call was open for more than {patience} s")


def _stuck(
    finding: Finding, processes: list[Process], unbounded: set[str], bounded: set[str], patience: float
) -> Iterator[tuple[Process, str, float]]:
    """Calls that waited too long, those included that failed in the end because the peer's connection went."""
    for process in processes:
        for call in process.calls:
            waited = (call.ended if call.state == RAISED else process.last_alive) - call.begun
            if call.state == DONE or waited <= patience or group_of(process, call) in bounded:
                continue
            if group_of(process, call) in unbounded or passes(finding, stack_of(process, call)):
                parts = process.interned.get(call.what, ("", ["?", "", "?"]))[1]
                yield process, f"{parts[0]} at {parts[2] if len(parts) > 2 else '?'}", waited


def _lost_peers(run: Run) -> str:
    """How a peer was lost, "" when none was."""
    workload: Any = run.command.get("workload") or {}
    faults = [fault for fault in workload.get("faults", []) if "no such" not in fault]
    if faults:
        return ", ".join(faults)
    parted = next(divergences(run.processes), None)
    if parted is not None:
        return f"the ranks parted at call {parted.sequence} of group {parted.group}"
    latest = max((process.last_alive for process in run.processes), default=0.0)
    gone = [process for process in run.processes if not process.tail and latest - process.last_alive > 2]
    return f"{gone[0].label()} was gone" if gone else ""
