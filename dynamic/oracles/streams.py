"""Which of two accesses to one memory comes first, by what streams, events and the host have waited for.

Each stream numbers what it is given. What a stream knows is, of each other, up to which number it has waited for it.
What the host has waited for, all know that it launches later. Two accesses to bytes that overlap, one of which writes,
are a race where the later one's stream does not know the earlier.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

HOST = -1
"""The host, among the streams."""
MOST_MEMORIES = 4096
MOST_READS = 8
MOST_RACES = 64

Clock = dict[int, int]


class Access(NamedTuple):
    """What an operation does to a stretch of bytes."""

    begin: int
    end: int
    writes: bool
    is_partial: bool
    """Whether it touches some of these bytes only, chosen by indices: that it meets another is not sure."""
    layout: tuple[int, ...] = ()
    """Lengths and steps of a view that leaves out bytes in between; none for one that does not."""

    def surely_meets(self, other: Access) -> bool:
        """Whether a byte is touched by both, for stretches that overlap."""
        if self.is_partial or other.is_partial:
            return False
        if self.layout == other.layout:
            return not self.layout or self.begin == other.begin
        one, spread = (self, other) if not self.layout else (other, self)
        return not one.layout and (one.begin <= spread.begin < one.end or one.begin < spread.end <= one.end)


class Seen(NamedTuple):
    """An access that was made."""

    stream: int
    number: int
    access: Access
    site: str
    operation: str


class Race(NamedTuple):
    """Two accesses that nothing orders; `freed` says that the memory had been given back in between."""

    earlier: Seen
    later: Seen
    freed: bool

    @property
    def is_sure(self) -> bool:
        return self.earlier.access.surely_meets(self.later.access)

    @property
    def is_of_the_host(self) -> bool:
        return HOST in (self.earlier.stream, self.later.stream)


class Memory:
    """The last accesses to one storage, and those of its last life that may not be over."""

    __slots__ = ("ghosts", "owner", "reads", "recorded", "writes")

    def __init__(self, owner: int) -> None:
        self.owner = owner
        """The stream for which the allocator keeps it: whatever that one does next comes after all it did before."""
        self.writes: list[Seen] = []
        self.reads: list[Seen] = []
        self.ghosts: list[Seen] = []
        self.recorded: set[int] = set()
        """Streams that the allocator waits for before it gives the memory to somebody else."""


class Streams:
    """All of one process's."""

    def __init__(self) -> None:
        self.launched: Clock = {}
        self.known: dict[int, Clock] = {}
        self.events: dict[int, Clock] = {}
        self.memories: OrderedDict[int, Memory] = OrderedDict()
        self.races: dict[tuple[str, str], Race] = {}
        self.count = 0
        self.operations = 0

    # ------------------------------------------------------------ order

    def _of(self, stream: int) -> Clock:
        return self.known.setdefault(stream, {})

    def record(self, event: int, stream: int) -> None:
        """What the event stands for from now on."""
        self.events[event] = {**self._of(stream), stream: self.launched.get(stream, 0)}

    def wait(self, event: int, stream: int) -> None:
        """The stream goes on when what the event stands for is done. One that was never recorded stands for nothing."""
        _learn(self._of(stream), self.events.get(event, {}))

    def forget_event(self, event: int) -> None:
        self.events.pop(event, None)

    def host_waits_for_event(self, event: int) -> None:
        _learn(self._of(HOST), self.events.get(event, {}))

    def host_waits_for_stream(self, stream: int) -> None:
        _learn(self._of(HOST), {**self._of(stream), stream: self.launched.get(stream, 0)})

    def host_waits_for_all(self) -> None:
        _learn(self._of(HOST), self.launched)

    # ------------------------------------------------------------ accesses

    def is_used_by_streams(self, place: int) -> bool:
        """Has any stream been given work on it? What only the host does is in order by itself."""
        return place in self.memories

    def run(self, stream: int, accesses: Iterable[tuple[int, Access]], site: str, operation: str) -> None:
        """An operation on a stream; each access with the storage that it is to."""
        self.operations += 1
        number = self.launched[stream] = self.launched.get(stream, 0) + 1
        known = self._of(stream)
        _learn(known, self._of(HOST))
        known[stream] = number
        for place, access in accesses:
            self._meet(self._memory(place, stream), Seen(stream, number, access, site, operation))

    def _memory(self, place: int, stream: int) -> Memory:
        found = self.memories.get(place)
        if found is None:
            found = self.memories[place] = Memory(stream)
            if len(self.memories) > MOST_MEMORIES:
                self.memories.popitem(last=False)
        else:
            self.memories.move_to_end(place)
        return found

    def _meet(self, memory: Memory, now: Seen) -> None:
        others = [*memory.writes, *memory.reads] if now.access.writes else memory.writes
        for earlier in others:
            self._compare(earlier, now, freed=False)
        if now.access.writes and memory.ghosts:
            for earlier in memory.ghosts:
                self._compare(earlier, now, freed=True)
            memory.ghosts = []
        if not now.access.writes:
            memory.reads = [*[one for one in memory.reads if not _covers(now, one)][-MOST_READS:], now]
            return
        memory.writes = [*[one for one in memory.writes if not _within(one, now)][-MOST_READS:], now]
        memory.reads = [one for one in memory.reads if not _within(one, now)]

    def look_at(self, place: int, access: Access, site: str, operation: str) -> None:
        """The host uses memory that streams may still be working on. Nothing comes before it that is launched later."""
        memory = self.memories[place]
        now = Seen(HOST, 0, access, site, operation)
        for earlier in [*memory.writes, *memory.reads] if access.writes else memory.writes:
            self._compare(earlier, now, freed=False)

    def _compare(self, earlier: Seen, now: Seen, freed: bool) -> None:
        overlaps = freed or (earlier.access.begin < now.access.end and now.access.begin < earlier.access.end)
        if not overlaps or self.known.get(now.stream, {}).get(earlier.stream, 0) >= earlier.number:
            return
        self.count += 1
        key = (earlier.site, now.site)
        if key not in self.races and len(self.races) < MOST_RACES:
            self.races[key] = Race(earlier, now, freed)

    def recorded(self, place: int, stream: int) -> None:
        self._memory(place, stream).recorded.add(stream)

    def allocated(self, place: int, stream: int) -> None:
        self._memory(place, stream).owner = stream

    def freed(self, place: int) -> None:
        """What streams did to it for which the allocator does not wait may not be over when it is used again."""
        memory = self.memories.pop(place, None)
        if memory is None:
            return
        waited_for = {memory.owner, HOST, *memory.recorded}
        ghosts = [one for one in (*memory.writes, *memory.reads) if one.stream not in waited_for]
        if ghosts:
            self._memory(place, memory.owner).ghosts = ghosts


def _learn(known: Clock, more: Clock) -> None:
    for stream, number in more.items():
        if number > known.get(stream, 0):
            known[stream] = number


def _covers(now: Seen, one: Seen) -> bool:
    """Is the earlier one of no more use? Whoever comes after this one comes after it as well."""
    return one.stream == now.stream and _within(one, now)


def _within(one: Seen, now: Seen) -> bool:
    """Is each byte of the earlier one touched again?"""
    if now.access.is_partial or now.access.layout not in ((), one.access.layout):
        return False
    if now.access.layout:
        return now.access.begin == one.access.begin
    return now.access.begin <= one.access.begin and one.access.end <= now.access.end
