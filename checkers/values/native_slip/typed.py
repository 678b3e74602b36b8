"""What the declared type of a value makes of a test, a size or a return."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from llmlint.checkers.values.native_slip.code import (
    Body,
    Code,
    Slip,
    is_null,
    is_zero,
    only_tells,
    operands_of,
)
from llmlint.code.syntax import tree

_UNSIGNED = re.compile(
    r"(?:const |volatile )*(?:std::)?"
    r"(?:size_t|uintptr_t|uint(?:8|16|32|64)_t|unsigned(?: (?:char|short|int|long|long long|long int))?)(?: const)?"
)
_WHOLE = re.compile(
    rf"{_UNSIGNED.pattern}|(?:const )?(?:std::)?(?:int|long|short|long long|int(?:8|16|32|64)_t|ssize_t|ptrdiff_t)"
)
_ALWAYS = {"-": "zero", "/": "one", "%": "zero", "|": "", "&": ""}
_TEXT = frozenset({"std::string", "string", "const std::string"})
_STRING = re.compile(r"(?:const )?(?:std::)?string(?: const)?(?: &)?")
_ARRAY = re.compile(r"(?:std::)?vector<.*>")


def calculated_with_itself(body: Body, code: Code) -> Iterator[Slip]:
    """`a - a`, `BIT | BIT`; of a number that may be a fraction, it asks whether that is finite."""
    for node in body.parts(tree.Binary):
        if node.op in _ALWAYS and code.same(node.left, node.right) and only_tells(node.left):
            if _is_whole(node.left, node.op, body, code) and not _takes_a_type(node, body):
                always = _ALWAYS[node.op] or code.short(node.left)
                says = f"both sides are `{code.short(node.left)}`: it is always {always}"
                yield Slip(node, says, "write the other one")


def _takes_a_type(node: tree.Node, body: Body) -> bool:
    """`auto i = n - n` is a zero of n's type."""
    given = (assign for assign in body.parts(tree.Assign) if assign.value is node)
    return any(isinstance(one.annotation, tree.TypeName) and one.annotation.text == "auto" for one in given)


def _is_whole(node: tree.Node, op: str, body: Body, code: Code) -> bool:
    match node:
        case tree.Name(id=name):
            return _WHOLE.fullmatch(body.types.get(name, "")) is not None or (op in "|&" and code.is_constant(node))
        case tree.Attribute(name=last):
            return op in "|&%-" and ("::" not in code.text(node) or last[:1].isupper())
    return False


def never_negative(body: Body, code: Code) -> Iterator[Slip]:
    """An unsigned local that is asked whether it is below zero: what was to say that something failed cannot."""
    for slip, name in _asked_below_zero(body):
        if name not in body.parameters:
            yield slip


def parameter_never_negative(body: Body, code: Code) -> Iterator[Slip]:
    """The same of a parameter: most of them are only asked to be thorough."""
    for slip, name in _asked_below_zero(body):
        if name in body.parameters:
            yield slip._replace(confidence="low", doubts="callers may have nothing below zero to hand over")


def _asked_below_zero(body: Body) -> Iterator[tuple[Slip, str]]:
    """Where no other comparison refuses what wrapped around."""
    for test, asked in _questions(body):
        match asked:
            case tree.Compare(operands=[tree.Name(id=name), zero], ops=[("<" | ">=") as op]) if is_zero(zero):
                kind = body.types.get(name, "")
                if _UNSIGNED.fullmatch(kind) and not _has_upper_bound(test, name, asked):
                    answer = "never" if op == "<" else "always"
                    says = f"`{name} {op} 0` is {answer} true: {name} is {kind}"
                    yield Slip(asked, says, "declare it signed, or ask before it is converted"), name


def _questions(body: Body) -> Iterator[tuple[tree.Node, tree.Node]]:
    """Every test of a function with each operand that it joins."""
    for test in _tests(body):
        for asked in operands_of(test) if isinstance(test, tree.Logic) else (test,):
            yield test, asked


