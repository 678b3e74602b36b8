"""Channels within the process: the end that sends, and who reads at the other."""

from __future__ import annotations

from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.program import Program, root_of
from llmlint.phrases import last_name

_LEAVES = frozenset({"return", "assign", "insert"})


def is_sending_end(program: Program, function: FunctionInfo, path: str, receiver: ClassInfo | None = None) -> bool:
    """Does it stand for the sending end of a channel in memory, which holds nothing that is to be given back?"""
    ends = program.vocabulary.sending_ends
    kind = program.class_of(function, path, receiver)
    if kind is None:
        return last_name(program.name_of(function, path)) in ends
    return any(last_name(base) in ends for above in kind.mro for base in above.unknown_bases)


def reads_the_other_end(function: FunctionInfo, entry: str) -> bool:
    """Does the function make both ends by one call, keep one at `entry`, and the other for itself alone?"""
    for effect in function.effects:
        made = effect.result.split(", ")
        if entry in made:
            other = next((name for name in made if name != entry and name.isidentifier()), "")
            return bool(other) and not any(
                (e.op in _LEAVES and root_of(e.path if e.op == "return" else e.source) == other)
                or any(root_of(argument.path) == other for argument in e.args)
                for e in function.effects
            )
    return False
