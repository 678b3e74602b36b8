"""Mutators of slips: arguments exchanged, a value nobody takes, a text without its values, a choice written over."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from benchmarks.mutants.sites import Mutator, Planted, PythonFile, called, inner, one_line, own
from benchmarks.mutants.statements import told

_GIVES_ONLY = ("view", "reshape", "expand", "contiguous", "squeeze", "unsqueeze", "strip", "lower")
_SAID = re.compile(r"\w*(Error|Exception)|print")
_SHORTEST = 3
_QUESTIONS = ("isdigit", "isalpha", "isspace", "is_file", "is_dir", "is_contiguous")


def _swapped_arguments(file: PythonFile) -> Iterator[Planted]:
    """Two neighbours, each named as its own parameter of the only definition of the name in the file."""
    taken: dict[str, list[str]] = {}
    for function in file.functions:
        names = [arg.arg for arg in function.args.args if arg.arg not in ("self", "cls")]
        taken[function.name] = names if function.name not in taken and not function.decorator_list else []
    for function in file.functions:
        for call in inner(function):
            if isinstance(call, ast.Call) and (isinstance(call.func, ast.Name) or own(call.func)):
                yield from _swapped(file, call, taken.get(called(call), []))


def _swapped(file: PythonFile, call: ast.Call, names: list[str]) -> Iterator[Planted]:
    for at, (first, second) in enumerate(zip(call.args, call.args[1:], strict=False)):
        if not (isinstance(first, ast.Name) and isinstance(second, ast.Name)) or names[at : at + 2] != [
            first.id,
            second.id,
        ]:
            continue
        if first.lineno == second.end_lineno and min(len(first.id), len(second.id)) >= _SHORTEST:
            line = file.lines[first.lineno - 1].encode()
            between = line[first.end_col_offset : second.col_offset]
            changed = (
                line[: first.col_offset]
                + second.id.encode()
                + between
                + first.id.encode()
                + line[second.end_col_offset :]
            )
            change = (first.lineno, first.lineno, (changed.decode(),))
            yield file.symbol(call), call.lineno, f"order of {first.id} and {second.id}", [change]


def _untaken_value(file: PythonFile) -> Iterator[Planted]:
    """`x = x.view(…)` without what stands on its left."""
    for function in file.functions:
        for node in inner(function):
            if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.value, ast.Call):
                continue
            made, target = node.value.func, node.targets[0]
            if isinstance(made, ast.Attribute) and made.attr in _GIVES_ONLY and isinstance(target, ast.Name):
                if isinstance(made.value, ast.Name) and made.value.id == target.id:
                    line = file.lines[node.lineno - 1].encode()
                    changed = line[: node.col_offset] + line[node.value.col_offset :]
                    change = (node.lineno, node.lineno, (changed.decode(),))
                    yield file.symbol(node), node.lineno, f"{target.id} = before .{made.attr}", [change]


def _unformatted_text(file: PythonFile) -> Iterator[Planted]:
    """The f of a message that tells a local or a parameter."""
    for function in file.functions:
        for call in inner(function):
            if isinstance(call, ast.Call) and _SAID.fullmatch(called(call)) and len(call.args) == 1:
                text = call.args[0]
                fields = [n.value for n in ast.walk(text) if isinstance(n, ast.FormattedValue)]
                if isinstance(text, ast.JoinedStr) and one_line(text) and fields and all(map(_is_plain, fields)):
                    line = file.lines[text.lineno - 1].encode()
                    if line[text.col_offset : text.col_offset + 1] == b"f":
                        changed = line[: text.col_offset] + line[text.col_offset + 1 :]
                        change = (text.lineno, text.lineno, (changed.decode(),))
                        yield file.symbol(call), text.lineno, "f before a message", [change]


def _is_plain(value: ast.expr) -> bool:
    return isinstance(value, ast.Name)


def _overwritten_choice(file: PythonFile) -> Iterator[Planted]:
    """The value of the other branch once more, behind an `if` that gives a name two values."""
    for function in file.functions:
        for node in inner(function):
            if not isinstance(node, ast.If) or len(node.body) != 1 or len(node.orelse) != 1:
                continue
            first, other = node.body[0], node.orelse[0]
            if (
                isinstance(first, ast.Assign)
                and isinstance(other, ast.Assign)
                and not isinstance(first.value, ast.Constant)
            ):
                same = ast.unparse(first.targets[0]) == ast.unparse(other.targets[0])
                if same and isinstance(first.targets[0], ast.Name) and one_line(other):
                    name = first.targets[0].id
                    if not any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(other.value)):
                        indent = " " * node.col_offset
                        lines = (file.lines[other.lineno - 1], f"{indent}{file.lines[other.lineno - 1].strip()}")
                        yield file.symbol(node), node.lineno, f"choice of {name}", [(other.lineno, other.lineno, lines)]


def _unfilled_text(file: PythonFile) -> Iterator[Planted]:
    """A value by name less for `.format` of a text that a constant holds."""
    for function in file.functions:
        for call in inner(function):
            if isinstance(call, ast.Call) and called(call) == "format" and len(call.keywords) > 1 and one_line(call):
                last = call.keywords[-1].arg
                if _is_of_constant(call.func) and all(keyword.arg for keyword in call.keywords):
                    fewer = ast.unparse(ast.Call(call.func, call.args, call.keywords[:-1]))
                    yield file.symbol(call), call.lineno, f"{last} of a text", [file.replaced(call, fewer)]


def _is_of_constant(function: ast.expr) -> bool:
    of = function.value if isinstance(function, ast.Attribute) else None
    return isinstance(of, ast.Name) and of.id.isupper()


_NUMBER_OF_TEXT = re.compile(
    r"\b(?:int|float)\((?P<asks>(?:os\.getenv|os\.environ\.get)\([^()]*, *)['\"]?(?P<number>[\d.]+)['\"]?\)\)"
)


def _unconverted_setting(file: PythonFile) -> Iterator[Planted]:
    """The `int` around a variable of the environment that has a number as its default."""
    for function in (file.tree, *file.functions):
        for node in inner(function):
            if isinstance(node, ast.Assign) and one_line(node):
                line = file.lines[node.lineno - 1]
                found = _NUMBER_OF_TEXT.search(line)
                if found is not None:
                    plain = line.replace(found[0], f"{found['asks']}{found['number']})")
                    yield told(file, function, node, found["asks"], [(node.lineno, node.lineno, (plain,))])


def _uncalled_question(file: PythonFile) -> Iterator[Planted]:
    """The brackets of a question that a test asks: of a method of the class, or one that only texts and paths have."""
    for function in file.functions:
        for node in inner(function):
            test = node.test if isinstance(node, ast.If) else None
            call = test.operand if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not) else test
            if isinstance(call, ast.Call) and not call.args and not call.keywords and one_line(call):
                if isinstance(call.func, ast.Attribute) and (own(call.func) or call.func.attr in _QUESTIONS):
                    yield file.symbol(call), call.lineno, called(call), [file.replaced(call, ast.unparse(call.func))]


MUTATORS = (
    Mutator("uncalled-question", "a question that is named and not asked", ("LLM905",), _uncalled_question),
    Mutator("swapped-arguments", "two arguments in each other's place", ("LLM907",), _swapped_arguments),
    Mutator("untaken-value", "a value that nobody takes", ("LLM909",), _untaken_value),
    Mutator("unformatted-text", "a message without its f", ("LLM910",), _unformatted_text),
    Mutator("unfilled-text", "a text with a value too few", ("LLM910",), _unfilled_text),
    Mutator("unconverted-setting", "a setting that stays a text", ("LLM916",), _unconverted_setting),
    Mutator("overwritten-choice", "what a branch chose, written over", ("LLM914",), _overwritten_choice),
)
