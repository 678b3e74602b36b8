"""LLM956: a guard that lets through exactly what it should hold back.

A place gets its first value only where it has one already. An entry is dropped, or a block freed, while something is
left in it. Something is taken out where there is room. The size itself is let through as an index. A comparison that a
minimum or a maximum, or the one beside it, has decided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from llmlint.checkers.values.never_begun import never_begun
from llmlint.checkers.values.size_let_through import size_let_through
from llmlint.code.domain.spots import is_part, key_of, spot
from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.code.syntax.written import text_of
from llmlint.findings import Report, Step
from llmlint.vocabulary import Vocabulary

_NEAR = 3
"""So many statements behind a removal a test of what is left still speaks of it."""
_TAKES = frozenset({"pop", "popitem", "discard", "remove", "erase", "popleft", "pop_front", "pop_back"})
_DROPS = frozenset({"pop", "erase", "remove", "discard"})
_BOUNDS = {"min": ("<=", ">"), "max": (">=", "<")}


class _Found(NamedTuple):
    at: tree.Node
    message: str
    steps: tuple[tuple[int, str], ...]
    fix: str
    confidence: str = "medium"
    mechanism: str = ""


def check_file(file: SourceFile) -> Iterator[Report]:
    for check in _CHECKS:
        for one in check(file):
            yield _report(file, one)


# ---------------------------------------------------------------- begun only where it has begun


def _begun_only_where_begun(file: SourceFile) -> Iterator[_Found]:
    for place, begins, test, at in never_begun(file):
        yield _Found(
            at,
            f"{place} begins with nothing and gets something only where it has something already: it never does",
            (
                (begins, f"{place} begins with nothing"),
                (test.line, "the test asks for something"),
                (at.line, "put there"),
            ),
            "ask whether it has nothing yet",
        )


# ---------------------------------------------------------------- one place behind the last


def _size_let_through(file: SourceFile) -> Iterator[_Found]:
    for guard in size_let_through(file):
        used = () if guard.used is None else ((guard.used.line, f"read at {guard.place}"),)
        yield _Found(
            guard.at,
            f"{guard.place} may be {guard.size} itself here, and the last place stands one before",
            ((guard.at.line, f"refuses only what is above {guard.size}"), *used),
            f"refuse {guard.place} >= {guard.size}",
            "low",
            "guard_turned_round.size_let_through",
        )


# ---------------------------------------------------------------- dropped while something is left in it


def _dropped_while_filled(file: SourceFile) -> Iterator[_Found]:
    for body in _blocks(file):
        for at, statement in enumerate(body):
            if not (left := _reduced(statement)):
                continue
            for test in body[at + 1 : at + 1 + _NEAR]:
                if not isinstance(test, tree.If) or not _says_left(test.test, left):
                    continue
                dropped = next((d for s in test.body if (d := _drops(s)) and _holds(d, left, body)), "")
                dropped = dropped or next((d for s in test.body if (d := _frees(s, left, file.vocabulary))), "")
                if dropped:
                    yield _Found(
                        test,
                        f"{dropped} is dropped while something is left in {left}, and kept when nothing is",
                        (
                            (statement.line, f"one is taken out of {left}"),
                            (test.line, f"the test: something is left in {left}"),
                        ),
                        "turn the test round: drop it when nothing is left",
                    )


def _blocks(file: SourceFile) -> Iterator[list[tree.Node]]:
    for function in nodes(file.tree, tree.Function):
        yield function.body or []
    for kind in (tree.If, tree.Loop, tree.With, tree.Try, tree.Block):
        for node in nodes(file.tree, kind):
            yield node.body  # type: ignore[attr-defined]
            if isinstance(node, tree.If):
                yield node.orelse


def _reduced(statement: tree.Node) -> str:
    """The place that a statement takes one thing, or a number, out of."""
    match statement:
        case tree.Expression(value=tree.Call(function=tree.Attribute(value=value, name=name))) if name in _TAKES:
            return spot(value)
        case tree.Assign(value=tree.Call(function=tree.Attribute(value=value, name=name))) if name in _TAKES:
            return spot(value)
        case tree.Delete(targets=[tree.Index(value=value)]):
            return spot(value)
        case tree.Assign(targets=[target], op="-"):
            return spot(target)
        case tree.Expression(value=tree.Unary(op="--", operand=operand)):
            return spot(operand)
    return ""


def _says_left(test: tree.Node, place: str) -> bool:
    match test:
        case tree.Compare(operands=[left, tree.Literal(text="0")], ops=[">" | "!="]):
            return spot(_counted(left)) == place
        case tree.Unary(op="not" | "!", operand=tree.Call(function=tree.Attribute(value=value, name="empty"))):
            return spot(value) == place
    return spot(test) == place


def _counted(node: tree.Node) -> tree.Node:
    match node:
        case tree.Call(function=tree.Name(id="len"), args=[value]):
            return value
        case tree.Call(function=tree.Attribute(value=value, name="size")):
            return value
    return node


def _drops(statement: tree.Node) -> str:
    """`table[key]`, or `table[it]` of what an iterator stands at."""
    match statement:
        case tree.Delete(targets=[tree.Index(value=value, key=key)]):
            return f"{spot(value)}[{key_of(key)}]"
        case tree.Expression(value=tree.Call(function=tree.Attribute(value=value, name=name), args=[key, *_])):
            return f"{spot(value)}[{key_of(key)}]" if name in _DROPS and key_of(key) else ""
    return ""


def _frees(statement: tree.Node, left: str, words: Vocabulary) -> str:
    """`free(block)` of a block whose users were counted down."""
    owner = left.rpartition(".")[0]
    match statement:
        case tree.Expression(value=tree.Call(function=tree.Attribute() | tree.Name() as function, args=[given])):
            path = tree.path_of(function).split(".")
            frees = words.is_terminal(path[-1]) or (len(path) > 1 and "free" in path[-2])
            return owner if owner and owner != "self" and spot(given) == owner and frees else ""
        case tree.Delete(targets=[target]):
            return owner if owner and spot(target) == owner else ""
    return ""


def _holds(dropped: str, left: str, body: Sequence[tree.Node]) -> bool:
    """Is what was reduced in the entry that is dropped: by its name, by the iterator, or by a look-up above?"""
    table, _, key = dropped.removesuffix("]").partition("[")
    if not table or is_part(left, dropped) or is_part(left, f"{key}.second"):
        return bool(table)
    for node in body:
        match node:
            case tree.Assign(targets=[target], value=value) if spot(target) == left.partition(".")[0]:
                match value:
                    case tree.Call(
                        function=tree.Attribute(value=whole, name="get" | "at" | "setdefault"), args=[at, *_]
                    ):
                        return spot(whole) == table and key_of(at) == key
                    case tree.Index():
                        return spot(value) == dropped
                    case tree.Attribute(value=iterator, name="second"):
                        return spot(iterator) == key
    return False


# ---------------------------------------------------------------- taken out while there is room


def _taken_while_there_is_room(file: SourceFile) -> Iterator[_Found]:
    """`while len(cache) < limit: cache.popitem()`, and what is thrown out while it is younger than it may get."""
    branches: list[tree.If | tree.Loop] = [*nodes(file.tree, tree.If), *nodes(file.tree, tree.Loop)]
    for node in branches:
        if not isinstance(node.test, tree.Compare) or len(node.test.ops) != 1 or node.test.ops[0] not in ("<", "<="):
            continue
        left, right = node.test.operands
        if _counted(left) is left or isinstance(right, tree.Literal):
            continue
        full = spot(_counted(left))
        if full and node.body and _reduced(node.body[0]) == full:
            yield _Found(
                node.test,
                f"{full} is made smaller where the test says that there is room in it",
                ((node.test.line, f"the test: {full} is below its limit"), (node.body[0].line, "one is taken out")),
                "turn the comparison round",
            )


def _asks_for_two_at_once(file: SourceFile) -> Iterator[_Found]:
    """`kind != "a" or kind != "b"` is always true, `kind == "a" and kind == "b"` never."""
    logics = nodes(file.tree, tree.Logic)
    lines = file.text.split("\n") if logics else []
    enumerations = {cls.name for cls in file.facts.classes if any(base.endswith("Enum") for base in cls.bases)}
    for logic in logics:
        op = "!=" if logic.op == "or" else "=="
        said: dict[tuple[str, str], list[str]] = {}
        for operand in logic.operands:
            match operand:
                case tree.Compare(operands=[left, right], ops=[asked]) if asked == op and (
                    kind := _kind_of(right, enumerations)
                ):
                    place = spot(left) if "<" not in text_of(left, lines) else ""  # `bits_of<A>` is not `bits_of<B>`
                    texts = said.setdefault((place, kind), [])
                    text = right.text if isinstance(right, tree.Literal) else text_of(right, lines)
                    texts += [text] if text not in texts else []
        for (place, _), texts in said.items():
            if place and len(texts) > 1:
                always = "always" if op == "!=" else "never"
                yield _Found(
                    logic,
                    f"{always} true: {place} is compared with {', with '.join(texts[:-1])} and with {texts[-1]}",
                    ((logic.line, f"`{op}` joined by `{logic.op}`"),),
                    "join the two the other way",
                    mechanism="guard_turned_round.two_at_once",
                )


def _kind_of(value: tree.Node, enumerations: Collection[str]) -> str:
    """Of what differs where it is written differently: a literal's kind, or the enumeration that a member is of. One
    of another file is known by how both are written."""
    match value:
        case tree.Literal(kind="string" | "int" | "char" as kind):
            return kind
        case tree.Attribute(value=owner, name=name):
            enumeration = tree.path_of(owner)
            last = enumeration.rpartition(".")[2]
            looks_it = name.isupper() and last[:1].isupper() and not last.isupper()
            return enumeration if enumeration in enumerations or looks_it else ""
    return ""


# ---------------------------------------------------------------- decided by a minimum or a maximum


def _decided(file: SourceFile) -> Iterator[_Found]:
    """`n = min(size, room)`, and then `n <= size`."""
    called = [n.value for n in nodes(file.tree, tree.Assign) if isinstance(n.value, tree.Call)]
    called += [n.value for n in nodes(file.tree, tree.Return) if isinstance(n.value, tree.Call)]
    bounding = [call.line for call in called if _limits(call)]
    compares = [node for node in nodes(file.tree, tree.Compare) if len(node.ops) == 1] if bounding else []
    functions = nodes(file.tree, tree.Function) if bounding else []
    bounds = {f.name: bound for f in functions if _holds_one(f, bounding) and (bound := _bounded_result(f))}
    marked = bounding + [call.line for call in called if tree.path_of(call.function).rpartition(".")[2] in bounds]
    for function in functions:
        for name, node, limits in _bound_locals(function, bounds) if _holds_one(function, marked) else ():
            for compare in compares:
                if node.line < compare.line <= function.end_line:
                    yield from _check_compare(function, name, node, compare, limits)


def _holds_one(function: tree.Function, lines: Sequence[int]) -> bool:
    return any(function.line <= line <= function.end_line for line in lines)


def _bound_locals(
    function: tree.Function, bounds: dict[str, tuple[tree.Function, str, list[str]]]
) -> Iterator[tuple[str, tree.Assign, tuple[str, list[str]]]]:
    for node in tree.walk_own(function):
        match node:
            case tree.Assign(targets=[tree.Name(id=name)], value=tree.Call() as call, op=""):
                if limits := _limits(call):
                    yield name, node, limits
                elif (callee := tree.path_of(call.function).rpartition(".")[2]) in bounds:
                    yield name, node, _as_called(call, *bounds[callee])


def _limits(call: tree.Call) -> tuple[str, list[str]] | None:
    which = tree.path_of(call.function).rpartition(".")[2].lower()
    if which not in _BOUNDS or len(call.args) < 2 or call.keywords:
        return None
    return which, [place for arg in call.args if (place := spot(arg))]


def _bounded_result(function: tree.Function) -> tuple[tree.Function, str, list[str]] | None:
    """A function that gives back a minimum, perhaps made smaller still."""
    own = list(tree.walk_own(function))
    given = [node for node in own if isinstance(node, tree.Return)]
    if len(given) != 1 or not isinstance(given[0].value, tree.Name | tree.Call):
        return None
    value = given[0].value
    if isinstance(value, tree.Call):
        limits = _limits(value)
        return (function, *limits) if limits else None
    bound: tuple[str, list[str]] | None = None
    for node in own:
        match node:
            case tree.Assign(targets=[tree.Name(id=name)], value=tree.Call() as call, op="") if name == value.id:
                if bound is not None or (bound := _limits(call)) is None:
                    return None
            case tree.Assign(targets=[tree.Name(id=name)], op=op) if name == value.id:
                if bound is None or (bound[0], op) not in (("min", "-"), ("max", "+")):
                    return None
    return (function, *bound) if bound else None


def _as_called(call: tree.Call, function: tree.Function, which: str, limits: list[str]) -> tuple[str, list[str]]:
    """The limits in the words of the caller."""
    names = [param.name for param in function.params if param.name not in ("self", "cls")]
    given = dict(zip(names, map(spot, call.args), strict=False))
    said = []
    for limit in limits:
        root, dot, rest = limit.partition(".")
        if root == "self" or given.get(root):
            said.append(f"{given.get(root, root)}{dot}{rest}")
    return which, said


def _check_compare(
    function: tree.Function, name: str, made: tree.Assign, compare: tree.Compare, limits: tuple[str, list[str]]
) -> Iterator[_Found]:
    which, places = limits
    left, right = map(spot, compare.operands)
    op = compare.ops[0]
    if right == name:
        left, right, op = right, left, {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op)
    if left != name or right not in places or op not in _BOUNDS[which]:
        return
    if _changed_between(function, (name, right), made, compare) or _only_guards(function, compare):
        return
    always = op == _BOUNDS[which][0]
    yield _Found(
        compare,
        f"{'always' if always else 'never'} true: {name} is a {which}imum that {right} is part of",
        (
            (made.line, f"{name} is at {'most' if which == 'min' else 'least'} {right}"),
            (compare.line, f"{left} {op} {right}"),
        ),
        "compare the other way, or with ==",
    )


def _changed_between(function: tree.Function, places: tuple[str, str], made: tree.Node, compare: tree.Node) -> bool:
    for node in tree.walk_own(function):
        if made.end_line < node.line <= compare.line or (node.line == made.line and node is not made):
            targets = (
                node.targets if isinstance(node, tree.Assign) else [node.target] if isinstance(node, tree.Named) else []
            )
            if any(is_part(place, changed) for t in targets if (changed := spot(t)) for place in places):
                return True
    return any(
        isinstance(n, tree.Loop)
        and n.line > made.line
        and n.line <= compare.line <= n.end_line
        and any(isinstance(a, tree.Assign) and spot(a.targets[0]) in places for a in tree.walk(n))
        for n in tree.walk_own(function)
    )


def _only_guards(function: tree.Function, compare: tree.Compare) -> bool:
    """An assertion, or a test of what cannot be that raises or cuts: it does no harm."""
    for node in tree.walk_own(function):
        if isinstance(node, tree.Assert) and node.line <= compare.line <= node.end_line:
            return True
        if isinstance(node, tree.If) and any(below is compare for below in tree.walk(node.test)):
            return any(isinstance(n, tree.Raise) for n in node.body) or len(node.body) == 1
        if isinstance(node, tree.Conditional) and node.test is compare and _is_their_difference(node.body, compare):
            return True
    return False


def _is_their_difference(value: tree.Node, compare: tree.Compare) -> bool:
    """`a >= b ? a - b : 0`: a difference that must not turn round."""
    if not isinstance(value, tree.Binary) or value.op != "-":
        return False
    return {spot(value.left), spot(value.right)} == set(map(spot, compare.operands))


_CHECKS = (
    _begun_only_where_begun,
    _size_let_through,
    _dropped_while_filled,
    _taken_while_there_is_room,
    _asks_for_two_at_once,
    _decided,
)


def _report(file: SourceFile, found: _Found) -> Report:
    return Report(
        place_of(found.at),
        qualname_at(file.facts, found.at.line),
        found.message,
        tuple(Step("", line, said) for line, said in found.steps),
        confidence=found.confidence,
        reason="the test and what stands under it cannot both be meant",
        subject=found.message,
        fix=found.fix,
        mechanism=found.mechanism,
    )
