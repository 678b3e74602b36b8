"""LLM203: an attribute that two threads use, and no lock that both of them hold.

As Eraser does it, for each object: as long as one thread uses the attribute, or each hands the object on to the next,
it is exclusive and no lock is asked for. From the first use by another thread that no start, join, queue or future has
put in order it is shared, and only the locks that are held at every use from then on remain; with a write among them,
and none remaining, it is a race, unless another lock in reach is locked at both. It need not go wrong in this run: that
nothing keeps the two apart is enough.
"""

from __future__ import annotations

import _thread
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..oracles.clocks import Clock, Ordering, clock
from ..oracles.gates import Gates
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, Judgement, State, samples, total

_OBJECTS = 4096
_RACES = 8
_MARKS = 256
_NONE: frozenset[str] = frozenset()

Mark = tuple[int, int, Target, int, bool, frozenset[str]]
"""A use as it comes again and again: thread and stamp of its clock, function, line, whether it writes, locks held."""

Ask = Callable[[Any, "int | None", int], "bool | None"]
"""Does the thread hold the lock, which that one was seen taking? None where that can't be told."""

EXCLUSIVE, SHARED, SHARED_MODIFIED = "exclusive", "shared", "shared-modified"


class Use:
    """One thread's last use of one object's attribute, at one place."""

    __slots__ = ("gates", "held", "number", "place", "time", "writes")

    def __init__(
        self, by: Clock, place: str, writes: bool, held: frozenset[str], gates: frozenset[int] = frozenset()
    ) -> None:
        self.number = by.number
        self.time = by.time
        self.place = place
        self.writes = writes
        self.held = held
        self.gates = gates
        """Other locks in reach that were locked then, by id: the caller's or the module's may be around it."""

    def told(self) -> str:
        locks = " and ".join(sorted(self.held)) or "no lock"
        return f"thread {self.number} {'changes' if self.writes else 'reads'} it at {self.place} under {locks}"


class Cell:
    """The attribute of one object. Before its first use there is no cell: Eraser's virgin state."""

    __slots__ = ("came_back", "known", "last", "locks", "object", "state", "uses", "version")

    def __init__(self, subject: object) -> None:
        self.object = weakref.ref(subject)
        self.state = EXCLUSIVE
        self.locks: frozenset[str] | None = None
        self.uses: dict[int, dict[str, Use]] = {}
        """By thread and place."""
        self.last = 0
        self.came_back = False
        """Has a thread used it, then another, and then the first again? A hand-over is not taken back."""
        self.version = 0
        self.known: dict[Mark, int] = {}
        """Uses that were looked at, with the version after which they told nothing new."""

    def tells_nothing(self, mark: Mark) -> bool:
        """Was the same use looked at, and nothing else has happened since?"""
        return self.known.get(mark) == self.version and (self.came_back or self.last == mark[0])

    def use(self, use: Use, by: Clock) -> None:
        """The state after one more use."""
        others = self._others(use.number)
        if all(by.knows(other.number, other.time) for other in others):
            self.state, self.locks, self.came_back = EXCLUSIVE, None, False
            self.uses = {use.number: self.uses.get(use.number, {})}
        else:
            self.came_back = self.came_back or (use.number != self.last and use.number in self.uses)
            self.locks = use.held if self.locks is None else self.locks & use.held
            modified = use.writes or any(other.writes for other in others)
            self.state = SHARED_MODIFIED if modified else SHARED
        self.last = use.number
        mine = self.uses.setdefault(use.number, {})
        before = mine.get(use.place)
        if before is None or (before.time, before.writes, before.held) != (use.time, use.writes, use.held):
            mine[use.place] = use
            self.version += 1

    def rival(self, use: Use, by: Clock) -> Use | None:
        """Another thread's use that neither order nor a lock keeps from this one."""
        if self.state != SHARED_MODIFIED or self.locks or not self.came_back:
            return None
        for other in self._others(use.number):
            is_apart = use.held & other.held or use.gates & other.gates or by.knows(other.number, other.time)
            if (use.writes or other.writes) and not is_apart:
                return other
        return None

    def _others(self, number: int) -> list[Use]:
        return [use for thread, uses in self.uses.items() if thread != number for use in uses.values()]


