"""What a probe is: it watches calls for one finding inside a process, tells what it saw, and judges it afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from .paths import Roots
from .plan import Finding, Target, Watched
from .record import Recorder
from .values import IDS, Instances, has_class, ids_in

CONFIRMED = "confirmed"
SUSPICIOUS = "suspicious"
"""It looks like the bug, but a witness of its kind is lacking: it could be so in a program that has none."""
REFUTED = "refuted"
CLEAN = "exercised-clean"
NOT_EXERCISED = "not-exercised"

State = Mapping[str, Any]


After = Callable[[Any, Any, "BaseException | None"], object]
"""What is done when a call ends: with its token, its result, its error."""


class Quick:
    """The quick way of `called` and `returned`: parameters in, a token out; then the token, the result, the error.

    A token of None means that the call is not followed.
    """

    __slots__ = ("after", "before")

    def __init__(
        self,
        before: Callable[[tuple[object, ...]], object],
        after: After,
    ) -> None:
        self.before = before
        self.after = after


class Direct(Quick):
    """A quick way for calls about one entity whose name says that it is a plain id: the function reads it by itself.

    `after` is then called with the id, and in a function that has told of its first calls nothing else is: with True in
    place of an error. So it counts its calls, hands everything that is no id to `odd`, and raises nothing. `known` is a
    set of the probe's own: there is nothing to learn from more calls about what is in it, until the probe says that it
    `is_unknown_again`; None where there is something to learn from every call.
    """

    __slots__ = ("known", "odd", "taken")

    before: Named

    def __init__(self, before: Named | None = None, known: set[Hashable] | None = None) -> None:
        self.before = before or Named((0, ""))
        self.known = known
        self.taken = 0
        """Calls of `after`, until somebody has put them down."""
        self.odd: Callable[[Any, object], None] = self.each
        """For what `after` got and could not use; while the error that shows it is handled."""

    def each(self, token: Any, error: Any) -> None:
        if type(token) is not list:
            raise  # what is being handled
        for entity in token:
            self.after(entity, None, error)
        self.taken -= len(token)


class Named:
    """For `before`: the entities that one value of a call names. Its object is seen on the way, once.

    One id stands for itself, anything else for a list. It says what it looks at, so that a station may look by itself.
    """

    __slots__ = ("attribute", "meet", "met", "place")

    def __init__(
        self, at: tuple[int, str], met: set[int] | None = None, meet: Callable[[object], None] | None = None
    ) -> None:
        self.place, self.attribute = at
        self.met = met
        """Objects, by id, that need not be shown to `meet` any more; None where nobody wants to see any."""
        self.meet = meet

    def __call__(self, values: tuple[object, ...]) -> object:
        if self.met is not None and self.meet is not None and id(values[0]) not in self.met:
            self.met.add(id(values[0]))
            self.meet(values[0])
        value = getattr(values[self.place], self.attribute, None) if self.attribute else values[self.place]
        return value if type(value) in IDS else ids_in(value)

    def wants_more(self) -> bool:
        """Whether it has to be asked about more calls before the function may read by itself."""
        return False


class Known:
    """The entities about which a station does not tell: the probe's own set of them, or those that it told of itself.

    What all of a probe's stations share costs nothing to keep. But who is not told of a call does not count it, nor see
    its object. So each station begins with a set of its own, until it has told of something, and begins anew now and
    then.
    """

    __slots__ = ("changed", "now", "own", "probes", "relies", "shared", "tells", "wants_more")

    def __init__(self, changed: Callable[[], None]) -> None:
        self.changed = changed
        self.probes: tuple[Probe, ...] = ()
        self.own: set[Hashable] = set()
        self.shared: set[Hashable] | None = None
        self.now = self.own
        """The one of the two that holds."""
        self.relies = False
        """Whether that is the probe's."""
        self.tells = False
        """Whether anything was told of since it began."""
        self.wants_more: Callable[[], bool] = bool
        """Whether somebody still has to see calls begin; `bool` says that nobody has."""

    def begin(
        self, probes: Sequence[Probe], shared: set[Hashable] | None, wants_more: Callable[[], bool] = bool
    ) -> None:
        self.probes, self.shared, self.wants_more = tuple(probes), shared, wants_more
        self.ask_anew()

    def ask_anew(self) -> None:
        self.own.clear()
        self.tells = False
        self._take(self.own)

    def rely_on_the_probe(self) -> None:
        """As soon as one call was told of."""
        if self.tells and self.shared is not None and self.now is self.own and not self.wants_more():
            self._take(self.shared)

    def note(self, entity: Hashable) -> None:
        """There is nothing more to learn about it."""
        if self.now is self.own:
            self.own.add(entity)
            if not self.tells:
                self.tells = True
                for probe in self.probes:
                    probe.told_by_stations.append(self.own)

    def _take(self, known: set[Hashable]) -> None:
        self.now = known
        self.relies = known is not self.own
        self.changed()


COUNT_ONLY = Quick(lambda values: None, lambda token, result, error: None)
"""For a probe to which calls as such are of no interest."""


class Judgement:
    """A probe's answer over all processes that could have shown the bug."""

    __slots__ = ("evidence", "status", "summary")

    def __init__(self, status: str, summary: str, evidence: Iterable[str] = ()) -> None:
        self.status = status
        self.summary = summary
        self.evidence = tuple(evidence)


