"""Calls, as what they do to a container or as calls, and what their result is bound to."""

from __future__ import annotations

from llmlint.code.facts.bodies.body_reading import BodyReader, expression
from llmlint.code.facts.container_methods import (
    CASTS,
    CLEARS,
    ELEMENT_GETTERS,
    FILLERS,
    HEAP_MODULES,
    INSERTS,
    KEYED_FIRST,
    PUTS_IN,
    REMOVES,
    TAKES_OUT,
    VIEWS,
    WRAPPERS,
)
from llmlint.code.facts.facts import Argument
from llmlint.code.facts.shapes import is_log
from llmlint.code.syntax import tree


def bound_value(reader: BodyReader, value: tree.Node, result: str) -> str:
    """Visits a value that is bound, returned or entered: a call in it learns where its result goes."""
    called = value.value if isinstance(value, tree.Await | tree.Cast) else value
    if isinstance(called, tree.Call):
        path = call(reader, called, result=result, awaited=isinstance(value, tree.Await))
        if path:
            reader.saw(path, value)
        return path
    if isinstance(value, tree.New):
        _new(reader, value, result)
        return ""
    return reader.read_value(value)


def key_of(reader: BodyReader, node: tree.Node) -> str:
    """A key as a path (aliases followed) or else as written; what it reads is recorded."""
    return reader.read_value(node) or reader.source.of(node, 80)


@expression(tree.Call)
def _call_expression(reader: BodyReader, node: tree.Call) -> str:
    return call(reader, node, result="<expression>")


def call(reader: BodyReader, node: tree.Call, result: str, awaited: bool = False, says: bool = False) -> str:
    """Records a call as what it does to a container, or as a call; answers the path of its result.

    `says`: what it is given is a message, as what a log is given is.
    """
    function = node.function
    if isinstance(function, tree.Attribute):
        base, method = reader.path(function.value) or "?", function.name
    else:
        base, method = "", reader.path(function) if not isinstance(function, tree.Name) else reader.root(function.id)
    mark = len(reader.seen)
    inner = result if not base and method.lstrip("~") in CASTS else "<expression>"
    if says or (reader.scope.is_python and is_log(node, reader.loggers)):
        inner = "<message>"
    args = _arguments(reader, node, inner)
    reads = reader.reads_since(mark)
    via = "await" if awaited else "launch" if node.launch else ""
    if base in ("", *HEAP_MODULES) and method in (*PUTS_IN, *TAKES_OUT) and args and args[0].path:
        return _heap_call(reader, node, method, args, reads)
    if not base:
        return _plain_call(reader, node, method, args, reads, result, via)
    if not reader.scope.is_python and _is_filled(f"{base}.{method}", node, args):
        return _fill(reader, node, method, args, reads)
    op = _container_op(reader, base, method, node)
    key = _first_key(args) if method in KEYED_FIRST else ""
    if op:
        reader.saw(base, node)
        changed = reader.changed(function.value, base, function) if isinstance(function, tree.Attribute) else base
        reader.emit(op, changed, node, key=key, via=method, result=result, reads=reads, args=args)
    else:
        if base not in ("?", "super()"):
            reader.saw(base, node)
        key = _key_of_receiver(reader, function)
        of_class = ".__class__" if _names_its_class(function) else ""
        reader.emit("call", f"{base}{of_class}.{method}", node, key=key, via=via, result=result, reads=reads, args=args)
        if method == "add_done_callback":
            _called_back(reader, function, node.args)
    if method in ELEMENT_GETTERS and base != "?":
        return f"{base}[]"
    if method in VIEWS and not args and base != "?":
        return base
    return f"{base}.{method}()" if base != "?" else ""


def _names_its_class(function: tree.Node) -> bool:
    """`self.__class__.run(self)` hands over the object as an argument, as everything else called on a class does."""
    receiver = function.value if isinstance(function, tree.Attribute) else None
    return isinstance(receiver, tree.Attribute) and receiver.name == "__class__"


def _key_of_receiver(reader: BodyReader, function: tree.Node) -> str:
    """Under which key what the method is called on stands, as written, where it is written here and no name for it."""
    receiver = function.value if isinstance(function, tree.Attribute) and reader.scope.is_python else None
    return reader.source.of(receiver.key, 80) if isinstance(receiver, tree.Index) else ""


def _called_back(reader: BodyReader, function: tree.Node, given: list[tree.Node]) -> None:
    """`task.add_done_callback(tasks.discard)`: as a lambda that says `tasks.discard(task)`."""
    future = function.value if isinstance(function, tree.Attribute) else function
    for method in given:
        if isinstance(method, tree.Attribute) and method.name in (*REMOVES, *CLEARS):
            place = (method.line, method.column, method.end_line, method.end_column)
            taken = tree.Expression(*place, tree.Call(*place, method, [future]))
            reader.in_region("lambda", [taken], "lambda", at=method)


