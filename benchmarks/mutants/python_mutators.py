"""Mutators of Python: each takes correct code of one mechanism and leaves one thing out."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator

from benchmarks.mutants.sites import (
    Change,
    Def,
    Mutator,
    Planted,
    PythonFile,
    call_of,
    called,
    dotted,
    end,
    inner,
    methods,
    one_line,
    own,
    simple,
)
from benchmarks.mutants.statements import (
    cleared_by,
    dropped_in,
    filled_in,
    leaves,
    next_to,
    previous_to,
    removed_by,
    told,
)
from llmlint.phrases import words
from llmlint.vocabulary_file import load_vocabulary

WORDS = load_vocabulary(None)


def _forgotten_release(file: PythonFile) -> Iterator[Planted]:
    """A release that stands before an early exit and again at the end, or in a `finally` around one."""
    for function in file.functions:
        if not any(isinstance(node, ast.Call) and called(node) in _ACQUIRES for node in inner(function)):
            continue
        releases = [s for s in simple(function) if (call := call_of(s)) is not None and called(call) in _RELEASES]
        last = {ast.unparse(release): release for release in sorted(releases, key=lambda release: release.lineno)}
        for release in releases:
            following = next_to(file, release)
            if release is not last[ast.unparse(release)] and isinstance(following, ast.Return | ast.Raise):
                yield told(file, function, release, "release before an exit", [file.without(release)])
        for node in inner(function):
            if isinstance(node, ast.Try) and not node.handlers and not node.orelse and leaves(node.body):
                if any(release in node.finalbody for release in releases) and len(node.finalbody) == 1:
                    yield told(file, function, node, "finally around a release", _plain_blocks(file, node))


def _plain_blocks(file: PythonFile, node: ast.Try) -> list[Change]:
    indent = " " * node.col_offset
    last = next(at for at in range(node.finalbody[0].lineno - 1, 0, -1) if file.lines[at - 1].strip() == "finally:")
    return [(node.lineno, node.lineno, (f"{indent}if True:",)), (last, last, (f"{indent}if True:",))]


def _forgotten_clear(file: PythonFile) -> Iterator[Planted]:
    """One of three or more containers that a reset clears, and that something else fills."""
    for cls in file.classes:
        for method in methods(cls):
            if WORDS.is_reset(method.name) != ():
                continue
            cleared = {name: s for s in method.body for name in [cleared_by(s)] if name}
            filled = {name for other in methods(cls) if other is not method for name in filled_in(other)}
            if len(cleared) >= 3:
                for name in sorted(cleared.keys() & filled):
                    yield told(file, method, cleared[name], f"clear of {name}", [file.without(cleared[name])])


def _forgotten_partner(file: PythonFile) -> Iterator[Planted]:
    """One of two or more entries under one key that a method ending a request removes."""
    for cls in file.classes:
        filled = {name for method in methods(cls) for name in filled_in(method)} - {""}
        for method in methods(cls):
            if not WORDS.is_terminal(method.name):
                continue
            removals = [(s, *removed_by(s)) for s in simple(method)]
            keys = Counter(key for _, name, key in removals if name)
            for statement, name, key in removals:
                if name in filled and keys[key] > 1:
                    yield told(file, method, statement, f"removal from {name}", [file.without(statement)])


def _forgotten_removal(file: PythonFile) -> Iterator[Planted]:
    """The removal of an entry on one of the ways in which a request ends."""
    for cls in file.classes:
        filled = {name for method in methods(cls) for name in filled_in(method)}
        removing: dict[str, list[tuple[Def, ast.stmt]]] = defaultdict(list)
        for method in methods(cls):
            for statement in simple(method):
                removing[removed_by(statement)[0]].append((method, statement))
        for name in sorted((removing.keys() & filled) - {""}):
            for method, statement in removing[name]:
                if WORDS.is_terminal(method.name):
                    yield told(file, method, statement, f"removal from {name}", [file.without(statement)])


def _forgotten_lock(file: PythonFile) -> Iterator[Planted]:
    """One of three or more blocks under one lock that touch one attribute, one of them changing it."""
    for cls in file.classes:
        blocks = [
            (method, node, own(node.items[0].context_expr))
            for method in methods(cls)
            for node in inner(method)
            if isinstance(node, ast.With) and len(node.items) == 1 and "lock" in own(node.items[0].context_expr)
        ]
        for lock in sorted({name for _, _, name in blocks}):
            under = [(method, node) for method, node, name in blocks if name == lock]
            touched = Counter(name for _, node in under for name in {own(n) for n in ast.walk(node)} - {"", lock})
            changed = {name for _, node in under for name in (*filled_in(node), *dropped_in(node))}
            for method, node in under:
                shared = {own(n) for n in ast.walk(node)} & changed
                if any(touched[name] >= 3 for name in shared) and method.name != "__init__":
                    yield told(file, method, node, f"lock {lock}", [file.head_as(node, "if True:")])


def _blocking_sleep(file: PythonFile) -> Iterator[Planted]:
    """A coroutine that sleeps the whole thread, or does in it what it gave to another."""
    imports = [s for s in file.tree.body if isinstance(s, ast.Import) and s.names[0].name == "asyncio"]
    for node in ast.walk(file.tree):
        function = file.function_of(node) if isinstance(node, ast.Await) and one_line(node) else None
        if not isinstance(node, ast.Await) or not isinstance(node.value, ast.Call) or function is None:
            continue
        call = node.value
        if dotted(call.func) == "asyncio.sleep" and imports and _seconds(call) > 0:
            after = (end(imports[0]) + 1, end(imports[0]), ("import time",))
            new = file.replaced(node, f"time.sleep({ast.unparse(call.args[0])})")
            yield told(file, function, node, "await of a sleep", [new, after])
        elif dotted(call.func) == "asyncio.to_thread" and call.args and dotted(call.args[0]) in _BLOCKING:
            given = ", ".join([*map(ast.unparse, call.args[1:]), *(ast.unparse(k) for k in call.keywords)])
            new = file.replaced(node, f"{ast.unparse(call.args[0])}({given})")
            yield told(file, function, node, "thread for a blocking call", [new])


def _forgotten_timeout(file: PythonFile) -> Iterator[Planted]:
    """A wait, a request or a group of ranks that had a time limit."""
    waits = {"get", "wait", "result", "post", "put", "request", "urlopen", "init_process_group", "new_group", "recv"}
    for node in ast.walk(file.tree):
        if not isinstance(node, ast.Call) or called(node) not in waits or not one_line(node):
            continue
        function = file.function_of(node)
        limits = [k for k in node.keywords if k.arg == "timeout" and not _may_be_none(k.value)]
        if function is not None and limits and not _caught_timeout(file, node):
            kept = [*map(ast.unparse, node.args), *(ast.unparse(k) for k in node.keywords if k not in limits)]
            new = f"{ast.unparse(node.func)}({', '.join(kept)})"
            yield told(file, function, node, f"timeout of {called(node)}", [file.replaced(node, new)])


def _narrower_key(file: PythonFile) -> Iterator[Planted]:
    """A part of a cache's key that the value is made of."""
    for function in file.functions:
        given = {argument.arg for argument in function.args.args} - {"self"}
        for statement in simple(function):
            if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Tuple):
                continue
            name = dotted(statement.targets[0])
            parts = [part for part in statement.value.elts if isinstance(part, ast.Name) and part.id in given]
            if "key" not in name or len(parts) < 2 or not one_line(statement):
                continue
            used = Counter(node.id for node in inner(function) if isinstance(node, ast.Name))
            for part in parts:
                if used[part.id] > 1 and _is_looked_up(function, name):
                    kept = [ast.unparse(other) for other in statement.value.elts if other is not part]
                    new = f"({', '.join(kept)},)"
                    yield told(file, function, statement, f"{part.id} of a key", [file.replaced(statement.value, new)])


