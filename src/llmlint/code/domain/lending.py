"""What a call lends to a function, and what becomes of it there: given back, kept by somebody, or only used.

Which calls lend, give back, keep or only look is told by the protocols. What any other call of the program does with a
thing it is handed is asked of that function in turn, so a helper that releases, stores or merely reads it is known for
what it does; so is a function that lends on what it was lent. A call that cannot be followed only borrows when the
program shows it: somewhere it is given such a thing that is given back later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import IntFlag

import msgspec

from llmlint.calls import names_call
from llmlint.code.facts.container_methods import CASTS, PAIRERS
from llmlint.code.facts.facts import Argument, Effect, Region
from llmlint.code.facts.gists import MADE_BY_NEW, name_called
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.paths import GOING_ON
from llmlint.code.link.asking import Asking
from llmlint.code.link.exits import stands_in
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program, arguments_by_parameter, root_of
from llmlint.phrases import last_name
from llmlint.protocols import Protocol

_MAKES_ANEW = frozenset({"none", "constant", "empty", "new"})
_HOLDING = frozenset({"container"})
_LEVELS = 3


class Fate(IntFlag):
    """What one effect, or a whole function, may do with a thing."""

    USED = 0
    GIVEN_BACK = 1
    KEPT = 2
    UNKNOWN = 4
    """Handed to a call that cannot be followed: it may keep the thing."""


class Held(msgspec.Struct, frozen=True):
    """What a call has lent: `name` is the path it is held by, `at` the place of the call among the effects."""

    function: FunctionInfo
    name: str
    at: int
    effect: Effect
    protocol: Protocol

    @property
    def after(self) -> tuple[Effect, ...]:
        return self.function.effects[self.at + 1 :]

    @property
    def is_local(self) -> bool:
        return self.name.isidentifier()

    @property
    def lender(self) -> str:
        """The call as it is written: `pool.alloc`, `new float`."""
        return f"new {self.effect.callee}" if self.effect.via == "new" else self.effect.callee


def _in_order(held: Held) -> tuple[object, int]:
    return held.function.order, held.at


class Lending:
    """Who holds what in one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._of_parameter: Asking[tuple[FunctionInfo, str, Protocol], Fate] = Asking()
        self._borrowing: dict[tuple[Protocol, str, bool], bool] = {}
        self._things: dict[bool, list[Held]] = {}
        self._by_function: dict[bool, dict[FunctionInfo, list[Held]]] = {}

    # ------------------------------------------------------------ what is lent

    def things(self, in_python: bool) -> list[Held]:
        """Everything that any function of Python, or of the other languages, binds to a name and has to give back, in
        the program's order."""
        if in_python not in self._things:
            direct = [held for name in self.program.call_names for held in self._lent_by(name, in_python)]
            lent = [*direct, *self._lent_on(direct), *(() if in_python else self._made_by_new())]
            self._things[in_python] = sorted(lent, key=_in_order)
        return self._things[in_python]

    @property
    def asked(self) -> Iterable[Held]:
        """Those of the files that are asked about."""
        asked = self.program.asked
        things = (held for in_python in asked.sides for held in self.things(in_python))
        return sorted((held for held in things if held.function in asked), key=_in_order)

    def _lent_by(self, name: str, in_python: bool) -> Iterable[Held]:
        vocabulary = self.program.vocabulary
        if not vocabulary.may_enter(name):
            return
        for function, effect in self.program.calls_named(name, in_python):
            for protocol in vocabulary.entered_by(effect.callee)[:1]:
                path = held_by(protocol, effect)
                if path and not self._makes_a_value(function, effect):
                    yield Held(function, path, function.effects.index(effect), effect, protocol)

    def _makes_a_value(self, function: FunctionInfo, effect: Effect) -> bool:
        """Is it a class of the C++ program, whose objects end by themselves, and not a library's call of its name?"""
        if function.language == "python" or effect.via == "new":
            return False
        return self.program.names.cpp_class(effect.callee.partition("<")[0], function.path) is not None

    def _made_by_new(self) -> Iterable[Held]:
        """`float * row = new float[n]`: a protocol names the operator, and each type is made by it."""
        for protocol in self.program.vocabulary.entered_by("new")[:1]:
            native = (function for function in self.program.functions if function.language != "python")
            for function in (f for f in native if MADE_BY_NEW in f.facts.gist.deeds):
                for at, effect in enumerate(function.effects):
                    if effect.via == "new" and effect.result.isidentifier():
                        yield Held(function, effect.result, at, effect, protocol)

    def _lent_on(self, direct: list[Held]) -> Iterable[Held]:
        """What callers get from functions that answer what they were lent themselves."""
        known = {(held.function, held.at) for held in direct}
        waiting = [held for held in direct if held.protocol.held == "result" and not held.protocol.collected]
        while waiting:
            held = waiting.pop()
            if not _is_answered(held) or self._is_put_by(held.function, held.name, held.after, _LEVELS):
                continue
            for caller, effect in self.program.callers(held.function):
                at = caller.effects.index(effect)
                is_known = (caller, at) in known or not effect.result.isidentifier()
                if is_known or self.program.vocabulary.entered_by(effect.callee):
                    continue
                known.add((caller, at))
                onward = Held(caller, effect.result, at, effect, held.protocol)
                waiting.append(onward)
                yield onward

    def _is_put_by(self, function: FunctionInfo, name: str, effects: Sequence[Effect], levels: int) -> bool:
        """Is the thing put into what the function was given? Then whoever gets it from there only borrows it."""
        names = _with_aliases(effects, name)
        given = {"self", *(p.name for p in function.facts.params)} - names
        stored = (e for e in effects if e.op in ("assign", "insert") and _is_stored_by(e, names))
        if any(effect.op == "insert" or root_of(effect.path) in given for effect in stored):
            return True
        for effect in (e for e in effects if e.op == "call" and is_given(name, e)) if levels else ():
            for callee in self.program.callees(function, effect):
                taken = arguments_by_parameter(callee, effect).items()
                inside = [inner for inner, argument in taken if argument.path in names]
                if any(self._is_put_by(callee, inner, callee.effects, levels - 1) for inner in inside):
                    return True
        return False

    def renews(self, held: Held) -> bool:
        """`rows = realloc(rows, n)`, also by a function of the program: what the name held goes into the new one."""
        given = self._renewed(held.function, held.effect, held.protocol, _LEVELS)
        return any(held.name in (argument.path, argument.written) for argument in given)

    def _renewed(self, function: FunctionInfo, effect: Effect, protocol: Protocol, levels: int) -> list[Argument]:
        """What a call takes over and lends anew."""
        if names_call(protocol.renew, effect.callee):
            return [*effect.args[:1]]
        found: list[Argument] = []
        for callee in self.program.callees(function, effect) if protocol.renew and levels else ():
            given = arguments_by_parameter(callee, effect)
            answered = {path for e in callee.effects if e.op == "return" for path in (e.path, e.source)}
            for inner in callee.effects:
                if inner.op == "call" and inner.result in {*answered, "<return>"} - {""}:
                    renewed = self._renewed(callee, inner, protocol, levels - 1)
                    found += (given[argument.path] for argument in renewed if argument.path in given)
        return found

    # ------------------------------------------------------------ what becomes of it

    def fates(self, held: Held) -> dict[int, Fate]:
        """By effect of the function, what it does with the thing, where that is more than using it."""
        function, names = held.function, names_of(held)
        fates: dict[int, Fate] = {}
        handed_out = {p.name for p in function.facts.params} if function.language != "python" else set()
        for at in mentions(function, names):
            effect = function.effects[at]
            if effect.op == "bind" and effect.source in names and effect.path in handed_out:
                fates[at] = Fate.KEPT  # a parameter that refers to the caller's variable
                continue
            fate = self.fate_in(function, effect, names, held.protocol) if at != held.at else Fate.USED
            if fate:
                fates[at] = fate
        return fates

    def fate_in(self, function: FunctionInfo, effect: Effect, names: frozenset[str], protocol: Protocol) -> Fate:
        if effect.op == "delete":
            return Fate.GIVEN_BACK if effect.path in names else Fate.USED
        if any(gives_back(self.program, protocol, name, effect) for name in names):
            return Fate.GIVEN_BACK
        if _is_stored_by(effect, names):
            return Fate.KEPT
        if effect.op != "call":
            return Fate.USED
        given = [argument for argument in effect.args if not names.isdisjoint(_paths_of(argument))]
        is_lambda = bool(given) and stands_in(function, effect, {"lambda"})
        return (Fate.UNKNOWN if is_lambda else self._given(function, effect, names, protocol)) if given else Fate.USED

    def _given(self, function: FunctionInfo, effect: Effect, names: frozenset[str], protocol: Protocol) -> Fate:
        """What the call does with the thing it is given."""
        called = effect.callee.rpartition(".")[2].lstrip("~")
        if names_call(protocol.keep, effect.callee):
            return Fate.KEPT
        if called in self.program.vocabulary.answers_first and effect.args and effect.args[0].path in names:
            return _of_answer(effect.result, names)
        only_looks = called in self.program.vocabulary.only_uses or names_call(protocol.use, effect.callee)
        if only_looks and effect.via != "new":
            return Fate.USED
        callees = [f for f in self.program.callees(function, effect, overrides=True) if f.facts.has_body]
        if not callees:
            in_python = function.language == "python"
            borrows = effect.via != "new" and self._only_borrows(protocol, effect.callee, in_python)
            return Fate.USED if borrows else Fate.UNKNOWN
        fate = Fate.USED
        for callee in callees:
            taken = arguments_by_parameter(callee, effect).items()
            parameters = [name for name, argument in taken if not names.isdisjoint(_paths_of(argument))]
            for name in parameters:
                fate |= self.fate_of_parameter(callee, name, protocol)
            if not parameters:
                fate |= Fate.UNKNOWN
        return fate

    def fate_of_parameter(self, function: FunctionInfo, name: str, protocol: Protocol) -> Fate:
        """What a function may do with a thing that it is given by this parameter."""

        def find() -> Fate:
            fate, names = Fate.USED, _with_aliases(function.effects, name)
            for at in mentions(function, names):
                fate |= self.fate_in(function, function.effects[at], names, protocol)
            return fate

        return self._of_parameter.ask((function, name, protocol), find) or Fate.USED

    def _only_borrows(self, protocol: Protocol, callee: str, in_python: bool) -> bool:
        """Is the call given such a thing somewhere in the language that is given back later?"""
        key = (protocol, callee, in_python)
        if key not in self._borrowing:
            self._borrowing[key] = self._borrows_somewhere(*key)
        return self._borrowing[key]

    def _borrows_somewhere(self, protocol: Protocol, callee: str, in_python: bool) -> bool:
        for function in self.program.functions_calling(name_called(callee.lstrip("~")), in_python):
            for held in (held for held in self._taken_by(function) if held.protocol == protocol):
                after = ((at, function.effects[at]) for at in mentions(function, {held.name}) if at > held.at)
                uses = {at for at, e in after if e.callee == callee and _may_borrow(held.name, e)}
                if uses and not uses.isdisjoint(self._before_release(held)):
                    return True
        return False

    def _taken_by(self, function: FunctionInfo) -> list[Held]:
        in_python = function.language == "python"
        if in_python not in self._by_function:
            found = self._by_function[in_python] = {}
            for held in self.things(in_python):
                found.setdefault(held.function, []).append(held)
        return self._by_function[in_python].get(function, [])

    def _before_release(self, held: Held) -> set[int]:
        """The effects from which some way leads to where the thing is given back."""
        graph = paths_of(held.function).graph
        released = (
            node
            for at in mentions(held.function, {held.name})
            if at > held.at and gives_back(self.program, held.protocol, held.name, held.function.effects[at])
            for node in graph.nodes_of(at)
        )
        return {graph.nodes[node].effect for node in paths_of(held.function).leading_to(set(released), GOING_ON)}


