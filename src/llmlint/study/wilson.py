"""How sure a share is that was counted on few."""

from __future__ import annotations

from math import sqrt

_Z = 1.959964
"""95 %."""


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The interval of a share, which stays within 0 and 1 and is honest for small numbers (E. B. Wilson, 1927)."""
    if not of:
        return 0.0, 1.0
    share, square = hits / of, _Z * _Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _Z / (1 + square / of) * sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)
