"""LLM921: a copy of a record that takes nearly all of its fields and leaves one behind.

The record is copied by the keywords of a constructor or by assignments. Between two classes, as from what was parsed
to what an engine is given, a field that both have is missed only where nothing else reads it at its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.copying import Copy, copies_in
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import FieldFact
from llmlint.code.flow.siblings import Dissent, dissent
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report

_NOT_COPIED = re.compile(r"atomic|mutex|\block\b|condition_variable|ClassVar|InitVar|init\s*=\s*False", re.IGNORECASE)
_OWN = re.compile(r"_|(u|uu|gu)?id$|name$|size$|capacity$|pad(ding)?\d*$|reserved", re.IGNORECASE)
"""What tells an object from others, what it derives for itself, and what fills gaps."""
_OWN_CLASS = ("cls", "type()", "self.__class__")


def check_program(program: Program) -> Iterator[Report]:
    for function in program.functions:
        for copy in copies_in(function):
            target, source = _target(program, function, copy), _class(program, function, copy.source)
            if target is not None and source is not None:
                yield from _compare(program, function, copy, target, source)


def _target(program: Program, function: FunctionInfo, copy: Copy) -> ClassInfo | None:
    if not copy.made:
        return _class(program, function, copy.target)
    if copy.made in _OWN_CLASS:
        return function.owner
    return program.class_named(program.resolve(function, copy.made))


def _class(program: Program, function: FunctionInfo, path: str) -> ClassInfo | None:
    return function.owner if path == "self" else program.class_of(function, path)


def _compare(
    program: Program, function: FunctionInfo, copy: Copy, target: ClassInfo, source: ClassInfo
) -> Iterator[Report]:
    theirs = _fields(source)
    odd = dissent([name for name in _fields(target) if name in theirs], copy.handled)
    if odd is None:
        return
    missed = [name for name in odd.left_out if _matters(program, function, name, target, source)]
    if missed:
        yield _report(program, function, copy, target, source, odd, missed)


def _fields(cls: ClassInfo) -> dict[str, FieldFact]:
    """What an object holds of its own, with what its bases declare; locks, counters of threads and padding stay."""
    declared = {field.name: field for c in reversed(cls.mro) for field in c.facts.fields}
    return {name: field for name, field in declared.items() if not _stays(field)}


def _stays(field: FieldFact) -> bool:
    told = " ".join((field.annotation, field.source, *field.specifiers))
    return bool(_OWN.match(field.name) or _NOT_COPIED.search(told)) or "static" in field.specifiers


def _matters(program: Program, function: FunctionInfo, name: str, target: ClassInfo, source: ClassInfo) -> bool:
    """Somebody reads it of the copy; between two classes, somebody sets the original and nobody reads that instead."""
    if not any(read.function is not function for read in program.reads(target, name)):
        return False
    return _are_kin(target, source) or (
        _is_set(program, name, source) and not _reaches_otherwise(program, name, source)
    )


def _are_kin(target: ClassInfo, source: ClassInfo) -> bool:
    return target is source or target in source.mro or source in target.mro


def _is_set(program: Program, name: str, source: ClassInfo) -> bool:
    """By an assignment of more than nothing, by a constructor's keyword, or by whoever parses such an object."""
    if any(touch.effect.value != "none" for touch in program.touches(source, name)):
        return True
    if any(base.rpartition(".")[2] == "BaseModel" for c in source.mro for base in c.unknown_bases):
        return True
    inside = (e for f in program.functions_of(source) for e in f.effects if e.callee in _OWN_CLASS)
    made = (*(call.effect for call in program.calls_named(source.name)), *inside)
    return any(a.keyword == name and a.literal != "None" for effect in made for a in effect.args)


def _reaches_otherwise(program: Program, name: str, source: ClassInfo) -> bool:
    """Read by somebody who does not set it: whoever sets an option may also print it."""
    setters = {touch.function for touch in program.touches(source, name)}
    return any(read.function not in setters for read in program.reads(source, name))


def _report(
    program: Program,
    function: FunctionInfo,
    copy: Copy,
    target: ClassInfo,
    source: ClassInfo,
    odd: Dissent,
    missed: list[str],
) -> Report:
    names = ", ".join(missed)
    is_own = function.owner in target.mro and copy.source == "self"
    kind = target.name if target is source else f"{target.name} from {source.name}"
    steps = [
        program.step(function, copy.at, f"{len(copy.taken)} fields are taken over from {copy.source} by their names")
    ]
    for name in missed[:3]:
        read = next(r for r in program.reads(target, name) if r.function is not function)
        steps.append(program.step(read.function, read.line, f"{name} is read here, of an object that may be the copy"))
    return Report(
        program.place(function, copy.at),
        symbol_of(function),
        f"the copy of {kind} leaves {names} behind",
        tuple(steps),
        confidence="low" if copy.made and not is_own else "medium",
        reason=f"{odd.support} of the {odd.group} fields that both sides have are dealt with"
        + (", by somebody who may want no more" if copy.made and not is_own else ""),
        subject=f"{target.name}:{names}",
        fix=f"take {names} over too, or say beside it why the copy starts without",
    )
