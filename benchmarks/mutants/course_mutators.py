"""Mutators of what runs side by side: tasks, futures, walked containers, answers, checks that an await parts."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.sites import (
    Mutator,
    Planted,
    PythonFile,
    call_of,
    called,
    inner,
    methods,
    one_line,
    own,
    simple,
)
from benchmarks.mutants.statements import (
    dropped_in,
    exits,
    filled_in,
    in_loop,
    is_awaiting,
    named_in,
    next_to,
    opened,
    previous_to,
    removed_by,
    swapped,
    told,
)

_TASKS = ("create_task", "ensure_future", "submit", "run_coroutine_threadsafe")
_SETS = ("set_result", "set_exception")
_ANSWERS = ("set_exception", "set_result", "put", "put_nowait", "send", "set")


def _lost_task(file: PythonFile) -> Iterator[Planted]:
    """What keeps a task or a future: an attribute, or a set that a local is put into."""
    for function in file.functions:
        for statement in simple(function):
            call = statement.value if isinstance(statement, ast.Assign) else None
            if not isinstance(statement, ast.Assign) or not isinstance(call, ast.Call) or called(call) not in _TASKS:
                continue
            target, line = statement.targets[0], file.lines[statement.lineno - 1].encode()
            if call.lineno != statement.lineno:
                continue
            alone = (line[: statement.col_offset] + line[call.col_offset :]).decode()
            changes = [(statement.lineno, statement.lineno, (alone,))]
            users = [s for s in simple(function) if s is not statement and _speaks_of(s, target)]
            keeps = all(
                (made := call_of(s)) is not None and called(made) in ("add", "append", "add_done_callback")
                for s in users
            )
            read = sum(_is_name(node, target) for node in inner(function)) - 1
            if own(target):
                yield told(file, function, statement, f"keeper of {called(call)}", changes)
            elif isinstance(target, ast.Name) and users and keeps and one_line(statement):
                if read == sum(_is_name(node, target) for s in users for node in ast.walk(s)):
                    changes += [file.without(s) for s in users]
                    yield told(file, function, statement, f"keeper of {called(call)}", changes)


def _is_name(node: ast.AST, target: ast.expr) -> bool:
    return isinstance(node, ast.Name) and isinstance(target, ast.Name) and node.id == target.id


def _speaks_of(statement: ast.stmt, target: ast.expr) -> bool:
    return any(_is_name(node, target) for node in ast.walk(statement))


def _unasked_future(file: PythonFile) -> Iterator[Planted]:
    """The question whether a future is done, in front of its result."""
    for function in file.functions:
        for node in inner(function):
            if not isinstance(node, ast.If) or node.orelse:
                continue
            test = ast.unparse(node.test)
            asked = any(test == f"not {_future(s)}.{how}()" for s in node.body for how in ("done", "cancelled"))
            later = next_to(file, node)
            left = (
                later is not None
                and exits(node)
                and test in (f"{_future(later)}.done()", f"{_future(later)}.cancelled()")
            )
            if asked:
                yield told(file, function, node, f"if {test}", [opened(file, node, [node.body])])
            elif left:
                yield told(file, function, node, f"if {test}", [file.without(node)])


def _future(statement: ast.stmt) -> str:
    call = call_of(statement)
    if call is not None and isinstance(call.func, ast.Attribute) and called(call) in _SETS:
        return ast.unparse(call.func.value)
    return ""


def _live_iteration(file: PythonFile) -> Iterator[Planted]:
    """The copy of a container that a loop walks and takes entries out of."""
    for cls in file.classes:
        drops = {method.name: set(dropped_in(method)) for method in methods(cls)}
        for method in methods(cls):
            for node in inner(method):
                head = node.iter if isinstance(node, ast.For) else None
                if not isinstance(head, ast.Call) or called(head) not in ("list", "tuple") or len(head.args) != 1:
                    continue
                walked = named_in(head.args[0])
                within = ast.Module(body=list(getattr(node, "body", [])), type_ignores=[])
                gone = set(dropped_in(within))
                for call in ast.walk(within):
                    gone |= drops.get(own(call.func), set()) if isinstance(call, ast.Call) else set()
                if (
                    one_line(head)
                    and len(walked) == 1
                    and walked <= gone
                    and not isinstance(head.args[0], ast.GeneratorExp)
                ):
                    new = file.replaced(head, ast.unparse(head.args[0]))
                    yield told(file, method, head, f"copy of {walked.pop()}", [new])


def _unanswered_error(file: PythonFile) -> Iterator[Planted]:
    """What tells the one who waits, in a handler of all errors in a loop."""
    for function in file.functions:
        for node in inner(function):
            if not isinstance(node, ast.Try) or not in_loop(file, node):
                continue
            answered = any(_answer(s) for part in node.body for s in (part, *inner(part)))
            for handler in node.handlers:
                answers = [s for s in handler.body if _answer(s)]
                is_all = handler.type is None or ast.unparse(handler.type) in ("Exception", "BaseException")
                others = [s for s in handler.body if s not in answers]
                if answered and is_all and len(answers) == 1 and not any(isinstance(s, ast.Raise) for s in others):
                    what = f"{ast.unparse(answers[0])} in a handler"
                    yield told(file, function, answers[0], what, [file.without(answers[0])])


def _answer(statement: ast.AST) -> bool:
    call = call_of(statement)
    return call is not None and isinstance(call.func, ast.Attribute) and called(call) in _ANSWERS


def _late_change(file: PythonFile) -> Iterator[Planted]:
    """A change that makes a check's answer another, behind the await that it stood in front of."""
    for function in file.functions:
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        for statement in simple(function):
            changed = _changed(statement)
            later = next_to(file, statement)
            if not changed or later is None or is_awaiting(statement) or not is_awaiting(later):
                continue
            asked = any(
                isinstance(node, ast.If) and node.lineno < statement.lineno and changed in named_in(node.test)
                for node in inner(function)
            )
            if asked and changed not in named_in(later) and isinstance(later, ast.Assign | ast.Expr):
                yield told(file, function, statement, f"change of {changed}", swapped(file, statement, later))


