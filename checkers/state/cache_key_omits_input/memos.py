"""A result that is kept under a key made of some inputs of a function, and computed from more of them.

Two forms: the function looks the key up, returns what lies there, and else puts there what it computes; or it hands the
key and a function of its own to a cache that does so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.program import FunctionInfo, Program, root_of
from llmlint.findings import Report
from llmlint.vocabulary import words

_REMEMBERS = frozenset("cache cached memo memoize memoise".split())
_ASKS = frozenset("get fetch lookup compute remember memoize memoise memo cached".split())
_STANDS_FOR_A_THING = frozenset("id rid uid uuid name path url key index idx rank slot layer hash digest".split())
_DOES_NOT_SHAPE = frozenset(
    "timeout deadline device client stream verbose debug progress callback retries stats metrics now".split()
)
_MEANS = frozenset("log logger loop session connection conn db cursor executor pool lock semaphore".split())
"""A name that ends so says by what a value is looked up or made: a database's session is no part of the value."""
_NAME = re.compile(r"[A-Za-z_][\w.]*")


def kept_under_less(program: Program, function: FunctionInfo) -> Iterator[Report]:
    for insert in function.doing("insert"):
        if insert.via == "[]=" and _is_looked_up(function, insert):
            yield from _compare(program, function, insert, insert.key, {*insert.reads, insert.source})
    for call in function.doing("call"):
        if len(call.args) >= 2:
            made = _made_by(program, function, call)
            if made and _remembers(program, function, call):
                yield from _compare(program, function, call, " ".join(_key_of(call)), made)


def _is_looked_up(function: FunctionInfo, insert: Effect) -> bool:
    """Is there a test of what lies there, and does what lies there become the result?"""
    entry = f"{insert.path}[]"
    is_tested = any(region.kind == "if" and {insert.path, entry} & set(region.reads) for region in function.regions)
    return is_tested and any(e.op == "return" and e.path == entry for e in function.effects)


def _remembers(program: Program, function: FunctionInfo, call: Effect) -> bool:
    """Does the callee keep what it makes under what it is given: by what it does, or else by its name?"""
    callees = program.callees(function, call)
    if callees:
        return all(_keeps_what_it_makes(callee) for callee in callees)
    holder, _, name = call.callee.rpartition(".")
    said = {*words(holder.rpartition(".")[2]), *words(name)}
    return not _ASKS.isdisjoint(words(name)[:1]) and not _REMEMBERS.isdisjoint(said)


def _keeps_what_it_makes(callee: FunctionInfo) -> bool:
    given = {p.name for p in callee.params}
    makes = any(e.callee in given for e in callee.effects)
    return makes and any(e.op == "insert" and e.via == "[]=" and e.key in given for e in callee.effects)


def _made_by(program: Program, function: FunctionInfo, call: Effect) -> set[str]:
    """What the function that is handed to a cache beside the key works with: a nested one, or a lambda."""
    maker = call.args[1]
    if not maker.path:
        is_lambda = any(region.kind == "lambda" and region.line >= call.line for region in function.regions)
        return set(maker.reads) if is_lambda else set()
    nested = f"{function.facts.qualname}.{maker.path}"
    inner = [f for f in program.functions_in(function.path) if f.facts.qualname == nested]
    return {path for f in inner for e in f.effects for path in (*e.reads, *(a.path for a in e.args))}


def _key_of(call: Effect) -> tuple[str, ...]:
    return (call.args[0].path, *call.args[0].reads)