class Probe:
    """One finding's watcher in one process.

    `called` runs before a target's body and returns what `returned` gets back; `look` runs on the tracer's own thread
    a few times a second and once at the end; `state` is all it has to say, cumulative and small. `judge` needs no
    process: it reads the states of all. None of these may keep the program's objects alive or wait for anything.
    """

    exercised: ClassVar[str] = ""
    """What must have happened before anything but not-exercised may be said."""
    may_refute: ClassVar[bool] = False
    attached: ClassVar[str] = SUSPICIOUS
    """The most that it may say of a program that ran already when it came: what was before it has not seen."""
    libraries: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Functions of libraries that the probe wants to know of whatever the finding names: by module."""
    everywhere: ClassVar[bool] = False
    """Whether it watches each process from its start, whatever of the plan is loaded there."""

    def __init__(self, finding: Finding, tell: Callable[[Iterable[object]], list[str]]) -> None:
        self.finding = finding
        self.tell = tell
        self.instances = Instances()
        self.globals: dict[str, Any] = {}
        self.own_looks = 0.0
        """Seconds of looks on the program's own threads, until the meter has them."""
        self.known: list[Known] = []
        """Of stations: the entities about which they do not tell any more."""
        self.told_by_stations: list[set[Hashable]] = []
        """Those of them that are not the probe's own set."""

    def attach(self, recorder: Recorder) -> None:
        """The recorder of this process, for probes that use its ring."""

    def meet(self, library: str) -> None:
        """A library that the probe asks for has just been imported, and nobody has used it yet."""

    def forked(self) -> None:
        """In a forked child: what was seen so far is the parent's to tell, but the objects are here as well."""
        instances, held = self.instances, self.globals
        self.__init__(self.finding, self.tell)  # type: ignore[misc]
        self.instances, self.globals = instances, held

    def detached(self) -> None:
        """Watching is over while the program goes on."""

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        return None

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        """Runs when the call ends, with what it returned or raised."""

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick | None:
        """A shorter way for a target that needs one parameter at most; None where `called` must be asked."""
        return None

    def tell_of_ends(self, known: Known) -> None:
        """Take out of this whatever there is something to learn about again."""
        if not any(other is known for other in self.known):
            self.known.append(known)

    def ask_anew(self, anew: bool) -> None:
        """Whether each station finds out for itself what there is to know, or may rely on what the probe knows."""
        for known in self.known:
            if anew:
                known.ask_anew()
            else:
                known.rely_on_the_probe()
        self.told_by_stations[:] = [known.own for known in self.known if known.now is known.own and known.tells]

    def is_unknown_again(self, entity: Hashable) -> None:
        """From now on there is something to learn about it."""
        for own in self.told_by_stations:
            own.discard(entity)

    def hold(self, locks: tuple[object, ...]) -> None:
        """Runs when a watched function has taken locks that the plan names."""

    def let_go(self, locks: tuple[object, ...]) -> None:
        """Runs when it is about to give them back."""

    def touched(self, target: Target, subject: object, attribute: str, line: int, writes: bool) -> None:
        """Runs just before a watched function uses an attribute of an object that the plan names."""

    def look(self, last: bool) -> None:
        """Looks at what is there now."""

    def look_here(self) -> None:
        """A look on the program's own thread, where what it looks at may be gone before the tracer's thread comes."""
        began = time.thread_time()
        try:
            self.look(False)
        finally:
            self.own_looks += time.thread_time() - began

    def state(self) -> dict[str, Any]:
        return {}

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        raise NotImplementedError

    def see(self, subject: object) -> None:
        """Remember an object whose attribute is watched."""
        for watched in self.finding.watch:
            if watched.owner and has_class(subject, watched.owner):
                self.instances.see(subject)
                return

    def wants_instances(self) -> bool:
        return not self.instances and any(watched.owner for watched in self.finding.watch)

    def holders(self, watched: Watched) -> Iterator[tuple[object, object]]:
        """Who holds a watched attribute, each with its value; the module's namespace stands for itself."""
        if not watched.owner:
            if watched.attribute in self.globals:
                yield self.globals, self.globals[watched.attribute]
            return
        for thing in self.instances:
            if has_class(thing, watched.owner):
                value = getattr(thing, watched.attribute, None)
                if value is not None:
                    yield thing, value

    def objects(self) -> int:
        """How many holders there are now."""
        return sum(1 for watched in self.finding.watch for _ in self.holders(watched))


def is_sampled(count: int) -> bool:
    """The first calls, and then ever fewer: for looks whose cost grows with what the program holds."""
    return count <= 32 or count & (count - 1) == 0


ALL = 2048
"""So many calls are all looked at; who looks at later ones in stretches may not refute any more."""


def in_a_stretch(count: int) -> bool:
    """The first calls, and then short stretches of them: for hot paths where what comes often has been seen often."""
    return count <= ALL or count & 1023 <= 256


def need(finding: Finding, name: str, default: int) -> int:
    return finding.needs.get(name, default)


def total(states: Iterable[State], name: str) -> int:
    return sum(int(state.get(name, 0)) for state in states)


def merged(states: Iterable[State], name: str) -> dict[str, int]:
    """Counts by name, added up over processes."""
    found: dict[str, int] = {}
    for state in states:
        for key, count in dict(state.get(name, {})).items():
            found[key] = found.get(key, 0) + int(count)
    return found


def samples(states: Iterable[State], name: str, limit: int = 5) -> list[str]:
    return [str(sample) for state in states for sample in state.get(name, ())][:limit]
