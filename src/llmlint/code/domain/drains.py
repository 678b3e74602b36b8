"""Destructive reads: a function gives what an object has gathered, and leaves the object empty.

It swaps a container for a fresh one, copies it and clears it, or takes its elements out one by one into a list of its
own. Whoever gets the result holds the only copy.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, root_of

_COPIES = frozenset("list set dict tuple deque collections.deque sorted".split())
_GETS = frozenset("get_nowait popleft pop popitem".split())
_SWAPS = ("swap", "exchange")
_DRAINING = _GETS.union(_SWAPS)


class Drain(msgspec.Struct, frozen=True):
    """`place` is emptied at `emptied`, and `local` holds what was there."""

    local: str
    place: str
    emptied: Effect


def drains_in(function: FunctionInfo) -> Iterator[Drain]:
    """Where a function empties a container of its object and has what was there in a local."""
    for effect in function.doing("clear", "call"):
        if effect.op == "clear" and effect.path.startswith("self.") and "[" not in effect.path:
            kept = {e.path: e for e in function.doing("bind") if e.path.isidentifier()}
            yield from (Drain(name, effect.path, effect) for name, bound in kept.items() if _holds(bound, effect))
        elif effect.op == "call" and effect.path.endswith(_SWAPS):
            yield from _swapped(function, effect)


def _holds(bound: Effect, cleared: Effect) -> bool:
    """`out = self.items`, or `out = list(self.items)`, and on the same way the clear; what is cleared in a branch may
    have been copied for something else."""
    if bound.line > cleared.line or bound.region != cleared.region:
        return False
    if bound.value == "path":
        return bound.source == cleared.path and cleared.via == "="
    return bound.value == "new" and bound.source in _COPIES and cleared.path in bound.reads


def _swapped(function: FunctionInfo, call: Effect) -> Iterator[Drain]:
    """C++: `out.swap(items_)`, `std::swap(out, items_)`, `auto out = std::exchange(items_, {})`."""
    receiver, _, method = call.path.rpartition(".")
    paths = [argument.path for argument in call.args]
    if method == "swap" and len(paths) in (1, 2):
        pair = [receiver, *paths] if len(paths) == 1 else paths
        inner = [path for path in pair if path.startswith("self.")]
        outer = [root_of(path) for path in pair if path and "(" not in path and not path.startswith("self.")]
        local = [name for name in outer if name.isidentifier() and _is_made_empty(function, name, call)]
        if len(inner) == len(local) == 1 and "[" not in inner[0]:
            yield Drain(local[0], inner[0], call)
    elif call.path in ("std.exchange", "exchange") and len(paths) == 2 and paths[0].startswith("self."):
        if call.result.isidentifier() and call.args[1].literal == "{}":
            yield Drain(call.result, paths[0], call)


def _is_made_empty(function: FunctionInfo, name: str, swapped: Effect) -> bool:
    """A local of this function's own, no reference to something else or parameter, and not what is to be put back."""
    filled = any(e.op == "insert" and e.path == name and e.line < swapped.line for e in function.effects)
    return not filled and all(param.name != name for param in function.params)


def given(function: FunctionInfo) -> dict[int, Drain]:
    """Which parts of its result are what the function took out of its object: by place in a tuple, -1 for all of it."""
    gist = function.facts.gist
    may_drain = gist.does("clear") or not _DRAINING.isdisjoint(gist.calls)  # a sieve before its body is read
    held = {drain.local: drain for drain in (*drains_in(function), *_gathered(function))} if may_drain else {}
    found: dict[int, Drain] = {}
    for effect in function.effects if held else ():
        if effect.op == "return" and effect.source in held:
            found[-1] = held[effect.source]
        elif effect.op == "return" and effect.value == "container":
            found |= {at: held[name] for at, name in enumerate(effect.holds) if name in held}
    return found


def _gathered(function: FunctionInfo) -> Iterator[Drain]:
    """`while not self.queue.empty(): out.append(self.queue.get_nowait())`, where what is taken is kept nowhere else."""
    for effect in function.doing("call", "remove"):
        if not effect.result:
            continue
        receiver, _, method = effect.callee.rpartition(".")
        if method not in _GETS or not receiver.startswith("self.") or "[" in receiver or effect.key:
            continue
        taken = effect.result if effect.result.isidentifier() else f"{effect.callee}()"
        puts = [e for e in function.effects if e.op == "insert" and taken in (e.source, *(a.path for a in e.args))]
        into = {put.path for put in puts}
        if len(into) == 1 and all(path.isidentifier() for path in into):
            yield Drain(into.pop(), receiver, effect)
