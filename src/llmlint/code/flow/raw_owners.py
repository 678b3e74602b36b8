"""Memory that C and C++ code owns by a plain pointer: where it is made, freed, overwritten and copied, in one file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmlint.code.facts.facts import FileFacts
from llmlint.code.facts.native_tests import inside_casts, place_of
from llmlint.code.flow.native_frees import FREES
from llmlint.code.flow.native_helpers import fields_of
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import by_only_name, functions_of
from llmlint.code.syntax.written import mentions, text_of

_MAKES = frozenset("malloc calloc realloc strdup aligned_alloc".split())
_READING = frozenset("copy copy_n memcpy memmove memset memcmp move fill printf fprintf strlen".split())
_ENDING = re.compile(r"free|release|clear|reset|destroy|close|clean|dealloc|shutdown|deinit", re.IGNORECASE)
_FITS = {"new": "delete", "new[]": "delete[]", "malloc": "free"}
_SMART = re.compile(r"(?:unique_ptr|shared_ptr)<[^\[\]>]+>$")


class Made(NamedTuple):
    """Where a place gets memory (`how`: new, new[] or malloc) or gives it up (delete, delete[] or free)."""

    place: str
    how: str
    at: tree.Node
    function: tree.Function


class Wrong(NamedTuple):
    """`kind` says what is wrong, `why` where it began; `doubt` why it may be none."""

    kind: str
    place: str
    at: tree.Node
    text: str
    why: tree.Node
    because: str
    doubt: str = ""


def wrongs_in(module: tree.Module, facts: FileFacts, lines: Sequence[str]) -> Iterator[Wrong]:
    functions = functions_of(module)
    fields = fields_of(facts)
    made = [one for function in functions for one in _made_in(function)]
    freed = [one for function in functions for one in _freed_in(function, lines)]
    yield from _not_fitting(functions, made, freed, fields)
    owned = {one.place.rpartition(".")[2]: one for one in freed if _is_field(one, fields)}
    for one in made:
        if _is_field(one, fields) and one.place.rpartition(".")[2] in owned:
            yield from _overwritten(one, owned[one.place.rpartition(".")[2]], made, lines)
    yield from _copied(facts, functions, freed, fields)
    yield from _freed_by_destructor_too(functions, freed, fields)


def made_by(value: tree.Node | None) -> str:
    value = inside_casts(value) if value is not None else None
    match value:
        case tree.New(is_placed=False, is_array=is_array):
            return "new[]" if is_array else "new"
        case tree.Call(function=function):
            name = tree.path_of(function)
            return "malloc" if name.removeprefix("std.") in _MAKES else ""
    return ""


def _made_in(function: tree.Function) -> Iterator[Made]:
    fresh: dict[str, Made] = {}
    for node in tree.walk_own(function):
        match node:
            case tree.Assign(targets=[target], value=value, op="") | tree.Named(target=target, value=value, op=""):
                place, how = place_of(target), made_by(value)
                known = fresh.get(place_of(inside_casts(value))) if value is not None else None
                if place and how:
                    fresh[place] = Made(place, how, node, function)
                    yield fresh[place]
                elif place and known is not None and place != known.place:
                    yield Made(place, known.how, node, function)
                else:
                    fresh.pop(place, None)


def _freed_in(function: tree.Function, lines: Sequence[str]) -> Iterator[Made]:
    for node in tree.walk_own(function):
        match node:
            case tree.Delete(targets=targets, is_array=is_array):
                how = "delete[]" if is_array else "delete"
                if "*" not in text_of(node, lines):
                    yield from (Made(place_of(target), how, node, function) for target in targets)
            case tree.Call(function=called, args=[only]) if tree.path_of(called) in FREES:
                if "free" in tree.path_of(called):
                    yield Made(place_of(inside_casts(only)), "free", node, function)


def _is_field(one: Made, fields: dict[str, str]) -> bool:
    """A member that points: of this object, or of another that is named."""
    name = one.place.rpartition(".")[2]
    local = {p.name for p in one.function.params} | _declared_in(one.function)
    return fields.get(name, "").endswith("*") and "[" not in one.place and not (one.place == name and name in local)


def _declared_in(function: tree.Function) -> set[str]:
    return {
        target.id
        for node in tree.walk_own(function)
        if isinstance(node, tree.Assign) and node.declares
        for target in node.targets
        if isinstance(target, tree.Name)
    }


# ---------------------------------------------------------------- made one way, freed another


def _not_fitting(
    functions: list[tree.Function], made: list[Made], freed: list[Made], fields: dict[str, str]
) -> Iterator[Wrong]:
    for function in functions:
        yield from _smart(function)
    ways: dict[tuple[str, str], set[str]] = {}
    for one in made:
        ways.setdefault(_owner(one, fields), set()).add(one.how)
    for one in freed:
        hows = ways.get(_owner(one, fields), set())
        if len(hows) == 1 and one.place and _FITS[how := next(iter(hows))] != one.how:
            first = next(m for m in made if _owner(m, fields) == _owner(one, fields))
            text = f"{one.place} was made by {how}, and {one.how} is given it"
            yield Wrong("mismatch", one.place, one.at, text, first.at, f"it is made by {how} here")


def _owner(one: Made, fields: dict[str, str]) -> tuple[str, str]:
    """A member by its name, a local by its function."""
    if _is_field(one, fields):
        return one.place.rpartition(".")[2], ""
    return one.place, f"{one.function.line}"


def _smart(function: tree.Function) -> Iterator[Wrong]:
    for node in tree.walk_own(function):
        match node:
            case tree.Assign(
                annotation=tree.TypeName(text=text),
                targets=[tree.Name(id=name)],
                value=tree.Call(args=[tree.New(is_array=True) as new]),
            ) if _SMART.search(text):
                says = f"{name} holds an array, and will delete it as one object"
                yield Wrong("mismatch", name, node, says, new, "it is made by new[] here")


# ---------------------------------------------------------------- overwritten


def _overwritten(one: Made, freed: Made, made: list[Made], lines: Sequence[str]) -> Iterator[Wrong]:
    """A member that other code frees gets other memory, and what it held is not freed first."""
    base, _, name = one.place.rpartition(".")
    function = one.function
    if function.name in ("__init__", "__del__") or (base and base in _fresh_in(function)) or _is_realloc(one):
        return
    if _is_let_go(one, lines):
        return
    read = _read_before(one)
    first = next((m for m in made if m.function.name == "__init__" and m.place.rpartition(".")[2] == name), None)
    if read is not None or (first is not None and not base and first.function.namespace == function.namespace):
        why, because = (read, "it is used here, so it holds something") if read is not None else (None, "")
        if why is None and first is not None:
            why, because = first.at, "the constructor gave it memory"
        text = f"{one.place} gets other memory here, and what it held is never freed"
        yield Wrong("overwritten", one.place, one.at, text, why or freed.at, because)


def _is_realloc(one: Made) -> bool:
    value = one.at.value if isinstance(one.at, tree.Assign | tree.Named) else None
    return value is not None and any(
        isinstance(n, tree.Call) and "realloc" in tree.path_of(n.function) for n in tree.walk(value)
    )


def _fresh_in(function: tree.Function) -> set[str]:
    """The locals that the function makes itself: nothing was in them before."""
    fresh = set()
    for node in tree.walk_own(function):
        match node:
            case tree.Assign(targets=[tree.Name(id=name)], value=value, declares=True):
                by_value = isinstance(node.annotation, tree.TypeName) and not node.annotation.text.endswith(("*", "&"))
                inner = inside_casts(value) if value is not None else None
                if made_by(value) or (by_value and not (isinstance(inner, tree.Call | tree.Name | tree.Attribute))):
                    fresh.add(name)
    return fresh


def _is_let_go(one: Made, lines: Sequence[str]) -> bool:
    """Is the place freed, taken, tested for null or handed on before, in this function?"""
    for node in tree.walk_own(one.function):
        if node.line > one.at.line:
            break
        match node:
            case tree.Delete() | tree.If() | tree.Conditional():
                asked: tree.Node = node if isinstance(node, tree.Delete) else node.test
                if mentions(text_of(asked, lines).replace("->", "."), one.place):
                    return True
            case tree.Call(function=function, args=args):
                called = tree.path_of(function)
                base = one.place.rpartition(".")[0]
                handed = [place_of(inside_casts(arg)) for arg in args]
                if one.place in handed and not _only_reads(called):
                    return True
                if (base and base in handed) or (not base and "." not in called and _ends(called)):
                    return True
            case tree.Assign(value=value) | tree.Named(value=value) if value is not None and node is not one.at:
                if place_of(inside_casts(value)) == one.place:
                    return True
    return False


def _only_reads(called: str) -> bool:
    return called.rpartition(".")[2] in _READING


def _ends(called: str) -> bool:
    return bool(_ENDING.search(called))


def _read_before(one: Made) -> tree.Node | None:
    """Where the function has looked into what the place points to before."""
    elsewhere = _in_other_arms(one)
    for node in tree.walk_own(one.function):
        if node.line >= one.at.line:
            return None
        if id(node) in elsewhere:
            continue
        match node:
            case tree.Index(value=value) if place_of(value) == one.place:
                return node
            case tree.Call(function=function, args=args) if _only_reads(tree.path_of(function)):
                if one.place in map(place_of, map(inside_casts, args)):
                    return node
            case tree.Attribute(value=value) if place_of(value) == one.place:
                return node
    return None


def _in_other_arms(one: Made) -> set[int]:
    """What stands in the other arms of the branches around it: no way leads from there to it, but by another round."""
    found: set[int] = set()
    root = one.place.partition(".")[0].partition("[")[0]
    for node in tree.walk_own(one.function):
        if isinstance(node, tree.Loop) and _stands_in(one.at, node) and root not in _declared_below(node):
            return set()
        if isinstance(node, tree.If):
            first, other = ({id(part) for step in arm for part in tree.walk(step)} for arm in (node.body, node.orelse))
            found |= other if id(one.at) in first else first if id(one.at) in other else set()
    return found


def _stands_in(inner: tree.Node, outer: tree.Node) -> bool:
    return any(node is inner for node in tree.walk(outer))


def _declared_below(node: tree.Node) -> set[str]:
    assigned = (part for part in tree.walk(node) if isinstance(part, tree.Assign) and part.declares)
    return {target.id for part in assigned for target in part.targets if isinstance(target, tree.Name)}


# ---------------------------------------------------------------- copied


def _copied(
    facts: FileFacts, functions: list[tree.Function], freed: list[Made], fields: dict[str, str]
) -> Iterator[Wrong]:
    """A class whose destructor frees a member, that may be copied, and is."""
    ends = {}
    for one in freed:
        if one.function.name == "__del__" and _is_field(one, fields):
            ends[one.function.owner or one.function.namespace.rpartition(".")[2]] = one
    for cls in facts.classes if ends else ():
        if cls.name in ends and not _says_how_to_copy(cls.name, functions, facts):
            at = _copy_of(cls.name, facts, functions)
            if at is not None:
                one = ends[cls.name]
                text = f"{cls.name} is copied, and each copy frees the same {one.place}"
                yield Wrong("copied", one.place, at, text, one.at, f"its destructor frees {one.place}")


def _says_how_to_copy(name: str, functions: list[tree.Function], facts: FileFacts) -> bool:
    for function in facts.functions:
        if function.namespace.rpartition(".")[2] == name or function.qualname.startswith(f"{name}."):
            if function.name == "operator=":
                return True
            if function.name == "__init__" and any(
                name in p.annotation and p.annotation.endswith("&") for p in function.params
            ):
                return True
    return False


def _copy_of(name: str, facts: FileFacts, functions: list[tree.Function]) -> tree.Node | None:
    holder = re.compile(rf"(?:vector|deque|optional)<(?:\w+::)*{name}>$")
    by_value = re.compile(rf"^(?:\w+::)*{name}$")
    for function in functions:
        for param in function.params:
            if isinstance(param.annotation, tree.TypeName) and by_value.match(param.annotation.text):
                return param
        for node in tree.walk_own(function):
            match node:
                case tree.Assign(annotation=tree.TypeName(text=text), value=tree.Name() | tree.Index()):
                    if by_value.match(text):
                        return node
                case tree.Call(function=tree.Attribute(value=value, name="push_back")):
                    fields = [f for c in facts.classes for f in c.fields if f.name == place_of(value)]
                    if any(holder.search(field.annotation) for field in fields):
                        return node
    return None


# ---------------------------------------------------------------- the destructor again


def _freed_by_destructor_too(
    functions: list[tree.Function], freed: list[Made], fields: dict[str, str]
) -> Iterator[Wrong]:
    """A method frees a member and leaves it as it was: the destructor frees it once more."""
    for one in freed:
        if one.function.name == "__del__" and one.place in fields and _is_field(one, fields):
            scope = one.function.namespace or one.function.owner
            for other in freed:
                same = (other.function.namespace or other.function.owner) == scope and other.place == one.place
                if same and other.function is not one.function and _leaves(other):
                    text = f"{other.function.name}() frees {other.place} and leaves it: the destructor frees it again"
                    asked = _asked_around(one, functions, fields) - {one.place}
                    doubt = next(
                        (f"it changes {name}, which the destructor asks first" for name in _given_in(other) & asked), ""
                    )
                    yield Wrong("again", other.place, other.at, text, one.at, "the destructor frees it too", doubt)


def _asked_around(one: Made, functions: list[tree.Function], fields: dict[str, str]) -> set[str]:
    """The fields that the tests around a place read, by themselves or by a function of this file."""
    named = by_only_name(functions)
    tests = [n.test for n in tree.walk_own(one.function) if isinstance(n, tree.If) and _stands_in(one.at, n)]
    read = [part for test in tests for part in tree.walk(test)]
    for called in [tree.path_of(part.function).removeprefix("self.") for part in read if isinstance(part, tree.Call)]:
        read += tree.walk_own(named[called]) if called in named else ()
    return {place_of(part).removeprefix("self.") for part in read} & fields.keys()


def _leaves(one: Made) -> bool:
    return one.place not in _given_in(one)


def _given_in(one: Made) -> set[str]:
    """The places that the function around gives a value."""
    return {
        place_of(target)
        for node in tree.walk_own(one.function)
        if isinstance(node, tree.Assign | tree.Named)
        for target in (node.targets if isinstance(node, tree.Assign) else [node.target])
    }
