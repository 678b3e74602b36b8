"""Branches that no code of the program enters: a parameter that every caller leaves at one constant, or an attribute
that only ever gets one, decides against them, or what a function gives that knows but one answer; the objects that are
asked have what is asked for, or can never have it; or whoever makes such an object raises under the same test."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from typing import Any

from llmlint.code.domain.class_registers import is_registered
from llmlint.code.domain.members import Members
from llmlint.code.domain.roots import roots_of
from llmlint.code.domain.signatures import keeps_arguments
from llmlint.code.facts.facts import Effect, Test
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.entities import Call, ClassInfo, FunctionInfo
from llmlint.code.link.names import Outside
from llmlint.code.link.objects import Instance, One
from llmlint.code.link.once import once
from llmlint.code.link.program import Program

_ASKS = "hasattr"
_IS_OF = "isinstance"
_PAIR = "#,"
"""What a loop over `items()` or `enumerate` gives, where it is not taken apart."""
_OF_PYTHON = sys.stdlib_module_names | vars(builtins).keys()
_GIVING_ON = frozenset("staticmethod classmethod override final".split())
"""Decorators that hand back what the function gives."""
_HIGHEST = 3
"""So many callers up a parameter is followed that is only handed on."""
_TRIES = ("test", "benchmark")
_MADE = "__init__"
_NEVER_TRUE = frozenset({"torch.jit.is_scripting"})
"""True only while TorchScript compiles the code, and then Python does not run it:
docs.pytorch.org/docs/stable/jit_language_reference.html#torch.jit.is_scripting"""
_SETS_BY_NAME = frozenset({"setattr", "__setattr__", "vars", "exec"})

_Values = frozenset[Any] | None
"""What something may be; None where nobody can tell."""


