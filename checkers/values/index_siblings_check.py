"""LLM944: a method indexes by a parameter that it does not check, where its siblings check theirs of the same name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Report, Step

_FEWEST = 3
_SHARE = 0.66
_ORDERS = frozenset({"<", "<=", ">", ">="})


class _Accessor(NamedTuple):
    function: tree.Function
    read: tree.Index
    check: tree.Node | None


def check_file(file: SourceFile) -> Iterator[Report]:
    groups: dict[tuple[str, str], list[_Accessor]] = {}
    called: dict[str, set[str]] = {}
    for owner, function in _methods(file.tree, ""):
        own = list(tree.walk_own(function))
        called.setdefault(owner, set()).update(_called_on_self(own))
        for name, index in _indexes(function, own).items():
            accessor = _Accessor(function, index, _check_of(name, own))
            groups.setdefault((owner, name), []).append(accessor)
    for (owner, name), group in groups.items():
        checked = [accessor for accessor in group if accessor.check is not None]
        if len(checked) >= _FEWEST and len(checked) >= _SHARE * len(group):
            for accessor in group:
                if accessor.check is None and accessor.function.name not in called[owner]:
                    yield _report(file, owner, name, accessor, checked, len(group))


def _methods(node: tree.Node, owner: str) -> Iterator[tuple[str, tree.Function]]:
    """All methods with the class they belong to, also those that are defined outside of it."""
    for child in tree.children(node):
        match child:
            case tree.Class(name=name):
                yield from _methods(child, name)
            case tree.Function(owner=written, body=body):
                if body and (written or owner):
                    yield written or owner, child
            case tree.Lambda():
                pass
            case _:
                yield from _methods(child, owner)


def _called_on_self(own: list[tree.Node]) -> Iterator[str]:
    """The methods that a method calls: they may leave the check to their callers."""
    for node in own:
        if isinstance(node, tree.Call):
            receiver, _, name = tree.path_of(node.function).rpartition(".")
            if receiver in ("", "self"):
                yield name


def _indexes(function: tree.Function, own: list[tree.Node]) -> dict[str, tree.Index]:
    params = {param.name for param in function.params}
    found: dict[str, tree.Index] = {}
    for node in own:
        if isinstance(node, tree.Index) and isinstance(node.key, tree.Name) and node.key.id in params:
            found.setdefault(node.key.id, node)
    return found


def _check_of(name: str, own: list[tree.Node]) -> tree.Node | None:
    """Where the parameter is compared with something by its order."""
    for node in own:
        if isinstance(node, tree.Compare) and not _ORDERS.isdisjoint(node.ops):
            if any(_stands_for(operand, name) for operand in node.operands):
                return node
    return None


def _stands_for(operand: tree.Node, name: str) -> bool:
    while isinstance(operand, tree.Cast):
        operand = operand.value
    return isinstance(operand, tree.Name) and operand.id == name


def _report(
    file: SourceFile, owner: str, name: str, accessor: _Accessor, checked: list[_Accessor], group: int
) -> Report:
    sibling = checked[0]
    assert sibling.check is not None
    held = tree.path_of(accessor.read.value)
    return Report(
        place_of(accessor.read),
        qualname_at(file.facts, accessor.read.line),
        f"{held or 'this'}[{name}] is not checked, as {len(checked)} other methods of {owner} check theirs",
        (
            Step("", sibling.check.line, f"{sibling.function.name} compares {name} before it indexes by it"),
            Step("", accessor.read.line, f"{accessor.function.name} does not"),
        ),
        confidence="medium",
        reason=f"{len(checked)} of {group} methods that index by {name} check it, and no sibling calls this one",
        subject=f"{owner}.{accessor.function.name}:{name}",
        fix=f"check {name} as {sibling.function.name} does",
    )
