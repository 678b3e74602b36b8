"""What a C or C++ function frees of what it is given, on the ways that come back from it.

A way that ends in a call which never comes back frees for nobody: no caller goes on behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from typing import NamedTuple

from llmlint.code.facts.native_endings import Endings, never_comes_back
from llmlint.code.facts.native_tests import UNSET, inside_casts, place_of, told_by, truth_of
from llmlint.code.syntax import tree
from llmlint.code.syntax.written import mentions

FREES = frozenset({"free", "std.free", "fclose", "std.fclose"})
_OVERWRITES = frozenset({"memset", "std.memset", "bzero", "explicit_bzero", "memset_s", "SecureZeroMemory"})


class Freed(NamedTuple):
    """`always`: on every way, one on which the place is null counts as well; `is_first`: it is what the place held when
    the function was called; `is_left`: the place still points there when the function comes back; `told`: the places of
    which a test holds or does not on every way on which it is freed."""

    always: bool = True
    is_first: bool = True
    is_left: bool = True
    told: frozenset[tuple[str, str]] = frozenset()


Places = dict[str, Freed]


class Calls(NamedTuple):
    """What other functions free of what a call gives them, and the places to which they give another value."""

    frees: Callable[[tree.Call], Iterable[tuple[str, Freed]]]
    gives: Callable[[tree.Call], Iterable[str]]


def overwritten_by(call: tree.Call) -> str:
    """The place that a call fills with zeros as a whole; what pointers it held it holds no more."""
    if tree.path_of(call.function) not in _OVERWRITES or not call.args:
        return ""
    return object_at(call.args[0])


def object_at(argument: tree.Node) -> str:
    """The place whose parts a function reaches by this argument: `p`, or `s` for `&s`."""
    argument = inside_casts(argument)
    if isinstance(argument, tree.Unary) and argument.op == "&":
        argument = inside_casts(argument.operand)
    return place_of(argument)


def frees_of(function: tree.Function, endings: Endings, calls: Calls) -> Iterator[tuple[str, Freed]]:
    """The parameters that point and the parts of parameters."""
    given = {p.name: p.annotation.text for p in function.params if isinstance(p.annotation, tree.TypeName)}
    walk = _Frees(given.keys(), endings, calls)
    walk.freed = (
        frozenset(place for node in tree.walk_own(function) for place, _ in walk.freed_at(node))
        if given
        else walk.freed
    )
    if not walk.freed:
        return
    behind = walk.block(function.body or [], {_NOW: Freed()})
    for place, freed in _met([*walk.left, *([behind] if behind is not None else [])]).items():
        root, dot, _ = place.partition(".")
        is_lasting = root in given and (given[root].endswith(("*", "&")) or dot) and "[" not in place
        if is_lasting and not place.endswith((_NULL, _ANEW, _NOW)):
            yield place, freed


_ROOT = re.compile(r"\w+")
_NULL = "\0null"
"""Behind a place: it is null there, so that nothing has to be freed."""
_ANEW = "\0anew"
"""Behind a place: it got another value before."""
_NOW = "\0now"
"""What is told on this way so far."""


class _Frees:
    def __init__(self, given: Set[str], endings: Endings, calls: Calls) -> None:
        self.given = given
        """The parameters: no other place outlasts the function."""
        self.freed: frozenset[str] = frozenset()
        """All places that are freed anywhere: only what they are reached by is followed."""
        self.endings = endings
        self.calls = calls
        self.left: list[Places] = []
        """What is freed where a way comes back to the caller."""
        self.jumped: dict[str, list[Places]] = {}
        """What is freed where a jump goes to a label, or to the end of a loop (under no name)."""

    def block(self, body: Sequence[tree.Node], freed: Places) -> Places | None:
        """What is freed behind the statements, None where control never gets there."""
        here: Places | None = freed
        for statement in body:
            if isinstance(statement, tree.Label) and statement.name in self.jumped:
                here = _met([*self.jumped.pop(statement.name), *([here] if here is not None else [])])
            if here is not None:
                here = self._statement(statement, here)
        return here

    def _statement(self, node: tree.Node, freed: Places) -> Places | None:
        match node:
            case tree.If(test=test, body=body, orelse=orelse):
                return self._branches(test, body, orelse, freed)
            case tree.Loop(body=body):
                return self._perhaps([body], freed)
            case tree.Try(body=body, handlers=handlers):
                return self._perhaps([body, *(handler.body for handler in handlers)], freed)
            case tree.Switch(cases=cases):
                return self._perhaps([case.body for case in cases], freed)
            case tree.Block(body=body) | tree.Broken(body=body) | tree.With(body=body):
                return self.block(body, freed)
            case tree.Return() | tree.Raise():
                self._pass(node, freed)
                if isinstance(node, tree.Return):
                    self.left.append(freed)
                return None
            case tree.Jump(label=label):
                self.jumped.setdefault(label, []).append(freed)
                return None
            case tree.Expression(value=value) if never_comes_back(value, self.endings):
                return None
            case tree.Function() | tree.Class():
                return freed
        self._pass(node, freed)
        return freed

    def _branches(
        self, test: tree.Node, body: Sequence[tree.Node], orelse: Sequence[tree.Node], freed: Places
    ) -> Places | None:
        self._pass(test, freed)
        ends = []
        for branch, holds in ((body, True), (orelse, False)):
            unset = (place for place, told, _ in told_by(test, holds) if told == UNSET and self._lasts(place))
            null = {place + _NULL: Freed() for place in unset}
            ends.append(self.block(branch, freed | null))
        reached = [end for end in ends if end is not None]
        return _met(reached) if reached else None

    def _perhaps(self, bodies: Iterable[Sequence[tree.Node]], freed: Places) -> Places:
        ends = [self.block(body, dict(freed)) for body in bodies]
        return _met([freed, *(end for end in ends if end is not None), *self.jumped.pop("", ())])

    def _pass(self, node: tree.Node, freed: Places) -> None:
        """A statement without others in it."""
        for part in tree.walk(node, into=tree.is_of_the_same):
            by_part = list(self.freed_at(part))
            for place, how in by_part:
                self._free(freed, place, how)
            match part:
                case tree.Call():
                    for place in self.calls.gives(part):
                        self._give(freed, place)
                    for place, how in by_part:
                        freed[place] = freed[place]._replace(told=freed[place].told | how.told)
                    _lend(freed, part)
                case tree.Assign(targets=targets, value=value):
                    for target in targets:
                        self._give(freed, place_of(target).lstrip("*"), "" if part.op else truth_of(value))

    def freed_at(self, node: tree.Node) -> Iterator[tuple[str, Freed]]:
        """The places of parameters that an expression frees."""
        match node:
            case tree.Delete(targets=targets):
                found: Iterable[tuple[str, Freed]] = [(place_of(target), Freed()) for target in targets]
            case tree.Call(args=[only]) if tree.path_of(node.function) in FREES:
                found = [(place_of(inside_casts(only)), Freed())]
            case tree.Call():
                found = self.calls.frees(node)
            case _:
                return
        yield from ((place, how) for place, how in found if self._lasts(place))

    def _lasts(self, place: str) -> bool:
        root = _ROOT.match(place)
        return root is not None and root[0] in self.given

    def _free(self, freed: Places, place: str, how: Freed) -> None:
        is_anew = any(known.endswith(_ANEW) and mentions(place, known.removesuffix(_ANEW)) for known in freed)
        before = freed.get(place)
        is_first = (how.is_first and not is_anew) or (before is not None and before.is_first)
        always = how.always or (before is not None and before.always)
        freed[place] = Freed(always, is_first, how.is_left, freed[_NOW].told)

    def _give(self, freed: Places, place: str, told: str = "") -> None:
        if not self._lasts(place):
            return
        for known, how in freed.items():
            kept = {fact for fact in how.told if not mentions(fact[0], place)}
            if told or len(kept) < len(how.told):
                freed[known] = how._replace(told=frozenset(kept | ({(place, told)} if told else set())))
        if any(mentions(one, place) for one in self.freed):
            for known in [known for known in freed if mentions(known, place)]:
                if known.endswith(_NULL):
                    del freed[known]
                else:
                    freed[known] = freed[known]._replace(is_left=False)
            freed[place + _ANEW] = Freed()


def _lend(freed: Places, call: tree.Call) -> None:
    """Who is given the address of a pointer mostly sets it."""
    for arg in call.args if freed else ():
        place = object_at(arg) if isinstance(inside_casts(arg), tree.Unary) else ""
        if place in freed:
            freed[place] = freed[place]._replace(is_left=False)


def _met(ways: Sequence[Places]) -> Places:
    """What is freed where ways meet."""
    if all(way == ways[0] for way in ways):
        return dict(ways[0]) if ways else {}
    met = {}
    for place in dict.fromkeys(place for way in ways for place in way):
        known = [way[place] for way in ways if place in way]
        always = all((place in way and way[place].always) or _is_null(place, way) for way in ways)
        if always or not place.endswith(_NULL):
            told = frozenset.intersection(*(one.told for one in known))
            met[place] = Freed(always, any(one.is_first for one in known), any(one.is_left for one in known), told)
    return met


def _is_null(place: str, way: Places) -> bool:
    return any(known.endswith(_NULL) and mentions(place, known.removesuffix(_NULL)) for known in way)