def _forgotten_field(file: PythonFile) -> Iterator[Planted]:
    """One field of a copy, or of what is saved."""
    for cls in file.classes:
        for method in methods(cls):
            saves = WORDS.is_copy(method.name) or any(
                WORDS.restores(method.name, other.name) for other in methods(cls) if other is not method
            )
            for node in inner(method) if saves else ():
                for value in _own_values(node):
                    line = file.lines[value.lineno - 1].strip()
                    if line.endswith(f"self.{own(value)},"):
                        change = (value.lineno, value.lineno, ())
                        yield told(file, method, value, f"field {own(value)}", [change])


def _forgotten_decrement(file: PythonFile) -> Iterator[Planted]:
    """One of the places where a count goes down again."""
    for cls in file.classes:
        moves: dict[tuple[str, str], list[tuple[Def, ast.stmt]]] = defaultdict(list)
        for method in methods(cls):
            for statement in simple(method):
                if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Attribute):
                    moves[ast.unparse(statement.target), type(statement.op).__name__].append((method, statement))
        for (name, move), places in sorted(moves.items(), key=lambda item: item[0]):
            if move == "Sub" and (name, "Add") in moves and len(places) > 1:
                for method, statement in places:
                    yield told(file, method, statement, f"decrement of {name}", [file.without(statement)])


