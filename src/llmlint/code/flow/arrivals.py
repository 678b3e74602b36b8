"""What is told of a value from outside: by what it came in, through which steps, and where it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.flow.outside_texts import IN_MEMORY, NUMBER, OF_A_DOCUMENT
from llmlint.code.syntax import tree
from llmlint.findings import Step

LENGTH = "size of a file"
OF_OTHERS = {"number of another process": "rank", IN_MEMORY: "shared", OF_A_DOCUMENT: "document"}
"""What `flows.toml` calls that which another part of the program may have written, by how it is kept score of."""
TRUSTED = frozenset({LENGTH, "number in a text", "number in a request", *OF_OTHERS})
"""What `flows.toml` calls that which may be the program's own: a setting, what another part has checked."""


class Source(NamedTuple):
    """By which call a value came in, what `flows.toml` calls it, and as which type, where this file declares it."""

    at: tree.Node
    call: str
    what: str
    declared: str = ""
    kind: str = NUMBER


class Passing(NamedTuple):
    """A step of a value on its way: what it became, and of what."""

    line: int
    says: str


class Arrival(NamedTuple):
    """`how` says what is done there with a value that nothing bounds: size, wrapped (a size that is small where its sum
    wraps), index, pointer, divide, assert, rounds (of a loop that fills or reads), past (rounds over
    an array), shift or thrown (by what it is too
    large for); with a text: parse, pattern or path.

    `asked` is a test on the way that bounds it from one side only.
    """

    at: tree.Node
    how: str
    by: str
    place: str
    source: Source
    asked: tree.Node | None
    function: tree.Function
    way: tuple[Passing, ...] = ()


def way_of(arrival: Arrival) -> Iterator[Step]:
    """What a report shows between where a value comes in and where it arrives."""
    return (Step("", passing.line, passing.says) for passing in arrival.way)
