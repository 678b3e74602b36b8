"""Functions that the standard library remembers: `functools.cache` and `lru_cache`, and dicts of a module."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.checkers.memory.unbounded_cache.filled import brought_by
from llmlint.code.domain.state import is_setup, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program, root_of
from llmlint.code.syntax.written import mentions
from llmlint.findings import Place, Report, Step
from llmlint.vocabulary import words

_MEMO = re.compile(r"^(?:functools\.)?(?P<kind>lru_cache|cache)\b(?:\((?P<bound>.*)\))?$")
_UNBOUNDED = re.compile(r"^\s*(?:maxsize\s*=\s*)?None\b")


def check_program(program: Program) -> Iterator[Report]:
    for function in program.functions:
        if program.files[function.path].language == "python":
            yield from _memoised(program, function)
    yield from _module_caches(program)


def _memoised(program: Program, function: FunctionInfo) -> Iterator[Report]:
    for decorator in function.facts.decorators:
        match = _MEMO.match(decorator)
        if match is None:
            yield from _remembered_by_own(program, function, decorator)
            continue
        names = [p.name for p in function.facts.params]
        on_object = function.is_method and names[:1] == ["self"]
        unbounded = match["kind"] == "cache" or bool(_UNBOUNDED.match(match["bound"] or ""))
        fed = [
            p.name
            for p in function.facts.params
            if (program.vocabulary.is_request_data(p.name) or program.vocabulary.is_request_id(p.name))
            and p.annotation not in ("int", "bool")
            and not p.default.isdigit()  # a count
        ]
        at = Place(function.path, function.facts.line, function.facts.column, function.facts.line)
        if on_object and not _lives_as_long(program, function):
            yield Report(
                at,
                symbol_of(function),
                f"{decorator} on the method {function.name} keeps every object it was called on alive",
                (
                    Step(
                        function.path,
                        function.facts.line,
                        "the cache belongs to the class, and self is part of each key",
                    ),
                ),
                confidence="medium" if _is_made_often(program, function) else "low",
                reason="the cache outlives the objects" + (", without a bound" if unbounded else ""),
                subject=decorator,
                cause="cached-method-pins-self",
                fix="use functools.cached_property, or a dict on the object",
            )
        elif unbounded and fed and not on_object:
            yield Report(
                at,
                symbol_of(function),
                f"{decorator} on {function.name} keeps one entry for each {fed[0]} it has ever seen",
                (
                    Step(
                        function.path,
                        function.facts.line,
                        f"{fed[0]} comes from requests, and nothing bounds the cache",
                    ),
                ),
                confidence="medium",
                reason=f"{fed[0]} is request data",
                subject=decorator,
                fix="give the cache a maxsize",
                data={"maxsize": function.facts.line},
            )


def _remembered_by_own(program: Program, function: FunctionInfo, decorator: str) -> Iterator[Report]:
    """By a decorator of the program itself that puts what its wrapper gives into a container of its own."""
    names = [param.name for param in function.facts.params]
    if not function.is_method or names[:1] != ["self"] or not decorator.isidentifier():
        return
    if _lives_as_long(program, function):
        return
    resolved = program.resolve(function.path, decorator)
    makers = [f for f in program.functions_named(decorator) if not f.is_method and _is_meant(f, resolved, function)]
    kept = _keeps_by_arguments(program, makers[0]) if len(makers) == 1 else None
    if kept is not None:
        facts = function.facts
        yield Report(
            Place(function.path, facts.line, facts.column, facts.line),
            symbol_of(function),
            f"@{decorator} on the method {function.name} keeps every object it was called on alive",
            (
                Step(function.path, facts.line, "self is part of what the call is remembered by"),
                Step(kept.function.path, kept.effect.line, f"{kept.effect.path} lives as long as {decorator} does"),
            ),
            confidence="low",
            reason="what is remembered outlives the objects",
            subject=decorator,
            cause="cached-method-pins-self",
            fix="keep what is remembered in a dict on the object",
        )


def _is_meant(maker: FunctionInfo, resolved: str, function: FunctionInfo) -> bool:
    return maker.path == function.path or resolved.endswith(f".{maker.name}")


def _keeps_by_arguments(program: Program, maker: FunctionInfo) -> Call | None:
    """Where a function nested in the decorator puts something into the decorator's container, by its own arguments."""
    for inner in program.functions_in(maker.path):
        if not inner.facts.qualname.startswith(f"{maker.facts.qualname}."):
            continue
        params = {param.name for param in inner.facts.params}
        made_of_them = {e.path for e in inner.effects if e.op == "bind" and params & {root_of(p) for p in e.reads}}
        for effect in inner.effects:
            is_own = any(e.path == effect.path and e.value == "empty" for e in maker.effects)
            if effect.op == "insert" and is_own and any(mentions(effect.key, p) for p in params | made_of_them):
                return Call(inner, effect)
    return None


