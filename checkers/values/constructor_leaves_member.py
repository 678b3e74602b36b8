"""LLM942: a C++ member that the class's constructors leave without a value, though what it is first decides.

A flag that methods set both ways and somebody asks for; a number that is only ever added to. Where a class has a
constructor of its own, no way of making an object of it gives such a member a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect, FieldFact
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Place, Report, Step

_NUMBER = re.compile(
    r"(?:volatile )?(?:unsigned |signed |long |short |std::)*"
    r"(?:int|char|long|short|float|double|bool|size_t|unsigned|u?int(?:8|16|32|64)_t)"
)
_AUGMENTED = frozenset({"+=", "-="})
_BOTH = frozenset({"true", "false"})


class _Relied(NamedTuple):
    field: FieldFact
    function: FunctionInfo
    line: int
    how: str


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.classes:
        if cls.language in ("cpp", "cuda"):
            open_fields = _left_out(cls)
            relied = next(_relied_on(cls, open_fields), None) if open_fields else None
            if relied is not None:
                yield _report(cls, relied)


def _left_out(cls: ClassInfo) -> dict[str, FieldFact]:
    """The numbers and flags that no constructor sets, of a class with constructors that set something."""
    built = [f for f in cls.functions if f.name == "__init__" and f.facts.has_body]
    effects = [effect for function in _building(cls, built) for effect in function.effects]
    if not built or not any(_sets(effect) for effect in effects):
        return {}
    if any(arg.path == "self" for effect in effects for arg in effect.args):
        return {}
    done = {path for effect in effects for path in (_sets(effect), *(_member(arg.path) for arg in effect.args))}
    return {
        field.name: field
        for field in cls.facts.fields
        if not field.value
        and "static" not in field.specifiers
        and field.name not in done
        and _NUMBER.fullmatch(field.annotation)
    }


def _building(cls: ClassInfo, built: list[FunctionInfo]) -> set[FunctionInfo]:
    """All constructors of that class, and what they call on it."""
    found, waiting = set(cls.building), built
    while waiting:
        found |= set(waiting)
        called = {e.callee.removeprefix("self.") for function in waiting for e in function.effects if e.callee}
        waiting = [f for f in cls.functions if f.name in called and f not in found]
    return found


def _sets(effect: Effect) -> str:
    return _member(effect.path) if effect.op in ("assign", "clear", "insert") else ""


def _member(path: str) -> str:
    return path.removeprefix("self.").partition(".")[0] if path.startswith("self.") else ""


def _relied_on(cls: ClassInfo, fields: dict[str, FieldFact]) -> Iterator[_Relied]:
    effects = [(function, e) for function in cls.functions for e in function.effects]
    for name, field in fields.items():
        path = f"self.{name}"
        if any(arg.path == path for _, e in effects for arg in e.args if e.callee != "std.snprintf"):
            continue
        sets = [(function, e) for function, e in effects if e.op == "assign" and e.path == path]
        if field.annotation == "bool" and {e.source for _, e in sets if not e.via} == _BOTH:
            setters = {function for function, _ in sets}
            asked = next((found for found in _asks(cls, path) if found[0] not in setters), None)
            if asked is not None and len(setters) > 1:
                yield _Relied(field, *asked, "is asked here, and set only by other methods")
        elif sets and all(e.via in _AUGMENTED for _, e in sets):
            yield _Relied(field, sets[0][0], sets[0][1].line, "is added to here, and nothing gives it a first value")


def _asks(cls: ClassInfo, path: str) -> Iterator[tuple[FunctionInfo, int]]:
    for function in cls.functions:
        for region in function.regions:
            if path in function.reads_of(region):
                yield function, region.line
        for effect in function.effects:
            if effect.op == "return" and path in effect.reads:
                yield function, effect.line


def _report(cls: ClassInfo, relied: _Relied) -> Report:
    field = relied.field
    return Report(
        Place(cls.path, field.line),
        cls.facts.qualname,
        f"{field.name} of {cls.name} starts with whatever lies there: no constructor sets it",
        (
            Step(cls.path, field.line, f"{field.name} has no initialiser, and the constructors set other members"),
            Step(relied.function.path, relied.line, f"it {relied.how} ({symbol_of(relied.function)})"),
        ),
        confidence="medium",
        reason="a class with a constructor of its own starts none of its members at zero",
        subject=f"{cls.name}.{field.name}",
        fix=f"give {field.name} an initialiser",
    )
