"""What stands twice, of which only one counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmlint.checkers.contracts.slip_of_the_pen.known import Known
from llmlint.checkers.contracts.slips import Slip
from llmlint.code.syntax import tree


def methods(node: tree.Node, file: Known) -> Iterator[Slip]:
    assert isinstance(node, tree.Class)
    seen: dict[str, tree.Function] = {}
    for member in node.body:
        if isinstance(member, tree.Function) and member.name != "_":
            first = seen.get(member.name)
            if first is not None and not first.decorators and not member.decorators and first.body is not None:
                message = f"the second {member.name} of {node.name} replaces the one at line {first.line}"
                sure = "high" if _differ(first, member) else "low"
                yield Slip(member, message, "keep one, or give one another name", sure)
            seen[member.name] = member


def _differ(first: tree.Function, second: tree.Function) -> bool:
    """Must callers of one be surprised by the other: is it awaited, or does it not take all that the first takes?"""
    taken = [(param.name, param.kind) for param in first.params]
    places = [(param.name, param.kind) for param in second.params]
    more = second.params[len(taken) :]
    fits = places[: len(taken)] == taken and all(param.default or param.kind in ("*", "**") for param in more)
    return first.is_async != second.is_async or not fits


def asked_again(node: tree.Node, file: Known) -> Iterator[Slip]:
    """A later branch of a chain that asks what this one asked, and would do something else."""
    assert isinstance(node, tree.If)
    asked, done = file.text(node.test), _texts(file, node.body)
    later = tree.else_if(node)
    while later is not None and file.text(later.test) != asked:
        later = tree.else_if(later)
    if later is not None and not _may_change(later.test) and _texts(file, later.body) != done:
        yield Slip(later.test, f"never true: `{asked[:60]}` was asked above", "ask what was meant")


def _texts(file: Known, body: Sequence[tree.Node]) -> list[str]:
    return [file.text(statement) for statement in body]


def joined_twice(node: tree.Node, file: Known) -> Iterator[Slip]:
    assert isinstance(node, tree.Logic)
    asked: set[str] = set()
    for operand in node.operands:
        text = file.text(operand)
        if text in asked and not _may_change(operand):
            yield Slip(operand, f"`{text[:60]}` stands here twice, joined by `{node.op}`", "ask what was meant", "low")
        asked.add(text)


def _may_change(node: tree.Node) -> bool:
    return any(isinstance(n, tree.Call | tree.Await | tree.Named | tree.Yield) for n in tree.walk(node))
