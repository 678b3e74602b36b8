"""Which numbers of C and C++ code are fractions: by what they are declared as, cast to, or printed as."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import nodes

FLOAT = re.compile(r"\b(?:float|double)\b")
_CONVERSION = re.compile(
    r"%(?:%|[-+ #0]*(?P<width>\*|\d+)?(?:\.(?P<digits>\*|\d*))?(?:hh|h|ll|l|j|z|t|L)?(?P<kind>[a-zA-Z]))"
)
_PRINTED_AS_FRACTION = frozenset("eEfFgGaA")


def float_members(module: tree.Module) -> frozenset[str]:
    """The members that every class of the file with one of the name declares as a fraction."""
    declared: dict[str, set[bool]] = {}
    for node in nodes(module, tree.Field):
        if isinstance(node.annotation, tree.TypeName):
            declared.setdefault(node.name, set()).add(bool(FLOAT.search(node.annotation.text)))
    return frozenset(name for name, kinds in declared.items() if kinds == {True})


def printed_as_fractions(function: tree.Function) -> list[tree.Node]:
    """What a format prints by `%f` and its like: compilers refuse it where it is a whole number."""
    return [given for node in tree.walk_own(function) if isinstance(node, tree.Call) for given in _fractions_of(node)]


def _fractions_of(call: tree.Call) -> Iterator[tree.Node]:
    for at, arg in enumerate(call.args):
        if isinstance(arg, tree.Literal) and arg.kind == "string" and "%" in arg.text:
            kinds = [kind for found in _CONVERSION.finditer(arg.text) for kind in _asked_by(found)]
            yield from (g for g, kind in zip(call.args[at + 1 :], kinds, strict=False) if kind in _PRINTED_AS_FRACTION)
            return


def _asked_by(conversion: re.Match[str]) -> Iterator[str]:
    """What one conversion takes of the arguments: a width or digits given as `*` are whole numbers."""
    yield from ("d" for part in ("width", "digits") if conversion[part] == "*")
    if conversion["kind"]:
        yield conversion["kind"]


def is_fraction(node: tree.Node, declared: dict[str, str], members: frozenset[str]) -> bool:
    """Is one of the numbers that it is made of a fraction?"""
    for inner in tree.walk(node):
        match inner:
            case tree.Literal(kind="float") | tree.Cast(type=tree.TypeName(text="double" | "float")):
                return True
            case tree.Call(template=template) if FLOAT.search(template):
                return True
            case tree.Call(function=tree.Name(id="double" | "float")):
                return True
            case tree.Name(id=name) if FLOAT.search(declared.get(name, "")):
                return True
            case tree.Name(id=name) if name in members and name not in declared:
                return True
            case tree.Attribute(name=name) if name in members:
                return True
    return False
