"""Answers of NCCL's RAS joined to a traced run: which call each rank of a communicator came to.

RAS knows processes and counts, and no code; the run knows each process's calls. They are joined by process, or by rank
where the communicator has all ranks of the run and no process is the run's (containers number theirs anew).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from llmlint.catalogue import Catalogue
from llmlint.dynamic.oracles.collectives import PENDING, group_of, passes, stack_of
from llmlint.dynamic.plan import Finding as Watched
from llmlint.dynamic.probe import need
from llmlint.dynamic.probes.collective_no_timeout import groups_made
from llmlint.dynamic.read import Process, RingCall, Run
from llmlint.dynamic.record import BEGUN
from llmlint.findings import Finding, Verdict
from llmlint.plain import counted
from llmlint.runtime.device_findings import Place, found_at
from llmlint.runtime.flight_recorder import watched_by_a_log
from llmlint.runtime.nccl_ras import Answer, Lost, Parting, Rank

DIVERGENCE = ("rank-divergent-collective", "collective-skipped-on-error")
NO_TIMEOUT = "collective-no-timeout"

_LAUNCHES = {
    "AllReduce": ("all_reduce", "barrier"),
    "Broadcast": ("broadcast", "broadcast_object_list"),
    "Reduce": ("reduce",),
    "AllGather": ("all_gather", "all_gather_into_tensor", "all_gather_object"),
    "ReduceScatter": ("reduce_scatter", "reduce_scatter_tensor"),
}
"""Which calls of torch's launch an operation of NCCL's."""


class Member(NamedTuple):
    """A process of a communicator, and its call that tells where it stands; None where it made none."""

    process: Process
    call: RingCall | None
    launched: int = 0

    def passes(self, watched: Watched) -> bool:
        return self.call is not None and passes(watched, stack_of(self.process, self.call))

    @property
    def waited(self) -> float:
        return self.process.last_alive - self.call.begun if self.call is not None else 0.0

    @property
    def place(self) -> str:
        return next(iter(stack_of(self.process, self.call)), "") if self.call is not None else ""


class Joined(NamedTuple):
    """What RAS said of one communicator, with those of its ranks whose processes are in the run."""

    said: str
    status: str
    evidence: tuple[str, ...]
    members: tuple[Member, ...]
    """The ranks that are behind come first: it is they who did something else."""
    about: tuple[str, ...]
    """The rules, by name, whose findings it may be about."""


def with_answers(
    findings: Sequence[Finding],
    answers: Sequence[Answer],
    files: Sequence[str],
    runs: Sequence[Run],
    root: Path,
    catalogue: Catalogue,
) -> tuple[list[Finding], list[str]]:
    """The findings with what RAS saw of them, and what could be joined to no run, in words."""
    joined: list[Joined] = []
    unjoined: list[str] = []
    partings, status = _that_stay(answers)
    times = f"in {counted(len(answers), 'answer')} of NCCL's RAS"
    for parting in partings:
        members = next(filter(None, (_at_parting(parting, run) for run in runs)), ())
        if members:
            joined.append(Joined(f"{parting}, {times}", status, _evidence(parting, members), members, DIVERGENCE))
        else:
            unjoined.append(f"{parting}, {times}, and none of them is known to be in a run")
    for lost in answers[-1].lost if answers else ():
        joined += [one for run in runs for one in [_who_wait(lost, run)] if one is not None]
    found = [_judged(finding, joined, runs, files, catalogue) for finding in findings]
    judged = [watched for one in found for watched in [watched_by_a_log(one, catalogue)] if watched is not None]
    for one in joined:
        place = next((member.place for member in one.members if member.place), "")
        explained = any(member.passes(watched) for watched in judged for member in one.members)
        if place and not explained and one.about == DIVERGENCE:
            verdict = Verdict(one.status, one.said, one.evidence, tuple(files))
            found.append(
                found_at(Place(place, root), DIVERGENCE[0], "the ranks of a communicator part here", verdict, catalogue)
            )
    return found, unjoined


def _that_stay(answers: Sequence[Answer]) -> tuple[list[Parting], str]:
    """Partings that are the same in all answers: one alone may be of ranks that are on their way."""
    if not answers:
        return [], ""
    standing = [{parting.standing for parting in answer.partings} for answer in answers]
    stay = [parting for parting in answers[-1].partings if all(parting.standing in one for one in standing)]
    return stay, "confirmed" if len(answers) > 1 else "suspicious"


# ------------------------------------------------------------ ranks to processes, communicators to groups


def _processes_of(ranks: Iterable[Rank], size: int, run: Run) -> dict[Rank, Process]:
    by_process = {process.pid: process for process in run.processes if process.rank is not None}
    by_rank = {process.rank: process for process in by_process.values()}
    ranks = list(ranks)
    nodes: dict[int, set[str]] = {}
    for rank in ranks:
        nodes.setdefault(rank.process, set()).add(rank.node)
    found = {
        rank: by_process[rank.process]
        for rank in ranks
        if rank.process in by_process and len(nodes[rank.process]) == 1  # else two machines have the same number
    }
    whole = size == len(by_rank)
    if not found and whole:
        return {rank: by_rank[rank.number] for rank in ranks if rank.number in by_rank}
    return {rank: process for rank, process in found.items() if not whole or process.rank == rank.number}


def _groups_of(processes: Sequence[Process], size: int, run: Run) -> set[str]:
    """The groups of torch's, by their names in the logs, that may stand over a communicator of these processes."""
    world = sorted(process.rank for process in run.processes if process.rank is not None)
    within = {process.rank for process in processes}
    found: set[str] = set()
    for name in {group_of(process, call) for process in processes for call in process.calls}:
        members = world if name == "world" else sorted(int(n) for n in re.findall(r"\d+", name.partition("]")[0]))
        if len(members) == size and within <= set(members):
            found.add(name)
    on_nccl = {
        str(one["name"])
        for process in processes
        for one in process.limits
        if any(limit["backend"] == "nccl" for limit in one["limits"])
    }
    return found & on_nccl or found


