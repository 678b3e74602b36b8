"""What a C or C++ function reaches through after it is gone: on its tree, along the ways through it.

A place that borrows (an iterator, a reference, a pointer, a view) holds what it borrows from, until that changes or
dies; a place that was moved from, deleted or freed holds that. A function of the same file is known by what it does to
what it is given: which containers of the object it makes longer or shorter, what it frees, and of what it gives a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from llmlint.code.facts.carried import Held, Walk, forget, joined
from llmlint.code.facts.native_endings import Endings
from llmlint.code.facts.native_tests import OPPOSITE, inside_casts, place_of, told_by, truth_of
from llmlint.code.facts.pointer_uses import has_arrow
from llmlint.code.flow.loop_rounds import REVIVES, given_in, is_before_the_rounds, stays_in_loop
from llmlint.code.flow.native_helpers import Given, Helpers
from llmlint.code.syntax import tree
from llmlint.code.syntax.recursion import room_for_calls
from llmlint.code.syntax.written import mentions, text_of

_BORROWED = ("reference", "iterator", "pointer")
_DEAD = "\0gone"
"""Behind a place: what became of it. Forgotten with it when it gets another value."""

_IS = "\0is"
"""Before a place, in what all ways from an end were told: which value it was given there."""

_MOVES_ALL = frozenset({"vector", "string"})
_ALL = frozenset("push_back emplace_back insert emplace resize reserve assign clear erase shrink_to_fit append".split())
_ELEMENT = re.compile(r"erase|extract")
_EVERY = re.compile(r"^clear$")
_ITERATOR = frozenset("begin cbegin rbegin end find lower_bound upper_bound emplace insert".split())
_REFERENCE = frozenset("front back at emplace_back value top".split())
_POINTER = frozenset({"data", "c_str"})
_CONTAINER = re.compile(r"\b(?P<kind>vector|string|deque|unordered_map|map|set|unordered_set|list|multimap)\b")
_NODES = frozenset({"map", "set", "list", "unordered_map", "unordered_set", "multimap"})
_BORROWS = re.compile(r"[&*]$|\bauto\b|iterator\b|_view\b|\bspan\b")
_SCALAR = re.compile(
    r"^(?:const |static |volatile |unsigned |signed |std::)*(?:int|long|short|char|bool|float|double|u?int\d+_t|size_t|"
    r"ssize_t|ptrdiff_t|uint|llama_token|llama_pos|llama_seq_id)(?: int| long)*$"
)
_FUTURE = re.compile(r"\b(?:shared_)?future\b|\bpromise\b")
_MOVABLE = re.compile(r"^[A-Za-z_][\w.]*$")
_CAPTURED_MOVE = re.compile(r"=\s*std::move\(\s*([A-Za-z_]\w*)\s*\)")

_ROOM = 10_000
"""Two calls for each level of an expression, of which a file may have thousands."""


_OWNS = re.compile(
    r"(?:unique_ptr|shared_ptr|vector|string|map|set|deque|list|optional|function|promise|future|thread)\b"
)
"""Types that a move leaves empty."""
_OF_OWNERS = frozenset("size length begin end data front back at c_str".split())
"""What only a container, a text or a pointer is asked for."""
_DELETED = re.compile(r"^delete\s*(?:\[\s*\])?\s*[\w.:>\-\[\]()]+$")

_ROOT = re.compile(r"\w+")

Told = tuple[str, bool]
"""A test as written, and whether it holds."""


class Hold(NamedTuple):
    """`what`: what the place borrows from, or "" where the place itself is gone. `why` says how it went, `after` where.

    `told` is what tests said on the way there. `always`: what ends it does so on every way through it.
    """

    how: str
    what: str
    key: str
    at: tree.Node
    why: str = ""
    after: tree.Node | None = None
    told: frozenset[Told] = frozenset()
    always: bool = True


class Lost(NamedTuple):
    """A use of a place behind what ended it."""

    at: tree.Node
    place: str
    use: str
    hold: Hold
    function: tree.Function


_State = dict[str, Held[Hold]]


def lost_in(
    function: tree.Function, fields: dict[str, str], helpers: Helpers, lines: Sequence[str], endings: Endings
) -> list[Lost]:
    walk = _Lifetimes(function, fields, helpers, lines, endings)
    with room_for_calls(_ROOM):
        walk.run()
    return walk.found


class _Lifetimes(Walk[Hold]):
    def __init__(
        self,
        function: tree.Function,
        fields: dict[str, str],
        helpers: Helpers,
        lines: Sequence[str],
        endings: Endings,
    ) -> None:
        super().__init__(function, endings)
        self.found: list[Lost] = []
        self.helpers = helpers
        self.lines = lines
        self.fields = fields
        self.params = {p.name: p.annotation.text for p in function.params if isinstance(p.annotation, tree.TypeName)}
        self.types = fields | self.params
        self._depth = 0
        self._moved: list[tuple[str, tree.Call]] = []
        self._kills: list[tuple[str, Held[Hold]]] = []
        self._told: list[Told] = []
        self._aliases: dict[str, str] = {}
        """Names that stand for a container, by reference."""

    # ------------------------------------------------------------ borrowing

    def given(self, value: tree.Node, state: _State, target: tree.Node, declared: str) -> Held[Hold] | None:
        target_type = declared or self.types.get(place_of(target), "")
        if not _BORROWS.search(target_type):
            return None
        value = inside_casts(value)
        if target_type.endswith("&") and self._kind(place_of(value)) and isinstance(target, tree.Name):
            self._aliases[target.id] = place_of(value)
        known = state.get(place_of(value))
        if known is not None and not known.origin.why:
            return known
        borrowed = self._borrowed(value, state, target_type)
        if borrowed is None:
            return None
        how, what, key = borrowed
        return Held(Hold(how, self._aliases.get(what, what), key, value))

    def _borrowed(self, value: tree.Node, state: _State, declared: str) -> tuple[str, str, str] | None:
        """How it is borrowed, from which container, and by which key."""
        by_reference = declared.endswith("&") and not declared.endswith("&&")
        match value:
            case tree.Index(value=base, key=key) if by_reference and self._kind(place_of(base)):
                return "reference", place_of(base), text_of(key, self.lines)
            case tree.Unary(op="&", operand=operand):
                inner = self._borrowed(operand, state, "auto &")
                return ("pointer", *inner[1:]) if inner is not None else None
            case tree.Unary(op="*", operand=operand) if by_reference:
                return self._through(operand, state, "reference")
            case tree.Attribute(value=tree.Name() as base, name="second") if by_reference:
                return self._through(base, state, "reference")
            case tree.Call(function=tree.Attribute(value=base, name=name), args=args):
                return self._by_method(base, name, args, state, declared)
            case tree.Call(function=tree.Name(id=name)):
                container = self.helpers.lends(name)
                if container and (by_reference or declared.endswith("*")):
                    return "reference" if by_reference else "pointer", container, ""
        return None

    def _by_method(
        self, base: tree.Node, name: str, args: list[tree.Node], state: _State, declared: str
    ) -> tuple[str, str, str] | None:
        place = place_of(base)
        kind = self._kind(place)
        key = text_of(args[0], self.lines) if len(args) == 1 else ""
        if kind and name in _ITERATOR and not declared.endswith(("&", "*")):
            return ("iterator", place, key) if name != "end" else None
        if kind and name in _REFERENCE and declared.endswith("&"):
            return "reference", place, key
        if kind and name in _POINTER:
            return "pointer", place, ""
        if name == "get" and not args and declared.endswith(("*", "auto")):
            through = base.value if isinstance(base, tree.Attribute) and base.name == "second" else base
            return self._through(through, state, "pointer")
        return None

    def _through(self, node: tree.Node, state: _State, how: str) -> tuple[str, str, str] | None:
        held = state.get(place_of(node))
        if held is not None and not held.origin.why:
            return how, held.origin.what, held.origin.key
        return None

    def _kind(self, place: str) -> str:
        """Which container a place is declared as; "" for what is none, and for pointers to one."""
        declared = self._declared_type(self._aliases.get(place, place))
        found = _CONTAINER.search(declared.partition("<")[0].rstrip("&* ") if "<" in declared else declared)
        return found["kind"] if found is not None and "shared_ptr" not in declared and "_view" not in declared else ""

    # ------------------------------------------------------------ ends

    def _end(self, place: str, hold: Hold, state: _State) -> None:
        if not place:
            return
        held = Held(hold._replace(told=frozenset(self._told)))
        state[place + _DEAD] = held
        self._kills.append((place + _DEAD, held))

    def _changes(self, container: str, name: str, args: list[tree.Node], at: tree.Node, state: _State) -> None:
        """What is borrowed from a container when it changes."""
        container = self._aliases.get(container, container)
        kind = self._kind(container)
        for place, held in list(state.items()):
            hold = held.origin
            if hold.what != container or hold.why or place.endswith(_DEAD):
                continue
            if self._is_ended(hold, kind, name, args, place):
                why = f"{container}.{name}() ends what {place} stands for"
                self._end(place, hold._replace(why=why, after=at), state)

    def _is_ended(self, hold: Hold, kind: str, name: str, args: list[tree.Node], place: str) -> bool:
        if _EVERY.search(name):
            return True
        if kind in _MOVES_ALL:
            return name in _ALL and not (name == "erase" and hold.how != "iterator")
        if _ELEMENT.search(name) and args:
            by = inside_casts(args[0])
            return place_of(by) == place or (bool(hold.key) and text_of(by, self.lines) == hold.key)
        return kind == "deque" and hold.how == "iterator" and name in _ALL

    def _taken_out(self, container: str, call: tree.Call, state: _State) -> None:
        """What a container owns is gone when it is taken out by a key of its own: `nodes.erase(node->id)`."""
        owned = self._declared_type(container)
        for node in tree.walk(call.args[0]):
            place = place_of(node) if isinstance(node, tree.Name) else ""
            declared = self.types.get(place, "")
            named = re.escape(declared.rstrip("*& ").rpartition("::")[2])
            own = re.compile(rf"(?:unique_ptr<|, ?)[\w:]*\b{named}\b ?>")
            if declared.endswith(("*", "&")) and named and own.search(owned):
                why = f"{container}.erase() ends what {place} stands for: the container owns it"
                self._end(place, Hold("pointer", "", "", call, why, call), state)

    def _frees(self, place: str, at: tree.Node, state: _State, always: bool = True) -> None:
        """Is it freed already?"""
        dead = state.get(place + _DEAD)
        if dead is not None and dead.origin.how == "freed":
            self._lose(at, place, "freed again", dead.origin._replace(always=dead.origin.always and always))

    def _give(self, target: tree.Node, value: tree.Node | None, state: _State, declared: str = "") -> None:
        super()._give(target, value, state, declared)
        self._has_now(place_of(target), truth_of(value), state)

    def _has_now(self, place: str, told: str, state: _State) -> None:
        """What is given a value behind an end tells whoever asks for it there whether he came by that end."""
        for key in [k for k in state if k.endswith(_DEAD)] if place else ():
            held = state[key]
            kept = {known for known in held.asked if not mentions(known.partition(_IS)[2], place)}
            state[key] = held._replace(asked=frozenset(kept | ({f"{told}{_IS}{place}"} if told else set())))

    def _may_change(self, call: tree.Call, state: _State) -> None:
        """A call may give another value to what it is handed, and to what is no local."""
        places = {known.partition(_IS)[2] for held in state.values() for known in held.asked if _IS in known}
        if not places:
            return
        named = {node.id for part in tree.children(call) for node in tree.walk(part) if isinstance(node, tree.Name)}
        for place in places:
            root = _ROOT.match(place)
            if root is None or root[0] in named or root[0] in self.fields or root[0] not in self.types:
                self._has_now(place, "", state)

    # ------------------------------------------------------------ what is met

    def evaluate(self, node: tree.Node, state: _State) -> None:
        self._depth += 1
        super().evaluate(node, state)
        self._depth -= 1
        if not self._depth and self._moved:
            for place, call in self._moved:
                if not place.endswith(")"):
                    self._end(place, Hold("moved", "", "", call, f"{place} is moved from", call), state)
            self._moved = []

    def _lambda(self, node: tree.Lambda, state: _State) -> bool:
        for moved in _CAPTURED_MOVE.findall(node.captures):
            self._moved.append((moved, tree.Call(node.line, node.column, node.end_line, node.end_column, node, [])))
        depth, pending = self._depth, self._moved
        self._depth, self._moved = 0, []
        super()._lambda(node, state)
        self._depth, self._moved = depth, pending
        return True

    def _call(self, node: tree.Call, state: _State) -> bool:
        function = node.function
        if state and isinstance(function, tree.Attribute) and function.name in REVIVES:
            place = place_of(function.value)
            dead = state.get(place + _DEAD)
            if dead is not None and dead.origin.how == "moved":
                del state[place + _DEAD]
        return super()._call(node, state)

    def _unary(self, node: tree.Unary, state: _State) -> bool:
        if node.op in ("++", "--"):
            if place_of(node.operand) not in self.counters:
                self._look(node.operand, "stepped on", node, state, ("iterator",))
            self._has_now(place_of(node.operand), "", state)
        return super()._unary(node, state)

    def _statement(self, node: tree.Node, state: _State) -> _State | None:
        after = super()._statement(node, state)
        if isinstance(node, tree.Function) and state:
            forget(state, node.name)  # `T name(f());` reads like a declaration of a function
        if isinstance(node, tree.Delete) and _DELETED.match(text_of(node, self.lines).rstrip("; ")):
            for target in node.targets:
                self._frees(place_of(target), node, state)
                self._end(place_of(target), Hold("freed", "", "", node, "it is deleted here", node), state)
        return after

    def meets(self, node: tree.Node, state: _State) -> None:
        match node:
            case tree.Call():
                self._meets_call(node, state)
            case tree.Attribute(value=value) if state:
                self._look(value, f"read for its {node.name}", node, state)
                if isinstance(value, tree.Attribute) and (node.name in _OF_OWNERS or has_arrow(node, self.lines)):
                    self._look(value.value, f"read for its {value.name}", node, state)
            case tree.Unary(op="*", operand=operand) if state:
                self._look(operand, "dereferenced", node, state)
            case tree.Unary(op="&", operand=operand) if state:
                self._revive(operand, state)
            case tree.Index(value=value) if state:
                self._look(value, "indexed", node, state)
            case tree.Binary(op=">>", right=right) if state:
                self._revive(right, state)
            case tree.Binary() | tree.Compare() if state:
                for child in tree.children(node):
                    self._look(child, "read", node, state, ("reference",))

    def _meets_call(self, node: tree.Call, state: _State) -> None:
        name = tree.path_of(node.function)
        if name in ("std.move", "move") and len(node.args) == 1:
            self._move(node, state)
            return
        if state:
            self._may_change(node, state)
        for arg in node.args if state else ():
            inner = inside_casts(arg)
            self._look(inner, f"given to {name.rpartition('.')[2]}()", node, state, _BORROWED)
            self._revive(inner, state)
        function = node.function
        if isinstance(function, tree.Attribute):
            self._changes(place_of(function.value), function.name, node.args, node, state)
            if _ELEMENT.search(function.name) and len(node.args) == 1:
                self._taken_out(place_of(function.value), node, state)
        for container, by in self.helpers.changed_by(node) if state else ():
            self._changes(container, by, [], node, state)
        given, freed = list(self.helpers.given_by(node)) if state else [], list(self.helpers.freed_by(node))
        for place, how in freed:
            if how.is_first:
                self._frees(place, node, state, how.always)
        self._give_anew(given, state)
        for place, how in freed:
            if how.is_left:
                why = f"{name.rpartition('.')[2]}() frees it"
                self._end(place, Hold("freed", "", "", node, why, node, always=how.always), state)
                told = frozenset(f"{told}{_IS}{flag}" for flag, told in how.told)
                state[place + _DEAD] = state[place + _DEAD]._replace(asked=told)

    def _give_anew(self, given: Iterable[Given], state: _State) -> None:
        for one in given:
            if one.is_whole:
                for known in [k for k in state if k.startswith(f"{one.place}.")]:
                    del state[known]
            else:
                forget(state, one.place)

    def _move(self, node: tree.Call, state: _State) -> None:
        place = place_of(node.args[0])
        if not _MOVABLE.match(place) or _SCALAR.match(self.types.get(place, "")):
            return
        dead = state.get(place + _DEAD)
        if dead is not None and dead.origin.how == "moved" and "." not in place:
            self._lose(node, place, "moved again", dead.origin)
        self._moved.append((place, node))

    def _revive(self, node: tree.Node, state: _State) -> None:
        """It may be filled again by what it is given to."""
        dead = state.get(place_of(node) + _DEAD)
        if dead is not None and dead.origin.how == "moved":
            del state[place_of(node) + _DEAD]

    def _look(self, node: tree.Node, use: str, at: tree.Node, state: _State, hows: Sequence[str] = ()) -> None:
        place = place_of(node)
        dead = state.get(place + _DEAD) if place and state else None
        if dead is None or (hows and dead.origin.how not in hows):
            return
        if dead.origin.how == "moved" and isinstance(at, tree.Attribute) and self._stays(at):
            return
        self._lose(at, place, use, dead.origin)

    def _stays(self, at: tree.Attribute) -> bool:
        """A number is left as it was when the whole is moved from, and a smart pointer is null: it may be asked."""
        if at.name == "get" and not _FUTURE.search(self._declared_type(place_of(at.value))):
            return not has_arrow(at, self.lines)
        if at.name in _OF_OWNERS or has_arrow(at, self.lines):
            return False
        if at.name in self.fields:
            return not _OWNS.search(self.fields[at.name])
        return not _OWNS.search(self._declared_type(place_of(at.value)))

    def _declared_type(self, place: str) -> str:
        return self.types.get(place) or self.types.get(place.rpartition(".")[2], "")

    def _lose(self, at: tree.Node, place: str, use: str, hold: Hold) -> None:
        if any((text, not holds) in hold.told for text, holds in self._told):
            return
        if hold.how == "moved" and "." in place and not hold.told <= set(self._told):
            return  # another branch may have put something there
        if not any(lost.place == place and lost.hold.after is hold.after for lost in self.found):
            self.found.append(Lost(at, place, use, hold, self.function))

    # ------------------------------------------------------------ ways

    def block(self, body: Iterable[tree.Node], state: _State) -> _State | None:
        known = len(self._told)
        after = super().block(body, state)
        del self._told[known:]
        return after

    def _at_label(self, label: tree.Label, comes: _State | None) -> _State:
        self._told = []  # who jumps here was told something else
        return super()._at_label(label, comes)

    def _if(
        self, test: tree.Node, body: Iterable[tree.Node], orelse: Iterable[tree.Node], state: _State
    ) -> _State | None:
        self.evaluate(test, state)
        ends: list[_State | None] = []
        for branch, holds in ((body, True), (orelse, False)):
            told = list(_told_by(test, holds, self.lines))
            self._told += told
            ends.append(self.block(branch, self._where(test, holds, state)))
            del self._told[len(self._told) - len(told) :]
        if (ends[0] is None) != (ends[1] is None):
            self._told += _told_by(test, ends[0] is not None, self.lines)
        return joined(ends)

    def _where(self, test: tree.Node, holds: bool, state: _State) -> _State:
        """What a call takes that then says no, it has not taken; and what a test says that an end has not left so."""
        state = super()._where(test, holds, state)
        for place, told, _ in told_by(test, holds) if any(held.asked for held in state.values()) else ():
            for key in [k for k, held in state.items() if f"{OPPOSITE.get(told)}{_IS}{place}" in held.asked]:
                del state[key]
        while isinstance(test, tree.Unary) and test.op == "not":
            test, holds = test.operand, not holds
        if not holds and isinstance(test, tree.Call):
            for key in [k for k, held in state.items() if k.endswith(_DEAD) and held.origin.how == "moved"]:
                if any(node is state[key].origin.at for node in tree.walk(test)):
                    del state[key]
        return state

    def _loop(self, node: tree.Loop, state: _State) -> _State | None:
        before = len(self._kills)
        after = super()._loop(node, state)
        given = set(given_in(node))
        for key in [k for k, held in (after or {}).items() if k.endswith(_DEAD) and held.origin.how == "moved"]:
            if key.removesuffix(_DEAD) in given and after is not None:
                del after[key]
        for key, held in self._kills[before:] if after is not None else ():
            if held.origin.what and key.removesuffix(_DEAD) in (after or {}):
                (after or {})[key] = held
        self._moved_each_round(node, given, before)
        return after

    def _moved_each_round(self, node: tree.Loop, own: set[str], before: int) -> None:
        """What stands outside of a loop and is moved from on each of its rounds."""
        for key, held in self._kills[before:]:
            place = key.removesuffix(_DEAD)
            if held.origin.how == "moved" and place.partition(".")[0] not in own and place not in own:
                if not is_before_the_rounds(node, held.origin.at) and stays_in_loop(node, held.origin.at):
                    self._lose(held.origin.at, place, "moved from again in the next round", held.origin)


def _told_by(test: tree.Node, holds: bool, lines: Sequence[str]) -> Iterator[Told]:
    """What is known of the parts of a test where all of it holds, or does not."""
    match test:
        case tree.Unary(op="not", operand=operand):
            yield from _told_by(operand, not holds, lines)
        case tree.Collection(kind="tuple", items=[only]):
            yield from _told_by(only, holds, lines)
        case tree.Logic(op=op, operands=operands) if holds == (op == "and"):
            for operand in operands:
                yield from _told_by(operand, holds, lines)
        case tree.Compare(operands=[_, _], ops=["!="]):
            yield text_of(test, lines).replace("!=", "=="), not holds
        case _:
            yield text_of(test, lines), holds
