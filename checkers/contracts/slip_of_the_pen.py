"""LLM905: legal Python that does nothing of what it says.

Each mechanism is one shape of the tree that has no honest use.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from llmlint.code.domain.whereabouts import functions_at, innermost_at, place_of, qualname_at
from llmlint.code.facts.facts import FileFacts, ImportFact
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.code.syntax.written import text_of
from llmlint.findings import Report, Step

_ERRORS = frozenset(n for n, v in vars(builtins).items() if isinstance(v, type) and issubclass(v, BaseException))
_DECODE_ERRORS = ("json.JSONDecodeError", "json.decoder.JSONDecodeError")
"""Kinds of ValueError: docs.python.org/3/library/json."""
_FROM_ENVIRONMENT = frozenset({"os.getenv", "os.environ.get", "getenv", "environ.get"})
_OVER_ALL = {"BaseException": _ERRORS, "Exception": _ERRORS - {"BaseException", "SystemExit", "KeyboardInterrupt"}}
_MAY_BE_ERROR = re.compile(r"Error|Exception|Response|\bAny\b|\bobject\b|^[A-Z]$|T$")
_MAKES_ERRORS = ("err", "exc", "fail", "parse", "make", "build", "new", "wrap", "convert", "translate", "handle")


class _Slip(NamedTuple):
    at: tree.Node
    message: str
    fix: str
    confidence: str = "high"
    doubts: str = "one of the two is idle, and may be all that is wrong"
    edit: str = ""
    """The key of `Report.data` that asks for one."""


class _File(NamedTuple):
    """The names of exceptions and of what is imported, what is known of the file, its text and its branches."""

    errors: frozenset[str]
    imported: dict[str, str]
    facts: FileFacts
    lines: list[str]
    chains: list[tree.If]

    def text(self, node: tree.Node) -> str:
        return text_of(node, self.lines)

    def class_named(self, node: tree.Node) -> str:
        """The same text only for the same class; "" for what may be another class each time it is asked for."""
        path = tree.path_of(node)
        if "()" in path:
            return ""
        return self.text(node) if "[]" in path else self.meant(path)

    def meant(self, path: str) -> str:
        """A dotted name as its module knows it: `aio.CancelledError` is `asyncio.CancelledError`."""
        first, dot, further = path.removeprefix("builtins.").partition(".")
        return f"{self.imported.get(first, first)}{dot}{further}"

    def above(self, path: str) -> set[str]:
        """The classes that one stands under, as far as the file and the language tell; none of another module's."""
        if "." in path:
            return {"ValueError"} if path in _DECODE_ERRORS else set()
        bases = {cls.name: cls.bases for cls in self.facts.classes}
        found: set[str] = set()
        waiting = [path]
        while waiting:
            for base in map(self.meant, bases.get(one := waiting.pop(), ())):
                if base not in found:
                    waiting.append(base)
                    found.add(base)
            own = vars(builtins).get(one) if one not in bases else None
            if isinstance(own, type) and issubclass(own, BaseException):
                found |= {cls.__name__ for cls in own.__mro__[1:-1]}
        return found


def check_file(file: SourceFile) -> Iterator[Report]:
    imported = {known.name: _origin(known) for known in file.facts.imports}
    errors = _ERRORS - imported.keys() | _own_errors(file)
    known = _File(errors, imported, file.facts, file.text.split("\n"), nodes(file.tree, tree.If))
    for kind, checks in _CHECKS.items():
        for node in nodes(file.tree, kind):
            for check in checks:
                for slip in check(node, known):
                    yield _report(file, slip, f"slip_of_the_pen.{check.__name__.strip('_')}")


def _origin(known: ImportFact) -> str:
    if not known.target and known.module.partition(".")[0] == known.name:  # `import a.b` makes known only a
        return known.name
    return ".".join(filter(None, ("." * known.level + known.module, known.target)))


