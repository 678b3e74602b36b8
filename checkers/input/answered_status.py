"""The status of an answer: an error that goes out as a success, and a refusal that its own handler makes a failure of.

`HTTPException` and its like carry the status that a client is to see (fastapi.tiangolo.com/tutorial/handling-errors,
docs.aiohttp.org/en/stable/web_exceptions.html, flask.palletsprojects.com/en/stable/errorhandling). They are exceptions
as all others, and who catches `Exception` catches them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmlint.checkers.input.broken_promise import Broken
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes

_JSON_ANSWERS = {"JSONResponse": "status_code", "ORJSONResponse": "status_code", "json_response": "status"}
_ANSWERS = {
    **_JSON_ANSWERS,
    "HTTPException": "status_code",
    "Response": "status_code",
    "PlainTextResponse": "status_code",
}
_ROUTES = frozenset({"get", "post", "put", "delete", "patch", "route", "api_route"})
_OF_ALL = frozenset({"", "Exception", "BaseException"})
_STATUS = re.compile(r"\b(?:HTTP_)?([1-5]\d\d)(?=_|$)")
_CLIENTS_FAULT = "4"
"""RFC 9110, section 15.5: who gets one must not simply ask again, as who gets a 5xx may."""
_KEEPS = frozenset({"isinstance", "getattr", "hasattr", "type"})
"""Who asks the exception what it is may answer as it says."""
_LOGS = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print", "print_exc"})
_AS_TEXT = frozenset({"str", "repr", "format_exc", "format_exception"})


def error_as_success(file: SourceFile) -> Iterator[Broken]:
    """An error that is answered with the status that stands where none is named: 200."""
    for call in nodes(file.tree, tree.Call):
        status = _JSON_ANSWERS.get(tree.path_of(call.function).rpartition(".")[2], "")
        if status and not any(keyword.name in (status, "") for keyword in call.keywords) and len(call.args) < 2:
            content = [*call.args, *(k.value for k in call.keywords if k.name in ("content", "data"))]
            if content and _tells_error(content[0]):
                yield Broken(
                    call,
                    "the error is answered with status 200: a client takes it for a success",
                    f"without {status} the answer is a success",
                    f"{status}=400, or what fits",
                )
    for function in nodes(file.tree, tree.Function):
        if any(_is_route(decorator) for decorator in function.decorators):
            for node in tree.walk_own(function):
                if isinstance(node, tree.Return) and node.value is not None and _tells_error(node.value):
                    yield Broken(
                        node,
                        "the error is answered with status 200: a client takes it for a success",
                        "what a route returns is a success",
                        "raise HTTPException, or answer with a status",
                        "low",
                    )


def _is_route(decorator: tree.Node) -> bool:
    call = decorator.function if isinstance(decorator, tree.Call) else None
    return isinstance(call, tree.Attribute) and call.name in _ROUTES


def _tells_error(node: tree.Node) -> bool:
    if not isinstance(node, tree.Collection) or node.kind != "dict" or not node.keys:
        return False
    first = node.keys[0]
    is_none = isinstance(node.items[0], tree.Literal) and node.items[0].kind == "none"
    return isinstance(first, tree.Literal) and first.text == "error" and not is_none


class _Refusal(NamedTuple):
    """An answer with a status of its own, where it is raised, and the call in the `try` that leads there."""

    at: tree.Node
    raised: tree.Call


def status_lost(file: SourceFile) -> Iterator[Broken]:
    """`raise HTTPException(404)` in a `try` whose `except Exception` answers 500."""
    functions = {function.name: function for function in nodes(file.tree, tree.Function)}
    for attempt in nodes(file.tree, tree.Try):
        handler = next((h for h in attempt.handlers if _catches_statuses(h)), None)
        answer = _answer_of(handler) if handler is not None else None
        given = _status(answer) if answer is not None else ""
        refusals = _refusals(attempt.body, functions) if given and given[0] != _CLIENTS_FAULT else ()
        blamed = (refusal for refusal in refusals if _status(refusal.raised)[0] == _CLIENTS_FAULT)
        lost = min(blamed, key=lambda refusal: (refusal.at is not refusal.raised, refusal.at.line), default=None)
        if lost is not None and answer is not None:
            status = _status(lost.raised)
            beside = [(lost.raised, f"{status} is raised here")] if lost.at is not lost.raised else []
            yield Broken(
                lost.at,
                f"the {status} that is raised here is caught below, and the client is told {given}",
                "HTTPException is an Exception as any other",
                "catch HTTPException first, and raise it again",
                "medium" if lost.at is lost.raised else "low",
                kind="status_lost",
                beside=(*beside, (answer, f"whatever was raised is answered with {given}")),
            )


def _catches_statuses(handler: tree.Handler) -> bool:
    """Would it be the one to run? A handler that names the exception stands before and has its own answer."""
    names = {_last(tree.path_of(kind)) for kind in handler.types} or {""}
    return bool(names & _OF_ALL) or any(name.endswith("HTTPException") for name in names)


def _answer_of(handler: tree.Handler) -> tree.Call | None:
    """The answer with a fixed status that the handler gives whatever came; None where it may give what came."""
    names = {_last(tree.path_of(kind)) for kind in handler.types} or {""}
    if not names & _OF_ALL:
        return None
    answers: list[tree.Call] = []
    for node in (below for statement in handler.body for below in tree.walk(statement)):
        match node:
            case tree.Raise(value=None) | tree.Raise(value=tree.Name()) | tree.Attribute(name="status_code" | "status"):
                return None
            case tree.Call(function=function) if _hands_on(node, handler.name) or tree.path_of(function) in _KEEPS:
                return None
            case tree.Raise(value=tree.Call() as call) | tree.Return(value=tree.Call() as call):
                answers.append(call)
    known = [call for call in answers if _status(call)]
    return known[0] if known and len({_status(call) for call in answers}) == 1 else None


def _hands_on(call: tree.Call, name: str) -> bool:
    """Is the exception itself given to a function that may read its status?"""
    if not name or _last(tree.path_of(call.function)) in _LOGS | _AS_TEXT:
        return False
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(isinstance(one, tree.Name) and one.id == name for one in given)


def _refusals(body: Sequence[tree.Node], functions: dict[str, tree.Function]) -> Iterator[_Refusal]:
    """What a `try` raises with a status that nobody catches between, itself or in a function that it calls."""
    for statement in body:
        match statement:
            case tree.Raise(value=tree.Call() as call) if _status(call):
                yield _Refusal(call, call)
            case tree.Function() | tree.Class():
                continue
            case tree.Try(body=inner, handlers=handlers, orelse=orelse, final=final):
                if not any(_catches_statuses(handler) for handler in handlers):
                    yield from _refusals(inner, functions)
                for part in (*(handler.body for handler in handlers), orelse, final):
                    yield from _refusals(part, functions)
            case tree.If(body=inner, orelse=orelse) | tree.Loop(body=inner, orelse=orelse):
                yield from _refusals([*inner, *orelse], functions)
            case tree.With(body=inner):
                yield from _refusals(inner, functions)
            case tree.Switch(cases=cases):
                yield from _refusals([below for case in cases for below in case.body], functions)
            case tree.Assign(value=value) | tree.Expression(value=value) | tree.Return(value=value):
                yield from _of_called(value, functions)


def _of_called(value: tree.Node | None, functions: dict[str, tree.Function]) -> Iterator[_Refusal]:
    call = value.value if isinstance(value, tree.Await) else value
    if not isinstance(call, tree.Call) or tree.path_of(call.function).removeprefix("self.") not in functions:
        return
    called = functions[tree.path_of(call.function).removeprefix("self.")]
    if called.is_async == isinstance(value, tree.Await) and called.body is not None:
        yield from (_Refusal(call, refusal.raised) for refusal in _refusals(called.body, {}))


def _status(call: tree.Call) -> str:
    """The three digits that a call names: by `status_code=404`, `HTTPException(404)`, `status.HTTP_404_NOT_FOUND`."""
    keyword = _ANSWERS.get(_last(tree.path_of(call.function)), "")
    if not keyword:
        return ""
    named = next((k.value for k in call.keywords if k.name in (keyword, "status_code")), None)
    is_first = _last(tree.path_of(call.function)) == "HTTPException"
    value = named if named is not None else call.args[0] if is_first and call.args else None
    if value is None:
        return ""
    text = value.text if isinstance(value, tree.Literal) else tree.path_of(value)
    found = _STATUS.search(_last(text))
    return found[1] if found else ""


def _last(path: str) -> str:
    return path.rpartition(".")[2]
