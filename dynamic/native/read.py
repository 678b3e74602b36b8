"""Reads the ledgers that `ledger.c` wrote: one file for each process that called a watched function."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from ..read import plan_of, records_of

MAGIC = b"LLMLEDG1"
HEAD = struct.Struct("<8s7Q")
SITE = struct.Struct("<5Q472s")
LINK = struct.Struct("<3Q")
HANDLE = struct.Struct("<5Q")
SITES, LINKS, HANDLES = 512, 2048, 1024 * 16
LINKS_AT = HEAD.size + SITE.size * SITES
HANDLES_AT = LINKS_AT + LINK.size * LINKS
SIZE = HANDLES_AT + HANDLE.size * HANDLES
ON_THE_WAY_OUT = 0xFFFF
LEDGERS = 256
"""So many processes of a run have a ledger."""


class Site:
    """A place in a module that calls a watched function, and what became of what it was lent.

    `given_back_at` has the places that gave it back, and how often. `held` is still there; so many of these were lent
    to other threads that were running at the end (`in_hand`: each may have one in use). `vanished` went without a call
    that was seen: its address was lent again.
    """

    __slots__ = ("address", "calls", "function", "given_back_at", "held", "in_hand", "module", "vanished")

    def __init__(self, module: str, address: int, function: str, calls: int, vanished: int) -> None:
        self.module = module
        self.address = address
        self.function = function
        self.calls = calls
        self.vanished = vanished
        self.given_back_at: list[tuple[Site, int]] = []
        self.held = 0
        self.in_hand = 0

    @property
    def given_back(self) -> int:
        return sum(count for _, count in self.given_back_at)


class Ledger:
    """What one process was lent and gave back, but for what found no room or no time to be noted.

    `way_out` is the stack on which the process was left.
    """

    def __init__(self, pid: int, started: int, ended: bool, lent_unnoted: int, given_back_unnoted: int) -> None:
        self.pid = pid
        self.started = started
        self.ended = ended
        self.lent_unnoted = lent_unnoted
        self.given_back_unnoted = given_back_unnoted
        self.sites: list[Site] = []
        self.way_out: list[Site] = []


def read_ledgers(folder: str, functions: list[str]) -> list[Ledger]:
    """`functions` are the watched ones in the order in which the library was built."""
    run = word_of(plan_of(folder).get("run", ""))
    names = [name for name in records_of(folder)[0] if name.startswith("n-") and name.endswith(".ledger")]
    return [ledger for name in names for ledger in _read(os.path.join(folder, name), functions, run)]


def word_of(run: str) -> int:
    """The word of a run as the library has it."""
    return int(run, 16) if run else 0


def without_a_ledger(folder: str) -> int:
    """How many processes of a run called a watched function and came too late to have a ledger."""
    try:
        return max(0, os.path.getsize(os.path.join(folder, "ledgers")) - LEDGERS)
    except OSError:
        return 0


def _read(path: str, functions: list[str], run: int) -> Iterator[Ledger]:
    with open(path, "rb") as file:
        data = file.read()
    if len(data) != SIZE or data[:8] != MAGIC:
        return
    _, pid, started, ended, _, lent_unnoted, given_back_unnoted, of_run = HEAD.unpack_from(data)
    if of_run != run or not os.path.basename(path).startswith(f"n-{pid}-"):
        return
    ledger = Ledger(pid, started, bool(ended), lent_unnoted, given_back_unnoted)
    sites = list(_sites(data, functions))
    for lent_at, given_back_at, count in LINK.iter_unpack(data[LINKS_AT:HANDLES_AT]):
        lender, taker = (sites[at] if at < SITES else None for at in (lent_at, given_back_at))
        if count and lender is not None and taker is not None:
            lender.given_back_at.append((taker, count))
    running: set[tuple[int, int]] = set()
    for value, at, thread, _, runs in HANDLE.iter_unpack(data[HANDLES_AT:]):
        site = sites[at] if value and at < SITES else None
        if site is not None:
            site.held += 1
            site.in_hand += bool(runs) and (at, thread) not in running
            running.add((at, thread))
    for site in filter(None, sites):
        (ledger.sites if site.function else ledger.way_out).append(site)
    yield ledger


def _sites(data: bytes, functions: list[str]) -> Iterator[Site | None]:
    for index in range(SITES):
        address, bias, number, calls, vanished, module = SITE.unpack_from(data, HEAD.size + SITE.size * index)
        known = number < len(functions)
        if not address or not (known or number == ON_THE_WAY_OUT):
            yield None
            continue
        name = os.fsdecode(module.rstrip(b"\0"))
        yield Site(name, address - bias, functions[number] if known else "", calls, vanished)
