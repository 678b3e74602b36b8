"""Mutators of calls and of what they give: a result that is dropped, a parameter that ends here, a slip."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from benchmarks.mutants.sites import Def, Mutator, Planted, PythonFile, called, inner, methods, one_line, own
from benchmarks.mutants.statements import exits, told
from llmlint.phrases import words

_QUESTIONS = (
    "is",
    "has",
    "can",
    "should",
    "all",
    "any",
    "callable",
    "exists",
    "supports",
    "match",
    "contains",
    "isinstance",
    "hasattr",
    "startswith",
    "endswith",
)
_STEPS = ("accept_token", "accept_tokens", "accept_string", "consume_token", "try_accept_token")


def _dropped_wrapped_result(file: PythonFile) -> Iterator[Planted]:
    """The `return` before what a method hands on to its own name."""
    for cls in file.classes:
        for method in methods(cls):
            last = method.body[-1]
            value = last.value if isinstance(last, ast.Return) else None
            call = value.value if isinstance(value, ast.Await) else value
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and called(call) == method.name:
                held = call.func.value
                is_super = isinstance(held, ast.Call) and called(held) == "super"
                if (is_super or own(held)) and not method.name.startswith("__"):
                    yield told(file, method, last, f"return of {method.name}", [_headless(file, last, "return ")])


def _headless(file: PythonFile, statement: ast.stmt, head: str) -> tuple[int, int, tuple[str, ...]]:
    line = file.lines[statement.lineno - 1]
    return statement.lineno, statement.lineno, (line.replace(head, "", 1),)


def _unraised_error(file: PythonFile) -> Iterator[Planted]:
    """The `raise` before an exception."""
    for function in file.functions:
        for node in inner(function):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.cause is None:
                if called(node.exc).endswith(("Error", "Exception")) and f"raise {called(node.exc)}" in _line(
                    file, node
                ):
                    yield told(file, function, node, "raise", [_headless(file, node, "raise ")])


def _line(file: PythonFile, node: ast.stmt) -> str:
    return file.lines[node.lineno - 1]


def _asserted_tuple(file: PythonFile) -> Iterator[Planted]:
    """An assertion and its message in brackets."""
    for function in file.functions:
        for node in inner(function):
            if isinstance(node, ast.Assert) and node.msg is not None and one_line(node):
                line = _line(file, node).encode()
                made = f"assert ({ast.unparse(node.test)}, {ast.unparse(node.msg)})".encode()
                change = (node.lineno, node.lineno, ((line[: node.col_offset] + made).decode(),))
                yield told(file, function, node, "assertion", [change])


def _same_id(file: PythonFile) -> Iterator[Planted]:
    """The number of the round in an id that a loop makes."""
    for function in file.functions:
        for loop in inner(function):
            targets = [loop.target] if isinstance(loop, ast.For) else []
            targets += [part.target for part in loop.generators] if isinstance(loop, ast.ListComp) else []
            turns = {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
            for text in ast.walk(loop) if turns else ():
                if isinstance(text, ast.JoinedStr) and one_line(text):
                    fields = [part.value for part in text.values if isinstance(part, ast.FormattedValue)]
                    names = {field.id for field in fields if isinstance(field, ast.Name)}
                    (only, *others) = sorted(names - turns) or [""]
                    if len(fields) == 2 and names & turns and only and not others and "id" in _named(file, text):
                        yield told(file, function, text, f"number behind {only}", [file.replaced(text, only)])


def _named(file: PythonFile, value: ast.expr) -> str:
    """What the value is called where it is handed over or kept."""
    parent = file.parents[value]
    target = parent.targets[0] if isinstance(parent, ast.Assign) else None
    return getattr(parent, "arg", None) or (ast.unparse(target) if target is not None else "")


def _ended_parameter(file: PythonFile) -> Iterator[Planted]:
    """A parameter that is handed on under its own name beside two others, and used nowhere else."""
    for function in file.functions:
        given = {arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)}
        read = Counter(n.id for n in inner(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
        for call in inner(function):
            passed = (
                [k for k in call.keywords if _is_own_name(k) and k.arg in given] if isinstance(call, ast.Call) else []
            )
            for keyword in passed if len(passed) >= 3 else ():
                line = file.lines[keyword.lineno - 1]
                if read[keyword.arg or ""] == 1 and line.strip() == f"{keyword.arg}={keyword.arg},":
                    change = (keyword.lineno, keyword.lineno, ())
                    yield told(file, function, keyword.value, f"{keyword.arg} to {called_in(call)}", [change])


def _is_own_name(keyword: ast.keyword) -> bool:
    return isinstance(keyword.value, ast.Name) and keyword.value.id == keyword.arg


def called_in(node: ast.AST) -> str:
    return called(node) if isinstance(node, ast.Call) else ""


def _unheard_result(file: PythonFile) -> Iterator[Planted]:
    """The question whether a call could do its work, where others of the file ask too."""
    yield from _unheard(file, lambda name, count: count >= 3 and name not in _STEPS and not _only_asks(name))


def _only_asks(name: str) -> bool:
    """A question by its name: who drops its answer has asked for nothing."""
    return words(name)[:1] in [(word,) for word in _QUESTIONS]


def _unheard_machine(file: PythonFile) -> Iterator[Planted]:
    """What is done where a grammar's state machine says no."""
    yield from _unheard(file, lambda name, _: name in _STEPS)
    for function in file.functions:
        for node in inner(function):
            if isinstance(node, ast.Assert) and one_line(node) and called_in(node.test) in _STEPS:
                new = (node.lineno, node.lineno, (" " * node.col_offset + ast.unparse(node.test),))
                yield told(file, function, node, f"answer of {called_in(node.test)}", [new])
            value = node.value if isinstance(node, ast.Assign) else None
            if (
                isinstance(value, ast.Call)
                and called(value) in _STEPS
                and isinstance(node, ast.Assign)
                and one_line(node)
            ):
                target = node.targets[0]
                uses = [
                    n for n in inner(function) if isinstance(n, ast.If) and ast.unparse(target) in ast.unparse(n.test)
                ]
                if len(uses) == 1 and not uses[0].orelse:
                    new = (node.lineno, node.lineno, (" " * node.col_offset + ast.unparse(value),))
                    yield told(file, function, node, f"answer of {called(value)}", [new, file.without(uses[0])])


