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
from llmlint.code.flow.arrivals import Arrival, Passing, Source
from llmlint.code.flow.macro_calls import MacroCall, macro_calls_in, stands_for
from llmlint.code.flow.native_helpers import fields_of
from llmlint.code.flow.outside_loops import done_in, is_asked_in, is_left, refuses
from llmlint.code.flow.outside_texts import (
    DOCUMENT,
    IN_MEMORY,
    MEMORY,
    NUMBER,
    OF_A_DOCUMENT,
    OF_A_REQUEST,
    TEXT,
    handed_through,
    read_in_document,
    text_given_by,
)
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


_WEAK = frozenset({"rounds", "past", "shift", "thrown"})
"""What harms less than what may come of the same value later."""
_OWN_TEXTS = ("argv", "optarg", "MAP_ANONYMOUS", "MAP_ANON")


_State = dict[str, Held[Source]]
_found: OfLastTree[list[Arrival]] = OfLastTree()


def arrivals_in(file: SourceFile) -> list[Arrival]:
    """In source order; made once for the rules that ask one after another."""
    return _found.of(file.tree, lambda: list(_arrivals(file)))


def _arrivals(file: SourceFile) -> Iterator[Arrival]:
    flows = file.vocabulary.native_flows
    macros = macro_calls_in(file.text)
    bringing = {name for name, macro in macros.items() if flows.brings_in(tree.path_of(macro.call.function))}
    own = [
        function
        for function in file.facts.functions
        if any(flows.brings_in(e.callee) or e.callee.lstrip("~") in bringing for e in function.effects if e.callee)
    ]
    members = _lines_of(flows.written_members, file.text)
    if own or members:
        fields = fields_of(file.facts)
        functions = functions_of(file.tree)
        readers = readers_in(functions, flows)
        wanted = _bringing(file.facts, own, readers) | members
        walked = [f for f in functions if not wanted.isdisjoint(range(f.line, f.end_line + 1))]
        if not walked:
            return
        endings = native_endings(file.tree, file.facts.macros)
        refusing = {f.name for f in functions if any(refuses(node, endings) for node in tree.walk_own(f))}
        helpers = _Helpers(by_only_name(functions), wanted, readers, endings, macros, refusing)
        told: list[tree.Node] = []
        for function in walked:
            walk = _Outside(function, flows, fields, helpers)
            walk.run()
            new = [arrival for arrival in walk.found if not any(arrival.at is at for at in told)]
            told += (arrival.at for arrival in new)
            yield from new


