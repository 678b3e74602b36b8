"""`text.format(…)` that leaves a place of the text without a value, where the text stands elsewhere or is translated.

Of a text that is written right before its `.format`, other linters tell.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.flow.assigned import names_in
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.phrases import last_name

_TRANSLATES = frozenset({"_", "gettext", "gettext_lazy", "ugettext", "ugettext_lazy", "lazy_gettext"})
_MISSING = frozenset({"KeyError", "IndexError", "LookupError", "Exception", "BaseException"})


class Unfilled(NamedTuple):
    """`raised` is what `format` raises for the first of these places."""

    call: tree.Call
    text: tree.Literal
    places: tuple[str, ...]
    raised: str


def unfilled(file: SourceFile) -> Iterator[Unfilled]:
    calls = [call for call in nodes(file.tree, tree.Call) if _formats(call)]
    texts = _only_texts(file.tree) if calls else {}
    for call in calls:
        text = _text_of(call.function.value, texts)  # type: ignore[attr-defined]
        if text is not None and (places := _without_value(text.text, call)) and not _is_expected(file, call):
            yield Unfilled(call, text, places, "KeyError" if places[0] else "IndexError")


def _formats(call: tree.Call) -> bool:
    """Are all values known that it is given?"""
    is_format = isinstance(call.function, tree.Attribute) and call.function.name == "format"
    return is_format and all(k.name for k in call.keywords) and not any(isinstance(a, tree.Star) for a in call.args)


def _text_of(formatted: tree.Node, texts: dict[str, tree.Literal]) -> tree.Literal | None:
    match formatted:
        case tree.Name(id=name):
            return texts.get(name)
        case tree.Call(function=function, args=[tree.Literal(kind="string") as text]):
            return text if last_name(tree.path_of(function)) in _TRANSLATES else None
    return None


def _only_texts(module: tree.Module) -> dict[str, tree.Literal]:
    """The names that a file binds once, and to a text."""
    bound: Counter[str] = Counter()
    texts: dict[str, tree.Literal] = {}
    for node in tree.walk(module):
        bound.update(_bound_by(node))
        match node:
            case tree.Assign(targets=[tree.Name(id=name)], value=tree.Literal(kind="string") as text, op=""):
                texts[name] = text
    return {name: text for name, text in texts.items() if bound[name] == 1}


def _bound_by(node: tree.Node) -> Iterator[str]:
    match node:
        case tree.Assign(targets=targets):
            for target in targets:
                yield from names_in(target)
        case tree.Loop() | tree.Generator() | tree.Named():
            yield from names_in(node.target)
        case tree.With(items=items):
            for _, entered in items:
                yield from names_in(entered)
        case tree.Function(name=name, params=params):
            yield from (name, *(param.name for param in params))
        case tree.Class(name=name) | tree.Handler(name=name):
            yield name
        case tree.Import(names=names, alias=alias, module=module):
            yield from (other or name for name, other in names)
            yield alias or module
        case tree.Outer(names=names):
            yield from (*names, *names)  # somebody else may bind it too


def _without_value(text: str, call: tree.Call) -> tuple[str, ...]:
    """The places, "" for those that are only counted, which nothing is given for."""
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError:  # braces that `format` doesn't understand either
        return ()
    wanted = [field.partition(".")[0].partition("[")[0] for field in fields]
    if not all(name.isidentifier() or name == "" for name in wanted):
        return ()
    given = {keyword.name for keyword in call.keywords}
    named = tuple(dict.fromkeys(name for name in wanted if name and name not in given))
    return named or ("",) * max(0, wanted.count("") - len(call.args))


def _is_expected(file: SourceFile, call: tree.Call) -> bool:
    """Does a handler around it take what is raised?"""
    return any(
        attempt.body[0].line <= call.line <= attempt.body[-1].end_line and not _MISSING.isdisjoint(_caught(attempt))
        for attempt in nodes(file.tree, tree.Try)
        if attempt.body
    )


def _caught(attempt: tree.Try) -> Iterator[str]:
    for handler in attempt.handlers:
        yield from () if handler.types else ("Exception",)
        for caught in handler.types:
            for one in caught.items if isinstance(caught, tree.Collection) else (caught,):
                yield last_name(tree.path_of(one))