def _compare(program: Program, function: FunctionInfo, at: Effect, key: str, made_of: set[str]) -> Iterator[Report]:
    given = {p.name for p in function.params if not p.kind.startswith("*")}
    seen, shaping = _inputs(function, set(_NAME.findall(key))) & given, _inputs(function, made_of) & given
    tested = _tested(function, at.path)
    called = {effect.callee.partition(".")[0] for effect in function.effects}
    omitted = sorted(n for n in shaping - seen - tested - called if words(n)[-1:] and words(n)[-1] not in _MEANS)
    omitted = [name for name in omitted if not _goes_with(program, function, name, seen)]
    if _holds_parts(at):
        omitted = [name for name in omitted if name not in made_of]
    if not seen or not omitted:
        return
    names, kept_under = ", ".join(omitted), ", ".join(sorted(seen))
    doubt = _doubt(omitted, seen)
    yield Report(
        program.place(function, at),
        symbol_of(function),
        f"{function.name} keeps a result under {kept_under} alone, and it depends on {names} as well",
        (
            program.step(function, function.facts.line, f"{names}: given by the caller, and part of the result"),
            program.step(function, at, f"the key is made of {kept_under} only"),
        ),
        confidence="low" if doubt else "medium",
        reason=doubt or f"{names} flows into what is kept and not into the key",
        subject=names,
        fix=f"make {names} part of the key",
    )


def _goes_with(program: Program, function: FunctionInfo, name: str, seen: set[str]) -> bool:
    """Is it made, in each caller, of what the key is made of, and of nothing else?"""
    calls = program.callers(function)
    if any(argument.keyword in ("*", "**") for call in calls for argument in call.effect.args):
        return False
    return bool(calls) and all(
        _is_made_of(caller, arguments_by_parameter(function, call), name, seen) for caller, call in calls
    )


def _is_made_of(caller: FunctionInfo, given: dict[str, Argument], name: str, seen: set[str]) -> bool:
    if name not in given:
        return True  # its default, each time
    keys = [given[key] for key in sorted(seen) if key in given]
    owner = given[name].path.rpartition(".")[0]
    if owner and any(key.path.rpartition(".")[0] == owner for key in keys):
        return owner != "self"
    made_of = _origins(caller, [given[name]])
    return bool(made_of) and "self" not in made_of and made_of <= _origins(caller, keys)


def _origins(function: FunctionInfo, given: list[Argument]) -> set[str]:
    """What is given comes from: parameters and what else the function does not make itself."""
    names = _inputs(function, {path for argument in given for path in (argument.path, *argument.reads) if path}, "")
    made = {e.path for e in function.effects if e.op == "bind" and e.via != "for"}
    called = {root_of(e.callee) for e in function.effects if e.callee} - {"self"}
    return names - made - called - {""}


def _holds_parts(entry: Effect) -> bool:
    """A tuple, or a new object: what lies in it beside the result can be compared by whoever takes it out."""
    is_made = entry.value == "new" and entry.source.rpartition(".")[2][:1].isupper()
    return entry.op == "insert" and (is_made or entry.value == "container")


def _tested(function: FunctionInfo, container: str) -> set[str]:
    """What a test names, and what flows into the tests of what lies there: those tell whether it still fits."""
    of_entry = [region.reads for region in function.regions if {container, f"{container}[]"} & set(region.reads)]
    fits = _inputs(function, {name for reads in of_entry for name in reads}, root_of(container))
    return fits | {root_of(name) for region in function.regions for name in region.reads}


def _doubt(omitted: list[str], seen: set[str]) -> str:
    if all(_DOES_NOT_SHAPE & set(words(name)) for name in omitted):
        return "what the key leaves out may not change the result"
    if all(_STANDS_FOR_A_THING & set(words(name)) for name in seen):
        return "the key names one thing, to which what it leaves out may belong"
    return ""


def _inputs(function: FunctionInfo, names: set[str], apart_from: str = "self") -> set[str]:
    """Every name that flows into the given ones, through locals, containers and the methods called on them."""
    reached = {root_of(name) for name in names}
    while True:
        more = {
            root_of(name)
            for effect in function.effects
            if effect.op in ("bind", "insert", "assign", "call")
            and root_of(effect.path) in reached - {"self", apart_from}
            for name in (*effect.reads, effect.source, *_NAME.findall(effect.key))
        }
        if more <= reached:
            return reached
        reached |= more
