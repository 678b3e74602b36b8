"""What the functions of one C or C++ file do to what they are given, and to the object they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from llmlint.code.facts.facts import FileFacts
from llmlint.code.facts.native_endings import Endings
from llmlint.code.facts.native_tests import inside_casts, place_of
from llmlint.code.flow.native_frees import FREES, Calls, Freed, frees_of, object_at, overwritten_by
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import by_only_name

CHANGES = frozenset("push_back emplace_back insert emplace resize reserve clear erase append assign".split())
_LENDS = frozenset({"back", "front", "at"})
_DEEPEST = 3


def fields_of(facts: FileFacts) -> dict[str, str]:
    """The declared type of each field of the file's classes."""
    return {field.name: field.annotation for cls in facts.classes for field in cls.fields}


class Given(NamedTuple):
    """A place that gets another value; `is_whole`: all of its parts do."""

    place: str
    is_whole: bool = False


class Helpers:
    """Answers by name, where the file has one function of that name; only those of `freeing` may free anything."""

    def __init__(
        self, functions: list[tree.Function], fields: Mapping[str, str], endings: Endings, freeing: Set[str]
    ) -> None:
        self._named = by_only_name(functions)
        self._freeing = freeing
        self._fields = fields
        self._endings = endings
        self._given: dict[str, Sequence[Given]] = {}
        self._changed: dict[str, tuple[tuple[str, str], ...]] = {}
        self._freed: dict[str, Sequence[tuple[str, Freed]]] = {}

    def changed_by(self, call: tree.Call) -> Iterator[tuple[str, str]]:
        """The containers that a call changes, and by what: members, and what it is given by reference."""
        name = tree.path_of(call.function).removeprefix("self.")
        function = self._named.get(name)
        if function is None:
            return
        given = _given(function, call)
        for place, by in self._changes(name):
            container = given.get(place, place)
            if container:
                yield container, by

    def _changes(self, name: str, depth: int = 0) -> tuple[tuple[str, str], ...]:
        function = self._named.get(name)
        if function is None or depth > _DEEPEST:
            return ()
        if name not in self._changed:
            self._changed[name] = ()
            self._changed[name] = tuple(dict.fromkeys(self._changes_in(function, depth)))
        return self._changed[name]

    def _changes_in(self, function: tree.Function, depth: int) -> Iterator[tuple[str, str]]:
        lent = {p.name for p in function.params if _is_reference(p)}
        local = {p.name for p in function.params} - lent
        for node in tree.walk_own(function):
            match node:
                case tree.Assign(targets=targets, declares=True):
                    local |= {target.id for target in targets if isinstance(target, tree.Name)}
                case tree.Call(function=tree.Attribute(value=value, name=name)) if name in CHANGES:
                    place = place_of(value)
                    if place in lent or (place in self._fields and place not in local):
                        yield place, name
                case tree.Call(function=tree.Name(id=name)) if name != function.name:
                    yield from ((place, by) for place, by in self._changes(name, depth + 1) if place in self._fields)

    def given_by(self, call: tree.Call) -> Iterator[Given]:
        """The parts of what a call is given that it gives another value."""
        return self._given_at(call, self._named.get(tree.path_of(call.function).removeprefix("self.")), 0)

    def _given_at(self, call: tree.Call, callee: tree.Function | None, depth: int) -> Iterator[Given]:
        whole = overwritten_by(call)
        if whole:
            yield Given(whole, is_whole=True)
        elif callee is not None and call.args:
            given = _given(callee, call)
            for one in self._gives(callee, depth):
                if place := _as_given(one.place, given):
                    yield one._replace(place=place)

    def _gives(self, function: tree.Function, depth: int) -> Sequence[Given]:
        if depth > _DEEPEST:
            return ()
        if function.name not in self._given:
            self._given[function.name] = ()
            params = {p.name for p in function.params}
            found = [g for g in self._gives_in(function, depth) if g.place.partition(".")[0] in params]
            self._given[function.name] = tuple(found)
        return self._given[function.name]

    def _gives_in(self, function: tree.Function, depth: int) -> Iterator[Given]:
        for node in tree.walk_own(function):
            match node:
                case tree.Assign(targets=targets, declares=False):
                    yield from (Given(place) for place in map(place_of, targets) if "." in place)
                case tree.Call():
                    callee = self._named.get(tree.path_of(node.function))
                    yield from self._given_at(node, callee if callee is not function else None, depth + 1)

    def lends(self, called: str) -> str:
        """The member of whose elements a method gives one by reference or pointer."""
        function = self._named.get(called)
        returns = function.returns.text if function is not None and isinstance(function.returns, tree.TypeName) else ""
        if function is None or not returns.endswith(("&", "*")):
            return ""
        for node in tree.walk_own(function):
            if isinstance(node, tree.Return) and node.value is not None:
                if container := self._lent(node.value):
                    return container
        return ""

    def _lent(self, value: tree.Node) -> str:
        match inside_casts(value):
            case tree.Unary(op="&", operand=operand):
                return self._lent(operand)
            case tree.Index(value=base):
                place = place_of(base)
            case tree.Call(function=tree.Attribute(value=base, name=name)) if name in _LENDS:
                place = place_of(base)
            case _:
                return ""
        return place if "vector" in self._fields.get(place, "") else ""

    def freed_by(self, call: tree.Call) -> Iterator[tuple[str, Freed]]:
        """The places that a call frees."""
        name = tree.path_of(call.function)
        if name in FREES and call.args:
            if place := place_of(inside_casts(call.args[0])):
                yield place, Freed()
        elif name in self._freeing and name in self._named:
            yield from self._freed_through(call, self._named[name], 0)

    def _freed_through(self, call: tree.Call, callee: tree.Function, depth: int) -> Iterator[tuple[str, Freed]]:
        """What a function frees of what this call gives it."""
        given = _given(callee, call)
        pairs = zip(callee.params, call.args, strict=False)
        addressed = {param.name for param, arg in pairs if not place_of(inside_casts(arg))}
        for place, freed in self._frees(callee, depth):
            root, dot, _ = place.partition(".")
            if given.get(root) and (dot or root not in addressed):
                told = frozenset((_as_given(flag, given), how) for flag, how in freed.told if _as_given(flag, given))
                yield _as_given(place, given), freed._replace(told=told)

    def _frees(self, function: tree.Function, depth: int) -> Sequence[tuple[str, Freed]]:
        """The parameters and their parts that a function frees."""
        if depth > _DEEPEST:
            return ()
        if function.name not in self._freed:
            self._freed[function.name] = ()
            calls = Calls(
                lambda call: self._freed_inside(function, call, depth),
                lambda call: (one.place for one in self.given_by(call)),
            )
            self._freed[function.name] = tuple(frees_of(function, self._endings, calls))
        return self._freed[function.name]

    def _freed_inside(self, function: tree.Function, call: tree.Call, depth: int) -> Iterator[tuple[str, Freed]]:
        callee = self._named.get(tree.path_of(call.function)) if call.args else None
        if callee is not None and callee is not function and callee.name in self._freeing:
            yield from self._freed_through(call, callee, depth + 1)


def _given(function: tree.Function, call: tree.Call) -> dict[str, str]:
    """The place that a call gives for each parameter."""
    return {p.name: object_at(arg) for p, arg in zip(function.params, call.args, strict=False)}


def _as_given(place: str, given: Mapping[str, str]) -> str:
    """A place of a function as who calls it names it; "" for what he cannot name."""
    root, dot, rest = place.partition(".")
    return given[root] + dot + rest if given.get(root) else ""


def _is_reference(param: tree.Parameter) -> bool:
    return isinstance(param.annotation, tree.TypeName) and param.annotation.text.endswith("&")