def mentions(function: FunctionInfo, names: Collection[str]) -> list[int]:
    """The places of the effects that speak of one of these names, or of a part of it: no other can change its fate."""
    by_name = once(function, _by_name)
    return sorted({at for name in names for at in by_name.get(name, ())})


def _by_name(function: FunctionInfo) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for at, effect in enumerate(function.effects):
        spoken_of = {effect.path, effect.source, effect.callee.rpartition(".")[0], *effect.reads}
        spoken_of.update(path for argument in effect.args for path in _paths_of(argument))
        spoken_of.update([path.partition(".")[0] for path in spoken_of])
        for name in spoken_of:
            found.setdefault(name, []).append(at)
    return found


def _of_answer(result: str, names: Collection[str]) -> Fate:
    """What becomes of a thing that a call has answered as it was given it."""
    if result in ("", "<void>", "<message>") or result in names:
        return Fate.USED
    return Fate.UNKNOWN if result.isidentifier() or result == "<expression>" else Fate.KEPT


def _may_borrow(name: str, effect: Effect) -> bool:
    return effect.op == "call" and effect.via != "new" and is_given(name, effect)


def held_by(protocol: Protocol, effect: Effect) -> str:
    """The path by which the function holds what the call lends; "" where the result goes into a larger expression."""
    if protocol.held == "result":
        return "" if effect.result.startswith("<") else effect.result
    if protocol.held == "receiver":
        return effect.callee.rpartition(".")[0]
    return effect.args[0].path if effect.args else ""


