"""Mutators of what lives long: buffers, entries, streams, and state that has to be taken back whatever happens."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from benchmarks.mutants.sites import (
    Def,
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
    block_of,
    exits,
    filled_in,
    is_test_of,
    named_in,
    next_to,
    opened,
    previous_to,
    removed_by,
    swapped,
    told,
)
from llmlint.phrases import words

_LOOKS_AT_ALL = {"abort", "flush", "drain", "idle", "unfinished", "pending", "busy", "empty", "inflight", "work"}
_TAKES_OUT = ("pop", "popleft", "get_nowait", "drain", "flush", "popitem", "take", "swap")
_GIVES_BACK = ("free", "release", "append", "add", "put", "close", "deallocate", "decref", "unpin", "unlock", "dec_ref")
_SHRINKS = ("pop", "popleft", "clear", "remove", "discard", "popitem")


def _unbounded_buffer(file: PythonFile) -> Iterator[Planted]:
    """The only statement that makes a growing list of the object shorter, or its largest length."""
    for cls in file.classes:
        filled = {name for method in methods(cls) for name in filled_in(method)} - {""}
        shrinking: dict[str, list[tuple[Def, ast.stmt]]] = defaultdict(list)
        for method in methods(cls):
            for statement in simple(method):
                shrinking[_shrunk(statement)].append((method, statement))
        for name in sorted(filled):
            places = shrinking.get(name, [])
            if len(places) == 1 and places[0][0].name != "__init__":
                method, statement = places[0]
                yield told(file, method, statement, f"bound of {name}", [file.without(statement)])
        for node in ast.walk(cls):
            if (
                isinstance(node, ast.Call)
                and called(node) == "deque"
                and one_line(node)
                and "maxlen" in ast.unparse(node)
            ):
                target = (
                    getattr(file.parents[node], "target", None) or getattr(file.parents[node], "targets", [None])[0]
                )
                if own(target) in filled:
                    yield told(file, node, node, f"bound of {own(target)}", [file.replaced(node, "deque()")])


def _shrunk(statement: ast.stmt) -> str:
    call = call_of(statement)
    if call is not None and isinstance(call.func, ast.Attribute) and called(call) in _SHRINKS:
        return own(call.func.value)
    if isinstance(statement, ast.Delete) and isinstance(statement.targets[0], ast.Subscript):
        return own(statement.targets[0].value)
    if isinstance(statement, ast.Assign):
        return own(statement.targets[0])
    return ""


def _missed_container(file: PythonFile) -> Iterator[Planted]:
    """One of several containers that an abort, a flush, or a test for idleness looks at."""
    for cls in file.classes:
        filled = {name for method in methods(cls) for name in filled_in(method)} - {""}
        for method in methods(cls):
            if not _LOOKS_AT_ALL & set(words(method.name)):
                continue
            for node in inner(method):
                parts = node.values if isinstance(node, ast.BoolOp) else []
                if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and own_length(node.right):
                    parts = [node.left, node.right]
                for part in parts if isinstance(node, ast.expr) and one_line(node) else ():
                    if named_in(part) & filled:
                        kept = [ast.unparse(other) for other in parts if other is not part]
                        join = " and " if isinstance(getattr(node, "op", None), ast.And) else " or "
                        new = f"({join.join(kept)})" if isinstance(node, ast.BoolOp) else kept[0]
                        what = f"{ast.unparse(part)} of {method.name}"
                        yield told(file, method, node, what, [file.replaced(node, new)])


def own_length(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and called(node) == "len" and bool(named_in(node))


def _unasked_entry(file: PythonFile) -> Iterator[Planted]:
    """The question whether an entry that others take away is still there."""
    for cls in file.classes:
        removed = {removed_by(s)[0] for method in methods(cls) for s in simple(method)} - {""}
        for method in methods(cls):
            for statement in simple(method):
                call = statement.value if isinstance(statement, ast.Assign | ast.Expr) else None
                if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or not one_line(call):
                    continue
                name = own(call.func.value)
                if name not in removed:
                    continue
                if isinstance(statement, ast.Assign) and called(call) == "get" and len(call.args) == 1:
                    test = next_to(file, statement)
                    target = ast.unparse(statement.targets[0])
                    if isinstance(test, ast.If) and exits(test) and is_test_of(test.test, target):
                        new = file.replaced(call, f"self.{name}[{ast.unparse(call.args[0])}]")
                        yield told(file, method, statement, f"entry of {name}", [new, file.without(test)])
                if called(call) == "pop" and len(call.args) == 2 and isinstance(statement, ast.Expr):
                    new = file.replaced(call, f"self.{name}.pop({ast.unparse(call.args[0])})")
                    yield told(file, method, statement, f"entry of {name}", [new])


def _forgotten_finally(file: PythonFile) -> Iterator[Planted]:
    """The `finally` around what takes state of the object back that was changed before it."""
    for function in file.functions:
        for node in inner(function):
            if not _is_plain_finally(node) or any(isinstance(n, ast.Yield) for s in node.body for n in ast.walk(s)):
                continue
            back = [s for s in node.finalbody if _state(s)]
            before = " ".join(ast.unparse(s) for s in simple(function) if s.lineno < node.lineno)
            calls = any(isinstance(n, ast.Call | ast.Await) for s in node.body for n in ast.walk(s))
            if back and calls and all(_state(s) in before for s in back):
                what = f"finally around {_state(back[0])}"
                yield told(file, function, node, what, [opened(file, node, [node.body, node.finalbody])])


def _is_plain_finally(node: ast.AST) -> bool:
    if not isinstance(node, ast.Try) or node.handlers or node.orelse or not node.finalbody:
        return False
    return not any(isinstance(n, ast.Return | ast.Break | ast.Continue) for s in node.body for n in (s, *inner(s)))


def _state(statement: ast.stmt) -> str:
    """What the statement sets of the object, as it is written."""
    target = None
    if isinstance(statement, ast.AugAssign) or (
        isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant | ast.Name)
    ):
        target = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
    return ast.unparse(target) if own(target) else f"self.{name}" if (name := removed_by(statement)[0]) else ""


def _forgotten_stream_end(file: PythonFile) -> Iterator[Planted]:
    """The `finally` in which a generator ends what it began, where its reader leaves."""
    for function in file.functions:
        for node in inner(function):
            yields = isinstance(node, ast.Try) and any(isinstance(n, ast.Yield) for s in node.body for n in inner(s))
            if isinstance(node, ast.Try) and yields and _is_plain_finally(node):
                ends = [s for s in node.finalbody if call_of(s) is not None or isinstance(s, ast.Delete)]
                if ends and any(isinstance(s, ast.While | ast.For | ast.AsyncFor) for s in node.body):
                    what = f"finally around {ast.unparse(ends[0])}"
                    yield told(file, function, node, what, [opened(file, node, [node.body, node.finalbody])])


def _drained_too_early(file: PythonFile) -> Iterator[Planted]:
    """What is taken out, before the question whether anything is to be done with it."""
    for function in file.functions:
        for statement in simple(function):
            call = statement.value if isinstance(statement, ast.Assign) else None
            call = call.value if isinstance(call, ast.Await) else call
            if (
                not isinstance(call, ast.Call)
                or called(call) not in _TAKES_OUT
                or not isinstance(call.func, ast.Attribute)
            ):
                continue
            before = previous_to(file, statement)
            if isinstance(statement, ast.Assign) and isinstance(before, ast.If) and exits(before):
                names = {n.id for n in ast.walk(before) if isinstance(n, ast.Name)}
                target = ast.unparse(statement.targets[0])
                if own(call.func.value) and target not in names and not named_in(before.test) & named_in(call):
                    if all(isinstance(s, ast.Return | ast.Continue | ast.Expr) for s in before.body):
                        what = f"{target} behind a question"
                        yield told(file, function, statement, what, swapped(file, before, statement))


def _dropped_entry(file: PythonFile) -> Iterator[Planted]:
    """What is given back beside the removal of an entry, in one of several places that remove."""
    for cls in file.classes:
        filled = {name for method in methods(cls) for name in filled_in(method)} - {""}
        places = [
            (method, statement, removed_by(statement)[0] or _popped(statement))
            for method in methods(cls)
            for statement in simple(method)
        ]
        for name in sorted(filled):
            at = [(method, statement) for method, statement, removed in places if removed == name]
            if len({method.name for method, _ in at}) < 2:
                continue
            for method, statement in at:
                for beside in block_of(file, statement):
                    call = call_of(beside)
                    if call is not None and called(call) in _GIVES_BACK and call.args and name not in named_in(beside):
                        yield told(file, method, beside, ast.unparse(call.func), [file.without(beside)])


def _popped(statement: ast.stmt) -> str:
    call = statement.value if isinstance(statement, ast.Assign) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and called(call) == "pop":
        return own(call.func.value)
    return ""


MUTATORS = (
    Mutator("unbounded-buffer", "a list that only grows", ("LLM105", "LLM101", "LLM102"), _unbounded_buffer),
    Mutator("missed-container", "a question leaves out one container", ("LLM109",), _missed_container),
    Mutator("unasked-entry", "a late event's entry is taken to be there", ("LLM110", "LLM955"), _unasked_entry),
    Mutator("forgotten-finally", "state is taken back only when all goes well", ("LLM111",), _forgotten_finally),
    Mutator("drained-too-early", "what was taken out is dropped", ("LLM112",), _drained_too_early),
    Mutator("forgotten-stream-end", "a stream goes on without its reader", ("LLM113",), _forgotten_stream_end),
    Mutator("dropped-entry", "an entry goes, what it held does not", ("LLM115", "LLM102", "LLM803"), _dropped_entry),
)
