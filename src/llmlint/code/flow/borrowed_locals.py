"""Locals of C and C++ functions that are borrowed by something that outlives them.

A view of a local is given back, or put into a member; a pointer is taken into a value that ends with its statement; a
lambda that refers to locals runs behind their end. Asked of the tree alone: what a local is declared as decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from llmlint.code.facts.native_tests import inside_casts, place_of
from llmlint.code.flow.lifetimes import Hold, Lost
from llmlint.code.syntax import tree

_HOLDS = re.compile(r"^(?:std::)?(?:string|vector|array|unique_ptr|shared_ptr|ostringstream|stringstream)\b(?!.*[&*]$)")
_TEXT = re.compile(r"^(?:std::)?string$")
_VIEW = re.compile(r"(?:string_view|span)\b[^&*]*$")
_POINTS = re.compile(r"\*$|string_view|\bspan\b")
_VIEWING = frozenset({"c_str", "data", "get", "begin", "end"})
_TEXTS = frozenset("to_string substr str string u8string generic_string format dump".split())
_STORES = frozenset("push_back emplace_back insert emplace push assign push_front emplace_front".split())
_KEEPS = _STORES | {"enqueue", "post", "submit", "defer", "schedule"}
_OF_NOTE = frozenset({tree.Return, tree.Call, tree.Assign})
"""Where a function may hand something out."""
_WAITS = frozenset("join get wait wait_for run wait_all sync notify_and_wait drain".split())


class Locals:
    """What one function declares by value, and what it does with it."""

    def __init__(self, function: tree.Function, fields: Mapping[str, str], returning: Mapping[str, str]) -> None:
        self.function = function
        self.fields = fields
        self.returning = returning
        self.declared: dict[str, tree.Assign] = {}
        self.types: dict[str, str] = {}
        self.all: set[str] = set()
        for node in tree.walk_own(function):
            if isinstance(node, tree.Assign) and node.declares and isinstance(node.annotation, tree.TypeName):
                for name in (t.id for t in node.targets if isinstance(t, tree.Name)):
                    self._declare(name, node, node.annotation.text)

    def _declare(self, name: str, node: tree.Assign, declared: str) -> None:
        self.all.add(name)
        if "static" in node.specifiers or "thread_local" in node.specifiers:
            return
        if declared == "auto" and isinstance(node.value, tree.Call):
            called = tree.path_of(node.value.function).rpartition(".")[2]
            declared = {"make_shared": "std::shared_ptr", "make_unique": "std::unique_ptr"}.get(called, declared)
        self.types[name] = declared
        if _HOLDS.match(declared):
            self.declared[name] = node

    def found(self) -> Iterator[Lost]:
        for node in (node for node in tree.walk_own(self.function) if type(node) in _OF_NOTE):
            yield from self._run_later(node)
            match node:
                case tree.Return(value=value) if value is not None:
                    yield from self._given_back(value, node)
                case tree.Call(function=tree.Attribute(value=base, name=name), args=args) if name in _STORES:
                    if self._is_member(place_of(base)) and not _copies_a_range(name, args):
                        yield from self._stored(args, place_of(base), node)
                case tree.Assign(targets=[target], value=value, declares=False) if value is not None:
                    if self._is_member(place_of(target)) and _POINTS.search(self._type_of(place_of(target))):
                        yield from self._stored([value], place_of(target), node)
                case tree.Assign(targets=[tree.Name(id=name)], value=value, declares=True) if value is not None:
                    yield from self._of_temporary(name, value, node)

    def _type_of(self, place: str) -> str:
        return self.fields.get(place) or self.fields.get(place.rpartition(".")[2], "")

    def _is_member(self, place: str) -> bool:
        root = place.removeprefix("self.").partition(".")[0].partition("[")[0]
        return root in self.fields and root not in self.all and not any(p.name == root for p in self.function.params)

    # ------------------------------------------------------------ given back

    def _given_back(self, value: tree.Node, at: tree.Return) -> Iterator[Lost]:
        returns = self.function.returns.text if isinstance(self.function.returns, tree.TypeName) else ""
        if not (returns.endswith(("&", "*")) or _VIEW.search(returns)) or returns.endswith("&&"):
            return
        value = inside_casts(value)
        name = next(self._viewed(value), "")
        if not name and isinstance(value, tree.Name) and not returns.endswith("*"):
            name = value.id if value.id in self.declared else ""
        if not name and isinstance(value, tree.Unary) and value.op == "&" and isinstance(value.operand, tree.Name):
            name = value.operand.id if self._is_by_value(value.operand.id) else ""
        if name and not (_VIEW.search(returns) and "ptr" in self.types[name]):
            if "ptr" not in self.types[name] or not self._is_kept(name):
                yield self._lost(name, at, "given back", f"{name} ends with {self.function.name}()")

    def _is_by_value(self, name: str) -> bool:
        declared = self.types.get(name, "")
        return bool(declared) and not declared.endswith(("&", "*")) and "auto" not in declared

    def _viewed(self, node: tree.Node) -> Iterator[str]:
        """The locals into which an expression points."""
        match node:
            case tree.Call(function=tree.Attribute(value=base, name=name), args=[]) if name in _VIEWING:
                root = tree.path_of(base).partition(".")[0]
                if root in self.declared and (name != "get" or "ptr" in self.types[root]):
                    yield root

    # ------------------------------------------------------------ run later

    def _run_later(self, node: tree.Node) -> Iterator[Lost]:
        """A lambda that refers to locals, given to a thread that nobody joins or to a member that keeps it."""
        for lambda_, keeper in self._kept_lambdas(node):
            name = next(self._referred(lambda_), "")
            if name and not self._waits():
                use = f"referred to by a lambda that {keeper} runs later"
                yield self._lost(name, lambda_, use, f"{name} ends with {self.function.name}()", lambda_)

    def _kept_lambdas(self, node: tree.Node) -> Iterator[tuple[tree.Lambda, str]]:
        match node:
            case tree.Call(function=tree.Attribute(value=tree.Call(args=[tree.Lambda() as own, *_]), name="detach")):
                yield own, "a thread on its own"
            case tree.Call(function=tree.Attribute(value=tree.Name(id=name), name="detach")):
                made = [n for n in tree.walk_own(self.function) if isinstance(n, tree.Assign) and n.declares]
                for value in (n.value for n in made if place_of(n.targets[0]) == name):
                    if isinstance(value, tree.Call) and value.args and isinstance(value.args[0], tree.Lambda):
                        yield value.args[0], "a thread on its own"
            case tree.Call(function=tree.Attribute(value=base, name=method), args=args) if method in _KEEPS:
                if self._is_member(place_of(base)):
                    yield from ((a, place_of(base)) for a in args if isinstance(a, tree.Lambda))
            case tree.Assign(targets=[target], value=tree.Lambda() as own, declares=False):
                if self._is_member(place_of(target)):
                    yield own, place_of(target)

    def _referred(self, node: tree.Lambda) -> Iterator[str]:
        """The locals that it captures by reference, and uses."""
        by_value = {p.name for p in self.function.params if _is_value(p)}
        names = {n for n in self.all | by_value if not self.types.get(n, "").endswith("&")}
        captured = [part.strip() for part in node.captures.strip("[] ").split(",")]
        used = {n.id for n in tree.walk(node.function) if isinstance(n, tree.Name)}
        for name in sorted(names & used):
            if f"&{name}" in captured or ("&" in captured and name not in captured):
                yield name

    def _waits(self) -> bool:
        calls = (n for n in tree.walk_own(self.function) if isinstance(n, tree.Call))
        return any(tree.path_of(call.function).rpartition(".")[2] in _WAITS for call in calls)

    # ------------------------------------------------------------ stored

    def _stored(self, values: list[tree.Node], into: str, at: tree.Node) -> Iterator[Lost]:
        held = self._type_of(into)
        if "string>" in held or (held and not _POINTS.search(held) and re.search(r"\bstring\b|<u?int8_t|<char", held)):
            return
        for value in values:
            for name in self._pointed(value):
                if not self._is_kept(name):
                    yield self._lost(name, at, f"put into {into} by a pointer", f"{name} ends with this block")
                    return

    def _pointed(self, value: tree.Node) -> Iterator[str]:
        value = inside_casts(value)
        yield from self._viewed(value)
        if isinstance(value, tree.Collection):
            for item in value.items:
                yield from self._pointed(item)

    def _is_kept(self, name: str) -> bool:
        """Is the local itself handed on, so that somebody else may keep what it holds?"""
        for node in tree.walk_own(self.function):
            match node:
                case tree.Call(args=args):
                    given = [arg for arg in args if isinstance(arg, tree.Name) and arg.id == name]
                case tree.Assign(value=tree.Name(id=id)) if id == name:
                    return True
                case tree.Return(value=tree.Name(id=id)) if id == name:
                    return True
                case tree.Collection(items=items):
                    given = [item for item in items if isinstance(item, tree.Name) and item.id == name]
                case tree.Lambda(captures=captures) if name in captures or "=" in captures:
                    return True
                case tree.Call(function=tree.Attribute(value=tree.Name(id=id), name="release" | "swap")) if id == name:
                    return True
                case _:
                    continue
            if given:
                return True
            if (
                isinstance(node, tree.Call)
                and isinstance(node.function, tree.Attribute)
                and node.function.name
                in (
                    "release",
                    "swap",
                )
            ):
                if place_of(node.function.value) == name:
                    return True
        return False

    # ------------------------------------------------------------ of what ends with the statement

    def _of_temporary(self, name: str, value: tree.Node, at: tree.Assign) -> Iterator[Lost]:
        declared = self.types.get(name, "")
        value = inside_casts(value)
        if _VIEW.search(declared) and self._is_new_text(value):
            yield self._lost(name, at, "made of a text that ends with the statement", "the text is nobody's", value)
        elif isinstance(value, tree.Call) and isinstance(value.function, tree.Attribute):
            inner = value.function.value
            points = declared.endswith("*") or _VIEW.search(declared) or declared == "auto"
            if value.function.name in ("c_str", "data") and points and not value.args and self._is_new_text(inner):
                use = "taken of a text that ends with the statement"
                yield self._lost(name, at, use, "the text is nobody's", value)

    def _is_new_text(self, node: tree.Node) -> bool:
        match node:
            case tree.Collection(kind="tuple", items=[only]):
                return self._is_new_text(only)
            case tree.Binary(op="+", left=left, right=right):
                return any(self._is_text(side) for side in (left, right))
            case tree.Call(function=function):
                name = tree.path_of(function).rpartition(".")[2]
                if name in self.returning:
                    return bool(_TEXT.match(self.returning[name]))
                if name == "substr" and isinstance(function, tree.Attribute):
                    return self._is_text(function.value)
                if name == "string":
                    return tree.path_of(function) in ("std.string", "string") or not node.args
                return name in _TEXTS and name not in ("format", "dump")
        return False

    def _is_text(self, node: tree.Node) -> bool:
        place = place_of(inside_casts(node))
        params = {p.name: p.annotation.text for p in self.function.params if isinstance(p.annotation, tree.TypeName)}
        declared = self.types.get(place) or params.get(place) or self.fields.get(place, "")
        is_made = isinstance(node, tree.Binary | tree.Call) and self._is_new_text(node)
        return is_made or bool(_TEXT.match(declared.rstrip("& ")))

    def _lost(self, name: str, at: tree.Node, use: str, why: str, taken: tree.Node | None = None) -> Lost:
        start = taken or self.declared.get(name) or at
        return Lost(at, name, use, Hold("local", "", "", start, why, start), self.function)


def _is_value(param: tree.Parameter) -> bool:
    return isinstance(param.annotation, tree.TypeName) and not param.annotation.text.endswith(("&", "*"))


def _copies_a_range(name: str, args: list[tree.Node]) -> bool:
    """`kept.insert(kept.end(), first, last)` copies what lies between."""
    return len(args) >= {"insert": 3, "assign": 2}.get(name, len(args) + 1)
