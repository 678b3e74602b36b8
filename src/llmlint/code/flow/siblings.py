"""What nearly all of a group do and one does not, as numbers: one measured threshold for every rule that compares.

A group is a set of things that should do alike: the fields of a record in one of its copies, the places of a block in
the next copy of it. How a group is formed is the business of who asks; when a few left out weigh more than chance is
decided here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

FEWEST = 6
"""Groups of fewer members differ by chance too often."""

_SHARE = 0.75
"""So much of a group has to agree."""

_MOST = 3
"""Who leaves out more has a reason. Both were measured on vLLM, SGLang, llama.cpp and five more engines."""


class Dissent(NamedTuple):
    """`left_out` are the members that were passed over, in the group's order; `support` of `group` were not."""

    left_out: tuple[str, ...]
    support: int
    group: int


def dissent(group: Collection[str], done: Collection[str]) -> Dissent | None:
    """The members of a group that a step passes over, where it takes nearly all of them; None where nothing is odd."""
    left_out = tuple(member for member in group if member not in done)
    support = len(group) - len(left_out)
    if not 0 < len(left_out) <= _MOST or len(group) < FEWEST or support < _SHARE * len(group):
        return None
    return Dissent(left_out, support, len(group))
