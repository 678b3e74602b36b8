"""What calling a function does to an object, all told: through helpers, bases, owned objects and aliases.

A summary speaks of one object that a function is given: `self`, or a parameter. It holds what may be done to that
object, each deed once with the first way to it; `always.py` tells what is done on every way. The summary of a caller is
made of its own effects and of its callees' summaries, with what each parameter stands for put in its place.
Functions that call each other are summed up together, until nothing new comes; round such a cycle a path is lengthened
once: `node.next.count` stands for all that a recursion down `next` counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from llmlint.code.facts.facts import Effect
from llmlint.code.facts.gists import CHANGING
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.entities import Call, ClassInfo, FunctionInfo, root_of
from llmlint.code.link.objects import Known
from llmlint.code.link.once import once
from llmlint.code.link.program import Program


class Stand(NamedTuple):
    """A function, and the object in question: the name it goes by there, and its class where that is known.
    `owner` is the exact class of `self`."""

    function: FunctionInfo
    root: str
    cls: ClassInfo | None
    owner: ClassInfo | None

    @property
    def known(self) -> Known:
        pairs = (("self", self.owner), (self.root, self.cls))
        return {name: cls for name, cls in pairs if cls is not None}


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """One thing done to an object's state.

    `path` is written from the object (`self.cache_manager.blocks`), whatever it is called where it happens; `effect` is
    the place itself and `chain` the way there, ending with it. `how` is the effect's op, or "call" for a method called
    on a part of the object, or "pass" for a part handed to a call as an argument. `at` is where the function itself
    does it, or calls what does; `inner` is the deed as that callee does it. `maybe`: the path is one of several.
    """

    path: str
    how: str
    effect: Effect
    at: Call
    inner: Done | None = None
    maybe: bool = False
    stretched: bool = False

    @property
    def function(self) -> FunctionInfo:
        return self.chain[-1].function

    @property
    def chain(self) -> tuple[Call, ...]:
        way = [self.at]
        here = self.inner
        while here is not None:
            way.append(here.at)
            here = here.inner
        return tuple(way)

    @property
    def attribute(self) -> str:
        """The attribute of the object that it goes through: `cache_manager`; "" when it is not one of `self`'s."""
        root, _, rest = self.path.partition(".")
        return root_of(rest) if root == "self" else ""

    @property
    def is_whole(self) -> bool:
        """Done to the attribute itself, not to a part of what it holds."""
        return self.path == f"self.{self.attribute}"


class Link(NamedTuple):
    """A call that hands the object, or a part of it, to one of the functions that it may run. `path`: what of the
    object that one is given; `options`: how many the call may run."""

    effect: Effect
    target: Stand
    path: str
    options: int


class Summary:
    """What calling a function may do to one object. `reads` are the paths from the object on that are looked at."""

    def __init__(self, stand: Stand, links: Sequence[Link]) -> None:
        self.stand = stand
        self.links = links
        self.deeds: list[Done] = []
        self._known: set[tuple[str, str, str, str]] = set()
        self.reads: dict[str, None] = {}

    @cached_property
    def done(self) -> tuple[Done, ...]:
        return tuple(self.deeds)

    def add(self, done: Done) -> None:
        effect = done.effect
        told = effect.source if effect.value == "constant" else effect.callee or effect.key
        key = (done.path, done.how, effect.value, told)
        if key not in self._known:
            self._known.add(key)
            self.deeds.append(done)