def _flag_left(file: PythonFile) -> Iterator[Planted]:
    """One of the places where a flag is lowered."""
    for cls in file.classes:
        set_to: dict[tuple[str, object], list[tuple[Def, ast.stmt]]] = defaultdict(list)
        for method in methods(cls):
            for statement in simple(method):
                if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
                    if isinstance(statement.value.value, bool):
                        set_to[own(statement.targets[0]), statement.value.value].append((method, statement))
        for (name, value), every in sorted(set_to.items(), key=lambda item: str(item[0])):
            places = [place for place in every if place[0].name != "__init__"]
            raised = any(method.name != "__init__" for method, _ in set_to.get((name, True), ()))
            for method, statement in places if name and value is False and raised and len(places) > 1 else ():
                yield told(file, method, statement, f"lowering of {name}", [file.without(statement)])


def _rank_guarded(file: PythonFile) -> Iterator[Planted]:
    """A collective that all ranks make, made by one."""
    collectives = {row.name for row in WORDS.collectives if row.kind in ("collective", "barrier")}
    for function in file.functions:
        for statement in function.body:
            call = call_of(statement)
            module = dotted(call.func).rpartition(".")[0] if call is not None else ""
            if call is None or called(call) not in collectives or module not in ("dist", "torch.distributed"):
                continue
            if "rank" in ast.unparse(function).replace("rank(", ""):
                break  # ranks may part here already
            indent = " " * statement.col_offset
            moved = tuple("    " + line for line in file.lines[statement.lineno - 1 : end(statement)])
            change = (statement.lineno, end(statement), (f"{indent}if {module}.get_rank() == 0:", *moved))
            yield told(file, function, statement, f"{called(call)} on all ranks", [change])


def _hollow_restore(file: PythonFile) -> Iterator[Planted]:
    """A restore that says it is done and does nothing."""
    for cls in file.classes:
        for method in methods(cls):
            is_back = words(method.name)[:1] in _WAYS_BACK
            gives = any(isinstance(node, ast.Return) and node.value is not None for node in inner(method))
            sets = any(own(target) for s in simple(method) if isinstance(s, ast.Assign) for target in s.targets)
            if is_back and sets and not gives and len(method.body) >= 2:
                first = method.body[1] if ast.get_docstring(method) else method.body[0]
                line = " " * first.col_offset + f'print("{method.name}")'
                change = (first.lineno, end(method.body[-1]), (line,))
                yield told(file, method, method, f"body of {method.name}", [change])