class ShutBranches:
    """`is_run` says of a function whether code of the program may call it, `is_told` of a name whether anything speaks
    of it in a string or gives it as a keyword to others than these, `receiver` the class of `self`, where it is known
    better than the function tells."""

    def __init__(
        self,
        program: Program,
        is_run: Callable[[FunctionInfo], bool],
        is_told: Callable[[str, Collection[str]], bool],
        receiver: ClassInfo | None = None,
    ) -> None:
        self._program = program
        self._receiver = receiver
        self._is_run = is_run
        self._is_told = is_told

    def why(self, function: FunctionInfo, line: int) -> str:
        """Why control never comes to a line of the function; "" where it may."""
        for region in function.regions if function.language == "python" else ():
            first = region.line + (region.kind == "if")  # what is asked stands on its first line
            if region.test is None or not first <= line <= region.end_line or region.kind not in ("if", "else"):
                continue
            condition = f"{'not ' * (region.kind == 'else')}{region.text}"
            if region.kind == "if" and self._is_refused(function, region.test):
                return f"no such object is made where {condition}: its __init__ raises"
            if self._truths(function, region.test) == frozenset({region.kind == "else"}):
                return f"no code here makes it that {condition}"
        return ""

    def _is_refused(self, function: FunctionInfo, test: Test) -> bool:
        """Does the constructor raise under the same test of an attribute that nobody changes later?"""
        cls, name = function.owner, test.path.removeprefix("self.")
        made = cls.method(_MADE) if cls is not None else None
        if made is None or made is function or test.op != "path" or not name.isidentifier() or name == test.path:
            return False
        raising = {effect.region for effect in made.effects if effect.op == "raise"}
        refused = any(region.test == test and at in raising for at, region in enumerate(made.regions))
        return refused and all(f.name == _MADE for f, *_ in self._program.changes_named(name))

    def _truths(self, function: FunctionInfo, test: Test) -> frozenset[bool] | None:
        """What a test may come to; None where nobody can tell."""
        if test.op in ("and", "or"):
            return self._joined(function, test)
        if test.op == "not":
            inner = self._truths(function, test.args[0])
            return None if inner is None else frozenset(not truth for truth in inner)
        if test.op in ("==", "!=", "is", "is not"):
            left, right = (self._values(function, side) for side in test.args)
            if left is None or right is None:
                return None
            return frozenset((one == other) is (test.op in ("==", "is")) for one in left for other in right)
        if test.op == "call" and test.path == _ASKS and len(test.args) == 2:
            return self._has(function, *test.args)
        if test.op == "call" and test.path == _IS_OF and len(test.args) == 2:
            return self._is_of(function, *test.args)
        values = self._values(function, test)
        return None if values is None else frozenset(map(bool, values))

    def _has(self, function: FunctionInfo, asked: Test, named: Test) -> frozenset[bool] | None:
        """What `hasattr` may say of an object whose class is known."""
        meanings = self._program.meanings(function, asked.path) if asked.op == "path" else ()
        cls = meanings[0].cls if len(meanings) == 1 and isinstance(meanings[0], Instance) else None
        name = next(iter(_constant(named.path) or ()), None) if named.op == "constant" else None
        if cls is None or not isinstance(name, str):
            return None
        members = once(self._program, Members)
        if members.surely_has(cls, name):
            return frozenset({True})
        return frozenset({False}) if members.surely_lacks(cls, name) else None

    def _is_of(self, function: FunctionInfo, asked: Test, named: Test) -> frozenset[bool] | None:
        """A pair, as a loop over `items()` gives it, is an object of no class of the program or of a library."""
        given = [e for e in function.effects if e.path == asked.path and e.op in ("bind", "delete")]
        is_pair = asked.op == "path" and all(e.via == "for" and e.source.startswith(_PAIR) for e in given)
        meanings = self._program.meanings(function, named.path) if given and is_pair and named.op == "path" else ()
        return frozenset({False}) if meanings and all(map(_is_no_pair, meanings)) else None

    def _joined(self, function: FunctionInfo, test: Test) -> frozenset[bool] | None:
        decides = frozenset({test.op == "or"})
        parts = [self._truths(function, part) for part in test.args]
        if decides in parts:
            return decides
        return None if None in parts else frozenset[bool]().union(*filter(None, parts))

    def _values(self, function: FunctionInfo, side: Test) -> _Values:
        if side.op == "none":
            return frozenset({None})
        if side.op == "constant":
            return _constant(side.path)
        if side.op == "call":
            return self._of_call(function, side.path)
        if side.op != "path" or "[" in side.path or "(" in side.path:
            return None
        if "." in side.path:
            receiver, _, name = side.path.rpartition(".")
            return self._of_attribute(name, function.owner if receiver == "self" else None)
        if any(param.name == side.path for param in function.facts.params):
            return self._of_parameter(function, side.path, _HIGHEST)
        return self._of_local(function, side.path)

    def _of_call(self, function: FunctionInfo, callee: str) -> _Values:
        """What a guard gives: a method that knows but one answer, and that no class below replaces by another."""
        if self._program.resolve(function, callee) in _NEVER_TRUE:
            return frozenset({False})
        name = callee.removeprefix("self.")
        if self._receiver is not None and name.isidentifier() and name != callee:
            run = {cls.method(name) for cls in (self._receiver, *self._receiver.subclasses)}
            return _all_given([_constants_given_by(one) if one is not None else None for one in run])
        call = next((effect for effect in function.doing("call") if effect.callee == callee), None)
        return self._given_by(function, call) if call is not None else None

    def _of_local(self, function: FunctionInfo, name: str) -> _Values:
        """What all that a local name is given may be."""
        found: set[Any] = set()
        for at, effect in enumerate(function.effects):
            if effect.path != name or effect.op not in ("bind", "delete"):
                continue
            if effect.op == "delete" or effect.via:
                return None
            called = function.effects[at - 1] if effect.value == "new" and at else None
            if called is not None and called.callee == effect.source and called.result == name:
                values = self._given_by(function, called)
            else:
                values = frozenset({None}) if effect.value == "none" else _constant(effect.source)
            if values is None:
                return None
            found |= values
        return frozenset(found) if found else None

    def _given_by(self, function: FunctionInfo, call: Effect) -> _Values:
        """What a call may give, where all that it may run is known and knows constants only."""
        receiver = self._program.meanings(function, call.callee.rpartition(".")[0])
        run = self._program.callees(function, call, overrides=True) if len(receiver) <= 1 else ()
        return _all_given([_constants_given_by(one) for one in run])

    def _of_parameter(self, function: FunctionInfo, name: str, steps: int) -> _Values:
        """What all callers give for it, or leave it at, where all are seen."""
        given = next((param for param in function.params if param.name == name and param.kind in ("", "only")), None)
        if given is None or not given.default or not steps or self._is_set(function, name):
            return None
        if not all(map(keeps_arguments, function.facts.decorators)):
            return None
        kind = roots_of(self._program).kind
        calls = [call for call in self._calls_of(function) if kind(call.function.path) not in _TRIES]
        found: set[Any] = set()
        for call in calls:
            if any(argument.keyword in ("*", "**") for argument in call.effect.args):
                return None
            argument = arguments_by_parameter(function, call.effect).get(name)
            if argument is None:
                values = _constant(given.default)
            elif argument.literal:
                values = _constant(argument.literal)
            else:
                values = self._of_parameter(call.function, argument.path, steps - 1)
            if values is None:
                return None
            found |= values
        return frozenset(found) if found else None

    def _calls_of(self, function: FunctionInfo) -> list[Call]:
        """All calls of it that there are; none where some may bear another name."""
        if not function.name.startswith("__"):
            named = () if self._is_handed_out(function.name) else self._program.calls_named(function.name)
            return [call for call in named if self._may_run(call, function)]
        if function.name != _MADE or function.owner is None:
            return []
        made = [cls for cls in (function.owner, *function.owner.subclasses) if cls.method(_MADE) is function]
        if any(self._is_handed_out(cls.name) or is_registered(cls) for cls in made):
            return []
        calls = {(call.function, id(call.effect)): call for call in self._program.callers(function)}
        making = ((cls, call) for cls in made for call in self._program.calls_named(cls.name))
        calls |= {(call.function, id(call.effect)): call for cls, call in making if self._may_make(call, cls)}
        return list(calls.values())

    def _may_run(self, call: Call, function: FunctionInfo) -> bool:
        """Is it no other one of the name that the call is known to run?"""
        known = self._program.callees(*call, overrides=True)
        return not known or function in known

    def _may_make(self, call: Call, cls: ClassInfo) -> bool:
        known = self._program.meanings(call.function, call.effect.callee)
        return not known or cls in known

    def _is_set(self, function: FunctionInfo, name: str) -> bool:
        return any(effect.path == name and effect.op in ("bind", "delete") for effect in function.effects)

    def _is_handed_out(self, name: str) -> bool:
        """Is it anywhere spoken of as a value, or imported under another name, so that calls of it may bear that?"""
        if name in self._aliases:
            return True
        kind = roots_of(self._program).kind
        return any(kind(other.path) not in _TRIES for other in self._program.functions if speaks_of(other, name))

    @cached_property
    def _aliases(self) -> dict[str, list[str]]:
        return self._program.names.import_aliases()

    def _of_attribute(self, name: str, cls: ClassInfo | None) -> _Values:
        """What all who set an attribute of this name give it, of whatever object; not what others of another family
        give their own, where it is an attribute of the class."""
        family = {kin for one in (cls, *cls.subclasses) for kin in one.mro} if cls is not None else set[ClassInfo]()
        found: set[Any] = set()
        for function, effect, path in self._program.changes_named(name):
            is_anothers = bool(family) and path == f"self.{name}" and function.owner not in family
            if is_anothers or not self._is_run(function):
                continue
            values = self._given(function, effect) if effect.op == "assign" and not effect.via else None
            if effect.value == "none":
                values = frozenset({None})
            is_set_by_name = function.owner is not None and _may_set_by_name(function.owner.functions)
            if values is None or path.endswith("]") or function.owner is None or is_set_by_name:
                return None
            if any(name in (field.name for field in cls.facts.fields) for cls in function.owner.mro):
                return None
            found |= values
        makers = {_MADE, *(one.name for one in family)}
        return frozenset(found) if found and not self._is_told(name, makers) else None

    def _given(self, function: FunctionInfo, effect: Effect) -> _Values:
        if effect.value == "path" and effect.source.isidentifier() and function.name == _MADE:
            return self._of_parameter(function, effect.source, _HIGHEST)
        return _constant(effect.source)