def _lines_of(pattern: re.Pattern[str], text: str) -> set[int]:
    return {text.count("\n", 0, match.start()) + 1 for match in pattern.finditer(text)}


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
    macros: Mapping[str, MacroCall]
    refusing: Collection[str]
    """What throws, or ends, on some way: a reader where nothing is left."""


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
        self.way: dict[str, tuple[Passing, ...]] = {}
        """By which steps a value came to a place."""
        self._lambdas: dict[str, tree.Function] = {}
        self._parts: dict[tuple[int, str], Source] = {}
        """The numbers in memory that others write."""
        self._made_for: dict[str, list[tuple[str, Source]]] = {}
        """The values that the call was given that made what a place holds: so much is there."""

    # ------------------------------------------------------------ where values come in

    def given(self, value: tree.Node, state: _State, target: tree.Node, declared: str) -> Held[Source] | None:
        call = inside_casts(value)
        if isinstance(call, tree.Call):
            call = stands_for(call, self._helpers.macros) or call
        if isinstance(call, tree.Lambda):
            self._lambdas[place_of(target)] = call.function
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
            if what:
                self.way.pop(place_of(target), None)
                kind = MEMORY if what == IN_MEMORY else NUMBER
                return None if _is_own(call) else Held(Source(call, _name(called), what, declared, kind))
        place, held = next(self._unbounded_in(value, state), ("", None))
        if held is None:
            place, held = self._of_text(call, state, declared or self.types.get(place_of(target), ""))
        if held is not None:
            self._passes(place or ("" if held.origin.at is call else "it"), place_of(target), value.line)
        return held

    def _passes(self, place: str, target: str, line: int, helper: str = "") -> None:
        handed = f"{place} is handed to {helper}() as {target}" if helper else f"{target} is made of {place}"
        before = self.way.get(place, ())
        self.way[target] = (*before, Passing(line, handed)) if place and place != target else before

    # ------------------------------------------------------------ texts

    def _of_text(self, node: tree.Node, state: _State, declared: str) -> tuple[str, Held[Source] | None]:
        """A text from outside, a document made of one, or a number that is read out of a document."""
        if isinstance(node, tree.Call) and self.flows.documents.find(tree.path_of(node.function)) and node.args:
            place, held = self._text_in(node.args[0], state)
            return place, Held(held.origin._replace(kind=DOCUMENT)) if held is not None else None
        if (document := read_in_document(node, declared)) is not None:
            held = self.held_at(place_of(document), state)
            if held is not None and held.origin.kind == DOCUMENT:
                return "", Held(Source(node, held.origin.call, OF_A_DOCUMENT, declared))
            return "", None
        whole = state.get(place_of(node))
        if whole is not None and whole.origin.kind in (DOCUMENT, MEMORY):
            return place_of(node), whole
        return self._text_in(node, state)

    def _text_in(self, node: tree.Node, state: _State) -> tuple[str, Held[Source] | None]:
        """A text from outside that an expression is made of, and that nobody has asked anything about."""
        if (given := text_given_by(node, self.flows, self.types)) is not None and not _is_own(node):
            return "", Held(Source(node, *given, kind=TEXT))
        place = place_of(inside_casts(node))
        held = state.get(place)
        if held is not None:
            return place, held if held.origin.kind == TEXT and not held.asked else None
        return next((found for part in handed_through(node) if (found := self._text_in(part, state))[1]), ("", None))

    def _text_arrives(self, node: tree.Call, called: str, state: _State) -> None:
        for at, how in self.flows.takes_texts.find(called):
            is_caught = how == "parse" and (self.tries or any(_is_no(arg) for arg in node.args[1:]))
            if at < len(node.args) and not is_caught:
                place, held = self._text_in(node.args[at], state)
                if how == "parse" and held is not None and held.origin.what == OF_A_REQUEST:
                    continue
                is_joined = how != "path" or self.way.get(place) or not place_of(node.args[at])
                if held is not None and is_joined:
                    self._found(node, how, f"{_name(called)}()", place or held.origin.call, held)

    def _bring_in(self, node: tree.Call, called: str, state: _State) -> None:
        for at, what_text in self.flows.received.find(called):
            if at < len(node.args) and (text := place_of(inside_casts(node.args[at]))):
                self._came_in(text, Source(node, _name(called), what_text, kind=TEXT), state)
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
        self.way.pop(place, None)

    def _is_received(self, copy: tree.Call) -> bool:
        """Are the bytes of a parameter copied into a value: `memcpy(&n, input.data(), sizeof(n))`?"""
        names = (n.id for n in tree.walk(copy.args[1]) if isinstance(n, tree.Name)) if len(copy.args) == 3 else ()
        return any(_BYTES.search(self.parameters.get(name, "")) for name in names)

    def _lambda(self, node: tree.Lambda, state: _State) -> bool:
        around = self.types
        named = {p.name: p.annotation.text for p in node.function.params if isinstance(p.annotation, tree.TypeName)}
        self.types = around | named
        super()._lambda(node, state)
        self.types = around
        return True

    def _follow(self, node: tree.Call, called: str, state: _State) -> None:
        """What a function of the same file does with the values that it is given, or puts into its references."""
        helper = self._lambdas.get(called) or self._helpers.named.get(called.removeprefix("this."))
        if helper is not None and helper is not self.function and len(helper.params) == len(node.args):
            self._run(helper, node.args, node, state, called if called in self._lambdas else "")

    def _own_index(self, declared: str) -> tree.Function | None:
        """The operator by which this file says what an index into such an object does."""
        own = self._helpers.named.get("operator[]") if declared else None
        named = re.findall(r"\w+", declared.partition("<")[0])
        of = {own.owner.rpartition(".")[2], own.namespace.rpartition(".")[2]} - {""} if own is not None else set()
        return own if own is not None and not of.isdisjoint(named) and len(own.params) == 1 else None

    def _run(
        self, helper: tree.Function, args: Sequence[tree.Node], node: tree.Node, state: _State, bound: str = ""
    ) -> None:
        """Passes a helper, or the lambda that a name is bound to, with what it is given; a lambda knows what is known
        around it."""
        given = [(place_of(inside_casts(arg)), p) for arg, p in zip(args, helper.params, strict=True)]
        entering = dict(state) if bound else {}
        entering |= {p.name + rest: held for place, p in given for rest, held in self._known_of(place, state)}
        if entering or helper.line in self._helpers.bringing:
            walk = _Outside(helper, self.flows, self._fields, self._helpers._replace(named={}))
            walk.parameters |= {p.name: self.parameters[place] for place, p in given if place in self.parameters}
            walk.found, walk.tries = self.found, self.tries
            for place, param in given:
                parts = [known for known in self._made_for if known == place or known.startswith(f"{place}.")]
                walk._made_for |= {param.name + known[len(place) :]: self._made_for[known] for known in parts if place}
            for place, param in given:
                for rest, _ in self._known_of(place, state):
                    walk.way[place + rest] = self.way.get(place + rest, ())
                    walk._passes(place + rest, param.name + rest, node.line, bound or helper.name)
            ends = walk.block(helper.body or [], entering)
            for place, param in given:
                changed = (known for known in walk._changed if known.startswith(f"{param.name}."))
                self._changed += [place + known[len(param.name) :] for known in changed] if place else []
            for place, param in given if ends is not None else ():
                self._take_back(place, param, ends or {}, state, walk.way)

    def _known_of(self, place: str, state: _State) -> Iterator[tuple[str, Held[Source]]]:
        """What is followed at a place and at its parts, each by the rest of its path."""
        held = self.held_at(place, state)
        if held is not None:
            yield "", held
        for known in state if place else ():
            if known.startswith(f"{place}."):
                yield known[len(place) :], state[known]

    def _take_back(
        self, place: str, param: tree.Parameter, ends: _State, state: _State, way: Mapping[str, tuple[Passing, ...]]
    ) -> None:
        """What the caller knows by then: all of a reference, of a copy what was asked."""
        before, after = state.get(place), ends.get(param.name)
        if isinstance(param.annotation, tree.TypeName) and _is_reference(param.annotation.text) and place:
            forget(state, place)
            is_float = _FLOAT.search(self.types.get(place, ""))
            names = [] if is_float else [n for n in ends if n == param.name or n.startswith(f"{param.name}.")]
            state.update({place + name[len(param.name) :]: ends[name] for name in names})
            self.way |= {place + name[len(param.name) :]: way.get(name, ()) for name in names}
        elif before is not None and after is not None and before.origin is after.origin:
            state[place] = before._replace(asked=before.asked | after.asked, at=after.at)

    def part_of(self, place: str, state: _State) -> Held[Source] | None:
        """`message.size` is from outside where `message` is."""
        if place in self._changed:
            return None
        whole = place
        while "." in place and "(" not in place:
            place = place.rpartition(".")[0]
            if (held := state.get(place)) is not None:
                is_memory = held.origin.kind == MEMORY
                origin = self._parts.setdefault((held.origin.at.line, whole), held.origin._replace(kind=NUMBER))
                return Held(origin if is_memory else held.origin)
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
            case tree.Call():
                node = stands_for(node, self._helpers.macros) or node
                function, args, called = node.function, node.args, tree.path_of(node.function)
                for at in self.flows.takes.find(called) if state else ():
                    if at < len(args) and not (self.tries and isinstance(function, tree.Attribute)):
                        self._arrive(args[at], "size", f"{_name(called)}()", node, state, place_of(args[0]))
                for at in self.flows.throws.find(called) if state and not self.tries else ():
                    if at < len(args) and isinstance(function, tree.Attribute):
                        self._thrown(args[at], function, node, state)
                self._text_arrives(node, called, state)
                for arg in args if state and self.flows.guards.find(called) else ():
                    state.update(self._note(state, place_of(inside_casts(arg)), EQUAL, node))
                self._bring_in(node, called, state)
                self._follow(node, called, state)
            case tree.New(length=tree.Binary() as length) if state and not self.tries:
                self._arrive(length, "wrapped", "new", node, state)  # what wraps is small, and nothing throws
            case tree.Index(value=value, key=key) if state:
                indexed = place_of(value)
                declared = self._type_of(indexed)
                if (own := self._own_index(declared)) is not None:
                    self._run(own, [key], node, state)
                elif not (_BY_KEY if declared else _NAMED_BY_KEY).search(declared or indexed):
                    self._arrive(key, "index", indexed, node, state, indexed)
            case tree.Binary(op="/" | "%", right=right) if state:
                self._divided(node, right, state)
            case tree.Binary(op="+" | "-", left=left, right=right) if state:
                pointer = place_of(inside_casts(left))
                if self.types.get(pointer, "").endswith("*"):
                    self._arrive(right, "pointer", pointer, node, state, pointer)
            case tree.Binary(op="<<" | ">>", left=left, right=right) if state and self._is_whole(left):
                if not any(held.asked for _, held in self._unbounded_in(right, state)):
                    self._arrive(right, "shift", "", node, state)

    def _thrown(self, value: tree.Node, function: tree.Attribute, call: tree.Call, state: _State) -> None:
        of = place_of(function.value)
        declared = self._type_of(of)
        if not (_BY_KEY if declared else _NAMED_BY_KEY).search(declared or of):
            self._arrive(value, "thrown", f"{of}.{function.name}()", call, state, of)

    def _is_whole(self, node: tree.Node) -> bool:
        """Is it a whole number, by its type or as it is written? Streams are shifted too."""
        if made := cast_to(node):
            return is_number(made)
        match node:
            case tree.Literal(kind=kind):
                return kind == "int"
            case tree.Collection(kind="tuple", items=[only]):
                return self._is_whole(only)
        return is_number(self.types.get(place_of(node), ""))

    def begins(self, loop: tree.Loop, test: tree.Node, state: _State) -> None:
        match test:
            case tree.Compare(operands=[counter, bound], ops=["<" | "<=" | "!="]) if state and place_of(counter):
                does = done_in(loop.body, place_of(counter), self._helpers.named, self._may_be_short)
                if does is not None and does.is_index and self._type_of(does.place).endswith("[]"):
                    if not is_asked_in(loop, place_of(counter)):
                        self._arrive(bound, "past", does.told, test, state, does.place)
                elif does is not None and not self.tries and not is_left(loop, self._helpers.refusing, self.endings):
                    self._arrive(bound, "rounds", does.told, test, state, does.place)

    def _type_of(self, place: str) -> str:
        return self.types.get(place) or self.types.get(_name(place), "")

    def _may_be_short(self, place: str) -> bool:
        """Memory or an array that nobody is known to have made for as many as the file says."""
        return self._type_of(place).endswith(("*", "[]")) and place not in self._made_for

    def asserted(self, call: tree.Call, state: _State) -> None:
        for node in tree.walk(call, into=_is_evaluated) if state else ():
            place = place_of(node) if isinstance(node, tree.Name | tree.Attribute | tree.Index) else ""
            held = self._number_at(place, state)
            if held is not None and not held.asked - {ASKED}:
                self._found(call, "assert", _name(tree.path_of(call.function)), place, held)
                return

    def _divided(self, node: tree.Binary, right: tree.Node, state: _State) -> None:
        place = place_of(inside_casts(right))
        held = self._number_at(place, state)
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
        return bool(_FLOAT.search(self._type_of(place_of(node))))

    def _arrive(self, value: tree.Node, how: str, by: str, at: tree.Node, state: _State, reached: str = "") -> None:
        for place, held in self._unbounded_in(value, state):
            if not any(n == place and origin is held.origin for n, origin in self._made_for.get(reached, ())):
                self._found(at, how, by, place, held)
            return

    def _found(self, at: tree.Node, how: str, by: str, place: str, held: Held[Source]) -> None:
        """Told once for each value: what comes after the first arrival follows from it, or harms more."""
        if how in _WEAK and held.origin.what == "number in a text":
            return  # a setting, or what the system says of itself
        known = [one for one in self.found if one.source is held.origin]
        if how not in _WEAK and all(one.how in _WEAK for one in known):
            self.found[:] = [one for one in self.found if one not in known]
            known = []
        if not known:
            way = self.way.get(place, ())
            self.found.append(Arrival(at, how, by, place, held.origin, held.at, self.function, way))

    def _number_at(self, place: str, state: _State) -> Held[Source] | None:
        held = self.held_at(place, state)
        return held if held is not None and held.origin.kind == NUMBER else None

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
        held = self._number_at(place, state)
        if held is not None and held.asked.isdisjoint({BELOW, EQUAL, _CHECKED}):
            if not held.asked or held.asked & _ONE_SIDED:
                yield place, held

    def _is_pointer(self, node: tree.Node) -> bool:
        return self.types.get(place_of(inside_casts(node)), "").endswith("*")


def _is_own(call: tree.Node) -> bool:
    """Does it read what somebody wrote on the command line, or memory that nobody else has?"""
    return any(isinstance(n, tree.Name) and n.id in _OWN_TEXTS for n in tree.walk(call))


def _is_no(node: tree.Node) -> bool:
    """`json::parse(text, nullptr, false)` does not throw."""
    return isinstance(node, tree.Literal) and node.text == "false"


def _is_evaluated(node: tree.Node) -> bool:
    return not (isinstance(node, tree.Call) and tree.path_of(node.function) in UNEVALUATED)


def _name(called: str) -> str:
    return called.rpartition(".")[2]
