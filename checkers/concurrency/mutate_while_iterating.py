"""LLM207: a container that is changed while a loop walks it, and the loop goes on.

Three forms: the body of a `for` removes from the very container; a method of the same object that the body calls does;
a `while` that walks a list by a position takes elements out and moves the position on as if all still stood in place.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import partial

from llmlint.code.domain.entries import known_around
from llmlint.code.domain.state import attribute_of, symbol_of
from llmlint.code.facts.facts import Effect, Region, Test
from llmlint.code.flow.always import surely
from llmlint.code.flow.rounds import effects_in, goes_on, loops_of, walked_by
from llmlint.code.flow.summaries import Done, does
from llmlint.code.flow.with_helpers import helped_at, is_own_region, whole
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step

_SHRINKS = frozenset({"remove", "clear"})
_GROWS_KEYED = frozenset({"add", "discard", "setdefault", "update"})
_MOVE_UP = frozenset({"std.vector", "std.string", "std.basic_string"})
_MOVED_UP = "in a vector the iterator most often stands at the next element then, although by the standard it has ended"
_NAME = re.compile(r"[A-Za-z_]\w*")
_COMPARES = frozenset({"<", "!=", "<="})
_OVER_KEYS = re.compile(r" in [\w.]+?(?:\.keys\(\)|(?P<pairs>\.items\(\)))?$")

_MOVES = frozenset("push_back emplace_back push_front emplace_front insert erase clear pop_back resize".split())
_BY_ITERATOR = re.compile(
    r"for for ?\(.*?\b(?P<iterator>\w+) ?= ?[\w.>-]+?(?:\.|->)c?begin\(\);[^;]*;"
    r"(?P<step>[^;)]*(?:\+\+ ?(?P=iterator)|(?P=iterator) ?\+\+))? ?\)"
    r"|while (?P<asked>\w+) ?!= ?[\w.>-]+?(?:\.|->)c?end\(\)"
)
"""A C++ loop that walks by an iterator: it steps it on in its head, or asks there whether it is at the end."""


def check_program(program: Program) -> Iterator[Report]:
    for written in program.asked.functions:
        function = whole(program, written) if any(loops_of(written)) else written
        for loop in filter(partial(is_own_region, function), loops_of(function)):
            region = function.regions[loop]
            if function.language != "python" and (by := _BY_ITERATOR.match(region.text)) is not None:
                yield from _iterator_lost(program, function, loop, by["iterator"] or by["asked"], bool(by["step"]))
            elif region.text.startswith("while "):
                yield from _behind_a_cursor(program, function, loop, region)
            elif (walked := walked_by(function, loop)) and "[]" not in walked:
                yield from _in_the_body(program, function, loop, walked)


# ---------------------------------------------------------------- a `for` over the container itself


def _in_the_body(program: Program, function: FunctionInfo, loop: int, walked: str) -> Iterator[Report]:
    for at, effect in effects_in(function, loop):
        if _changes(function, effect, walked):
            if _puts_what_is_there(function, loop, effect):
                continue
            if goes_on(function, loop, at) and program.class_of(function, walked) is None:
                yield _report(program, function, loop, effect, walked, ())
                return
        elif effect.callee.startswith("self.") and _is_shrunk(function, walked):
            done = _changed_by(program, function, effect, walked)
            if done is not None and goes_on(function, loop, at) and program.class_of(function, walked) is None:
                yield _report(program, function, loop, effect, walked, (done,))
                return


def _changes(function: FunctionInfo, effect: Effect, walked: str) -> bool:
    if effect.path != walked:
        return False
    if function.language != "python":
        return bool(effect.callee) and effect.via in _MOVES
    return (effect.op in _SHRINKS and effect.via != "=") or (effect.op == "insert" and effect.via in _GROWS_KEYED)


def _puts_what_is_there(function: FunctionInfo, loop: int, effect: Effect) -> bool:
    """Is it put under the key that this round is about? That changes a value, not what is walked."""
    if effect.op != "insert" or function.language != "python" or not effect.args:
        return False
    first = effect.args[0]
    given = _keys_of(first.literal) if effect.via == "update" else [first.written or first.path]
    key = _key_of_round(function, loop)
    return bool(key) and len(effect.args) <= (1 if effect.via == "update" else 2) and set(given) == {key}


def _keys_of(display: str) -> list[str]:
    """The names that a dict is written out with; "" for any other key."""
    try:
        written = ast.parse(display, mode="eval").body
    except SyntaxError:  # cut short, for it is long
        return []
    keys = written.keys if isinstance(written, ast.Dict) else []
    return [key.id if isinstance(key, ast.Name) else "" for key in keys]


def _key_of_round(function: FunctionInfo, loop: int) -> str:
    """The name of the key in `for key in d`, `for key, _ in d.items()`, where the body gives it no other value."""
    bound = [e for _, e in effects_in(function, loop) if e.op == "bind"]
    targets = [e for e in bound if e.via == "for" and e.region == loop]
    if (over := _OVER_KEYS.search(function.regions[loop].text)) is None or not targets:
        return ""
    names = [e.path for e in targets if not over["pairs"] or any(path.endswith("[][0]") for path in e.options)]
    return names[0] if len(names) == 1 and [e.path for e in bound].count(names[0]) == 1 else ""


def _is_shrunk(function: FunctionInfo, walked: str) -> bool:
    """Does any method of the object take out of this attribute at all?"""
    attribute = attribute_of(walked)
    if walked != f"self.{attribute}" or function.owner is None:
        return False
    methods = (method for cls in function.owner.mro for method in cls.functions)
    return any(e.path == walked and e.op in _SHRINKS and e.via != "=" for m in methods for e in m.effects)


def _changed_by(program: Program, function: FunctionInfo, call: Effect, walked: str) -> Done | None:
    """What a method of the same object, called in the loop, takes out of the container."""
    if call.callee.count(".") != 1 or function.owner is None:
        return None
    for callee in program.callees(function, call):
        if callee.is_property or not callee.is_method:
            continue
        for done in does(program, callee):
            if done.path == walked and done.how in _SHRINKS and done.effect.via != "=":
                return done
    return None


def _report(
    program: Program,
    function: FunctionInfo,
    loop: int,
    effect: Effect,
    walked: str,
    through: tuple[Done, ...],
    doubt: str = "",
) -> Report:
    region = function.regions[loop]
    steps = [Step(function.path, region.line, f"the loop walks {walked} itself, not a copy")]
    steps.append(program.step(function, effect, f"{effect.callee or effect.path} changes it, and the loop goes on"))
    steps += [program.step(done.function, done.effect, f"{done.function.name} takes out of it") for done in through]
    helped = helped_at(function, function.effects.index(effect))
    if helped is not None:
        steps.append(program.step(helped.helper, helped.effect, f"{helped.helper.name} takes out of it"))
    maybe = any(not surely(program, done.chain[0].function, done.path, _SHRINKS) for done in through)
    maybe = maybe or (helped is not None and helped.effect.region > 0)
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{function.name} changes {walked} while it walks it",
        tuple(steps),
        confidence="low" if maybe or doubt else "medium" if through or helped else "high",
        reason=doubt or ("the called method may leave it alone" if maybe else "the loop goes on after the change"),
        subject=walked,
        fix=f"walk list({walked})",
        data={"snapshot": region.line} if region.text.startswith("for ") else {},
    )


def _may_give_anew(effect: Effect, iterator: str) -> bool:
    """An assignment, or a call that is handed the iterator and may take it by reference."""
    if effect.op == "bind":
        return effect.path == iterator and effect.via != "+="
    handed = any(iterator in (argument.written, argument.path) for argument in effect.args)
    return handed and bool(effect.callee) and effect.via != "erase"


def _iterator_lost(
    program: Program, function: FunctionInfo, loop: int, iterator: str, is_stepped: bool
) -> Iterator[Report]:
    """`m.erase(it)` ends the very iterator that the head steps on or asks about, and nothing gives it another value."""
    inside = list(effects_in(function, loop))
    anew = [at for at, e in inside if _may_give_anew(e, iterator)]
    for at, effect in inside:
        named = effect.args[0].written or effect.args[0].path if effect.args else ""
        if effect.via != "erase" or named != iterator or effect.result == iterator:
            continue
        if not goes_on(function, loop, at, anew):
            continue
        moves_up = not is_stepped and program.name_of(function, effect.path) in _MOVE_UP
        yield _report(program, function, loop, effect, effect.path, (), _MOVED_UP if moves_up else "")
        return


# ---------------------------------------------------------------- a `while` with a position


def _stands_behind(function: FunctionInfo, removal: Effect, cursor: str) -> bool:
    """Does a test around say that what is taken out is still to come: `if other > at: rows.pop(other)`?"""
    taken = {removal.key, *removal.reads}
    return any(
        (atom[0] == "<" and atom[1] == cursor and atom[2] in taken and holds)
        or (atom[0] == ">" and atom[2] == cursor and atom[1] in taken and holds)
        for atom, holds in known_around(function, removal)
    )


def _begins_at(function: FunctionInfo, removal: Effect, cursor: str) -> bool:
    """Is the position of what is taken out worked out from the cursor, as that of a second loop behind it is?"""
    index = removal.key or (removal.args[0].path if removal.via == "pop" and removal.args else "")
    if index == cursor:
        return False
    known, new = {""}, set(_NAME.findall(index))
    while new - known:
        known |= new
        new = {name for e in function.doing("bind") if e.path in new for name in _made_of(function, e)}
    return cursor in known


def _made_of(function: FunctionInfo, bind: Effect) -> Iterator[str]:
    """What an assignment reads, or the head of its loop, also in the calls of its line."""
    yield from (bind.source, *bind.reads)
    if bind.via == "for":
        yield from function.reads_of(function.regions[bind.region])
    for argument in (a for e in function.doing("call") if e.line == bind.line for a in e.args):
        yield from (argument.path, *argument.reads)


def _behind_a_cursor(program: Program, function: FunctionInfo, loop: int, region: Region) -> Iterator[Report]:
    for cursor, walked in _positions(region.test):
        inside = list(effects_in(function, loop))
        moves = [(at, e) for at, e in inside if e.op == "bind" and e.path == cursor]
        onward = [at for at, e in moves if e.via == "+="]
        others = [at for at, e in moves if e.via != "+="]
        for at, effect in inside:
            if effect.path != walked or effect.op != "remove" or _takes_the_end(effect) or cursor in effect.reads:
                continue
            if _stands_behind(function, effect, cursor) or _begins_at(function, effect, cursor):
                continue
            if onward and not others and not goes_on(function, loop, at, onward):
                yield Report(
                    program.place(function, effect),
                    symbol_of(function),
                    f"{function.name} takes an element out of {walked} and moves {cursor} on: one element is passed by",
                    (
                        Step(function.path, region.line, f"{cursor} is a position in {walked}"),
                        program.step(function, effect, "elements behind the one taken out move up"),
                        program.step(function, function.effects[onward[0]], f"{cursor} is moved on all the same"),
                    ),
                    confidence="medium",
                    reason=f"nothing in the loop lowers {cursor}, and every way on raises it",
                    subject=f"{walked},{cursor}",
                    fix=f"lower {cursor} when the element taken out stood before it",
                )
                return


def _positions(test: Test | None) -> Iterator[tuple[str, str]]:
    """`position < len(container)`, also as one of several conditions."""
    if test is None:
        return
    if test.op == "and":
        for part in test.args:
            yield from _positions(part)
    elif test.op in _COMPARES and test.args[0].op == "path" and test.args[1].op == "call":
        length = test.args[1]
        if length.path == "len" and length.args and length.args[0].op == "path" and test.args[0].path.isidentifier():
            yield test.args[0].path, length.args[0].path


def _takes_the_end(effect: Effect) -> bool:
    return effect.via == "pop" and (not effect.args or effect.args[0].literal == "-1")
