"""The code tree: one small set of node kinds that Python, C, C++ and CUDA are all read into.

Checkers are written against these kinds once. Lines and columns count from 1, columns in Unicode code points;
the front ends do that conversion (see `Columns`), so nothing behind them ever meets a byte offset.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, get_args, get_origin
from typing import Literal as OneOf

import msgspec

Language = OneOf["python", "cpp", "c", "cuda"]


class Node(msgspec.Struct, gc=False):
    """Where a piece of code stands; `end_column` is the first column after it."""

    line: int
    column: int
    end_line: int
    end_column: int


# ---------------------------------------------------------------- declarations


class Module(Node, gc=False):
    language: Language
    body: list[Node]
    docstring: str = ""
    broken: list[Broken] = []


class Class(Node, gc=False):
    """A class or struct. `namespace` is the C++ namespace or the outer class, dotted."""

    name: str
    bases: list[Node]
    body: list[Node]
    decorators: list[Node] = []
    keywords: list[Keyword] = []
    namespace: str = ""
    docstring: str = ""


class Parameter(Node, gc=False):
    """`kind` is "" for an ordinary one, "*" and "**" for the variadic ones, "only" for keyword-only."""

    name: str
    annotation: Node | None = None
    default: Node | None = None
    kind: str = ""


class Function(Node, gc=False):
    """A function, method, constructor (`__init__`) or destructor (`__del__`), or the body of a lambda.

    `owner` is the class a C++ method defined outside its class belongs to. `body` is None for a declaration.
    Neither a docstring nor `pass` is in a body; a lambda's is one Return. `own` is what `walk_own` gives, from when it
    was first asked for.
    """

    name: str
    params: list[Parameter]
    body: list[Node] | None
    decorators: list[Node] = []
    returns: Node | None = None
    is_async: bool = False
    owner: str = ""
    namespace: str = ""
    specifiers: tuple[str, ...] = ()
    docstring: str = ""
    own: Any = None


class Field(Node, gc=False):
    """A data member declared in a C++ class body, with its type and in-class initialiser."""

    name: str
    annotation: Node | None = None
    value: Node | None = None
    specifiers: tuple[str, ...] = ()


class Import(Node, gc=False):
    """`from MODULE import NAME as ALIAS`; a plain `import MODULE` has no names. C++: an include."""

    module: str
    names: list[tuple[str, str]] = []
    level: int = 0
    alias: str = ""


# ---------------------------------------------------------------- statements


class If(Node, gc=False):
    test: Node
    body: list[Node]
    orelse: list[Node] = []


class Loop(Node, gc=False):
    """`kind`: for (over `iterable`), while, do, or count (a C for; `iterable` then holds its three parts)."""

    kind: str
    body: list[Node]
    target: Node | None = None
    iterable: Node | None = None
    test: Node | None = None
    orelse: list[Node] = []
    is_async: bool = False


class Handler(Node, gc=False):
    """One `except`/`catch`; no types means it catches all."""

    types: list[Node]
    name: str
    body: list[Node]


class Try(Node, gc=False):
    body: list[Node]
    handlers: list[Handler]
    orelse: list[Node] = []
    final: list[Node] = []


class With(Node, gc=False):
    """`with a as b:`"""

    items: list[tuple[Node, Node | None]]
    body: list[Node]
    is_async: bool = False


class Case(Node, gc=False):
    """`patterns` empty is the default case; `falls_through` when control can run into the next one."""

    patterns: list[Node]
    body: list[Node]
    guard: Node | None = None
    falls_through: bool = False


class Switch(Node, gc=False):
    subject: Node
    cases: list[Case]


class Return(Node, gc=False):
    value: Node | None = None


class Raise(Node, gc=False):
    value: Node | None = None
    cause: Node | None = None


class Jump(Node, gc=False):
    """`kind`: break, continue or goto."""

    kind: str
    label: str = ""


class Label(Node, gc=False):
    """Where a goto arrives."""

    name: str


class Assign(Node, gc=False):
    """`op` is "" for =, else the operator of an augmented assignment (`+` of `+=`). A declaration may have no value.

    `extent` is how long a declared array is, as written; of several dimensions the first.
    """

    targets: list[Node]
    value: Node | None
    op: str = ""
    annotation: Node | None = None
    declares: bool = False
    specifiers: tuple[str, ...] = ()
    extent: str = ""


class Delete(Node, gc=False):
    """Python `del`, C++ `delete` (`is_array` for `delete[]`)."""

    targets: list[Node]
    is_array: bool = False


class Expression(Node, gc=False):
    """An expression evaluated for what it does."""

    value: Node


class Assert(Node, gc=False):
    test: Node
    message: Node | None = None


class Outer(Node, gc=False):
    """`global a` or `nonlocal a`."""

    kind: str
    names: list[str]


class Block(Node, gc=False):
    """A bare C++ scope."""

    body: list[Node]


class Broken(Node, gc=False):
    """A region that did not parse, walked as far as it goes. Findings inside lose confidence."""

    body: list[Node]


# ---------------------------------------------------------------- expressions


class Name(Node, gc=False):
    id: str


class Attribute(Node, gc=False):
    """`value.name`; also `value->name` and `A::name`."""

    value: Node
    name: str


class Index(Node, gc=False):
    value: Node
    key: Node


class Slice(Node, gc=False):
    lower: Node | None
    upper: Node | None
    step: Node | None = None


class Keyword(Node, gc=False):
    """`name=value` at a call; an empty name is `**value`."""

    name: str
    value: Node


class Call(Node, gc=False):
    """`function(args, **keywords)`. `template` holds C++ template arguments as text; `launch` a CUDA `<<<…>>>`."""

    function: Node
    args: list[Node]
    keywords: list[Keyword] = []
    template: str = ""
    launch: list[Node] = []


class New(Node, gc=False):
    """`is_placed`: the object is made in memory that somebody else holds; `length` is that of an array."""

    type: Node
    args: list[Node]
    is_array: bool = False
    is_placed: bool = False
    length: Node | None = None


class Literal(Node, gc=False):
    """`kind`: string, bytes, int, float, bool, none, char or ellipsis; `text` is as written (strings: decoded)."""

    kind: str
    text: str


class Collection(Node, gc=False):
    """`kind`: list, tuple, set, dict or init (a C++ `{…}`). `keys` belongs to dict; None there is `**item`."""

    kind: str
    items: list[Node]
    keys: list[Node | None] = []


class Generator(Node, gc=False):
    target: Node
    iterable: Node
    tests: list[Node]
    is_async: bool = False


class Comprehension(Node, gc=False):
    """`kind`: list, set, dict or generator; `key` belongs to dict."""

    kind: str
    element: Node
    generators: list[Generator]
    key: Node | None = None


class Binary(Node, gc=False):
    op: str
    left: Node
    right: Node


class Compare(Node, gc=False):
    """`a < b <= c`: `ops` has one fewer entry than `operands`. Also `in`, `not in`, `is`, `is not`."""

    operands: list[Node]
    ops: list[str]


class Logic(Node, gc=False):
    """`op`: and, or."""

    op: str
    operands: list[Node]


class Unary(Node, gc=False):
    """`op`: not, -, +, ~, *, &, ++, -- (C++ `*p` and `&x` too)."""

    op: str
    operand: Node


class Conditional(Node, gc=False):
    test: Node
    body: Node
    orelse: Node


class Lambda(Node, gc=False):
    """`captures` is the C++ capture list as written."""

    function: Function
    captures: str = ""


class Format(Node, gc=False):
    """An f-string: text pieces are string Literals, the rest FormatField."""

    parts: list[Node]


class FormatField(Node, gc=False):
    value: Node
    conversion: str = ""
    spec: str = ""


class Cast(Node, gc=False):
    """A C or C++ cast. Python's are ordinary calls."""

    type: Node
    value: Node


