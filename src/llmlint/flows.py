"""Where values come in from outside and must not arrive unchecked: `rules/flows.toml`, `[[tool.llmlint.flow]]`."""

from __future__ import annotations

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
        says("Calls that raise where they cannot read their argument; 0 is what they are called on."),
    ] = ()
    raises: Annotated[tuple[str, ...], says("What those calls raise.")] = ()
    guards: Annotated[tuple[str, ...], says("Calls after which what they were given is checked.")] = ()
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
        self._brings_in: dict[str, bool] = {}
        self.guards = CallIndex((call, row.name) for row in here for call in row.guards)

    def brings_in(self, callee: str) -> bool:
        """Does anything come from outside by this call?"""
        known = self._brings_in.get(callee)
        if known is None:
            known = bool(self.gives.find(callee) or self.fills.find(callee) or self.copies.find(callee))
            self._brings_in[callee] = known
        return known


@lru_cache(maxsize=1)
def shipped_flows() -> tuple[Flow, ...]:
    rows = tomllib.loads(FLOWS_FILE.read_text(encoding="utf-8"))
    return msgspec.convert(rows["flow"], tuple[Flow, ...])