def _own_errors(file: SourceFile) -> frozenset[str]:
    classes = file.facts.classes
    return frozenset(cls.name for cls in classes if any(_last(base) in _ERRORS for base in cls.bases))


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _is_error(node: tree.Node | None, errors: frozenset[str]) -> bool:
    return isinstance(node, tree.Call) and tree.path_of(node.function).removeprefix("builtins.") in errors


# ---------------------------------------------------------------- errors


def _return(node: tree.Node, file: _File) -> Iterator[_Slip]:
    """An error that is returned by a function that promises something else."""
    assert isinstance(node, tree.Return)
    if not _is_error(node.value, file.errors):
        return
    function = innermost_at(file.facts, node.line)
    if function is None or any(word in function.name.lower() for word in _MAKES_ERRORS):
        return
    if function.returns and not _MAY_BE_ERROR.search(function.returns):
        yield _Slip(node, "the exception is returned, not raised", "raise it")


def _expression(node: tree.Node, file: _File) -> Iterator[_Slip]:
    assert isinstance(node, tree.Expression)
    if _is_error(node.value, file.errors):
        told = _Slip(node, "the exception is built and dropped, not raised", "raise it")
        covered = "the branches above ask for every type that the parameter is said to have"
        yield told._replace(confidence="low", doubts=covered) if _is_never_reached(node, file) else told
    elif isinstance(node.value, tree.Compare) and not _does_more(node.value):
        yield _Slip(node, "the comparison is made and nobody looks at it", "assign it, return it, or assert it")


def _is_never_reached(node: tree.Node, file: _File) -> bool:
    """Does it stand in an `else` whose branches ask for all types of a parameter's annotation?"""
    asked = [_types_asked(chain, node) for chain in file.chains]
    functions = functions_at(file.facts, node.line)
    params = {param.name: param.annotation for f in functions for param in f.params if param.annotation}
    return any(
        name in params and (declared := _union(params[name])) and declared <= types
        for name, types in filter(None, asked)
    )


def _union(annotation: str) -> set[str]:
    """The types of `A | B` and `Union[A, B]`; none of what may hold more."""
    inner = re.sub(r"^(?:typing\.)?Union\[(.*)\]$", r"\1", annotation.strip().strip("\"'"))
    types = {_last(part.strip()) for part in re.split(r"[|,]", inner)}
    return types if all(name.isidentifier() for name in types) else set()


def _types_asked(chain: tree.If, node: tree.Node) -> tuple[str, set[str]] | None:
    """Which name an if-chain asks isinstance of, and for which types, where its last `else` is that of the node."""
    names, types = set(), set()
    while True:
        match chain.test:
            case tree.Call(function=tree.Name(id="isinstance"), args=[tree.Name(id=name), asked]):
                names.add(name)
                items = asked.items if isinstance(asked, tree.Collection) else [asked]
                types |= {_last(tree.path_of(item)) for item in items}
            case _:
                return None
        if (following := tree.else_if(chain)) is not None:
            chain = following
        elif any(inner is node for inner in chain.orelse) and len(names) == 1:
            return names.pop(), types
        else:
            return None


def _does_more(node: tree.Node) -> bool:
    return any(isinstance(n, tree.Await | tree.Named | tree.Yield) for n in tree.walk(node))


def _try(node: tree.Node, file: _File) -> Iterator[_Slip]:
    """A handler behind one that takes all that it names."""
    assert isinstance(node, tree.Try)
    earlier: dict[str, None] = {}
    for handler in node.handlers:
        classes = [file.class_named(named) for named in _named(handler)] or ["BaseException"]
        taken = {one: {one, *file.above(one), *_over(_last(one))} for one in classes}
        if "" not in taken and all(not above.isdisjoint(earlier) for above in taken.values()):
            takes = sorted({name for above in taken.values() for name in above if name in earlier})
            yield _Slip(handler, f"never entered: {_listed(takes)} above takes {_listed(taken)}", "move it up")
        earlier |= dict.fromkeys(taken)


def _listed(classes: Iterable[str]) -> str:
    return ", ".join(_last(one) if "[" not in one else one for one in classes)


def _over(name: str) -> Iterator[str]:
    return (above for above, below in _OVER_ALL.items() if name in below)


