"""LLM906: one loop gives an engine several requests that live at the same time, all of them under one id."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report, Step

_KEEPING = frozenset({"append", "add", "appendleft", "put_nowait", "insert"})


def check_file(file: SourceFile) -> Iterator[Report]:
    called = {effect.callee for function in file.facts.functions for effect in function.effects}
    if not any(map(file.vocabulary.submits_request, called)):
        return
    for loop in nodes(file.tree, tree.Loop):
        if loop.kind == "for" and loop.target is not None:
            varying = _varying(_names(loop.target), loop.body)
            kept = _kept_in(loop)
            yield from _check(file, loop, loop.body, varying, kept)
    for made in nodes(file.tree, tree.Comprehension):
        varying = {name for generator in made.generators for name in _names(generator.target)}
        element = made.element.value if isinstance(made.element, tree.Await) else made.element
        yield from _check(file, made, [element], varying, [element])


def _check(
    file: SourceFile, loop: tree.Node, body: list[tree.Node], varying: set[str], kept: list[tree.Node]
) -> Iterator[Report]:
    for call in (node for statement in body for node in tree.walk(statement) if isinstance(node, tree.Call)):
        if not any(call is node for node in kept) or not file.vocabulary.submits_request(tree.path_of(call.function)):
            continue
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        ids = [value for value in given if _is_id(file, value)]
        ids += [k.value for k in call.keywords if _is_id(file, tree.Name(0, 0, 0, 0, k.name)) and k.value not in ids]
        others = [value for value in given if value not in ids]
        if not ids or any(_names(i) & varying for i in ids) or not any(_names(other) & varying for other in others):
            continue
        if not _is_single(file, loop):
            yield _report(file, loop, call, ids[0])


def _is_single(file: SourceFile, loop: tree.Node) -> bool:
    """Does the code say behind the loop that there is only one?"""
    function = qualname_at(file.facts, loop.line)
    for claim in nodes(file.tree, tree.Assert):
        match claim.test:
            case tree.Compare(operands=[tree.Call(function=tree.Name(id="len")), tree.Literal(text="1")]):
                if claim.line > loop.end_line and qualname_at(file.facts, claim.line) == function:
                    return True
    return False


def _is_id(file: SourceFile, value: tree.Node) -> bool:
    path = tree.path_of(value)
    return bool(path) and "(" not in path and file.vocabulary.is_request_id(path)


def _names(node: tree.Node) -> set[str]:
    return {inner.id for inner in tree.walk(node) if isinstance(inner, tree.Name)}


def _varying(names: set[str], body: list[tree.Node]) -> set[str]:
    """The names that differ from round to round: the loop's own, and what is made in it."""
    found = set(names)
    for statement in body:
        for node in tree.walk(statement):
            if isinstance(node, tree.Assign):
                found.update(name for target in node.targets for name in _names(target))
            elif isinstance(node, tree.Loop | tree.Generator) and node.target is not None:
                found |= _names(node.target)
    return found


def _kept_in(loop: tree.Loop) -> list[tree.Node]:
    """The values that the loop collects, itself or by a name."""
    collected = [
        argument
        for node in tree.walk(loop)
        if isinstance(node, tree.Call) and isinstance(node.function, tree.Attribute) and node.function.name in _KEEPING
        for argument in node.args
    ]
    names = {argument.id for argument in collected if isinstance(argument, tree.Name)}
    bound = [
        node.value
        for node in tree.walk(loop)
        if isinstance(node, tree.Assign) and node.value is not None and any(_names(t) & names for t in node.targets)
    ]
    return [*collected, *bound]


def _report(file: SourceFile, loop: tree.Node, call: tree.Call, one: tree.Node) -> Report:
    name, callee = tree.path_of(one), tree.path_of(call.function)
    return Report(
        place_of(call),
        qualname_at(file.facts, call.line),
        f"every request that this loop makes is called {name}",
        (
            Step("", loop.line, "one request for each of these"),
            Step("", call.line, f"{callee} is given {name}, which does not change from round to round"),
            Step("", one.line, "and all of them are kept, so that they live at the same time"),
        ),
        confidence="medium",
        reason="the other arguments change with the loop and the id does not",
        subject=f"{callee}:{name}",
        fix=f'give each its own id, as f"{{{name}}}-{{i}}"',
    )
