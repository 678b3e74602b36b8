"""LLM950: a division by a count that starts at zero, where nobody asks whether anything was counted.

A local counts what passes a test in a loop. A member or attribute starts at zero and is only ever added to or set back;
one method divides by it and neither that method nor whoever of the file calls it asks. The length of what starts empty
is such a count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.facts.facts import Effect, Function
from llmlint.code.facts.native_tests import inside_casts
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report, Step

_DIVIDES = frozenset({"/", "//", "%"})
_WHOLE = re.compile(
    r"(?:const |unsigned |long |short |std::)*(?:int|long|short|unsigned|size_t|u?int(?:8|16|32|64)_t) ?&?"
)
_CONTAINER = re.compile(r"(?:std::)?(?:vector|deque|list|set|map|unordered_map|unordered_set)<.*>")
_CONVERSIONS = frozenset({"int", "float"})
_READERS = frozenset({"len", "sum", "max", "min", "sorted", "print", "str", "list", "tuple"})
_AT_LEAST = frozenset({"max", "std.max", "clamp", "std.clamp"})
_ANSWERS = frozenset({"ZeroDivisionError", "ArithmeticError", "Exception", "BaseException", ""})
_SOMETIMES = frozenset({"if", "else", "case", "except"})


class _Count(NamedTuple):
    """Where it starts at zero, and where it is added to."""

    starts: int
    added: Effect


def check_file(file: SourceFile) -> Iterator[Report]:
    divisions = [node for node in nodes(file.tree, tree.Binary) if node.op in _DIVIDES and _divisor(node)]
    if not divisions:
        return
    members = _members(file)
    types = {field.name: field.annotation for cls in file.facts.classes for field in cls.fields}
    by_line = {(facts.line, facts.name): facts for facts in file.facts.functions}
    for function in nodes(file.tree, tree.Function):
        facts = by_line.get((function.line, function.name))
        own = [node for node in divisions if function.line <= node.line <= function.end_line]
        if facts is not None:
            yield from (_report(file, *found) for found in _unasked(file, function, facts, own, members, types))


def _unasked(
    file: SourceFile,
    function: tree.Function,
    facts: Function,
    divisions: list[tree.Binary],
    members: dict[str, _Count],
    types: dict[str, str],
) -> Iterator[tuple[tree.Binary, _Count]]:
    for node in divisions:
        count = _count(facts, node, members)
        if count is None or not _is_whole(file, facts, node, types) or _is_guarded(function, facts, node):
            continue
        if not _is_settled_elsewhere(file, facts, _last(_divisor(node)), node.line):
            yield node, count


def _divisor(node: tree.Binary) -> str:
    """What divides: `n`, or `x` of `len(x)` and `x.size()`."""
    right = inside_casts(node.right)
    if isinstance(right, tree.Call) and tree.path_of(right.function) in _CONVERSIONS and len(right.args) == 1:
        right = right.args[0]
    match right:
        case tree.Call(function=tree.Name(id="len"), args=[only]):
            right = only
        case tree.Call(function=tree.Attribute(value=value, name="size"), args=[]):
            right = value
        case _:
            pass
    return tree.path_of(right) if isinstance(right, tree.Name | tree.Attribute) else ""


def _last(path: str) -> str:
    return path.lstrip("~").rpartition(".")[2]


# ---------------------------------------------------------------- what counts


def _count(function: Function, division: tree.Binary, members: dict[str, _Count]) -> _Count | None:
    divisor = _divisor(division)
    if "." not in divisor and any(e.op == "bind" and e.path == divisor for e in function.effects):
        return _local(function, divisor, division.line)
    is_param = any(param.name == divisor for param in function.params)
    return members.get(_last(divisor)) if not is_param else None


def _members(file: SourceFile) -> dict[str, _Count]:
    """Members that start at zero, of which nothing else becomes but more, or zero again."""
    is_python = file.facts.language == "python"
    starts = {
        field.name: field.line
        for cls in file.facts.classes
        for field in cls.fields
        if (field.source == "0" and (is_python or _WHOLE.fullmatch(field.annotation)))
        or (not field.value and _CONTAINER.fullmatch(field.annotation))
    }
    written: dict[str, list[Effect]] = {}
    for function in file.facts.functions:
        for effect in function.effects:
            if effect.op in ("assign", "clear", "insert"):
                written.setdefault(_last(effect.path), []).append(effect)
                if function.name == "__init__" and _is_zero(effect):
                    starts.setdefault(_last(effect.path), effect.line)
    found = {}
    for name, line in starts.items():
        added = [effect for effect in written.get(name, ()) if _is_added(effect)]
        if added and all(_is_added(effect) or _is_zero(effect) for effect in written[name]):
            found[name] = _Count(line, added[0])
    return found


def _is_zero(effect: Effect) -> bool:
    return (effect.source == "0" and not effect.via) or effect.value == "empty" or effect.op == "clear"


def _is_added(effect: Effect) -> bool:
    return effect.via == "+=" or effect.op == "insert"


def _local(function: Function, name: str, line: int) -> _Count | None:
    """A local that a loop before the division adds to, for some of its rounds."""
    made: list[Effect] = []
    added: list[Effect] = []
    for effect in function.effects:
        if effect.op in ("bind", "insert", "clear") and effect.path == name:
            (added if _is_added(effect) else made).append(effect)
        elif effect.callee not in _READERS and any(arg.path == name for arg in effect.args):
            return None
    if not all(_is_zero(e) or (e.via == "declare" and _CONTAINER.fullmatch(e.source)) for e in made):
        return None
    return _Count(made[0].line, added[0]) if made and _are_by_choice(function, added, line) else None


def _are_by_choice(function: Function, added: list[Effect], line: int) -> bool:
    return bool(added) and all(_is_by_choice(function, effect, line) for effect in added)


def _is_by_choice(function: Function, added: Effect, line: int) -> bool:
    """Is it under a test in a loop that is over by then?"""
    region, tested = added.region, False
    while region and function.regions[region].kind != "loop":
        tested |= function.regions[region].kind in _SOMETIMES
        region = function.regions[region].parent
    return bool(region) and tested and function.regions[region].end_line < line


def _was_counted(function: Function, name: str, line: int) -> bool:
    """Is it added to before, wherever the division is reached?"""
    return any(
        _is_added(effect)
        and _last(effect.path) == name
        and effect.line <= line <= function.regions[effect.region].end_line
        for effect in function.effects
    )


# ---------------------------------------------------------------- who asks


def _is_guarded(function: tree.Function, facts: Function, division: tree.Binary) -> bool:
    name = _last(_divisor(division))
    return (
        name in _asked(function) | _walked_around(function, division)
        or _was_counted(facts, name, division.line)
        or _is_answered(function, division)
    )


def _walked_around(function: tree.Function, division: tree.Binary) -> set[str]:
    """What the loops and comprehensions around the division go over: there is something in it."""
    found: set[str] = set()
    for node in tree.walk(function):
        if isinstance(node, tree.Loop) and node.line <= division.line <= node.end_line:
            found |= _names(node.iterable)
        elif isinstance(node, tree.Comprehension) and any(part is division for part in tree.walk(node.element)):
            found |= {name for generator in node.generators for name in _names(generator.iterable)}
    return found


def _asked(function: tree.Function) -> set[str]:
    """The last names of everything that some test of the function speaks of, or that is held above zero."""
    found: set[str] = set()
    for node in tree.walk(function):
        match node:
            case tree.If(test=test) | tree.Conditional(test=test) | tree.Assert(test=test) | tree.Loop(test=test):
                found |= _names(test)
            case tree.Logic() | tree.Compare():
                found |= _names(node)
            case tree.Call(function=called) if tree.path_of(called) in _AT_LEAST:
                found |= _names(node)
            case tree.Comprehension(generators=generators):
                found |= {name for generator in generators for test in generator.tests for name in _names(test)}
            case _:
                pass
    return found


def _names(node: tree.Node | None) -> set[str]:
    inner = tree.walk(node) if node is not None else ()
    return {_last(tree.path_of(n)) for n in inner if isinstance(n, tree.Name | tree.Attribute)}


def _is_answered(function: tree.Function, division: tree.Node) -> bool:
    for tried in tree.walk(function):
        if isinstance(tried, tree.Try) and tried.body:
            is_inside = tried.body[0].line <= division.line <= tried.body[-1].end_line
            if is_inside and any(not _ANSWERS.isdisjoint(_taken(handler)) for handler in tried.handlers):
                return True
    return False


def _taken(handler: tree.Handler) -> set[str]:
    """The last names of what a handler takes, "" for everything."""
    return {_last(tree.path_of(part)) for one in handler.types for part in tree.walk(one)} or {""}


def _is_settled_elsewhere(file: SourceFile, function: Function, name: str, line: int) -> bool:
    """Does whoever of the file leads here ask for the count or add to it, or does what is called before add to it?"""
    functions = file.facts.functions
    called = {_last(effect.callee) for effect in function.effects if effect.callee and effect.line < line}
    if any(other.name in called and _surely_adds(other, name) for other in functions):
        return True
    above, leading = [function.name], {function.name}
    while above:
        callee = above.pop()
        for other in functions:
            if other.name not in leading and _calls(other, callee):
                if _asks(other, name) or _surely_adds(other, name):
                    return True
                leading.add(other.name)
                above.append(other.name)
    return False


def _calls(function: Function, name: str) -> bool:
    return any(effect.callee and _last(effect.callee) == name for effect in function.effects)


def _asks(function: Function, name: str) -> bool:
    return any(_last(path) == name for region in function.regions for path in region.reads)


def _surely_adds(function: Function, name: str) -> bool:
    """One more, and not what another count says, which may be none."""
    return any(
        _last(e.path) == name and (e.op == "insert" or (e.via == "+=" and e.value == "constant"))
        for e in function.effects
    )


def _is_whole(file: SourceFile, function: Function, node: tree.Binary, types: dict[str, str]) -> bool:
    """C++: do only whole numbers take part? Those of floating point divide by zero without an end."""
    if file.facts.language == "python":
        return True
    known = types | {p.name: p.annotation for p in function.params}
    known |= {
        e.path: e.annotation or e.source
        for e in function.effects
        if e.op == "bind" and (e.annotation or e.via == "declare")
    }
    if any(_is_of_another_kind(part) for part in tree.walk(node)) or any(
        isinstance(part, tree.Call | tree.Index) for part in tree.walk(node.left)
    ):
        return False
    divisor = _last(_divisor(node))
    if not (_WHOLE.fullmatch(known.get(divisor, "")) or _CONTAINER.fullmatch(known.get(divisor, ""))):
        return False
    return all(_WHOLE.fullmatch(known.get(leaf, "")) for leaf in map(_last, _leaves(node.left)))


def _is_of_another_kind(part: tree.Node) -> bool:
    if isinstance(part, tree.Cast):
        return not (isinstance(part.type, tree.TypeName) and _WHOLE.fullmatch(part.type.text))
    return isinstance(part, tree.Literal) and part.kind == "float"


def _leaves(node: tree.Node) -> Iterator[str]:
    if isinstance(node, tree.Name | tree.Attribute):
        yield tree.path_of(node)
    elif not isinstance(node, tree.TypeName):
        for child in tree.children(node):
            yield from _leaves(child)


def _report(file: SourceFile, node: tree.Binary, count: _Count) -> Report:
    divisor = _divisor(node)
    return Report(
        place_of(node),
        qualname_at(file.facts, node.line),
        f"{divisor} counts from zero and divides here, and nobody asked whether anything was counted",
        (
            Step("", count.starts, f"{divisor} starts at zero"),
            Step("", count.added.line, "it is added to here"),
            Step("", node.line, "it is the divisor"),
        ),
        confidence="medium",
        reason="no test of it stands on the way, and nothing is counted for certain before",
        subject=divisor,
        fix="say what the result is where nothing was counted",
    )
