"""Mutators of what goes with its like: a field of a copy, a name of a twin, the variable of a loop."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from benchmarks.mutants.sites import Mutator, Planted, PythonFile, called, inner, one_line, simple
from benchmarks.mutants.statements import next_to, told

_MANY = 6


def _uncopied_field(file: PythonFile) -> Iterator[Planted]:
    """One field of six or more that a record takes over from another."""
    for function in file.functions:
        for node in inner(function):
            taken = [k for k in node.keywords if _same_field(k.value) == k.arg] if isinstance(node, ast.Call) else []
            sources = {ast.unparse(k.value.value) for k in taken if isinstance(k.value, ast.Attribute)}
            if isinstance(node, ast.Call) and len(taken) >= _MANY and len(sources) == 1:
                for keyword in taken:
                    if file.lines[keyword.lineno - 1].strip() == f"{keyword.arg}={ast.unparse(keyword.value)},":
                        what = f"field {keyword.arg} of {called(node)}"
                        yield told(file, function, keyword.value, what, [(keyword.lineno, keyword.lineno, ())])
        copies = [s for s in simple(function) if isinstance(s, ast.Assign)]
        for pair in sorted({_copied(s) for s in copies} - {("", "")}):
            same = [s for s in copies if _copied(s) == pair]
            for statement in same if len(same) >= _MANY else ():
                yield told(file, function, statement, ast.unparse(statement), [file.without(statement)])


def _same_field(value: ast.expr) -> str:
    return value.attr if isinstance(value, ast.Attribute) else ""


def _copied(statement: ast.Assign) -> tuple[str, str]:
    """From which object to which a field of the same name goes."""
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Attribute) and isinstance(value, ast.Attribute) and target.attr == value.attr:
        to, source = ast.unparse(target.value), ast.unparse(value.value)
        if to != source and not value.value == target.value:
            return to, source
    return "", ""


def _kept_name(file: PythonFile) -> Iterator[Planted]:
    """One of three or more places in which a statement differs from its neighbour, as it stands in the neighbour."""
    for function in file.functions:
        for node in inner(function):
            second = next_to(file, node) if isinstance(node, ast.stmt) else None
            if (
                not isinstance(node, ast.Assign | ast.Expr)
                or second is None
                or not (one_line(node) and one_line(second))
            ):
                continue
            tokens = [re.findall(r"\w+|\W", file.lines[s.lineno - 1]) for s in (node, second)]
            if len(tokens[0]) != len(tokens[1]):
                continue
            apart = [at for at, (a, b) in enumerate(zip(*tokens, strict=True)) if a != b]
            said = {_exchange(tokens[0][at], tokens[1][at]) for at in apart}
            if len(apart) >= 3 and len(said) == 1 and said != {("", "")}:
                at = apart[-1]
                line = "".join((*tokens[1][:at], tokens[0][at], *tokens[1][at + 1 :]))
                what = f"{tokens[1][at]} as in the line before"
                yield told(file, function, second, what, [(second.lineno, second.lineno, (line,))])


def _exchange(first: str, second: str) -> tuple[str, str]:
    """Which word of two names is another, where it is one."""
    a, b = first.split("_"), second.split("_")
    apart = [(x, y) for x, y in zip(a, b, strict=False) if x != y]
    return apart[0] if len(a) == len(b) and len(apart) == 1 and apart[0][0].isidentifier() else ("", "")


def _earlier_variable(file: PythonFile) -> Iterator[Planted]:
    """The variable of an earlier loop in the place of the one that a loop walks with."""
    for function in file.functions:
        loops = [n for n in inner(function) if isinstance(n, ast.For) and isinstance(n.target, ast.Name)]
        bound = [n.id for n in inner(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        for loop in loops:
            later = next((other for other in loops if other.lineno > (loop.end_lineno or 0)), None)
            if later is None or not isinstance(loop.target, ast.Name) or not isinstance(later.target, ast.Name):
                continue
            first, name = loop.target.id, later.target.id
            if first == name or "_" in (first, name) or bound.count(first) != 1:
                continue
            used = [n for s in later.body for n in ast.walk(s) if isinstance(n, ast.Name) and n.id == name]
            if len(used) >= 2:
                yield told(file, function, used[-1], f"{name} of its loop", [file.replaced(used[-1], first)])


MUTATORS = (
    Mutator("uncopied-field", "a copy lacks one field of many", ("LLM921", "LLM804"), _uncopied_field),
    Mutator("kept-name", "one name of a twin was not changed", ("LLM922",), _kept_name),
    Mutator("earlier-variable", "a loop speaks of another's variable", ("LLM923",), _earlier_variable),
)
