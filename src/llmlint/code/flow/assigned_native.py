"""Which scalar locals of one C, C++ or CUDA function have a value where they are read: `assigned.py` on its tree.

Whoever is given a local, its address or a reference to it may have set it, and so may a lambda that names it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from llmlint.code.facts.native_endings import Endings, never_comes_back
from llmlint.code.facts.native_tests import inside_casts
from llmlint.code.flow.assigned import Facts, Reader, State, Unsure, bound_in
from llmlint.code.flow.readers import is_number
from llmlint.code.syntax import tree

_SCALAR = re.compile(r"bool|float|double|(?!std::(?:function|unique_ptr|shared_ptr))\w[\w:<>, ]* \*+")
_ASSERTS = re.compile(r"assert|check|require|expect|enforce", re.IGNORECASE)
_OTHERS_TOO = frozenset({"static", "extern", "thread_local", "__shared__", "__constant__", "__managed__"})
"""What starts as zero, or gets its value by other threads."""
_NOT_READ = frozenset({"sizeof", "decltype", "alignof", "typeid"})


def unsure_native_reads(function: tree.Function, lines: list[str], endings: Endings) -> list[Unsure]:
    """The first such reading of each local that is declared once, without a value."""
    local = _without_value(function)
    if not local or any(isinstance(node, tree.Broken) for node in tree.walk_own(function)) or _jumps_back(function):
        return []
    reader = _NativeReader(function, lines, frozenset())
    reader.local, reader.native_endings, reader.jumps = set(local), endings, {}
    reader.block(function.body or [], {}, frozenset())
    return [one for one in reader.found if not any(_holds(way.at, local[one.name.id]) for way in one.ways)]


def _holds(branching: tree.Node, declared: tree.Assign) -> bool:
    """What is declared in a branch cannot be read behind it: something around was not read as it stands."""
    begins, ends = (branching.line, branching.column), (branching.end_line, branching.end_column)
    return begins <= (declared.line, declared.column) <= ends


def _without_value(function: tree.Function) -> dict[str, tree.Assign]:
    declared = [
        (target.id, node)
        for node in tree.walk_own(function)
        if isinstance(node, tree.Assign) and node.declares
        for target in node.targets
        if isinstance(target, tree.Name)
    ]
    often = Counter(name for name, _ in declared)
    return {name: node for name, node in declared if often[name] == 1 and node.value is None and _is_scalar(node)}


def _is_scalar(declared: tree.Assign) -> bool:
    kind = declared.annotation.text if isinstance(declared.annotation, tree.TypeName) else ""
    return _OTHERS_TOO.isdisjoint(declared.specifiers) and (is_number(kind) or bool(_SCALAR.fullmatch(kind)))


def _jumps_back(function: tree.Function) -> bool:
    nodes = list(tree.walk_own(function))
    labels = {node.name: (node.line, node.column) for node in nodes if isinstance(node, tree.Label)}
    jumps = [node for node in nodes if isinstance(node, tree.Jump) and node.label in labels]
    return any(labels[jump.label] < (jump.line, jump.column) for jump in jumps)


def _met(one: State, other: State) -> State:
    """What is assigned where two ways meet that nothing compares: what either has assigned."""
    names = one.keys() | other.keys()
    return {
        name: () if () in (one.get(name), other.get(name)) else one.get(name, other.get(name, ())) for name in names
    }


class _NativeReader(Reader):
    native_endings: Endings
    jumps: dict[str, State]
    """What holds at each `goto` so far, by its label."""

    def block(self, body: Iterable[tree.Node], state: State, known: Facts) -> tuple[State | None, Facts]:
        here: State | None = state
        for node in body:
            if isinstance(node, tree.Label):
                comes = self.jumps.pop(node.name, None)
                known = known if comes is None else frozenset()
                here = _met(here, comes) if here is not None and comes is not None else comes or here
            elif here is not None:
                if isinstance(node, tree.Jump) and node.label:
                    self.jumps[node.label] = _met(here, self.jumps.get(node.label, here))
                here, known = self._statement(node, here, known)
        return here, known

    def _statement(self, node: tree.Node, state: State, known: Facts) -> tuple[State | None, Facts]:
        match node:
            case tree.Block(body=body):
                return self.block(body, state, known)
            case tree.Assign(declares=True, value=None, targets=targets):
                for target in targets:
                    state.pop(tree.path_of(target), None)
                return state, known
            case tree.If(test=tree.TypeName(), body=body, orelse=orelse):  # one of the builds
                for branch in (body, orelse):
                    self.block(branch, dict(state), known)
                state.update(dict.fromkeys(self.bound([*body, *orelse]), ()))
                return state, known
            case tree.Loop(kind="count", iterable=tree.Collection(items=items)):
                head = next((at for at, item in enumerate(items) if not isinstance(item, tree.Assign)), len(items))
                self.block(items[:head], state, known)
                for item in items[head : head + 1]:
                    self._read(item, state, known)
                self.block([*node.body, *items[head + 1 :]], dict(state), known)
                state.update(dict.fromkeys(self.bound(node.body), ()))
                return state, known
            case tree.Expression(value=tree.Call() as call):
                self._read(call, state, known)
                if never_comes_back(call, self.native_endings):
                    return None, known
                if _ASSERTS.search(tree.path_of(call.function)) and call.args:
                    if _is_never(call.args[0]):
                        return None, known
                    told = self._implied(call.args[0], True)
                    self.asserted |= told
                    return state, known | told
                return super()._statement(node, state, known)
        return super()._statement(node, state, known)

    def bound(self, body: Iterable[tree.Node]) -> set[str]:
        """What statements bind, or hand to somebody who may."""
        body = list(body)
        given = (name for part in body for node in tree.walk(part) for name in _handed_by(node))
        return bound_in(body) | set(given)

    def _read(self, node: tree.Node, state: State, known: Facts) -> None:
        match node:
            case tree.Call(function=tree.Name(id=name)) if name in _NOT_READ:
                return
            case tree.Assign():
                self._statement(node, state, known)
            case tree.Call() | tree.Lambda() | tree.Unary(op="&") | tree.Binary(op=">>") | tree.Collection(kind="init"):
                handed = set(_handed_by(node))
                for child in tree.children(node) if not isinstance(node, tree.Lambda) else ():
                    if not (isinstance(child, tree.Name) and child.id in handed):
                        self._read(child, state, known)
                state.update(dict.fromkeys(handed, ()))
            case tree.Named(op=op, target=target) if op:
                self._read(target, state, known)
                super()._read(node, state, known)
            case _:
                super()._read(node, state, known)


def _is_never(test: tree.Node) -> bool:
    """`assert(false && "no such kind")`, `assert(!"reached")`: nobody is to come there."""
    match test:
        case tree.Literal(text=text):
            return text in ("false", "0")
        case tree.Logic(op="and", operands=[first, *_]):
            return _is_never(first)
        case tree.Unary(op="not", operand=tree.Literal(kind="string")):
            return True
    return False


def _handed_by(node: tree.Node) -> Iterator[str]:
    """The names whose places an expression hands to somebody who may set them."""
    match node:
        case tree.Call(args=args) if inside_casts(node) is node:
            yield from (arg.id for arg in args if isinstance(arg, tree.Name))
        case tree.Collection(kind="init", items=items):
            yield from (item.id for item in items if isinstance(item, tree.Name))
        case tree.Unary(op="&", operand=tree.Name(id=name)) | tree.Binary(op=">>", right=tree.Name(id=name)):
            yield name
        case tree.Lambda(function=function, captures=captures):
            yield from (inner.id for inner in tree.walk(function) if isinstance(inner, tree.Name))
            yield from re.findall(r"\w+", captures)