def _is_made_often(program: Program, function: FunctionInfo) -> bool:
    """Objects made for each request or step are many; models and managers are made once."""
    owner = function.owner
    return owner is not None and program.vocabulary.speaks_of_requests(owner.facts.name)


def _lives_as_long(program: Program, function: FunctionInfo) -> bool:
    """Enums, configurations and registries are made once, and a model's own modules where nobody replaces them."""
    owner = function.owner
    if owner is None:
        return True
    above = {base.rsplit(".", 1)[-1] for c in owner.mro for base in (*c.unknown_bases, c.facts.name)}
    if any(b.endswith("Enum") for b in above) or {"config", "platform", "registry"} & set(words(owner.facts.name)):
        return True
    return any(b.endswith("Module") for b in above) and not _is_replaced(program, owner)


def _is_replaced(program: Program, owner: ClassInfo) -> bool:
    """Does whoever made one of them put something else in its place later: another one, or nothing?"""
    for maker, effect in program.calls_named(owner.facts.name):
        holder = next((e for e in maker.effects if e.op == "assign" and e.line == effect.line), None)
        if maker.owner is None or holder is None or not holder.path.startswith("self."):
            continue
        touches = program.touches(maker.owner, holder.path[5:])
        if any(touch.effect.op == "assign" and not is_setup(touch.function) for touch in touches):
            return True
    return False


def _module_caches(program: Program) -> Iterator[Report]:
    for path, facts in program.files.items():
        if facts.language != "python":
            continue
        functions = program.functions_in(path)
        module = next((f for f in functions if f.name == "<module>"), None)
        empty = {e.path: e for e in module.effects if e.op == "clear" and e.value == "empty"} if module else {}
        for name, made in empty.items():
            if "." in name or {"weak", "lru"} & set(words(made.source)):
                continue
            uses = [(f, e) for f in functions if f is not module for e in f.effects if e.path.split("[")[0] == name]
            fills = [(f, e) for f, e in uses if e.op == "insert" and brought_by(program, f, e.key)]
            if (
                fills
                and not any(e.op in ("remove", "clear", "assign") for _, e in uses)
                and not _elsewhere(program, path, name)
            ):
                yield _module_report(program, name, made, path, fills)


def _elsewhere(program: Program, path: str, name: str) -> bool:
    """Another file imports the dict and may empty it."""
    return any(i.target == name for other, facts in program.files.items() if other != path for i in facts.imports)


def _module_report(
    program: Program, name: str, made: Effect, path: str, fills: list[tuple[FunctionInfo, Effect]]
) -> Report:
    function, effect = fills[0]
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{name} keeps an entry for each {effect.key} it has ever seen",
        (
            Step(path, made.line, f"{name} lives as long as the process"),
            Step(function.path, effect.line, f"{function.name} adds an entry under {effect.key}"),
        ),
        confidence="medium",
        reason="nothing in the program removes from it, empties it or replaces it",
        subject=name,
        fix="bound it, or remove the entry when the request ends",
        data={
            "runtime": {
                "targets": [
                    {"qualname": f.facts.qualname, "role": "insert", "entity": e.key, "path": f.path} for f, e in fills
                ],
                "watch": [{"attribute": name, "path": path}],
            }
        },
    )