def _named(handler: tree.Handler) -> Iterator[tree.Node]:
    for named in handler.types:
        yield from named.items if isinstance(named, tree.Collection) else (named,)


# ---------------------------------------------------------------- truth


def _with(node: tree.Node, file: _File) -> Iterator[_Slip]:
    assert isinstance(node, tree.With)
    for entered, _ in node.items:
        if isinstance(entered, tree.Logic) and entered.op == "and":
            yield _Slip(entered, "`and` enters only the last of these", "separate them with commas")


def _assert(node: tree.Node, file: _File) -> Iterator[_Slip]:
    assert isinstance(node, tree.Assert)
    yield from _truths(node.test)


def _branch(node: tree.Node, file: _File) -> Iterator[_Slip]:
    assert isinstance(node, tree.If | tree.Conditional | tree.Loop)
    for slip in _truths(node.test) if node.test is not None else ():
        if isinstance(node, tree.If) and not node.orelse and _is_half_of_a_search(node.test):
            half = "the half that is asked may say as much: no other branch is for what it lets in"
            slip = slip._replace(confidence="low", doubts=half)
        yield slip


def _is_half_of_a_search(test: tree.Node | None) -> bool:
    """`"audio" and "qkv" in key`: where one name bears both parts, the other half changes nothing."""
    match test:
        case tree.Logic(op="and", operands=[tree.Literal(kind="string"), tree.Compare(ops=["in"])]):
            return True
    return False


def _truths(test: tree.Node) -> Iterator[_Slip]:
    """What is asked whether it is true, and always is."""
    match test:
        case tree.Logic(operands=operands):
            for operand in operands:
                yield from _truths(operand)
        case tree.Unary(op="not", operand=operand):
            yield from _truths(operand)
        case tree.Literal(kind="string", text=text) if text:
            yield _Slip(test, "a string that is not empty is always true", "compare something with it")
        case tree.Collection(kind="tuple" | "list", items=[_, *_]):
            yield _Slip(test, f"a {test.kind} that is not empty is always true", "ask for what is in it")
        case tree.Lambda() | tree.Format(parts=[_, *_]):
            yield _Slip(test, "this is always true", "call it, or compare it with something")


def _compare(node: tree.Node, file: _File) -> Iterator[_Slip]:
    assert isinstance(node, tree.Compare)
    for op, right in zip(node.ops, node.operands[1:], strict=True):
        if op in ("in", "not in") and _is_bracketed_text(right, file):
            yield _Slip(
                node,
                "brackets make no tuple: any part of this text is in it",
                "write a comma behind it",
                "medium",
                edit="tuple_comma",
            )
        if op in ("is", "is not") and isinstance(right, tree.Literal) and right.kind in ("string", "int", "float"):
            says = f"`{op}` asks for the same object, not for an equal one"
            yield _Slip(node, says, "compare with == or !=", edit="equal")


def _is_bracketed_text(node: tree.Node, file: _File) -> bool:
    """`("text")`, where `("text",)` was meant."""
    if not isinstance(node, tree.Literal) or node.kind != "string" or not node.text.isidentifier():
        return False
    before = file.lines[node.line - 1][: node.column - 1].rstrip()
    after = file.lines[node.end_line - 1][node.end_column - 1 :].lstrip()
    return before.endswith(("in (", "in(")) and after.startswith(")")


def _call(node: tree.Node, file: _File) -> Iterator[_Slip]:
    """`bool()` of an environment variable: "0" and "false" are true."""
    assert isinstance(node, tree.Call)
    if tree.path_of(node.function) == "bool" and len(node.args) == 1 and isinstance(node.args[0], tree.Call):
        inner = node.args[0]
        is_flag = (
            len(inner.args) == 2 and isinstance(inner.args[1], tree.Literal) and inner.args[1].text not in ("", "None")
        )
        if tree.path_of(inner.function) in _FROM_ENVIRONMENT and is_flag:
            yield _Slip(node, "bool() of a variable's text: 0 and false are true too", "compare the text, or use int()")


# ---------------------------------------------------------------- twice


