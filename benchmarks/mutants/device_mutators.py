"""Mutators of code for a GPU: a wait that is left out, memory that is not pinned, a part that is not copied."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from benchmarks.mutants.sites import Mutator, Planted, PythonFile, call_of, called, inner, simple

_STREAM_WAITS = ("wait_stream", "wait_event")
_MOVES = ("to", "cuda", "copy_")


def _forgotten_join(file: PythonFile) -> Iterator[Planted]:
    """A wait of one stream for another, in or behind what works on a stream of its own."""
    yield from _stream_waits(file, lambda line, bodies: line > min(body.lineno for body in bodies))


def _forgotten_fork(file: PythonFile) -> Iterator[Planted]:
    """The same before it."""
    yield from _stream_waits(file, lambda line, bodies: line < min(body.lineno for body in bodies))


def _stream_waits(file: PythonFile, is_meant: Callable[[int, list[ast.With]], bool]) -> Iterator[Planted]:
    for function in file.functions:
        bodies = [node for node in inner(function) if isinstance(node, ast.With) and _is_on_stream(node)]
        for statement in simple(function) if bodies else []:
            call = call_of(statement)
            if call is not None and called(call) in _STREAM_WAITS and is_meant(statement.lineno, bodies):
                yield file.symbol(function), statement.lineno, ast.unparse(call), [file.without(statement)]


def _is_on_stream(node: ast.With) -> bool:
    return any(isinstance(i.context_expr, ast.Call) and called(i.context_expr) == "stream" for i in node.items)


def _forgotten_copy_wait(file: PythonFile) -> Iterator[Planted]:
    """The only wait of the host in a function that copies to it and reads what came by `tolist` or `item`."""
    for function in file.functions:
        calls = [node for node in inner(function) if isinstance(node, ast.Call)]
        arrives = any(called(call) == "to" and _is_async(call) and "cpu" in ast.unparse(call) for call in calls)
        waits = [s for s in simple(function) if (call := call_of(s)) is not None and called(call) == "synchronize"]
        if arrives and len(waits) == 1 and any(called(call) in ("tolist", "item") for call in calls):
            yield file.symbol(function), waits[0].lineno, ast.unparse(waits[0]), [file.without(waits[0])]


def _unpinned(file: PythonFile) -> Iterator[Planted]:
    """A local tensor that is made pinned, in a function that copies and does not wait."""
    for function in file.functions:
        moved = {_root(call) for call in inner(function) if isinstance(call, ast.Call) and _is_async(call)}
        for statement in simple(function):
            made = statement.value if isinstance(statement, ast.Assign) else None
            if isinstance(made, ast.Call) and isinstance(statement, ast.Assign):
                target = ast.unparse(statement.targets[0])
                pinned = next((k for k in made.keywords if k.arg == "pin_memory"), None)
                if pinned is not None and target in moved and pinned.value.end_lineno == pinned.value.lineno:
                    line = file.lines[pinned.value.lineno - 1].encode()
                    end = pinned.value.end_col_offset or 0
                    changed = (line[: pinned.value.col_offset] + b"False" + line[end:]).decode()
                    change = (pinned.value.lineno, pinned.value.lineno, (changed,))
                    yield file.symbol(function), statement.lineno, f"pinned memory of {target}", [change]


def _root(call: ast.Call) -> str:
    """The local that a copy moves: what `to` is called on, what `copy_` is given."""
    moved: ast.AST = call.func
    if called(call) == "copy_" and call.args:
        moved = call.args[0]
    while isinstance(moved, ast.Attribute | ast.Subscript):
        moved = moved.value
    return moved.id if isinstance(moved, ast.Name) else ""


def _is_async(call: ast.Call) -> bool:
    return called(call) in _MOVES and any(k.arg == "non_blocking" for k in call.keywords)


MUTATORS = (
    Mutator("forgotten-stream-wait", "streams in no order", ("LLM302",), _forgotten_join),
    Mutator("forgotten-fork", "a stream that begins too early", ("LLM302", "LLM308"), _forgotten_fork),
    Mutator("forgotten-copy-wait", "what came is read too early", ("LLM301",), _forgotten_copy_wait),
    Mutator("unpinned-memory", "a copy that has to wait", ("LLM601",), _unpinned),
)
