"""LLM971: what a client sent is used in a way that not every value allows, where nobody turns the error into an answer.

What is looked at is data whose form nobody has checked yet: the parsed body of a request, and what a validator of a
request model gets before the model has looked at it. Of a validator's errors, ValueError and AssertionError become an
answer to the client; any other is an internal one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.checkers.input.native_texts import of_texts
from llmlint.code.domain.answers import is_answered_for_all, is_raised_again, is_route, takes, way_to_client
from llmlint.code.domain.client_models import ClientField, client_field, client_models, is_given_elsewhere
from llmlint.code.domain.parsing import forms_read, reading_names
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.whereabouts import functions_at, place_of, qualname_at
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.knowledge import read
from llmlint.code.flow.known import Known
from llmlint.code.flow.standing import parsed_by
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report, Step

_TEXT = re.compile(r"\b(?:str|bytes|Any|dict|Dict)\b|^$")
_OF_MODEL = frozenset({"model_validator", "root_validator"})
_ANSWERED = frozenset({"ValueError", "AssertionError"})
_REQUEST = re.compile(r"^\w*req(uest)?$")
_FROM_FRAMEWORK = frozenset({"", "Request", "Response", "str", "int", "bool", "float", "BackgroundTasks"})
_AIOHTTP = "web.Request"
_PARTS = re.compile(r"(?:\[[^\[\]]*\])*")
_OF_DICTS = frozenset({"get", "items", "keys", "values", "pop", "setdefault", "update"})
_CONVERSIONS = frozenset({"int", "float"})
_KEPT = frozenset({"int", "str"})
_MEASURES = frozenset({"len", "sum", "min", "max", "sorted", "enumerate", "any", "all"})
_ORDERS = frozenset({"<", ">", "<=", ">="})


class _Root(NamedTuple):
    """Data of a client. An error in `answered` reaches the client as an answer; `is_dict`: nobody doubts that it is."""

    place: str
    line: int
    said: str
    answered: frozenset[str]
    is_dict: bool = True


class _Use(NamedTuple):
    at: tree.Node
    place: str
    does: str
    raises: tuple[str, ...]
    is_key: bool = False


# ---------------------------------------------------------------- in one file


def check_file(file: SourceFile) -> Iterator[Report]:
    if file.facts.language != "python":
        yield from of_texts(file)
        return
    if not any(mark in file.text for mark in ("validator(", ".json()", ".query")):
        return
    routes = {f.line for f in file.facts.functions if is_route(f.decorators)}
    rooted = [(f, root) for f in nodes(file.tree, tree.Function) if (root := _root(f, routes)) is not None]
    doubted = any(_asks_type(function, root) for function, root in rooted if root.answered)
    whole: dict[str, list[tuple[_Root, _Use]]] = {}
    for function, root in rooted:
        uses = _unanswered(function, root._replace(is_dict=not doubted or not root.answered))
        owner = qualname_at(file.facts, function.line).rpartition(".")[0]
        whole.setdefault(owner, []).extend((root, use) for use in uses if use.place == root.place and root.answered)
        parts = [use for use in uses if use.place != root.place or not root.answered]
        for told in ([use for use in parts if not use.is_key], [use for use in parts if use.is_key]):
            if told:
                yield _report(file, root, told)
    yield from (_of_whole(file, found) for found in whole.values() if found)


def _root(function: tree.Function, routes: set[int]) -> _Root | None:
    for decorator in function.decorators:
        if isinstance(decorator, tree.Call) and _is_before(decorator) and len(function.params) > 1:
            return _Root(function.params[1].name, function.line, "is what the client wrote", _ANSWERED)
    named = [(param.name, tree.path_of(param.annotation)) for param in function.params]
    routed = function.line in routes or any(annotation.endswith(_AIOHTTP) for _, annotation in named)
    if not routed or not _parses_itself(function):
        return None
    requests = [name for name, annotation in named if _is_request(name, annotation)]
    requests += _other_names(function, requests)
    bodies = {f"{name}.json" for name in requests}
    queries = {f"{name}.{query}" for name in requests for query in ("query", "query_params")}
    for node in tree.walk_own(function):
        if isinstance(node, tree.Call) and not node.args and tree.path_of(node.function) in bodies:
            return _Root(parsed_by(node.function), node.line, "is what the client wrote", frozenset())
        if isinstance(node, tree.Attribute) and (place := tree.path_of(node)) in queries:
            return _Root(place, node.line, "is what the client wrote", frozenset())
    return None


def _other_names(function: tree.Function, names: list[str]) -> list[str]:
    """Locals that are given one of these and nothing else."""
    given = [n for n in tree.walk_own(function) if isinstance(n, tree.Assign) and tree.path_of(n.value) in names]
    return [target.id for node in given for target in node.targets if isinstance(target, tree.Name)]


def _is_request(name: str, annotation: str) -> bool:
    return annotation.rpartition(".")[2] == "Request" or (not annotation and _REQUEST.match(name) is not None)


def _is_before(decorator: tree.Call) -> bool:
    """Is the function told the data of a whole model before the model has looked at it?"""
    if tree.path_of(decorator.function).rpartition(".")[2] not in _OF_MODEL:
        return False
    said = {(k.name, k.value.text.lower()) for k in decorator.keywords if isinstance(k.value, tree.Literal)}
    return not said.isdisjoint({("mode", "before"), ("pre", "true")})


def _parses_itself(function: tree.Function) -> bool:
    """A handler that is also given a model of the body is called only when the body fits it."""
    types = (tree.path_of(param.annotation).rpartition(".")[2] for param in function.params)
    return all(one in _FROM_FRAMEWORK for one in types)


def _asks_type(function: tree.Function, root: _Root) -> bool:
    """Does it ask whether the whole is a dict at all?"""
    return any(
        tree.path_of(node.function) == "isinstance" and node.args and tree.path_of(node.args[0]) == root.place
        for node in tree.walk_own(function)
        if isinstance(node, tree.Call)
    )


def _unanswered(function: tree.Function, root: _Root) -> list[_Use]:
    found: list[_Use] = []

    def see(node: tree.Node, known: Known) -> None:
        for use in _uses(node, known, root):
            raised = [error for error in use.raises if error not in root.answered]
            if raised and not any(_is_caught(known, error) for error in raised):
                found.append(use)
            known.add(use.place, "asked")  # what went well once goes well again

    read(function, see)
    return found


def _is_caught(known: Known, error: str) -> bool:
    return any(takes(name, error) for handled in known.caught for name in handled)


def _uses(node: tree.Node, known: Known, root: _Root) -> Iterator[_Use]:
    """What a node does with data of the client that not every value allows."""
    match node:
        case tree.Index(value=value, key=tree.Literal() as key):
            whole = known.place(value)
            if _is_open(whole, root) and not _has(known, whole, key):
                raised = ("KeyError",) if _is_fine(known, whole, root) else ("KeyError", "TypeError")
                yield _Use(node, known.place(node), f"is taken to be there ({key.text!r})", raised)
        case tree.Index(value=value, key=key) if not isinstance(key, tree.Slice):
            yield from _key(node, value, key, known, root)
        case tree.Call(function=tree.Attribute(value=value, name=name)) if name in _OF_DICTS:
            whole = known.place(value)
            if _is_open(whole, root) and not _is_fine(known, whole, root):
                yield _Use(node, whole, "is taken for a dict", ("AttributeError",))
        case tree.Call(function=function, args=[]) if parsed_by(function) == root.place:
            yield _Use(node, root.place, "is taken to be JSON", ("JSONDecodeError",))
        case tree.Call(function=tree.Name(id=name), args=[first, *_]) if name in _CONVERSIONS | _MEASURES:
            raised = ("ValueError", "TypeError") if name in _CONVERSIONS else ("TypeError",)
            yield from _part(first, f"is given to {name}()", raised, node, known, root)
        case tree.Generator(iterable=iterable) | tree.Loop(iterable=iterable) if iterable is not None:
            yield from _part(iterable, "is taken for a list", ("TypeError",), node, known, root)
        case tree.Compare(operands=operands, ops=ops) if not _ORDERS.isdisjoint(ops):
            for one in operands:
                yield from _part(one, "is taken for a number", ("TypeError",), node, known, root)


def _part(
    value: tree.Node, does: str, raises: tuple[str, ...], at: tree.Node, known: Known, root: _Root
) -> Iterator[_Use]:
    place = known.place(value)
    if place != root.place and _is_open(place, root) and not _is_fine(known, place, root):
        yield _Use(at, place, does, raises)


def _key(at: tree.Node, value: tree.Node, key: tree.Node, known: Known, root: _Root) -> Iterator[_Use]:
    """The service's own table, asked for what the client names."""
    inner = key.args[0] if isinstance(key, tree.Call) and tree.path_of(key.function) in _KEPT and key.args else key
    place, table = known.place(inner), known.place(value)
    if table and place != root.place and _is_open(place, root) and not _is_open(table, root):
        if not known.knows(table, "some", "set") and not known.knows(place, "member"):
            yield _Use(at, place, f"is taken to be a key of {table}", ("KeyError",), True)


