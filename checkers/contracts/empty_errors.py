"""The text of an error that has none, given as the reason: `asyncio.wait_for` raises a bare `TimeoutError`.

docs.python.org/3/library/asyncio-task.html (wait_for, timeout): the exception is made without arguments, so that its
text is empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.phrases import last_name

_WAITS = "asyncio.wait_for"
_LIMITS = "asyncio.timeout"
_CATCHES = frozenset({"TimeoutError", "Exception", "BaseException"})
_SAYS_MORE = frozenset({"exception", "print_exc", "format_exc", "format_exception", "type", "repr", "isinstance"})
_OF_A_WAIT = re.compile(r"\b(time|timed|late|slow|seconds?|wait(ed|ing)?|deadline)\b|timeout", re.I)


class EmptyError(NamedTuple):
    said: tree.Node
    wait: tree.Node


def empty_errors(file: SourceFile) -> Iterator[EmptyError]:
    if "wait_for(" not in file.text and "asyncio.timeout(" not in file.text:
        return
    for attempt in nodes(file.tree, tree.Try):
        wait = next(_waits(attempt.body), None)
        handler = next((h for h in attempt.handlers if _catches(h)), None) if wait is not None else None
        if wait is None or handler is None or not handler.name or _is_told_otherwise(handler):
            continue
        said = next(_said(handler), None)
        if said is not None:
            yield EmptyError(said, wait)


def _waits(body: Sequence[tree.Node]) -> Iterator[tree.Node]:
    """What may end a wait by the clock, and no `try` between catches it."""
    for statement in body:
        for node in tree.walk(statement, into=_is_not_tried):
            match node:
                case tree.Await(value=tree.Call(function=function)) if tree.path_of(function) == _WAITS:
                    yield node
                case tree.With(items=items):
                    yield from (one for one, _ in items if _is_limit(one))


def _is_limit(node: tree.Node) -> bool:
    return isinstance(node, tree.Call) and tree.path_of(node.function) == _LIMITS


def _is_not_tried(node: tree.Node) -> bool:
    return not isinstance(node, tree.Try) and tree.is_of_the_same(node)


def _catches(handler: tree.Handler) -> bool:
    return not handler.types or any(last_name(tree.path_of(kind)) in _CATCHES for kind in handler.types)


def _is_told_otherwise(handler: tree.Handler) -> bool:
    """By its class, by its traceback, by words about time, or by whoever catches what is raised from it."""
    for node in _below(handler):
        match node:
            case tree.Raise(value=None) | tree.Raise(value=tree.Name()) | tree.Raise(cause=tree.Node()):
                return True
            case tree.Call(function=function, keywords=keywords):
                told = last_name(tree.path_of(function)) in _SAYS_MORE
                if told or any(keyword.name in ("exc_info", "exc", "exception") for keyword in keywords):
                    return True
            case tree.Literal(kind="string", text=text) if _OF_A_WAIT.search(text):
                return True
            case tree.FormatField(conversion=conversion) if conversion.strip("!") == "r":
                return True
            case tree.Attribute(name="__class__" | "__traceback__"):
                return True
    return False


def _said(handler: tree.Handler) -> Iterator[tree.Node]:
    for node in _below(handler):
        match node:
            case tree.FormatField(value=tree.Name(id=name)) if name == handler.name:
                yield node.value
            case tree.Call(function=tree.Name(id="str"), args=[tree.Name(id=name)]) if name == handler.name:
                yield node


def _below(handler: tree.Handler) -> Iterator[tree.Node]:
    return (node for statement in handler.body for node in tree.walk(statement, into=tree.is_of_the_same))
