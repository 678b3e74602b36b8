"""Mutators of values: a mark for none that is counted with, a division nobody guards, a guard that is turned round."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from benchmarks.mutants.sites import Mutator, Planted, PythonFile, called, dotted, inner, one_line, own
from benchmarks.mutants.statements import exits, opened, previous_to, told

_MAY_BE_ZERO = re.compile(r"(?:^|[._])(?:temperature|seed|logprobs|top_k|timeout|priority|min_tokens)$")


def _counted_mark(file: PythonFile) -> Iterator[Planted]:
    """The test of a local that is -1 where nothing was found."""
    searches = {"find", "rfind"} | {f.name for f in file.functions if any(_gives_mark(n) for n in inner(f))}
    for function in file.functions:
        for node in inner(function):
            before = previous_to(file, node) if isinstance(node, ast.If) else None
            if isinstance(node, ast.If) and exits(node) and isinstance(before, ast.Assign):
                target = dotted(before.targets[0])
                marks = (f"{target} == -1", f"{target} < 0")
                if (
                    isinstance(before.value, ast.Call)
                    and called(before.value) in searches
                    and target
                    and ast.unparse(node.test) in marks
                ):
                    yield told(file, function, node, f"test of {target}", [file.without(node)])


def _gives_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) == "-1"


def _unguarded_division(file: PythonFile) -> Iterator[Planted]:
    """The guard of a division by a count: a choice, a least value, or an `if` around it."""
    for function in file.functions:
        for node in inner(function):
            if isinstance(node, ast.IfExp) and one_line(node) and isinstance(node.body, ast.BinOp):
                below = ast.unparse(node.body.right)
                if _divides(node.body) and below in ast.unparse(node.test) and _is_count(node.body.right):
                    new = file.replaced(node, f"({ast.unparse(node.body)})")
                    yield told(file, function, node, f"guard of {below}", [new])
            if isinstance(node, ast.BinOp) and _divides(node) and one_line(node.right) and _is_least(node.right):
                kept = [argument for argument in node.right.args if not isinstance(argument, ast.Constant)]  # type: ignore[attr-defined]
                new = file.replaced(node.right, ast.unparse(kept[0]))
                yield told(file, function, node, f"guard of {ast.unparse(kept[0])}", [new])
            if isinstance(node, ast.If) and not node.orelse and len(node.body) == 1:
                counts = [n.right for n in ast.walk(node.body[0]) if isinstance(n, ast.BinOp) and _divides(n)]
                tests = [f"{ast.unparse(c)}{more}" for c in counts if _is_count(c) for more in ("", " > 0", " != 0")]
                if ast.unparse(node.test) in tests:
                    what = f"guard of {ast.unparse(node.test)}"
                    yield told(file, function, node, what, [opened(file, node, [node.body])])


def _divides(node: ast.BinOp) -> bool:
    return isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod)


def _is_count(node: ast.expr) -> bool:
    return bool(own(node)) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "len")


def _is_least(node: ast.expr) -> bool:
    """`max(count, 1)` of one count."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) != "max" or len(node.args) != 2:
        return False
    others = [argument for argument in node.args if not isinstance(argument, ast.Constant)]
    return len(others) == 1 and _is_count(others[0])


def _turned_guard(file: PythonFile) -> Iterator[Planted]:
    """The guard of what begins with nothing, or of two values that one place may have, the other way round."""
    for function in file.functions:
        for node in inner(function):
            if isinstance(node, ast.If) and not node.orelse and one_line(node.test):
                test = ast.unparse(node.test)
                target = own(node.test.left) if isinstance(node.test, ast.Compare) else ""
                fills = any(isinstance(s, ast.Assign) and own(s.targets[0]) == target for s in node.body)
                if target and test == f"self.{target} is None" and fills:
                    new = file.replaced(node.test, f"self.{target} is not None")
                    yield told(file, function, node, f"guard of {target}", [new])
            if isinstance(node, ast.BoolOp) and len(node.values) == 2 and one_line(node):
                first, second = node.values
                if _compares(first, second, ast.Eq, node, ast.Or) or _compares(first, second, ast.NotEq, node, ast.And):
                    join = "and" if isinstance(node.op, ast.Or) else "or"
                    new = file.replaced(node, f"({ast.unparse(first)} {join} {ast.unparse(second)})")
                    yield told(file, function, node, f"{ast.unparse(node)}", [new])