def _tests(body: Body) -> Iterator[tree.Node]:
    yield from (branch.test for branch in body.parts(tree.If))
    yield from (choice.test for choice in body.parts(tree.Conditional))
    for loop in body.parts(tree.Loop):
        match loop:
            case tree.Loop(kind="count", iterable=tree.Collection(items=[_, test, *_])):
                yield test
            case tree.Loop(test=tree.Node() as test):
                yield test


def _has_upper_bound(test: tree.Node, name: str, asked: tree.Node) -> bool:
    """A value below zero wraps to a large one: another comparison of the same name takes it."""
    return any(
        isinstance(other, tree.Compare) and other is not asked and any(tree.path_of(o) == name for o in other.operands)
        for other in tree.walk(test)
    )


def text_of_null(body: Body, code: Code) -> Iterator[Slip]:
    """`return nullptr;` where a std::string is promised: its constructor reads through the pointer."""
    promised = body.function.returns
    if isinstance(promised, tree.TypeName) and promised.text in _TEXT:
        for node in body.parts(tree.Return):
            if node.value is not None and is_null(node.value):
                yield Slip(node, "a std::string is made from a null pointer here", "return {}, or an optional")


def sized_then_filled(body: Body, code: Code) -> Iterator[Slip]:
    """`std::vector<T> v(n);` of which nothing but push_back is asked next: n empty elements stay in front."""
    for node in body.parts(tree.Assign):
        if node.value is None or not _is_sized(node, body) or code.text(node.value).startswith("{"):
            continue
        name = tree.path_of(node.targets[0])
        uses = [
            use for use in _uses(body.function, name) if (use.line, use.column) > (node.end_line, node.end_column - 1)
        ]
        filled = [use for use in uses if isinstance(use, tree.Attribute) and use.name in ("push_back", "emplace_back")]
        if filled and uses[0] is filled[0] and not any(isinstance(use, tree.Index) for use in uses):
            says = f"{name} is made with elements already, and filled behind them at line {filled[0].line}"
            yield Slip(node, says, f"{name}.reserve() was meant")


def _is_sized(node: tree.Assign, body: Body) -> bool:
    match node:
        case tree.Assign(
            declares=True,
            targets=[tree.Name()],
            annotation=tree.TypeName(text=kind),
            value=tree.Call(function=tree.Attribute(name="vector") | tree.Name(id="vector"), args=[size]),
        ):
            is_named = isinstance(size, tree.Name) and _WHOLE.fullmatch(body.types.get(size.id, "")) is not None
            counts = isinstance(size, tree.Call) and tree.path_of(size.function).endswith((".size", ".length"))
            return _ARRAY.fullmatch(kind) is not None and (is_named or counts)
    return False


def _uses(function: tree.Function, name: str) -> list[tree.Node]:
    """What is done with a local, in source order: the member that is asked of it, its element, or itself."""
    found: list[tree.Node] = []
    for statement in function.body or ():
        for node in tree.walk(statement):
            match node:
                case tree.Attribute(value=tree.Name(id=used)) | tree.Index(value=tree.Name(id=used)) if used == name:
                    found.append(node)
                case tree.Name(id=used) if used == name and not any(_holds(above, node) for above in found[-1:]):
                    found.append(node)
    return found


def _holds(above: tree.Node, node: tree.Node) -> bool:
    return any(below is node for below in tree.children(above))


def position_as_truth(body: Body, code: Code) -> Iterator[Slip]:
    """`if (text.find("x"))` of a std::string is false only where it begins so."""
    for _, asked in _questions(body):
        match asked:
            case tree.Call(function=tree.Attribute(value=tree.Name(id=name), name="find"), args=[_]):
                if _STRING.fullmatch(body.types.get(name, "")):
                    says = f"{name}.find() is true for all that does not begin so, also where it is not found"
                    yield Slip(asked, says, "compare it with std::string::npos")


OF_FUNCTIONS: tuple[Callable[[Body, Code], Iterator[Slip]], ...] = (
    calculated_with_itself,
    never_negative,
    parameter_never_negative,
    text_of_null,
    sized_then_filled,
    position_as_truth,
)
