"""The functions of one C, C++ or CUDA file that hand on what comes from outside: `ReadInt()`, `read<T>(in)`, `read(n)`.

Found by their bodies, and by name: who calls `reader.read(n)` is not asked which class the reader is of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeGuard

from llmlint.code.facts.native_tests import inside_casts, place_of
from llmlint.code.syntax import tree
from llmlint.flows import Flows

_NUMBER = re.compile(
    r"(?:const )?(?:std::)?(?:unsigned |signed |long |short )*(?:int|char|long|short|unsigned|s?size_t|u?int\d+_t)"
)
_ANY_TYPE = re.compile(r"T\w{0,9}")
"""As the types of templates are called."""
_MOST_ROUNDS = 3


class Reader(NamedTuple):
    """`what` as `flows.toml` calls it. `gives`: a number as its result; `fills`: a number in this reference."""

    what: str
    gives: bool = False
    fills: int | None = None
    is_template: bool = False


Readers = dict[str, tuple[Reader, ...]]


def readers_in(functions: Iterable[tree.Function], flows: Flows) -> Readers:
    """By name; one that hands on what another one reads is one, too."""
    found: Readers = {}
    waiting = list(functions)
    for _ in range(_MOST_ROUNDS):
        new = [(function, readers) for function in waiting if (readers := tuple(_of(function, flows, found)))]
        for function, readers in new:
            found[function.name] = (*found.get(function.name, ()), *readers)
        done = [function for function, _ in new]
        waiting = [function for function in waiting if not any(function is one for one in done)]
        if not new:
            break
    return found


def number_given_by(call: tree.Call, readers: Readers) -> str:
    """What the number is that a call gives, "" where it gives none that was read."""
    named = readers.get(tree.path_of(call.function).rpartition(".")[2], ())
    written = call.template.strip("<> ")
    for reader in named:
        if reader.gives and (not reader.is_template or not written or is_number(written)):
            return reader.what
    return ""


def references_filled_by(call: tree.Call, readers: Readers) -> Iterator[tuple[str, str]]:
    """The places that a call fills, each with what the number is."""
    for reader in readers.get(tree.path_of(call.function).rpartition(".")[2], ()):
        if reader.fills is not None and reader.fills < len(call.args):
            place = place_of(call.args[reader.fills])
            if place:
                yield place, reader.what


def is_number(written: str) -> bool:
    return bool(_NUMBER.fullmatch(written.removesuffix("&").strip()))


def numbers_filled(call: tree.Call) -> Iterator[str]:
    """The numbers that a call writes: those whose size it is told, the first whose address it gets, or all as bytes."""
    targets = [(arg, inner.operand) for arg in call.args if _is_address(inner := inside_casts(arg))]
    places = [place for _, operand in targets if (place := place_of(operand))]
    others = {place for arg in call.args if (place := place_of(inside_casts(arg)))}
    sizes = [arg for arg in call.args if _is_size(arg) and others.isdisjoint(_measured_by(arg))]
    told = [p for p in places if any(p in map(place_of, size.args) for size in sizes if isinstance(size, tree.Call))]
    if "scanf" in tree.path_of(call.function):
        yield from places
    elif sizes:
        yield from told or places[:1]
    else:
        yield from (place_of(operand) for arg, operand in targets if _is_as_bytes(arg) and place_of(operand))


def _is_address(node: tree.Node) -> TypeGuard[tree.Unary]:
    return isinstance(node, tree.Unary) and node.op == "&"


def _is_as_bytes(node: tree.Node) -> bool:
    """`reinterpret_cast<char *>(&value)`, as streams want it."""
    return isinstance(node, tree.Call) and "char" in node.template


def _is_size(node: tree.Node) -> bool:
    if isinstance(node, tree.Call):
        return tree.path_of(node.function) == "sizeof"
    return isinstance(node, tree.Literal) and node.kind == "int" and node.text != "0"


def _measured_by(size: tree.Node) -> Iterator[str]:
    """What `sizeof` is asked of."""
    return (place for arg in size.args if (place := place_of(arg))) if isinstance(size, tree.Call) else iter(())


def _of(function: tree.Function, flows: Flows, known: Readers) -> Iterator[Reader]:
    returns = _written(function.returns)
    gives_a_number = is_number(returns) or bool(_ANY_TYPE.fullmatch(returns))
    references = [(at, bare) for at, param in enumerate(function.params) if (bare := _number_referred_to(param))]
    if not gives_a_number and not references:
        return
    filled: dict[str, str] = {}
    for node in tree.walk_own(function):
        if isinstance(node, tree.Call):
            what = flows.fills.find(tree.path_of(node.function))
            filled |= dict.fromkeys(numbers_filled(node), what[0]) if what else {}
            filled |= dict(references_filled_by(node, known))
    for node in tree.walk_own(function) if filled else ():
        if isinstance(node, tree.Assign) and node.value is not None and len(node.targets) == 1:
            made_of = _made_of(inside_casts(node.value), flows)
            if made_of in filled:
                filled[place_of(node.targets[0])] = filled[made_of]
    for bounded in _bounded_in(function) if filled else ():
        filled.pop(bounded, None)
    if gives_a_number:
        for given in _returned(function, filled, flows, known):
            yield Reader(given, gives=True, is_template=not is_number(returns))
    for at, bare in references:
        if (name := function.params[at].name) in filled:
            yield Reader(filled[name], fills=at, is_template=not is_number(bare))


def _bounded_in(function: tree.Function) -> Iterator[str]:
    """The places that a branch of the function compares with something larger: what it hands on is checked."""
    branches = (node for node in tree.walk_own(function) if isinstance(node, tree.If | tree.Conditional))
    for node in (inner for branch in branches for inner in tree.walk(branch.test)):
        match node:
            case tree.Compare(operands=[left, right], ops=["<" | "<=" | ">" | ">="]):
                for one, other in ((left, right), (right, left)):
                    if not isinstance(other, tree.Literal) or other.text not in ("0", "1"):
                        yield place_of(inside_casts(one))


def _number_referred_to(param: tree.Parameter) -> str:
    """The type of a number, or of anything, that a function may fill by reference; "" for another."""
    written = _written(param.annotation)
    bare = written.removesuffix("&").strip()
    may_fill = written.endswith("&") and not written.startswith("const")
    return bare if may_fill and (is_number(bare) or _ANY_TYPE.fullmatch(bare)) else ""


def _made_of(value: tree.Node, flows: Flows) -> str:
    """The place whose number this is, also in the machine's order of bytes: `le32toh(raw)`."""
    if isinstance(value, tree.Call) and len(value.args) == 1 and flows.gives.find(tree.path_of(value.function)):
        value = inside_casts(value.args[0])
    return place_of(value)


def _returned(function: tree.Function, filled: dict[str, str], flows: Flows, known: Readers) -> Iterator[str]:
    for node in tree.walk_own(function):
        value = inside_casts(node.value) if isinstance(node, tree.Return) and node.value is not None else None
        if isinstance(value, tree.Call):
            named = flows.gives.find(tree.path_of(value.function))
            given = named[0] if named and value.args else number_given_by(value, known)
            if given:
                yield given
                return
        elif value is not None and place_of(value) in filled:
            yield filled[place_of(value)]
            return


def _written(kind: tree.Node | None) -> str:
    return kind.text if isinstance(kind, tree.TypeName) else ""
