"""C++ and CUDA: an index as the sum of its terms, each in one spelling, with locals replaced by what they stand for.

Two indices with the same terms are the same number in one thread. A counter that goes on in equal steps stands for its
start and its steps, so that `for (i = tid; i < n; i += 32)` walks the same elements wherever it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from llmlint.code.flow.thread_values import LANE, WARP, Differing, Threads, Why
from llmlint.code.syntax import tree

_LONGEST = 300

Spelt = Mapping[str, str]
"""What locals stand for, by name: terms joined by " + "."""


class Term(NamedTuple):
    text: str
    why: Why | None = None


Terms = tuple[Term, ...]


def terms_of(node: tree.Node, spelt: Spelt, threads: Threads, differing: Differing) -> Terms:
    """Sorted, so that the order in which a sum is written does not count."""
    return tuple(sorted(_terms(node, spelt, threads, differing), key=lambda term: term.text))


def _terms(node: tree.Node, spelt: Spelt, threads: Threads, differing: Differing) -> Iterator[Term]:
    match node:
        case tree.Binary(op="+", left=left, right=right):
            yield from _terms(left, spelt, threads, differing)
            yield from _terms(right, spelt, threads, differing)
        case tree.Cast(value=value):
            yield from _terms(value, spelt, threads, differing)
        case tree.Name(id=name) if name in spelt:
            parts = [part for part in spelt[name].split(" + ") if part != "0"]
            yield from _of_local(parts, threads.why(node, differing), threads)
        case tree.Literal(text="0"):
            return
        case _:
            yield Term(spelling(node, spelt), threads.why(node, differing))


def _of_local(parts: list[str], why: Why | None, threads: Threads) -> Iterator[Term]:
    """Those that hold the number of a thread; all of them, where none is seen to and the local differs."""
    ids = [" ".join(threads.ids_in(part)) if not part.startswith("steps(") else "" for part in parts]
    for part, named in zip(parts, ids, strict=True):
        if why is not None and named:
            yield Term(part, Why(named, why.line, _part(part)))
        else:
            yield Term(part, why if not any(ids) and not part.startswith("steps(") else None)


def _part(text: str) -> str:
    return LANE if re.search("[%&]", text) else WARP if re.search("/|>>", text) else ""


def spelling(node: tree.Node | None, spelt: Spelt) -> str:
    """An expression in one spelling; what is not followed is like nothing else."""
    match node:
        case tree.Literal(text=text):
            return text
        case tree.Name(id=name):
            return spelt.get(name, name)
        case tree.Attribute():
            return tree.path_of(node) or _unlike(node)
        case tree.Binary(op="+", left=left, right=right):
            return " + ".join(sorted(f"{spelling(left, spelt)} + {spelling(right, spelt)}".split(" + ")))[:_LONGEST]
        case tree.Binary(op="*", left=left, right=right):
            return f"({' * '.join(sorted((_inner(left, spelt), _inner(right, spelt))))})"[:_LONGEST]
        case tree.Binary(op=op, left=left, right=right):
            return f"({_inner(left, spelt)} {op} {_inner(right, spelt)})"[:_LONGEST]
        case tree.Compare(operands=parts, ops=ops):
            return f"({' '.join((*(_inner(part, spelt) for part in parts), *ops))})"[:_LONGEST]
        case tree.Logic(operands=parts, op=op):
            return f"({f' {op} '.join(_inner(part, spelt) for part in parts)})"[:_LONGEST]
        case tree.Unary(op=op, operand=operand):
            return f"({op}{_inner(operand, spelt)})"[:_LONGEST]
        case tree.Cast(value=value):
            return spelling(value, spelt)
        case tree.Index(value=value, key=key):
            return f"{_inner(value, spelt)}[{_inner(key, spelt)}]"[:_LONGEST]
        case tree.Call(function=function, args=args):
            return f"{tree.path_of(function)}({', '.join(_inner(arg, spelt) for arg in args)})"[:_LONGEST]
        case None:
            return ""
    return _unlike(node)


def _inner(node: tree.Node, spelt: Spelt) -> str:
    """A part of a term: its own sums are no terms of the index."""
    return spelling(node, spelt).replace(" + ", "+")


def _unlike(node: tree.Node) -> str:
    return f"?{node.line}:{node.column}"
