"""What rewritten functions look up among the builtins, so that their code holds nothing of ours but names."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any

STATIONS = "__llmlint_stations__"
"""The stations of this process, by key."""
KNOWN = "__llmlint_known__ "
"""With a station's key behind it: what that station knows already."""
PLAIN, LEAVE = "__llmlint_plain__ ", "__llmlint_leave__ "
"""The same: the type of ids that go the direct way, and who is told when such a call ends."""
IN_A_GRAPH = "__llmlint_in_a_graph__"
"""Once Dynamo is there: torch's own question, which Dynamo answers with True while it traces; None until then."""
KIND = "__llmlint_type__"
"""`type`, under a name that no function has for something of its own."""

_dynamo = False
_graphs = False
_own_beginning: list[tuple[Any, Any]] = []
"""Dynamo's class that traces a function, with its own constructor, while that of ours stands there."""


def dynamo_is_there() -> bool:
    return _dynamo


def graphs_are_made() -> bool:
    """Whether Dynamo has begun to trace functions, or may without our being told."""
    return _graphs


def stations() -> dict[str, Any]:
    """The stations of this process, where rewritten functions look for theirs."""
    builtins.__dict__.setdefault(KIND, type)
    found: dict[str, Any] = builtins.__dict__.setdefault(STATIONS, {})
    return found


def station_of(key: str) -> Any:
    """Who is found under this name; None where nobody is, and nothing is put there for asking."""
    return builtins.__dict__.get(STATIONS, {}).get(key)


def leave_graphs_alone(in_a_graph: Callable[[], bool], tracing: Any, at_the_first: Callable[[], None]) -> None:
    """From the first graph on functions ask whether they are being traced into one, and are then what they were.

    Most programs that have Dynamo make no graph of what is watched, and to ask in each call costs more than the rest.
    `tracing` is the class of which Dynamo makes an object before it looks at a function; None where it has none.
    `at_the_first` runs when graphs are made from now on.
    """
    global _dynamo, _graphs
    _dynamo, _graphs = True, tracing is None
    _give_back_the_beginning()
    setattr(builtins, IN_A_GRAPH, in_a_graph if tracing is None else None)
    if tracing is None:
        return
    begin = tracing.__init__

    def begin_the_first(self: Any, *arguments: Any, **named: Any) -> None:
        global _graphs
        _give_back_the_beginning()
        if _dynamo and not _graphs:
            _graphs = True
            setattr(builtins, IN_A_GRAPH, in_a_graph)
            at_the_first()
        begin(self, *arguments, **named)

    _own_beginning.append((tracing, begin))
    tracing.__init__ = begin_the_first


def _give_back_the_beginning() -> None:
    while _own_beginning:
        tracing, begin = _own_beginning.pop()
        tracing.__init__ = begin


def forget_stations() -> None:
    """What has to be found among the builtins is there no more; code that is under way does without."""
    global _dynamo, _graphs
    _dynamo = _graphs = False
    _give_back_the_beginning()
    for key in list(stations()):
        take_away(key)
    for name in (STATIONS, IN_A_GRAPH, KIND):
        builtins.__dict__.pop(name, None)


def take_away(key: str) -> None:
    """The station of this name is found no more."""
    stations().pop(key, None)
    for name in (KNOWN, PLAIN, LEAVE):
        builtins.__dict__.pop(name + key, None)


def let_know(key: str, known: AbstractSet[Any], plain: type | None, leave: Callable[..., object]) -> None:
    """What the function asks for: calls about these are not told of, and of one about a plain id only who leaves is."""
    builtins.__dict__[KNOWN + key] = known
    builtins.__dict__[LEAVE + key] = leave
    builtins.__dict__[PLAIN + key] = plain
