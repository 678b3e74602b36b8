"""What is said of an answer that breaks a promise of its protocol."""

from __future__ import annotations

from typing import NamedTuple

from llmlint.code.syntax import tree


class Broken(NamedTuple):
    at: tree.Node
    message: str
    promise: str
    fix: str
    confidence: str = "medium"
    kind: str = ""
    """Which promise, where one function asks about several."""
    beside: tuple[tuple[tree.Node, str], ...] = ()
    """Other places that it rests on, with what stands there."""
