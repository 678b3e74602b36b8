"""Reads what a run left in its folder: one account of each process, whole or torn off by a crash."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from typing import Any

from .record import COUNTERS, HEADER, MAGIC, MAP_SIZE, RING_AT, SLOT, STATE, STATE_AT, STATE_MAGIC, checksum

Record = dict[str, Any]


class RingCall:
    """One call noted in a ring: what, in which group, the how-many-th there, and whether it came back."""

    __slots__ = ("begun", "ended", "group", "sequence", "state", "what")

    def __init__(self, fields: tuple[int, int, int, int, float, float]) -> None:
        self.what, self.group, self.sequence, self.state, self.begun, self.ended = fields


class Process:
    """What one process wrote."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.head: Record = {}
        self.loaded: dict[str, Record] = {}
        self.states: dict[str, Record] = {}
        self.cost: Record = {}
        self.patched: list[Record] = []
        self.misses: list[Record] = []
        self.children: list[Record] = []
        self.successor: Record = {}
        """The program that took its place, with its number."""
        self.canaries: dict[str, bool] = {}
        self.silent: dict[str, str] = {}
        """Why probes did not see their own seeded bugs."""
        self.interned: dict[int, tuple[str, list[str]]] = {}
        self.groups: list[Record] = []
        self.limits: list[Record] = []
        self.memory: list[Record] = []
        self.ranked: Record = {}
        self.tail: Record = {}
        self.torn = 0
        self.counters: list[int] = []
        self.calls: list[RingCall] = []
        self.last_alive = 0.0
        self.ring_used = 0
        self.ring_faults = 0
        self.ring_lost = 0
        self.ring_ended = False

    @property
    def pid(self) -> int:
        return int(self.head.get("pid", 0))

    @property
    def world(self) -> str:
        """Which of several worlds its rank is a number in; "" where that is not known."""
        return str(self.ranked.get("world", ""))

    @property
    def rank(self) -> int | None:
        rank = self.ranked.get("rank", self.head.get("rank"))
        return int(rank) if rank is not None else None

    @property
    def attached(self) -> str:
        """The order by which the tracer came into a process that ran already; "" where it was there from the start."""
        return str(self.head.get("attached", ""))

    @property
    def shed(self) -> dict[str, Record]:
        """Findings that were not watched any more, as that cost too much."""
        return dict(self.cost.get("shed", {}))

    @property
    def ended_cleanly(self) -> bool:
        return bool(self.tail) or self.ring_ended

    @property
    def faults(self) -> int:
        return max(int(self.tail.get("faults", 0)), self.ring_faults)

    @property
    def lost(self) -> int:
        return max(int(self.tail.get("lost", 0)), self.ring_lost) + self.torn

    def is_of(self, run: str) -> bool:
        """Does it repeat the run's word, and is it of the process that its file is called after?"""
        return self.head.get("run", "") == run and self.name.startswith(f"p-{self.head.get('pid')}-")

    @property
    def was_none(self) -> bool:
        """Forked, and gone before it did anything: by libraries that start a program, as uvloop does."""
        never_looked = self.last_alive <= float(self.head.get("monotonic", 0.0)) and bool(self.counters)
        return bool(self.head.get("forked")) and not self.ended_cleanly and never_looked and not any(self.counters)

    def label(self) -> str:
        return f"process {self.pid}" if self.rank is None else f"process {self.pid}, rank {self.rank}"

    def take(self, record: Record) -> None:
        kind = record.get("kind")
        if kind in ("head", "tail"):
            setattr(self, str(kind), record)
        elif kind == "loaded":
            self.loaded[record["path"]] = record
        elif kind == "goes-on":
            self.tail = self.successor = {}
        elif kind == "patched":
            self.patched.append(record)
        elif kind == "miss":
            self.misses.append(record)
        elif kind == "memory":
            self.memory.append(record)
        elif kind == "group":
            self.groups.append(record)
        elif kind == "limits":
            self.limits.append(record)
        elif kind == "rank":
            self.ranked = record
        elif kind == "makes-way":
            self.successor = record
        elif kind == "child":
            self.children.append(record)
        elif kind == "canary":
            self.canaries[record["probe"]] = bool(record["ok"])
            if not record["ok"]:
                self.silent[record["probe"]] = str(record.get("why", ""))
        elif kind == "intern":
            self.interned[record["number"]] = (record["what"], record["parts"])