class Await(Node, gc=False):
    value: Node


class Yield(Node, gc=False):
    value: Node | None = None
    is_from: bool = False


class Star(Node, gc=False):
    value: Node


class Named(Node, gc=False):
    """`(name := value)`; also an assignment used as an expression in C++."""

    target: Node
    value: Node
    op: str = ""


class TypeName(Node, gc=False):
    """A C++ type as written, white space folded (`std::unordered_map<int, slot *>`)."""

    text: str


# ---------------------------------------------------------------- reading a tree

_Below = Callable[["Node"], list["Node"]]
_BELOW: dict[type, _Below] = {}
"""For each kind of node what reads the nodes directly below one."""


def _below(kind: type[Node]) -> _Below:
    """`broken` names once more what stands in the body."""
    own = [f for f in msgspec.structs.fields(kind)[4:] if f.name != "broken" and _holds_nodes(f.type)]
    names = [f.name for f in own]
    if not own:
        read: _Below = _nothing
    elif len(own) == 1 and isinstance(own[0].type, type) and issubclass(own[0].type, Node):
        one = attrgetter(names[0])
        read = lambda node: [one(node)]  # noqa: E731
    elif any(_holds_tuples(f.type) for f in own):
        read = lambda node: _parts(node, names)  # noqa: E731
    elif len(own) == 1 and get_origin(own[0].type) is list:
        read = attrgetter(names[0])
    elif len(own) > 1 and all(isinstance(f.type, type) and issubclass(f.type, Node) for f in own):
        each = attrgetter(*names)
        read = lambda node: list(each(node))  # noqa: E731
    elif len(own) == 1:
        value = attrgetter(names[0])
        read = lambda node: _joined((value(node),))  # noqa: E731
    else:
        values = attrgetter(*names)
        read = lambda node: _joined(values(node))  # noqa: E731
    return _BELOW.setdefault(kind, read)


