"""Functions that the standard library remembers: `functools.cache` and `lru_cache`, and dicts of a module."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.checkers.memory.unbounded_cache.filled import brought_by
from llmlint.code.domain.entries import is_renewed
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Place, Report, Step
from llmlint.vocabulary import words

_MEMO = re.compile(r"^(?:functools\.)?(?P<kind>lru_cache|cache)\b(?:\((?P<bound>.*)\))?$")
_UNBOUNDED = re.compile(r"^\s*(?:maxsize\s*=\s*)?None\b")


def check_program(program: Program) -> Iterator[Report]:
    for function in program.asked.functions:
        if program.files[function.path].language == "python":
            yield from _memoised(program, function)
    yield from _module_caches(program)


def _memoised(program: Program, function: FunctionInfo) -> Iterator[Report]:
    for decorator in function.facts.decorators:
        match = _MEMO.match(decorator)
        if match is None:
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


def _is_made_often(program: Program, function: FunctionInfo) -> bool:
    """Objects made for each request or step are many; models and managers are made once."""
    owner = function.owner
    return owner is not None and program.vocabulary.speaks_of_requests(owner.facts.name)


def _lives_as_long(program: Program, function: FunctionInfo) -> bool:
    """Enums, configurations, registries and a model's own modules are made once; their number is no matter."""
    owner = function.owner
    if owner is None:
        return True
    above = {base.rsplit(".", 1)[-1] for c in owner.mro for base in (*c.unknown_bases, c.facts.name)}
    return any(b.endswith(("Enum", "Module")) for b in above) or bool(
        {"config", "platform", "registry"} & set(words(owner.facts.name))
    )


def _module_caches(program: Program) -> Iterator[Report]:
    for path, facts in program.asked.files.items():
        if facts.language != "python":
            continue
        functions = program.functions_in(path)
        module = next((f for f in functions if f.name == "<module>"), None)
        empty = {e.path: e for e in module.effects if e.op == "clear" and e.value == "empty"} if module else {}
        for name, made in empty.items():
            if "." in name or {"weak", "lru"} & set(words(made.source)):
                continue
            uses = [(f, e) for f in functions if f is not module for e in f.effects if e.path.split("[")[0] == name]
            inserts = ((f, e) for f, e in uses if e.op == "insert" and not is_renewed(f, e))
            fills = [(f, e) for f, e in inserts if brought_by(program, f, e.key)]
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
