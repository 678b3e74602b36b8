"""Where a watched function reports: one station a function, with a watcher for each finding that asked for it.

Whatever goes wrong here is counted and stays here; only what the user's own signal raised goes through.
"""

from __future__ import annotations

import builtins
import sys
import time
import weakref
from _thread import get_ident
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from . import rewrite, signposts, sources
from .insertions import About
from .plan import Inside, Target
from .probe import COUNT_ONLY, Direct, Known, Probe, Quick, in_a_stretch
from .record import Recorder
from .values import IDS

_PLAIN = frozenset((str, int, float, bool, bytes, type(None)))

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


class _Argument:
    """What a parameter was when the call began, not kept alive: a way back to it while the program itself has it."""

    __slots__ = ("place", "way")

    def __init__(self, value: object) -> None:
        self.place = id(value)
        try:
            self.way: Any = weakref.ref(value)
        except TypeError:
            self.way = None

    def value(self, name: str, variables: Mapping[str, object]) -> object:
        found = self.way() if self.way is not None else None
        if found is None:
            found = variables.get(name)
        if id(found) != self.place:
            raise LookupError(name)
        return found


class Roots:
    """Values by name: parameters from the start of the call, `return` and local variables at its end."""

    __slots__ = ("frame", "names", "result", "values")

    def __init__(self, names: tuple[str, ...], values: tuple[object, ...]) -> None:
        self.names = names
        self.values: tuple[Any, ...] = values
        self.frame: Any = None
        self.result: object = None

    def let_go(self) -> None:
        """While the function runs nothing but ids is kept: what it deletes must be gone."""
        self.values = tuple([value if type(value) in _PLAIN else _Argument(value) for value in self.values])

    def __call__(self, name: str) -> object:
        if name in self.names:
            value = self.values[self.names.index(name)]
            return value.value(name, self._variables()) if type(value) is _Argument else value
        if self.frame is None:
            raise LookupError(name)
        if name == "return":
            return self.result
        return self.frame.f_locals[name]

    def _variables(self) -> Mapping[str, object]:
        return self.frame.f_locals if self.frame is not None else {}


CAREFUL = 64
"""So many calls go through `enter` before an entity's id is told of as the function read it."""
_NOTHING: set[Any] = set()


