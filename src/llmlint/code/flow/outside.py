"""Values from outside (a file, a peer, a client) in one C, C++ or CUDA function, and where they arrive unchecked.

A value is followed through copies, casts, sums and products; a bound from above, an equality, or a call that may have
checked it ends that. A function of the same file that is handed one, or brings one in by a reference, is passed as
part of who calls it. `rules/flows.toml` says what brings values in, and which calls must not be given one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from llmlint.code.facts.carried import UNEVALUATED, Held, Walk, forget
from llmlint.code.facts.facts import FileFacts, Function
from llmlint.code.facts.native_endings import Endings, native_endings
from llmlint.code.facts.native_tests import ABOVE, ASKED, BELOW, EQUAL, SET, UNLIKE, cast_to, inside_casts, place_of
from llmlint.code.flow.native_helpers import fields_of
from llmlint.code.flow.readers import (
    Readers,
    is_number,
    number_given_by,
    numbers_filled,
    readers_in,
    references_filled_by,
)
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import OfLastTree, by_only_name, functions_of
from llmlint.flows import Flows

_ONE_SIDED = frozenset({ABOVE, UNLIKE, SET})
_CHECKED = "checked"
"""A call was given it, and decided: a test from one side behind that takes nothing back."""
_KEEPS = frozenset({"+", "-", "*", "<<"})
_BY_KEY = re.compile(r"map\s*<|\bjson\b|[mM]ap\b")
_NAMED_BY_KEY = re.compile(r"[mM]aps?_?$")
"""Members whose class is declared in a header."""
_BYTES = re.compile(r"(?:vector|span)\s*<\s*(?:std::)?(?:u?int8_t|char|byte)|(?:uint8_t|char|void)\s*\*|string")
_NO_NUMBER = re.compile(r"\b(?:float|double)\b|\*$")
_FLOAT = re.compile(r"\b(?:float|double)\b")


LENGTH = "size of a file"
TRUSTED = frozenset({LENGTH, "number in a text", "number in a request"})
"""What `flows.toml` calls that which may be the program's own: a setting, what another part has checked."""


class Source(NamedTuple):
    """By which call a value came in, what `flows.toml` calls it, and as which type, where this file declares it."""

    at: tree.Node
    call: str
    what: str
    declared: str = ""


class Arrival(NamedTuple):
    """`how` says what is done there with a value that nothing bounds: size, wrapped (a size that is small where its sum
    wraps), index, pointer, divide or assert.

    `asked` is a test on the way that bounds it from one side only.
    """

    at: tree.Node
    how: str
    by: str
    place: str
    source: Source
    asked: tree.Node | None
    function: tree.Function


_State = dict[str, Held[Source]]
_found: OfLastTree[list[Arrival]] = OfLastTree()


def arrivals_in(file: SourceFile) -> list[Arrival]:
    """In source order; made once for the rules that ask one after another."""
    return _found.of(file.tree, lambda: list(_arrivals(file)))


def _arrivals(file: SourceFile) -> Iterator[Arrival]:
    flows = file.vocabulary.native_flows
    own = [f for f in file.facts.functions if any(flows.brings_in(e.callee) for e in f.effects if e.callee)]
    if own:
        fields = fields_of(file.facts)
        functions = functions_of(file.tree)
        readers = readers_in(functions, flows)
        wanted = _bringing(file.facts, own, readers)
        endings = native_endings(file.tree, file.facts.macros)
        helpers = _Helpers(by_only_name(functions), wanted, readers, endings)
        told: list[tree.Node] = []
        for function in functions:
            if not wanted.isdisjoint(range(function.line, function.end_line + 1)):
                walk = _Outside(function, flows, fields, helpers)
                walk.run()
                new = [arrival for arrival in walk.found if not any(arrival.at is at for at in told)]
                told += (arrival.at for arrival in new)
                yield from new


