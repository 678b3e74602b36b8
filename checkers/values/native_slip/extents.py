"""Arrays that are declared as long as somebody said, and used or filled as if they were longer or shorter.

How long one is stands where it is declared, as a number or a name; two names are compared by how they are written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from llmlint.checkers.contracts.slips import Slip
from llmlint.checkers.values.native_slip.code import Code
from llmlint.code.facts.native_tests import inside_casts
from llmlint.code.syntax import tree

_DOUBT = "what leads here may keep it within"
_UNBOUNDED = re.compile(r"%[-+ #0]*\d*s")
_READS_TEXT = frozenset(
    "strlen strcmp strcpy strdup printf fprintf puts fputs string fopen open getenv strstr strchr".split()
)
_TAKES_LENGTH = frozenset("write send fwrite string append memcpy assign string_view".split())
_FEWEST = 3
"""A table of fewer entries may start as zeros on purpose."""


class Extents:
    """The arrays of a file, and of the function that is looked at, each with how long it is said to be."""

    def __init__(self, module: tree.Module, code: Code) -> None:
        self.code = code
        self.module = module
        self._of_file = {name: node.extent for name, node in _arrays(module.body)}

    def beyond(self, function: tree.Function) -> Iterator[Slip]:
        """`int a[4]; a[4] = 0`, once for each array, and a loop whose last round is one too many."""
        own = self._known(function)
        if not own or not any(type(node) is tree.Index and _name_of(node) in own for node in tree.walk_own(function)):
            return
        nodes = sorted(tree.walk_own(function), key=lambda node: (node.line, node.column))
        told: set[str] = set()
        addressed = {id(node.operand) for node in nodes if isinstance(node, tree.Unary) and node.op == "&"}
        for node in nodes:
            match node:
                case tree.Index(value=tree.Name(id=name), key=tree.Literal(kind="int", text=text)) if (
                    name in own and name not in told
                ):
                    if id(node) not in addressed and (at := _number(text)) is not None and at >= own[name][1] > 0:
                        said = own[name][0]
                        told.add(name)
                        yield Slip(
                            node,
                            f"`{name}` has {said} elements, and [{text}] is behind the last",
                            "ask which",
                            "low",
                            _DOUBT,
                        )
                case tree.Loop(kind="count", iterable=tree.Collection(items=[_, tree.Compare() as test, *_])):
                    yield from self._last_round(node, test, own)

    def _last_round(self, loop: tree.Loop, test: tree.Compare, own: dict[str, tuple[str, int]]) -> Iterator[Slip]:
        match test:
            case tree.Compare(operands=[tree.Name(id=counter), bound], ops=["<" | "<=" as op]):
                inside = [node for part in loop.body for node in tree.walk(part)]
                if any(_asks(node, counter) or _declares(node, counter) for node in inside):
                    return  # a test may keep the last away, and a loop inside count by the same name
                for node in inside:
                    match node:
                        case tree.Index(value=tree.Name(id=name), key=tree.Name(id=key)) if (
                            name in own and key == counter
                        ):
                            if _exceeds(self.code.text(bound), op, *own[name]):
                                said = f"`{self.code.text(test)}` lets {counter} reach behind `{name}[{own[name][0]}]`"
                                yield Slip(node, said, "stop one earlier, or make the array longer", "low", _DOUBT)
                                return

    def _known(self, function: tree.Function) -> dict[str, tuple[str, int]]:
        """The arrays that mean one thing here; how long, as written and as a number, -1 for a name."""
        declaring = [node for node in tree.walk_own(function) if type(node) is tree.Assign and node.declares]
        arrays = list(_arrays(declaring))
        if not arrays and not self._of_file:
            return {}
        declared = Counter(target.id for node in declaring for target in node.targets if isinstance(target, tree.Name))
        own = {name: node.extent for name, node in arrays if declared[name] == 1}
        for node in declaring:
            match node:  # `auto & row = rows`
                case tree.Assign(targets=[tree.Name(id=other)], value=tree.Name(id=name), declares=True):
                    if name in own and isinstance(node.annotation, tree.TypeName) and "&" in node.annotation.text:
                        own[other] = own[name]
        shadowed = declared.keys() | {param.name for param in function.params}
        known = {name: extent for name, extent in self._of_file.items() if name not in shadowed} | own
        return {name: (extent, at if (at := _number(extent)) is not None else -1) for name, extent in known.items()}

    # ------------------------------------------------------------ texts

    def unended(self, function: tree.Function) -> Iterator[Slip]:
        """`strncpy(buf, from, sizeof(buf))`, and then read as a text: what fills it up has no end."""
        nodes = list(tree.walk_own(function))
        bare = {name for name, node in _arrays(nodes) if node.value is None and "static" not in node.specifiers}
        for call in nodes:
            match call:
                case tree.Call(function=callee, args=[tree.Name(id=name), tree.Node() as source, length]) if (
                    name in bare
                ):
                    is_all = self.code.text(length).replace(" ", "") in (f"sizeof({name})", f"sizeof{name}")
                    is_copied = tree.path_of(callee) in ("strncpy", "std.strncpy") and is_all
                    if is_copied and not isinstance(source, tree.Literal) and not _is_ended(nodes, name):
                        if any(
                            _reads_text(node, name) for node in nodes if node.line >= call.line and node is not call
                        ):
                            says = f"a text as long as `{name}` leaves no end in it, and {name} is read as one"
                            yield Slip(
                                call,
                                says,
                                f"end it: {name}[sizeof({name}) - 1] = 0",
                                "low",
                                "texts here may always be shorter",
                            )

    def printed_length(self, function: tree.Function) -> Iterator[Slip]:
        """What snprintf gives is how long the text would be, which may be longer than what there is room for."""
        nodes = list(tree.walk_own(function))
        told: list[tree.Node] = []
        for node in nodes:
            match node:
                case tree.Assign(targets=[tree.Name(id=name)], value=tree.Node() as value, op=""):
                    call = inside_casts(value)
                    if isinstance(call, tree.Call) and _prints_text(call) and not _is_compared(nodes, name):
                        used = next((one for one in nodes if one.line >= node.line and _is_length(one, name)), None)
                        if used is not None and not any(used is one for one in told):
                            told.append(used)
                            says = f"`{name}` is as long as the text would be, also where it did not fit"
                            yield Slip(used, says, "compare it with the size first", "low", "texts here may always fit")

    # ------------------------------------------------------------ tables

    def short_tables(self) -> Iterator[Slip]:
        """`const char * names[KIND_COUNT] = {…}` with an entry too few: the last ones are null or empty."""
        counts = dict(self._counts())
        for name, node in _arrays(self.module.body):
            match node:
                case tree.Assign(extent=extent, value=tree.Collection(kind="init", items=items)) if extent in counts:
                    whole = not any(isinstance(item, tree.Keyword) for item in items)
                    if whole and _FEWEST <= len(items) < counts[extent]:
                        says = f"`{name}` is for {counts[extent]} kinds ({extent}), and has {len(items)} entries"
                        yield Slip(
                            node, says, "add the entries that are missing", "low", "nobody may ask for the last ones"
                        )

    def _counts(self) -> Iterator[tuple[str, int]]:
        """The last names of the enums that count from zero on, each with how many stand before it."""
        for enum in self.module.body:
            if isinstance(enum, tree.Class) and enum.body and all(isinstance(one, tree.Field) for one in enum.body):
                numbered = any("=" in self.code.text(one) or self.code.has_directive(enum) for one in enum.body)
                last = enum.body[-1]
                if not numbered and isinstance(last, tree.Field) and last.annotation is None:
                    yield last.name, len(enum.body) - 1


def _name_of(node: tree.Index) -> str:
    return node.value.id if isinstance(node.value, tree.Name) else ""


def _arrays(nodes: Iterable[tree.Node]) -> Iterator[tuple[str, tree.Assign]]:
    for node in nodes:
        if isinstance(node, tree.Assign) and node.extent:
            for target in node.targets:
                if isinstance(target, tree.Name):
                    yield target.id, node


def _asks(node: tree.Node, counter: str) -> bool:
    """Does a branch ask about the counter?"""
    test = node.test if isinstance(node, tree.If | tree.Conditional) else None
    return test is not None and any(isinstance(n, tree.Name) and n.id == counter for n in tree.walk(test))


def _declares(node: tree.Node, name: str) -> bool:
    return isinstance(node, tree.Assign) and node.declares and name in map(tree.path_of, node.targets)


def _number(text: str) -> int | None:
    try:
        return int(text.rstrip("uUlL"), 0)
    except ValueError:
        return None


def _exceeds(bound: str, op: str, extent: str, size: int) -> bool:
    """Does a counter below this bound reach behind the last of so many?"""
    number = _number(bound)
    if number is not None and size > 0:
        return number + (op == "<=") > size
    return op == "<=" and bound == extent


def _is_ended(nodes: Iterable[tree.Node], name: str) -> bool:
    """Does anybody write into the array, clear it, or know it by another name?"""
    for node in nodes:
        match node:
            case tree.Assign(targets=[tree.Index(value=tree.Name(id=written))]) if written == name:
                return True
            case tree.Assign(value=tree.Name(id=known), declares=True) if known == name:
                return True
            case tree.Call(function=function, args=[tree.Name(id=cleared), *_]) if cleared == name:
                if tree.path_of(function).rpartition(".")[2] in ("memset", "bzero", "strncat"):
                    return True
    return False


def _reads_text(node: tree.Node, name: str) -> bool:
    match node:
        case tree.Call(function=function, args=args):
            is_reader = tree.path_of(function).rpartition(".")[2] in _READS_TEXT
            return is_reader and any(isinstance(arg, tree.Name) and arg.id == name for arg in args)
        case tree.Binary(op="<<", right=tree.Name(id=shown)):
            return shown == name
    return False


def _prints_text(call: tree.Call) -> bool:
    texts = [arg.text for arg in call.args[2:3] if isinstance(arg, tree.Literal) and arg.kind == "string"]
    sized = not (len(call.args) > 1 and isinstance(call.args[1], tree.Literal) and call.args[1].text == "0")
    return tree.path_of(call.function) in ("snprintf", "std.snprintf") and sized and any(map(_UNBOUNDED.search, texts))


def _is_compared(nodes: Iterable[tree.Node], name: str) -> bool:
    """With more than zero: whether it failed is another question. `std::min` compares too."""
    for node in nodes:
        match node:
            case tree.Compare(operands=operands):
                others = [one for one in operands if not (isinstance(one, tree.Literal) and one.text == "0")]
                if len(others) > 1 and any(
                    isinstance(n, tree.Name) and n.id == name for one in operands for n in tree.walk(one)
                ):
                    return True
            case tree.Call(function=function, args=args) if tree.path_of(function).rpartition(".")[2] in ("min", "MIN"):
                if any(isinstance(n, tree.Name) and n.id == name for arg in args for n in tree.walk(arg)):
                    return True
    return False


def _is_length(node: tree.Node, name: str) -> bool:
    """Is it taken for how much there is: a length, or a place?"""
    match node:
        case tree.Call(function=function, args=args) if tree.path_of(function).rpartition(".")[2] in _TAKES_LENGTH:
            return any(isinstance(one := inside_casts(arg), tree.Name) and one.id == name for arg in args[1:])
        case tree.Index(key=tree.Name(id=key)):
            return key == name
    return False
