"""What is known where a branch was taken: small facts about values, what contradicts them and what ends them.

A fact is an atom and whether it holds. `x is None`, `not x` and `x == nullptr` speak about the same two atoms, so a
later `if x:` is decided by an earlier `if x is None: return`. There is no solver: a test that is not understood is an
atom by its text and contradicts only itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from llmlint.code.facts.facts import Effect, Test
from llmlint.code.syntax.written import mentions

Atom = tuple[str, ...]
Fact = tuple[Atom, bool]
Facts = frozenset[Fact]

NOTHING: Facts = frozenset()

_NEGATED = {"!=": "==", "is not": "is", "not in": "in", ">=": "<", "<=": ">"}
_BOOLS = {"True": True, "true": True, "False": False, "false": False}
_EMPTY = frozenset({"0", '""', "''", "{}", "[]", "()", "0.0"})


@lru_cache(maxsize=16384)
def implied(test: Test, holds: bool) -> Facts:
    """What is known when a test holds, or does not."""
    return frozenset(_implied(test, holds))


def _implied(test: Test, holds: bool) -> Iterator[Fact]:
    match test.op:
        case "not":
            yield from _implied(test.args[0], not holds)
        case "and" | "or":
            if holds == (test.op == "and"):
                for part in test.args:
                    yield from _implied(part, holds)
            else:
                yield (written(test),), holds
        case "constant" | "other" | "none":
            return
        case "path" | "call":
            yield ("true", written(test)), holds
            if holds:
                yield ("none", written(test)), False
        case _:
            yield from _compared(test, holds)


def _compared(test: Test, holds: bool) -> Iterator[Fact]:
    op, (left, right) = test.op, test.args
    if op in _NEGATED:
        op, holds = _NEGATED[op], not holds
    if (op in ("==", "is") and right.op == "none") or left.op == "none":
        value = left if right.op == "none" else right
        yield ("none", written(value)), holds
        if holds:
            yield ("true", written(value)), False
    elif op in ("==", "is") and right.path in _BOOLS:
        yield from _implied(left, holds == _BOOLS[right.path])
    elif op == "==" and right.op == "constant":
        yield ("==", written(left), right.path), holds
        if holds:
            yield ("true", written(left)), right.path not in _EMPTY
    else:
        yield (op, written(left), written(right)), holds


@lru_cache(maxsize=16384)
def written(test: Test) -> str:
    """A test as text, the same for the same question."""
    if test.op in ("path", "constant", "other"):
        return test.path
    if test.op == "none":
        return "None"
    inner = ", ".join(written(part) for part in test.args)
    return f"{test.path if test.op == 'call' else test.op}({inner})"


def contradict(known: Facts, new: Facts) -> bool:
    """Can they not hold together?"""
    if not known or not new:
        return False
    for atom, holds in new:
        if (atom, not holds) in known:
            return True
        if atom[0] == "==" and holds:
            if any(k[0] == "==" and k[1] == atom[1] and k[2] != atom[2] and h for k, h in known):
                return True
    return False


def is_about(atom: Atom, path: str) -> bool:
    """Does the atom speak of this place, or of a part of it?"""
    return any(mentions(text, path) for text in (atom[1:] if len(atom) > 1 else atom))


def after(known: Facts, effect: Effect, is_python: bool) -> Facts:
    """What is still known when something has been done: a new value ends what was known of the old one, and a call
    may change what others can reach."""
    if not known:
        return known
    changed = [effect.path] if effect.op in ("bind", "assign", "delete", "clear", "insert", "remove") else []
    calls = bool(effect.callee)
    if calls and not is_python:
        changed += [a.written or a.path for a in effect.args if a.path]
    if not changed and not calls:
        return known
    return frozenset(
        (atom, holds)
        for atom, holds in known
        if not any(path and is_about(atom, path) for path in changed) and not (calls and _is_reachable(atom))
    )


def _is_reachable(atom: Atom) -> bool:
    """Could a call elsewhere change what the atom speaks of?"""
    return any(mark in text for text in atom[1:] or atom for mark in (".", "(", "~", "["))