class Run:
    """One folder: its plan, its processes, how the command ended."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.plan = plan_of(folder)
        self.command: Record = _json(os.path.join(folder, "run.json"))
        ours, others = records_of(folder)
        run = str(self.plan.get("run", ""))
        read = list(_processes(folder, ours, run))
        self.processes = sorted(
            (process for process in read if process.is_of(run) and not process.was_none),
            key=lambda one: one.head.get("monotonic", 0.0),
        )
        self.strangers = sum(not process.is_of(run) for process in read) + len(others)
        """Records that this run did not write: they count for nothing."""
        self.failures = sorted(failures_in(folder))
        """Why the tracer did not start in processes of the run."""
        self.unwritten = len([name for name in ours if _is_empty(folder, name)])
        """Processes that could write down nothing at all."""

    @property
    def left_alone(self) -> bool:
        """Whether `llmlint trace` was gone before the command ended."""
        return bool(self.command) and self.command.get("status") is None

    def untraced(self) -> list[Record]:
        """Python processes that were started in a way that the tracer does not start in, and never reported. One that
        was told, and makes no record, has nothing to watch."""
        last = {process.pid: process for process in self.processes}
        started = [child for process in self.processes for child in process.children if child["pid"] not in last]
        in_place = [process.successor for process in last.values() if process.successor]
        return [one for one in [*started, *in_place] if _is_python(one["argv"]) and not _was_reached(one)]


def read_run(folder: str) -> Run:
    return Run(folder)


def plan_of(folder: str) -> Record:
    return _json(os.path.join(folder, "plan.json"))


def _is_python(argv: list[str]) -> bool:
    name = os.path.basename(argv[0]) if argv else ""
    helper = any("resource_tracker" in part for part in argv)
    return name.startswith(("python", "pypy")) and not helper


def _was_reached(child: Record) -> bool:
    """Was it given the tracer's environment, and did its options let Python look at that?"""
    return bool(child.get("told")) and not any(set(option) & set("IES") for option in _flags(child["argv"]))


def _flags(argv: list[str]) -> Iterator[str]:
    """The single letters of the options before what is run, with nothing of what some of them take."""
    rest = iter(argv[1:])
    for word in rest:
        letters = word[1:]
        if not word.startswith("-") or word.startswith("--") or not letters:
            return
        takes = next((at for at, letter in enumerate(letters) if letter in "cmWX"), len(letters))
        yield letters[:takes]
        if letters[takes : takes + 1] in ("c", "m"):
            return
        if takes == len(letters) - 1:
            next(rest, "")


def _json(path: str) -> Record:
    try:
        with open(path, encoding="utf-8") as file:
            found: Record = json.load(file)
            return found
    except (OSError, ValueError):
        return {}


def records_of(folder: str) -> tuple[list[str], list[str]]:
    """The names of the records in a folder: those that its user wrote there, and what only looks like one.

    A link, a file with a second name, or one of another user than the plan's is nothing that the tracer made.
    """
    ours: list[str] = []
    others: list[str] = []
    try:
        owner: int | None = os.lstat(os.path.join(folder, "plan.json")).st_uid
    except OSError:
        owner = None
    for name in sorted(name for name in os.listdir(folder) if name.startswith(("p-", "n-"))):
        told = os.lstat(os.path.join(folder, name))
        is_ours = stat.S_ISREG(told.st_mode) and told.st_nlink == 1 and owner in (None, told.st_uid)
        (ours if is_ours else others).append(name)
    return ours, others


def failures_in(folder: str) -> set[str]:
    found = set()
    for name in os.listdir(folder):
        if name.startswith("failed-"):
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                found.add(" ".join(file.read(300).split()) or "it could not say why")
    return found


def _is_empty(folder: str, name: str) -> bool:
    return name.endswith(".jsonl") and os.path.getsize(os.path.join(folder, name)) == 0


def _processes(folder: str, names: list[str], run: str) -> Iterator[Process]:
    known = set(names)
    for name in names:
        if name.startswith("p-") and name.endswith(".jsonl"):
            process = Process(name.removesuffix(".jsonl"))
            _read_lines(process, os.path.join(folder, name))
            if f"{process.name}.ring" in known:
                _read_ring(process, os.path.join(folder, f"{process.name}.ring"))
            if f"{process.name}.state" in known:
                _read_states(process, os.path.join(folder, f"{process.name}.state"), run)
            if process.head:
                yield process


def _read_lines(process: Process, path: str) -> None:
    with open(path, "rb") as file:
        for line in file:
            try:
                process.take(json.loads(line))
            except (ValueError, KeyError, TypeError):
                process.torn += 1


def _read_states(process: Process, path: str, run: str) -> None:
    """The latest that is whole."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return
    for _, text in sorted(_states_in(data, run), reverse=True):
        try:
            account = json.loads(text)
            process.states, process.cost = dict(account["states"]), dict(account.get("cost", {}))
            return
        except (ValueError, KeyError, TypeError):
            continue


def _states_in(data: bytes, run: str) -> Iterator[tuple[int, bytes]]:
    for turn in range(2 if len(data) >= STATE_AT else 0):
        magic, number, place, length, sum_of_it = STATE.unpack_from(data, turn * STATE.size)
        text = data[place : place + length]
        if magic == STATE_MAGIC and checksum(text, run) == sum_of_it:
            yield number, text


def _read_ring(process: Process, path: str) -> None:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return
    if len(data) not in (RING_AT, MAP_SIZE) or data[:8] != MAGIC:
        return
    _, _, process.last_alive, process.ring_used, *said = HEADER.unpack_from(data)
    process.ring_faults, process.ring_lost, process.ring_ended = said[0], said[1], bool(said[2])
    process.counters = list(memoryview(data)[HEADER.size : RING_AT].cast("Q"))[:COUNTERS]
    slots = (SLOT.unpack_from(data, RING_AT + SLOT.size * index) for index in range((len(data) - RING_AT) // SLOT.size))
    process.calls = sorted((RingCall(fields) for fields in slots if fields[3]), key=lambda call: call.begun)