def _changed(statement: ast.stmt) -> str:
    if isinstance(statement, ast.AugAssign):
        return own(statement.target)
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        return own(target.value) if isinstance(target, ast.Subscript) else own(target)
    return next(filled_in(ast.Module(body=[statement], type_ignores=[])), "") or removed_by(statement)[0]


def _parted_lock(file: PythonFile) -> Iterator[Planted]:
    """One block under a lock as two: what the first asked, the second acts on."""
    for function in file.functions:
        for node in inner(function):
            if (
                not isinstance(node, ast.With)
                or "lock" not in ast.unparse(node.items[0].context_expr)
                or len(node.body) < 2
            ):
                continue
            for statement in node.body[1:]:
                before = previous_to(file, statement)
                if isinstance(before, ast.If) and exits(before) and _changed(statement) in named_in(before.test):
                    head = file.lines[node.lineno - 1]
                    change = (statement.lineno, statement.lineno - 1, (head,))
                    if one_line(node.items[0].context_expr) and head.rstrip().endswith(":"):
                        yield told(file, function, statement, f"one block for {_changed(statement)}", [change])


MUTATORS = (
    Mutator("lost-task", "nobody keeps a task", ("LLM205",), _lost_task),
    Mutator("unasked-future", "a result for one who may be gone", ("LLM206",), _unasked_future),
    Mutator("live-iteration", "a loop changes what it walks", ("LLM207",), _live_iteration),
    Mutator("unanswered-error", "an error is not told to who waits", ("LLM208",), _unanswered_error),
    Mutator("late-change", "an await between check and act", ("LLM209",), _late_change),
    Mutator("parted-lock", "the lock is free between check and act", ("LLM210", "LLM203"), _parted_lock),
)
