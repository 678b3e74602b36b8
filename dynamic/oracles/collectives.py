"""Each rank's log of its collectives, and where two ranks' logs of one group first differ.

Nothing is sent between ranks: every process numbers its calls in each group and notes them in its ring before they are
made; the logs are compared when the run is over. A call that never came back is in the ring as well.
"""

from __future__ import annotations

import os
import re
import sys
from _thread import get_ident
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from ..paths import Roots, elements
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, Judgement, Probe, State
from ..read import Process, RingCall, Run
from ..record import BEGUN, DONE, RAISED, SLOTS, Recorder
from ..values import digest, identify
from .time_limits import limits_of

TORCH = "torch.distributed.distributed_c10d"
CALLS = (
    "all_reduce", "all_gather", "all_gather_into_tensor", "all_gather_object", "all_to_all", "all_to_all_single",
    "barrier", "broadcast", "broadcast_object_list", "gather", "gather_object", "monitored_barrier", "reduce",
    "reduce_scatter", "reduce_scatter_tensor", "scatter", "scatter_object_list",
)  # fmt: skip
UNEVEN = frozenset(("all_to_all", "all_to_all_single", "reduce_scatter"))
"""Calls in which what a rank gives or gets may have another shape than elsewhere."""
GROUPS = ("init_process_group", "new_group")
SETS_LIMIT = "_set_pg_timeout"

WAITING, BOUNDED = "call", "bounded"
"""Calls that wait for as long as their group lets them; those that are only begun, or have a limit of their own."""

PENDING = 10
"""Seconds after which a call that has not come back counts as stuck."""

_FRAMES = 8


