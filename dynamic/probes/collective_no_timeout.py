"""LLM701: a call that waits for a peer which is gone, for longer than anybody would, or on a group that lets it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ..oracles.collectives import PENDING, WAITING, CollectiveLog, divergences, group_of, passes, ran, stack_of
from ..oracles.time_limits import said
from ..plan import Finding
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, REFUTED, Judgement, need
from ..read import Process, Record, RingCall, Run
from ..record import DONE, RAISED


class Probe(CollectiveLog):
    """Judges groups made in the finding's function, and calls made from it."""

    exercised: ClassVar[str] = "a peer died, stopped or parted while a call on the group was open"
    may_refute: ClassVar[bool] = True

    @classmethod
    def judge_run(cls, finding: Finding, run: Run) -> Judgement:
        if not any(ran(finding, process) for process in run.processes):
            return Judgement(NOT_EXERCISED, "the function was never called")
        groups = [group for process in run.processes for group in groups_made(finding, process)]
        patience = need(finding, "pending", PENDING)
        stuck = list(_stuck(finding, run.processes, groups, patience))
        lost = _lost_peers(run)
        if stuck and lost:
            evidence = [f"{process.label()} waited {waited:.0f} s in {what}" for process, what, waited in stuck[:5]]
            return Judgement(CONFIRMED, f"{len(stuck)} calls waited for more than {patience} s after {lost}", evidence)
        endless = [(group, call) for group in groups if group.is_endless for call in group.calls_that_wait()]
        if endless:
            waits = [(group.process, call) for group, call in endless[:5]]
            evidence = [f"{process.label()} waited in {_where(process, call)}" for process, call in waits]
            why = "; ".join(sorted({group.endless for group, _ in endless}))
            return Judgement(CONFIRMED, f"{len(endless)} calls had no time limit in force: {why}", evidence)
        if groups and all(group.bound for group in groups):
            given = ", ".join(sorted({group.bound for group in groups}))
            return Judgement(REFUTED, f"every group made here has a time limit ({given})")
        made = _told_of(groups)
        if not lost:
            return Judgement(NOT_EXERCISED, f"{made}, but no peer was lost: try --fault kill:CHILD or stop:CHILD")
        return Judgement(CLEAN, f"{made}; after {lost} no call was open for more than {patience} s")


class Made:
    """A group that the finding's function made in one process, with the limit that was in force on it in the end."""

    def __init__(self, process: Process, group: Record) -> None:
        self.process = process
        self.given: str | None = group["timeout"]
        own = [one for one in process.limits if one["number"] == group.get("number")]
        self.name = str(own[0]["name"] if own else group["name"])
        latest = [one for one in process.limits if one["name"] == self.name][-1:]
        self.limits: list[Record] = [limit for one in latest for limit in one["limits"]]
        self.is_chosen = latest[0]["given"] if latest else self.given is not None
        """Whether the program set the limit, and it is not the back end's own."""

    @property
    def endless(self) -> str:
        """Why nothing ends a call on it through some back end, "" where something always does."""
        return "; ".join(sorted({limit["why"] for limit in self.limits if limit["seconds"] is None}))

    @property
    def is_endless(self) -> bool:
        """Whether that is so of all its back ends: which of them a call went through is not on record."""
        return bool(self.limits) and all(limit["seconds"] is None for limit in self.limits)

    @property
    def bound(self) -> str:
        """The limit that the program set and that is in force, "" where there is none."""
        if not self.is_chosen or self.endless:
            return ""
        return self.in_force or str(self.given)

    @property
    def in_force(self) -> str:
        known = [limit for limit in self.limits if limit["seconds"] is not None]
        return ", ".join(sorted({f"{limit['backend']}: {said(limit['seconds'])}" for limit in known}))

    def calls_that_wait(self) -> Iterator[RingCall]:
        for call in self.process.calls:
            way = self.process.interned.get(call.what, ("", []))[0]
            if way == WAITING and group_of(self.process, call) == self.name:
                yield call


def groups_made(finding: Finding, process: Process) -> Iterator[Made]:
    for group in process.groups:
        if passes(finding, group["stack"]):
            yield Made(process, group)


def _told_of(groups: list[Made]) -> str:
    unbound = [group for group in groups if not group.bound]
    if not unbound:
        return "calls were made"
    own = ", ".join(sorted({group.in_force for group in unbound if group.in_force}))
    also = f", where the back end gives up by itself ({own})" if own else ""
    return f"{len(unbound)} groups were made here without a timeout{also}"


def _stuck(
    finding: Finding, processes: list[Process], groups: list[Made], patience: float
) -> Iterator[tuple[Process, str, float]]:
    """Calls that waited too long, those included that failed in the end because the peer's connection went."""
    unbound = {group.name for group in groups if not group.bound}
    bound = {group.name for group in groups} - unbound
    for process in processes:
        for call in process.calls:
            waited = (call.ended if call.state == RAISED else process.last_alive) - call.begun
            if call.state == DONE or waited <= patience or group_of(process, call) in bound:
                continue
            if group_of(process, call) in unbound or passes(finding, stack_of(process, call)):
                yield process, _where(process, call), waited


def _where(process: Process, call: RingCall) -> str:
    parts = process.interned.get(call.what, ("", ["?", "", "?"]))[1]
    return f"{parts[0]} at {parts[2] if len(parts) > 2 else '?'}"


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
