"""How long things stay open, where some still are: the median of those that were closed alone would be too short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec


class Stay(msgspec.Struct, frozen=True):
    """Days from its opening to its closing, or to the last day that is known of, where it is `still` open."""

    days: float
    still: bool


class Curve(msgspec.Struct, frozen=True):
    """The share that is open after so many days, by the method of Kaplan and Meier (1958)."""

    steps: tuple[tuple[float, float], ...]

    def after(self, share_closed: float) -> float | None:
        """Days until such a share is closed; None where so many never were."""
        return next((days for days, left in self.steps if left <= 1 - share_closed + 1e-9), None)


def curve(stays: Iterable[Stay]) -> Curve:
    counted = Counter(stays)
    at_risk, left, steps = counted.total(), 1.0, []
    for days in sorted({stay.days for stay in counted}):
        closed, still = counted[Stay(days, False)], counted[Stay(days, True)]
        if closed:
            left *= 1 - closed / at_risk
            steps.append((days, left))
        at_risk -= closed + still
    return Curve(tuple(steps))
