"""LLM973: an assertion is all that stands between a client's value and the code.

A value that the declared type of a request's field allows, and that an `assert` refuses: the client gets an internal
error in place of an answer, or, where assertions are off, the value goes on. And: what a client asks for decides
whether an assertion about the service's own set-up is reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.answers import is_answered, is_route
from llmlint.code.domain.client_models import ClientField, client_field, client_models, is_given_elsewhere
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect, Region
from llmlint.code.flow.conditions import implied
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import ENTRY, Edge
from llmlint.code.link.exits import around
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step

_MAY_BE_NONE = re.compile(r"\bNone\b|\bOptional\[")
_NOT_NONE = re.compile(r"^(?P<path>[\w.]+) is not None$")
_SIZED = re.compile(r"^(?:len\()?(?P<path>[\w.]+)\)? (?:==|!=|<=?|>=?|in|not in) ")


def check_program(program: Program) -> Iterator[Report]:
    for function in program.asked.functions:
        if function.language == "python" and not function.facts.shape:
            for effect in function.doing("assert"):
                if effect.reads:
                    yield from _of_value(program, function, effect)
                    yield from _of_set_up(program, function, effect)


# ---------------------------------------------------------------- a value of the client


def _of_value(program: Program, function: FunctionInfo, effect: Effect) -> Iterator[Report]:
    match = _NOT_NONE.match(effect.source) or _SIZED.match(effect.source)
    if match is None or not client_models(program) or _is_inner(function):
        return
    field = client_field(program, function, match["path"])
    if field is None or not _allows(field, match) or is_answered(function, effect, "AssertionError"):
        return
    if not is_given_elsewhere(program, field) and _is_reached_unasked(function, effect, match["path"]):
        yield _report(program, function, effect, field)


def _is_inner(function: FunctionInfo) -> bool:
    """A function within another one often repeats, for its types, what was asked where it is made."""
    around = function.facts.qualname.rpartition(".")[0]
    return bool(around) and around != function.facts.owner and not is_route(function.facts.decorators)


def _allows(field: ClientField, match: re.Match[str]) -> bool:
    """Does the declared type let the client send what is refused?"""
    if match.re is _NOT_NONE:
        return _MAY_BE_NONE.search(field.field.annotation) is not None
    return "Literal" not in field.field.annotation and bool(field.field.annotation)


def _is_reached_unasked(function: FunctionInfo, effect: Effect, path: str) -> bool:
    """Does a way lead from the function's begin to the assertion on which nobody asks about the value?"""
    paths = paths_of(function)
    graph = paths.graph
    goals = {node for node in range(len(graph.nodes)) if graph.effect(node) is effect}

    def asks(edge: Edge) -> bool:
        if edge.test is None:
            return False
        return any(path in part for atom, _ in implied(edge.test, edge.holds) for part in atom)

    return paths.find([ENTRY], goals, lambda node: False, refuses=asks) is not None


def _report(program: Program, function: FunctionInfo, effect: Effect, field: ClientField) -> Report:
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"assert {effect.source[:60]}: a client may send what it refuses, and gets an internal error",
        (*field.steps, Step(function.path, effect.line, f"{function.name} asserts instead of answering")),
        confidence="medium",
        reason="the field's type allows the value, and nobody on the way asks",
        subject=f"{field.model.name}.{field.field.name}",
        fix="refuse the request with what is wrong, or declare the field so that the model refuses it",
        mechanism="assert_as_validation.value",
    )


# ---------------------------------------------------------------- the set-up under a client's wish


def _of_set_up(program: Program, function: FunctionInfo, effect: Effect) -> Iterator[Report]:
    match = _NOT_NONE.match(effect.source)
    owner = function.owner
    if match is None or owner is None or not match["path"].startswith("self.") or match["path"].count(".") != 1:
        return
    attribute = match["path"].removeprefix("self.")
    wish = next((r for r in around(function, effect) if r.kind == "if" and _is_wish(program, function, r)), None)
    if wish is None or is_answered(function, effect, "AssertionError") or not _may_stay_none(owner, attribute):
        return
    if _is_reached_unasked(function, effect, match["path"]):
        yield Report(
            program.place(function, effect),
            symbol_of(function),
            f"a request decides whether {function.name} asserts that {attribute} is there: one request ends all",
            (
                Step(function.path, wish.line, f"what the request asks for: {wish.text[:60]}"),
                Step(function.path, effect.line, f"asserts that self.{attribute} is not None"),
            ),
            confidence="medium",
            reason=f"self.{attribute} is None in some set-ups, and the test is about the request alone",
            subject=attribute,
            fix=f"refuse the request where self.{attribute} is None",
            mechanism="assert_as_validation.set_up",
        )


def _is_wish(program: Program, function: FunctionInfo, region: Region) -> bool:
    """Does the branch ask what a request holds?"""
    roots = {root for read in region.reads if (root := read.partition(".")[0]) != read and root.isidentifier()}
    return any(_is_request(program, function, root) for root in roots - {"self"})


def _is_request(program: Program, function: FunctionInfo, name: str) -> bool:
    cls: ClassInfo | None = program.class_of(function, name)
    return program.vocabulary.speaks_of_requests(cls.name if cls is not None else name)


def _may_stay_none(owner: ClassInfo, attribute: str) -> bool:
    """Is it None on some ways that make the object?"""
    nones = [
        effect
        for cls in owner.mro
        for method in cls.methods.values()
        for effect in method.effects
        if effect.op == "assign" and effect.path == f"self.{attribute}" and effect.value == "none"
    ]
    return bool(nones)
