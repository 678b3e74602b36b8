"""What a C or C++ function does with pointers that may be null: results of calls, and its own parameters."""

from __future__ import annotations

import re
from collections.abc import Sequence

from llmlint.code.facts.carried import Held, Walk
from llmlint.code.facts.facts import PointerUse, Reach
from llmlint.code.facts.native_endings import Endings
from llmlint.code.facts.native_tests import ASKED, SET, UNSET, inside_casts, place_of
from llmlint.code.syntax import tree

_MOST_REACHES = 4
_REACHED = frozenset({"reached"})
_OF_CONTAINERS = frozenset(
    "at get begin end cbegin cend rbegin rend data back front c_str str size move forward make_shared make_unique min "
    "max top emplace emplace_back value empty length count".split()
)
_ASSERTION = re.compile(r"(?:^|_)(?:\w?assert|\w?check|require|expect|enforce|verify)(?:s|ed)?(?:_|$)", re.IGNORECASE)
_LEAVES_IF_NULL = re.compile(r"(?:^|_)(?:IF_NULL(?:PTR)?|IF_NOT)(?:_|$)")
"""Macros that leave where a place is null: `THROW_IF_NULL(p, "…")`, `RETURN_IF_NOT(p)`."""
_MAY_BE_NULL = re.compile(r"^$|\*$|\bauto\b(?!.*&)|ptr\b|Ptr\b|\boptional\b|iterator\b")


class _Origin:
    """A call or a parameter, and what became of its value so far."""

    __slots__ = ("asked", "callee", "column", "late", "line", "place", "reaches")

    def __init__(self, callee: str, at: tree.Node, place: str) -> None:
        self.callee = callee
        self.line = at.line
        self.column = at.column
        self.place = place
        self.reaches: list[Reach] = []
        self.asked = 0
        self.late = 0


_State = dict[str, Held[_Origin]]


def pointer_uses(function: tree.Function, lines: Sequence[str], endings: Endings) -> tuple[PointerUse, ...]:
    """One for each parameter and each call's result that is reached through or asked about, in source order."""
    reader = _Reader(function, lines, endings)
    reader.run()
    kept = (o for o in reader.origins.values() if o.reaches or (o.asked and o.callee))
    return tuple(
        PointerUse(o.callee, o.line, o.column, o.place, tuple(o.reaches), o.asked, o.late)
        for o in sorted(kept, key=lambda o: (o.line, o.column))
    )


class _Reader(Walk[_Origin]):
    def __init__(self, function: tree.Function, lines: Sequence[str], endings: Endings) -> None:
        super().__init__(function, endings)
        self.lines = lines
        self.origins: dict[int, _Origin] = {}
        self._kinds_asked: dict[tuple[str, str], str] = {}
        """Which call was first asked of a place for a type: `is<T>(x)`."""

    def at_entry(self) -> _State:
        return {
            p.name: Held(self._origin(p, "", p.name))
            for p in self.function.params
            if isinstance(p.annotation, tree.TypeName) and p.annotation.text.endswith("*") and p.name
        }

    def _origin(self, at: tree.Node, callee: str, place: str) -> _Origin:
        return self.origins.setdefault(id(at), _Origin(callee, at, place))

    def given(self, value: tree.Node, state: _State, target: tree.Node, declared: str) -> Held[_Origin] | None:
        call = inside_casts(value)
        if not isinstance(call, tree.Call) and state and (known := place_of(call)) in state:
            return state[known]
        if not isinstance(call, tree.Call) or not _MAY_BE_NULL.search(declared):
            return None
        callee = _callee(call) if not self._counts(call) and not self._is_known_kind(call) else ""
        return Held(self._origin(call, callee, place_of(target))) if callee else None

    def _counts(self, call: tree.Call) -> bool:
        """Is it asked for the next of so many as there are?"""
        return any(isinstance(arg, tree.Name) and arg.id in self.counters for arg in map(inside_casts, call.args))

    def _is_known_kind(self, call: tree.Call) -> bool:
        """Was it asked before whether the place is of this type: `is<T>(x)` before `cast<T>(x)`?"""
        kind = _kind_asked(call) if call.template else None
        asked_by = self._kinds_asked.get(kind) if kind is not None else None
        return asked_by is not None and asked_by != tree.path_of(call.function)

    def meets(self, node: tree.Node, state: _State) -> None:
        match node:
            case tree.Attribute(value=value) if state or isinstance(value, tree.Call):
                if has_arrow(node, self.lines):
                    self._reach(value, "->", node, state)
            case tree.Unary(op="*", operand=operand):
                self._reach(operand, "*", node, state)
            case tree.Call(function=function, args=args):
                if node.template and (kind := _kind_asked(node)) is not None:
                    self._kinds_asked.setdefault(kind, tree.path_of(function))
                name = tree.path_of(function).rpartition(".")[2] if state else ""
                for at, arg in enumerate(args if name else ()):
                    if (place := place_of(arg)) in state:
                        self._note_reach(place, f"{name}#{at}", node, state)

    def _reach(self, value: tree.Node, how: str, at: tree.Node, state: _State) -> None:
        value = inside_casts(value)
        if isinstance(value, tree.Call) and (callee := _callee(value)):
            if self._counts(value) or self._is_known_kind(value):
                return
            self._origin(value, callee, "").reaches.append(self._reached(how, at))
        elif (place := place_of(value)) in state:
            self._note_reach(place, how, at, state)

    def _note_reach(self, place: str, how: str, at: tree.Node, state: _State) -> None:
        held = state[place]
        reaches = held.origin.reaches
        if held.asked <= _REACHED and len(reaches) < _MOST_REACHES:
            reaches.append(self._reached(how, at))
            state[place] = held._replace(asked=_REACHED)

    def _reached(self, how: str, at: tree.Node) -> Reach:
        return Reach(how, at.line, at.column, not self.branches and not self.may_have_left)

    def bare(self, call: tree.Call) -> str:
        """A function that checks what it is given looks into it; an assertion asks whether it is there."""
        name = tree.path_of(call.function).rpartition(".")[2]
        is_assertion = _ASSERTION.search(name) and (name.isupper() or name.lower().endswith("assert"))
        return SET if is_assertion or _LEAVES_IF_NULL.search(name) else ASKED

    def told(self, held: Held[_Origin], told: str, at: tree.Node) -> None:
        if told in (SET, UNSET):
            held.origin.asked = held.origin.asked or at.line
            if held.asked >= _REACHED and held.sure:
                held.origin.late = held.origin.late or at.line


def _callee(call: tree.Call) -> str:
    path = tree.path_of(call.function)
    return "" if "()" in path or path.rpartition(".")[2] in _OF_CONTAINERS else path


def _kind_asked(call: tree.Call) -> tuple[str, str] | None:
    """The type and the place of `is<T>(x)`, `get_if<T>(&x)`."""
    given = inside_casts(call.args[0]) if len(call.args) == 1 else None
    if isinstance(given, tree.Unary) and given.op == "&":
        given = given.operand
    place = place_of(given)
    return (call.template, place) if place else None


def has_arrow(node: tree.Attribute, lines: Sequence[str]) -> bool:
    """Is it `value->name`, not `value.name`?"""
    at = node.value
    rest = lines[at.end_line - 1][at.end_column - 1 :] if at.end_line <= len(lines) else ""
    return rest.lstrip(" )").startswith("->")
