"""Results that may say "there is none" (-1, npos, None), and are used as if they never did.

On the tree of one file, Python, C and C++: what a function of the file may give is read off its returns; of the library
only searches are known. A local that holds such a result counts as asked from the first test that speaks of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.facts.native_tests import inside_casts
from llmlint.code.flow.ruled_out import is_ruled_out
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import OfLastTree, by_only_name, functions_of

NONE, NUMBER = "None", "number"

_SEARCHES = frozenset("find rfind find_first_of find_last_of find_first_not_of find_last_not_of".split())
_TAKES = frozenset("substr erase insert resize reserve at".split())
_MAPS = re.compile(r"\b(?:dict|Dict|OrderedDict|WeakValueDictionary|Mapping)\b")
_MEASURES = frozenset({"max", "min", "std.max", "std.min"})


class Maybe(NamedTuple):
    """A call whose result may be none, and where the function says so; None where the library does."""

    call: tree.Call
    kind: str
    says: tree.Node | None


class Misuse(NamedTuple):
    at: tree.Node
    local: str
    maybe: Maybe
    how: str
    others: int
    """How many other results of the same call are asked about in this file."""


_known: OfLastTree[list[Misuse]] = OfLastTree()


def misuses_in(module: tree.Module) -> list[Misuse]:
    """Found once for the rules that ask about one kind each."""
    return _known.of(module, lambda: list(_misuses(module)))


def _misuses(module: tree.Module) -> Iterator[Misuse]:
    functions = functions_of(module)
    answers = Answers(module, functions)
    asked: Counter[str] = Counter()
    found: list[Misuse] = []
    for function in functions:
        for local, assign, maybe in _held(function, answers):
            use = _first_use(function, local, assign, maybe, answers)
            if use is not None:
                found.append(Misuse(use[0], local, maybe, use[1], 0))
            elif _test_of(function, local, assign, None):
                asked[_name(maybe)] += 1
    for misuse in found:
        others = asked[_name(misuse.maybe)]
        if misuse.maybe.says is not None or others or misuse.maybe.kind == NUMBER:  # else it may be known to be there
            yield misuse._replace(others=others)


def _name(maybe: Maybe) -> str:
    """What else of the file is compared with it: what the same function gives, or the look-ups in the same mapping."""
    path = tree.path_of(maybe.call.function)
    return ".".join(path.split(".")[-2:]) if maybe.says is None and maybe.kind == NONE else path.rpartition(".")[2]


_Said = tuple[str, tree.Return]


class Answers:
    """What the functions of a file may give that stands for nothing."""

    def __init__(self, module: tree.Module, functions: list[tree.Function]) -> None:
        self.is_python = module.language == "python"
        self.named = by_only_name(functions)
        self.constants = {
            target.id
            for node in module.body
            if isinstance(node, tree.Assign) and _is_minus_one(node.value)
            for target in node.targets
            if isinstance(target, tree.Name)
        }
        self.maps = set(_maps_in(module, functions)) if self.is_python else set()
        self._says: dict[str, list[_Said] | None] = {}

    def of(self, call: tree.Call, caller: tree.Function) -> Maybe | None:
        path = tree.path_of(call.function)
        name = path.rpartition(".")[2]
        is_own = path in (name, f"self.{name}")
        if is_own and name in self.named:
            said = self._said(name)
            if said is None or not self.is_python:
                return Maybe(call, *said[0]) if said is not None else None
            got = (one for one in said if not is_ruled_out(one[1], self.named[name], call, caller))
            return next((Maybe(call, *one) for one in got), None)
        return self._of_library(call, name)

    def _of_library(self, call: tree.Call, name: str) -> Maybe | None:
        function = call.function
        if not isinstance(function, tree.Attribute) or call.keywords:
            return None
        holder = tree.path_of(function.value).rpartition(".")[2]
        if self.is_python and name == "get" and len(call.args) == 1 and holder in self.maps:
            return Maybe(call, NONE, None)
        if self.is_python and name in ("find", "rfind") and _is_of_text(call):
            return Maybe(call, NUMBER, None)
        if not self.is_python and name in _SEARCHES and call.args:
            is_text = name != "find" or len(call.args) > 1 or _is_text(call.args[0])
            return Maybe(call, NUMBER, None) if is_text else None
        return None

    def _said(self, name: str) -> list[_Said] | None:
        """The returns that give none, where there are others."""
        if name not in self._says:
            self._says[name] = None
            self._says[name] = self._read(self.named[name])
        return self._says[name]

    def _read(self, function: tree.Function) -> list[_Said] | None:
        if _yields(function):
            return None
        returns = [n for n in tree.walk_own(function) if isinstance(n, tree.Return)]
        given = [node for node in returns if not self._is_searched_out(node, function)]
        kinds = [(self.kind_of(node.value, function), node) for node in given]
        said = [(kind, node) for kind, node in kinds if kind]
        if not said or (len(said) == len(kinds) and not _is_chosen(said[0][1].value)):
            return None
        return said if said[0][0] == NUMBER or self.is_python or _is_chosen(said[0][1].value) else None

    def _is_searched_out(self, back: tree.Return, function: tree.Function) -> bool:
        """`while (at == -1) { … } return at;`: the loop goes on for as long as it is none."""
        if not isinstance(back.value, tree.Name):
            return False
        name = back.value.id
        return any(
            isinstance(statement, tree.Loop)
            and self._goes_on_without(statement, name)
            and any(later is back for later in block[at + 1 :])
            and not any(_sets(later, name) for later in block[at + 1 :])
            for block in _blocks_of(function)
            for at, statement in enumerate(block)
        )

    def _goes_on_without(self, loop: tree.Loop, name: str) -> bool:
        if loop.test is None or any(
            isinstance(node, tree.Jump) and node.kind in ("break", "goto") for node in tree.walk(loop)
        ):
            return False
        tests = loop.test.operands if isinstance(loop.test, tree.Logic) and loop.test.op == "or" else [loop.test]
        for test in tests:
            match test:
                case tree.Compare(operands=[tree.Name(id=asked), none], ops=["==" | "is"]) if asked == name:
                    return self._plain(none) == NUMBER or (isinstance(none, tree.Literal) and none.kind == "none")
                case tree.Compare(operands=[tree.Name(id=asked), tree.Literal(text="0")], ops=["<"]) if asked == name:
                    return True
        return False

    def kind_of(self, value: tree.Node | None, function: tree.Function) -> str:
        match value:
            case tree.Literal(kind="none"):
                return NONE
            case tree.Name(id=name) if name in self.constants:
                return NUMBER
            case tree.Name(id=name) if _is_asserted(name, function):
                return ""
            case tree.Name(id=name):
                starts = [n.value for n in tree.walk_own(function) if isinstance(n, tree.Assign) and _gives(n, name)]
                given = {self._plain(start) for start in starts}
                return NUMBER if NUMBER in given and len(starts) > 1 else ""
            case tree.Conditional(body=body, orelse=orelse) if not self.is_python:
                return NONE if any(isinstance(n, tree.Literal) and n.kind == "none" for n in (body, orelse)) else ""
            case tree.Call(function=tree.Attribute(name="get"), args=[_, default]):
                return self._plain(default)
        return self._plain(value)

    def _plain(self, value: tree.Node | None) -> str:
        if isinstance(value, tree.Name):
            return NUMBER if value.id in self.constants else ""
        if _is_minus_one(value) or (value is not None and tree.path_of(value).rpartition(".")[2] == "npos"):
            return NUMBER
        return ""


def _blocks_of(function: tree.Function) -> Iterator[list[tree.Node]]:
    yield list(function.body or [])
    for node in tree.walk_own(function):
        if isinstance(node, tree.Block | tree.Loop | tree.With):
            yield list(node.body)
        elif isinstance(node, tree.If):
            yield list(node.body)
            yield list(node.orelse)


def _sets(statement: tree.Node, name: str) -> bool:
    return any(isinstance(node, tree.Assign) and _gives(node, name) for node in tree.walk(statement))


def _is_minus_one(value: tree.Node | None) -> bool:
    if isinstance(value, tree.Unary) and value.op == "-" and isinstance(value.operand, tree.Literal):
        return value.operand.text == "1"
    return isinstance(value, tree.Literal) and value.text == "-1"


def _is_chosen(value: tree.Node | None) -> bool:
    """May it be something else as well?"""
    return isinstance(value, tree.Name | tree.Conditional | tree.Call)


def _gives(node: tree.Assign, name: str) -> bool:
    return any(isinstance(t, tree.Name) and t.id == name for t in node.targets) and node.value is not None


def _yields(function: tree.Function) -> bool:
    return any(isinstance(node, tree.Yield) for node in tree.walk_own(function))


def _is_text(node: tree.Node) -> bool:
    return isinstance(node, tree.Literal) and node.kind in ("string", "char")


def _is_of_text(call: tree.Call) -> bool:
    return bool(call.args) and (_is_text(call.args[0]) or len(call.args) > 1)


def _maps_in(module: tree.Module, functions: list[tree.Function]) -> Iterator[str]:
    """The members that hold a mapping."""
    for function in functions:
        for node in tree.walk_own(function):
            if isinstance(node, tree.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], tree.Attribute):
                annotation = tree.path_of(node.annotation) if node.annotation is not None else ""
                held = node.annotation.value if isinstance(node.annotation, tree.Index) else None
                if _MAPS.search(annotation) or (held is not None and _MAPS.search(tree.path_of(held))):
                    yield node.targets[0].name
                elif isinstance(node.value, tree.Collection) and node.value.kind == "dict":
                    yield node.targets[0].name


# ---------------------------------------------------------------- locals that hold one


def _held(function: tree.Function, answers: Answers) -> Iterator[tuple[str, tree.Assign, Maybe]]:
    for node in tree.walk_own(function):
        match node:
            case tree.Assign(targets=[tree.Name(id=name)], value=value, op="") if value is not None:
                inner = value.value if isinstance(value, tree.Await) else inside_casts(value)
                if isinstance(inner, tree.Call):
                    maybe = answers.of(inner, function)
                    if maybe is not None:
                        yield name, node, maybe


def _test_of(function: tree.Function, name: str, since: tree.Node, until: tree.Node | None) -> bool:
    """Does a test speak of the local between here and there?"""
    for node in tree.walk_own(function):
        if isinstance(node, tree.Try) and node.handlers and node.body:
            if node.body[0].line <= since.line <= node.body[-1].end_line:
                return True
        if node.line < since.line or (until is not None and node.line > until.line):
            continue
        asked: list[tree.Node] = []
        match node:
            case tree.Conditional(test=test) if not any(inner is until for inner in tree.walk(test)):
                if _speaks(test, name, None):
                    return True
            case tree.If(test=test) | tree.Assert(test=test):
                asked = [test]
            case tree.Loop(test=test) if test is not None:
                asked = [test]
            case tree.Compare() | tree.Logic() | tree.Switch():
                asked = [node.subject if isinstance(node, tree.Switch) else node]
            case tree.Call(function=called, args=args) if _checks(tree.path_of(called)):
                asked = args
        if any(_speaks(part, name, until) for part in asked):
            return True
    return False


def _checks(called: str) -> bool:
    return bool(re.search(r"assert|ASSERT|check|CHECK|isinstance|valid|require|expect|EXPECT", called))


def _speaks(node: tree.Node, name: str, until: tree.Node | None) -> bool:
    """Also where the use stands in the very test: what is asked before it counts."""
    end = (until.line, until.column) if until is not None else None
    names = (inner for inner in tree.walk(node) if isinstance(inner, tree.Name) and inner.id == name)
    return any(end is None or (inner.line, inner.column) < end for inner in names)


def _first_use(
    function: tree.Function, local: str, assign: tree.Assign, maybe: Maybe, answers: Answers
) -> tuple[tree.Node, str] | None:
    for node in tree.walk_own(function):
        if node.line <= assign.line:
            continue
        if isinstance(node, tree.Assign) and _gives(node, local):
            return None
        how = _how_used(node, local, maybe.kind, answers)
        if how and not (isinstance(node, tree.Index) and _is_map(node.value, function)):
            return None if _test_of(function, local, assign, node) else (node, how)
    return None


def _is_map(node: tree.Node, function: tree.Function) -> bool:
    """Is it a local that C++ declares as a map, whose keys may be anything?"""
    return any(
        isinstance(inner, tree.Assign)
        and isinstance(inner.annotation, tree.TypeName)
        and "map<" in inner.annotation.text
        and isinstance(node, tree.Name)
        and _gives_or_declares(inner, node.id)
        for inner in tree.walk_own(function)
    )


def _gives_or_declares(node: tree.Assign, name: str) -> bool:
    return any(isinstance(target, tree.Name) and target.id == name for target in node.targets)


def _how_used(node: tree.Node, local: str, kind: str, answers: Answers) -> str:
    if kind == NONE:
        match node:
            case tree.Attribute(value=tree.Name(id=name), name=part) if name == local:
                return f"read for its {part}"
            case tree.Index(value=tree.Name(id=name)) if name == local:
                return "indexed"
            case tree.Unary(op="*", operand=tree.Name(id=name)) if name == local:
                return "dereferenced"
        return ""
    match node:
        case tree.Index(key=key) if _is_made_of(key, local):
            return "an index"
        case tree.Slice(lower=lower, upper=upper) if any(
            p is not None and _is_made_of(p, local) for p in (lower, upper)
        ):
            return "the bound of a slice"
        case tree.Call(function=function, args=args):
            return _how_given(tree.path_of(function), args, local, answers)
    return ""


def _how_given(called: str, args: list[tree.Node], local: str, answers: Answers) -> str:
    name = called.rpartition(".")[2]
    at = next((n for n, arg in enumerate(args) if _is_made_of(arg, local)), -1)
    if at < 0:
        return ""
    if name in _TAKES and at == 0 and not answers.is_python:
        return f"the start that {name}() is given"
    helper = answers.named.get(name)
    if helper is not None and called in (name, f"self.{name}"):
        params = [p for p in helper.params if p.name != "self"] if answers.is_python else helper.params
        if at < len(params) and _counts_with(helper, params[at].name, answers):
            return f"given to {name}(), which counts with it"
    return ""


def _counts_with(function: tree.Function, name: str, answers: Answers) -> bool:
    for node in tree.walk_own(function):
        uses = (
            isinstance(node, tree.Binary)
            and node.op in ("-", "*")
            and (_is_made_of(node.left, name) or _is_made_of(node.right, name))
        )
        if uses or (not isinstance(node, tree.Call) and _how_used(node, name, NUMBER, answers)):
            return not _test_of(function, name, function, None)
    return False


def _is_made_of(node: tree.Node, local: str) -> bool:
    """The local itself, what is counted from it, or the smaller or larger of it and something."""
    node = inside_casts(node)
    match node:
        case tree.Name(id=name):
            return name == local
        case tree.Binary(op="+", left=tree.Name(), right=tree.Literal(text="1")):
            return False  # the beginning, where nothing is found
        case tree.Binary(op="+" | "-" | "*", left=left, right=right):
            return _is_made_of(left, local) or _is_made_of(right, local)
        case tree.Call(function=function, args=args) if tree.path_of(function) in _MEASURES:
            return any(_is_made_of(arg, local) for arg in args)
        case tree.Collection(kind="tuple", items=items):
            return any(_is_made_of(item, local) for item in items)
    return False


def _is_asserted(name: str, function: tree.Function) -> bool:
    asserted = (node.test for node in tree.walk_own(function) if isinstance(node, tree.Assert))
    return any(isinstance(n, tree.Name) and n.id == name for test in asserted for n in tree.walk(test))
