"""Places of C, C++ and CUDA code as text, and what a test tells of them on its tree."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.syntax import tree

BELOW, ABOVE, EQUAL, UNLIKE, SET, UNSET, ASKED = "below", "above", "equal", "unlike", "set", "unset", "asked"
"""What a test told of a place. ASKED stays when the ways join again: somebody thought of it."""

RULES_OUT = {EQUAL: UNLIKE, UNLIKE: EQUAL, SET: UNSET, UNSET: SET}
"""What cannot be true together; a place may well be bounded from both sides."""

OPPOSITE = {BELOW: ABOVE, ABOVE: BELOW, EQUAL: UNLIKE, UNLIKE: EQUAL, SET: UNSET, UNSET: SET}
_TOLD = {"<": BELOW, "<=": BELOW, ">": ABOVE, ">=": ABOVE, "==": EQUAL, "!=": UNLIKE}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NULLS = frozenset({"NULL", "nullptr", "0"})


_PLACES = frozenset({tree.Name, tree.Attribute, tree.Index, tree.Unary, tree.Cast, tree.Call, tree.Collection})


def place_of(node: tree.Node | None) -> str:
    """A place as text, the same for the same place: unlike an access path it keeps the index. "" for anything else."""
    if type(node) not in _PLACES:
        return ""
    match node:
        case tree.Name(id=name):
            return name
        case tree.Attribute(value=value, name=name):
            base = place_of(value)
            return f"{base}.{name}" if base else ""
        case tree.Index(value=value, key=key):
            base, index = place_of(value), key.text if isinstance(key, tree.Literal) else place_of(key)
            return f"{base}[{index}]" if base and index else ""
        case tree.Unary(op="*", operand=operand):
            base = place_of(operand)
            return f"*{base}" if base else ""
        case tree.Cast(value=value):
            return place_of(value)
        case tree.Call(function=function, args=[]):
            base = place_of(function)
            return f"{base}()" if base else ""
        case tree.Collection(kind="tuple", items=[only]):
            return place_of(only)
    return ""


def inside_casts(node: tree.Node) -> tree.Node:
    """An expression without the casts around it: `(size_t) n`, `static_cast<int>(n)`, `size_t(n)`."""
    while True:
        match node:
            case tree.Cast(value=value):
                node = value
            case tree.Call(function=tree.Name(id=name), args=[only]) if name in _CASTS or name.endswith("_t"):
                node = only
            case tree.Collection(kind="tuple", items=[only]):
                node = only
            case _:
                return node


_CASTS = frozenset("static_cast reinterpret_cast const_cast int long unsigned short char float double bool".split())


def cast_to(node: tree.Node) -> str:
    """The type to which a cast makes its value: `(float) n`, `static_cast<float>(n)`, `float(n)`; "" for no cast."""
    match node:
        case tree.Cast(type=tree.TypeName(text=text)):
            return text
        case tree.Call(function=tree.Name(id=name), args=[_]) if name in _CASTS or name.endswith("_t"):
            return node.template if name.endswith("_cast") else name
    return ""


# ---------------------------------------------------------------- what a test tells


def told_by(test: tree.Node, holds: bool) -> Iterator[tuple[str, str, tree.Node]]:
    """Each place that a test speaks of, and what is known of it where the test holds (or does not)."""
    match test:
        case tree.Unary(op="not", operand=operand):
            yield from told_by(operand, not holds)
        case tree.Logic(op=op, operands=operands):
            for operand in operands:
                if holds == (op == "and"):
                    yield from told_by(operand, holds)
                else:
                    yield from ((place, ASKED, at) for place, _, at in told_by(operand, holds))
        case tree.Compare(operands=[left, right], ops=[op]):
            yield from _compared(left, op, right, holds, test)
            yield from _compared(right, _TURNED.get(op, op), left, holds, test)
        case tree.Named(target=target) | tree.Assign(targets=[target]):
            yield place_of(target), SET if holds else UNSET, test
        case tree.Call(function=function, args=args):
            name = tree.path_of(function).rpartition(".")[2]
            if name in _LIKELY and args:
                yield from told_by(args[0], holds)
                return
            if place_of(test):
                yield place_of(test), SET if holds else UNSET, test
            receiver = function.value if isinstance(function, tree.Attribute) else None
            for part in (*args, *([receiver] if receiver is not None else [])):
                yield from ((place, ASKED, test) for place in _places_in(part))
        case _:
            inner = inside_casts(test)
            if place_of(inner):
                yield place_of(inner), SET if holds else UNSET, test
            elif inner is not test:
                yield from told_by(inner, holds)
            else:
                yield from ((place, ASKED, test) for place in _places_in(test))


_LIKELY = frozenset({"likely", "unlikely", "__builtin_expect", "LIKELY", "UNLIKELY", "GGML_LIKELY", "GGML_UNLIKELY"})


def _compared(
    one: tree.Node, op: str, other: tree.Node, holds: bool, test: tree.Node
) -> Iterator[tuple[str, str, tree.Node]]:
    one = inside_casts(one)
    if isinstance(one, tree.Named):
        one = one.target
    place = place_of(one)
    told = _TOLD.get(op, ASKED)
    if place and is_nothing(other) and told in (EQUAL, UNLIKE):
        yield place, SET if (told == UNLIKE) == holds else UNSET, test
    elif place:
        yield place, told if holds else OPPOSITE.get(told, told), test
    of_parts = told if holds else OPPOSITE.get(told, told)
    if of_parts in (BELOW, ABOVE) or (of_parts == EQUAL and not is_nothing(other)):
        yield from ((part, of_parts, test) for part in _added_up(one))  # a bound of a sum bounds its parts
    if not place or isinstance(one, tree.Attribute | tree.Index | tree.Call):
        at = one if isinstance(one, tree.Call) else test
        yield from ((inner, ASKED, at) for inner in _places_in(one) if inner != place)


def _added_up(node: tree.Node) -> Iterator[str]:
    """The places that a sum is made of; none for what is no sum."""
    if isinstance(node, tree.Binary) and node.op == "+":
        for part in map(inside_casts, (node.left, node.right)):
            place = place_of(part)
            yield from (place,) if place else _added_up(part)


def is_nothing(node: tree.Node) -> bool:
    """Null, or the end that a search gives where it finds nothing."""
    node = inside_casts(node)
    if isinstance(node, tree.Call) and not node.args:
        return tree.path_of(node.function).rpartition(".")[2] in ("end", "cend")
    return (isinstance(node, tree.Literal) and (node.kind == "none" or node.text == "0")) or (
        isinstance(node, tree.Name) and node.id in _NULLS
    )


def truth_of(value: tree.Node | None) -> str:
    """Is a test of this value true or false? "" where nobody can say."""
    value = inside_casts(value) if value is not None else None
    if value is None or is_nothing(value):
        return UNSET if value is not None else ""
    match value:
        case tree.Literal(kind="bool", text=text):
            return SET if text.lower() == "true" else UNSET
        case tree.Literal(kind="int"):
            return SET
    return ""


def _places_in(node: tree.Node) -> Iterator[str]:
    """The places an expression reads, the outermost of each first; not those a place is reached by."""
    place = place_of(node)
    if place:
        yield place
    for child in tree.children(node):
        yield from _places_in(child)
