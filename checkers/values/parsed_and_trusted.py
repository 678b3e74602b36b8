"""LLM951: what was parsed is used as if only its syntax could be wrong.

A handler that takes the parser's error, and nothing else, shows that the text is not trusted. Valid JSON may still be a
list, a number or null, or lack a key: what then is raised the handler lets through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
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
        use = next(chain(_trusted(tried.body, parsed), _handed_on(file, tried, parsed)), None) if parsed else None
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
    """What holds something parsed, under each of its names, with where it was parsed."""
    known: dict[str, tree.Node] = {}
    for statement in tried.body:
        for node in tree.walk(statement):
            if isinstance(node, tree.Assign) and len(node.targets) == 1 and node.value is not None:
                value = node.value.value if isinstance(node.value, tree.Await) else node.value
                name = tree.path_of(node.targets[0])
                if name and isinstance(value, tree.Call) and tree.path_of(value.function).endswith(_PARSERS):
                    known[name] = value
                elif name and isinstance(value, tree.Name) and value.id in known:
                    known[name] = known[value.id]
    yield from known.items()


def _handed_on(file: SourceFile, tried: tree.Try, parsed: dict[str, tree.Node]) -> Iterator[_Use]:
    """A function of the file is given it, and takes it for a dict without asking."""
    asked = {name for name, _ in _asked(tried.body)}
    calls = (node for statement in tried.body for node in tree.walk(statement) if isinstance(node, tree.Call))
    for call in calls:
        given = {at: arg.id for at, arg in enumerate(call.args) if isinstance(arg, tree.Name) and arg.id in parsed}
        helper = _function_of(file, call) if given and asked.isdisjoint(given.values()) else None
        params = [p.name for p in helper.params if p.name not in ("self", "cls")] if helper is not None else []
        for at, name in given.items():
            if helper is not None and helper.body and at < len(params):
                inside = {params[at]: parsed[name]}
                yield from (_Use(call, name, use.key) for use in _trusted(helper.body, inside))


def _function_of(file: SourceFile, call: tree.Call) -> tree.Function | None:
    """The only function of the file that the call can mean; one that takes errors itself is left to itself."""
    called = tree.path_of(call.function).removeprefix("self.").removeprefix("cls.")
    named = [function for function in nodes(file.tree, tree.Function) if function.name == called]
    handles = any(isinstance(node, tree.Try) for function in named for node in tree.walk_own(function))
    return named[0] if len(named) == 1 and not handles else None


def _trusted(body: Sequence[tree.Node], parsed: dict[str, tree.Node]) -> Iterator[_Use]:
    """Where it is taken for a dict, or for one with a key, and nobody has asked."""
    asked = _asked(body)

    def is_open(name: str, *keys: str) -> bool:
        others = [other for other, made in parsed.items() if made is parsed.get(name)]
        return name in parsed and all((other, key) not in asked for other in others for key in ("", *keys))

    for statement in body:
        for node in tree.walk(statement):
            match node:
                case tree.Index(value=value, key=tree.Literal(kind="string", text=key)):
                    name = tree.path_of(value)
                    if is_open(name, key):
                        yield _Use(node, name, key)
                case tree.Call(function=tree.Attribute(value=value, name=method)) if method in _OF_DICTS:
                    name = tree.path_of(value)
                    if is_open(name):
                        yield _Use(node, name, "")


def _asked(body: Sequence[tree.Node]) -> set[tuple[str, str]]:
    """What is asked whether it is a dict at all, or whether it has a key."""
    found: set[tuple[str, str]] = set()
    for statement in body:
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
