"""LLM909: what is to change a tensor is given a copy of it, and the copy goes nowhere.

A collective writes its result into the tensor that it is handed, and `x[mask]` is a new tensor: `x[mask][0] = y` is
lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.whereabouts import innermost_at, place_of, qualname_at
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.code.syntax.written import text_of
from llmlint.findings import Report, Step

_INTO_THE_FIRST = re.compile(r"(?:^|\.)(?:dist|distributed|c10d)\.(?:all_reduce|broadcast|reduce|recv)$")
"""Collectives whose result stands in their first argument: docs.pytorch.org/docs/stable/distributed.html."""
_OTHERWISE_THE_SAME = frozenset({"contiguous", "cuda", "cpu", "to", "npu", "xpu"})
"""Methods of a tensor that give the tensor itself where it is so already: docs.pytorch.org, torch.Tensor."""
_ALWAYS_ANEW = frozenset({"clone", "float", "half", "bfloat16", "double", "long", "int"})
_PICKS_NONE = frozenset({"is", "is not", "in", "not in"})
_MASKS = re.compile(r"(?:^|\.)(?:nonzero|where|isin|argsort|logical_\w+)$")
_ASKS_WHO = re.compile(r"rank|src|source|root|master|main", re.IGNORECASE)


class _Lost(NamedTuple):
    at: tree.Node
    written: tree.Node
    """What is read behind it as if it had been written to."""
    says: str
    doubt: str


def written_into_copies(file: SourceFile) -> Iterator[Report]:
    if file.facts.language != "python" or not any(
        one.module.startswith(("torch", "numpy")) for one in file.facts.imports
    ):
        return
    lines = file.text.split("\n")
    for lost in (*_collectives(file, lines), *_stores(file)):
        root = tree.path_of(lost.written).partition(".")[0].partition("[")[0]
        if root == "self" or _is_read_behind(file, root, lost.at):
            yield _report(file, lost, text_of(lost.at, lines))


def _collectives(file: SourceFile, lines: list[str]) -> Iterator[_Lost]:
    for node in nodes(file.tree, tree.Expression):
        match node.value:
            case tree.Call(
                function=called, args=[tree.Call(function=tree.Attribute(name=how, value=value)) as copy, *_]
            ):
                name = tree.path_of(called)
                path = tree.path_of(value)
                is_copy = how in _ALWAYS_ANEW or how in _OTHERWISE_THE_SAME
                if not (_INTO_THE_FIRST.search(name) and is_copy and path) or "()" in path:
                    continue
                told = f"{name} writes into what .{how}() gives, and {path} keeps its own value"
                yield _Lost(node, value, told, _why_unsure(file, node, how, copy, lines))


def _why_unsure(file: SourceFile, node: tree.Node, how: str, copy: tree.Call, lines: list[str]) -> str:
    if how == "contiguous":
        return "a tensor that is contiguous already is handed on as it is"
    around = (one for one in nodes(file.tree, tree.If) if one.line <= node.line <= one.end_line)
    if any(_ASKS_WHO.search(text_of(one.test, lines)) for one in around):
        return "it may be the sender who comes here, and he has the value"
    types = "".join(text_of(argument, lines) for argument in (*copy.args, *(k.value for k in copy.keywords)))
    if how in _OTHERWISE_THE_SAME and "type" not in types and "float" not in types:
        return "a tensor that is there already is handed on as it is"
    return ""


def _stores(file: SourceFile) -> Iterator[_Lost]:
    for node in nodes(file.tree, tree.Assign):
        for target in node.targets:
            match target:
                case tree.Index(value=tree.Index(value=value, key=key)) if tree.path_of(value):
                    if _picks(file, key, node.line):
                        path = tree.path_of(value)
                        yield _Lost(
                            node, value, f"what a mask picks of {path} is a copy, and only that is written to", ""
                        )


def _picks(file: SourceFile, key: tree.Node, line: int) -> bool:
    """Is it a mask, or a list of places? Then what it picks is taken out, and no view."""
    match key:
        case tree.Compare(ops=ops):
            return _PICKS_NONE.isdisjoint(ops)
        case tree.Call(function=function):
            return bool(_MASKS.search(tree.path_of(function)))
        case tree.Unary(op="~", operand=operand):
            return _picks(file, operand, line)
        case tree.Name(id=name):
            made = [one for one in _assigned(file, name, line) if one is not None]
            return bool(made) and all(not isinstance(one, tree.Name) and _picks(file, one, line) for one in made)
    return False


def _assigned(file: SourceFile, name: str, line: int) -> Iterator[tree.Node | None]:
    function = qualname_at(file.facts, line)
    for assign in nodes(file.tree, tree.Assign):
        is_to = any(isinstance(target, tree.Name) and target.id == name for target in assign.targets)
        if is_to and assign.line < line and qualname_at(file.facts, assign.line) == function:
            yield assign.value


def _is_read_behind(file: SourceFile, root: str, node: tree.Node) -> bool:
    """By the function itself, or by those who handed it over or have it under another name."""
    function = innermost_at(file.facts, node.line)
    if function is None or any(param.name == root for param in function.params):
        return True
    if any(tree.path_of(made) for made in _assigned(file, root, node.line)):
        return True
    return any(one.id == root and node.end_line < one.line <= function.end_line for one in nodes(file.tree, tree.Name))


def _report(file: SourceFile, lost: _Lost, text: str) -> Report:
    return Report(
        place_of(lost.at),
        qualname_at(file.facts, lost.at.line),
        lost.says,
        (Step("", lost.at.line, f"`{text[:80]}`"),),
        confidence="low" if lost.doubt else "medium",
        reason=lost.doubt or "the copy has no name, and what it was made of is read behind it",
        subject=lost.says,
        fix="give the copy a name, hand that over, and take the result from it",
        mechanism="written_into_a_copy." + ("store" if isinstance(lost.at, tree.Assign) else "collective"),
    )