def _swapped_locks(file: PythonFile) -> Iterator[Planted]:
    """Two locks taken in the other order than elsewhere in the class."""
    for cls in file.classes:
        nested = [
            (method, outer, within)
            for method in methods(cls)
            for outer in inner(method)
            if isinstance(outer, ast.With) and "lock" in own(outer.items[0].context_expr)
            for within in outer.body
            if isinstance(within, ast.With) and "lock" in own(within.items[0].context_expr)
        ]
        orders = Counter((own(a.items[0].context_expr), own(b.items[0].context_expr)) for _, a, b in nested)
        for method, outer, within in nested:
            first, second = own(outer.items[0].context_expr), own(within.items[0].context_expr)
            if first != second and orders[first, second] > 1:
                heads = [file.head_as(outer, f"with self.{second}:"), file.head_as(within, f"with self.{first}:")]
                yield told(file, method, outer, f"order of {first} and {second}", heads)


def _forgotten_await(file: PythonFile) -> Iterator[Planted]:
    """A coroutine of the class that is called and not awaited."""
    for cls in file.classes:
        coroutines = {method.name for method in methods(cls) if isinstance(method, ast.AsyncFunctionDef)}
        for method in methods(cls):
            for statement in simple(method):
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Await) and one_line(statement):
                    call = call_of(statement)
                    if call is not None and own(call.func) in coroutines:
                        new = file.replaced(statement.value, ast.unparse(call))
                        yield told(file, method, statement, f"await of {called(call)}", [new])


def _forgotten_none_test(file: PythonFile) -> Iterator[Planted]:
    """The test of what a map may not hold, before it is used."""
    for function in file.functions:
        for statement in inner(function):
            if not isinstance(statement, ast.If) or statement.orelse or not leaves(statement.body[-1:]):
                continue
            tested = statement.test.left if isinstance(statement.test, ast.Compare) else None
            before = previous_to(file, statement)
            got = before.value if isinstance(before, ast.Assign) else None
            if isinstance(tested, ast.Name) and isinstance(got, ast.Call) and called(got) in ("get", "pop"):
                is_none = ast.unparse(statement.test) == f"{tested.id} is None"
                if is_none and isinstance(before, ast.Assign) and dotted(before.targets[0]) == tested.id:
                    yield told(file, function, statement, f"None test of {tested.id}", [file.without(statement)])


def _swapped_operands(file: PythonFile) -> Iterator[Planted]:
    """`total - used` as `used - total`: a size that is below nought."""
    for node in ast.walk(file.tree):
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub) or not one_line(node):
            continue
        function = file.function_of(node)
        left, right = dotted(node.left), dotted(node.right)
        is_size = any(word in left.lower() for word in _SIZES)
        if function is not None and is_size and right and not right.isdigit():
            new = file.replaced(node, f"{right} - {left}")
            yield told(file, function, node, f"{left} - {right} swapped", [new])


def _use_before_check(file: PythonFile) -> Iterator[Planted]:
    """A statement that uses what the `if` in front of it makes sure of, moved before it."""
    for function in file.functions:
        for statement in inner(function):
            if not isinstance(statement, ast.If) or statement.orelse or not leaves(statement.body[-1:]):
                continue
            following = next_to(file, statement)
            tested = {node.id for node in ast.walk(statement.test) if isinstance(node, ast.Name)} - {"self"}
            if not isinstance(following, ast.Assign | ast.Expr) or " in " not in ast.unparse(statement.test):
                continue
            indexed = [node for node in ast.walk(following) if isinstance(node, ast.Subscript)]
            used = {part.id for node in indexed for part in (node.value, node.slice) if isinstance(part, ast.Name)}
            if used & tested:
                moved = tuple(file.lines[following.lineno - 1 : end(following)])
                changes = [(following.lineno, end(following), ()), (statement.lineno, statement.lineno - 1, moved)]
                yield told(file, function, statement, "check before a use", changes)