def _is_no_pair(meaning: One) -> bool:
    """Is it a class of which no tuple is?"""
    if isinstance(meaning, ClassInfo):
        return not any(cls.facts.keywords or cls.unknown_bases for cls in meaning.mro)
    return isinstance(meaning, Outside) and meaning.name.partition(".")[0] not in _OF_PYTHON


def shut_branches_of(program: Program, receiver: ClassInfo | None = None) -> ShutBranches:
    """What the linked program alone tells, without a look at the words of its files."""
    return ShutBranches(program, lambda function: True, lambda name, makers: True, receiver)


def _all_given(given: Collection[_Values]) -> _Values:
    return frozenset(value for values in given for value in values or ()) if given and None not in given else None


def _constants_given_by(function: FunctionInfo) -> _Values:
    """What a plain function returns, where it is nothing but constants; nothing at all where it may end without."""
    facts = function.facts
    if function.language != "python" or function.is_abstract or facts.is_generator or facts.is_async:
        return None
    returned = function.doing("return")
    last = next((at for at, effect in enumerate(returned) if not effect.region), -1)  # nothing behind it is run
    values = [frozenset({None}) if e.value == "none" else _constant(e.source) for e in returned[: last + 1]]
    if not values or None in values or not _GIVING_ON.issuperset(facts.decorators):
        return None
    return frozenset(value for one in values for value in one or ())


def speaks_of(function: FunctionInfo, name: str) -> bool:
    """Does a function name it in a string, or as a value that it does not call there?"""
    gist = function.facts.gist
    return name in gist.spoken or (
        name in gist.reads and any(path.rpartition(".")[2] == name for path, _ in function.reads)
    )


def _may_set_by_name(functions: Iterable[FunctionInfo]) -> bool:
    return any(not _SETS_BY_NAME.isdisjoint(function.facts.gist.calls) for function in functions)


def _constant(text: str) -> _Values:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    return frozenset({value}) if isinstance(value, str | int | float | bool | None) else None
