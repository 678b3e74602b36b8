"""Mutators of a step of the engine: waits and memory in it, recordings, offloads, and what ranks do together."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.sites import (
    Mutator,
    Planted,
    PythonFile,
    call_of,
    called,
    end,
    inner,
    methods,
    one_line,
    own,
    simple,
)
from benchmarks.mutants.statements import exits, filled_in, next_to, previous_to, swapped, told
from llmlint.phrases import words
from llmlint.vocabulary_file import load_vocabulary

_COLLECTIVES = {row.name for row in load_vocabulary(None).collectives if row.kind in ("collective", "barrier")}
_AGREES = ("broadcast", "broadcast_object_list", "all_reduce", "all_gather_object")
_EVENT_WAITS = ("synchronize", "wait", "wait_event")
_MAKES = ("zeros", "empty", "ones", "full")
_OFFLOADS = {"sleep", "offload", "release", "unload", "suspend"}


def _waiting_recording(file: PythonFile) -> Iterator[Planted]:
    """A wait of the host that stands behind a recording, moved into it."""
    for function in file.functions:
        for node in inner(function):
            if isinstance(node, ast.With) and any("cuda.graph(" in ast.unparse(i.context_expr) for i in node.items):
                for beside in (previous_to(file, node), next_to(file, node)):
                    call = call_of(beside) if beside is not None else None
                    if beside is not None and call is not None and called(call) == "synchronize":
                        line = " " * node.body[-1].col_offset + ast.unparse(beside)
                        changes = [(beside.lineno, end(beside), ()), (end(node) + 1, end(node), (line,))]
                        yield told(file, function, beside, "wait beside a recording", changes)


def _unawaited_event(file: PythonFile) -> Iterator[Planted]:
    """The only wait of the file for an event that is recorded in it."""
    waits: dict[str, list[tuple[ast.AST, ast.stmt]]] = {}
    recorded: set[str] = set()
    for function in file.functions:
        for statement in simple(function):
            call = call_of(statement)
            if call is None or not isinstance(call.func, ast.Attribute):
                continue
            event = ast.unparse(call.args[0] if called(call) == "wait_event" and call.args else call.func.value)
            name = event.rpartition(".")[2]
            if called(call) == "record":
                recorded.add(name)
            if called(call) in _EVENT_WAITS:
                waits.setdefault(name, []).append((function, statement))
    for name in sorted(recorded & waits.keys()):
        if len(waits[name]) == 1:
            ((function, statement),) = waits[name]
            yield told(file, function, statement, f"wait for {name}", [file.without(statement)])


def _sync_for_known(file: PythonFile) -> Iterator[Planted]:
    """What the host knows of a list, asked of the tensor that was made of it."""
    for function in file.functions:
        made = {
            ast.unparse(s.value.args[0]): ast.unparse(s.targets[0])
            for s in simple(function)
            if isinstance(s, ast.Assign) and isinstance(s.value, ast.Call) and called(s.value) == "tensor"
            if s.value.args and any(k.arg == "device" for k in s.value.keywords)
        }
        places = {ast.unparse(s.targets[0]): s.lineno for s in simple(function) if isinstance(s, ast.Assign)}
        for node in inner(function):
            is_asked = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("max", "sum")
            if isinstance(node, ast.Call) and is_asked and len(node.args) == 1 and one_line(node):
                tensor = made.get(ast.unparse(node.args[0]), "")
                if tensor and places[tensor] < node.lineno:
                    new = file.replaced(node, f"{tensor}.{called(node)}().item()")
                    yield told(file, function, node, f"{called(node)} of {tensor}", [new])


def _quadratic_queue(file: PythonFile) -> Iterator[Planted]:
    """A deque of the object as a list."""
    for cls in file.classes:
        filled = {name for method in methods(cls) for name in filled_in(method)}
        for node in ast.walk(cls):
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if not isinstance(value, ast.Call) or called(value) != "deque" or value.args or value.keywords:
                continue
            target = (
                node.target
                if isinstance(node, ast.AnnAssign)
                else node.targets[0]
                if isinstance(node, ast.Assign)
                else None
            )
            name = own(target)
            takes = [
                (method, call)
                for method in methods(cls)
                for call in inner(method)
                if isinstance(call, ast.Call) and called(call) == "popleft" and one_line(call)
                if isinstance(call.func, ast.Attribute) and own(call.func.value) == name
            ]
            if name in filled and takes and one_line(value):
                changes = [file.replaced(value, "[]"), *(file.replaced(c, f"self.{name}.pop(0)") for _, c in takes)]
                if len({change[0] for change in changes}) == len(changes):
                    yield told(file, takes[0][0], takes[0][1], f"deque {name}", changes)


def _fresh_memory(file: PythonFile) -> Iterator[Planted]:
    """A part of a buffer that the constructor made, made anew instead."""
    for cls in file.classes:
        made = {
            own(s.targets[0]): s.value
            for method in methods(cls)
            if method.name == "__init__"
            for s in simple(method)
            if isinstance(s, ast.Assign) and isinstance(s.value, ast.Call) and called(s.value) in _MAKES
            if any(k.arg == "device" for k in s.value.keywords)
        }
        for method in methods(cls):
            for node in inner(method) if method.name != "__init__" else ():
                part = node.slice if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) else None
                call = made.get(own(node.value)) if isinstance(node, ast.Subscript) else None
                if call is None or not isinstance(part, ast.Slice) or not isinstance(node, ast.Subscript):
                    continue
                if part.lower or not part.upper or not one_line(node) or not own(node.value):
                    continue
                kept = ", ".join(ast.unparse(k) for k in call.keywords if k.arg in ("dtype", "device"))
                if "self." in kept:
                    new = f"torch.{called(call)}({ast.unparse(part.upper)}, {kept})"
                    yield told(file, method, node, f"part of {own(node.value)}", [file.replaced(node, new)])


def _kept_memory(file: PythonFile) -> Iterator[Planted]:
    """The emptying of the framework's allocator where memory is given up."""
    for function in file.functions:
        if _OFFLOADS & set(words(function.name)):
            for statement in simple(function):
                call = call_of(statement)
                if call is not None and called(call) == "empty_cache":
                    yield told(file, function, statement, ast.unparse(call), [file.without(statement)])


