"""LLM401: an integer that passes through a floating-point form on its way and comes out with fewer digits.

Three forms. Text is parsed as a float and the whole ones are given out as integers, though `int` would have read the
same text exactly. A value declared to be an integer is written with `%g` or `%e`, which keep six digits. A C++ getter
takes its result's type from an integer default, and cuts what is wider.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of
from llmlint.code.facts.facts import Effect, Function
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Place, Report, Step

_SHORT = re.compile(r"(?:.?[<>=^])?[-+ ]?#?0?\d*,?[geGE]")
_SHORT_PLACE = re.compile(r"%[-+ #0]*\d*[geGE]")
"""Whoever says how many digits to keep wants no more of them."""
_INTEGER = re.compile(r"-?\d+")
_INTEGERS = re.compile(r"\bint\b|\bInteger\b")
_QUOTED = re.compile(r"[\"'](\w+)[\"']")
_TYPE_ASKED = re.compile(r"(?:\bis|==|\bin)\s+[(\[{]?[\w\s,]*\b(?:int|float)\b(?!\s*\()")
_UNKNOWN_USE = (
    "nobody before it asks whether a number was declared, and only where the digits are an id or go out they matter"
)
_WIDE = re.compile(r"\b(auto|double|float|u?int64_t|size_t|(unsigned )?long( long)?)\b")
_GETTERS = {"json_value": 2, "value": 1}
"""Getters of JSON whose result has the type of the default, with the default's position."""


def check_file(file: SourceFile) -> Iterator[Report]:
    if file.tree.language == "python":
        for function in file.facts.functions:
            yield from _read_through_float(function, file.vocabulary.number_types)
        for node in nodes(file.tree, tree.Function):
            yield from _written_short(node)
    else:
        for function in file.facts.functions:
            yield from _cut_to_the_default(function)


# ---------------------------------------------------------------- read through a float


def _read_through_float(function: Function, number_types: frozenset[str]) -> Iterator[Report]:
    floats = {param.name for param in function.params if param.annotation == "float"}
    for index, effect in enumerate(function.effects):
        if effect.op != "call" or effect.path != "float" or not effect.result.isidentifier() or not effect.args:
            continue
        text, number = effect.args[0].path, effect.result
        if text in floats:  # one already, whatever its name stands for after this
            continue
        back = [
            e for e in _calls(function.effects[index:], "int", number) if e.region and not _came_as_float(function, e)
        ]
        if text and back and _wholes_are_told_apart(function, number, back) and not _tried_as_int(function, effect):
            yield _report(
                function,
                back[-1],
                f"the integer comes from {number}, a float: whole numbers beyond 2**53 lose their last digits",
                (
                    Step("", effect.line, f"{text} is read as a float"),
                    Step("", back[-1].line, f"and given out as an integer when {number} is whole"),
                ),
                f"{text}:{number}",
                f"try int({text}) first, and float({text}) only where that fails",
                "" if _is_of_a_declared_type(function, effect, number_types) else _UNKNOWN_USE,
            )


def _is_of_a_declared_type(function: Function, read: Effect, number_types: frozenset[str]) -> bool:
    """Does a branch before the read ask whether somebody declared a number: `kind == "number"`, `kind is float`? Then
    it has a use that is not seen here: it may be an id."""
    texts = [region.text for region in function.regions if region.line <= read.line]
    return any(_TYPE_ASKED.search(text) or not number_types.isdisjoint(_QUOTED.findall(text.lower())) for text in texts)


def _came_as_float(function: Function, back: Effect) -> bool:
    """Under `isinstance(x, float)` it was one before: what was read as an integer never comes here."""
    asked = f"isinstance({back.args[0].path}, float)"
    return any(asked in function.regions[region].text for region in _branches(function, back.region))


def _calls(effects: tuple[Effect, ...], name: str, argument: str) -> list[Effect]:
    return [e for e in effects if e.op == "call" and e.path == name and [a.path for a in e.args] == [argument]]


def _wholes_are_told_apart(function: Function, number: str, back: list[Effect]) -> bool:
    """`x.is_integer()`, or `x == int(x)` beside the int(x) that is given out: rounding is not what is meant."""
    return len(back) > 1 or any(e.callee == f"{number}.is_integer" for e in function.effects)