def _is_open(place: str, root: _Root) -> bool:
    """Is it the client's data, or a part of it that is reached by keys alone?"""
    return place.startswith(root.place) and _PARTS.fullmatch(place[len(root.place) :]) is not None


def _is_fine(known: Known, place: str, root: _Root) -> bool:
    return (place == root.place and root.is_dict) or known.knows_type(place) or known.knows(place, "none")


def _has(known: Known, whole: str, key: tree.Literal) -> bool:
    """Has somebody asked for the key, or looked at what stands under it?"""
    is_name = key.kind == "string"
    part = f"{whole}[{key.text!r}]" if is_name else f"{whole}[{key.text}]"
    if (
        known.is_vetted(whole)
        or known.knows(whole, "set", f"has:{key.text!r}")
        or (known.knows(whole, "asked") and not is_name)
    ):
        return True
    return any(place == part and what not in ("none", "false") for place, what in known.said_of(part))


def _report(file: SourceFile, root: _Root, uses: list[_Use]) -> Report:
    first = uses[0]
    errors = " or ".join(error for error in first.raises if error not in root.answered)
    for_operators = _is_for_operators(file, first.at.line)
    return Report(
        place_of(first.at),
        qualname_at(file.facts, first.at.line),
        f"{_named(first.place)} {first.does}: a client that sends something else gets an internal error ({errors})",
        (
            Step("", root.line, f"{_named(root.place)} {root.said}"),
            *(Step("", use.at.line, f"{_named(use.place)} {use.does}") for use in uses[:6]),
        ),
        confidence="low" if for_operators else "medium",
        reason="nobody has asked of what form it is, and no handler answers for the error"
        + ("; the route is for those who run the service, or for another part of it" if for_operators else ""),
        subject=_named(first.place),
        fix="check its form first, and refuse the request with what is wrong",
        mechanism="unhandled_client_input." + ("validator" if root.answered else "body"),
    )


