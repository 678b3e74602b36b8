"""LLM108: a member that holds something lent, forgotten by the clean-up that gives the owner's other members back.

What must come back is told by the protocols and by C++ `new`. The owner has a clean-up when a destructor, a
`close` or a `…_free(owner)` gives back at least one member. A member that anything in
the program gives back, moves or passes on is left alone. Python's objects give back what they hold when they go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from llmlint.code.domain.owners import Owners
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.protocols import Protocol
from llmlint.runtime.block import Target
from llmlint.runtime.native.native_block import native_block
from llmlint.vocabulary import words

_PASSING_ON = frozenset(
    {"move", "unique_ptr", "shared_ptr", "make_pair", "emplace", "emplace_back", "push_back", "add"}
)


class Lent(msgspec.Struct, frozen=True):
    """A member that a function filled with what a call lent, or, where there is no protocol, with `new`."""

    owner: ClassInfo
    member: str
    function: FunctionInfo
    effect: Effect
    protocol: Protocol | None

    @property
    def what(self) -> str:
        return self.protocol.name if self.protocol else "object made by new"


class CleanUp(msgspec.Struct, frozen=True):
    """A function that gives members of an owner back, by member the effect that does it."""

    function: FunctionInfo
    given: dict[str, Effect]


def check_program(program: Program) -> Iterator[Report]:
    owners = Owners(program)
    native = [function for function in program.functions if function.language != "python"]
    if not any(_lent(program, program.asked.among(native), owners)):
        return
    members: dict[ClassInfo, dict[str, Lent]] = {}
    for lent in _lent(program, native, owners):
        members.setdefault(lent.owner, {}).setdefault(lent.member, lent)
    settled = _settled_among(program, native, owners, frozenset(name for mine in members.values() for name in mine))
    cleaning = _clean_ups(program, native, owners)
    for owner in sorted(members, key=lambda cls: cls.order):
        mine = members[owner]
        for lent in mine.values():
            clean_up = _best(cleaning.get(owner, []))
            if clean_up is not None and settled.isdisjoint(((owner, lent.member), (None, lent.member))):
                siblings = [other for other in mine.values() if other.member in clean_up.given]
                yield _report(program, lent, clean_up, siblings)


# ---------------------------------------------------------------- what is lent


def _lent(program: Program, native: Sequence[FunctionInfo], owners: Owners) -> Iterator[Lent]:
    for function in native:
        for effect in function.effects:
            root, _, member = effect.result.partition(".")
            if effect.op != "call" or not member.isidentifier():
                continue
            protocol = _protocol(program, effect)
            owner = owners.owner_of(function, root) if protocol or effect.via == "new" else None
            if owner is not None and not _gives_back_by_itself(owner, member):
                yield Lent(owner, member, function, effect, protocol)


def _protocol(program: Program, effect: Effect) -> Protocol | None:
    protocols = program.vocabulary.entered_by(effect.callee) if effect.via != "new" else ()
    return next((row for row in protocols if row.held == "result" and not row.enter[0].startswith(".")), None)


def _gives_back_by_itself(owner: ClassInfo, member: str) -> bool:
    """Smart pointers and other types with a destructor of their own."""
    attribute = owner.attributes.get(member)
    if attribute is None or attribute.function is not None:
        return False
    written = attribute.annotation
    return (
        "ptr" in written or "::" in written or "<" in written or (attribute.class_of is not None and "*" not in written)
    )


# ---------------------------------------------------------------- what is given back


def _clean_ups(program: Program, native: list[FunctionInfo], owners: Owners) -> dict[ClassInfo, list[CleanUp]]:
    found: dict[ClassInfo, list[CleanUp]] = {}
    for written in native:
        if written.name != "__del__" and not _ends(program, written.name):
            continue
        function = whole(program, written)
        given: dict[str, dict[str, Effect]] = {}
        for effect in function.effects:
            for path in _given_back(program, effect):
                root, _, member = path.partition(".")
                if member.isidentifier():
                    given.setdefault(root, {}).setdefault(member, effect)
        for root, effects in given.items():
            owner = owners.owner_of(function, root)
            if owner is not None:
                found.setdefault(owner, []).append(CleanUp(function, effects))
    return found


def _given_back(program: Program, effect: Effect) -> Iterator[str]:
    if effect.op == "delete":
        yield effect.path.removesuffix("[]")
    elif effect.callee and program.vocabulary.left_by(effect.callee):
        yield effect.callee.rpartition(".")[0].removesuffix("[]")
        yield from (argument.path.removesuffix("[]") for argument in effect.args)


def _settled_among(
    program: Program, native: list[FunctionInfo], owners: Owners, members: frozenset[str]
) -> frozenset[tuple[ClassInfo | None, str]]:
    """Those members that anything gives back, moves or hands to somebody else; None stands for an unknown owner."""
    return frozenset(
        (owners.owner_of(function, root) if parts == [member] else None, member)
        for function in native
        for effect in function.effects
        for path in _settled(program, effect)
        if "." in path and path.removesuffix("[]").rpartition(".")[2] in members
        if not _is_replaced(function, effect, path)
        for root, *parts in [path.removesuffix("[]").split(".")]
        for member in parts[-1:]
    )


def _is_replaced(function: FunctionInfo, effect: Effect, path: str) -> bool:
    """Given back only to be acquired anew: the new one is still to be given back."""
    return any(later.op == "call" and later.result == path and later.line >= effect.line for later in function.effects)


def _settled(program: Program, effect: Effect) -> Iterator[str]:
    if effect.op in ("delete", "clear"):
        yield effect.path
    elif effect.op in ("assign", "insert") and effect.value == "path":
        yield effect.source
    if "." in effect.callee or any("." in argument.path or argument.reads for argument in effect.args):
        receiver, _, name = effect.callee.rpartition(".")
        if name in _PASSING_ON or _ends(program, name) or program.vocabulary.left_by(effect.callee):
            yield receiver
            for argument in effect.args:
                yield from (argument.path, *argument.reads)


def _ends(program: Program, name: str) -> bool:
    """`free_slots` and, as C writes it, `slots_free`."""
    return any(program.vocabulary.is_terminal(part) for part in (name, *words(name)[-1:]))


# ---------------------------------------------------------------- the report


def _best(clean_ups: list[CleanUp]) -> CleanUp | None:
    """The clean-up that gives back most."""
    return max(clean_ups, key=lambda clean_up: len(clean_up.given), default=None)


def _report(program: Program, lent: Lent, clean_up: CleanUp, siblings: list[Lent]) -> Report:
    cleaning = clean_up.function
    sibling, release = next(iter(clean_up.given.items()))
    return Report(
        program.place(cleaning, release),
        cleaning.facts.qualname,
        f"{cleaning.name} gives back {sibling} and not {lent.member} ({lent.what}), nor does anything else",
        (
            Step(lent.function.path, lent.effect.line, f"{lent.member} is acquired by {lent.effect.callee}"),
            Step(cleaning.path, release.line, f"{sibling} is given back here by {release.callee or release.op}"),
        ),
        confidence="high",
        reason=f"the owner {lent.owner.name} has a clean-up for what it acquired, and this member is missing in it",
        subject=lent.member,
        fix=f"give back {lent.member} in {cleaning.name}",
        data=_runtime(lent, clean_up, siblings),
    )


def _runtime(lent: Lent, clean_up: CleanUp, siblings: list[Lent]) -> dict[str, Any]:
    """Who acquires it and its siblings, and the clean-up, after which all should be gone."""
    if lent.protocol is None:
        return {}
    beside = [(sibling.effect.callee, sibling.protocol) for sibling in siblings if sibling.protocol]
    scope = Target(lent.function.facts.qualname, "scope", lent.function.path)
    leave = Target(clean_up.function.facts.qualname, "leave", clean_up.function.path)
    return native_block(scope, lent.effect.callee, lent.protocol, lent.effect.line, leave, beside)
