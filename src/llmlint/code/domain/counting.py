"""Reference counts: which effects raise one, which lower one, and of what.

A count is told by its name (`ref_cnt`, `lock_ref`), by two methods that a protocol knows: one raises what the other
lowers (`pin`, `unpin`), or by two functions under any names that count what they are given up and down by one, where
that is all they do or the one that lowers asks for zero. A function that raises one, directly or through one call more,
is known by what it does. The protocols of locks, references and pins name the functions that cannot be followed.
"""

from __future__ import annotations

import re

import msgspec

from llmlint.code.facts.facts import Effect
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program, root_of

RAISE, LOWER = "+=", "-="
_WAYS = (RAISE, LOWER)
_ATOMIC = {"fetch_add": RAISE, "fetch_sub": LOWER}
_ATOMICS = tuple(_ATOMIC)
_COUNTING = frozenset(f"assign {way}" for way in _WAYS)


class Counts(msgspec.Struct, frozen=True):
    """The functions of a program that raise a count, and those that lower one, as `FunctionInfo`s."""

    raising: frozenset[FunctionInfo]
    lowering: frozenset[FunctionInfo]


def counts_asked(program: Program) -> Counts:
    """In the languages that somebody asked about."""
    found = [counts_of(program, in_python) for in_python in program.asked.sides]
    return Counts(frozenset(f for c in found for f in c.raising), frozenset(f for c in found for f in c.lowering))


def counts_of(program: Program, in_python: bool) -> Counts:
    known = once(program, _known_counts)
    if in_python not in known:
        known[in_python] = _counts_among(
            program, [f for f in program.functions if (f.language == "python") == in_python]
        )
    return known[in_python]


def _known_counts(_: Program) -> dict[bool, Counts]:
    return {}


def _counts_among(program: Program, functions: list[FunctionInfo]) -> Counts:
    stepping = [Call(f, e) for f in functions if _may_count(f) for e in f.effects if _may_step(e)]
    direct = [call for call in stepping if call.effect.op == "assign"]
    paired = _paired(program, direct)
    counted = [(f, e.via) for f, e in direct if program.vocabulary.is_count(e.path) or (f.owner, e.path) in paired]
    raised, lowered = _mirrored(stepping)
    raising = _with_callers(program, {f for f, via in counted if via == RAISE} | raised)
    lowering = _with_callers(program, {f for f, via in counted if via == LOWER} | lowered)
    return Counts(frozenset(raising - lowering), frozenset(lowering))


def _paired(program: Program, direct: list[Call]) -> set[tuple[ClassInfo | None, str]]:
    """What methods of one class raise and lower by one, where a protocol of counts names them: `pin` and `unpin`."""
    protocols = program.vocabulary.entered_by, program.vocabulary.left_by
    raised, lowered = (
        {
            (f.owner, e.path)
            for f, e in direct
            if e.via == way and e.source == "1" and any(row.kind == "count" for row in protocol(f"x.{f.name}"))
        }
        for way, protocol in zip((RAISE, LOWER), protocols, strict=True)
    )
    return raised & lowered


def _may_count(function: FunctionInfo) -> bool:
    gist = function.facts.gist
    if not _COUNTING.isdisjoint(gist.deeds):
        return True
    return function.language != "python" and any(name.endswith(_ATOMICS) for name in gist.calls)


def _may_step(effect: Effect) -> bool:
    return effect.via in _WAYS if effect.op == "assign" else effect.op == "call" and effect.path.endswith(_ATOMICS)


def _mirrored(stepping: list[Call]) -> tuple[set[FunctionInfo], set[FunctionInfo]]:
    """The functions that count up, and those that count down, one attribute of what they are given."""
    found: dict[tuple[object, str], dict[str, set[FunctionInfo]]] = {}
    for function, effect in stepping:
        path, way = _steps(effect)
        if way and path.count(".") == 1 and "[" not in path and root_of(path) in {p.name for p in function.params}:
            key = (function.owner or function.path, path.partition(".")[2])
            found.setdefault(key, {RAISE: set(), LOWER: set()})[way].add(function)
    raising: set[FunctionInfo] = set()
    lowering: set[FunctionInfo] = set()
    for (_, name), ways in found.items():
        up, down = ways[RAISE] - ways[LOWER], ways[LOWER] - ways[RAISE]
        if up and down and (any(_asks_for_none(f, name) for f in down) or all(_only_counts(f) for f in up | down)):
            raising |= up
            lowering |= down
    return raising, lowering


