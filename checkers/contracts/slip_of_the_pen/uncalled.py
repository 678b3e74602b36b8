"""What is named and not called: a function is asked for its truth, looked through or compared, or stands alone.

A function is always true, equals no text and holds nothing. Which names are functions is known of those of the file,
and of what only methods are called in Python's own types and in torch's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from llmlint.checkers.contracts.slip_of_the_pen.known import Known
from llmlint.checkers.contracts.slips import Slip
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import nodes

_OF_TEXTS = frozenset(
    "isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isspace isupper".split()
)
_OF_PATHS = frozenset("is_file is_dir is_symlink is_absolute is_mount is_socket".split())
_OF_TENSORS = frozenset({"is_contiguous"})
_ASKING = _OF_TEXTS | _OF_PATHS | _OF_TENSORS
"""docs.python.org/3/library/stdtypes.html, pathlib.html; docs.pytorch.org (Tensor.is_contiguous)."""
_GIVING_TEXT = frozenset("strip lstrip rstrip lower upper".split())
_ENDING = frozenset("release close flush commit rollback zero_grad backward synchronize barrier terminate kill".split())
_LIBRARY = frozenset(
    "torch.cuda.is_available torch.backends.mps.is_available torch.distributed.is_initialized "
    "torch.distributed.is_available torch.xpu.is_available os.getpid time.time os.getcwd".split()
)
_IF_THERE = re.compile(r"(?:transformers|diffusers|accelerate|peft|optimum)\.(?:\w+\.)*is_\w+_available")
"""huggingface.co/docs/transformers: each of these is a function."""
_PATH = "pathlib.Path"
_HOLDS = ("in", "not in")


class _Functions:
    """Which expressions of a file name a function, and are no call of it."""

    def __init__(self, file: Known) -> None:
        self._file = file

    @cached_property
    def _own(self) -> set[str]:
        """Functions of the module that nothing else of the file has the name of."""
        names = {one.name for one in self._file.module.body if isinstance(one, tree.Function) and not one.decorators}
        bound = {target.id for assign in nodes(self._file.module, tree.Assign) for target in _names(assign.targets)}
        loops = (one.target for one in nodes(self._file.module, tree.Loop) if one.target is not None)
        bound |= {name.id for target in loops for name in tree.walk(target) if isinstance(name, tree.Name)}
        bound |= {param.name for one in nodes(self._file.module, tree.Function) for param in one.params}
        return names - bound - self._file.imported.keys()

    @cached_property
    def _declared(self) -> set[str]:
        """What the file gives some object as an attribute, or a class as a property or a field."""
        targets = [target for assign in nodes(self._file.module, tree.Assign) for target in assign.targets]
        found = {target.name for target in targets if isinstance(target, tree.Attribute)}
        for cls in nodes(self._file.module, tree.Class):
            fields = (one for one in cls.body if isinstance(one, tree.Assign))
            found |= {name.id for one in fields for name in _names(one.targets)}
            found |= {one.name for one in cls.body if isinstance(one, tree.Function) and one.decorators}
        return found

    @cached_property
    def _methods(self) -> list[tuple[tree.Class, set[str]]]:
        return [
            (cls, {one.name for one in cls.body if isinstance(one, tree.Function)} - self._declared)
            for cls in nodes(self._file.module, tree.Class)
        ]

    def _is_method_of_own(self, node: tree.Attribute) -> bool:
        inside = [named for cls, named in self._methods if cls.line <= node.line <= cls.end_line]
        return isinstance(node.value, tree.Name) and node.value.id == "self" and any(node.name in one for one in inside)

    def names(self, node: tree.Node | None) -> bool:
        match node:
            case tree.Name(id=name):
                return name in self._own or _IF_THERE.fullmatch(self._file.imported.get(name, "")) is not None
            case tree.Attribute(value=owner, name=name):
                if self._is_method_of_own(node) or self._file.meant(tree.path_of(node)) in _LIBRARY:
                    return True
                return self._is_made(owner, _PATH) and name in _OF_PATHS | {"exists"}
        return False

    def asks(self, node: tree.Node) -> bool:
        """The same of what only a method is called that answers a question."""
        is_known = isinstance(node, tree.Attribute) and node.name in _ASKING - self._declared
        return is_known or self.names(node)

    def ends(self, node: tree.Node) -> bool:
        is_known = isinstance(node, tree.Attribute) and node.name in _ENDING - self._declared
        return is_known or self.names(node)

    def _is_made(self, node: tree.Node, kind: str) -> bool:
        return isinstance(node, tree.Call) and self._file.meant(tree.path_of(node.function)) == kind


def uncalled(file: Known) -> Iterator[Slip]:
    functions = _Functions(file)
    for test in _tests(file):
        for asked in _asked(test):
            if functions.asks(asked):
                yield _slip(asked, "is asked whether it is true, and a function always is", file)
    for compared in nodes(file.module, tree.Compare):
        for op, left, right in zip(compared.ops, compared.operands, compared.operands[1:], strict=False):
            if op in _HOLDS and functions.names(right):
                yield _slip(right, "is looked through: a function holds nothing", file)
            elif op in ("==", "!=") and (text := _method_beside_text(left, right)) is not None:
                yield _slip(text, "is compared with a text, which no function equals", file)
    for loop in nodes(file.module, tree.Loop):
        if functions.names(loop.iterable):
            assert loop.iterable is not None
            yield _slip(loop.iterable, "is gone through: a function holds nothing", file)
    for statement in nodes(file.module, tree.Expression):
        if isinstance(statement.value, tree.Name | tree.Attribute) and functions.ends(statement.value):
            yield _slip(statement.value, "is named here, and not called", file)


def _tests(file: Known) -> Iterator[tree.Node]:
    for kind in (tree.If, tree.Conditional, tree.Loop, tree.Assert):
        for one in nodes(file.module, kind):
            test = getattr(one, "test", None)
            if isinstance(test, tree.Node):
                yield test
    yield from (one for one in nodes(file.module, tree.Unary) if one.op == "not")
    for logic in nodes(file.module, tree.Logic):
        yield from logic.operands[:-1]  # the last is what the expression gives


def _asked(test: tree.Node) -> Iterator[tree.Node]:
    match test:
        case tree.Logic(operands=operands):
            for operand in operands:
                yield from _asked(operand)
        case tree.Unary(op="not", operand=operand):
            yield from _asked(operand)
        case tree.Name() | tree.Attribute():
            yield test


def _method_beside_text(left: tree.Node, right: tree.Node) -> tree.Attribute | None:
    """`value.strip == ""`"""
    for one, other in ((left, right), (right, left)):
        is_text = isinstance(other, tree.Literal) and other.kind == "string"
        if is_text and isinstance(one, tree.Attribute) and one.name in _GIVING_TEXT:
            return one
    return None


def _names(targets: list[tree.Node]) -> Iterator[tree.Name]:
    return (one for target in targets for one in tree.walk(target) if isinstance(one, tree.Name))


def _slip(node: tree.Node, what: str, file: Known) -> Slip:
    return Slip(node, f"{file.text(node)} {what}", "call it", "low", "nobody else has read what this tells yet")
