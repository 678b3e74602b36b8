"""Fewer requests that still confirm what a trace of many confirmed: delta debugging, with the traced command to ask.

The requests are cut into parts, and each part is left out in turn; where none can be, the parts become smaller. A run
costs as long as the command takes to start and to be driven, so their number is bounded, and what was reached by then
is what there is.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from llmlint.runtime.private import write_private
from llmlint.runtime.timed_requests import Requests


class Shrunk(NamedTuple):
    requests: Requests
    runs: int
    is_smallest: bool
    """Whether no single request can be left out of it."""


def shrink(
    requests: Requests, still_confirms: Callable[[Requests], bool], most_runs: int, reached: Callable[[Requests], None]
) -> Shrunk:
    """`reached` hears of each smaller trace that still confirms, so that an end half-way loses none."""
    parts, runs = 2, 0
    while len(requests) > 1:
        for part in _parts(len(requests), min(parts, len(requests))):
            if runs == most_runs:
                return Shrunk(requests, runs, False)
            fewer = requests[: part.start] + requests[part.stop :]
            runs += 1
            if still_confirms(fewer):
                requests, parts = fewer, max(parts - 1, 2)
                reached(requests)
                break
        else:
            if parts >= len(requests):
                break
            parts *= 2
    return Shrunk(requests, runs, True)


def _parts(length: int, parts: int) -> list[slice]:
    edges = [length * number // parts for number in range(parts + 1)]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def write_requests(file: Path, requests: Requests) -> None:
    """They begin with the first one, and keep their distances."""
    first = requests[0].at
    moved = (msgspec.structs.replace(request, at=round(request.at - first, 4)) for request in requests)
    write_private(file, "".join(f"{msgspec.json.encode(request).decode()}\n" for request in moved))
