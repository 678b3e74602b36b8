"""What a body amounts to when that is nearly nothing.

`pass`      nothing at all (a docstring, `pass`, `…`, casts to void)
`constant`  returns a constant
`log`       only says something (logging, print, warnings), perhaps binds locals nobody reads or returns a constant
`idle`      only binds locals that nobody reads, or loops over such
`raise`     only raises (or aborts)
`delegate`  only hands on to one call
""        anything more
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property

from llmlint.code.syntax import tree

_LOG_METHODS = frozenset(
    "debug info warning warn error exception critical log info_once warning_once debug_once fatal".split()
)
_LOG_OBJECTS = frozenset("log logger logging _logger LOGGER LOG _LOGGER warnings".split())
_LOG_CALLS = frozenset({"print", "printf", "fprintf", "puts", "fputs", "logger_debug"})
_UNUSED = frozenset({"GGML_UNUSED", "UNUSED", "GGML_UNUSED_VARS"})


def shape_of(function: tree.Function, is_python: bool, loggers: Collection[str] = ()) -> str:
    """`loggers` are the names by which the file knows loggers of its own."""
    if function.body is None:
        return ""
    statements = [s for s in function.body if not _is_nothing(s)]
    if not statements:
        return "pass"
    if len(statements) == 1:
        single = _single(statements[0], loggers)
        if single:
            return single
    return _idle_or_log(statements, _Locals(function, is_python), loggers)


class _Locals:
    """The names that assignments in the body bind locally; in C++ only what is declared there.

    They are looked for when they are first asked for: most functions do something before their names matter.
    """

    def __init__(self, function: tree.Function, is_python: bool) -> None:
        self._function = function
        self._is_python = is_python

    @cached_property
    def names(self) -> set[str]:
        bound: set[str] = set()
        outer: set[str] = set()
        for node in tree.walk_own(self._function):
            if isinstance(node, tree.Outer):
                outer.update(node.names)
            elif isinstance(node, tree.Assign) and (self._is_python or node.declares):
                bound.update(target.id for target in node.targets if isinstance(target, tree.Name))
        return bound - outer


def _single(statement: tree.Node, loggers: Collection[str]) -> str:
    match statement:
        case tree.Raise() | tree.Expression(value=tree.Call(function=tree.Name(id="GGML_ABORT"))):
            return "raise"
        case tree.Return(value=value) if _is_constant(value):
            return "constant"
        case tree.Return(value=tree.Call() | tree.Await()) | tree.Expression(value=tree.Await()):
            return "delegate"
        case tree.Expression(value=tree.Call()) if not is_log(statement.value, loggers):
            return "delegate"
    return ""


def _idle_or_log(statements: list[tree.Node], local: _Locals, loggers: Collection[str]) -> str:
    logged: list[bool] = []
    if not all(_does_nothing(s, local, loggers, logged) for s in statements):
        return ""
    if logged:
        return "log"
    return "idle" if local.names else "constant"


def _does_nothing(statement: tree.Node, local: _Locals, loggers: Collection[str], logged: list[bool]) -> bool:
    """A statement after which the world is as before, but for what was logged."""

    def do_nothing(*blocks: Iterable[tree.Node]) -> bool:
        return all(_does_nothing(inner, local, loggers, logged) for block in blocks for inner in block)

    match statement:
        case tree.Expression(value=value) if is_log(value, loggers):
            logged.append(True)
            return True
        case tree.Assign(targets=targets, value=value):
            return (value is None or _is_pure(value)) and all(_names_local(t, local) for t in targets)
        case tree.Return(value=value):
            return _is_constant(value)
        case tree.If(test=test, body=body, orelse=orelse):
            return _is_pure(test) and do_nothing(body, orelse)
        case tree.Loop(iterable=iterable, test=test, body=body, orelse=orelse):
            heads = [h for h in (iterable, test) if h is not None]
            return all(map(_is_pure, heads)) and do_nothing(body, orelse)
        case tree.Try(body=body, handlers=handlers, orelse=orelse, final=final):
            return do_nothing(body, *(handler.body for handler in handlers), orelse, final)
        case tree.Block(body=body):
            return do_nothing(body)
        case tree.Jump() | tree.Label():
            return True
    return _is_nothing(statement)


def _names_local(target: tree.Node, local: _Locals) -> bool:
    if isinstance(target, tree.Collection):
        return all(_names_local(item, local) for item in target.items)
    return isinstance(target, tree.Name) and target.id in local.names


def _is_nothing(statement: tree.Node) -> bool:
    match statement:
        case tree.Expression(value=tree.Literal() | tree.Name()):
            return True
        case tree.Expression(value=tree.Cast(type=tree.TypeName(text="void"))):
            return True
        case tree.Expression(value=tree.Call(function=tree.Name(id=name))):
            return name in _UNUSED
        case tree.Import() | tree.Outer():
            return True
        case tree.Block(body=body):
            return all(map(_is_nothing, body))
    return isinstance(statement, tree.Delete) and all(isinstance(t, tree.Name) for t in statement.targets)


_PURE_CALLS = frozenset("len list tuple set dict str int bool sorted min max sum range repr enumerate zip".split())
_PURE_METHODS = frozenset("get items keys values copy size empty count find begin end format join".split())


def _is_pure(value: tree.Node) -> bool:
    """Only looks: no call but of plain look-ups, no await, no assignment."""
    for node in tree.walk(value):
        match node:
            case tree.Call(function=tree.Name(id=name)) if name in _PURE_CALLS:
                continue
            case tree.Call(function=tree.Attribute(name=name)) if name in _PURE_METHODS:
                continue
            case tree.Call() | tree.Await() | tree.Named() | tree.New() | tree.Yield() | tree.Unary(op="++" | "--"):
                return False
    return True


def is_log(value: tree.Node, loggers: Collection[str]) -> bool:
    """Does it only say something, to a log or on the terminal?"""
    match value:
        case tree.Call(function=tree.Attribute(value=receiver, name=name)):
            owner = tree.path_of(receiver).rsplit(".", 1)[-1].removesuffix("()")
            return (owner in _LOG_OBJECTS or owner in loggers) and name in _LOG_METHODS
        case tree.Call(function=tree.Name(id=name)):
            return name in _LOG_CALLS or "LOG" in name.split("_") or name.startswith(("LOG_", "SRV_", "SLT_", "QUE_"))
        case tree.Binary(op="<<", left=left):
            while isinstance(left, tree.Binary) and left.op == "<<":
                left = left.left
            return tree.path_of(left).rsplit(".", 1)[-1] in ("cerr", "cout", "clog")
    return False


def _is_constant(value: tree.Node | None) -> bool:
    match value:
        case None | tree.Literal() | tree.Unary(operand=tree.Literal()):
            return True
        case tree.Collection(items=items):
            return not items
        case tree.Name(id=name):
            return name in ("nullptr", "NULL")
    return False
