"""Coroutines: which functions give one when they are called, and whether what is done with it takes it for a value.

A coroutine can be awaited, handed on to whoever awaits it, and closed. It is always true, and nothing else can be asked
of it: what is, was to be asked of what it would have given.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from llmlint.code.domain.answers import is_route
from llmlint.code.domain.results import LEAVES_RESULT
from llmlint.code.domain.unread import is_looked_into, is_parameter_looked_into, while_kept
from llmlint.code.facts.facts import Effect, Region, Test
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.exits import around, own_returns
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.phrases import last_name

_OF_COROUTINES = re.compile(r"\.(__await__|close|send|throw|cr_\w+)(\(\))?$")
"""All that a coroutine can be asked for."""
_TELLS_APART = "iscoroutinefunction"
_ARITHMETIC = frozenset("+ - * / // % **".split())
_MAY_BE_WAITED_FOR = re.compile(
    r"\b(?:Awaitable|Coroutine|Future|Task|Any|object|Callable|AsyncIterator|AsyncGenerator|AsyncIterable|[A-Z]|\w+T|T\w)\b"
)
"""Types of parameters that a coroutine fits, and variables for types."""
_NAME = re.compile(r"[\w.]+")


def is_coroutine(program: Program, function: FunctionInfo) -> bool:
    facts = function.facts
    if function.language != "python" or facts.is_generator:
        return False
    if not facts.is_async:
        return not facts.decorators and _gives_that_of_another(program, function)
    others = (name for name in facts.decorators if name not in LEAVES_RESULT and not is_route((name,)))
    return all(_hands_on(program, function, name) for name in others)


def _gives_that_of_another(program: Program, function: FunctionInfo) -> bool:
    """`return self.load(name)` in a plain function."""
    returns = own_returns(function)
    given = {effect.path.removesuffix("()") for effect in returns if effect.path.endswith("()")}
    calls = [e for e in function.effects if e.result == "<return>" and e.callee in given and e.via != "await"]
    if not calls or len(calls) < len(returns):
        return False
    ran = [program.callees(function, call) for call in calls]
    return all(found and all(one.facts.is_async and is_coroutine(program, one) for one in found) for found in ran)


def may_give_that_of_another(function: FunctionInfo, coroutines: Collection[str]) -> bool:
    """By the name of what it returns: a sieve."""
    if function.language != "python" or function.facts.is_async or function.facts.is_generator:
        return False
    return any(e.result == "<return>" and last_name(e.callee) in coroutines for e in function.doing("call"))


def _hands_on(program: Program, function: FunctionInfo, decorator: str) -> bool:
    """Does a decorator of the program's own give a coroutine for one? It asks what it is given, or wraps all alike."""
    name = _NAME.match(decorator)
    found = program.meanings(function, name[0]) if name is not None else ()
    return bool(found) and all(isinstance(one, FunctionInfo) and _wraps_coroutines(program, one) for one in found)


def _wraps_coroutines(program: Program, decorator: FunctionInfo) -> bool:
    known: dict[FunctionInfo, bool] = once(program, _wrapping)
    if decorator not in known:
        within = [one for one in program.functions_within(decorator) if one is not decorator]
        asks = any(_TELLS_APART in one.facts.gist.calls for one in (decorator, *within))
        given = {f"{param.name}()" for param in decorator.params}
        alike = [one for one in within if _gives_alike(one, given)]
        known[decorator] = bool(alike) and (asks or len(alike) == len(within))
    return known[decorator]


def _gives_alike(wrapper: FunctionInfo, given: set[str]) -> bool:
    """Is it a coroutine, or does it return what the function that it wraps gives?"""
    if wrapper.facts.is_async:
        return not wrapper.facts.is_generator
    returns = own_returns(wrapper)
    return bool(returns) and all(effect.path in given for effect in returns)


def _wrapping(program: Program) -> dict[FunctionInfo, bool]:
    """Filled as decorators are met."""
    return {}


def is_told_apart(function: FunctionInfo, effect: Effect) -> bool:
    """Does the branch that the call stands in ask first whether it is one?"""
    return any(_TELLS_APART in region.text for region in (*around(function, effect), *_tried(function, effect)))


def _tried(function: FunctionInfo, effect: Effect) -> Iterator[Region]:
    """The tests of the branches that an `else` around it comes after."""
    for region in around(function, effect):
        if region.kind == "else":
            yield from (one for one in function.regions if one.kind == "if" and one.parent == region.parent)


def is_shadowed(function: FunctionInfo, effect: Effect) -> bool:
    """Does an object put something of its own in the method's place: `(self.save, self.read) = helpers`?"""
    if effect.callee.rpartition(".")[0] != "self" or function.owner is None:
        return False
    methods = (method for cls in function.owner.mro for method in cls.functions)
    return any(e.op == "assign" and e.path == effect.callee for method in methods for e in method.effects)