def _bringing(facts: FileFacts, own: Sequence[Function], readers: Readers) -> set[int]:
    """The lines of the functions that bring a value in: by themselves, by a reader, or by who is given a reference."""
    handing = {f.name for f in own if any(_is_reference(p.annotation) for p in f.params)} | readers.keys()
    asking = (f for f in facts.functions if any(_name(e.callee.lstrip("~")) in handing for e in f.effects))
    return {f.line for f in (*own, *asking)}


def _is_reference(annotation: str) -> bool:
    return annotation.endswith("&")


class _Helpers(NamedTuple):
    """The functions of a file by name, the lines of those that bring values in, what hands on what it reads, and what
    never comes back."""

    named: Mapping[str, tree.Function]
    bringing: Collection[int]
    readers: Readers
    endings: Endings


class _Outside(Walk[Source]):
    def __init__(self, function: tree.Function, flows: Flows, fields: dict[str, str], helpers: _Helpers) -> None:
        super().__init__(function, helpers.endings)
        self.flows = flows
        self.found: list[Arrival] = []
        self.parameters = {
            p.name: p.annotation.text for p in function.params if isinstance(p.annotation, tree.TypeName)
        }
        self._fields = fields
        self._helpers = helpers
        self.types = fields | self.parameters
        self._made_for: dict[str, list[tuple[str, Source]]] = {}
        """The values that the call was given that made what a place holds: so much is there."""

    # ------------------------------------------------------------ where values come in

    def given(self, value: tree.Node, state: _State, target: tree.Node, declared: str) -> Held[Source] | None:
        call = inside_casts(value)
        if _FLOAT.search(declared):
            return None
        if _is_reference(declared) and place_of(call) in self.parameters:
            self.parameters[place_of(target)] = self.parameters[place_of(call)]
        if place_of(call) and place_of(call) in self._made_for:
            self._made_for[place_of(target)] = self._made_for[place_of(call)]
        if isinstance(call, tree.Call | tree.New):
            asked = call.args if isinstance(call, tree.Call) else [call.length] if call.length is not None else []
            self._made_for[place_of(target)] = [
                (n, held.origin) for one in asked for n, held in self._unbounded_in(one, state)
            ]
        if isinstance(call, tree.Call):
            called = tree.path_of(call.function)
            what = next(iter(self.flows.gives.find(called)), "") or number_given_by(call, self._helpers.readers)
            declared = declared or self.types.get(place_of(target), "")
            return Held(Source(call, _name(called), what, declared)) if what and not _is_typed_in(call) else None
        return next((held for _, held in self._unbounded_in(value, state)), None)

    def _bring_in(self, node: tree.Call, called: str, state: _State) -> None:
        what = self.flows.fills.find(called) or (self.flows.copies.find(called) if self._is_received(node) else ())
        filled = list(numbers_filled(node)) if what else []
        for place in filled:
            if not _NO_NUMBER.search(self.types.get(place, "")):
                self._came_in(place, Source(node, _name(called), what[0], self.types.get(place, "")), state)
        for place, read in () if filled else references_filled_by(node, self._helpers.readers):
            if is_number(self.types.get(place) or self.types.get(_name(place), "")):
                self._came_in(place, Source(node, _name(called), read), state)

    def _came_in(self, place: str, source: Source, state: _State) -> None:
        for known in [k for k in state if k == place or k.startswith(f"{place}.")]:
            del state[known]
        state[place] = Held(source)

    def _is_received(self, copy: tree.Call) -> bool:
        """Are the bytes of a parameter copied into a value: `memcpy(&n, input.data(), sizeof(n))`?"""
        names = (n.id for n in tree.walk(copy.args[1]) if isinstance(n, tree.Name)) if len(copy.args) == 3 else ()
        return any(_BYTES.search(self.parameters.get(name, "")) for name in names)

    def _follow(self, node: tree.Call, called: str, state: _State) -> None:
        """What a function of the same file does with the values that it is given, or puts into its references."""
        helper = self._helpers.named.get(called.removeprefix("this."))
        if helper is None or helper is self.function or len(helper.params) != len(node.args):
            return
        given = [(place_of(inside_casts(arg)), p) for arg, p in zip(node.args, helper.params, strict=True)]
        entering = {p.name + rest: held for place, p in given for rest, held in self._known_of(place, state)}
        if entering or helper.line in self._helpers.bringing:
            walk = _Outside(helper, self.flows, self._fields, self._helpers._replace(named={}))
            walk.parameters |= {p.name: self.parameters[place] for place, p in given if place in self.parameters}
            walk.found, walk.tries = self.found, self.tries
            ends = walk.block(helper.body or [], entering)
            for place, param in given if ends is not None else ():
                self._take_back(place, param, ends or {}, state)

    def _known_of(self, place: str, state: _State) -> Iterator[tuple[str, Held[Source]]]:
        """What is followed at a place and at its parts, each by the rest of its path."""
        held = self.held_at(place, state)
        if held is not None:
            yield "", held
        for known in state if place else ():
            if known.startswith(f"{place}."):
                yield known[len(place) :], state[known]

    def _take_back(self, place: str, param: tree.Parameter, ends: _State, state: _State) -> None:
        """What the caller knows by then: all of a reference, of a copy what was asked."""
        before, after = state.get(place), ends.get(param.name)
        if isinstance(param.annotation, tree.TypeName) and _is_reference(param.annotation.text) and place:
            forget(state, place)
            is_float = _FLOAT.search(self.types.get(place, ""))
            names = [] if is_float else [n for n in ends if n == param.name or n.startswith(f"{param.name}.")]
            state.update({place + name[len(param.name) :]: ends[name] for name in names})
        elif before is not None and after is not None and before.origin is after.origin:
            state[place] = before._replace(asked=before.asked | after.asked, at=after.at)

    def part_of(self, place: str, state: _State) -> Held[Source] | None:
        """`message.size` is from outside where `message` is."""
        while "." in place and "(" not in place:
            place = place.rpartition(".")[0]
            if (held := state.get(place)) is not None:
                return held._replace(asked=frozenset(), at=None)
        return None

    def weighs(self, call: tree.Call) -> bool:
        called = tree.path_of(call.function)
        return not self.flows.brings_in(called) and _name(called) not in self._helpers.readers

    def _note(self, state: _State, place: str, told: str, at: tree.Node) -> _State:
        is_given = told == ASKED and isinstance(at, tree.Call) and place in map(place_of, map(inside_casts, at.args))
        for part in [known for known in state if known.startswith(f"{place}.")] if is_given else ():
            state = self._note(state, part, told, at)  # who decides by the whole may have looked at each part
        state = super()._note(state, place, told, at)
        held = state.get(place) if told == ASKED and isinstance(at, tree.Call) else None
        for known in [k for k, value in state.items() if held is not None and value.origin is held.origin]:
            state[known] = state[known]._replace(asked=state[known].asked | {_CHECKED})
        return state

    # ------------------------------------------------------------ where they arrive

    def meets(self, node: tree.Node, state: _State) -> None:
        match node:
            case tree.Call(function=function, args=args):
                called = tree.path_of(function)
                for at in self.flows.takes.find(called) if state else ():
                    if at < len(args) and not (self.tries and isinstance(function, tree.Attribute)):
                        self._arrive(args[at], "size", f"{_name(called)}()", node, state, place_of(args[0]))
                for arg in args if state and self.flows.guards.find(called) else ():
                    state.update(self._note(state, place_of(inside_casts(arg)), EQUAL, node))
                self._bring_in(node, called, state)
                self._follow(node, called, state)
            case tree.New(length=tree.Binary() as length) if state and not self.tries:
                self._arrive(length, "wrapped", "new", node, state)  # what wraps is small, and nothing throws
            case tree.Index(value=value, key=key) if state:
                indexed = place_of(value)
                declared = self.types.get(indexed) or self.types.get(_name(indexed), "")
                if not (_BY_KEY if declared else _NAMED_BY_KEY).search(declared or indexed):
                    self._arrive(key, "index", indexed, node, state, indexed)
            case tree.Binary(op="/" | "%", right=right) if state:
                self._divided(node, right, state)
            case tree.Binary(op="+" | "-", left=left, right=right) if state:
                pointer = place_of(inside_casts(left))
                if self.types.get(pointer, "").endswith("*"):
                    self._arrive(right, "pointer", pointer, node, state, pointer)

    def asserted(self, call: tree.Call, state: _State) -> None:
        for node in tree.walk(call, into=_is_evaluated) if state else ():
            place = place_of(node) if isinstance(node, tree.Name | tree.Attribute | tree.Index) else ""
            held = self.held_at(place, state)
            if held is not None and not held.asked - {ASKED}:
                self._found(call, "assert", _name(tree.path_of(call.function)), place, held)
                return

    def _divided(self, node: tree.Binary, right: tree.Node, state: _State) -> None:
        place = place_of(inside_casts(right))
        held = self.held_at(place, state)
        if held is not None and not held.asked and not self._is_floating(node):
            self._found(node, "divide", "", place, held)

    def _is_floating(self, node: tree.Node) -> bool:
        """Is it worked out in numbers of floating point, by the types that are declared here? None of them traps."""
        if made := cast_to(node):
            return bool(_FLOAT.search(made))
        match node:
            case tree.Literal(kind=kind):
                return kind == "float"
            case tree.Binary(left=left, right=right):
                return self._is_floating(left) or self._is_floating(right)
            case tree.Unary(operand=only) | tree.Collection(kind="tuple", items=[only]):
                return self._is_floating(only)
            case tree.Call(function=function):
                helper = self._helpers.named.get(tree.path_of(function))
                returns = helper.returns if helper is not None else None
                return isinstance(returns, tree.TypeName) and bool(_FLOAT.search(returns.text))
        place = place_of(node)
        return bool(_FLOAT.search(self.types.get(place) or self.types.get(_name(place), "")))

    def _arrive(self, value: tree.Node, how: str, by: str, at: tree.Node, state: _State, reached: str = "") -> None:
        for place, held in self._unbounded_in(value, state):
            if not any(n == place and origin is held.origin for n, origin in self._made_for.get(reached, ())):
                self._found(at, how, by, place, held)
            return

    def _found(self, at: tree.Node, how: str, by: str, place: str, held: Held[Source]) -> None:
        """Told once for each value: what comes after the first arrival follows from it."""
        if not any(known.source is held.origin for known in self.found):
            self.found.append(Arrival(at, how, by, place, held.origin, held.at, self.function))

    def _unbounded_in(self, node: tree.Node, state: _State) -> Iterator[tuple[str, Held[Source]]]:
        """The values from outside that this one is made of, and that nothing bounds from above."""
        node = inside_casts(node)
        if isinstance(node, tree.Binary):
            if node.op in _KEEPS and not (
                node.op == "-" and self._is_pointer(node.left) and self._is_pointer(node.right)
            ):
                yield from self._unbounded_in(node.left, state)
                yield from self._unbounded_in(node.right, state)
            return
        place = place_of(node)
        held = self.held_at(place, state)
        if held is not None and held.asked.isdisjoint({BELOW, EQUAL, _CHECKED}):
            if not held.asked or held.asked & _ONE_SIDED:
                yield place, held

    def _is_pointer(self, node: tree.Node) -> bool:
        return self.types.get(place_of(inside_casts(node)), "").endswith("*")


def _is_typed_in(call: tree.Call) -> bool:
    """Does it read what somebody wrote on the command line?"""
    return any(isinstance(n, tree.Name) and n.id in ("argv", "optarg") for n in tree.walk(call))


def _is_evaluated(node: tree.Node) -> bool:
    return not (isinstance(node, tree.Call) and tree.path_of(node.function) in UNEVALUATED)


def _name(called: str) -> str:
    return called.rpartition(".")[2]