def _compares(first: ast.expr, second: ast.expr, how: type, node: ast.BoolOp, join: type) -> bool:
    """One place with two written values."""
    if not isinstance(node.op, join) or not isinstance(first, ast.Compare) or not isinstance(second, ast.Compare):
        return False
    plain = all(len(c.ops) == 1 and isinstance(c.ops[0], how) for c in (first, second))
    written = [c.comparators[0] for c in (first, second)]
    values = [w.value for w in written if isinstance(w, ast.Constant)]
    return plain and len(set(values)) == 2 and ast.unparse(first.left) == ast.unparse(second.left)


def _untested_answer(file: PythonFile) -> Iterator[Planted]:
    """The question whether a function of the file, which may give None, gave something."""
    may_miss = {
        function.name
        for function in file.functions
        if any(isinstance(n, ast.Return) and _is_none(n.value) for n in inner(function))
        and any(isinstance(n, ast.Return) and not _is_none(n.value) for n in inner(function))
    }
    for function in file.functions:
        for node in inner(function):
            before = previous_to(file, node) if isinstance(node, ast.If) else None
            call = before.value if isinstance(before, ast.Assign) else None
            call = call.value if isinstance(call, ast.Await) else call
            if not isinstance(node, ast.If) or not isinstance(before, ast.Assign) or not isinstance(call, ast.Call):
                continue
            target = dotted(before.targets[0])
            if not target or called(call) not in may_miss or not _is_read(function, target, node):
                continue
            test = ast.unparse(node.test)
            if exits(node) and test in (f"{target} is None", f"not {target}"):
                yield told(file, function, node, f"None test of {target}", [file.without(node)])
            elif not node.orelse and test in (f"{target} is not None", target):
                yield told(file, function, node, f"None test of {target}", [opened(file, node, [node.body])])


def _truth_of_a_number(file: PythonFile) -> Iterator[Planted]:
    """A test whether an option that may be 0 is there, which asks whether it is true."""
    for function in file.functions:
        for node in inner(function):
            test = node.test if isinstance(node, ast.If | ast.IfExp) else None
            name = dotted(test.left) if isinstance(test, ast.Compare) else ""
            if test is not None and _MAY_BE_ZERO.search(name) and ast.unparse(test) == f"{name} is not None":
                if one_line(test):
                    yield file.symbol(function), node.lineno, f"test of {name}", [file.replaced(test, name)]


def _wider_guard(file: PythonFile) -> Iterator[Planted]:
    """A guard before `rows[index]` that refuses `index > len(rows)` alone."""
    for function in file.functions:
        for node in inner(function):
            test = node.test if isinstance(node, ast.If) and exits(node) and not node.orelse else None
            if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.GtE):
                continue
            index, size = ast.unparse(test.left), ast.unparse(test.comparators[0])
            if dotted(test.left) and size.startswith("len(") and one_line(test):
                place = f"{size[4:-1]}[{index}]"
                if any(isinstance(n, ast.Subscript) and ast.unparse(n) == place for n in inner(function)):
                    yield (
                        file.symbol(function),
                        node.lineno,
                        f"{index} >= {size}",
                        [file.replaced(test, f"{index} > {size}")],
                    )


def _is_none(node: ast.expr | None) -> bool:
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def _is_read(function: ast.AST, name: str, after: ast.stmt) -> bool:
    """Whether an attribute or an element of the local is read behind the test or in it."""
    for node in inner(function):
        if isinstance(node, ast.Attribute | ast.Subscript) and ast.unparse(node.value) == name:
            if node.lineno > after.lineno:
                return True
    return False


MUTATORS = (
    Mutator("counted-mark", "the mark for none is used as a number", ("LLM954",), _counted_mark),
    Mutator("unguarded-division", "a division by what may be zero", ("LLM953",), _unguarded_division),
    Mutator("turned-guard", "a guard lets the wrong through", ("LLM956",), _turned_guard),
    Mutator("wider-guard", "an index may be as large as its list", ("LLM956",), _wider_guard),
    Mutator("truth-of-a-number", "zero counts as not given", ("LLM915",), _truth_of_a_number),
    Mutator("untested-answer", "what may be missing is used", ("LLM955",), _untested_answer),
)