def _is_answered(held: Held) -> bool:
    """Does the function return the very thing, and nothing else that is not none?"""
    if not held.is_local:
        return False
    names = names_of(held)
    answers = [e for e in held.function.effects if e.op == "return" and e.value != "none"]
    return bool(answers) and all(e.value == "path" and (e.path in names or e.source in names) for e in answers)


def names_of(held: Held) -> frozenset[str]:
    """The name that a thing is held by, and those it is given later."""
    return _with_aliases(held.after, held.name)


def _with_aliases(effects: Sequence[Effect], name: str) -> frozenset[str]:
    names = {name}
    for effect in effects:
        if effect.op != "bind" or effect.via != "":
            continue
        if (effect.value == "path" and effect.source in names) or is_cast_of(effect, names):
            names.add(effect.path)
    return frozenset(names)


def is_cast_of(effect: Effect, names: Collection[str]) -> bool:
    """`header = reinterpret_cast<Header *>(base)`"""
    return effect.value == "new" and effect.source in CASTS and not set(names).isdisjoint(effect.reads)


def _is_stored_by(effect: Effect, names: frozenset[str]) -> bool:
    """Is the thing itself, or something made of it, put where others can reach it?"""
    if effect.op not in ("return", "yield", "insert", "assign", "clear", "bind"):
        return False
    if not names.isdisjoint((effect.source, *(path for a in effect.args for path in (a.path, a.written)))):
        return effect.op != "bind" or effect.value == "container"
    if is_cast_of(effect, names) and effect.op != "bind":
        return True
    if effect.op == "insert" and any(last_name(a.path).removesuffix("()") in PAIRERS for a in effect.args):
        return not names.isdisjoint(effect.reads)
    if effect.op in ("return", "yield"):
        return effect.path in names or (effect.value in _HOLDING and not names.isdisjoint(effect.reads))
    if effect.op == "bind":
        return effect.value in _HOLDING and effect.via == "" and not names.isdisjoint(effect.reads)
    if effect.value == "path":
        return effect.source.partition(".")[0] in names  # a part of it
    return effect.value not in _MAKES_ANEW and effect.via in ("", "[]=") and not names.isdisjoint(effect.reads)


