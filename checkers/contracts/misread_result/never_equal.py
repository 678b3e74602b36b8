"""A member of an enumeration compared with a text or a number: unless the enumeration is of these, it equals none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import FileFacts, Region, Test
from llmlint.code.link.entities import ClassInfo
from llmlint.code.link.names import Outside
from llmlint.code.link.objects import Instance, One
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Place, Report, Step
from llmlint.phrases import last_name

_PLAIN = frozenset({"enum.Enum", "Enum", "object"})
_COMPARES = {"==": "never equals", "!=": "always differs from"}
_VALUES = frozenset("str int float bytes".split())
_GIVES = {"str": "str", "repr": "str", "len": "int", "int": "int", "float": "float"}
_WORD = re.compile(r"\w+")
_KEEPS_VALUES = "use_enum_values"
"""A setting of pydantic's models: their fields then hold the values of members."""


def never_equal(program: Program) -> Iterator[Report]:
    enums = {cls.name for cls in program.classes if _is_plain(cls)}
    if not enums:
        return
    asked = [function for function in program.asked.functions if function.language == "python"]
    holding = _names_for_members(program, enums, {name for function in asked for name in _met(function)})
    knowing = {path for path, facts in program.files.items() if not enums.isdisjoint(_known_in(facts))}
    for function in asked:
        gist = function.facts.gist
        names_one = function.path in knowing and not _GIVES.keys().isdisjoint(gist.calls)
        if names_one or not holding.isdisjoint(_met(function)):
            yield from _in_function(program, function)


def _is_plain(cls: ClassInfo) -> bool:
    """Is it an enumeration of nothing but its members, by everything that it inherits?"""
    if cls.language != "python":
        return False
    bases = [base for above in cls.mro for base in above.unknown_bases]
    return any(b.endswith("Enum") for b in bases) and _PLAIN.issuperset(bases) and cls.method("__eq__") is None


def _names_for_members(program: Program, enums: set[str], asked: set[str]) -> set[str]:
    """Of these the names of fields and parameters that are declared to hold one: a sieve."""
    fields = ((f.name, f.annotation) for cls in program.classes if cls.language == "python" for f in cls.facts.fields)
    params = ((p.name, p.annotation) for f in program.functions if f.language == "python" for p in f.facts.params)
    declared = (pair for pairs in (fields, params) for pair in pairs if pair[1] and pair[0] in asked)
    return {name for name, annotation in declared if not enums.isdisjoint(_WORD.findall(annotation))}


def _known_in(facts: FileFacts) -> Iterator[str]:
    yield from (cls.name for cls in facts.classes)
    yield from (imported.target for imported in facts.imports)


def _met(function: FunctionInfo) -> Iterator[str]:
    """The names that it reads or is given."""
    yield from function.facts.gist.reads
    yield from (param.name for param in function.facts.params)


def _in_function(program: Program, function: FunctionInfo) -> Iterator[Report]:
    for region in function.regions:
        if region.kind in ("if", "loop"):
            compared = list(_compared(region.test))
            for test in compared:
                for one, other in (test.args, test.args[::-1]):
                    cls = _enum_of(program, function, one)
                    kind = _kind_of(program, function, other) if cls is not None else ""
                    if cls is not None and kind and not _asks_for_its_type(function, one, other):
                        with_members = [t for t in compared if all(side.op == "path" for side in t.args)]
                        is_beside = test not in with_members and any(one in t.args for t in with_members)
                        yield _unequal(function, region, test, one, cls, kind, is_beside)


def _compared(test: Test | None) -> Iterator[Test]:
    if test is not None and test.op in _COMPARES and len(test.args) == 2:
        yield test
    elif test is not None and test.op in ("and", "or", "not"):
        for inner in test.args:
            yield from _compared(inner)


def _enum_of(program: Program, function: FunctionInfo, side: Test) -> ClassInfo | None:
    """The plain enumeration that a side is a member of, by its name or by its type."""
    if side.op != "path" or "()" in side.path:
        return None
    owner, _, name = side.path.rpartition(".")
    meant = _only(program.meanings(function, owner)) if owner else None
    if isinstance(meant, ClassInfo):
        return meant if _is_plain(meant) and any(field.name == name for field in meant.facts.fields) else None
    if _is_kept_by_value(program, meant):
        return None
    held = _only(program.meanings(function, side.path))
    return held.cls if isinstance(held, Instance) and held.cls is not None and _is_plain(held.cls) else None


def _only(meanings: tuple[One, ...]) -> One | None:
    return meanings[0] if len(meanings) == 1 else None


def _is_kept_by_value(program: Program, holder: One | None) -> bool:
    """Is it a field of a model that keeps the values of members in their place?"""
    cls = holder.cls if isinstance(holder, Instance) else None
    if cls is None:
        return False
    settings = (one for above in cls.mro for one in program.functions_in(above.path) if one.name == "<module>")
    nested = (one.facts for above in cls.mro for one in program.classes if one.path == above.path)
    return any(_KEEPS_VALUES in one.facts.gist.flags for one in settings) or any(
        field.name == _KEEPS_VALUES for one in nested for field in one.fields
    )


def _kind_of(program: Program, function: FunctionInfo, side: Test) -> str:
    """`text` or the like, where the other side is known to be of a type that no member is of."""
    if side.op == "constant":
        return side.path
    if side.op == "call":
        return _GIVES.get(side.path, "")
    meanings = program.meanings(function, side.path) if side.op == "path" else ()
    kinds = {_type_of(meaning) for meaning in meanings}
    return kinds.pop() if len(kinds) == 1 else ""


def _type_of(meaning: One) -> str:
    if isinstance(meaning, Instance) and meaning.cls is None and not meaning.path and meaning.text in _VALUES:
        return meaning.text  # by its value; what is declared a text is given a member often enough
    if isinstance(meaning, Outside) and meaning.name.endswith("()"):
        return _GIVES.get(meaning.name.removesuffix("()"), "")
    return ""


def _asks_for_its_type(function: FunctionInfo, one: Test, other: Test) -> bool:
    """Does a test say that what is declared to be of one type may be of another?"""
    paths = [re.escape(side.path) for side in (one, other) if side.op == "path"]
    asked = re.compile(rf"\b(isinstance|type|hasattr)\((?:{'|'.join(paths)})\b")
    return any(asked.search(region.text) for region in function.regions)


def _unequal(
    function: FunctionInfo, region: Region, test: Test, one: Test, cls: ClassInfo, kind: str, is_beside: bool
) -> Report:
    other = test.args[1] if one is test.args[0] else test.args[0]
    shown = other.path + ("()" if other.op == "call" else "")
    of_type = "" if other.op == "constant" else f", of type {kind},"
    message = f"{one.path} is a member of {cls.name}, and {shown}{of_type} {_COMPARES[test.op]} it"
    return Report(
        Place(function.path, region.line),
        symbol_of(function),
        message,
        (Step(cls.path, cls.facts.line, f"{cls.name} is no enumeration of texts or numbers"),),
        confidence="low" if is_beside else "medium",
        reason="the same test compares it once more: with a member, for all who hand over one"
        if is_beside
        else f"{cls.name} derives from Enum alone: its members equal nothing but themselves",
        subject=f"{last_name(one.path)} {test.op}",
        origin=f"{cls.path}:{cls.name}",
        fix="compare with the member, or with its .value",
        mechanism="misread_result.never_equal",
    )