def _steps(effect: Effect) -> tuple[str, str]:
    """What is counted by one, and which way; ("", "") for nothing."""
    if effect.op == "assign" and effect.via in _WAYS and effect.source == "1":
        return effect.path, effect.via
    path, _, method = effect.path.rpartition(".")
    if effect.op == "call" and method in _ATOMIC and effect.args and effect.args[0].literal == "1":
        return path, _ATOMIC[method]
    return "", ""


def _asks_for_none(function: FunctionInfo, name: str) -> bool:
    """`if block.users == 0`, `if (b->refs.fetch_sub(1) == 1)`: nobody holds it any more."""
    asks = re.compile(
        rf"\b{name}\b\s*(==|<=|>|!=|<)\s*[01]\b|not [\w.]*\b{name}\b|\b{name}\.fetch_sub\(.*\)\s*[=<]=\s*1"
    )
    return any(asks.search(region.text) for region in function.regions)


def _only_counts(function: FunctionInfo) -> bool:
    return all(_steps(effect)[1] or effect.op in ("return", "bind") for effect in function.effects)


def _with_callers(program: Program, functions: set[FunctionInfo]) -> set[FunctionInfo]:
    """These and the functions that do nothing but pass on what they are given to one of them."""
    found = set(functions)
    for function in sorted(functions, key=lambda f: f.order):
        for caller, effect in program.calls_named(function.name):
            if _only_passes_on(caller) and function in program.callees(caller, effect):
                found.add(caller)
    return found


def _only_passes_on(function: FunctionInfo) -> bool:
    exits = (e for e in function.effects if e.op in ("return", "raise"))
    return len(function.effects) <= 8 and not any(e.op == "raise" or e.value in ("none", "constant") for e in exits)


def counted_by(program: Program, counts: Counts, function: FunctionInfo, effect: Effect, way: str) -> str:
    """The path of the thing whose count the effect raises or lowers; "" when it does neither."""
    if effect.op == "assign":
        is_count = effect.via == way and program.vocabulary.is_count(effect.path)
        return effect.path.rpartition(".")[0] if is_count else ""
    given, by = _counted_in(program, counts, function, effect, way)
    return next(filter(None, (_answered(program, counts, callee, effect, way) for callee in by)), given)


def stepped_by(program: Program, function: FunctionInfo, call: Effect) -> set[str]:
    """The attributes that a call steps of what it is given."""
    steps = (_steps(effect)[0] for callee in program.callees(function, call) for effect in callee.effects)
    return {path.partition(".")[2] for path in steps if path}


def _counted_in(
    program: Program, counts: Counts, function: FunctionInfo, effect: Effect, way: str
) -> tuple[str, list[FunctionInfo]]:
    """What a call is given to count, and the functions of the program that count it."""
    if not effect.callee:
        return "", []
    protocols = program.vocabulary.entered_by if way == RAISE else program.vocabulary.left_by
    named = any(protocol.kind == "count" for protocol in protocols(effect.callee))
    known = program.callees(function, effect)
    wanted = counts.raising if way == RAISE else counts.lowering
    if not (wanted.intersection(known) if known else named):
        return "", []
    given = effect.args[0].path if effect.args else effect.callee.rpartition(".")[0]
    return given, [callee for callee in known if callee in wanted]


def _answered(program: Program, counts: Counts, callee: FunctionInfo, call: Effect, way: str) -> str:
    """Where a helper answers the thing that it has counted, the name which the call gives to it."""
    last = callee.effects[-1]
    things = {_counted_in(program, counts, callee, e, way)[0] for e in callee.effects if e.op == "call"}
    things = {*things, *(root_of(path) for path, by in map(_steps, callee.effects) if by == way)} - {""}
    answers, results = last.holds or (last.source,), call.result.split(", ")
    if last.op != "return" or len(answers) != len(results):
        return ""
    return next((r for a, r in zip(answers, results, strict=True) if a in things and r.isidentifier()), "")
