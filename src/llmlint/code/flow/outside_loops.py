"""What each round of a C or C++ loop does by its counter, and whether a round may end the loop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from llmlint.code.facts.native_endings import Endings, never_comes_back
from llmlint.code.facts.native_tests import inside_casts, place_of
from llmlint.code.syntax import tree

_GROWS = frozenset("push_back emplace_back emplace insert append".split())


class Does(NamedTuple):
    """As it is told, and the place that it is done to."""

    told: str
    place: str
    is_index: bool = False


def done_in(
    body: Sequence[tree.Node],
    counter: str,
    helpers: Mapping[str, tree.Function],
    wanted: Callable[[str], bool],
    names: Mapping[str, str] | None = None,
) -> Does | None:
    """What is added to, or indexed by the counter where the place is wanted. In a helper `names` says what its
    parameters stand for."""
    for node in (node for part in body for node in tree.walk(part)):
        match node:
            case tree.Call(function=tree.Attribute(value=value, name=name)) if name in _GROWS:
                return Does(f"{place_of(value)}.{name}()", place_of(value))
            case tree.Call(function=tree.Name(id=name), args=args) if names is None and name in helpers:
                stands = {p.name: place_of(arg) for p, arg in zip(helpers[name].params, args, strict=False)}
                inner = next((param for param, place in stands.items() if place == counter), "")
                if (does := done_in(helpers[name].body or [], inner, helpers, wanted, stands)) is not None:
                    return does
            case tree.Index(value=value, key=key) if counter and place_of(inside_casts(key)) == counter:
                place = (names or {}).get(place_of(value), place_of(value))
                if wanted(place):
                    return Does(f"{place}[{counter}]", place, True)
    return None


def is_asked_in(loop: tree.Loop, counter: str) -> bool:
    """Does a branch of the body ask how far the counter is?"""
    tests = (n.test for part in loop.body for n in tree.walk(part) if isinstance(n, tree.If | tree.Conditional))
    return any(place_of(inner) == counter for test in tests for inner in tree.walk(test))


def is_left(loop: tree.Loop, refusing: Collection[str], endings: Endings) -> bool:
    """May a round end the loop, as where nothing is left to read? `refusing`: the functions that may throw or end."""
    for node in (node for part in loop.body for node in tree.walk(part, into=tree.is_of_the_same)):
        match node:
            case tree.Return() | tree.Raise() | tree.Jump(kind="break" | "goto"):
                return True
            case tree.Call(function=function):
                if tree.path_of(function).rpartition(".")[2] in refusing or never_comes_back(node, endings):
                    return True
    return False


def refuses(node: tree.Node, endings: Endings) -> bool:
    return isinstance(node, tree.Raise) or (isinstance(node, tree.Call) and bool(never_comes_back(node, endings)))