def _is_for_operators(file: SourceFile, line: int) -> bool:
    """By what is said of the route; where it means to answer for errors of the body, it does so for anybody."""
    around = [function for function in functions_at(file.facts, line) if is_route(function.decorators)]
    tried = any(r.kind == "try" and r.line <= line <= r.end_line for f in around for r in f.regions)
    return not tried and any(file.vocabulary.is_for_operators(said) for f in around for said in f.decorators)


def _of_whole(file: SourceFile, found: list[tuple[_Root, _Use]]) -> Report:
    """One finding for all validators of a model that take the whole for a dict."""
    first = min((use for _, use in found), key=lambda use: use.at.line)
    return Report(
        place_of(first.at),
        qualname_at(file.facts, first.at.line),
        f"{_named(first.place)} is taken for a dict, which other validators here ask first: a client that sends "
        "something else gets an internal error (AttributeError)",
        tuple(Step("", use.at.line, f"{_named(use.place)} {use.does}") for _, use in found[:6]),
        confidence="medium",
        reason="validators of the same file ask whether it is a dict",
        subject=_named(first.place),
        fix="give back what is no dict as it is: the model refuses it",
        mechanism="unhandled_client_input.whole",
    )


def _named(place: str) -> str:
    return re.sub(r"@\d+", "", place)


