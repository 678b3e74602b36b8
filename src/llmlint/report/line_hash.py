"""`primaryLocationLineHash`: how GitHub recognises an alert again after the lines above it have moved.

The hash of a line covers the hundred UTF-16 units from its first one on, whitespace within lines left out, so that it
takes in the lines that follow. Equal hashes in one file are told apart by a count from the top.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from operator import mul

_WINDOW = 100
_POWERS = [37**exponent for exponent in reversed(range(_WINDOW))]
_MASK = 2**64 - 1
_END_OF_FILE = 65535
_LINE_FEED = 10


def line_hashes(text: str) -> list[str]:
    """The hash of every line of a file; the first is line 1's."""
    units = _units(text)
    starts = [0] + [at + 1 for at, unit in enumerate(units) if unit == _LINE_FEED]
    units.extend([0] * _WINDOW)
    seen: Counter[int] = Counter()
    hashes = []
    for start in starts:
        value = sum(map(mul, units[start : start + _WINDOW], _POWERS)) & _MASK
        seen[value] += 1
        hashes.append(f"{value:x}:{seen[value]}")
    return hashes


def _units(text: str) -> array[int]:
    """The units that count: every line end is one line feed, spaces and tabs are gone, the file's end is marked."""
    folded = re.sub(r"[ \t]", "", re.sub(r"\r\n?", "\n", text))
    units = array("H", folded.encode("utf-16-le", "surrogatepass"))
    units.append(_END_OF_FILE)
    return units
