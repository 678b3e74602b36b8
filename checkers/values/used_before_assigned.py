"""LLM943: a local name that is read where a way leads to it on which nothing has assigned it.

Told are the ways that no other test decides: the branching that left the name without a value, and then the reading,
under nothing but what held at the branching; a reading where the condition of every assignment is known to fail; and a
handler that swallows what kept the name from its value.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.facts.facts import Function as FunctionFacts
from llmlint.code.flow.assigned import GUARDED, Partial, Unsure, endings_of, names_in, unsure_reads
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report, Step

_BRANCHES = frozenset({"if", "else", "try", "except", "try-else"})
_COMPILED = re.compile(r"jit|kernel|compile")
_TRIAL = re.compile(r"test|bench", re.IGNORECASE)
_FIRST_ROUND = re.compile(r"^(?:[\w.]+\()?\w+ (?:==|<=?) \d+\)?$")
"""As a test, or as what a test at compile time is given."""
_ANSWERS = frozenset({"set_exception", "put", "put_nowait", "send", "send_pyobj"})
"""How a result, or the error in its place, comes to who waits for it."""
_QUOTED = re.compile(r"'[^']*'" + r'|"[^"]*"')
_ALWAYS = re.compile(r"is_cuda|is_hip|is_npu|is_cpu|is_xpu|TYPE_CHECKING", re.IGNORECASE)


def check_file(file: SourceFile) -> Iterator[Report]:
    lines = file.text.split("\n")
    wanted = {f.line for f in file.facts.functions if f.name != "<module>" and _may_miss(f, lines)}
    functions = nodes(file.tree, tree.Function) if wanted else ()
    endings = endings_of(functions, file.facts.imports)
    for function in functions:
        if function.body and function.line in wanted and _is_served(function):
            told: set[tuple[int, str]] = set()
            for read in unsure_reads(function, lines, endings):
                how = _decided(function, read)
                key = (read.ways[0].at.line, how)
                if how and key not in told:
                    told.add(key)
                    yield _report(file, read, how, _why_open(file, read.ways[0].at, how))


def _may_miss(function: FunctionFacts, lines: list[str]) -> bool:
    """Is a name bound in branches only, not in both of any, and written again below one of them?"""
    branches = [_branch_of(function, at) for at in range(len(function.regions))]
    if not any(branches):
        return False
    bound: dict[str, set[int]] = {}
    for effect in function.effects:
        if effect.op == "bind" and effect.via != "declare":
            bound.setdefault(effect.path, set()).add(branches[effect.region])
    for name, found in bound.items():
        if 0 not in found and not _are_paired(function, found):
            end = min(function.regions[at].end_line for at in found)
            if re.search(rf"\b{name}\b", "\n".join(lines[end : function.end_line])):
                return True
    return False


def _are_paired(function: FunctionFacts, branches: set[int]) -> bool:
    """Does each `if` among these branches have its `else` among them, and the other way round?"""
    firsts: dict[int, set[str]] = {}
    for at in branches:
        region = function.regions[at]
        firsts.setdefault(region.first, set()).add(region.kind)
    return all(kinds == {"if", "else"} for kinds in firsts.values())


def _branch_of(function: FunctionFacts, at: int) -> int:
    """The innermost branch that a region is or stands in, 0 outside of all."""
    while at and function.regions[at].kind not in _BRANCHES:
        at = function.regions[at].parent
    return at


def _is_served(function: tree.Function) -> bool:
    decorators = (tree.path_of(d.function if isinstance(d, tree.Call) else d) for d in function.decorators)
    return not _TRIAL.search(function.name) and not any(map(_COMPILED.search, decorators))


def _decided(function: tree.Function, read: Unsure) -> str:
    """What leads to the reading without a value, "" when another test may keep control away."""
    if all(way.how == "try" for way in read.ways):
        return "" if read.known - read.ways[0].around else "handler"
    if any(way.how == "try" for way in read.ways):
        return ""
    if any(_is_done_once(way) and _is_in_loop(function, way.at) for way in read.ways):
        return ""
    if all(any((text, not holds) in read.known for text, holds in way.when) for way in read.ways):
        return "contradicted"
    way = read.ways[0]
    passes_by = len(read.ways) == 1 and not read.known - way.around - {GUARDED} and not _is_chain(way)
    return "branch" if passes_by and not any(_ALWAYS.search(text) for text, _ in way.when) else ""


def _is_in_loop(function: tree.Function, node: tree.Node) -> bool:
    loops = (inner for inner in tree.walk_own(function) if isinstance(inner, tree.Loop))
    return any(loop.line <= node.line <= loop.end_line for loop in loops)


def _is_done_once(way: Partial) -> bool:
    """`if out is None: out, rest = …` holds only until it has been done once."""
    if any(_FIRST_ROUND.search(part) for text, _ in way.when for part in text.split(" or ")):
        return True
    words = {word for text, _ in way.when for word in re.findall(r"\w+", _QUOTED.sub("", text))}
    return any(
        not words.isdisjoint(names_in(t)) for n in tree.walk(way.at) if isinstance(n, tree.Assign) for t in n.targets
    )


def _is_chain(way: Partial) -> bool:
    """An `elif` without `else` often lists all that there is."""
    assert isinstance(way.at, tree.If)
    return tree.else_if(way.at) is not None


def _why_open(file: SourceFile, node: tree.Node, how: str) -> str:
    """Why nothing much may come of it, "" where something does."""
    if how == "branch" or _may_end(file, node):
        return "whether a run ever takes this way is not settled"
    told = isinstance(node, tree.Try) and all(_hands_on(handler) for handler in node.handlers)
    return "whoever waits for the result was told of the first error already" if told else ""


def _hands_on(handler: tree.Handler) -> bool:
    """Is the error itself given to whoever waits for the result?"""
    return any(_gives_it_on(node, handler.name) for statement in handler.body for node in tree.walk(statement))


def _gives_it_on(node: tree.Node, name: str) -> bool:
    if not isinstance(node, tree.Call) or tree.path_of(node.function).rpartition(".")[2] not in _ANSWERS:
        return False
    return any(isinstance(n, tree.Name) and n.id == name for argument in node.args for n in tree.walk(argument))


def _may_end(file: SourceFile, node: tree.Node) -> bool:
    """Does a handler end by calling a function of another file, which may never come back?"""
    known = {f.name for f in file.facts.functions} | set(dir(builtins))
    ends = [handler.body[-1] for handler in node.handlers if handler.body] if isinstance(node, tree.Try) else []
    called = [
        end.value.function for end in ends if isinstance(end, tree.Expression) and isinstance(end.value, tree.Call)
    ]
    return any(isinstance(function, tree.Name) and function.id not in known for function in called)


_MISSING = {
    "handler": "the handler here goes on without it",
    "contradicted": "it is assigned only where this holds otherwise",
    "branch": "one way through this branching does not assign it",
}

_REASONS = {
    "handler": "no other test stands between the two",
    "contradicted": "both conditions are in the code",
    "branch": "no other test stands between the two",
}


def _report(file: SourceFile, read: Unsure, how: str, open_as: str) -> Report:
    name, way = read.name.id, read.ways[0]
    conditions = " and ".join(text if holds else f"not ({text})" for text, holds in sorted(way.when))
    when = "where nothing was raised" if how == "handler" else f"where {conditions[:80]}"
    return Report(
        place_of(read.name),
        qualname_at(file.facts, read.name.line),
        f"{name} may have no value here: it is assigned only {when}",
        (
            Step("", way.at.line, _MISSING[how]),
            Step("", read.name.line, f"and {name} is read here"),
        ),
        confidence="low" if open_as else "medium",
        reason=_REASONS[how] + (f"; {open_as}" if open_as else ""),
        subject=f"{name}:{conditions[:60]}",
        fix=f"assign {name} on every way, or leave before it is read",
        mechanism=f"used_before_assigned.{how}",
    )