def _paths_of(argument: object) -> tuple[str, ...]:
    return (argument.path, argument.written, *argument.reads)  # type: ignore[attr-defined]


def gives_back(program: Program, protocol: Protocol, name: str, effect: Effect) -> bool:
    if effect.op == "delete":
        return effect.path == name
    if not effect.callee or protocol not in program.vocabulary.left_by(effect.callee):
        return False
    return effect.callee.rpartition(".")[0] == name or is_given(name, effect)


def is_given(name: str, effect: Effect) -> bool:
    """Is the thing an argument of the call, or a part of one?"""
    return any(name in _paths_of(argument) for argument in effect.args)


def scopes_of(held: Held) -> list[int]:
    """The `with` regions that take the thing over: `with open(…) as file:`, `with file:`, `with closing(file):`."""
    names = names_of(held)
    return [
        at
        for at, region in enumerate(held.function.regions)
        if region.kind == "with" and (region.line == held.effect.line or not names.isdisjoint(_entered_by(region)))
    ]


def _entered_by(region: Region) -> Iterator[str]:
    for part in region.text.split(","):
        yield part.strip().removeprefix("contextlib.").removeprefix("closing(").rstrip(")")


def is_captured(held: Held) -> bool:
    """Is it used where the graph does not go: in a lambda, a nested function or what did not parse?"""
    function, names = held.function, names_of(held)
    inside = once(function, _apart)
    if any(not names.isdisjoint((e.path.partition(".")[0], *e.reads, *(a.path for a in e.args))) for e in inside):
        return True
    return any(not names.isdisjoint(region.reads) for region in function.regions if region.kind == "lambda")


def _apart(function: FunctionInfo) -> list[Effect]:
    return [effect for effect in function.effects if stands_in(function, effect, {"lambda", "unparsed"})]
