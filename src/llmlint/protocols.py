"""What is entered and must be left again: `rules/protocols.toml`, and a project's own `[[tool.llmlint.protocol]]`.

A row is a small automaton: calls or changes that enter a state, those that leave it, who may keep what is held, and the
ways out on which it must not be held any more. `code/domain/lending.py` finds who holds what, `code/flow/leaks.py` asks
where it is still held, and the rules say what that means.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from llmlint.phrases import ends, last_name, words
from llmlint.settings_problems import says

PROTOCOLS_FILE = Path(__file__).parent / "rules" / "protocols.toml"
ANY = "*"
_DONE = frozenset({"+=", "-=", "insert", "remove", "=True", "=False", "=", "=saved"})
_CHANGED = frozenset({"count", "state"})

Calls = tuple[str, ...]
SomeCalls = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class Protocol(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One row; what its keys mean in full stands at the head of the TOML file."""

    name: Annotated[str, says("What messages call it.")]
    enter: Annotated[SomeCalls, says("Calls or changes after which it is held.")]
    leave: Annotated[SomeCalls, says("Calls or changes after which it is not.")]
    held: Annotated[Literal["result", "argument", "receiver"], says("What a call lends.")] = "result"
    kind: Annotated[Literal["thing", "count", "lock", "state"], says("Which rules ask about it.")] = "thing"
    exits: Annotated[
        tuple[Literal["return", "raise", "cancel"], ...], says("Ways out on which it must not be held.")
    ] = ("return", "raise")
    keep: Annotated[Calls, says("Calls that take over what they are given.")] = ()
    use: Annotated[Calls, says("Calls that only look at what they are given.")] = ()
    renew: Annotated[Calls, says("Calls that take over the first that they are given, and lend it anew.")] = ()
    scope: Annotated[Calls, says("C++ types whose object holds it until its scope ends.")] = ()
    collected: Annotated[bool, says("It gives itself back when nothing refers to it any more.")] = False
    lasting: Annotated[bool, says("It is often kept until the program ends.")] = False
    out: Annotated[int, says("The argument of a C function that points to where it is written; the first is 1.")] = 0
    taken_at: Annotated[
        tuple[tuple[str, int], ...], says("Calls that take it by another argument than the first, with its number.")
    ] = ()
    within: Annotated[int, says("Where in a struct lent by value the pointer stands that tells it from others.")] = 0
    source: Annotated[str, says("Where this is known from.")] = "configuration"

    def __post_init__(self) -> None:
        for form in (*self.enter, *self.leave):
            change = change_of(form)
            if change is not None and (change.does not in _DONE or not change.name):
                raise ValueError(f"{form!r} names neither a call nor a change")
            if change is not None and self.kind not in _CHANGED:
                raise ValueError(f"{form!r} is a change, and of kind {self.kind!r} only calls are known")
            if change is None and self.kind == "state":
                raise ValueError(f"{form!r} is a call, and of kind 'state' only changes are known")

    @property
    def entering_calls(self) -> Calls:
        return tuple(form for form in self.enter if change_of(form) is None)

    @property
    def leaving_calls(self) -> Calls:
        return tuple(form for form in self.leave if change_of(form) is None)

    @property
    def entering_changes(self) -> tuple[Change, ...]:
        return tuple(change for form in self.enter if (change := change_of(form)) is not None)

    @property
    def is_of_any(self) -> bool:
        """Does it fit whatever is changed and changed back, and name nothing?"""
        return any(change.name == ANY for change in self.entering_changes)

    @property
    def leaving_changes(self) -> tuple[Change, ...]:
        return tuple(change for form in self.leave if (change := change_of(form)) is not None)


class Change(msgspec.Struct, frozen=True):
    """What is done to an attribute of which name: `+=` to `ref_cnt`, `insert` into any."""

    does: str
    name: str

    def is_of(self, path: str) -> bool:
        """Does it speak of this path: `+= ref_cnt` of `block.ref_cnt`?"""
        return self.name == ANY or ends(words(last_name(path)), frozenset({self.name}))


@lru_cache(maxsize=4096)
def change_of(form: str) -> Change | None:
    """A form of `enter` or `leave` as a change; None for one that names a call."""
    does, space, name = form.partition(" ")
    return Change(does, name) if space else None


@lru_cache(maxsize=1)
def shipped_protocols() -> tuple[Protocol, ...]:
    rows = tomllib.loads(PROTOCOLS_FILE.read_text(encoding="utf-8"))
    return msgspec.convert(rows["protocol"], tuple[Protocol, ...])
