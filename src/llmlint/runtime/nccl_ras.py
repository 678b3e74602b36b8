"""What NCCL's RAS subsystem answers when it is asked for a job's state, as text or as JSON.

Read by NVIDIA's documentation of both forms (docs.nvidia.com, NCCL User Guide, "RAS") and by what client_support.cc of
NCCL 2.24 to 2.30 prints. What is not understood is passed over: the text's form "varies from release to release".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from llmlint.runtime.plain_pickles import NotPlain

MOST_BYTES = 64 << 20
_MOST_NAMED = 1024
"""Of one side: what comes after them tells nothing more."""


class Rank(NamedTuple):
    """A member of a communicator, by its number there; its process is 0 where RAS did not know it."""

    number: int
    process: int = 0
    node: str = ""
    gpu: str = ""


class Side(NamedTuple):
    """Ranks that have launched so many operations of one kind. The text names them only where they are few."""

    launched: int
    ranks: int
    named: tuple[Rank, ...] = ()


class Parting(NamedTuple):
    """Ranks of a communicator that have launched different numbers of an operation, the most first."""

    communicator: str
    operation: str
    """`AllReduce` …; "" before NCCL 2.26, which counts all kinds together."""
    sides: tuple[Side, ...]

    @property
    def size(self) -> int:
        return sum(side.ranks for side in self.sides)

    @property
    def standing(self) -> tuple[str, str, tuple[tuple[int, int], ...]]:
        """The same in a later answer: nobody has come any further."""
        return self.communicator, self.operation, tuple((side.launched, side.ranks) for side in self.sides)

    def __str__(self) -> str:
        what = self.operation or "operation"
        sides = [f"{side.ranks} {f'{what} {side.launched}' if side.launched else 'none'}" for side in self.sides]
        return f"the ranks of communicator {self.communicator} have not launched the same: {', '.join(sides)}"


class Lost(NamedTuple):
    """A member that RAS had no answer from."""

    communicator: str
    rank: Rank
    is_dead: bool
    """Given up after a minute without an answer."""


class Answer(NamedTuple):
    partings: tuple[Parting, ...]
    lost: tuple[Lost, ...]


def read_answer(file: Path) -> Answer:
    """Raises NotPlain and OSError."""
    with file.open("rb") as opened:
        data = opened.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise NotPlain(f"{file}: an answer of RAS has {MOST_BYTES >> 20} MiB at most")
    text = data.decode("utf-8", "replace")
    begins = re.search(r"^[ \t]*\{", text, re.MULTILINE)
    if begins is None:
        if not re.search(r"^(?:Communicators\.\.\.|Job summary|Errors|Warnings|#\d+-\d+ \()", text, re.MULTILINE):
            raise NotPlain(f"{file}: it is no answer of NCCL's RAS")
        return _in_text(text.splitlines())
    try:  # what goes before it are the answers to the commands that asked for JSON
        document, _ = json.JSONDecoder().raw_decode(text, begins.end() - 1)
        return _in_json(document)
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise NotPlain(f"{file}: it is no answer of NCCL's RAS: {type(error).__name__}: {error}") from None


# ------------------------------------------------------------ JSON


def _in_json(document: Mapping[str, Any]) -> Answer:
    partings: list[Parting] = []
    lost: list[Lost] = []
    for communicator in document["communicators"]:
        name = _word(communicator["hash"]).removeprefix("0x")
        counted: dict[str, dict[int, list[Rank]]] = {}
        for member in communicator.get("ranks", ()):
            for operation, launched in member.get("collective_counts", {}).items():
                counted.setdefault(_word(operation), {}).setdefault(int(launched), []).append(_rank_of(member))
        for operation, sides in counted.items():
            found = [Side(launched, len(named), tuple(named)) for launched, named in sides.items()]
            partings += _parted(name, operation, found)
        for member in communicator.get("missing_ranks", ()):
            status = member.get("status", {})
            if status.get("unresponsive") or status.get("considered_dead"):
                lost.append(Lost(name, _rank_of(member), bool(status.get("considered_dead"))))
    return Answer(tuple(partings), tuple(lost))


def _word(text: Any) -> str:
    if not re.fullmatch(r"\w{1,40}", str(text)):
        raise ValueError(f"no name: {str(text)[:40]!r}")
    return str(text)


def _rank_of(member: Mapping[str, Any]) -> Rank:
    return Rank(
        int(member["rank"]), int(member.get("pid", 0)), str(member.get("host", "")), str(member.get("cuda_dev", ""))
    )


def _parted(communicator: str, operation: str, sides: Iterable[Side]) -> Iterator[Parting]:
    ordered = tuple(sorted(sides, key=lambda side: -side.launched))
    if len(ordered) > 1:
        yield Parting(communicator, operation, ordered)


# ------------------------------------------------------------ text

_COMMUNICATOR = re.compile(r"#\d{1,9}-\d{1,9} \(([0-9a-f]{1,16})\) (INCOMPLETE|MISMATCH|ERROR)$")
_DIFFERENT = re.compile(r"Communicator ranks have different (\w+)(?: operation counts)?$")
_SIDE = re.compile(r"(\d{1,9}) ranks have (?:launched up to operation (\d{1,18})|not launched any operations)$")
_RANK = re.compile(
    r"Rank (?P<rank>\d{1,9})"
    r"(?: has (?:launched up to operation (?P<launched>\d{1,18})|(?P<none>not launched any operations)))?"
    r" -- (?:GPU (?P<gpu>.{1,80}?) managed by process (?P<process>\d{1,9}) on node (?P<node>\S{1,80})|\[.*\])$"
)
_MISSING = re.compile(r"The missing ranks?: ([\d, ]{1,4096})$")
_NUMBER = re.compile(r"\d{1,9}")
_PROCESS = re.compile(r"Process (\d{1,9}) on node (\S{1,80}) managing GPUs? .+$")


class _Text:
    """What has been read of the text so far."""

    def __init__(self) -> None:
        self.communicator = ""
        self.section = ""
        self.operation: str | None = None
        """Whose counts are being told; None while nothing is counted."""
        self.sides: list[Side] = []
        self.partings: list[Parting] = []
        self.lost: list[Lost] = []
        self.dead: set[tuple[int, str]] = set()

    def begin(self, communicator: str, section: str) -> None:
        self.count_of(None)
        self.communicator, self.section = communicator, section

    def count_of(self, operation: str | None) -> None:
        self.partings += _parted(self.communicator, self.operation or "", self.sides) if self.sides else ()
        self.operation, self.sides = operation, []

    def take_rank(self, match: re.Match[str]) -> None:
        rank = Rank(int(match["rank"]), int(match["process"] or 0), match["node"] or "", match["gpu"] or "")
        if self.section == "INCOMPLETE":
            self.lost.append(Lost(self.communicator, rank, False))
        elif self.operation is not None and (match["launched"] or match["none"]):
            self.sides.append(Side(int(match["launched"] or 0), 1, (rank,)))
        elif self.operation is not None and self.sides:
            last, most = self.sides[-1], min(self.sides[-1].ranks, _MOST_NAMED)
            self.sides[-1] = last._replace(named=(*last.named, rank)) if len(last.named) < most else last


def _in_text(lines: Iterable[str]) -> Answer:
    read = _Text()
    for line in (line.strip() for line in lines):
        if line in ("INCOMPLETE", "DEAD", "TIMEOUT", "Errors", "Warnings"):
            read.begin("", line)
        elif match := _COMMUNICATOR.match(line):
            read.begin(match[1], match[2])
        elif match := _DIFFERENT.match(line):
            kind = match[1]
            read.count_of(None if kind == "status" else "" if kind == "collective" else kind)
        elif match := _SIDE.match(line):
            if read.operation is not None:
                read.sides.append(Side(int(match[2] or 0), int(match[1])))
        elif match := _RANK.match(line):
            read.take_rank(match)
        elif match := _MISSING.match(line):
            read.lost += [Lost(read.communicator, Rank(int(number)), False) for number in _NUMBER.findall(match[1])]
        elif (match := _PROCESS.match(line)) and read.section == "DEAD":
            read.dead.add((int(match[1]), match[2]))
    read.begin("", "")
    lost = [one._replace(is_dead=(one.rank.process, one.rank.node) in read.dead) for one in read.lost]
    return Answer(tuple(read.partings), tuple(lost))
