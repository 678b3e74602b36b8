"""Numbers that a caller may leave out: what they are declared to be, and what else the program asks about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.facts.facts import Choice, FieldFact, Param, Test
from llmlint.code.link.entities import AttributeInfo, ClassInfo, FunctionInfo, Start
from llmlint.code.link.once import once
from llmlint.code.link.program import Program
from llmlint.code.link.typetext import literal_type, options_in_text
from llmlint.findings import Step

OPTIONAL, ALWAYS, OTHER, UNKNOWN = "optional", "always", "other", ""
"""A number or None; a number in any case; declared as something else; nothing is said."""

_NUMBERS = frozenset({"int", "float", "NonNegativeInt", "NonNegativeFloat", "conint", "confloat"})
_MAY_STAND_BESIDE = frozenset({"list", "List", "tuple", "Tuple", "Sequence"})
_HEAD = re.compile(r"[\w.]+")
_NOT_BELOW_ZERO = re.compile(r"\bge ?= ?-?0(\.0*)?\b(?!\.?\d)")
_ABOVE_ZERO = re.compile(r"\bg[te] ?= ?(?:0?\.\d*[1-9]|[1-9])|\bgt ?= ?0")
_FROM_TEXT = re.compile(r"environ|getenv|\binput\b|readline|\bstr\b")
_CASTS = frozenset({"int", "float", "len", "max", "min", "sum", "round"})
_OPTIONS_OF = frozenset({"args", "opt", "opts", "options", "flags", "cli_args", "arguments"})


class Number(NamedTuple):
    """`owner` is the class whose attribute it is; `line` where it is declared in the file `path`."""

    how: str = UNKNOWN
    name: str = ""
    owner: ClassInfo | None = None
    function: FunctionInfo | None = None
    path: str = ""
    line: int = 0
    said: str = ""

    def is_same(self, other: Number) -> bool:
        if self.name != other.name or self.function is not other.function:
            return False
        if self.owner is None or other.owner is None:
            return self.owner is other.owner and self.function is not None
        return self.owner.is_kin_of(other.owner)


class Asked(NamedTuple):
    """Where zero is let in, and where it is told from None; `refused`: zero never gets in."""

    allowed: Step | None = None
    told_apart: Step | None = None
    refused: bool = False


def number_at(program: Program, function: FunctionInfo, path: str, line: int = 0) -> Number:
    """What is declared of the number that a path stands for in a function, on a line of it where one is given."""
    root, _, name = path.rpartition(".")
    if not all(part.isidentifier() for part in path.split(".")):
        return Number(OTHER if _FROM_TEXT.search(path) else UNKNOWN)
    if not root:
        return _of_name(program, function, name)
    cls = function.owner if root == "self" else program.class_of(function, root)
    cls = _asked_for(program, function, root, line) or cls
    if cls is None:
        return _of_option(program, function, root, name)
    attribute = cls.attributes.get(name)
    return _of_attribute(cls, attribute) if attribute is not None else Number()


def _asked_for(program: Program, function: FunctionInfo, root: str, line: int) -> ClassInfo | None:
    """The class that an `if` around the line found the object to be of."""
    for region in function.regions if line else ():
        if region.kind == "if" and region.test is not None and region.line <= line <= region.end_line:
            for test, holds in leaves(region.test):
                if holds and test.op == "call" and test.path == "isinstance" and test.args[:1] == (Test("path", root),):
                    return program.class_named(test.args[1].path)
    return None


def _of_name(program: Program, function: FunctionInfo, name: str) -> Number:
    bound = [effect for effect in function.effects if effect.op == "bind" and effect.path == name]
    param = next((p for p in function.facts.params if p.name == name), None)
    if param is not None:
        how = _how(param.annotation, param.default, param.default == "None")
        said = param.annotation or f"default {param.default}"
        return Number(how, name, None, function, function.path, function.facts.line, said)
    if len(bound) != 1 or bound[0].via:
        return Number()
    only = bound[0]
    if only.annotation:
        return Number(_how(only.annotation, "", only.value == "none"))
    if only.value == "path" and "." in only.source and only.source != name:
        return number_at(program, function, only.source)
    if only.value == "new" and _FROM_TEXT.search(only.source):
        return Number(OTHER)
    if only.value == "new" and only.source.rpartition(".")[2] in _CASTS:
        return Number(ALWAYS)
    return Number(OTHER) if only.value in ("empty", "container") else Number()


def _of_attribute(cls: ClassInfo, attribute: AttributeInfo) -> Number:
    field = _field_of(cls, attribute.name)
    is_none = attribute.value == "none" or (field is not None and "default=None" in field.specifiers)
    default = attribute.source if attribute.value == "constant" else ""
    if any(_is_never_zero(start) for start in attribute.starts):
        return Number(ALWAYS)
    how = _how(attribute.annotation, default, is_none)
    if how == UNKNOWN and attribute.function is not None and attribute.value == "path":
        param = next((p for p in attribute.function.facts.params if p.name == attribute.source), Param(""))
        how = _how(param.annotation, param.default, param.default == "None")
    return Number(how, attribute.name, cls, None, attribute.path, attribute.line, attribute.annotation)


def _is_never_zero(start: Start) -> bool:
    """`self.seed = seed or 42`: what is kept is neither None nor 0."""
    choices = start.function.facts.choices if start.function is not None and start.value == "path" else ()
    return any(c.line == start.line and c.place == start.source and _is_above_zero(c) for c in choices)


def _is_above_zero(choice: Choice) -> bool:
    return choice.by == "truth" and re.fullmatch(r"[-+]?[\d_.]*[1-9][\d_.]*", choice.other) is not None


def _how(annotation: str, default: str, is_none: bool) -> str:
    if not annotation:
        kind = literal_type(default)
        return UNKNOWN if is_none or not kind else ALWAYS if kind in ("int", "float") else OTHER
    options = options_in_text(annotation)
    heads = [match[0].rpartition(".")[2] for option in options if (match := _HEAD.match(option))]
    if set(heads) <= {"Any", "object"}:
        return UNKNOWN
    beside = set(heads) - _NUMBERS
    if len(beside) == len(set(heads)) or not beside <= _MAY_STAND_BESIDE:
        return OTHER
    return OPTIONAL if is_none or "None" in annotation or "Optional" in annotation else ALWAYS


def _field_of(cls: ClassInfo, name: str) -> FieldFact | None:
    fields = (field for above in cls.mro for field in above.facts.fields)
    return next((field for field in fields if field.name == name), None)


# ---------------------------------------------------------------- options of a command line


def _of_option(program: Program, function: FunctionInfo, root: str, name: str) -> Number:
    """`args.seed`, where a parser of the file, else any, has the option."""
    if root not in _OPTIONS_OF:
        return Number()
    options = once(program, _options).get(name, [])
    near = [option for option in options if option.path == function.path] or options
    return near[0] if len({option.how for option in near}) == 1 else Number()


def _options(program: Program) -> dict[str, list[Number]]:
    found: dict[str, list[Number]] = {}
    for function, effect in program.calls_named("add_argument"):
        named = {a.keyword: a.path or a.literal for a in effect.args if a.keyword}
        flags = [
            a.literal.strip("'\"") for a in effect.args if not a.keyword and a.literal.strip("'\"").startswith("--")
        ]
        if not flags:
            continue
        name = named.get("dest", "").strip("'\"") or flags[0].lstrip("-").replace("-", "_")
        default = named.get("default", "None")
        how = _how(named.get("type", ""), default, default == "None") if "action" not in named else OTHER
        option = Number(how, name, None, None, function.path, effect.line, f"type={named.get('type', '')}")
        found.setdefault(name, []).append(option)
    return found


# ---------------------------------------------------------------- what else is asked


def asked_of(program: Program, number: Number) -> Asked:
    if number.owner is None:
        readers = [number.function] if number.function is not None else []
    else:
        readers = list(dict.fromkeys(read.function for read in program.reads(number.owner, number.name)))
    asked = _declared_bounds(number)
    for function in readers:
        for at, region in enumerate(function.regions):
            if region.kind == "else" or region.test is None:
                continue
            raises = any(e.op == "raise" and e.region == at for e in function.doing("raise"))
            for test, _ in leaves(region.test):
                compared = compared_with(test, number.name)
                if compared and number_at(program, function, compared[0]).is_same(number):
                    asked = _with(asked, compared[1], raises, function.path, region.line)
    for function in readers:
        for choice in function.facts.choices if asked.told_apart is None else ():
            if choice.by == "none" and choice.name == number.name:
                if number_at(program, function, choice.place).is_same(number):
                    asked = _with(asked, "none", False, function.path, choice.line)
    return asked


def _declared_bounds(number: Number) -> Asked:
    field = _field_of(number.owner, number.name) if number.owner is not None else None
    bounds = f"{number.said} {' '.join(field.specifiers)}" if field is not None else number.said
    if _ABOVE_ZERO.search(bounds):
        return Asked(refused=True)
    said = f"{number.name} is declared so that it may be 0"
    return Asked(Step(number.path, number.line, said) if _NOT_BELOW_ZERO.search(bounds) else None)


def _with(asked: Asked, how: str, raises: bool, path: str, line: int) -> Asked:
    if how == "none":
        told = asked.told_apart or Step(path, line, "here it is asked whether it is None")
        return asked._replace(told_apart=told)
    if how in ("<= 0", "< 1", "== 0") and raises:
        return asked._replace(refused=True)
    if how == "< 0" and raises:
        return asked._replace(allowed=asked.allowed or Step(path, line, "less than 0 is refused here, and 0 is not"))
    return asked


def leaves(test: Test, holds: bool = True) -> Iterator[tuple[Test, bool]]:
    """What a test is joined of, each with whether it is asked as it stands or turned round."""
    if test.op == "not":
        yield from leaves(test.args[0], not holds)
    elif test.op in ("and", "or"):
        for part in test.args:
            yield from leaves(part, holds)
    else:
        yield test, holds


_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def compared_with(test: Test, name: str) -> tuple[str, str] | None:
    """The path with this last name that is compared with None or a constant, and how: "none", "< 0", "== 1"."""
    if len(test.args) != 2 or test.op == "call":
        return None
    left, right = test.args
    op = test.op
    if left.op in ("constant", "none"):
        left, right, op = right, left, _TURNED.get(op, op)
    if left.op != "path" or left.path.rpartition(".")[2] != name:
        return None
    if right.op == "none":
        return left.path, "none"
    constant = right.path.removesuffix(".0") if right.op == "constant" else "x"
    return left.path, f"{op} {constant}"
