"""LLM951: what was parsed is used as if only its syntax could be wrong.

A handler that takes the parser's error, and nothing else, shows that the text is not trusted. Valid JSON may still be a
list, a number or null, or lack a key: what then is raised the handler lets through.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report, Step

_PARSERS = ("json.loads", "orjson.loads", "ujson.loads", "json.decode", "request.json", "yaml.safe_load")
_SYNTAX = frozenset({"JSONDecodeError", "ValueError", "YAMLError"})
_MORE = frozenset({"Exception", "BaseException", "KeyError", "LookupError", "TypeError", "AttributeError", ""})
_OF_DICTS = frozenset({"get", "items", "keys", "values", "pop", "setdefault"})


class _Use(NamedTuple):
    at: tree.Node
    name: str
    key: str


def check_file(file: SourceFile) -> Iterator[Report]:
    tries = nodes(file.tree, tree.Try)
    for tried in tries:
        caught = set(_caught(tried))
        if _SYNTAX.isdisjoint(caught) or not _MORE.isdisjoint(caught) or _is_inside_broader(tried, tries):
            continue
        parsed = dict(_parsed_in(tried))
        use = next(iter(_trusted(tried, parsed)), None) if parsed else None
        if use is not None:
            yield _report(file, use, parsed[use.name], sorted(caught))


def _caught(tried: tree.Try) -> Iterator[str]:
    """The last names of what the handlers take, "" for everything."""
    for handler in tried.handlers:
        if not handler.types:
            yield ""
        for named in handler.types:
            for one in named.items if isinstance(named, tree.Collection) else [named]:
                yield tree.path_of(one).rpartition(".")[2]


def _is_inside_broader(tried: tree.Try, tries: list[tree.Try]) -> bool:
    """Does a `try` around it take what this one lets through?"""
    for outer in tries:
        if outer is not tried and outer.body and outer.body[0].line <= tried.line <= outer.body[-1].end_line:
            if not _MORE.isdisjoint(_caught(outer)):
                return True
    return False


def _parsed_in(tried: tree.Try) -> Iterator[tuple[str, tree.Node]]:
    for statement in tried.body:
        for node in tree.walk(statement):
            if isinstance(node, tree.Assign) and len(node.targets) == 1:
                value = node.value.value if isinstance(node.value, tree.Await) else node.value
                name = tree.path_of(node.targets[0])
                if name and isinstance(value, tree.Call) and tree.path_of(value.function).endswith(_PARSERS):
                    yield name, value


def _trusted(tried: tree.Try, parsed: dict[str, tree.Node]) -> Iterator[_Use]:
    """Where it is taken for a dict, or for one with a key, and nobody has asked."""
    asked = _asked(tried)
    for statement in tried.body:
        for node in tree.walk(statement):
            match node:
                case tree.Index(value=value, key=tree.Literal(kind="string", text=key)):
                    name = tree.path_of(value)
                    if name in parsed and (name, "") not in asked and (name, key) not in asked:
                        yield _Use(node, name, key)
                case tree.Call(function=tree.Attribute(value=value, name=method)) if method in _OF_DICTS:
                    name = tree.path_of(value)
                    if name in parsed and (name, "") not in asked:
                        yield _Use(node, name, "")


def _asked(tried: tree.Try) -> set[tuple[str, str]]:
    """What is asked whether it is a dict at all, or whether it has a key."""
    found: set[tuple[str, str]] = set()
    for statement in tried.body:
        for node in tree.walk(statement):
            match node:
                case tree.Call(function=tree.Name(id="isinstance" | "type"), args=[first, *_]):
                    found.add((tree.path_of(first), ""))
                case tree.Compare(operands=[tree.Literal(text=key), container], ops=["in" | "not in"]):
                    found.add((tree.path_of(container), key))
                case tree.Compare(operands=[first, *_], ops=["is" | "is not", *_]):
                    found.add((tree.path_of(first), ""))
    return found


def _report(file: SourceFile, use: _Use, call: tree.Node, caught: list[str]) -> Report:
    lacks = f"has no {use.key!r}, or is no dict" if use.key else "is no dict"
    return Report(
        place_of(use.at),
        qualname_at(file.facts, use.at.line),
        f"valid JSON that {lacks} passes the handler: it takes only {', '.join(caught)}",
        (
            Step("", call.line, f"{use.name} is parsed from text that may be wrong, as the handler says"),
            Step("", use.at.line, f"{use.name} is taken for a dict" + (f" with {use.key!r}" if use.key else "")),
        ),
        confidence="medium",
        reason="the handler shows that the text is not trusted, and nobody asks what it holds",
        subject=f"{use.name}:{use.key}",
        fix="take KeyError and TypeError too, or check what was parsed",
    )
