"""What is known of values at one place of a Python function: facts by the root of their place.

Most statements change what is known of one root, so facts stand in a bucket for each and ways share the buckets that
neither changed.
"""

from __future__ import annotations

from llmlint.code.facts.bodies.scope import is_within
from llmlint.code.flow.standing import standing_for
from llmlint.code.flow.told import Fact, told_by
from llmlint.code.link.entities import root_of
from llmlint.code.syntax import tree

_NONE: frozenset[Fact] = frozenset()


class Known:
    __slots__ = ("_asks", "_facts", "_tests", "caught", "names")

    def __init__(self) -> None:
        self._facts: dict[str, frozenset[Fact]] = {}
        self._tests: dict[str, tree.Node] = {}
        self._asks: dict[str, frozenset[str]] = {}
        self.names: dict[str, str] = {}
        self.caught: tuple[frozenset[str], ...] = ()

    def copy(self) -> Known:
        made = Known()
        made._facts, made._tests, made._asks = self._facts.copy(), self._tests.copy(), self._asks.copy()
        made.names, made.caught = self.names.copy(), self.caught
        return made

    # ------------------------------------------------------------ asking

    def place(self, node: tree.Node | None) -> str:
        return standing_for(node, self.names)

    def said_of(self, place: str) -> frozenset[Fact]:
        """What is known of a place, and of all others with its root."""
        return self._facts.get(root_of(place), _NONE)

    def knows(self, place: str, *what: str) -> bool:
        said = self.said_of(place)
        return bool(said) and any((place, one) in said for one in what)

    def knows_type(self, place: str) -> bool:
        return self.knows(place, "typed", "set", "asked") or self.is_vetted(place)

    def is_vetted(self, place: str) -> bool:
        """Has a call been given it, or what it is a part of, that decides or checks?"""
        return any(what == "vetted" and is_within(place, whole) for whole, what in self.said_of(place))

    def is_caught(self, *raised: str) -> bool:
        """Does a `try` around it take one of these?"""
        return any(not handlers.isdisjoint(raised) for handlers in self.caught)

    # ------------------------------------------------------------ learning

    def add(self, place: str, *what: str) -> None:
        root = root_of(place)
        self._facts[root] = self._facts.get(root, _NONE) | {(place, one) for one in what}

    def learn(self, test: tree.Node, holds: bool) -> None:
        for place, what in told_by(test, holds, self.place, self._tests):
            self.add(place, what)

    def under(self, test: tree.Node, holds: bool) -> Known:
        """What is known where the test holds, or does not."""
        made = self.copy()
        made.learn(test, holds)
        return made

    def keep_test(self, name: str, test: tree.Node) -> None:
        """The name stands for this test from here on."""
        roots = frozenset(node.id for node in tree.walk(test) if isinstance(node, tree.Name))
        self._tests[name], self._asks[name] = test, roots

    # ------------------------------------------------------------ forgetting

    def forget(self, place: str) -> None:
        """Whatever was known of it and of its parts: it has a new value."""
        root = root_of(place)
        if root in self._facts:
            self._facts[root] = frozenset(fact for fact in self._facts[root] if not is_within(fact[0], place))
        for name in [name for name, of in self.names.items() if name == place or is_within(of, place)]:
            del self.names[name]
        for name in [name for name, roots in self._asks.items() if name == place or place in roots]:
            del self._tests[name], self._asks[name]

    def may_change(self, call: tree.Call) -> None:
        """What is called may give its object's attributes values, and those of what it is given."""
        for root in (root_of(tree.path_of(one)) for one in (call.function, *call.args)):
            said = self._facts.get(root, _NONE)
            if any(what == "none" and "." in place for place, what in said):
                self._facts[root] = frozenset(fact for fact in said if fact[1] != "none" or "." not in fact[0])

    # ------------------------------------------------------------ ways that meet

    def meet(self, other: Known) -> None:
        """What holds on both ways."""
        changed = {name for name in (*self.names, *other.names) if self.names.get(name) != other.names.get(name)}
        given = [name for name in changed if self._is_given(name) and other._is_given(name)]
        theirs = other._facts
        self._facts = {
            root: said if theirs[root] is said else said & theirs[root]
            for root, said in self._facts.items()
            if root in theirs
        }
        for name in given:
            self.add(name, "some")
        for name in changed:
            self.names.pop(name, None)
        for name in [name for name, test in self._tests.items() if other._tests.get(name) is not test]:
            del self._tests[name], self._asks[name]

    def _is_given(self, name: str) -> bool:
        """Has it another value than at first, or one that is known not to be None?"""
        return name in self.names or self.knows(name, "some")