MUTATORS = (
    Mutator("forgotten-release", "no release on one way out", ("LLM103", "LLM106"), _forgotten_release),
    Mutator("forgotten-clear", "a reset leaves one container", ("LLM801",), _forgotten_clear),
    Mutator("forgotten-partner", "one of two entries stays", ("LLM102", "LLM803", "LLM101"), _forgotten_partner),
    Mutator(
        "forgotten-removal",
        "an entry stays on one way out",
        ("LLM102", "LLM101", "LLM803"),
        _forgotten_removal,
    ),
    Mutator("forgotten-lock", "one access without the lock", ("LLM203",), _forgotten_lock),
    Mutator("blocking-call", "a coroutine blocks its thread", ("LLM202",), _blocking_sleep),
    Mutator("forgotten-timeout", "a wait without its time limit", ("LLM204", "LLM701"), _forgotten_timeout),
    Mutator("narrower-key", "a cache's key lacks a part", ("LLM806",), _narrower_key),
    Mutator("forgotten-field", "a copy or a save lacks a field", ("LLM804",), _forgotten_field),
    Mutator("forgotten-decrement", "a count stays up on one way", ("LLM104", "LLM801", "LLM807"), _forgotten_decrement),
    Mutator("flag-left", "a flag is lowered in one place less", ("LLM807", "LLM801"), _flag_left),
    Mutator("rank-guarded", "one rank makes a collective of all", ("LLM702",), _rank_guarded),
    Mutator("hollow-restore", "a restore does nothing", ("LLM802",), _hollow_restore),
    Mutator("swapped-locks", "two locks in the other order", ("LLM201",), _swapped_locks),
    Mutator("forgotten-await", "a coroutine is never awaited", ("LLM903",), _forgotten_await),
    Mutator("forgotten-none-test", "what may be None is used", ("LLM955",), _forgotten_none_test),
    Mutator("swapped-operands", "a difference the wrong way round", (), _swapped_operands),
    Mutator("use-before-check", "a use stands before its check", (), _use_before_check),
)


# ---------------------------------------------------------------- what statements do

_ACQUIRES = {call.lstrip(".=").rpartition(".")[2] for row in WORDS.protocols for call in row.entering_calls}
_SIZES = ("total", "max", "end", "limit")
_WAYS_BACK = [(word,) for word in ("restore", "load", "resume", "wake", "reload", "import")]
_BLOCKING = {row.call.lstrip("=") for row in WORDS.blocking} | {"open", "time.sleep", "os.path.exists"}
_RELEASES = {call.lstrip(".=").rpartition(".")[2] for row in WORDS.protocols for call in row.leaving_calls}


def _seconds(call: ast.Call) -> float:
    """How long a sleep lasts; one of nought is there to let others run."""
    given = call.args[0] if call.args else None
    if isinstance(given, ast.Constant):
        return float(given.value) if isinstance(given.value, int | float) else 0.0
    return 1.0 if given is not None else 0.0


def _caught_timeout(file: PythonFile, node: ast.AST) -> bool:
    """Whether somebody waits for the limit to be reached: then the loop around it is what it is for."""
    while node is not file.tree:
        node = file.parents[node]
        caught = [ast.unparse(handler) for handler in node.handlers] if isinstance(node, ast.Try) else []
        if any("Empty" in text or "Timeout" in text for text in caught):
            return True
    return False


def _own_values(node: ast.AST) -> list[ast.expr]:
    """The object's own fields that a call or a dict is given, where they are three or more."""
    if isinstance(node, ast.Call):
        values = [keyword.value for keyword in node.keywords if own(keyword.value) == keyword.arg]
    else:
        values = [value for value in node.values if own(value)] if isinstance(node, ast.Dict) else []
    return values if len(values) >= 3 else []


def _may_be_none(limit: ast.expr) -> bool:
    return isinstance(limit, ast.Name) or (isinstance(limit, ast.Constant) and not limit.value)


def _is_looked_up(function: Def, key: str) -> bool:
    texts = (ast.unparse(node) for node in inner(function) if isinstance(node, ast.Compare | ast.Subscript | ast.Call))
    return any(text.startswith(f"{key} in ") or text.endswith((f"[{key}]", f".get({key})")) for text in texts)