def _container_op(reader: BodyReader, base: str, method: str, node: tree.Call) -> str:
    if base in ("?", "self", "super()") or base.endswith("()"):
        return ""
    if method in INSERTS and (node.args or method.startswith("emplace")):
        return "insert"
    if method in REMOVES:
        return "remove"
    if method in CLEARS or (method == "resize" and _is_zero(node.args)):
        return "clear"
    if method == "fill" and _is_filling(node.args):
        return "clear"
    if not reader.scope.is_python and (method == "reset" or (method == "assign" and _is_filling(node.args[1:]))):
        return "clear"
    return ""


def _plain_call(
    reader: BodyReader,
    node: tree.Call,
    path: str,
    args: tuple[Argument, ...],
    reads: tuple[str, ...],
    result: str,
    via: str,
) -> str:
    name = path.lstrip("~")
    if not reader.scope.is_python and _is_filled(name, node, args):
        return _fill(reader, node, name, args, reads)
    reader.emit("call", path or "?", node, via=via, result=result, reads=reads, args=args)
    if name in WRAPPERS and args and args[0].path:
        return args[0].path
    if name == "next" and args and args[0].path:
        return f"{args[0].path}[]"
    return f"{path}()" if path else ""


def _heap_call(
    reader: BodyReader, node: tree.Call, name: str, args: tuple[Argument, ...], reads: tuple[str, ...]
) -> str:
    """`heapq.heappush(self.delayed, entry)`: a function does what a method of the list would."""
    op = "insert" if name in PUTS_IN else "remove"
    reader.emit(op, args[0].path, node, via=name, reads=reads, args=args)
    return "" if op == "insert" else f"{args[0].path}[]"


def _is_filled(callee: str, node: tree.Call, args: tuple[Argument, ...]) -> bool:
    """`std::fill(pos.begin(), pos.end(), -1)`, `memset(table, 0, sizeof(table))`: the whole of a member gets blank."""
    if callee not in FILLERS or len(args) < 2 or not any(mark in args[0].path for mark in "~."):
        return False
    if callee.endswith("memset"):
        return len(args) == 3 and args[1].literal == "0" and args[0].path in args[2].reads
    return _is_blank(node.args[-1]) and (callee != "std.fill" or args[1].path == args[0].path)


def _fill(reader: BodyReader, node: tree.Call, name: str, args: tuple[Argument, ...], reads: tuple[str, ...]) -> str:
    reader.emit("clear", args[0].path, node, via=name, reads=reads, args=args)
    return ""


def _arguments(reader: BodyReader, node: tree.Call, result: str = "<expression>") -> tuple[Argument, ...]:
    """`result` is where the result of a call among the arguments goes: that of a cast where the cast's does."""
    arguments = []
    for argument in node.args:
        keyword = ""
        if isinstance(argument, tree.Star):
            argument, keyword = argument.value, "*"
        arguments.append(_argument(reader, argument, keyword, result))
    for named in node.keywords:
        arguments.append(_argument(reader, named.value, named.name or "**"))
    for part in node.launch:
        reader.read_value(part)
    return tuple(arguments)


def _argument(reader: BodyReader, node: tree.Node, keyword: str, result: str = "<expression>") -> Argument:
    mark = len(reader.seen)
    path = reader.read_value(node) if result == "<expression>" else bound_value(reader, node, result)
    written = tree.path_of(node) if path else ""
    literal = ""
    if not path and isinstance(node, tree.Literal | tree.Unary | tree.Collection):
        literal = reader.source.of(node, 80)
    reads = reader.reads_since(mark)
    return Argument(path, keyword, literal, reads if reads != (path,) else (), "" if written == path else written)


def _first_key(args: tuple[Argument, ...]) -> str:
    return (args[0].path or args[0].literal) if args else ""


@expression(tree.New)
def _new_expression(reader: BodyReader, node: tree.New) -> str:
    _new(reader, node, "<expression>")
    return ""


def _new(reader: BodyReader, node: tree.New, result: str) -> None:
    args = tuple(_argument(reader, argument, "") for argument in node.args)
    via = "" if node.is_placed else "new"
    reader.emit("call", reader.source.of(node.type, 80), node, via=via, result=result, args=args)


def _is_filling(args: list[tree.Node]) -> bool:
    """`pos.assign(n, -1)`, `pos.fill(0)`: one blank value for all, and not what lies between two iterators."""
    return 0 < len(args) <= 2 and _is_blank(args[-1])


def _is_blank(node: tree.Node) -> bool:
    """A constant, or what a constructor makes of nothing."""
    if isinstance(node, tree.Unary):
        node = node.operand
    return isinstance(node, tree.Literal) or (
        isinstance(node, tree.Call | tree.Collection) and not (node.args if isinstance(node, tree.Call) else node.items)
    )


def _is_zero(args: list[tree.Node]) -> bool:
    return len(args) == 1 and isinstance(args[0], tree.Literal) and args[0].text == "0"
