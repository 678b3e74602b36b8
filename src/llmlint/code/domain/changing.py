"""State that is changed and changed back: which effects enter and leave a protocol's state, and of what.

A change is what one effect does to an attribute, as protocols write it: `+=`, `insert`, `=True`, `=saved` …
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.facts.facts import Effect
from llmlint.code.facts.gists import CHANGING
from llmlint.code.link.entities import FunctionInfo
from llmlint.protocols import Protocol


class Changed(NamedTuple):
    """The places of the effect that enters the state and of those that leave it, and the path of what is changed."""

    protocol: Protocol
    entered: int
    left: tuple[int, ...]
    path: str


def changed_back(function: FunctionInfo, protocols: tuple[Protocol, ...]) -> Iterator[Changed]:
    """State of objects that the function changes, and changes back further down."""
    changes: dict[str, list[int]] = {}
    for at, effect in enumerate(function.effects):
        if effect.op in CHANGING and "." in effect.path and ("[" not in effect.path or effect.via in ("+=", "-=")):
            changes.setdefault(effect.path, []).append(at)
    for path, places in changes.items():
        for first in places if len(places) > 1 else ():
            for protocol in protocols:
                left = tuple(at for at in places if at > first and _is_undone(function, protocol, first, at))
                if left:
                    yield Changed(protocol, first, left, path)
                    break


def _is_undone(function: FunctionInfo, protocol: Protocol, first: int, later: int) -> bool:
    up, down = function.effects[first], function.effects[later]
    if not any(change.does in _done_by(up) and change.is_of(up.path) for change in protocol.entering_changes):
        return False
    if not any(change.does in _done_by(down) and change.is_of(down.path) for change in protocol.leaving_changes):
        return False
    if up.op == "insert":
        return bool(up.key) and up.key == down.key
    if up.via:
        return up.source == down.source
    return down.value != "path" or (up.source != down.source and _is_saved(function, first, down.source))


def _done_by(effect: Effect) -> tuple[str, ...]:
    """What an effect does, from the narrowest to the widest name for it."""
    if effect.op in ("insert", "remove"):
        return (effect.op,)
    if effect.op != "assign":
        return ()
    if effect.via:
        return (effect.via,)
    if effect.value == "constant" and effect.source in ("True", "False"):
        return (f"={effect.source}", "=")
    return ("=saved", "=") if effect.value == "path" else ("=",)


def _is_saved(function: FunctionInfo, first: int, name: str) -> bool:
    """Does the local hold what stood there before: `before = self.mode; self.mode = mode; …; self.mode = before`?"""
    place = function.effects[first].path
    bound = [at for at, e in enumerate(function.effects) if e.op == "bind" and e.path == name]
    return len(bound) == 1 and bound[0] < first and function.effects[bound[0]].source == place
