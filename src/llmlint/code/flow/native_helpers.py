"""What the functions of one C or C++ file do to what they are given, and to the object they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmlint.code.facts.facts import FileFacts
from llmlint.code.facts.native_tests import inside_casts, place_of
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import by_only_name

CHANGES = frozenset("push_back emplace_back insert emplace resize reserve clear erase append assign".split())
FREES = frozenset({"free", "std.free", "fclose", "std.fclose"})
_LENDS = frozenset({"back", "front", "at"})
_DEEPEST = 3


def fields_of(facts: FileFacts) -> dict[str, str]:
    """The declared type of each field of the file's classes."""
    return {field.name: field.annotation for cls in facts.classes for field in cls.fields}


class Helpers:
    """Answers by name, where the file has one function of that name."""

    def __init__(self, functions: list[tree.Function], fields: Mapping[str, str]) -> None:
        self._named = by_only_name(functions)
        self._fields = fields
        self._changed: dict[str, tuple[tuple[str, str], ...]] = {}
        self._freed: dict[str, tuple[str, ...]] = {}

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

    def given_by(self, call: tree.Call) -> Iterator[str]:
        """The parts of what a call is given that it gives another value."""
        function = self._named.get(tree.path_of(call.function).removeprefix("self."))
        if function is not None and call.args:
            given = _given(function, call)
            for node in tree.walk_own(function):
                for target in node.targets if isinstance(node, tree.Assign) and not node.declares else ():
                    root, dot, rest = place_of(target).partition(".")
                    if given.get(root) and dot:
                        yield f"{given[root]}.{rest}"

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

    def freed_by(self, call: tree.Call) -> Iterator[str]:
        """The places that a call frees."""
        name = tree.path_of(call.function)
        if name in FREES and call.args:
            yield place_of(inside_casts(call.args[0]))
        elif name in self._named:
            yield from self._freed_through(call, self._named[name], 0)

    def _freed_through(self, call: tree.Call, callee: tree.Function, depth: int) -> Iterator[str]:
        """What a function frees of what this call gives it."""
        given = _given(callee, call)
        for place in self.frees(callee.name, depth):
            root, dot, rest = place.partition(".")
            if given.get(root):
                yield given[root] + dot + rest

    def frees(self, name: str, depth: int = 0) -> tuple[str, ...]:
        """The parameters and their parts that a function frees, and leaves as they are."""
        function = self._named.get(name)
        if function is None or depth > _DEEPEST:
            return ()
        if name not in self._freed:
            self._freed[name] = ()
            self._freed[name] = tuple(dict.fromkeys(self._frees_in(function, depth)))
        return self._freed[name]

    def _frees_in(self, function: tree.Function, depth: int) -> Iterator[str]:
        given = {p.name: p.annotation.text for p in function.params if isinstance(p.annotation, tree.TypeName)}
        freed: list[str] = []
        for node in tree.walk_own(function):
            match node:
                case tree.Delete(targets=targets):
                    freed += map(place_of, targets)
                case tree.Call(args=[only]) as call if tree.path_of(call.function) in FREES:
                    freed.append(place_of(inside_casts(only)))
                case tree.Call(function=called, args=[_, *_]) as call:
                    callee = self._named.get(tree.path_of(called))
                    if callee is not None and callee is not function:
                        freed += self._freed_through(call, callee, depth + 1)
                case tree.Assign(targets=[target]):
                    place = place_of(target)
                    freed = [known for known in freed if known != place]
        for place in freed:
            root, dot, _ = place.partition(".")
            if root in given and (given[root].endswith(("*", "&")) or dot) and "[" not in place:
                yield place


def _given(function: tree.Function, call: tree.Call) -> dict[str, str]:
    """The place that a call gives for each parameter."""
    return {p.name: place_of(inside_casts(arg)) for p, arg in zip(function.params, call.args, strict=False)}


def _is_reference(param: tree.Parameter) -> bool:
    return isinstance(param.annotation, tree.TypeName) and param.annotation.text.endswith("&")