def _nothing(_: Node) -> list[Node]:
    return []


def _joined(values: tuple[list[Node] | Node | None, ...]) -> list[Node]:
    below: list[Node] = []
    for value in values:
        if type(value) is list:
            below += value
        elif value is not None:
            below.append(value)  # type: ignore[arg-type]
    return below


def _parts(node: Node, names: list[str]) -> list[Node]:
    """The same where a list may hold tuples of nodes, or None in the place of one."""
    below: list[Node] = []
    for value in (getattr(node, name) for name in names):
        for item in value if type(value) is list else (value,):
            below += [part for part in (item if type(item) is tuple else (item,)) if isinstance(part, Node)]
    return below


def _holds_tuples(declared: object) -> bool:
    """Is it a list of anything but nodes?"""
    if get_origin(declared) is list:
        return not all(isinstance(item, type) and issubclass(item, Node) for item in get_args(declared))
    return any(_holds_tuples(part) for part in get_args(declared))


def _holds_nodes(declared: object) -> bool:
    if isinstance(declared, type) and issubclass(declared, Node):
        return True
    return any(_holds_nodes(part) for part in get_args(declared))


def children(node: Node) -> list[Node]:
    """The nodes directly below this one, in the order of the fields; not to be changed."""
    kind = type(node)
    return (_BELOW.get(kind) or _below(kind))(node)


def walk(node: Node, into: Callable[[Node], bool] | None = None) -> Iterator[Node]:
    """This node and all below it, in source order; `into` says whether to go below a node."""
    stack = [node]
    while stack:
        here = stack.pop()
        yield here
        read = _BELOW.get(type(here)) or _below(type(here))
        if read is not _nothing and (into is None or into(here)):
            stack += reversed(read(here))


def else_if(node: If) -> If | None:
    """The `elif` behind a branch."""
    only = node.orelse[0] if len(node.orelse) == 1 else None
    return only if isinstance(only, If) else None


def walk_own(function: Function) -> Sequence[Node]:
    """All nodes of a function's body, without those of functions, lambdas and classes nested in it: walked once, as
    many checkers ask for them."""
    if function.own is None:
        function.own = [node for statement in function.body or () for node in walk(statement, into=is_of_the_same)]
    own: list[Node] = function.own
    return own


def is_of_the_same(node: Node) -> bool:
    """Does what stands below belong to the same function as the node itself?"""
    return type(node) not in _OF_THEIR_OWN


_OF_THEIR_OWN = frozenset({Function, Class, Lambda})


def path_of(node: Node | None) -> str:
    """An access path: `self.pool.free`, `slots[].task`, `get(…).x` as `get().x`; "" for anything else.

    `[]` stands for any index, `()` for a call's result; dereference and address-of are left out, so C++'s
    `this->x`, `(*this).x` and Python's `self.x` read the same.
    """
    if type(node) not in _PATHS:
        return ""
    if type(node) is Name:  # most of them
        return "self" if node.id == "this" else node.id
    parts: list[str] = []
    while True:
        match node:
            case Name(id=name):
                parts.append("self" if name == "this" else name)
                return "".join(reversed(parts))
            case Attribute(value=value, name=name):
                parts.append("." + name)
                node = value
            case Index(value=value):
                parts.append("[]")
                node = value
            case Call(function=function):
                parts.append("()")
                node = function
            case Unary(op="*" | "&", operand=operand):
                node = operand
            case Await(value=value) | Cast(value=value):
                node = value
            case _:
                return ""


_PATHS = frozenset({Name, Attribute, Index, Call, Unary, Await, Cast})


class Columns:
    """Turns UTF-8 byte columns (counted from 0, as parsers give them) into code-point columns counted from 1."""

    def __init__(self, data: bytes) -> None:
        lines = () if data.isascii() else enumerate(data.split(b"\n"), 1)
        self._wide = {number: line for number, line in lines if not line.isascii()}

    def __call__(self, line: int, byte_column: int) -> int:
        wide = self._wide.get(line)
        return (byte_column if wide is None else len(wide[:byte_column].decode("utf-8", "replace"))) + 1
