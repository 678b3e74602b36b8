"""Where values come in from outside and must not arrive unchecked: `rules/flows.toml`, `[[tool.llmlint.flow]]`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec

from llmlint.calls import CallIndex
from llmlint.settings_problems import says

FLOWS_FILE = Path(__file__).parent / "rules" / "flows.toml"
_Language = Literal["python", "cpp"]


class Flow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row; what its keys mean in full stands at the head of the TOML file."""

    name: Annotated[str, says("What the values are.")]
    languages: Annotated[tuple[_Language, ...], says("Where the row holds.")] = ("python", "cpp")
    gives: Annotated[tuple[str, ...], says("Calls whose result comes from outside.")] = ()
    fills: Annotated[tuple[str, ...], says("Calls that write it where an argument points to.")] = ()
    copies: Annotated[tuple[str, ...], says("Calls that do so when they copy the bytes of a parameter.")] = ()
    takes: Annotated[
        tuple[tuple[str, int], ...],
        says("Calls that must not be given it unchecked, with the argument; the first is 1."),
    ] = ()
    parses: Annotated[
        tuple[tuple[str, int], ...],
        says("Calls that raise or throw where they cannot read their argument; 0 is what they are called on."),
    ] = ()
    raises: Annotated[tuple[str, ...], says("What those calls raise.")] = ()
    throws: Annotated[
        tuple[tuple[str, int], ...],
        says("Calls that throw where a number is larger than what is there, with the argument."),
    ] = ()
    guards: Annotated[tuple[str, ...], says("Calls after which what they were given is checked.")] = ()
    texts: Annotated[tuple[str, ...], says("Calls whose result is a text from outside.")] = ()
    members: Annotated[tuple[str, ...], says("Members that hold one, with the name or type of their owner.")] = ()
    received: Annotated[tuple[tuple[str, int], ...], says("Calls that write one into an argument.")] = ()
    documents: Annotated[tuple[str, ...], says("Calls that make a document of a text, with numbers in it.")] = ()
    patterns: Annotated[tuple[tuple[str, int], ...], says("Calls that make a pattern of a text.")] = ()
    opens: Annotated[tuple[tuple[str, int], ...], says("Calls that open or remove the file that a text names.")] = ()
    source: Annotated[str, says("Where this is known from.")] = "configuration"


class Parse(NamedTuple):
    """A call that reads text or bytes of some form: which argument, -1 for its object, and what it may raise."""

    argument: int
    raises: tuple[str, ...]


class Flows:
    """The rows of one language, by the calls that they name."""

    def __init__(self, rows: Iterable[Flow], language: _Language) -> None:
        here = [row for row in rows if language in row.languages]
        self.gives = CallIndex((call, row.name) for row in here for call in row.gives)
        self.fills = CallIndex((call, row.name) for row in here for call in row.fills)
        self.copies = CallIndex((call, row.name) for row in here for call in row.copies)
        self.takes = CallIndex((call, at - 1) for row in here for call, at in row.takes)
        self.parses = CallIndex((call, Parse(at - 1, row.raises)) for row in here for call, at in row.parses)
        self.throws = CallIndex((call, at - 1) for row in here for call, at in row.throws)
        self.texts = CallIndex((call, row.name) for row in here for call in row.texts)
        self.members = CallIndex((call, row.name) for row in here for call in row.members)
        self.written_members = _as_written(member for row in here for member in row.members)
        self.received = CallIndex((call, (at - 1, row.name)) for row in here for call, at in row.received)
        self.documents = CallIndex((call, row.name) for row in here for call in row.documents)
        self.takes_texts = CallIndex(
            (call, (at - 1, how))
            for row in here
            for how, calls in (("parse", row.parses), ("pattern", row.patterns), ("path", row.opens))
            for call, at in calls
        )
        self._brings_in: dict[str, bool] = {}
        self.guards = CallIndex((call, row.name) for row in here for call in row.guards)

    def brings_in(self, callee: str) -> bool:
        """Does anything come from outside by this call?"""
        known = self._brings_in.get(callee)
        if known is None:
            calls = (self.gives, self.fills, self.copies, self.texts, self.received)
            known = any(index.find(callee) for index in calls)
            self._brings_in[callee] = known
        return known


def _as_written(members: Iterable[str]) -> re.Pattern[str]:
    """Finds what may be one in a text; nothing where there are none."""
    named = "|".join(sorted({re.escape(member.rpartition(".")[2]) for member in members}))
    return re.compile(rf"(?:\.|->)(?:{named})\b" if named else r"(?!)")


@lru_cache(maxsize=1)
def shipped_flows() -> tuple[Flow, ...]:
    rows = tomllib.loads(FLOWS_FILE.read_text(encoding="utf-8"))
    return msgspec.convert(rows["flow"], tuple[Flow, ...])
