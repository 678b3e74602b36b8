"""Where a watched function reports: one station a function, with a watcher for each finding that asked for it.

Whatever goes wrong here is counted and stays here; only what the user's own signal raised goes through.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from collections.abc import Callable
from typing import Any

from .plan import Target
from .probe import After, Before, Probe, in_a_stretch
from .record import Recorder

_FAULTY = object()
"""The token of a call that is not followed: a probe failed on it, or it came from a probe's own look."""

_inside: set[int] = set()
"""Threads that are in a station: what a probe's look at the program calls is not watched again."""


class Faults:
    """How often a probe failed, and how the first few failures looked."""

    def __init__(self) -> None:
        self.count = 0
        self.samples: list[str] = []

    def add(self, where: str) -> None:
        self.count += 1
        if len(self.samples) < 8:
            kind, error, _ = sys.exc_info()
            self.samples.append(f"{where}: {kind.__name__ if kind else '?'}: {error}"[:300])


class Watcher:
    """One finding's interest in one function."""

    __slots__ = ("probe", "target")

    def __init__(self, probe: Probe, target: Target) -> None:
        self.probe = probe
        self.target = target


class Call:
    """A call under way."""

    __slots__ = ("roots", "tokens")

    def __init__(self, roots: Roots, tokens: list[object]) -> None:
        self.roots = roots
        self.tokens = tokens


class Roots:
    """Values by name: parameters from the start of the call, `return` and local variables at its end."""

    __slots__ = ("frame", "names", "result", "values")

    def __init__(self, names: tuple[str, ...], values: tuple[object, ...]) -> None:
        self.names = names
        self.values = values
        self.frame: Any = None
        self.result: object = None

    def __call__(self, name: str) -> object:
        if name in self.names:
            return self.values[self.names.index(name)]
        if self.frame is None:
            raise LookupError(name)
        if name == "return":
            return self.result
        return self.frame.f_locals[name]


class Station:
    """What the rewritten function calls.

    The quick way is for watchers that need one value of the call and nothing else; it takes about a microsecond. One
    watcher that needs more sends all of the station's calls the thorough way.
    """

    def __init__(self, label: str, names: tuple[str, ...], recorder: Recorder, faults: Faults) -> None:
        self.label = label
        self.names = names
        self.faults = faults
        self.watchers: list[Watcher] = []
        self.quick: list[tuple[Before, After]] | None = []
        self.only: tuple[Before, After] | None = None
        self.wake: Callable[[], None] | None = None
        """Called by the next call, once: somebody waits for the program to go on."""
        self.attach(recorder)

    def attach(self, recorder: Recorder) -> None:
        """Count in this recorder from now on: a forked child has its own."""
        self.counters = recorder.counters
        self.slot = recorder.counter()

    def add(self, probe: Probe, target: Target) -> None:
        self.watchers.append(Watcher(probe, target))
        self.choose_way()

    def choose_way(self, wake: Callable[[], None] | None = None) -> None:
        """The quick way where all watchers offer it; the thorough one while somebody wants to be woken."""
        self.wake = wake
        ways = [watcher.probe.quick(watcher.target, self.names) for watcher in self.watchers]
        quick = [way for way in ways if way is not None]
        self.quick = quick if len(quick) == len(ways) and wake is None else None
        self.only = quick[0] if self.quick is not None and len(quick) == 1 else None

    def enter(self, *values: object) -> Any:
        self.counters[self.slot] += 1
        try:
            if self.only is not None:
                return self.only[0](values)
            if self.quick is not None:
                return [before(values) for before, _ in self.quick]
            return self._enter(values)
        except Exception:
            self.faults.add(self.label)
            return _FAULTY

    def leave(self, token: Any, result: Any) -> Any:
        if token is not _FAULTY:
            try:
                if type(token) is Call:
                    self._end(token, result, None)
                elif self.only is not None:
                    self.only[1](token, result, None)
                elif self.quick is not None:
                    for (_, after), part in zip(self.quick, token):  # noqa: B905
                        after(part, result, None)
            except Exception:
                self.faults.add(self.label)
        return result

    def fail(self, token: Any) -> None:
        if token is _FAULTY:
            return
        try:
            error = sys.exc_info()[1]
            if type(token) is Call:
                self._end(token, None, error)
                return
            if self.quick is None:
                return
            for (_, after), part in zip(self.quick, [token] if self.only is not None else token, strict=False):
                after(part, None, error)
        except Exception:
            self.faults.add(self.label)

    def hold(self, *locks: object) -> None:
        if not in_a_stretch(self.counters[self.slot]):
            return
        try:
            for watcher in self.watchers:
                watcher.probe.hold(locks)
        except Exception:
            self.faults.add(self.label)

    def let_go(self, *locks: object) -> None:
        try:
            for watcher in self.watchers:
                watcher.probe.let_go(locks)
        except Exception:
            self.faults.add(self.label)

    def touch(self, subject: Any, attribute: str, line: int, writes: bool) -> Any:
        if in_a_stretch(self.counters[self.slot]):
            try:
                for watcher in self.watchers:
                    watcher.probe.touched(watcher.target, subject, attribute, line, writes)
            except Exception:
                self.faults.add(self.label)
        return subject

    def _enter(self, values: tuple[object, ...]) -> Any:
        if self.wake is not None:
            self.wake()
        thread = get_ident()
        if thread in _inside:
            return _FAULTY
        _inside.add(thread)
        try:
            roots = Roots(self.names, values)
            subject = values[0] if values else None
            tokens = [watcher.probe.called(watcher.target, subject, roots) for watcher in self.watchers]
            return Call(roots, tokens)
        finally:
            _inside.discard(thread)

    def _end(self, call: Call, result: object, error: BaseException | None) -> None:
        thread = get_ident()
        _inside.add(thread)
        try:
            call.roots.frame = sys._getframe(2)
            call.roots.result = result
            for watcher, token in zip(self.watchers, call.tokens, strict=False):
                watcher.probe.returned(watcher.target, token, call.roots, result, error)
        finally:
            call.roots.frame = None
            _inside.discard(thread)


def forget_threads() -> None:
    """In a forked child only the forking thread lives on."""
    _inside.clear()