def taken_for_value(program: Program, function: FunctionInfo, effect: Effect) -> str:
    """What is done with the coroutine that a call gives which only its value bears; "" where nothing is. Where another
    call of the same name is awaited, which of them is meant nobody can tell."""
    if any(effect.callee == e.callee for e in function.effects if e.via == "await"):
        return ""
    if may_be_a_value(function, effect.result):
        return ""
    if is_looked_into(function, effect, _OF_COROUTINES):
        return "asked for what is in it"
    name = effect.result if effect.result.isidentifier() else f"{effect.callee}()"
    return next(_uses(program, function, effect, name), "")


def _uses(program: Program, function: FunctionInfo, effect: Effect, name: str) -> Iterator[str]:
    kept = while_kept(function, effect)
    lines = {later.line for later in kept}
    until = max(lines, default=effect.line)
    if name.isidentifier():
        tests = (r for r in function.regions if r.kind in ("if", "loop") and r.test and effect.line < r.line <= until)
        if any(_asks(region.test, name) for region in tests if region.test is not None):
            yield "asked whether it is true"
    for later in kept:
        counts = later.value == "other" and later.source in _ARITHMETIC and not any("(" in read for read in later.reads)
        if counts and name in later.reads:
            yield "counted with"
        if later.callee:
            yield from _given_to(program, function, later, name)
        if not name.isidentifier() and later.op != "call":
            break  # the value of an expression is used in its own statement


def _asks(test: Test, name: str) -> bool:
    """For its truth, or how it compares."""
    if test.op in ("and", "or", "not", "<", ">", "<=", ">=", "==", "!="):
        return any(_asks(part, name) for part in test.args)
    return test.op == "path" and test.path == name


def _given_to(program: Program, function: FunctionInfo, call: Effect, name: str) -> Iterator[str]:
    if name not in {argument.path for argument in call.args}:
        return
    if call.op == "insert" and call.via == "extend":
        yield "gone through"
    for callee in program.callees(function, call) or by_name(program, function, call):
        taking = [param for param, a in arguments_by_parameter(callee, call).items() if a.path == name]
        for param in (p for p in callee.params if p.name in taking):
            if param.annotation and not _MAY_BE_WAITED_FOR.search(param.annotation):
                yield f"given to {callee.name} as its {param.name}"
            elif not may_be_a_value(callee, param.name) and is_parameter_looked_into(
                callee, param.name, _OF_COROUTINES
            ):
                yield f"given to {callee.name}, which asks for what is in it"


def is_given_back_as_value(function: FunctionInfo, effect: Effect, ran: tuple[FunctionInfo, ...]) -> bool:
    """`return self.answer(request)` in a coroutine that says that it gives what the other does: who awaits it gets a
    coroutine."""
    says = function.facts.returns
    if any(region.kind == "lambda" for region in around(function, effect)):
        return False
    if effect.result != "<return>" or not function.facts.is_async or function.facts.is_generator:
        return False
    is_value = bool(says) and says != "None" and not _MAY_BE_WAITED_FOR.search(says)
    return is_value and all(one.facts.returns in ((says,) if one.facts.is_async else (says, "")) for one in ran)


def may_be_a_value(function: FunctionInfo, name: str) -> bool:
    """Is it awaited here, or does a test tell coroutines from values?"""
    if any(effect.op == "await" and effect.path == name for effect in function.effects):
        return True
    asked = re.compile(rf"\b(iscoroutine\w*|isawaitable|hasattr|isinstance|callable)\({re.escape(name)}\b")
    return any(asked.search(region.text) for region in function.regions)


def by_name(program: Program, function: FunctionInfo, effect: Effect) -> tuple[FunctionInfo, ...]:
    """The coroutines that a call of an object of unknown type means: all that bear the name, where they are nothing
    else, and whoever else asks an object that is called the same for it awaits them."""
    owner, _, name = effect.callee.rpartition(".")
    if not owner or program.name_called(function, effect):
        return ()
    found = once(program, _only_awaited)
    if (last_name(owner), name) not in found:
        found[last_name(owner), name] = tuple(_bearing(program, last_name(owner), name))
    return found[last_name(owner), name]


def _only_awaited(program: Program) -> dict[tuple[str, str], tuple[FunctionInfo, ...]]:
    """By the last name of the object and the name of the method, filled as they are asked for."""
    return {}


_TELLING = 2
"""So many calls that are awaited stand against each that is not."""
_WORDS = 2
"""A name of one word is anybody's."""


def _bearing(program: Program, owner: str, name: str) -> Iterator[FunctionInfo]:
    bearing = [one for one in program.functions if one.name == name]
    if not bearing or len(name.strip("_").split("_")) < _WORDS:
        return
    calls = (call.effect for call in program.calls_named(name, in_python=True) if call.effect.op == "call")
    alike = [effect for effect in calls if last_name(effect.callee.rpartition(".")[0]) == owner]
    awaited = [effect for effect in alike if effect.via == "await"]
    is_usual = len(awaited) >= _TELLING * (len(alike) - len(awaited))
    if is_usual and all(one.owner is not None and is_coroutine(program, one) for one in bearing):
        yield from bearing