class Summaries:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._made: dict[Stand, Summary] = {}
        self._own: dict[FunctionInfo, dict[str, list[Effect]]] = {}
        self._nested: dict[str, dict[str, list[str]]] = {}

    def of(self, function: FunctionInfo, cls: ClassInfo | None) -> tuple[Summary, ...]:
        """The summary of what a method does to its object, or those of what a plain function does to each argument."""
        owner = cls or function.owner
        roots = ("self",) if owner is not None else tuple(p.name for p in function.params)
        return tuple(self.made(Stand(function, root, owner if root == "self" else None, owner)) for root in roots)

    def made(self, start: Stand) -> Summary:
        if start not in self._made:
            for component in self._components(start):
                self._close(component)
        return self._made[start]

    # ------------------------------------------------------------ components of functions that call each other

    def _components(self, start: Stand) -> Iterator[list[Summary]]:
        """The components of the calls from here on that have no summary yet, callees first (Tarjan, no recursion)."""
        number: dict[Stand, int] = {}
        lowest: dict[Stand, int] = {}
        opened: dict[Stand, Summary] = {}
        walk: list[tuple[Summary, Iterator[Link]]] = []

        def enter(stand: Stand) -> None:
            number[stand] = lowest[stand] = len(number)
            summary = opened[stand] = Summary(stand, self._links(stand))
            walk.append((summary, iter(summary.links)))

        enter(start)
        while walk:
            summary, links = walk[-1]
            stand = summary.stand
            link = next(links, None)
            if link is not None:
                target = link.target
                if target in opened:
                    lowest[stand] = min(lowest[stand], number[target])
                elif target not in self._made:
                    enter(target)
                continue
            walk.pop()
            if walk:
                above = walk[-1][0].stand
                lowest[above] = min(lowest[above], lowest[stand])
            if lowest[stand] == number[stand]:
                yield list(_popped(opened, stand))

    def _close(self, component: list[Summary]) -> None:
        """Sums a component up: own effects first, then what calls add, until nothing new comes."""
        for summary in component:
            self._made[summary.stand] = summary
            self._add_own(summary)
        stands = {summary.stand for summary in component}
        told: dict[tuple[Stand, int], tuple[int, int]] = {}
        grew = True
        while grew:
            grew = False
            for summary in component:
                for number, link in enumerate(summary.links):
                    called = self._made[link.target]
                    before = told.get((summary.stand, number), (0, 0))
                    now = len(called.deeds), len(called.reads)
                    if before != now:
                        self._add_called(summary, link, link.target in stands, before)
                        told[summary.stand, number] = now
                        grew = True

    # ------------------------------------------------------------ one function

    def effects_on(self, function: FunctionInfo, root: str) -> Sequence[Effect]:
        """The effects that name something of this root."""
        by_root = self._own.get(function)
        if by_root is None:
            by_root = self._own[function] = {}
            for effect in function.effects:
                paths = (effect.path, *effect.maybe, *(argument.path for argument in effect.args))
                for name in dict.fromkeys(root_of(path) for path in paths if path):
                    by_root.setdefault("self" if name == "super" else name, []).append(effect)
        return by_root.get(root, ())

    def _add_own(self, summary: Summary) -> None:
        function, root = summary.stand.function, summary.stand.root
        summary.reads.update((path, None) for path, _ in function.reads if path != "self" and root_of(path) == root)
        for effect in self.effects_on(function, root):
            at = Call(function, effect)
            if effect.op in CHANGING:
                for path in (effect.path, *effect.maybe):
                    if path != "self" and root_of(path) == root:
                        summary.add(Done(path, effect.op, effect, at, maybe=path != effect.path))
            if effect.op == "call":
                receiver = effect.path.rpartition(".")[0]
                if receiver != "self" and root_of(receiver) == root:
                    summary.add(Done(receiver, "call", effect, at))
            for argument in effect.args:
                if argument.path != "self" and root_of(argument.path) == root:
                    summary.add(Done(argument.path, "pass", effect, at))

    def _add_called(self, summary: Summary, link: Link, in_cycle: bool, told: tuple[int, int]) -> None:
        """What a call adds, but for the first deeds and reads, so many as `told` says: these were added before."""
        function, root = summary.stand.function, link.target.root
        longer = link.path.count(".") > 0 or "[" in link.path
        called = self._made[link.target]
        at = Call(function, link.effect)
        deeds, reads = told
        for done in called.deeds[deeds:]:
            if in_cycle and longer and done.stretched:
                continue
            path = link.path + done.path[len(root) :]
            if path == "self":
                continue
            stretched = in_cycle and (longer or done.stretched)
            summary.add(Done(path, done.how, done.effect, at, done, done.maybe, stretched))
        for read in [] if in_cycle and longer else list(islice(called.reads, reads, None)):
            path = link.path + read[len(root) :]
            if path != "self":
                summary.reads.setdefault(path)

    # ------------------------------------------------------------ calls

    def _links(self, stand: Stand) -> list[Link]:
        found: list[Link] = []
        function, root = stand.function, stand.root
        for effect in self._calls_on(function, root):
            targets = self._program.callees_knowing(function, effect, stand.known)
            for target in targets:
                found += (
                    Link(effect, inner, path, len(targets)) for inner, path in self._handed(stand, effect, target)
                )
        if root == "self":
            found += self._properties(stand)
        return found

    def _calls_on(self, function: FunctionInfo, root: str) -> Iterable[Effect]:
        """The calls that are handed something of the object, or may be without saying so: of a nested function, and in
        C++ of a method of the same object."""
        named = {id(effect): effect for effect in self.effects_on(function, root) if effect.callee}
        near = set(self._nested_in(function))
        if function.language != "python" and root == "self" and function.owner is not None:
            near.update(base.name for base in function.owner.mro)
        if near:
            named.update((id(e), e) for e in function.effects if e.callee and root_of(e.callee) in near)
        return named.values()

    def _nested_in(self, function: FunctionInfo) -> Iterable[str]:
        """The names of the functions that stand directly in this one."""
        if function.path not in self._nested:
            names = self._nested[function.path] = {}
            for inner in self._program.functions_in(function.path):
                names.setdefault(inner.facts.qualname.rpartition(".")[0], []).append(inner.name)
        return self._nested[function.path].get(function.facts.qualname, ())

    def _handed(self, stand: Stand, effect: Effect, target: FunctionInfo) -> Iterator[tuple[Stand, str]]:
        """By which of its names a called function knows the object or a part of it, and what that is here."""
        function, root = stand.function, stand.root
        known = stand.known
        handed = [("self", _receiver(function, effect, target))]
        for name, argument in arguments_by_parameter(target, effect).items():
            is_self = target.takes_self and name == target.facts.params[0].name
            handed.append(("self" if is_self else name, argument.path))
        owner = next((self._class_of(function, path, known) for name, path in handed if name == "self" and path), None)
        if target.path == function.path and target.facts.qualname.startswith(f"{function.facts.qualname}."):
            owner = stand.owner
            if all(param.name != root for param in target.facts.params):
                yield Stand(target, root, stand.cls, stand.owner), root
        owner = owner if owner is not None else target.owner
        for name, path in handed:
            if path and root_of(path) == root:
                cls = self._class_of(function, path, known)
                yield Stand(target, name, owner if name == "self" else cls, owner), path

    def _class_of(self, function: FunctionInfo, path: str, known: Known) -> ClassInfo | None:
        return self._program.class_knowing(function, path, known)

    def _properties(self, stand: Stand) -> Iterator[Link]:
        """Reading a property runs it."""
        cls = stand.owner
        for path, line in stand.function.reads if cls is not None else ():
            name = root_of(path[5:]) if path.startswith("self.") else ""
            getter = cls.method(name) if name and cls is not None else None
            if getter is not None and getter.is_property:
                read = Effect("call", f"self.{name}", line, 1, via="property")
                yield Link(read, Stand(getter, "self", cls, cls), "self", 1)


