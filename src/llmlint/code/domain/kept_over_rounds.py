"""Locks and permits that a `continue` or a `break` keeps, where all other ways through the loop's body give them back.

What fails inside of a `try` comes to its handler here: who wrote the handler knows that it may.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from llmlint.code.domain.duties import Forgotten, forgotten, given_back_at, is_lock, normally, question_of
from llmlint.code.domain.lending import Held, Lending, is_captured
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import EXIT, RAISED
from llmlint.code.flow.leaks import Leak, Question, leak
from llmlint.code.link.exits import chain, loops_around
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.phrases import last_name, words

_LEVELS = 2
_SAYS = (("logger",), ("log",), ("logging",), ("print",))
_JUMPS = frozenset({"break", "continue"})


def kept_over_rounds(lending: Lending, held: Held) -> Iterator[Forgotten]:
    """The jumps out of a round that holds it, which end in the next round, or outside of the loop, without giving it
    back."""
    function = held.function
    loop = next(iter(loops_around(function, held.effect)), 0)
    if not loop or not is_lock(held) or _is_asked_by(held, loop) or is_captured(held):
        return
    if "[" in held.name or _is_left_to_inner(lending.program, held):
        return  # one of several: which one is taken and given back is not known
    later = ((at, e) for at, e in enumerate(function.effects) if at > held.at and e.op in _JUMPS)
    jumps = [at for at, e in later if _is_of(function, e, loop)]
    fates = lending.fates(held) if jumps else {}
    by_helpers = [*_given_back_by_helpers(lending.program, held)] if jumps else []
    released = [*given_back_at(held, fates), *by_helpers]
    normal = [at for at in normally(held, released) if loop in chain(function, function.effects[at].region)]
    if not normal:
        return
    asked = question_of(held, fates, released)
    asked = asked._replace(
        settled={*asked.settled, *by_helpers},
        throws=lambda effect: may_come_to_handler(function, held.effect, effect, loop),
    )
    keeping = [
        at
        for at in jumps
        if not _follows_from_failing(held, at, loop) and not _ends_finally(function, at, loop, released)
        if _is_kept(asked, at)
    ]
    if any(function.effects[at].op == "break" for at in keeping) and forgotten(lending, held) is not None:
        keeping = [at for at in keeping if function.effects[at].op != "break"]  # told where the function is left
    if keeping and not goes_round_without(asked, keeping):
        for at in keeping:
            jump = function.effects[at]
            yield Forgotten(Leak(jump, jump.op, None), jump, function.effects[normal[0]], is_handed_over=False)


def _is_asked_by(held: Held, loop: int) -> bool:
    """`while lock.acquire(timeout=1):` takes it once for each test."""
    region = held.function.regions[loop]
    return f"{held.effect.callee}(" in region.text


def _follows_from_failing(held: Held, jump: int, loop: int) -> bool:
    """`if not lock.acquire(blocking=False): continue`, or a test of what the call gave."""
    function = held.function
    around = chain(function, function.effects[jump].region)
    asking = [
        function.regions[at] for at in around[: around.index(loop)] if function.regions[at].kind in ("if", "else")
    ]
    return any(f"{held.effect.callee}(" in r.text or held.effect.result in {*r.reads, r.text} - {""} for r in asking)


def _is_of(function: FunctionInfo, jump: Effect, loop: int) -> bool:
    return next(iter(loops_around(function, jump)), 0) == loop


def _is_left_to_inner(program: Program, held: Held) -> bool:
    """Does a function within this one give it back? That runs whenever it is called."""
    own = f"{held.function.facts.qualname}."
    inner = (f for f in program.functions_in(held.function.path) if f.facts.qualname.startswith(own))
    leaves = program.vocabulary.left_by
    return any(
        e.callee.rpartition(".")[0] == held.name and held.protocol in leaves(e.callee) for f in inner for e in f.effects
    )


def _ends_finally(function: FunctionInfo, jump: int, loop: int, released: Collection[int]) -> bool:
    """Does the jump pass a `finally` that gives it back, on whatever condition?"""
    tried = _tries(function, function.effects[jump], loop)
    giving = {at for released_at in released for at in chain(function, function.effects[released_at].region)}
    return any(function.regions[at].kind == "finally" and function.regions[at].first in tried for at in giving)


def may_come_to_handler(function: FunctionInfo, taken: Effect, effect: Effect, loop: int) -> bool:
    """Does a call behind the taking stand in a `try` of the loop that has a handler? Lines of a log do not fail."""
    tried = _tries(function, effect, loop) if effect.callee and effect.line > taken.line else set()
    return not is_said(effect) and any(r.kind == "except" and r.first in tried for r in function.regions)


def is_said(effect: Effect) -> bool:
    """Is it a line of a log, or one that is printed?"""
    said_by = last_name(effect.callee.rpartition(".")[0]) or effect.callee
    return words(said_by)[-1:] in _SAYS


def _tries(function: FunctionInfo, effect: Effect, loop: int) -> set[int]:
    around = chain(function, effect.region)
    inside = around[: around.index(loop)] if loop in around else []
    return {at for at in inside if function.regions[at].kind == "try"}


def _is_kept(asked: Question, jump: int) -> bool:
    """Does a way lead to the jump with the thing in hand, and on from there to the taking or out of the function?"""
    paths = paths_of(asked.function)
    if leak(asked._replace(exits=[jump])) is None:
        return False
    goals = {EXIT, RAISED, *paths.graph.nodes_of(asked.taken)}
    onward = paths.find(paths.graph.nodes_of(jump), goals, _at(asked, asked.settled).__contains__)
    return onward is not None


def goes_round_without(asked: Question, jumps: Collection[int]) -> bool:
    """Does a way of another kind lead round to the taking with the thing in hand? Then somebody else gives it back."""
    paths = paths_of(asked.function)
    avoided = _at(asked, [*asked.settled, *jumps])
    return paths.find(paths.graph.nodes_of(asked.taken), _at(asked, [asked.taken]), avoided.__contains__) is not None


def _at(asked: Question, effects: Collection[int]) -> set[int]:
    graph = paths_of(asked.function).graph
    return {node for effect in effects for node in graph.nodes_of(effect)}


def _given_back_by_helpers(program: Program, held: Held) -> Iterator[int]:
    """The calls of functions that give back what is called as this is."""
    for at, effect in enumerate(held.function.effects):
        if at > held.at and effect.op == "call" and _may_give_back(program, held, held.function, effect, _LEVELS):
            yield at


def _may_give_back(program: Program, held: Held, function: FunctionInfo, effect: Effect, levels: int) -> bool:
    name = last_name(held.name)
    for callee in program.callees(function, effect):
        for inner in (e for e in callee.effects if e.callee):
            if held.protocol in program.vocabulary.left_by(inner.callee):
                if last_name(inner.callee.rpartition(".")[0]) == name:
                    return True
            elif levels > 1 and _may_give_back(program, held, callee, inner, levels - 1):
                return True
    return False