def _early_leave(file: PythonFile) -> Iterator[Planted]:
    """A collective that stands before an early way out, behind it."""
    for function in file.functions:
        for node in inner(function):
            before = previous_to(file, node) if isinstance(node, ast.If) else None
            if not isinstance(node, ast.If) or not exits(node) or before is None:
                continue
            value = getattr(before, "value", None)
            call = value.value if isinstance(value, ast.Await) else value
            target = ast.unparse(before.targets[0]) if isinstance(before, ast.Assign) else ""
            given = {n.id for n in ast.walk(before) if isinstance(n, ast.Name)} - {"self", "torch", "dist"}
            asked = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            if isinstance(call, ast.Call) and called(call) in _COLLECTIVES and not (given - {target}) & asked:
                if not target or target not in asked:
                    yield told(file, function, before, f"{called(call)} for all", swapped(file, before, node))


def _own_decision(file: PythonFile) -> Iterator[Planted]:
    """What makes all ranks decide alike: a broadcast or reduction of one local."""
    for function in file.functions:
        for statement in simple(function):
            call = call_of(statement)
            if call is None or called(call) not in _AGREES or not call.args:
                continue
            agreed = {n.id for n in ast.walk(call.args[0]) if isinstance(n, ast.Name)}
            decided = any(
                isinstance(n, ast.If)
                and n.lineno > statement.lineno
                and agreed & {m.id for m in ast.walk(n.test) if isinstance(m, ast.Name)}
                for n in inner(function)
            )
            if decided:
                yield told(
                    file,
                    function,
                    statement,
                    f"{called(call)} of {ast.unparse(call.args[0])}",
                    [file.without(statement)],
                )


MUTATORS = (
    Mutator("waiting-recording", "a recording waits for the host", ("LLM305",), _waiting_recording),
    Mutator("unawaited-event", "nobody waits for an event", ("LLM307", "LLM301", "LLM302"), _unawaited_event),
    Mutator("sync-for-known", "the device is asked what the host knows", ("LLM602",), _sync_for_known),
    Mutator("quadratic-queue", "a queue that is shifted", ("LLM606",), _quadratic_queue),
    Mutator("fresh-memory", "memory is made anew in each step", ("LLM607",), _fresh_memory),
    Mutator("kept-memory", "an offload keeps what it promised", ("LLM805",), _kept_memory),
    Mutator("early-leave", "a rank leaves before a collective", ("LLM703", "LLM702"), _early_leave),
    Mutator("own-decision", "a rank decides for itself", ("LLM706", "LLM703"), _own_decision),
)
