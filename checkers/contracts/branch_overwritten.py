"""LLM914: what a branch chose is written over right behind the branching, before anybody has read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.facts.bodies.scope import is_within
from llmlint.code.facts.facts import FileFacts
from llmlint.code.facts.facts import Function as FunctionFacts
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.code.syntax.written import text_of
from llmlint.findings import Report, Step

_NEAR = 6
"""So many statements behind the branching the place is still the same thought."""

_GIVING = ("bind", "assign", "clear")
_LEAVES = (tree.Return, tree.Raise, tree.Jump)
_INNER = (tree.Function, tree.Lambda, tree.Class)
_NOTHING = frozenset({"nullptr", "NULL", "None", "true", "false"})


def check_file(file: SourceFile) -> Iterator[Report]:
    wanted = {f.line for f in file.facts.functions if f.name != "<module>" and _may_overwrite(f)}
    lines = file.text.split("\n") if wanted else []
    for function in nodes(file.tree, tree.Function) if wanted else ():
        for block in _blocks(function.body or []) if function.line in wanted else ():
            for at, branching in enumerate(block):
                if isinstance(branching, tree.If) and not _leaves(branching):
                    yield from _check(file.facts, lines, branching, block[at + 1 : at + 1 + _NEAR])


def _may_overwrite(function: FunctionFacts) -> bool:
    """Is a place given a value in a branch, and then another one in the block around it?"""
    given: dict[str, set[int]] = {}
    for effect in function.effects:
        if effect.op in _GIVING and effect.via in ("", "=", "declare"):
            if effect.region in given.get(effect.path, ()):
                return True
            region = function.regions[effect.region]
            while region.kind in ("if", "else"):
                given.setdefault(effect.path, set()).add(region.parent)
                region = function.regions[region.parent]
    return False


def _blocks(body: list[tree.Node]) -> Iterator[list[tree.Node]]:
    waiting = [body]
    while waiting:
        block = waiting.pop()
        yield block
        for statement in block:
            inner = (getattr(statement, part, None) for part in ("body", "orelse", "final"))
            waiting += [one for one in inner if isinstance(one, list) and not isinstance(statement, _INNER)]


def _leaves(branching: tree.If) -> bool:
    """Does a branch go elsewhere at its end? Then what stands behind is not for all."""
    return any(map(_ends_away, _branches(branching)))


def _ends_away(body: Sequence[tree.Node]) -> bool:
    last = body[-1] if body else None
    if isinstance(last, tree.If):
        return all(map(_ends_away, _branches(last)))
    return isinstance(last, _LEAVES)


def _refuses(statement: tree.Node, place: str) -> bool:
    """Is it `if made is None: return`? That asks only whether there is a value."""
    if not isinstance(statement, tree.If) or statement.orelse or not _leaves(statement):
        return False
    match statement.test:
        case tree.Unary(op="not" | "!", operand=asked):
            return tree.path_of(asked) == place
        case tree.Compare(operands=[asked, other], ops=["is" | "=="]):
            is_none = isinstance(other, tree.Literal) and other.kind == "none"
            return tree.path_of(asked) == place and (is_none or tree.path_of(other) in _NOTHING)
    return False


def _check(facts: FileFacts, lines: Sequence[str], branching: tree.If, behind: Sequence[tree.Node]) -> Iterator[Report]:
    chosen = _chosen(branching)
    for after in behind:
        place = _assigned(after)
        if isinstance(after, tree.Assign) and place in chosen and after.value is not None:
            first = _other(lines, chosen[place], after)
            if first is not None and not _reads(after.value, place):
                yield _report(facts, place, branching, first, after)
        chosen = {name: given for name, given in chosen.items() if name != place and not _reads(after, name)}
        if not chosen or isinstance(after, tree.Loop | tree.Try | tree.With | tree.Switch | tree.Label):
            return


def _chosen(branching: tree.If) -> dict[str, list[tree.Assign]]:
    """The places that branches give a value which nothing further down in the branch reads."""
    found: dict[str, list[tree.Assign]] = {}
    for body in _branches(branching):
        for at, statement in enumerate(body if not _ends_away(body) else ()):
            for place, given in _given(statement).items():
                if not any(_reads(node, place) for node in body[at + 1 :] if not _refuses(node, place)):
                    found.setdefault(place, []).extend(given)
    tests = list(_tests(branching))
    return {place: given for place, given in found.items() if not any(_reads(test, place) for test in tests)}


def _given(statement: tree.Node) -> dict[str, list[tree.Assign]]:
    if isinstance(statement, tree.If):
        return _chosen(statement)
    if not isinstance(statement, tree.Assign) or statement.value is None or _is_nothing(statement.value):
        return {}
    value = statement.value
    return {place: [statement] for place in _all_assigned(statement) if not _reads(value, place)}


def _branches(branching: tree.If) -> Iterator[list[tree.Node]]:
    yield branching.body
    if (following := tree.else_if(branching)) is not None:
        yield from _branches(following)
    else:
        yield branching.orelse


def _tests(branching: tree.If) -> Iterator[tree.Node]:
    yield branching.test
    if (following := tree.else_if(branching)) is not None:
        yield from _tests(following)


def _assigned(statement: tree.Node) -> str:
    """The one place that a plain assignment gives a value."""
    is_plain = isinstance(statement, tree.Assign) and not statement.op and not statement.declares
    return _place(statement.targets[0]) if is_plain and len(statement.targets) == 1 else ""  # type: ignore[attr-defined]


def _all_assigned(statement: tree.Assign) -> list[str]:
    """The same with what stands in `a, b = f()`."""
    if statement.op or statement.declares or len(statement.targets) != 1:
        return []
    target = statement.targets[0]
    parts = target.items if isinstance(target, tree.Collection) else [target]
    return [place for place in map(_place, parts) if place and place != "_"]


def _place(target: tree.Node) -> str:
    place = tree.path_of(target) if isinstance(target, tree.Name | tree.Attribute) else ""
    return "" if "[" in place or "(" in place else place


def _is_nothing(value: tree.Node | None) -> bool:
    """A beginning: whoever writes it means to write over it."""
    match value:
        case None | tree.Literal() | tree.Unary(operand=tree.Literal()):
            return True
        case tree.Name(id=name):
            return name in _NOTHING
        case tree.Collection(items=items):
            return not items
    return False


def _reads(node: tree.Node, place: str) -> bool:
    """Is the place read, or, where it is a member (by its underscore in C++ too), may a call read it?"""
    targets = set(map(id, node.targets)) if isinstance(node, tree.Assign) and not node.op else set()
    for inner in tree.walk(node, into=lambda n: id(n) not in targets):
        if isinstance(inner, tree.Lambda | tree.Function | tree.Assert):
            return True
        if isinstance(inner, tree.Expression) and isinstance(inner.value, tree.Name):
            return True  # a name that does something is a macro, and may read what it likes
        if isinstance(inner, tree.Name | tree.Attribute) and id(inner) not in targets:
            if is_within(tree.path_of(inner), place):
                return True
        is_member = "." in place or place.endswith("_")
        if is_member and isinstance(inner, tree.Call) and not _only_makes(inner, place):
            return True
    return any(_reads_inside(target, place) for target in (node.targets if isinstance(node, tree.Assign) else []))


def _reads_inside(target: tree.Node, place: str) -> bool:
    """`place.x = …` and `place[0] = …` change what was put there."""
    path = tree.path_of(target)
    return path != place and path.startswith((f"{place}.", f"{place}["))


def _only_makes(call: tree.Call, place: str) -> bool:
    """Does the call see nothing of the object that has the place as a member?"""
    root = place.partition(".")[0]
    seen = (call.function, *call.args, *(keyword.value for keyword in call.keywords))
    return root == "self" and not any(
        tree.path_of(one) == root or (one is call.function and tree.path_of(one).startswith(f"{root}.")) for one in seen
    )


def _other(lines: Sequence[str], given: Sequence[tree.Assign], after: tree.Assign) -> tree.Assign | None:
    """The first value that is another one, unless a build has only one of the two."""
    between = lines[given[0].line - 1 : after.line]
    if any(line.lstrip().startswith(("#if", "#else", "#elif", "#endif")) for line in between):
        return None
    assert after.value is not None
    again = text_of(after.value, lines)
    return next((one for one in given if one.value is not None and text_of(one.value, lines) != again), None)


def _report(facts: FileFacts, place: str, branching: tree.If, first: tree.Assign, after: tree.Assign) -> Report:
    return Report(
        place_of(after),
        qualname_at(facts, after.line),
        f"what the branching chose for {place} is written over here, unread",
        (
            Step("", branching.line, "the branching"),
            Step("", first.line, f"one of its branches gives {place} a value"),
            Step("", after.line, "and this gives it another one, whatever was chosen"),
        ),
        confidence="medium",
        reason=f"nothing reads {place} in between",
        subject=place,
        fix=f"leave {place} as it was chosen, or take the branching out",
    )
