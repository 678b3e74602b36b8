"""Mutators of what comes from a client and goes to one: forms nobody asks about, assertions, broken answers, depth."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.mutants.sites import Mutator, Planted, PythonFile, called, inner, one_line
from benchmarks.mutants.statements import exits, told

_BOUNDS = ("le", "lt", "max_length")
_READS = frozenset({"loads", "recv_json", "recv_multipart", "unpackb", "unpack", "fromhex"})


def _parsed_and_trusted(file: PythonFile) -> Iterator[Planted]:
    """All errors but those of bad syntax, of a handler around the parsing of JSON."""
    for function in file.functions:
        for node in inner(function):
            parses = isinstance(node, ast.Try) and any("json.loads" in ast.unparse(s) for s in node.body)
            reads = isinstance(node, ast.Try) and any(
                isinstance(n, ast.Subscript) for s in node.body for n in ast.walk(s)
            )
            for handler in node.handlers if isinstance(node, ast.Try) and parses and reads else ():
                taken = ast.unparse(handler.type) if handler.type else ""
                if any(name in taken for name in ("KeyError", "Exception", "TypeError")) and len(node.handlers) == 1:
                    name = f" as {handler.name}" if handler.name else ""
                    head = " " * handler.col_offset + f"except json.JSONDecodeError{name}:"
                    change = (handler.lineno, handler.body[0].lineno - 1, (head,))
                    if handler.body[0].lineno > handler.lineno:
                        yield _told(file, function, handler.lineno, f"handler of {taken}", [change])


def _told(
    file: PythonFile, function: ast.AST, line: int, what: str, changes: list[tuple[int, int, tuple[str, ...]]]
) -> Planted:
    return file.symbol(function), line, what, changes


def _unhandled_input(file: PythonFile) -> Iterator[Planted]:
    """`body.get(key)` of a route as `body[key]`; the question what a validator was given."""
    for function in file.functions:
        bodies = {
            target.id
            for node in inner(function)
            if isinstance(node, ast.Assign) and ast.unparse(node.value).endswith(("request.json()", "req.json()"))
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        before = any(
            "model_validator" in text and "before" in text for text in map(ast.unparse, function.decorator_list)
        )
        given = {arg.arg for arg in function.args.args} - {"self", "cls"} if before else set()
        for node in inner(function):
            is_get = isinstance(node, ast.Call) and called(node) == "get" and isinstance(node.func, ast.Attribute)
            if isinstance(node, ast.Call) and is_get and isinstance(node.func, ast.Attribute) and one_line(node):
                source = ast.unparse(node.func.value)
                if source in bodies | given and node.args:
                    new = file.replaced(node, f"{source}[{ast.unparse(node.args[0])}]")
                    yield told(file, function, node, f"get of {ast.unparse(node.args[0])}", [new])
            if isinstance(node, ast.If) and exits(node):
                test = ast.unparse(node.test)
                if any(f"isinstance({name}," in test for name in bodies | given):
                    yield told(file, function, node, f"question {test}", [file.without(node)])


def _unbounded_parameter(file: PythonFile) -> Iterator[Planted]:
    """The upper bound of an integer field of a request."""
    for cls in file.classes:
        if not cls.name.endswith("Request"):
            continue
        for node in ast.walk(cls):
            bounds = [k for k in node.keywords if k.arg in _BOUNDS] if isinstance(node, ast.Call) else []
            if isinstance(node, ast.Call) and called(node) in ("Field", "conint") and bounds and one_line(node):
                kept = [*map(ast.unparse, node.args), *(ast.unparse(k) for k in node.keywords if k not in bounds)]
                new = file.replaced(node, f"{called(node)}({', '.join(kept)})")
                yield told(file, cls, node, f"bound {bounds[0].arg}", [new])


def _asserted_request(file: PythonFile) -> Iterator[Planted]:
    """What refuses a request, as an assertion."""
    for function in file.functions:
        given = {arg.arg for arg in function.args.args if "request" in arg.arg or "req" == arg.arg or "body" == arg.arg}
        for node in inner(function):
            if not isinstance(node, ast.If) or not exits(node) or len(node.body) != 1:
                continue
            refusal = node.body[0]
            raised = refusal.exc if isinstance(refusal, ast.Raise) else None
            of_request = any(
                isinstance(n, ast.Attribute) and ast.unparse(n.value) in given for n in ast.walk(node.test)
            )
            is_refusal = isinstance(raised, ast.Call) and called(raised) in ("HTTPException", "ValueError")
            if of_request and is_refusal and one_line(node.test):
                line = " " * node.col_offset + f"assert not ({ast.unparse(node.test)})"
                what = f"refusal of {ast.unparse(node.test)}"
                yield told(file, function, node, what, [(node.lineno, node.end_lineno or node.lineno, (line,))])


def _broken_event(file: PythonFile) -> Iterator[Planted]:
    """The empty line behind an event, or the mark at the end of a stream."""
    for function in file.functions:
        for node in inner(function):
            if isinstance(node, ast.Yield) and node.value is not None and one_line(node):
                line = file.lines[node.lineno - 1]
                statement = file.parents[node]
                if "[DONE]" in line and isinstance(statement, ast.Expr):
                    yield told(file, function, node, "mark of the end", [file.without(statement)])
                elif "data: " in line and line.count("\\n\\n") == 1:
                    change = (node.lineno, node.lineno, (line.replace("\\n\\n", "\\n"),))
                    yield told(file, function, node, "empty line of an event", [change])


def _uncounted_depth(file: PythonFile) -> Iterator[Planted]:
    """The test of how deep a function that comes back to itself is."""
    for function in file.functions:
        again = any(isinstance(n, ast.Call) and called(n) == function.name for n in inner(function))
        for node in inner(function) if again else ():
            if isinstance(node, ast.If) and exits(node) and "depth" in ast.unparse(node.test).lower():
                yield told(file, function, node, "test of the depth", [file.without(node)])


def _unhandled_message(file: PythonFile) -> Iterator[Planted]:
    """All errors but those of the connection, of the handler in an endless loop around what reads a message."""
    for function in file.functions:
        endless = [n for n in inner(function) if isinstance(n, ast.While) and ast.unparse(n.test) in ("True", "1")]
        tries = {n for loop in endless for n in ast.walk(loop) if isinstance(n, ast.Try)}
        for node in sorted(tries, key=lambda one: one.lineno):
            reads = any(isinstance(n, ast.Call) and called(n) in _READS for s in node.body for n in ast.walk(s))
            handler = node.handlers[0] if len(node.handlers) == 1 and reads else None
            if handler is not None and ast.unparse(handler.type or ast.Name("Exception")) == "Exception":
                name = f" as {handler.name}" if handler.name else ""
                line = " " * handler.col_offset + f"except ConnectionError{name}:"
                if handler.body[0].lineno > handler.lineno:
                    change = (handler.lineno, handler.body[0].lineno - 1, (line,))
                    yield _told(file, function, handler.lineno, "handler of all errors", [change])


def _lost_status(file: PythonFile) -> Iterator[Planted]:
    """The handler that raises `HTTPException` again before the one of all errors."""
    for function in file.functions:
        for node in inner(function):
            if isinstance(node, ast.Try) and len(node.handlers) > 1 and _passes_on(node.handlers[0]):
                handler = node.handlers[0]
                change = (handler.lineno, handler.body[-1].end_lineno or handler.lineno, ())
                yield _told(file, function, handler.lineno, "handler that passes the status on", [change])


def _passes_on(handler: ast.ExceptHandler) -> bool:
    is_bare = len(handler.body) == 1 and isinstance(handler.body[0], ast.Raise) and handler.body[0].exc is None
    return is_bare and handler.type is not None and ast.unparse(handler.type).endswith("HTTPException")


MUTATORS = (
    Mutator("unhandled-message", "one message ends the loop of all", ("LLM975",), _unhandled_message),
    Mutator("parsed-and-trusted", "only bad syntax is handled", ("LLM951", "LLM971"), _parsed_and_trusted),
    Mutator("unhandled-input", "a form that nobody asked about", ("LLM971",), _unhandled_input),
    Mutator("unbounded-parameter", "a number of a request has no limit", ("LLM972",), _unbounded_parameter),
    Mutator("asserted-request", "an assertion in an answer's place", ("LLM973",), _asserted_request),
    Mutator("broken-event", "an event that nobody can read", ("LLM978",), _broken_event),
    Mutator("lost-status", "a refusal is answered as a failure", ("LLM978",), _lost_status),
    Mutator("uncounted-depth", "recursion without a limit", ("LLM979",), _uncounted_depth),
)
