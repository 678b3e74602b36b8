"""LLM909: a call that does nothing but give a value, as a statement of its own: the value goes nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.facts.facts import FileFacts, Function
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.code.syntax.written import text_of
from llmlint.findings import Report, Step
from llmlint.vocabulary import Vocabulary

_FUNCTIONS = frozenset("sorted reversed zip enumerate abs sum min max round".split())
"""`int(x)` and `len(x)` ask whether that can be done."""
_TAKE_NOTHING = frozenset("title lower upper capitalize swapcase casefold".split())
"""Methods of text that take no argument: `window.title(name)` is of another object."""
_FEW = 3
_FILLS = ("out", "inplace")
_IS_VALUE = re.compile(r"Tensor$|^Parameter$|^Variable$|^(?:Ordered)?Set$|^Str")
_EXPECTS = re.compile(r"raises|suppress|assertRaises", re.IGNORECASE)


def check_file(file: SourceFile) -> Iterator[Report]:
    found = [node for node in nodes(file.tree, tree.Expression) if _gives_only(node.value, file.vocabulary)]
    if file.facts.language == "python" and found:
        own = {name for cls in file.facts.classes for name in cls.methods}
        modules = {known.name for known in file.facts.imports}
        lines = file.text.split("\n")
        tried = list(_tried(file, lines))
        for node in found:
            is_tried = any(first <= node.line <= last for first, last in tried)
            text = text_of(node, lines)
            if (
                is_tried
                or _method(node.value) in own
                or _root(node.value) in modules
                or _is_made_again(node, text, lines)
                or _is_of_a_class(file, node)
            ):
                continue
            yield _report(file.facts, node, text, _is_list(file, node))


def _method(node: tree.Node) -> str:
    return node.function.name if isinstance(node, tree.Call) and isinstance(node.function, tree.Attribute) else ""


def _root(node: tree.Node) -> str:
    """The name that a method is reached from: `title` of a module may do anything."""
    return tree.path_of(node.function).partition(".")[0] if isinstance(node, tree.Call) else ""


def _is_made_again(node: tree.Node, text: str, lines: list[str]) -> bool:
    """Does one of the next lines make the same call, and more of it? Then this one was left over."""
    return any(text in line and text != line.strip() for line in lines[node.end_line : node.end_line + _FEW])


def _is_of_a_class(file: SourceFile, node: tree.Expression) -> bool:
    """Was what the method is called on made by a class that is none of text, sets or tensors? It may do anything."""
    root = _receiver(node)
    made = _made(file, root, node.line)
    named = [value.id for value in made if isinstance(value, tree.Name)] or [root]
    declared = _declared(file, named[0], node.line)
    if declared[:1].isupper() and not _IS_VALUE.search(declared):
        return True
    made = made or _handed(file, root, node.line)
    makers = [tree.path_of(value.function).rpartition(".")[2] if isinstance(value, tree.Call) else "" for value in made]
    return bool(makers) and all(name[:1].isupper() and not _IS_VALUE.search(name) for name in makers)


def _around(file: SourceFile, line: int) -> Function | None:
    qualname = qualname_at(file.facts, line)
    return next((function for function in file.facts.functions if function.qualname == qualname), None)


def _declared(file: SourceFile, name: str, line: int) -> str:
    """The class that the parameter of the function around the line is declared as."""
    function = _around(file, line)
    params = function.params if function else ()
    annotation = next((param.annotation for param in params if param.name == name), "")
    return annotation.strip("\"'").rpartition(".")[2]


def _handed(file: SourceFile, name: str, line: int) -> list[tree.Node | None]:
    """What callers in the file made of what they hand to the parameter of the function around the line."""
    function = _around(file, line)
    params = [param.name for param in function.params if param.name not in ("self", "cls")] if function else []
    if function is None or name not in params:
        return []
    at = params.index(name)
    called = [c for c in nodes(file.tree, tree.Call) if tree.path_of(c.function).rpartition(".")[2] == function.name]
    given = [(call.args[at], call.line) for call in called if at < len(call.args)]
    return [value for arg, where in given for value in (_made(file, tree.path_of(arg), where) or [None])]


def _receiver(node: tree.Expression) -> str:
    """The local that the method is called on."""
    root = _root(node.value)
    on = isinstance(node.value, tree.Call) and tree.path_of(node.value.function).rpartition(".")[0] == root
    return root if on else ""


def _is_list(file: SourceFile, node: tree.Expression) -> bool:
    """Was what the method is called on made as a list in the same function, and as nothing else?"""
    made = _made(file, _receiver(node), node.line)
    return bool(made) and all(isinstance(value, tree.Collection) and value.kind == "list" for value in made)


def _made(file: SourceFile, name: str, line: int) -> list[tree.Node | None]:
    """What the function around the line gives the local above it."""
    function = qualname_at(file.facts, line)
    return [
        assign.value
        for assign in nodes(file.tree, tree.Assign)
        if not assign.op
        and any(isinstance(target, tree.Name) and target.id == name for target in assign.targets)
        and qualname_at(file.facts, assign.line) == function
        and assign.line < line
    ]


def _gives_only(node: tree.Node, words: Vocabulary) -> bool:
    match node:
        case tree.Call(function=tree.Attribute(name="replace"), args=[first, second, *_]):
            return _is_text(first) and _is_text(second)  # of a path or a data frame it does something
        case tree.Call(function=tree.Attribute(name=name), args=[_, *_]) if name in _TAKE_NOTHING:
            return False
        case tree.Call(function=tree.Attribute(name=name, value=value), keywords=keywords):
            fills = any(keyword.name in _FILLS for keyword in keywords)
            return name in words.gives_only and not fills and not _works_before(value)
        case tree.Call(function=tree.Name(id=name), args=[argument]):
            return name in _FUNCTIONS and not _does_something(argument)
    return False


def _is_text(node: tree.Node) -> bool:
    return isinstance(node, tree.Literal) and node.kind == "string"


def _works_before(value: tree.Node) -> bool:
    """Is what the method is called on awaited, or the result of a call that changes something: `x.copy_(y).view(n)`?"""
    for node in tree.walk(value):
        match node:
            case tree.Await() | tree.Yield():
                return True
            case tree.Call(function=function, keywords=keywords):
                name = tree.path_of(function).rpartition(".")[2]
                if name.endswith("_") or any(keyword.name in _FILLS for keyword in keywords):
                    return True
    return False


def _does_something(argument: tree.Node) -> bool:
    return any(isinstance(n, tree.Call | tree.Await | tree.Comprehension | tree.Yield) for n in tree.walk(argument))


def _tried(file: SourceFile, lines: list[str]) -> Iterator[tuple[int, int]]:
    """Where one thing is done to see whether it fails: then whether it can be done is what is asked."""
    bodies = [node.body for node in nodes(file.tree, tree.Try) if node.handlers]
    for node in nodes(file.tree, tree.With):
        if any(_EXPECTS.search(text_of(entered, lines)) for entered, _ in node.items):
            bodies.append(node.body)
    yield from ((body[0].line, body[-1].end_line) for body in bodies if body and len(body) < _FEW)


def _report(facts: FileFacts, node: tree.Expression, text: str, is_list: bool) -> Report:
    name = _method(node.value) or tree.path_of(node.value.function)  # type: ignore[attr-defined]
    says = f"{name}() gives a new value and changes nothing, and nobody takes the value"
    return Report(
        place_of(node),
        qualname_at(facts, node.line),
        f"a list has no {name}(): this raises" if is_list else says,
        (Step("", node.line, f"`{text[:80]}` is a statement of its own"),),
        confidence="high",
        reason=f"{name} is a method of tensors and texts" if is_list else f"{name} does nothing else",
        subject=text,
        fix="call what a list has: extend, append, insert" if is_list else "assign the result, or remove the call",
    )