# ---------------------------------------------------------------- between functions


def check_program(program: Program) -> Iterator[Report]:
    """A body parsed in a function that a route calls: the error goes up to the route."""
    for function, call in program.calls_named("json"):
        if function.language != "python" or is_route(function.facts.decorators) or not _parses_body(function, call):
            continue
        way = way_to_client(program, function, call, "JSONDecodeError")
        if way and not is_answered_for_all(program, "JSONDecodeError"):
            yield _parsed_below(program, way)
    if client_models(program):
        for name in reading_names(program):
            for function, call in program.asked.calls(name):
                yield from _of_field(program, function, call) if function.language == "python" else ()


def _of_field(program: Program, function: FunctionInfo, call: Effect) -> Iterator[Report]:
    """A field that is any text, read as a number, as JSON, as a member of an Enum."""
    for path, raises in forms_read(program, function, call):
        field = client_field(program, function, path.removesuffix("[]"))
        if field is None or not _TEXT.search(field.field.annotation) or is_given_elsewhere(program, field):
            continue
        open_errors = (error for error in raises if not is_answered_for_all(program, error))
        ways = ((error, way_to_client(program, function, call, error)) for error in open_errors)
        error, way = next(((error, way) for error, way in ways if way), ("", ()))
        if way and not any(program.vocabulary.is_for_operators(said) for said in way[-1].function.facts.decorators):
            yield _field_report(program, field, way, error)


def _field_report(program: Program, field: ClientField, way: tuple[Call, ...], error: str) -> Report:
    (function, call), *above = way
    return Report(
        program.place(function, call),
        symbol_of(function),
        f"{call.callee}() reads {field.field.name} of a request: a client that sends another form gets an internal "
        f"error ({error})",
        (
            *field.steps,
            Step(function.path, call.line, f"{call.callee}() raises {error} for what has another form"),
            *(Step(f.path, e.line, f"{f.name} calls {e.callee}, and takes no such error") for f, e in above),
        ),
        confidence="low",
        reason="no validator looks at the field, and nobody up to the route answers for the error; it is one client's",
        subject=f"{field.model.name}.{field.field.name}",
        fix="declare the field by its form (a type, a pattern, a Literal), or refuse the request with what is wrong",
        mechanism="unhandled_client_input.field",
    )


def _parses_body(function: FunctionInfo, call: Effect) -> bool:
    root = call.callee.rpartition(".")[0]
    return not call.args and any(p.name == root and _is_request(root, p.annotation) for p in function.facts.params)


def _parsed_below(program: Program, way: tuple[Call, ...]) -> Report:
    (function, call), *above = way
    chosen = any(is_raised_again(f, e, "JSONDecodeError") for f, e in way)
    return Report(
        program.place(function, call),
        symbol_of(function),
        f"{call.callee}() fails for a body that is no JSON, and nobody up to {above[-1].function.name} answers for it",
        (
            Step(function.path, call.line, "the body is parsed as the client wrote it"),
            *(Step(f.path, e.line, f"{f.name} calls {e.callee}, and takes no such error") for f, e in above),
        ),
        confidence="low" if chosen else "medium",
        reason="every call on the way to the route stands outside of a handler for it"
        + (", other than one that raises it again" if chosen else ""),
        subject=call.callee,
        fix="take the parser's error, and answer that the body is no JSON",
        mechanism="unhandled_client_input.body",
    )
