"""LLM921: a copy of a record that takes nearly all of its fields and leaves one behind.

The record is copied by the keywords of a constructor or by assignments. Between two classes, as from what was parsed
to what an engine is given, a field that both have is missed only where nothing else reads it at its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.checkers.siblings.moved_slot import moved_slots
from llmlint.code.domain.copying import Copy, copies_in
from llmlint.code.domain.roots import roots_of
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect, FieldFact
from llmlint.code.flow.siblings import Dissent, dissent
from llmlint.code.flow.summaries import does
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.code.link.touches import Read
from llmlint.findings import Report

_NOT_COPIED = re.compile(r"atomic|mutex|\block\b|condition_variable|ClassVar|InitVar|init\s*=\s*False", re.IGNORECASE)
_OWN = re.compile(r"_|((u|uu|gu)?id|name|parent|index|idx)_?$|size$|capacity$|pad(ding)?\d*$|reserved", re.IGNORECASE)
"""What tells an object from others or where it stands among them, what it derives for itself, and what fills gaps."""
_SETS = ("assign", "clear")
_OWN_CLASS = ("cls", "type()", "self.__class__")


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.asked.classes:
        yield from moved_slots(program, cls)
    for written in program.asked.functions:
        function = whole(program, written)
        for copy in copies_in(function):
            target, source = _target(program, function, copy), _class(program, function, copy.source)
            if target is not None and source is not None and not (target is source and _is_linked(function, copy)):
                yield from _compare(program, function, copy, target, source)


def _target(program: Program, function: FunctionInfo, copy: Copy) -> ClassInfo | None:
    if not copy.made:
        return _class(program, function, copy.target)
    if copy.made in _OWN_CLASS:
        return function.owner
    return program.class_named(program.resolve(function, copy.made))


def _class(program: Program, function: FunctionInfo, path: str) -> ClassInfo | None:
    return function.owner if path == "self" else program.class_of(function, path)


def _is_linked(function: FunctionInfo, copy: Copy) -> bool:
    """`at->next->x = at->x`: does an element hand on to one that it is linked with already, and that has its own?"""
    made = any(e.path == copy.target and e.op in ("assign", "bind") for e in function.effects)
    return copy.target.startswith(f"{copy.source}.") and not made


def _compare(
    program: Program, function: FunctionInfo, copy: Copy, target: ClassInfo, source: ClassInfo
) -> Iterator[Report]:
    theirs = _fields(source)
    odd = dissent([name for name in _fields(target) if name in theirs], copy.handled)
    if odd is None:
        return
    reads: dict[str, Read] = {}
    set_anyway = _set_by_calls(program, function, copy.target)
    for name in odd.left_out:
        if name in set_anyway:
            continue
        read = _missed_by(program, function, name, target)
        if (
            read is not None
            and _matters(program, name, target, source)
            and not _starts_without(program, function, name)
            and not _is_one_constant(program, name, target)
        ):
            reads[name] = read
    if reads:
        yield _report(program, function, copy, target, source, odd, reads)


def _set_by_calls(program: Program, function: FunctionInfo, target: str) -> set[str]:
    """The fields that methods set which the copying function calls on what it fills."""
    calls = (effect for effect in function.effects if target and effect.callee.rpartition(".")[0] == target)
    run = {callee for effect in calls for callee in program.callees(function, effect) if callee is not function}
    return {done.attribute for callee in run for done in does(program, callee) if done.how in _SETS and done.is_whole}


def _fields(cls: ClassInfo) -> dict[str, FieldFact]:
    """What an object holds of its own, with what its bases declare; locks, counters of threads and padding stay."""
    declared = {field.name: (c, field) for c in reversed(cls.mro) for field in c.facts.fields}
    return {name: field for name, (c, field) in declared.items() if not _stays(c, field) and not _is_shared(c, field)}


def _is_shared(cls: ClassInfo, field: FieldFact) -> bool:
    """In a dataclass a name without a type is one of the class, and its objects have it all together."""
    is_data = any("dataclass" in decorator for decorator in cls.facts.decorators)
    return is_data and cls.language == "python" and not field.annotation


def _stays(cls: ClassInfo, field: FieldFact) -> bool:
    told = " ".join((field.annotation, field.source, *field.specifiers))
    if re.search(rf"\b{cls.name}\b", field.annotation):  # another node of the same tree or list
        return True
    return bool(_OWN.match(field.name) or _NOT_COPIED.search(told)) or "static" in field.specifiers


def _missed_by(program: Program, function: FunctionInfo, name: str, target: ClassInfo) -> Read | None:
    """Who reads it of what may be the copy: a test that does so says nothing of who needs it."""
    reads = (read for read in program.reads(target, name) if read.function is not function)
    return next((read for read in reads if roots_of(program).kind(read.function.path) != "test"), None)


def _matters(program: Program, name: str, target: ClassInfo, source: ClassInfo) -> bool:
    """Between two classes: somebody sets the original and nobody reads that instead."""
    return _are_kin(target, source) or (
        _is_set(program, name, source) and not _reaches_otherwise(program, name, source)
    )


def _starts_without(program: Program, function: FunctionInfo, name: str) -> bool:
    """Does the function, or a caller, assert that it is None on what is being made?"""
    said = re.compile(rf"\.{re.escape(name)} is None\b")
    around = (function, *(call.function for call in program.callers(function)))
    return any(effect.op == "assert" and said.search(effect.source) for f in around for effect in f.effects)


def _is_one_constant(program: Program, name: str, target: ClassInfo) -> bool:
    """Is it only ever given one constant, by the one constructor of its class, which each object runs?"""
    touches = program.touches(target, name)
    if len(touches) != 1 or touches[0].effect.region or not _is_constant(touches[0].function, touches[0].effect):
        return False
    function = touches[0].function
    owner = function.owner
    makers = [f for f in program.functions_of(owner) if f.name == "__init__" and f.facts.has_body] if owner else []
    return owner is not None and len(makers) == 1 and function in (*makers, *owner.building)


def _is_constant(function: FunctionInfo, effect: Effect) -> bool:
    """A literal, or what is counted from literals."""
    if effect.op != "assign" or effect.via or effect.reads:
        return False
    calls = any(e.op == "call" and e.line == effect.line for e in function.effects)
    return effect.value == "constant" or (effect.value == "other" and not calls)


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
    reads: dict[str, Read],
) -> Report:
    names = ", ".join(reads)
    is_own = function.owner in target.mro and copy.source == "self"
    kind = target.name if target is source else f"{target.name} from {source.name}"
    steps = [
        program.step(function, copy.at, f"{len(copy.taken)} fields are taken over from {copy.source} by their names")
    ]
    for name, read in list(reads.items())[:3]:
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
