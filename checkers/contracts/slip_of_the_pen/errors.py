"""Exceptions that are built, named or raised so that nothing comes of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from llmlint.checkers.contracts.slip_of_the_pen.known import ERRORS, Known
from llmlint.checkers.contracts.slips import Slip
from llmlint.code.domain.whereabouts import functions_at, innermost_at
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import nodes

_OVER_ALL = {"BaseException": ERRORS, "Exception": ERRORS - {"BaseException", "SystemExit", "KeyboardInterrupt"}}
_MAY_BE_ERROR = re.compile(r"Error|Exception|Response|\b(?:Any|object|Self)\b|^[A-Z]$|T$")
_MAKES_ERRORS = ("err", "exc", "fail", "parse", "make", "build", "new", "wrap", "convert", "translate", "handle")


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _is_error(node: tree.Node | None, errors: frozenset[str]) -> bool:
    return isinstance(node, tree.Call) and tree.path_of(node.function).removeprefix("builtins.") in errors


def returned(node: tree.Node, file: Known) -> Iterator[Slip]:
    """An error that is returned by a function that promises something else."""
    assert isinstance(node, tree.Return)
    if not _is_error(node.value, file.errors):
        return
    function = innermost_at(file.facts, node.line)
    if function is None or _is_of_a_lambda(node, file) or any(word in function.name.lower() for word in _MAKES_ERRORS):
        return
    if function.returns and not _MAY_BE_ERROR.search(function.returns):
        yield Slip(node, "the exception is returned, not raised", "raise it")


def _is_of_a_lambda(node: tree.Return, file: Known) -> bool:
    """A lambda says nowhere what it gives."""
    return any(node is given for one in nodes(file.module, tree.Lambda) for given in one.function.body or ())


def dropped(node: tree.Node, file: Known) -> Iterator[Slip]:
    assert isinstance(node, tree.Expression)
    if _is_error(node.value, file.errors):
        told = Slip(node, "the exception is built and dropped, not raised", "raise it")
        covered = "the branches above ask for every type that the parameter is said to have"
        yield told._replace(confidence="low", doubts=covered) if _is_never_reached(node, file) else told
    elif isinstance(node.value, tree.Compare) and not _does_more(node.value):
        yield Slip(node, "the comparison is made and nobody looks at it", "assign it, return it, or assert it")


def _is_never_reached(node: tree.Node, file: Known) -> bool:
    """Does it stand in an `else` whose branches ask for all types of a parameter's annotation?"""
    asked = [_types_asked(chain, node) for chain in nodes(file.module, tree.If)]
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


def handlers(node: tree.Node, file: Known) -> Iterator[Slip]:
    """A handler behind one that takes all that it names."""
    assert isinstance(node, tree.Try)
    earlier: dict[str, None] = {}
    for handler in node.handlers:
        classes = [file.class_named(named) for named in _named(handler)] or ["BaseException"]
        taken = {one: {one, *file.above(one), *_over(_last(one))} for one in classes}
        if "" not in taken and all(not above.isdisjoint(earlier) for above in taken.values()):
            takes = sorted({name for above in taken.values() for name in above if name in earlier})
            yield Slip(handler, f"never entered: {_listed(takes)} above takes {_listed(taken)}", "move it up")
        earlier |= dict.fromkeys(taken)


def _listed(classes: Iterable[str]) -> str:
    return ", ".join(_last(one) if "[" not in one else one for one in classes)


def _over(name: str) -> Iterator[str]:
    return (above for above, below in _OVER_ALL.items() if name in below)


def _named(handler: tree.Handler) -> Iterator[tree.Node]:
    for named in handler.types:
        yield from named.items if isinstance(named, tree.Collection) else (named,)


def raised(node: tree.Node, file: Known) -> Iterator[Slip]:
    """What cannot be raised: a TypeError comes in its place, and nobody reads the text."""
    assert isinstance(node, tree.Raise)
    if what := _no_exception(node.value):
        yield Slip(
            node, f"{what} is no exception: a TypeError is raised in its place", "raise an exception that says it"
        )


def _no_exception(value: tree.Node | None) -> str:
    match value:
        case tree.Name(id="NotImplemented") | tree.Call(function=tree.Name(id="NotImplemented")):
            return "NotImplemented"
        case tree.Call(function=tree.Attribute(value=made, name="format")) | tree.Binary(left=made):
            return "a text" if _is_text(made) else ""
        case tree.Collection(kind=kind):
            return f"a {kind}"
        case tree.Literal(kind=kind) if kind != "string":
            return kind.capitalize() if kind == "none" else f"a {kind}"
    return "a text" if _is_text(value) else ""


def _is_text(node: tree.Node | None) -> bool:
    return isinstance(node, tree.Format) or (isinstance(node, tree.Literal) and node.kind == "string")


def alternatives(node: tree.Node, file: Known) -> Iterator[Slip]:
    """`except A or B` takes A, and nothing of B."""
    assert isinstance(node, tree.Handler)
    for named in node.types:
        if isinstance(named, tree.Logic):
            first, *others = (file.meant(tree.path_of(one)) for one in named.operands)
            taken = all(first in {*file.above(other), *_over(_last(other))} for other in others)
            sure, doubts = ("low", "the first takes all of the others") if taken else ("high", "")
            only = named.operands[0 if named.op == "or" else -1]
            yield Slip(named, f"takes {file.text(only)} only", "name them in a tuple", sure, doubts)