def _class(node: tree.Node, file: _File) -> Iterator[_Slip]:
    assert isinstance(node, tree.Class)
    seen: dict[str, tree.Function] = {}
    for member in node.body:
        if isinstance(member, tree.Function) and member.name != "_":
            first = seen.get(member.name)
            if first is not None and not first.decorators and not member.decorators and first.body is not None:
                message = f"the second {member.name} of {node.name} replaces the one at line {first.line}"
                sure = "high" if _differ(first, member) else "low"
                yield _Slip(member, message, "keep one, or give one another name", sure)
            seen[member.name] = member


def _differ(first: tree.Function, second: tree.Function) -> bool:
    """Must callers of one be surprised by the other: is it awaited, or does it not take all that the first takes?"""
    taken = [(param.name, param.kind) for param in first.params]
    places = [(param.name, param.kind) for param in second.params]
    more = second.params[len(taken) :]
    fits = places[: len(taken)] == taken and all(param.default or param.kind in ("*", "**") for param in more)
    return first.is_async != second.is_async or not fits


def _collection(node: tree.Node, file: _File) -> Iterator[_Slip]:
    assert isinstance(node, tree.Collection)
    if node.kind != "dict":
        return
    seen: dict[tuple[str, str], str] = {}
    for key, item in zip(node.keys, node.items, strict=True):
        if isinstance(key, tree.Literal) and key.kind in ("string", "int"):
            if seen.get((key.kind, key.text), file.text(item)) != file.text(item):
                yield _Slip(key, f"the key {key.text} stands here twice, and the first value is lost", "remove one")
            seen[key.kind, key.text] = file.text(item)


def _chain(node: tree.Node, file: _File) -> Iterator[_Slip]:
    """A later branch of a chain that asks what this one asked, and would do something else."""
    assert isinstance(node, tree.If)
    asked, done = file.text(node.test), _texts(file, node.body)
    later = tree.else_if(node)
    while later is not None and file.text(later.test) != asked:
        later = tree.else_if(later)
    if later is not None and not _may_change(later.test) and _texts(file, later.body) != done:
        yield _Slip(later.test, f"never true: `{asked[:60]}` was asked above", "ask what was meant")


def _texts(file: _File, body: Sequence[tree.Node]) -> list[str]:
    return [file.text(statement) for statement in body]


def _logic(node: tree.Node, file: _File) -> Iterator[_Slip]:
    assert isinstance(node, tree.Logic)
    asked: set[str] = set()
    for operand in node.operands:
        text = file.text(operand)
        if text in asked and not _may_change(operand):
            yield _Slip(operand, f"`{text[:60]}` stands here twice, joined by `{node.op}`", "ask what was meant", "low")
        asked.add(text)


def _may_change(node: tree.Node) -> bool:
    return any(isinstance(n, tree.Call | tree.Await | tree.Named | tree.Yield) for n in tree.walk(node))


_Check = Callable[[tree.Node, _File], Iterator[_Slip]]
_CHECKS: dict[type[tree.Node], tuple[_Check, ...]] = {
    tree.Return: (_return,),
    tree.Expression: (_expression,),
    tree.Try: (_try,),
    tree.With: (_with,),
    tree.Assert: (_assert,),
    tree.If: (_branch, _chain),
    tree.Conditional: (_branch,),
    tree.Loop: (_branch,),
    tree.Logic: (_logic,),
    tree.Compare: (_compare,),
    tree.Call: (_call,),
    tree.Class: (_class,),
    tree.Collection: (_collection,),
}


def _report(file: SourceFile, slip: _Slip, mechanism: str) -> Report:
    sure = slip.confidence != "low"
    return Report(
        place_of(slip.at),
        qualname_at(file.facts, slip.at.line),
        slip.message,
        (Step("", slip.at.line, slip.message),),
        confidence=slip.confidence,
        reason="nobody writes this for what it does" if sure else slip.doubts,
        subject=slip.message,
        fix=slip.fix,
        data={slip.edit: True} if slip.edit else {},
        mechanism=mechanism,
    )
