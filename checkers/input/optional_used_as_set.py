"""LLM974: a value that the function itself takes to be None at times is used as if it were not.

Three ways: it is used, and asked only then whether it is None; it was asked, and the answer None goes on to the use; it
was None before a loop that may give it a value, and is used behind the loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.knowledge import read
from llmlint.code.flow.known import Known
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report, Step

_BEHIND = re.compile(r" *(?:\.[a-z_]|\[| [-+*/%@<>]|[*/%])")
_BEFORE = re.compile(r"(?:[-+*/%@<>]=?|\bin|\blen\()[ \n]*(?:[\w.\[\]]*\.)?$")
_ARITHMETIC = frozenset({"+", "-", "*", "/", "//", "%", "@", "**"})
_ORDERS = frozenset({"<", ">", "<=", ">="})
_CAUGHT = ("AttributeError", "TypeError", "Exception", "BaseException")
_SOME = ("some", "true", "typed", "asked", "false")


class _Use(NamedTuple):
    at: tree.Node
    place: str
    does: str


class _Found(NamedTuple):
    use: _Use
    line: int
    how: str


def check_file(file: SourceFile) -> Iterator[Report]:
    doubtful = set(_doubtful(file))
    for function in nodes(file.tree, tree.Function) if doubtful else ():
        if function.body and function.line in doubtful:
            told: set[str] = set()
            for found in _found(function):
                if found.use.place not in told:
                    told.add(found.use.place)
                    yield _report(file, found)


# ---------------------------------------------------------------- which functions are worth reading


def _doubtful(file: SourceFile) -> Iterator[int]:
    """The first lines of functions that name something which may be None, and use it by that name where it matters."""
    if "None" not in file.text:
        return
    starts = [0, *accumulate(len(line) + 1 for line in file.text.split("\n"))]
    bounds = sorted((f.line, f.end_line) for f in file.facts.functions if f.name != "<module>")
    others = _other_names(file)
    found: set[int] = set()
    for name, at, since, until in _asked_for(file):
        first, last = max(((a, b) for a, b in bounds if a <= at <= b), default=(0, 0))
        if first and first not in found:
            start, end = starts[since or first - 1], starts[until or last]
            if any(_is_used(file.text, one, start, end) for one in (name, *others.get(name, ()))):
                found.add(first)
                yield first


def _is_used(text: str, name: str, start: int, end: int) -> bool:
    """Does the name stand somewhere between as None cannot?"""
    at = text.find(name, start, end)
    while at >= 0:
        if _BEHIND.match(text, at + len(name)) or _BEFORE.search(text, max(start, at - 60), at):
            return True
        at = text.find(name, at + len(name), end)
    return False


def _other_names(file: SourceFile) -> dict[str, set[str]]:
    """The last parts of what names are given somewhere in the file: `steps = config.denoising_steps`."""
    found: dict[str, set[str]] = {}
    for node in nodes(file.tree, tree.Assign):
        match node:
            case tree.Assign(targets=[tree.Name(id=name)], value=tree.Attribute(name=given)):
                found.setdefault(name, set()).add(given)
    return found


def _asked_for(file: SourceFile) -> Iterator[tuple[str, int, int, int]]:
    """The last part of a name, the line that says it may be None, and between which lines a use would matter; 0 for the
    ends of the function."""
    for node in nodes(file.tree, tree.If):
        for test in node.test.operands if isinstance(node.test, tree.Logic) else [node.test]:
            if isinstance(test, tree.Compare) and (name := _last_name(_asked(test))):
                without = node.body if test.ops == ["is"] else node.orelse
                if not (without and isinstance(without[-1], tree.Return | tree.Raise | tree.Jump)):
                    yield name, node.line, node.end_line, 0
    for assigned in nodes(file.tree, tree.Assign):
        if _is_none(assigned.value) and len(assigned.targets) == 1 and (name := _last_name(assigned.targets[0])):
            yield name, assigned.line, assigned.line, 0
    given = {p.name for f in file.facts.functions for p in f.params if "None" in p.default or "None" in p.annotation}
    for test in nodes(file.tree, tree.Compare) if given else ():
        if isinstance(asked := _asked(test), tree.Name) and asked.id in given:
            yield asked.id, test.line, 0, test.line - 1


def _last_name(node: tree.Node | None) -> str:
    name = tree.path_of(node).rpartition(".")[2]
    return name if name.isidentifier() else ""


# ---------------------------------------------------------------- one function


def _found(function: tree.Function) -> list[_Found]:
    found: list[_Found] = []
    used: dict[str, _Use] = {}

    def see(node: tree.Node, known: Known) -> None:
        if isinstance(node, tree.Compare) and (asked := _asked(node)) is not None:
            place = known.place(asked)
            if known.knows(place, "used") and place in used:
                found.append(_Found(used[place], node.line, "asked_after"))
        for use in _uses(node, known):
            doubt = known.doubts.get(use.place, 0)
            if known.knows(use.place, *_SOME) or known.is_vetted(use.place) or known.is_caught(*_CAUGHT):
                continue
            if doubt:
                found.append(_Found(use, doubt, "none_goes_on"))
            known.add(use.place, "used", "some")
            used[use.place] = use

    read(function, see)
    may_be_none = {param.name for param in function.params if _may_be_none(param)}
    return [one for one in found if one.how == "none_goes_on" or one.use.place in may_be_none]


def _may_be_none(param: tree.Parameter) -> bool:
    """May a caller give None by the declaration? Of anything else, a test behind its use may be idle."""
    return any(
        (isinstance(node, tree.Literal) and (node.kind == "none" or "None" in node.text))
        or tree.path_of(node).rpartition(".")[2] == "Optional"
        for written in (param.annotation, param.default)
        if written is not None
        for node in tree.walk(written)
    )


def _is_none(node: tree.Node | None) -> bool:
    return isinstance(node, tree.Literal) and node.kind == "none"


def _asked(node: tree.Compare) -> tree.Node | None:
    match node:
        case tree.Compare(operands=[value, tree.Literal(kind="none")], ops=["is" | "is not"]):
            return value
    return None


def _uses(node: tree.Node, known: Known) -> Iterator[_Use]:
    """What None does not allow."""
    for value, does in _operands(node):
        place = known.place(value)
        if place and place not in ("self", "cls"):
            yield _Use(node, place, does)


def _operands(node: tree.Node) -> Iterator[tuple[tree.Node, str]]:
    match node:
        case tree.Attribute(value=value, name=name):
            yield value, f"its {name} is taken"
        case tree.Index(value=value):
            yield value, "it is indexed"
        case tree.Binary(op=op, left=left, right=right) if op in _ARITHMETIC:
            yield left, "it is reckoned with"
            if not isinstance(left, tree.Literal | tree.Format):  # "%s" % x
                yield right, "it is reckoned with"
        case tree.Compare(operands=operands, ops=ops) if not _ORDERS.isdisjoint(ops):
            yield from ((operand, "it is compared") for operand in operands)
        case tree.Generator(iterable=iterable):
            yield iterable, "it is walked"
        case tree.Call(function=tree.Name(id="len"), args=[value]):
            yield value, "its length is taken"


_SAYS = {
    "asked_after": "only here it is asked whether it is None",
    "none_goes_on": "where it is None, control goes on",
}


def _report(file: SourceFile, found: _Found) -> Report:
    use, name = found.use, found.use.place.partition("@")[0]
    steps = [Step("", found.line, _SAYS[found.how]), Step("", use.at.line, use.does)]
    return Report(
        place_of(use.at),
        qualname_at(file.facts, use.at.line),
        f"{name} may be None here, as line {found.line} says, and {use.does}",
        tuple(sorted(steps, key=lambda step: step.line)),
        confidence="low",
        reason="the function itself asks whether it is None, but what callers give it is not known",
        subject=name,
        fix=f"ask before the use, or leave where {name} is None",
        mechanism=f"optional_used_as_set.{found.how}",
    )
