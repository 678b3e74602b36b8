"""C++, CUDA and HIP: what is another value in each thread of a block, and which calls its threads make together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from llmlint.calls import names_call
from llmlint.code.facts.facts import FileFacts
from llmlint.code.facts.native_tests import inside_casts
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import functions_of
from llmlint.code.syntax.written import mentions
from llmlint.phrases import last_name
from llmlint.vocabulary import Vocabulary

BLOCK, WARP, POOL, LANE = "block", "warp", "pool", "lane"


class Why(NamedTuple):
    """What makes a value differ between threads, from where on; `part`: LANE where it is a place within a warp, WARP
    where it is which warp, "" where it may be both."""

    source: str
    line: int
    part: str = ""


Differing = Mapping[str, Why]
"""By name or path."""


class Threads:
    """What the words of the field and one file say of threads. `meeting` are the file's own functions and macros that
    hold a barrier, with its kind."""

    def __init__(self, words: Vocabulary, facts: FileFacts, module: tree.Module) -> None:
        named = {BLOCK: words.block_barriers, WARP: words.warp_barriers, POOL: words.pool_barriers}
        self._barriers = {kind: tuple(sorted(calls)) for kind, calls in named.items()}
        self._groups = tuple(sorted(words.block_groups))
        self._ids = frozenset(one for one in words.thread_ids if not one.startswith("."))
        self._id_fields = tuple(words.thread_ids - self._ids)
        self._id_calls = tuple(sorted(words.thread_id_calls))
        self._keeps = tuple(sorted(words.keeps_apart))
        self.meeting: dict[str, str] = {}
        for macro in facts.macros:
            self._learn(macro.name, self._named(macro.last))
        self._learn_functions(module)

    def barrier(self, call: tree.Call, groups: frozenset[str] = frozenset()) -> str:
        """The kind of barrier that a call is, "" for none; `groups` are names that stand for the whole block."""
        path = tree.path_of(call.function)
        named = self._named(path)
        if named == WARP and call.args:
            return ""  # a mask says who comes
        if not named and last_name(path) == "sync":
            of = path.rpartition(".")[0] or (tree.path_of(call.args[0]) if call.args else "")
            said = [of, *(tree.path_of(arg) for arg in call.args)]
            is_whole = any(one in groups or names_call(self._groups, one.removesuffix("()")) for one in said if one)
            named = BLOCK if is_whole else ""
        return named or (self.meeting.get(path, "") if isinstance(call.function, tree.Name) else "")

    def is_own(self, call: tree.Call) -> bool:
        """Is it a function of this file that holds the barrier?"""
        return tree.path_of(call.function) in self.meeting

    def groups_in(self, function: tree.Function) -> frozenset[str]:
        return frozenset(
            target.id
            for node in tree.walk_own(function)
            if isinstance(node, tree.Assign) and isinstance(node.value, tree.Call)
            for target in node.targets
            if isinstance(target, tree.Name) and names_call(self._groups, tree.path_of(node.value.function))
        )

    def _named(self, path: str) -> str:
        return next((kind for kind, calls in self._barriers.items() if names_call(calls, path)), "")

    def _learn(self, name: str, kind: str) -> None:
        if kind:
            self.meeting[name] = kind

    def _learn_functions(self, module: tree.Module) -> None:
        """A function holds a barrier where every one of its name does, on whichever of its ways."""
        by_name: dict[str, list[tree.Function]] = {}
        for function in functions_of(module):
            by_name.setdefault(function.name, []).append(function)
        for _ in range(3):  # through helpers of helpers
            for name, alike in by_name.items():
                kinds = {self._held(function) for function in alike} if name not in self.meeting else set()
                if len(kinds) == 1:
                    self._learn(name, kinds.pop())

    def _held(self, function: tree.Function) -> str:
        groups = self.groups_in(function)
        kinds = {self.barrier(n, groups) for n in tree.walk_own(function) if isinstance(n, tree.Call)}
        return next((kind for kind in (BLOCK, POOL, WARP) if kind in kinds), "")

    # ------------------------------------------------------------ values

    def ids_in(self, text: str) -> list[str]:
        """The numbers of a thread that a text speaks of."""
        return sorted(one for one in self._ids if mentions(text, one))

    def why(self, node: tree.Node | None, differing: Differing) -> Why | None:
        """What makes an expression differ between the threads of a block, None where nothing is known to."""
        match node:
            case tree.Name(id=name):
                return Why(name, node.line) if name in self._ids else differing.get(name)
            case tree.Attribute(value=value):
                path = tree.path_of(node)
                is_id = path in self._ids or path.endswith(self._id_fields)
                return Why(path, node.line) if is_id else differing.get(path) or self.why(value, differing)
            case tree.Binary(op="%" | "&" | "/" | ">>" as op, left=left, right=right) if not self.why(right, differing):
                of = self.why(left, differing)
                is_which = op in ("/", ">>")
                if of and of.part == LANE and is_which:
                    return of._replace(part="")  # `thread % 128 / 32` is which warp, `thread % 32 / 4` a place in it
                return of and of._replace(part=of.part or (WARP if is_which else LANE))
            case tree.Call(function=function, args=args):
                path = tree.path_of(function)
                if (cast := inside_casts(node)) is not node:
                    return self.why(cast, differing)
                if names_call(self._id_calls, path):
                    return Why(f"{path}()", node.line)
                return self._first(args, differing) if names_call(self._keeps, path) else None
            case tree.Index(value=value, key=key):
                return self.why(key, differing) or self.why(value, differing)
            case tree.Conditional(test=test, body=body, orelse=orelse):
                return self._first([test, body, orelse], differing)
            case tree.Compare(operands=operands) | tree.Logic(operands=operands):
                return self._first(operands, differing)
            case tree.Binary(left=left, right=right):
                return self._first([left, right], differing)
            case tree.Unary(op=op, operand=operand) if op != "&":
                return self.why(operand, differing)
            case tree.Cast(value=value) | tree.Named(value=value):
                return self.why(value, differing)
        return None

    def _first(self, nodes: list[tree.Node], differing: Differing) -> Why | None:
        return next((why for node in nodes if (why := self.why(node, differing)) is not None), None)


def calls_in(node: tree.Node) -> Iterator[tree.Call]:
    return (inner for inner in tree.walk(node, into=tree.is_of_the_same) if isinstance(inner, tree.Call))
