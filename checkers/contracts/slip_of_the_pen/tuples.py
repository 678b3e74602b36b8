"""A comma behind a value makes a tuple of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.checkers.contracts.slip_of_the_pen.known import Known, Slip
from llmlint.code.domain.whereabouts import innermost_at
from llmlint.code.facts.facts import Function
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import nodes

_SAID_TO_HOLD = re.compile(r"[Tt]uple|[Ll]ist|Sequence|Iterable|Collection|Any|Size|Shape")
_TAKE_ONE_APART = frozenset(
    "len enumerate zip tuple list set frozenset sorted reversed sum map filter iter any all max min".split()
)
_OF_TUPLES = ("index", "count")
_LIKE_SEVERAL = re.compile(r"(?:s|shape|size|grid|dim|axis)$", re.IGNORECASE)
_ONE_BY_ITSELF = (tree.Conditional, tree.Logic, tree.Compare, tree.Format, tree.Comprehension)
_ENUM = re.compile(r"(?:Enum|Flag)$")


def with_a_comma(node: tree.Node, file: Known) -> Iterator[Slip]:
    """`self.size = size,`, and nobody takes it for a tuple."""
    assert isinstance(node, tree.Assign)
    match node:
        case tree.Assign(op="", targets=[target], value=tree.Collection(kind="tuple", items=[item]) as value):
            pass
        case _:
            return
    name = _name(target)
    if isinstance(item, tree.Star | tree.Collection) and getattr(item, "kind", "") != "dict":
        return
    if not file.text(value).endswith(",") or not name or name.endswith("_"):
        return
    if node.annotation is not None and _SAID_TO_HOLD.search(file.text(node.annotation)):
        return
    if _is_unpacked_by_its_class(node, file) or _is_read_as_tuple(node, file):
        return
    many = _is_one_of_several(name, item) or _is_of_an_enum(node, file)
    told = Slip(value, "the comma at the end makes a tuple of it", "take the comma away")
    cls = _class_of(node, file)
    yield told._replace(
        confidence="low" if many else "medium",
        doubts="it may be meant as one of several",
        origin=f"fields of {cls.name}" if cls is not None and not many else "",
    )


def _is_one_of_several(name: str, item: tree.Node) -> bool:
    """By the name; what is asked, a dict and a None are hardly put into a row."""
    alone = isinstance(item, (*_ONE_BY_ITSELF, tree.Collection)) or getattr(item, "kind", "") in ("none", "bool")
    return _LIKE_SEVERAL.search(name) is not None and not alone


def _name(target: tree.Node) -> str:
    match target:
        case tree.Name(id=name) | tree.Attribute(name=name):
            return name
    return ""


def _class_of(node: tree.Node, file: Known) -> tree.Class | None:
    return next((cls for cls in nodes(file.module, tree.Class) if any(node is own for own in cls.body)), None)


def _is_of_an_enum(node: tree.Node, file: Known) -> bool:
    cls = _class_of(node, file)
    return cls is not None and any(_ENUM.search(tree.path_of(base)) for base in cls.bases)


def _is_unpacked_by_its_class(node: tree.Node, file: Known) -> bool:
    """A member of `class Kind(str, Enum)` is `str(*value)`, one of a class with a constructor is handed to that."""
    cls = _class_of(node, file)
    if cls is None or not _is_of_an_enum(node, file):
        return False
    makes = any(isinstance(own, tree.Function) and own.name in ("__init__", "__new__") for own in cls.body)
    return makes or len(cls.bases) > 1 or tree.path_of(cls.bases[0]).rpartition(".")[2] not in ("Enum", "Flag")


def _is_read_as_tuple(node: tree.Assign, file: Known) -> bool:
    """Does the file look into it, here or where it is handed to, or put another tuple into the same place?"""
    place = _Place(node.targets[0], file)
    parts = list(_taken_apart(file))
    if any(one in within for within in (place, *_handed_to(place, file)) for one in parts):
        return True
    others = (other for other in nodes(file.module, tree.Assign) if other is not node)
    return any(
        target in place for other in others for target in other.targets if isinstance(other.value, tree.Collection)
    )


class _Place:
    """A local name of one function, or an attribute anywhere in the file."""

    def __init__(self, target: tree.Node, file: Known, within: Function | None = None) -> None:
        local = within or innermost_at(file.facts, target.line)
        self._name, self._kind = _name(target), type(target)
        whole = local is None or isinstance(target, tree.Attribute)
        self._lines = range(len(file.lines) + 1) if whole or local is None else range(local.line, local.end_line + 1)

    def __contains__(self, one: tree.Node | None) -> bool:
        return one is not None and type(one) is self._kind and _name(one) == self._name and one.line in self._lines


def _handed_to(place: _Place, file: Known) -> Iterator[_Place]:
    """The parameters of functions of the file that it is given to."""
    functions = {function.name: function for function in file.facts.functions}
    for call in nodes(file.module, tree.Call):
        called = functions.get(_name(call.function))
        if called is not None:
            params = [param for param in called.params if param.name not in ("self", "cls")]
            for arg, param in zip(call.args, params, strict=False):
                if arg in place:
                    at = (called.line, 1, called.line, 1)
                    yield _Place(tree.Name(*at, id=param.name), file, called)


def _taken_apart(file: Known) -> Iterator[tree.Node | None]:
    module = file.module
    for index in nodes(module, tree.Index):
        yield from (index.value, index.key)
    yield from (loop.iterable for loop in nodes(module, tree.Loop))
    yield from (part.iterable for part in nodes(module, tree.Generator))
    for star in nodes(module, tree.Star):
        yield star.value
    for call in nodes(module, tree.Call):
        if isinstance(call.function, tree.Attribute) and call.function.name in _OF_TUPLES:
            yield call.function.value
        elif tree.path_of(call.function) in _TAKE_ONE_APART:
            yield from call.args
        yield from (keyword.value for keyword in call.keywords if keyword.name in ("args", ""))
    for binary in nodes(module, tree.Binary):
        if binary.op == "%":
            yield binary.right
        for one, other in ((binary.left, binary.right), (binary.right, binary.left)):
            if isinstance(other, tree.Collection):
                yield one
    for compare in nodes(module, tree.Compare):
        is_held = any(isinstance(one, tree.Collection) for one in compare.operands)
        for op, right in zip(compare.ops, compare.operands[1:], strict=True):
            if op in ("in", "not in"):
                yield right
            elif is_held:
                yield from compare.operands
    for assign in nodes(module, tree.Assign):
        if any(isinstance(target, tree.Collection) for target in assign.targets):
            yield assign.value