class CollectiveLog(Probe):
    """Writes the log of this process; the same for all findings of the family."""

    libraries: ClassVar[dict[str, tuple[str, ...]]] = {TORCH: (*CALLS, *GROUPS, SETS_LIMIT)}
    exercised: ClassVar[str] = "the function ran on two ranks"
    may_refute: ClassVar[bool] = False
    attached: ClassVar[str] = NOT_EXERCISED
    """Ranks are heard from different calls on: their logs don't compare."""

    _sequence: ClassVar[dict[int, int]] = {}
    _depth: ClassVar[dict[int, int]] = {}
    _rank_told: ClassVar[bool] = False
    _groups: ClassVar[int] = 0

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.recorder: Recorder | None = None

    def attach(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def forked(self) -> None:
        super().forked()
        CollectiveLog._sequence.clear()
        CollectiveLog._depth.clear()
        CollectiveLog._rank_told = False

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        if self.recorder is None or not self._is_logged(target):
            return None
        name = target.qualname.rpartition(".")[2]
        stack = callers()
        if name in GROUPS:
            return self._note_group(name, roots, stack)
        if name == SETS_LIMIT:
            return Making(None, True)
        thread = get_ident()
        depth = self._depth.get(thread, 0)
        self._depth[thread] = depth + 1
        if depth:
            return -1
        self._tell_rank(target, roots)
        group = self.recorder.intern("group", self._group(target, roots))
        number = self._sequence[group] = self._sequence.get(group, 0) + 1
        what = self.recorder.intern(_way_of_waiting(name, roots), name, signature(roots, name in UNEVEN), *stack)
        return self.recorder.begin(what, group, number)

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if isinstance(token, Making) and error is None:
            self._note_limits(token, _value(roots, "group") if token.number is None else result)
        if not isinstance(token, int) or self.recorder is None:
            return
        self._depth[get_ident()] -= 1
        if token >= 0:
            self.recorder.end(token, DONE if error is None else RAISED)

    def _is_logged(self, target: Target) -> bool:
        """Calls of the library, and those of the project's own for which the finding names the group."""
        return target.path == TORCH or (target.role in ("collective", "wait") and target.entity is not None)

    def _group(self, target: Target, roots: Roots) -> str:
        if target.entity is not None:
            return str([identify(value) for value in target.entity.values(roots)])
        return group_name(_value(roots, "group"))

    def _note_group(self, name: str, roots: Roots, stack: Sequence[str]) -> Making:
        """Before it is made: whoever makes it may wait for the others for ever."""
        ranks = _value(roots, "ranks") if name == "new_group" else None
        timeout = _value(roots, "timeout")
        said = "world" if ranks is None else ranks_name(elements(ranks))
        number = CollectiveLog._groups = CollectiveLog._groups + 1
        if self.recorder is not None:
            given = None if timeout is None else str(timeout)
            self.recorder.write("group", number=number, name=said, timeout=given, stack=stack)
        return Making(number, timeout is not None)

    def _note_limits(self, making: Making, group: Any) -> None:
        limits = limits_of(_world() if group is None else group, os.environ)
        if limits and self.recorder is not None:
            name = group_name(group)
            self.recorder.write("limits", number=making.number, name=name, given=making.given, limits=limits)

    def _tell_rank(self, target: Target, roots: Roots) -> None:
        if CollectiveLog._rank_told or self.recorder is None:
            return
        rank = next(iter(target.owner.values(roots)), None) if target.owner is not None else _torch_rank()
        if rank is not None:
            CollectiveLog._rank_told = True
            self.recorder.write("rank", rank=rank, world=_world_name())

    @classmethod
    def canary(cls) -> bool:
        """Two made-up logs, one of which skips a call."""
        first, second = Process("a"), Process("b")
        for rank, (process, calls) in enumerate(((first, (1, 2, 1)), (second, (1, 1)))):
            process.head = {"rank": str(rank), "pid": rank}
            process.tail = {"kind": "tail"}
            process.interned = {1: ("call", ["all_reduce", ""]), 2: ("call", ["barrier", ""]), 3: ("group", ["world"])}
            process.calls = [RingCall((what, 3, n + 1, DONE, float(n), float(n))) for n, what in enumerate(calls)]
        found = list(divergences([first, second]))
        return len(found) == 1 and found[0].sequence == 2

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        return Judgement(NOT_EXERCISED, "the logs of all ranks are needed")

    @classmethod
    def judge_run(cls, finding: Finding, run: Run) -> Judgement:
        ranks = {process.rank for process in run.processes if process.rank is not None and ran(finding, process)}
        for divergence in divergences(run.processes):
            if divergence.is_at(finding):
                said = f"the ranks of group {divergence.group} part at call {divergence.sequence}: {divergence.summary}"
                return Judgement(CONFIRMED, said, divergence.evidence)
        if len(ranks) < 2:
            return Judgement(NOT_EXERCISED, f"the function ran on {len(ranks)} ranks")
        if not any(process.calls for process in run.processes):
            return Judgement(NOT_EXERCISED, "no collective was seen")
        return Judgement(CLEAN, f"the function ran on {len(ranks)} ranks, and their logs agree")


class Making:
    """A group that is being made, or given another limit: by its number here, and whether a limit was given."""

    __slots__ = ("given", "number")

    def __init__(self, number: int | None, given: bool) -> None:
        self.number = number
        self.given = given


class Divergence:
    """The first call of a group that the ranks do not make together."""

    def __init__(self, group: str, sequence: int, calls: dict[int, tuple[Process, RingCall | None]]) -> None:
        self.group = group
        self.sequence = sequence
        self.calls = calls
        said = {rank: _said(process, call) for rank, (process, call) in calls.items()}
        self.summary = "; ".join(f"rank {rank} {what}" for rank, what in sorted(said.items()))
        self.evidence = [f"rank {rank}: {what}" for rank, what in sorted(said.items())]

    def is_at(self, finding: Finding) -> bool:
        return any(
            call is not None and passes(finding, stack_of(process, call)) for process, call in self.calls.values()
        )


Logs = dict[int, tuple[Process, dict[int, RingCall]]]
"""By rank: the process, and its calls in one group by their number there."""


def divergences(processes: Iterable[Process]) -> Iterator[Divergence]:
    """For each group that any rank logged: where its members first differ. Of each world apart: there may be several
    at once, each with a rank 0."""
    worlds: dict[str, list[Process]] = {}
    for process in processes:
        worlds.setdefault(process.world, []).append(process)
    for members in worlds.values():
        yield from _divergences_in(_by_rank(members))


def _by_rank(processes: Iterable[Process]) -> dict[int, Process]:
    """Who stands for each rank: whoever made calls, as children may be told their parent's number. Where several did,
    nobody: one was started after the other, or they are no ranks of one world."""
    found: dict[int, list[Process]] = {}
    for process in processes:
        if process.rank is not None:
            found.setdefault(process.rank, []).append(process)
    calling = {rank: [one for one in same if one.calls] for rank, same in found.items()}
    return {rank: (calling[rank] or same)[0] for rank, same in found.items() if len(calling[rank]) < 2}


def _divergences_in(ranked: dict[int, Process]) -> Iterator[Divergence]:
    logs: dict[str, Logs] = {}
    for rank, process in ranked.items():
        for call in process.calls:
            logs.setdefault(group_of(process, call), {}).setdefault(rank, (process, {}))[1][call.sequence] = call
    for group, by_rank in sorted(logs.items()):
        _add_silent_members(group, by_rank, ranked)
        found = _first_difference(by_rank) if len(by_rank) > 1 else None
        if found is not None:
            sequence, calls = found
            yield Divergence(group, sequence, calls)


def _add_silent_members(group: str, by_rank: Logs, ranked: dict[int, Process]) -> None:
    """A member that never called anything in its group: the others wait for it from the first call on."""
    members = (
        {int(number) for number in re.findall(r"\d+", group.partition("]")[0])} if group.startswith("ranks ") else set()
    )
    for rank in members & set(ranked):
        if rank not in by_rank and ranked[rank].ring_used <= SLOTS:
            by_rank[rank] = (ranked[rank], {})


def _first_difference(by_rank: Logs) -> tuple[int, dict[int, tuple[Process, RingCall | None]]] | None:
    start = max(min(log, default=1) for _, log in by_rank.values())
    for sequence in range(start, max(max(log, default=0) for _, log in by_rank.values()) + 1):
        calls = {rank: (process, log.get(sequence)) for rank, (process, log) in by_rank.items()}
        kinds = {_kind(process, call) for process, call in calls.values() if call is not None}
        if len(kinds) > 1:
            return sequence, calls
        if any(call is None for _, call in calls.values()):
            return (sequence, calls) if _is_settled(calls.values()) else None
    return None


def _is_settled(calls: Iterable[tuple[Process, RingCall | None]]) -> bool:
    """Whether a rank that has not made the call would have: it ended by itself, or left the others waiting too long."""
    calls = list(calls)
    waiting = [process.last_alive - call.begun for process, call in calls if call is not None and call.state == BEGUN]
    if any(waited > PENDING for waited in waiting):
        return True
    return all(process.ended_cleanly for process, call in calls if call is None)


def _kind(process: Process, call: RingCall) -> tuple[str, ...]:
    return tuple(process.interned.get(call.what, ("", ["?", ""]))[1][:2])


def group_of(process: Process, call: RingCall) -> str:
    return process.interned.get(call.group, ("", ["?"]))[1][0]


def stack_of(process: Process, call: RingCall) -> list[str]:
    return process.interned.get(call.what, ("", []))[1][2:]


def _said(process: Process, call: RingCall | None) -> str:
    if call is None:
        return "made no such call"
    parts = process.interned.get(call.what, ("", ["?", ""]))[1]
    state = {BEGUN: ", which never came back", RAISED: ", which raised"}.get(call.state, "")
    return f"called {parts[0]}{parts[1]} at {parts[2] if len(parts) > 2 else '?'}{state}"


def passes(finding: Finding, stack: Iterable[str]) -> bool:
    """Whether a call's stack goes through a function of the finding."""
    wanted = {(target.path, target.qualname) for target in finding.targets}
    wanted.add((finding.path, finding.symbol))
    for frame in stack:
        place, _, name = frame.rpartition(" ")
        file = place.rpartition(":")[0]
        if any(_same_function(name, function) and _same_file(file, path) for path, function in wanted):
            return True
    return False


def _same_function(name: str, qualname: str) -> bool:
    """By the whole name where the stack has it: before Python 3.11, and in dumps of torch's, it has the last part."""
    name, qualname = (one.replace(".<locals>", "") for one in (name, qualname))
    return name == qualname if "." in name else name == qualname.rpartition(".")[2]


def _same_file(file: str, path: str) -> bool:
    tail = path.replace("\\", "/").split("/")[-3:]
    return file.replace("\\", "/").split("/")[-len(tail) :] == tail


def ran(finding: Finding, process: Process) -> int:
    """How often the functions of the finding were entered in a process."""
    slots = {int(one["slot"]) for one in process.patched if one["finding"] == finding.key and one["role"] != "instance"}
    return sum(process.counters[slot] for slot in slots if slot < len(process.counters))


def callers() -> list[str]:
    """Who called, innermost first, without the library's own frames and ours."""
    found: list[str] = []
    frame = sys._getframe(3)
    while frame is not None and len(found) < _FRAMES:
        code = frame.f_code
        if "/torch/" not in code.co_filename and not frame.f_globals.get("__name__", "").startswith("_llmlint_dynamic"):
            name = getattr(code, "co_qualname", code.co_name)
            found.append(f"{code.co_filename}:{frame.f_lineno} {name}")
        frame = frame.f_back  # type: ignore[assignment]
    return found


def signature(roots: Roots, is_uneven: bool = False) -> str:
    """Shape and type of the first tensor among the arguments, by its metadata; the type alone where shapes differ."""
    for name in roots.names:
        value = _value(roots, name)
        first = value[0] if isinstance(value, (list, tuple)) and value else value
        if hasattr(first, "shape") and hasattr(first, "dtype"):
            if is_uneven:
                return f"({str(first.dtype).rpartition('.')[2]})"
            count = f"{len(value)} x " if isinstance(value, (list, tuple)) else ""
            return f"({count}{str(first.dtype).rpartition('.')[2]}{list(first.shape)})"
    return ""


def _value(roots: Roots, name: str) -> Any:
    try:
        return roots(name)
    except LookupError:
        return None


def group_name(group: Any) -> str:
    """Groups go by their global ranks and torch's own name of them, which are the same on every rank."""
    if group is None or group is _world():
        return "world"
    distributed: Any = sys.modules.get("torch.distributed")
    try:
        ranks, name = ranks_name(distributed.get_process_group_ranks(group)), getattr(group, "group_name", "")
        return f"{ranks} ({name})" if name else ranks
    except Exception:  # no group of torch's
        return str(identify(group))


def _world() -> Any:
    distributed: Any = sys.modules.get("torch.distributed")
    return getattr(getattr(distributed, "group", None), "WORLD", None)


def _world_name() -> str:
    """Where the ranks of this world meet, as a digest that is the same on each; "" where that is not known."""
    distributed: Any = sys.modules.get(TORCH)
    try:
        store = distributed._get_default_store()
        while hasattr(store, "underlying_store"):
            store = store.underlying_store
        where = [str(getattr(store, name)) for name in ("host", "port", "path") if hasattr(store, name)]
    except Exception:  # no group of torch's, or a store of the program's own
        return ""
    return digest(":".join(where)) if where else ""


def _way_of_waiting(name: str, roots: Roots) -> str:
    begins = _value(roots, "async_op") is True
    limited = name == "monitored_barrier" or _value(roots, "timeout") is not None
    return BOUNDED if begins or limited else WAITING


def ranks_name(ranks: Iterable[Any]) -> str:
    return f"ranks {sorted(int(rank) for rank in ranks)}"


def _torch_rank() -> int | None:
    distributed: Any = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_initialized():
        return None
    return int(distributed.get_rank())