def _unheard(file: PythonFile, wanted: Callable[[str, int], bool]) -> Iterator[Planted]:
    asked: dict[str, list[tuple[Def, ast.If, ast.expr]]] = defaultdict(list)
    for function in file.functions:
        for node in inner(function):
            test = node.test.operand if isinstance(node, ast.If) and isinstance(node.test, ast.UnaryOp) else None
            if isinstance(node, ast.If) and isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
                call = test.value if isinstance(test, ast.Await) else test
                if isinstance(call, ast.Call) and exits(node) and one_line(node.test) and isinstance(test, ast.expr):
                    asked[called(call)].append((function, node, test))
    for name, places in sorted(asked.items()):
        for function, node, test in places if wanted(name, len(places)) else ():
            line = (" " * node.col_offset + ast.unparse(test),)
            yield told(file, function, node, f"answer of {name}", [(node.lineno, node.end_lineno or node.lineno, line)])


def _float_between(file: PythonFile) -> Iterator[Planted]:
    """A text that is read as a float on its way to an integer."""
    for function in file.functions:
        for node in inner(function):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "int"
                and one_line(node)
            ):
                if len(node.args) == 1 and not node.keywords and _is_from_text(node.args[0]):
                    given = ast.unparse(node.args[0])
                    yield told(file, function, node, f"int of {given}", [file.replaced(node, f"int(float({given}))")])


def _is_from_text(node: ast.expr) -> bool:
    text = ast.unparse(node)
    return any(word in text for word in ("value", "str", "text", "header", "match", "group(", "split("))


MUTATORS = (
    Mutator("dropped-wrapped-result", "a wrapper gives nothing back", ("LLM904", "LLM903"), _dropped_wrapped_result),
    Mutator("unraised-error", "an exception is built and dropped", ("LLM905",), _unraised_error),
    Mutator("asserted-tuple", "brackets take in the text of an assertion", ("LLM905",), _asserted_tuple),
    Mutator("same-id", "several requests under one id", ("LLM906",), _same_id),
    Mutator("ended-parameter", "a parameter is not passed on", ("LLM908",), _ended_parameter),
    Mutator("unheard-result", "nobody looks whether it worked", ("LLM911",), _unheard_result),
    Mutator("unheard-machine", "a grammar refuses unheard", ("LLM501", "LLM911"), _unheard_machine),
    Mutator("float-between", "an integer goes through a float", ("LLM401",), _float_between),
)
