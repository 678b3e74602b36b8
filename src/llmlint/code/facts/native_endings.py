"""Which functions and macros of one C or C++ file never come back to who calls them, read off their bodies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from llmlint.code.facts.facts import MacroFact
from llmlint.code.syntax import tree
from llmlint.code.syntax.cpp.neutral import closing, neutral
from llmlint.endings import never_returns

THROWS, ENDS = "throw", "exit"
"""How a macro ends that takes control by an exception, or ends the program whatever else it does."""

_DEFINED = re.compile(rb"^[ \t]*#[ \t]*define[ \t]+(?P<name>\w+)\((?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
_LOOPED_ONCE = re.compile(r"^do\s*\{(?P<body>.*)\}\s*while\s*\(\s*(?:0|false)\s*\)$", re.DOTALL)
_BRANCHES = re.compile(r"\b(?:if|else|for|while|do|switch|case|return|goto|break|continue|catch)\b|\?|&&|\|\|")
_CALL = re.compile(r"^(?:::)?(?P<name>[A-Za-z_][\w:]*)\s*\(\s*(?P<first>[^,()]*)")


# ---------------------------------------------------------------- macros


def macros_in(text: str) -> tuple[MacroFact, ...]:
    """The macros that look like calls, each with what it does last on every way."""
    if "define" not in text:
        return ()
    code = neutral(text.encode())
    found: dict[str, set[str]] = {}
    for defined in _DEFINED.finditer(code):
        opening = defined.end("name")
        end = closing(code, opening)
        if 0 <= end < defined.end():
            body = code[end + 1 : defined.end()].replace(b"\\\n", b" ").decode()
            found.setdefault(defined["name"].decode(), set()).add(_does_last(body))
    return tuple(MacroFact(name, ends.pop() if len(ends) == 1 else "") for name, ends in found.items())


def _does_last(body: str) -> str:
    """`throw`, `exit`, or the path of the call that is done last; "" where it may leave otherwise."""
    body = _unwrapped(body)
    last = body.rpartition(";")[2].strip()
    if _BRANCHES.search(body):
        return ""
    if re.match(r"throw\b", last):
        return THROWS
    call = _CALL.match(last)
    if call is None:
        return ""
    path = call["name"].replace("::", ".")
    return ENDS if never_returns(path, call["first"].strip(), is_python=False) else path


def _unwrapped(body: str) -> str:
    """What stands in `do { … } while (0)`, in braces or in brackets."""
    while True:
        body = body.strip().rstrip(";").strip()
        looped = _LOOPED_ONCE.match(body)
        if looped is not None:
            body = looped["body"]
        elif body[:1] in ("{", "(") and closing(body.encode(), 0) == len(body.encode()) - 1:
            body = body[1:-1]
        else:
            return body


# ---------------------------------------------------------------- functions


class Endings(NamedTuple):
    """The names of what never comes back, because the program ends or an exception takes control."""

    ending: frozenset[str] = frozenset()
    raising: frozenset[str] = frozenset()

    def how(self, called: str) -> str:
        return ENDS if called in self.ending else THROWS if called in self.raising else ""


NO_ENDINGS = Endings()


def agreed(hows: Iterable[tuple[str, str]]) -> Endings:
    """The names of which all that is called so ends, from each with how; "" for what comes back."""
    named: dict[str, set[str]] = {}
    for name, how in hows:
        named.setdefault(name, set()).add(how)
    ending = {name for name, found in named.items() if "" not in found}
    raising = {name for name in ending if THROWS in named[name]}
    return Endings(frozenset(ending - raising), frozenset(raising))


def how_macros_end(macros: Iterable[MacroFact], known: Endings) -> Iterator[tuple[str, str]]:
    for macro in macros:
        yield macro.name, macro.last if macro.last in (ENDS, THROWS) else known.how(macro.last)


def native_endings(module: tree.Module, macros: Sequence[MacroFact]) -> Endings:
    """Of one file alone. A method may be overridden, so its body tells nothing of what is called by its name."""
    functions = [node for node in tree.walk(module, into=_holds_functions) if isinstance(node, tree.Function)]
    saying = {function.name for function in functions if "noreturn" in function.specifiers}
    bodied = [f for f in functions if f.body and not f.owner and f.name not in saying]
    methods = {f.name for f in functions if f.owner} - saying
    found = Endings()
    while True:
        hows = [(name, ENDS) for name in saying]
        hows += ((name, "") for name in methods)
        hows += ((function.name, _end_of(function.body or [], found)) for function in bodied)
        hows += how_macros_end(macros, found)
        now = agreed(hows)
        if now == found:
            return found
        found = now


def _holds_functions(node: tree.Node) -> bool:
    return isinstance(node, tree.Module | tree.Broken | tree.If | tree.Block)


def _end_of(body: Sequence[tree.Node], known: Endings) -> str:
    """How control ends in these statements, where it always does and nothing before leaves them."""
    for at, statement in enumerate(body):
        if how := _ends_by(statement, known):
            return "" if any(map(_may_leave, body[:at])) else how
    return ""


def _ends_by(statement: tree.Node, known: Endings) -> str:
    match statement:
        case tree.Raise():
            return THROWS
        case tree.Expression(value=value):
            return never_comes_back(value, known)
        case tree.If(body=body, orelse=orelse):
            ends = {_end_of(body, known), _end_of(orelse, known)}
            return "" if "" in ends else THROWS if THROWS in ends else ENDS
        case tree.Block(body=body):
            return _end_of(body, known)
    return ""


def _may_leave(statement: tree.Node) -> bool:
    return any(
        isinstance(node, tree.Return) or (isinstance(node, tree.Jump) and node.kind == "goto")
        for node in tree.walk(statement, into=tree.is_of_the_same)
    )


def never_comes_back(value: tree.Node, known: Endings) -> str:
    """How a call ends all, also one that is told why: `LOG(FATAL) << "no such file"`; "" where it comes back."""
    while isinstance(value, tree.Binary) and value.op == "<<":
        value = value.left
    if not isinstance(value, tree.Call):
        return ""
    called = tree.path_of(value.function)
    first = value.args[0] if value.args else None
    text = first.text if isinstance(first, tree.Literal) else tree.path_of(first)
    return ENDS if never_returns(called, text, is_python=False) else known.how(called)