def _popped(opened: dict[Stand, Summary], first: Stand) -> Iterator[Summary]:
    """What was entered since `first`, and itself."""
    while True:
        stand, summary = opened.popitem()
        yield summary
        if stand == first:
            return


def _receiver(function: FunctionInfo, effect: Effect, target: FunctionInfo) -> str:
    """The path of the object that a method is called on."""
    receiver = effect.callee.rpartition(".")[0]
    if receiver == "super()":
        return "self"
    if not target.is_method:
        return ""
    if function.language != "python" and function.owner is not None and target.owner in function.owner.mro:
        names_a_base = receiver.rpartition(".")[2] == target.owner.name if target.owner else False
        return "self" if names_a_base else receiver
    return receiver


# ---------------------------------------------------------------- asking


def summaries_of(program: Program) -> Summaries:
    return once(program, Summaries)


def does(program: Program, function: FunctionInfo, cls: ClassInfo | None = None) -> tuple[Done, ...]:
    """Everything that calling `function` on an object of class `cls` (by default its own) may do to that object's
    state. For a plain function: what it does to its arguments, with paths that begin with them."""
    made = summaries_of(program).of(function, cls)
    return made[0].done if len(made) == 1 else tuple(done for summary in made for done in summary.done)


def mentions(program: Program, function: FunctionInfo, cls: ClassInfo | None = None) -> frozenset[str]:
    """The paths from the object on that calling it reads, as `does` would write them."""
    return frozenset(path for summary in summaries_of(program).of(function, cls) for path in summary.reads)