class Station:
    """What the rewritten function calls.

    Four ways, the cheapest that all watchers agree on. Calls about an entity of which they know all there is to know
    are not even told of. The direct way hands a probe the id that the function has read by itself, when the call ends:
    a fifth of a microsecond. The quick way is for watchers that need one value of the call; it takes about a
    microsecond. One watcher that needs more sends all of the station's calls the thorough way.
    """

    def __init__(self, function: FunctionType, recorder: Recorder, faults: Faults) -> None:
        self.function = function
        self.original = self.instrumented = function.__code__
        self.label = function.__qualname__
        self.key = self._free_key()
        self.names = rewrite.parameters(function)
        self.faults = faults
        self.watchers: list[Watcher] = []
        self.quick: list[Quick] | None = []
        self.about: About | None = None
        """Which entity a call is about, where the watchers agree."""
        self.reads: About | None = None
        """The same, as the function's code has it by now."""
        self.direct: Direct | None = None
        """Whose way may be the direct one."""
        self.kind: type | None = None
        """Of the last plain id that came through `enter`."""
        self.plain: type | None = None
        """Ids of this type go the direct way."""
        self.knows = Known(self._let_know)
        self.tells_all = False
        """For the moments in which all calls are to be counted."""
        self.timed: dict[str, float] = {}
        """Seconds that the last timed call of each way in took."""
        self.holds = self.touches = self.directly = 0
        self.enter: Callable[..., Any] = self._enter
        self.leave: Callable[..., object] = self._leave
        self.wake: Callable[[], None] | None = None
        """Called by the next call, once: somebody waits for the program to go on."""
        self.parts: list[dict[str, Any]] = []
        """For whom the function is watched and as what, as the records have it."""
        self.attach(recorder)

    @property
    def known(self) -> set[Any]:
        return _NOTHING if self.tells_all or self.reads != self.about else self.knows.now

    def _let_know(self) -> None:
        """What the function asks for is another set now; it may rely on the probe, or has to be careful again."""
        if self.direct is not None:
            self.count_up()
            self.plain = self.kind if self.knows.relies and self.reads == self.about else None
            self.enter, self.leave = self._directly(self.direct) if self.plain else self._carefully(self.direct)
        self._show()

    def _show(self) -> None:
        """To the function, which looks these up by name."""
        if signposts.station_of(self.key) is self:
            signposts.let_know(self.key, self.known, self.plain, self.leave)

    def attach(self, recorder: Recorder) -> None:
        """Count in this recorder from now on: a forked child has its own."""
        self.counters = recorder.counters
        self.slot = recorder.counter()
        self.directly = 0
        if self.direct is not None:
            self.direct.taken = 0
        for part in self.parts:
            recorder.write("patched", slot=self.slot, **part)

    def plays(self, recorder: Recorder, **part: Any) -> None:
        self.parts.append(part)
        recorder.write("patched", slot=self.slot, **part)

    def count_up(self) -> None:
        """Put down how many calls went the direct way. Careful calls take back what they count there."""
        if self.direct is not None and self.plain is not None:
            taken = self.direct.taken
            self.direct.taken -= taken
            self.directly += taken
            self.counters[self.slot] += taken

    def _free_key(self) -> str:
        """The same in every process that has the function once, as its code may travel by value."""
        code, others = self.original, signposts.stations()
        key = place = f"{code.co_filename}:{code.co_firstlineno}:{self.label}"
        while key in others:
            key = f"{place}#{len(others)}"
        return key

    def add(self, probe: Probe, target: Target) -> None:
        self.watchers.append(Watcher(probe, target))
        self.choose_way()

    def rewrite(self, inside: Inside) -> None:
        """Have the function tell of its calls, in the way that its watchers need."""
        if self.function.__code__ is self.original or (self.about is not None and self.about != self.reads):
            self.rewrite_again(inside)

    def rewrite_again(self, inside: Inside) -> None:
        if getattr(self.function, "__builtins__", builtins.__dict__) is not builtins.__dict__:
            raise sources.CannotRewrite("it has builtins of its own")
        self.reads = self.about
        self.instrumented = rewrite.rewrite(self.original, self, self.names, inside, self.about)
        self.function.__code__ = self.instrumented

    @property
    def asks_itself(self) -> bool:
        """Whether the function looks into `known` by itself."""
        return self.reads is not None and self.reads.asks

    def _own_looks(self) -> float:
        """They come now and then, and are no part of what a call takes."""
        return sum(watcher.probe.own_looks for watcher in self.watchers)

    def restore(self) -> None:
        if self.function.__code__ is self.instrumented:  # else somebody else has put another code there since
            self.function.__code__ = self.original
        signposts.take_away(self.key)

    def is_for(self, probe: Probe) -> bool:
        return any(watcher.probe is probe for watcher in self.watchers)

    def remove(self, probe: Probe) -> bool:
        """Whether anybody is left to be told. A call under way still tells those who were there when it began."""
        self.watchers = [watcher for watcher in self.watchers if watcher.probe is not probe]
        self.choose_way()
        return bool(self.watchers)

    def told(self) -> dict[str, int]:
        """How often each way in was taken so far."""
        self.count_up()
        calls = self.counters[self.slot]
        entered = calls - self.directly
        return {"enter": entered, "leave": calls, "hold": self.holds, "let_go": self.holds, "touch": self.touches}

    def tell_of_all(self, all_calls: bool) -> None:
        if self.tells_all != all_calls:
            self.tells_all = all_calls
            self._let_know()

    def time_next(self, ways: Mapping[str, int]) -> None:
        """Time the next call of each way in that was taken lately."""
        for name, count in ways.items():
            if count:
                self._time_next(name)

    def _time_next(self, name: str) -> None:
        usual = getattr(self, name)
        if getattr(usual, "is_timed", False):
            return

        def timed(*arguments: Any) -> Any:
            if getattr(self, name) is timed:
                setattr(self, name, usual)
                self._show()
            began, looks = time.thread_time(), self._own_looks()
            try:
                return usual(*arguments)
            finally:
                taken = time.thread_time() - began - timers_cost()
                self.timed[name] = max(0.0, taken - self._own_looks() + looks)

        timed.is_timed = True  # type: ignore[attr-defined]
        setattr(self, name, timed)
        self._show()

    def choose_way(self, wake: Callable[[], None] | None = None) -> None:
        """The quick way where all watchers offer it; the thorough one while somebody wants to be woken."""
        self.wake = wake
        ways = [watcher.probe.quick(watcher.target, self.names) for watcher in self.watchers]
        quick = [way for way in ways if way is not None]
        wanting = [way for way in quick if way is not COUNT_ONLY]
        all_quick = len(quick) == len(ways) and wake is None
        self.quick = wanting if all_quick else None
        self.count_up()
        self.plain = self.direct = None
        abouts = {self._read_by(way) for way in wanting}
        self.about = next(iter(abouts)) if all_quick and len(abouts) == 1 else None
        self.tells_all = False
        probes = [watcher.probe for watcher in self.watchers] if self.about is not None else []
        one = wanting[0] if all_quick and len(wanting) == 1 else None
        if type(one) is Direct:
            self.direct = one
            one.odd = self._odd(one)
        elif one is not None:
            self.enter, self.leave = self._the_way_of_one(one)
        else:
            self.enter, self.leave = self._enter, self._leave
        self.knows.begin(probes, self._known_to(one), one.before.wants_more if type(one) is Direct else bool)
        for probe in probes:
            probe.tell_of_ends(self.knows)

    def _read_by(self, way: Quick) -> About | None:
        if not isinstance(way, Direct):
            return None
        name, attribute = self.names[way.before.place], way.before.attribute
        return About(name, attribute, way.known is not None) if "__" not in name + attribute else None

    @staticmethod
    def _known_to(way: Quick | None) -> set[Any] | None:
        """What the function may rely on: nothing is known where there is something to learn from every call."""
        if not isinstance(way, Direct):
            return None
        return way.known if way.known is not None else _NOTHING

    def _the_way_of_one(self, way: Quick) -> tuple[Callable[..., Any], Callable[..., object]]:
        """`enter` and `leave` for the usual case, where each look at an attribute and each call counts."""
        counters, slot, before, after = self.counters, self.slot, way.before, way.after
        faults, label = self.faults, self.label

        def enter(values: tuple[object, ...]) -> object:
            counters[slot] += 1
            try:
                return before(values)
            except Exception:
                faults.add(label)
                return None

        def leave(token: Any, result: object, failed: bool = False) -> None:
            if type(token) is Call:
                return self._leave(token, result, failed)
            try:
                after(token, result, sys.exc_info()[1] if failed else None)
            except Exception:
                faults.add(label)
            return None

        return enter, leave

    def _carefully(self, way: Direct) -> tuple[Callable[..., Any], Callable[..., object]]:
        """The first calls, from which the objects are learnt, and what kind of thing an id is."""
        enter, tell = self._the_way_of_one(way)
        knows, known, calls = self.knows, way.known, 0

        def leave(token: Any, result: object, failed: bool = False) -> None:
            nonlocal calls
            tell(token, result, failed)
            way.taken -= 1  # it was counted when it began
            if type(token) in IDS and knows.now is knows.own:
                self.kind = type(token)
                if known is None or token in known:
                    knows.note(token)
                calls += 1
                if not calls % CAREFUL:
                    knows.rely_on_the_probe()

        return enter, leave

    def _directly(self, way: Direct) -> tuple[Callable[..., Any], Callable[..., object]]:
        """`enter` for what is no plain id; who leaves is counted."""
        before, faults, label = way.before, self.faults, self.label

        def enter(values: tuple[object, ...]) -> object:
            try:
                return before(values)
            except Exception:
                faults.add(label)
                return None

        return enter, way.after

    def _odd(self, way: Direct) -> Callable[[Any, object], None]:
        """What a direct way got and could not use: many ids, or an error."""

        def odd(token: Any, error: object) -> None:
            try:
                way.each(token, error)
            except Exception:
                self.faults.add(self.label)

        return odd

    def _enter(self, values: tuple[object, ...]) -> Any:
        self.counters[self.slot] += 1
        try:
            if self.quick is None:
                return self._begin(values)
            return [way.before(values) for way in self.quick] or None
        except Exception:
            self.faults.add(self.label)
            return None

    def _leave(self, token: Any, result: object, failed: bool = False) -> None:
        try:
            error = sys.exc_info()[1] if failed else None
            if type(token) is Call:
                self._end(token, result, error)
            elif self.quick:
                parts = token if type(token) is list and len(self.quick) > 1 else [token]
                learnt = [way.after(part, result, error) for way, part in zip(self.quick, parts, strict=False)]
                if self.about is not None and self.about.asks and all(learnt):
                    self.knows.note(parts[0])
        except Exception:
            self.faults.add(self.label)

    def hold(self, *locks: object) -> None:
        self.holds += 1
        if not in_a_stretch(self.holds):
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
        self.touches += 1
        if in_a_stretch(self.touches):
            try:
                for watcher in self.watchers:
                    watcher.probe.touched(watcher.target, subject, attribute, line, writes)
            except Exception:
                self.faults.add(self.label)
        return subject

    def _begin(self, values: tuple[object, ...]) -> Any:
        if self.wake is not None:
            self.wake()
        thread = get_ident()
        if thread in _inside:
            return None
        _inside.add(thread)
        try:
            roots = Roots(self.names, values)
            subject = values[0] if values else None
            tokens = [watcher.probe.called(watcher.target, subject, roots) for watcher in self.watchers]
            roots.let_go()
            return Call(roots, tokens)
        finally:
            _inside.discard(thread)

    def _end(self, call: Call, result: object, error: BaseException | None) -> None:
        thread = get_ident()
        _inside.add(thread)
        try:
            call.roots.frame = _frame_of_the_function()
            call.roots.result = result
            for watcher, token in zip(self.watchers, call.tokens, strict=False):
                watcher.probe.returned(watcher.target, token, call.roots, result, error)
        finally:
            call.roots.frame = None
            _inside.discard(thread)


def _frame_of_the_function() -> Any:
    """Each way into a station has its own depth."""
    frame: Any = sys._getframe(1)
    while frame.f_globals is globals():
        frame = frame.f_back
    return frame


_timers: list[float] = []


def timers_cost() -> float:
    """What asking for a thread's time twice takes by itself."""
    if not _timers:
        looks = [time.thread_time() for _ in range(33)]
        _timers.append(min(looks[at + 1] - looks[at] for at in range(32)))
    return _timers[0]


def forget_threads() -> None:
    """In a forked child only the forking thread lives on."""
    _inside.clear()
