"""LLM941: a C++ member that nothing gives a value to when its object is made, and that somebody relies on.

Objects that are made by `T()`, `T{}` or as elements of a container start at zero; only where one is declared plainly
or made by `new T`, members without an initialiser hold what lay there before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect, FieldFact
from llmlint.code.flow.conditions import implied
from llmlint.code.link.exits import around
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Place, Report, Step

_NUMBER = re.compile(
    r"(?:const |volatile )*(?:unsigned |signed |long |short )*"
    r"(?:int|char|long|short|float|double|bool|size_t|unsigned|u?int(?:8|16|32|64)_t)"
)
_POINTER = re.compile(r"[\w:<>, ]+\*+")
_FREES = re.compile(r"(^|_)(free|destroy|release|close)$")
_BRANCHES = frozenset({"if", "else", "case", "except", "and"})
_FEWEST = 2
_ORDER = ("freed at the end", "replaced", "tested", "read")


class _Member(NamedTuple):
    cls: ClassInfo
    field: FieldFact
    kind: str
    initialised: int


class _Use(NamedTuple):
    function: FunctionInfo
    line: int


def check_program(program: Program) -> Iterator[Report]:
    plain = _declared_plainly(program)
    members: dict[str, list[_Member]] = {}
    for cls in program.asked.classes:
        if cls.language in ("cpp", "cuda") and cls.name in plain:
            for member in _without_value(program, cls):
                members.setdefault(member.field.name, []).append(member)
    worst: dict[ClassInfo, tuple[_Member, str, _Use]] = {}
    for found in _relied_on(program, members) if members else ():
        known = worst.get(found[0].cls)
        if known is None or _ORDER.index(found[1]) < _ORDER.index(known[1]):
            worst[found[0].cls] = found
    for cls, (member, how, use) in worst.items():
        yield _report(member, how, use, plain[cls.name])


def _declared_plainly(program: Program) -> dict[str, Step]:
    """The types of which some object is declared without an initialiser or made by `new`."""
    found: dict[str, Step] = {}
    for function in program.functions:
        if function.language == "python":
            continue
        for effect in function.effects:
            made = effect.source if effect.via == "declare" else effect.path if effect.via == "new" else ""
            if made and not effect.args:
                found.setdefault(_bare(made), program.step(function, effect, "an object is made here without a value"))
    for cls in program.classes:
        if cls.language != "python":
            for field in cls.facts.fields:
                if not field.value:
                    step = Step(cls.path, field.line, f"{cls.name} holds one that it gives no value to")
                    found.setdefault(_bare(field.annotation), step)
    return found


def _bare(text: str) -> str:
    return re.sub(r"^(?:const|struct|volatile|static) ", "", text).rpartition("::")[2].strip()


def _without_value(program: Program, cls: ClassInfo) -> Iterator[_Member]:
    """Numbers and pointers of a class that gives most of them a value where they are declared; what C structs hold."""
    fields = [field for field in cls.facts.fields if "static" not in field.specifiers]
    kinds = {field.name: _kind(program, field) for field in fields}
    simple = [field for field in fields if kinds[field.name]]
    initialised = sum(1 for field in simple if field.value)
    built = {name for function in cls.building for effect in function.effects for name in _set_by(effect)}
    has_hidden = "__init__" in cls.facts.methods and not any(f.facts.has_body for f in cls.building)
    if has_hidden or "." in cls.facts.qualname.removeprefix(f"{cls.facts.namespace}."):
        return
    for field in simple:
        if not field.value and field.name not in built:
            if kinds[field.name] == "struct" or (initialised >= _FEWEST and 2 * initialised >= len(simple)):
                yield _Member(cls, field, kinds[field.name], initialised)


def _kind(program: Program, field: FieldFact) -> str:
    text = " ".join(field.annotation.replace(" *", "*").split())
    if _NUMBER.fullmatch(text):
        return "number"
    if _POINTER.fullmatch(text):
        return "pointer"
    cls = program.class_named(_bare(text)) if text.replace("struct ", "").isidentifier() else None
    return "struct" if cls is not None and _holds_pointers_only(cls) else ""


def _holds_pointers_only(cls: ClassInfo) -> bool:
    """A struct as C has them: no function, no value at its members, and something to free."""
    fields = cls.facts.fields
    return not cls.facts.methods and not any(f.value for f in fields) and any("*" in f.annotation for f in fields)


def _set_by(effect: Effect) -> Iterator[str]:
    if effect.op in ("assign", "clear", "insert"):
        yield effect.path.removeprefix("self.").partition(".")[0]
    for argument in effect.args:
        yield argument.path.removeprefix("self.").partition(".")[0]


# ---------------------------------------------------------------- who relies on it


def _relied_on(program: Program, members: dict[str, list[_Member]]) -> Iterator[tuple[_Member, str, _Use]]:
    uses: dict[tuple[ClassInfo, str], dict[str, _Use]] = {}
    for function in program.functions:
        if function.language != "python":
            for path, how, line in _uses_in(program, function, members):
                cls = _class_of(program, function, path)
                if cls is not None:
                    key = (cls, path.rpartition(".")[2])
                    uses.setdefault(key, {}).setdefault(how, _Use(function, line))
    for named in members.values():
        for member in named:
            found = uses.get((member.cls, member.field.name), {})
            how = _judged(member, found)
            if how:
                yield member, how, found[how]


def _judged(member: _Member, found: dict[str, _Use]) -> str:
    if member.kind in ("pointer", "struct") and "freed at the end" in found:
        return "freed at the end"
    if member.kind == "pointer" and "replaced" in found:
        return "replaced"
    if "set" in found:
        return ""
    if member.kind == "pointer" and "tested" in found:
        return "tested"
    return "read" if member.kind == "number" and "set on a condition" in found and "read" in found else ""


def _class_of(program: Program, function: FunctionInfo, path: str) -> ClassInfo | None:
    owner = path.rpartition(".")[0]
    return function.owner if owner == "self" else program.class_of(function, owner) if owner else None


def _uses_in(
    program: Program, function: FunctionInfo, members: dict[str, list[_Member]]
) -> Iterator[tuple[str, str, int]]:
    tested: dict[str, int] = {}
    for region in function.regions:
        test = function.settled_test(region.test)
        for atom, _ in (implied(test, True) | implied(test, False)) if test is not None else ():
            if atom[0] in ("none", "true") and atom[-1].rpartition(".")[2] in members:
                tested.setdefault(atom[-1], region.line)
                yield atom[-1], "tested", region.line
    for effect in function.effects:
        for path, how in _touched(effect):
            if path.rpartition(".")[2] in members:
                if how == "freed" and path in tested:
                    yield path, "replaced", tested[path]
                kinds = {region.kind for region in around(function, effect)}
                if how == "set" and not kinds.isdisjoint(_BRANCHES):
                    how = "set on a condition"
                if how == "freed" and function.name == "__del__":
                    how = "freed at the end"
                yield path, how, effect.line


def _touched(effect: Effect) -> Iterator[tuple[str, str]]:
    if effect.op in ("assign", "clear", "insert"):
        yield effect.path, "set"
    if effect.op == "delete":
        yield effect.path, "freed"
    frees = _FREES.search(effect.callee.rpartition(".")[2])
    for argument in effect.args:
        if argument.path:
            yield argument.path, "freed" if frees else "set"
    for path in effect.reads:
        yield path, "read"


_SAYS = {
    "freed at the end": "the destructor frees it",
    "replaced": "it is freed here if there is one",
    "tested": "somebody asks here whether there is one",
    "read": "it is read here, and set only under conditions",
}


def _report(member: _Member, how: str, use: _Use, made: Step) -> Report:
    cls, field = member.cls, member.field
    return Report(
        Place(cls.path, field.line),
        cls.facts.qualname,
        f"{field.name} of {cls.name} starts with whatever lies there: {_SAYS[how]}",
        (
            Step(cls.path, field.line, f"{field.name} has no initialiser, and no constructor sets it"),
            made,
            Step(use.function.path, use.line, f"{_SAYS[how]} ({symbol_of(use.function)})"),
        ),
        confidence="medium",
        reason=f"{member.initialised} other members are given a value where they are declared"
        if member.initialised
        else "a struct of pointers has no value of its own",
        subject=f"{cls.name}.{field.name}",
        fix=f"give {field.name} an initialiser",
        mechanism=f"member_without_value.{how.partition(' ')[0]}",
    )