def _tried_as_int(function: Function, read: Effect) -> bool:
    """`int(text)` on the way to `float(text)`."""
    way = _branches(function, read.region)
    tried = _calls(function.effects, "int", read.args[0].path)
    return any(e.line < read.line and _branches(function, e.region) <= way for e in tried)


def _branches(function: Function, region: int) -> set[int]:
    found = set()
    while region:
        if function.regions[region].kind not in ("try", "except"):
            found.add(region)
        region = function.regions[region].parent
    return found


# ---------------------------------------------------------------- written with six digits


def _written_short(function: tree.Function) -> Iterator[Report]:
    integers = {p.name for p in function.params if p.annotation is not None and _is_integer(p.annotation)}
    if not integers:
        return
    for node in tree.walk(function, into=lambda n: n is function or not isinstance(n, tree.Function)):
        is_field = isinstance(node, tree.FormatField)
        for value, form in _written(node):
            if isinstance(value, tree.Name) and value.id in integers:
                yield Report(
                    place_of(node),
                    function.name,
                    f"{value.id} may be an integer and is written with {form}, which keeps six digits",
                    (Step("", node.line, f"{value.id} is written here; 1234567 comes out as 1.23457e+06"),),
                    confidence="high",
                    reason=f"{value.id} is declared to be an integer",
                    subject=f"{value.id}:{form}",
                    fix="write it with str or json.dumps, which keep every digit",
                    data=_runtime(function.name, value.id) | ({"plain": value.id} if is_field else {}),
                )


def _is_integer(annotation: tree.Node) -> bool:
    names = [n.id for n in tree.walk(annotation) if isinstance(n, tree.Name)]
    return any(_INTEGERS.search(name) for name in names)


def _written(node: tree.Node) -> Iterator[tuple[tree.Node, str]]:
    """What is written with six digits, and the form that says so."""
    if isinstance(node, tree.FormatField) and _SHORT.fullmatch(node.spec):
        yield node.value, node.spec
    elif isinstance(node, tree.Binary) and node.op == "%" and isinstance(node.left, tree.Literal):
        place = _SHORT_PLACE.search(node.left.text.replace("%%", ""))
        if place is not None:
            yield node.right, place[0]


# ---------------------------------------------------------------- cut to the type of the default


def _cut_to_the_default(function: Function) -> Iterator[Report]:
    calls = {(e.line, e.result): e for e in function.effects if e.op == "call" and e.result}
    for effect in function.effects:
        call = calls.get((effect.line, effect.path))
        if effect.op not in ("bind", "assign") or call is None or not _WIDE.search(effect.annotation):
            continue
        name = call.path.rpartition(".")[2].lstrip("~")
        at = _GETTERS.get(name, -1)
        if 0 <= at < len(call.args) and _INTEGER.fullmatch(call.args[at].literal):
            yield _report(
                function,
                call,
                f"{name} answers an int, like its default {call.args[at].literal}: a wider value or a fraction is cut",
                (Step("", call.line, f"{effect.path} is declared {effect.annotation}, and gets an int"),),
                effect.path,
                f"name the type: {name}<double> or {name}<int64_t>, or a default of that type",
            )


# ---------------------------------------------------------------- the report


def _report(
    function: Function, at: Effect, message: str, evidence: tuple[Step, ...], subject: str, fix: str, doubt: str = ""
) -> Report:
    back = "the same function turns the float back into an integer"
    return Report(
        Place("", at.line, at.column, at.line, at.column + len(at.callee)),
        function.qualname,
        message,
        evidence,
        confidence="low" if doubt else "high",
        reason=doubt or (back if at.path == "int" else "the types are written"),
        subject=subject,
        fix=fix,
        data=_runtime(function.qualname, "") if at.path == "int" else {},
    )


def _runtime(qualname: str, entity: str) -> dict[str, object]:
    target = {"qualname": qualname, "role": "format"}
    return {"runtime": {"targets": [target | {"entity": entity} if entity else target]}}