class Probe(Ordering):
    """A finding names one attribute of one class, who uses it without the lock, and who holds it."""

    exercised: ClassVar[str] = "two threads used the attribute of one object"
    may_refute: ClassVar[bool] = False

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.attributes = frozenset(str(name) for name in finding.options.get("accesses", ()))
        self.owner = str(finding.options.get("owner", ""))
        self.lock_names = [str(name) for name in finding.options.get("locks", ())]
        self.kinds: dict[type, bool] = {}
        self.asking: dict[type, Ask] = {}
        self.gates = Gates()
        self.cells: dict[int, Cell] = {}
        self.taken_by: dict[int, int] = {}
        """By the id of a lock, the thread that was seen taking it."""
        self.races: dict[tuple[str, str], str] = {}
        self.uses = self.bare = self.shared = self.unknown = self.reached = 0
        self.threads: set[int] = set()
        self.looking = _thread.allocate_lock()

    def hold(self, locks: tuple[object, ...]) -> None:
        for lock in locks:
            self.taken_by[id(lock)] = clock().number

    def let_go(self, locks: tuple[object, ...]) -> None:
        for lock in locks:
            self.taken_by.pop(id(lock), None)

    def touched(self, target: Target, subject: object, attribute: str, line: int, writes: bool) -> None:
        if attribute not in self.attributes or not self._is_ours(type(subject)):
            return
        by = clock()
        held = self._held(subject, by.number)
        self.uses += 1
        if held is None:
            self.unknown += 1
            return
        self.bare += not held
        cell = self.cells.get(id(subject))
        mark = (by.number, by.stamp, target, line, writes, held)
        if cell is not None and cell.tells_nothing(mark) and cell.object() is subject:
            return
        if not self.looking.acquire(False):
            return  # nobody waits for us
        try:
            self._look_at(subject, by, mark)
        finally:
            self.looking.release()

    def _is_ours(self, kind: type) -> bool:
        ours = self.kinds.get(kind)
        if ours is None:
            ours = self.kinds[kind] = any(base.__qualname__ == self.owner for base in kind.__mro__)
        return ours

    def _look_at(self, subject: object, by: Clock, mark: Mark) -> None:
        cell = self._cell(subject)
        if cell is None:
            return
        _, _, target, line, writes, held = mark
        own = {id(getattr(subject, name, None)) for name in self.lock_names}
        gates = frozenset(id(lock) for lock in self.gates.locked(subject)) - own
        use = Use(by, f"{target.qualname}:{line}", writes, held, gates)
        cell.use(use, by)
        self.threads.add(by.number)
        self.shared += cell.state != EXCLUSIVE
        self.reached += target.qualname == self.finding.symbol and not held
        rival = cell.rival(use, by)
        if rival is not None and self._is_about(use, rival) and len(self.races) < _RACES:
            self.races.setdefault((use.place, rival.place), f"{use.told()}, {rival.told()}")
        if len(cell.known) >= _MARKS:
            cell.known.clear()
        cell.known[mark] = cell.version

    def _is_about(self, use: Use, rival: Use) -> bool:
        """Does one of the two stand in the finding's function, and hold no lock there?"""
        symbol = self.finding.symbol
        return any(one.place.rpartition(":")[0] == symbol and not one.held for one in (use, rival))

    def _cell(self, subject: object) -> Cell | None:
        cell = self.cells.get(id(subject))
        if cell is None or cell.object() is not subject:
            if len(self.cells) >= _OBJECTS:
                return None
            cell = self.cells[id(subject)] = Cell(subject)
        return cell

    def _held(self, subject: object, thread: int) -> frozenset[str] | None:
        """The object's locks that this thread holds; None where a lock does not tell."""
        held = []
        for name in self.lock_names:
            lock = getattr(subject, name, None)
            if lock is None:
                continue
            kind = type(lock)
            ask = self.asking.get(kind) or self.asking.setdefault(kind, _how_to_ask(lock))
            holds = ask(lock, self.taken_by.get(id(lock)), thread)
            if holds is None:
                return None
            if holds:
                held.append(name)
        return frozenset(held) if held else _NONE

    def state(self) -> dict[str, Any]:
        return {
            "uses": self.uses,
            "bare": self.bare,
            "shared": self.shared,
            "threads": len(self.threads),
            "unknown": self.unknown,
            "reached": self.reached,
            "races": list(self.races.values()),
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        attribute = " and ".join(str(name) for name in finding.options.get("accesses", ()))
        uses, threads = total(states, "uses"), max((int(state.get("threads", 0)) for state in states), default=0)
        seen = f"{uses} uses of {attribute} by {threads} threads, {total(states, 'bare')} of them under no lock"
        races = samples(states, "races")
        if races:
            said = f"two threads use {attribute} of one object, one changes it, and no lock keeps them apart ({seen})"
            return Judgement(CONFIRMED, said, races)
        if uses and total(states, "unknown") == uses:
            return Judgement(NOT_EXERCISED, f"its locks don't tell who holds them ({seen})")
        if threads < 2:
            return Judgement(
                NOT_EXERCISED, f"one thread alone used it ({seen})" if uses else f"{attribute} was not used"
            )
        if not total(states, "reached"):
            return Judgement(NOT_EXERCISED, f"{finding.symbol} did not use it without a lock ({seen})")
        if not total(states, "shared"):
            return Judgement(NOT_EXERCISED, f"no object was used by two threads at a time ({seen})")
        return Judgement(CLEAN, f"nothing was seen that a lock or an order did not keep apart ({seen})")


def _how_to_ask(lock: Any) -> Ask:
    """How such a lock tells whether a thread holds it. A condition tells by its lock: asked itself, it would try it."""
    if hasattr(lock, "notify_all") and hasattr(lock, "_lock"):
        return lambda condition, holder, thread: _how_to_ask(condition._lock)(condition._lock, holder, thread)
    if hasattr(lock, "_is_owned"):
        return lambda lock, holder, thread: bool(lock._is_owned())
    if hasattr(lock, "_is_mine"):
        return lambda lock, holder, thread: bool(lock._is_mine())
    if hasattr(lock, "locked"):
        return _is_locked
    return lambda lock, holder, thread: None


def _is_locked(lock: Any, holder: int | None, thread: int) -> bool:
    """A plain lock that is locked by somebody unseen may be this thread's own."""
    return lock.locked() and holder in (None, thread)