def _latest(process: Process, groups: set[str], names: Sequence[str] = ()) -> RingCall | None:
    calls = [call for call in process.calls if group_of(process, call) in groups]
    named = [call for call in calls if not names or _name_of(process, call) in names]
    return next(reversed(named or calls), None)


def _name_of(process: Process, call: RingCall) -> str:
    return next(iter(process.interned.get(call.what, ("", ["?"]))[1]), "?")


def _at_parting(parting: Parting, run: Run) -> tuple[Member, ...]:
    """Who is behind, with their latest call of all in the group; then the others, with their latest of that kind."""
    named = [rank for side in parting.sides for rank in side.named]
    processes = _processes_of(named, parting.size, run)
    groups = _groups_of(list(processes.values()), parting.size, run)
    if not groups:
        return ()
    unnamed = [side for side in parting.sides if not side.named]
    found: list[Member] = []
    for side in reversed(parting.sides):
        known = [processes[rank] for rank in side.named if rank in processes]
        if unnamed == [side]:  # RAS names the few: the others of the group are these
            known = list(_others(processes.values(), groups, run))
        names = _LAUNCHES.get(parting.operation, ()) if side is parting.sides[0] else ()
        found += [Member(process, _latest(process, groups, names), side.launched) for process in known]
    return tuple(found)


def _others(known: Iterable[Process], groups: set[str], run: Run) -> Iterator[Process]:
    named = {process.pid for process in known}
    for process in run.processes:
        if process.rank is not None and process.pid not in named and _latest(process, groups) is not None:
            yield process


def _evidence(parting: Parting, members: Sequence[Member]) -> tuple[str, ...]:
    what = parting.operation or "operation"
    return tuple(f"{one.process.label()} has launched {what} {one.launched}; {_said(one)}" for one in members[:8])


def _said(member: Member) -> str:
    if member.call is None:
        return "it has made no call in that group"
    return f"its latest call there: {_name_of(member.process, member.call)} at {member.place or '?'}"


def _who_wait(lost: Lost, run: Run) -> Joined | None:
    """The members whose calls were open when one of them had gone."""
    processes = _processes_of([lost.rank], 0, run)
    gone = processes.get(lost.rank)
    if gone is None:
        return None
    waiting = [
        Member(process, call)
        for process in run.processes
        for call in process.calls[-1:]
        if process is not gone and call.state == BEGUN
    ]
    how = "dead" if lost.is_dead else "without an answer"
    said = f"NCCL's RAS has {gone.label()} of communicator {lost.communicator} as {how}"
    evidence = tuple(
        f"{one.process.label()} waited for {one.waited:.0f} s in "
        f"{_name_of(one.process, one.call)} at {one.place or '?'}"
        for one in waiting[:8]
        if one.call is not None
    )
    status = "confirmed" if lost.is_dead else "suspicious"
    return Joined(said, status, evidence, tuple(waiting), (NO_TIMEOUT,)) if waiting else None


# ------------------------------------------------------------ verdicts


def _judged(
    finding: Finding, joined: Iterable[Joined], runs: Sequence[Run], files: Sequence[str], catalogue: Catalogue
) -> Finding:
    watched = watched_by_a_log(finding, catalogue)
    if watched is None or (finding.verdict is not None and finding.verdict.status == "confirmed"):
        return finding
    for one in joined:
        if finding.name in one.about and _is_about(watched, one, runs):
            sure = {"confidence": "certain", "confidence_reason": "seen by NCCL's RAS"}
            return msgspec.structs.replace(
                finding,
                verdict=Verdict(one.status, one.said, one.evidence, tuple(files)),
                **(sure if one.status == "confirmed" else {}),
            )
    return finding


def _is_about(watched: Watched, joined: Joined, runs: Sequence[Run]) -> bool:
    """Is one of the calls made through its function or, of a missing limit, on a group that was made there without?"""
    if joined.about == DIVERGENCE:
        return any(member.passes(watched) for member in joined.members)
    made = [group for run in runs for process in run.processes for group in groups_made(watched, process)]
    unbound = {(group.process.pid, group.name) for group in made if not group.bound}
    bound = {(group.process.pid, group.name) for group in made if group.bound}
    for member in joined.members:
        if member.call is not None and member.waited > need(watched, "pending", PENDING):
            waits_on = (member.process.pid, group_of(member.process, member.call))
            if waits_on in unbound or (waits_on not in bound and member.passes(watched)):
                return True
    return False
