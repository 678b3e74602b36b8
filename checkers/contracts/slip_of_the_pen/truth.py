"""What is asked whether it is true, and always is, or is asked the wrong way."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.contracts.slip_of_the_pen.known import Known
from llmlint.checkers.contracts.slips import Slip
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import nodes

_FROM_ENVIRONMENT = frozenset({"os.getenv", "os.environ.get", "getenv", "environ.get"})
_NAN = frozenset({"math.nan", "cmath.nan", "numpy.nan", "numpy.NaN", "torch.nan", "jax.numpy.nan"})


def managers(node: tree.Node, file: Known) -> Iterator[Slip]:
    assert isinstance(node, tree.With)
    for entered, _ in node.items:
        if isinstance(entered, tree.Logic) and entered.op == "and":
            yield Slip(entered, "`and` enters only the last of these", "separate them with commas")


_LOCKS = frozenset(
    f"{module}.{kind}"
    for module in ("threading", "multiprocessing", "asyncio")
    for kind in ("Lock", "RLock", "Semaphore", "BoundedSemaphore")
)


def lock_of_one(node: tree.Node, file: Known) -> Iterator[Slip]:
    """`with Lock():` makes a lock that nobody else has."""
    assert isinstance(node, tree.With)
    for entered, _ in node.items:
        if isinstance(entered, tree.Call) and file.meant(tree.path_of(entered.function)) in _LOCKS:
            yield Slip(
                entered,
                "each time this is entered it makes a lock of its own: it keeps nobody out",
                "make one where all who take it can have it",
                "low",
                "what it stands around may be run by one at a time anyway",
            )


def asserted(node: tree.Node, file: Known) -> Iterator[Slip]:
    """A text that is asserted, where something was to be raised or compared."""
    assert isinstance(node, tree.Assert)
    for slip in _truths(node.test) if not isinstance(node.test, tree.Collection) else ():
        yield _as_sure_as_known(slip, node, node.test, file)


def asserted_with_its_text(node: tree.Node, file: Known) -> Iterator[Slip]:
    """`assert (held, "text")`: the brackets take the text in, and nothing is checked."""
    assert isinstance(node, tree.Assert)
    yield from _truths(node.test) if isinstance(node.test, tree.Collection) else ()


def branched(node: tree.Node, file: Known) -> Iterator[Slip]:
    assert isinstance(node, tree.If | tree.Conditional | tree.Loop)
    for slip in _truths(node.test) if node.test is not None else ():
        if isinstance(node, tree.If) and not node.orelse and _is_half_of_a_search(node.test):
            half = "the half that is asked may say as much: no other branch is for what it lets in"
            slip = slip._replace(confidence="low", doubts=half)
        yield _as_sure_as_known(slip, node, node.test, file)


def _as_sure_as_known(slip: Slip, node: tree.Node, test: tree.Node | None, file: Known) -> Slip:
    """Less sure where the code above lets nothing come here that the text leaves out."""
    if isinstance(slip.at, tree.Literal):
        if _is_asked_around(slip.at, node, file):
            return slip._replace(confidence="low", doubts="a branch around it asks for the same text")
        if test is not None and _is_all_that_comes(test, node, file):
            return slip._replace(confidence="low", doubts="the branches above let nothing else come here")
    return slip


def _is_asked_around(text: tree.Literal, node: tree.Node, file: Known) -> bool:
    """`if kind == "mpt": if "mpt" and "chat" in name`"""
    return any(
        branch.body[0].line <= node.line <= branch.body[-1].end_line
        and any(_asks_for(one, text.text) for one in tree.walk(branch.test))
        for branch in nodes(file.module, tree.If)
        if branch is not node and branch.body
    )


def _asks_for(node: tree.Node, text: str) -> bool:
    if not isinstance(node, tree.Compare) or node.ops not in (["=="], ["in"]):
        return False
    return any(isinstance(one, tree.Literal) and one.text == text for one in node.operands)


def _is_all_that_comes(test: tree.Node, node: tree.Node, file: Known) -> bool:
    """`kind == "a" or "b"` behind branches for "a" and "b" whose `else` raises."""
    match test:
        case tree.Logic(op="or", operands=[tree.Compare(ops=["=="], operands=[asked, first]), *others]):
            named = {one.text for one in (first, *others) if isinstance(one, tree.Literal)}
        case _:
            return False
    place = file.text(asked)
    for chain in nodes(file.module, tree.If):
        if chain.end_line < node.line and (only := _let_through(chain, place, file)) and only <= named:
            between = range(chain.line, node.line)
            targets = (
                target for one in nodes(file.module, tree.Assign) for target in one.targets if one.line in between
            )
            if _stand_together(chain, node, file) and not any(file.text(target) == place for target in targets):
                return True
    return False


def _let_through(chain: tree.If, place: str, file: Known) -> set[str]:
    """The texts that a chain asks a place for, where it raises for all others."""
    texts = set()
    while True:
        match chain.test:
            case tree.Compare(ops=["=="], operands=[one, tree.Literal(text=text)]) if file.text(one) == place:
                texts.add(text)
            case _:
                return set()
        if (following := tree.else_if(chain)) is None:
            return texts if chain.orelse and isinstance(chain.orelse[-1], tree.Raise) else set()
        chain = following


def _stand_together(first: tree.Node, second: tree.Node, file: Known) -> bool:
    """In one body."""
    for node in tree.walk(file.module):
        for body in (getattr(node, name, None) for name in ("body", "orelse", "final")):
            if isinstance(body, list) and any(one is first for one in body):
                return any(one is second for one in body)
    return False


def _is_half_of_a_search(test: tree.Node | None) -> bool:
    """`"audio" and "qkv" in key`: where one name bears both parts, the other half changes nothing."""
    match test:
        case tree.Logic(op="and", operands=[tree.Literal(kind="string"), tree.Compare(ops=["in"])]):
            return True
    return False


def _truths(test: tree.Node) -> Iterator[Slip]:
    """What is asked whether it is true, and always is."""
    match test:
        case tree.Logic(operands=operands):
            for operand in operands:
                yield from _truths(operand)
        case tree.Unary(op="not", operand=operand):
            yield from _truths(operand)
        case tree.Literal(kind="string", text=text) if text:
            yield Slip(test, "a string that is not empty is always true", "compare something with it")
        case tree.Collection(kind="tuple" | "list", items=[_, *_]):
            yield Slip(test, f"a {test.kind} that is not empty is always true", "ask for what is in it")
        case tree.Lambda() | tree.Format(parts=[_, *_]):
            yield Slip(test, "this is always true", "call it, or compare it with something")


def switched(node: tree.Node, file: Known) -> Iterator[Slip]:
    """`bool()` of an environment variable: "0" and "false" are true."""
    assert isinstance(node, tree.Call)
    if tree.path_of(node.function) == "bool" and len(node.args) == 1 and isinstance(node.args[0], tree.Call):
        inner = node.args[0]
        is_flag = (
            len(inner.args) == 2 and isinstance(inner.args[1], tree.Literal) and inner.args[1].text not in ("", "None")
        )
        if tree.path_of(inner.function) in _FROM_ENVIRONMENT and is_flag:
            yield Slip(node, "bool() of a variable's text: 0 and false are true too", "compare the text, or use int()")


def never_equal(node: tree.Node, file: Known) -> Iterator[Slip]:
    """`x == math.nan`"""
    assert isinstance(node, tree.Compare)
    for op, left, right in zip(node.ops, node.operands, node.operands[1:], strict=False):
        if op in ("==", "!=") and (_is_nan(left, file) or _is_nan(right, file)):
            always = "false" if op == "==" else "true"
            yield Slip(node, f"nothing equals NaN, not even itself: this is always {always}", "ask isnan()")


def _is_nan(node: tree.Node, file: Known) -> bool:
    match node:
        case tree.Call(function=tree.Name(id="float"), args=[tree.Literal(kind="string", text=text)]):
            return text.strip().lower().lstrip("+-") == "nan"
    return file.meant(tree.path_of(node)) in _NAN
