"""LLM310: memory of a block that another thread reads than wrote it, with no barrier between.

Along the ways of one function, and from one round of a loop into the next: a write and a read (or a read and the write
behind it) of one `__shared__` array, whose indices name the elements of different threads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from llmlint.checkers.gpu.barrier_not_by_all import is_kernel
from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.facts.native_tests import inside_casts
from llmlint.code.flow.index_terms import Term, Terms, spelling, terms_of
from llmlint.code.flow.thread_values import LANE, WARP, Threads, calls_in
from llmlint.code.flow.thread_walk import Apart, Here, ThreadWalk, joined
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import by_only_name, functions_of
from llmlint.code.syntax.written import text_of
from llmlint.findings import Report, Step
from llmlint.phrases import last_name

_MAY_WAIT = re.compile("sync|wait|barrier|fence|reduce|scan|sort|arrive|commit|exchange|asm|load|store|copy|mma", re.I)
"""Words in the names of functions that are not seen and may hold a barrier, or do more than compute."""
_DEEPEST = 2
"""Helpers of helpers that are looked into."""
_ONE_WARP = re.compile(r"__launch_bounds__\s*\(\s*(?:32|\w*WARP_SIZE\w*)\s*[,)]")


class Access(NamedTuple):
    array: str
    indices: tuple[Terms, ...]
    at: tree.Node
    is_write: bool
    is_atomic: bool
    tests: frozenset[str]


def check_file(file: SourceFile) -> Iterator[Report]:
    if file.facts.language == "python" or "__shared__" not in file.text:
        return
    threads = Threads(file.vocabulary, file.facts, file.tree)
    lines = file.text.split("\n")
    helpers = by_only_name(functions_of(file.tree))
    for function in functions_of(file.tree):
        head = "\n".join(lines[max(0, function.line - 2) : function.body[0].line if function.body else 0])
        walk = _Unordered(function, threads, is_kernel(function, lines), helpers)
        if walk.arrays and not _ONE_WARP.search(head):
            walk.run()
            yield from (_report(file, before, behind, lines) for before, behind in walk.found.values())


class _Unordered(ThreadWalk):
    """`kept` holds what locals stand for, by name, and the accesses since the last barrier, by their place."""

    def __init__(
        self, function: tree.Function, threads: Threads, is_kernel: bool, helpers: Mapping[str, tree.Function]
    ) -> None:
        super().__init__(function, threads, is_kernel)
        self.helpers = helpers
        self.inside = [function.name]
        self.arrays = {
            target.id
            for node in tree.walk_own(function)
            if isinstance(node, tree.Assign) and "__shared__" in node.specifiers and "volatile" not in node.specifiers
            for target in node.targets
            if isinstance(target, tree.Name)
        }
        self.dimensions = {
            target.id: node.annotation.text.count("[")
            for node in tree.walk_own(function)
            if isinstance(node, tree.Assign) and isinstance(node.annotation, tree.TypeName)
            for target in node.targets
            if isinstance(target, tree.Name)
        }
        self.callables = {param.name for param in function.params} | set(self.own)
        """What a caller or a lambda does is not looked into."""
        self.found: dict[str, tuple[Access, Access]] = {}
        self.stepping: set[str] = set()

    # ------------------------------------------------------------ what locals stand for

    def begins(self, node: tree.Loop, first: list[tree.Node], update: list[tree.Node], here: Here) -> None:
        for part in update:
            name, by = _step_of(part)
            if name and not isinstance(here.kept.get(name), _Part):
                begin = here.kept.get(name, name)
                here.kept[name] = f"{begin} + steps({spelling(by, _spelt(here))})".removeprefix("0 + ")
                self.stepping.add(name)

    def writes(self, target: tree.Node, value: tree.Node | None, here: Here) -> None:
        if isinstance(target, tree.Name) and target.id not in self.arrays and not self._is_element(target, here):
            self._stands_for(target, value, here)
        else:
            self._accessed(target, here, is_write=True)

    def _is_element(self, target: tree.Node, here: Here) -> bool:
        """Does a reference stand for a whole element?"""
        part = here.kept.get(target.id) if isinstance(target, tree.Name) else None
        return isinstance(part, _Part) and len(part.indices) == self.dimensions.get(part.array, 0)

    def _stands_for(self, target: tree.Name, value: tree.Node | None, here: Here) -> None:
        part = self._part_of(value, here)
        if part is not None:
            here.kept[target.id] = part
        elif value is not None and not _mentions(value, target.id):
            here.kept[target.id] = spelling(value, _spelt(here))
        elif target.id not in self.stepping:
            here.kept[target.id] = f"{target.id}@{target.line}"

    def _part_of(self, value: tree.Node | None, here: Here) -> _Part | None:
        """The array, and the first of its indices, that a pointer stands for: `float * row = tile[at];`."""
        value = inside_casts(value) if value is not None else None
        if isinstance(value, tree.Name):
            known = here.kept.get(value.id)
            is_array = value.id in self.arrays and self.dimensions.get(value.id, 0) > 0
            return known if isinstance(known, _Part) else _Part(value.id, ()) if is_array else None
        if not isinstance(value, tree.Index) or not tree.path_of(value).endswith("[]"):
            return None
        array, index = self._element(value, here)
        return _Part(array, index) if array and self._is_pointer(array, len(index)) else None

    def _is_pointer(self, array: str, indices: int) -> bool:
        """Do so many indices leave a part of the array, and no element?"""
        return 0 < indices < self.dimensions.get(array, 0)

    def _element(self, node: tree.Node, here: Here) -> tuple[str, tuple[Terms, ...]]:
        """Which array, by which indices: ("tile", (row, column))."""
        index: list[Terms] = []
        while isinstance(node, tree.Index):
            index.insert(0, terms_of(node.key, _spelt(here), self.threads, here.differing))
            node = node.value
        if not isinstance(node, tree.Name):
            return "", ()
        part = here.kept.get(node.id)
        if isinstance(part, _Part):
            return part.array, (*part.indices, *index)
        return (node.id, tuple(index)) if node.id in self.arrays else ("", ())

    def may_be_passed(self, node: tree.Loop) -> bool:
        """One with a barrier in it is taken to have a round."""
        return not any(self.threads.barrier(call, self.groups) for part in node.body for call in calls_in(part))

    # ------------------------------------------------------------ accesses

    def reads(self, node: tree.Node, here: Here) -> None:
        if isinstance(node, tree.Index | tree.Name):
            self._accessed(node, here, is_write=False)

    def called(self, call: tree.Call, here: Here) -> None:
        name = last_name(tree.path_of(call.function))
        if name.startswith("atomic"):
            for arg in call.args[:1]:
                self._accessed(arg.operand if isinstance(arg, tree.Unary) else arg, here, True, True)
        elif not name or _MAY_WAIT.search(name) or name in self.callables:
            _forget(here)
        elif name in self.helpers and name not in self.inside and len(self.inside) <= _DEEPEST:
            self._within(self.helpers[name], call, here)

    def _within(self, helper: tree.Function, call: tree.Call, here: Here) -> None:
        """What a helper of the file does with what it is given of the block's memory."""
        inner, before = here.copy(), (len(self.ends), list(self.sent))
        for param, arg in zip(helper.params, call.args, strict=False):
            is_scalar = isinstance(arg, tree.Name) and arg.id in self.arrays and not self.dimensions[arg.id]
            part = _Part(arg.id, ()) if is_scalar and isinstance(arg, tree.Name) else self._part_of(arg, here)
            inner.kept[param.name] = part or spelling(arg, _spelt(here))
            inner.differing.pop(param.name, None)
            if (why := self.threads.why(arg, here.differing)) is not None:
                inner.differing[param.name] = why
        self.inside.append(helper.name)
        end = joined([self.block(helper.body or [], inner), *self.ends[before[0] :]])
        self.inside.pop()
        self.sent = before[1]
        _forget(here)
        here.kept |= {key: kept for key, kept in end.kept.items() if isinstance(kept, Access)} if end else {}

    def meets(self, call: tree.Call, kind: str, here: Here) -> None:
        _forget(here)

    def _accessed(self, node: tree.Node, here: Here, is_write: bool, is_atomic: bool = False) -> None:
        array, index = self._element(node, here)
        if not array or len(index) != self.dimensions.get(array, 0):
            return
        tests = frozenset(spelling(test, _spelt(here)) + str(one.holds) for one in self.apart for test in _all_of(one))
        access = Access(array, index, node, is_write, is_atomic, tests)
        for before in list(here.kept.values()):
            if isinstance(before, Access) and _is_race(before, access):
                self.found.setdefault(array, (before, access))
        here.kept[(node.line, node.column, is_write)] = access


def _all_of(apart: Apart) -> list[tree.Node]:
    """The tests that all hold where one made of them does."""
    joins = isinstance(apart.at, tree.Logic) and apart.at.op == "and" and apart.holds
    return apart.at.operands if joins and isinstance(apart.at, tree.Logic) else [apart.at]


class _Part(NamedTuple):
    array: str
    indices: tuple[Terms, ...]


def _spelt(here: Here) -> dict[str, str]:
    return {name: text for name, text in here.kept.items() if isinstance(text, str)}


def _forget(here: Here) -> None:
    for key in [key for key, kept in here.kept.items() if isinstance(kept, Access)]:
        del here.kept[key]


def _step_of(part: tree.Node) -> tuple[str, tree.Node | None]:
    match part:
        case tree.Assign(op=op, targets=[tree.Name(id=name)], value=value) if op:
            return name, value
        case tree.Named(op=op, target=tree.Name(id=name), value=value) if op:
            return name, value
        case tree.Unary(op="++" | "--", operand=tree.Name(id=name)):
            return name, None
        case tree.Expression(value=value):
            return _step_of(value)
    return "", None


def _mentions(node: tree.Node, name: str) -> bool:
    return any(isinstance(inner, tree.Name) and inner.id == name for inner in tree.walk(node))


# ---------------------------------------------------------------- do two accesses meet?


def _is_race(before: Access, behind: Access) -> bool:
    """Does a thread read what another writes? Told where the elements are sure to overlap; what stands under the same
    test that only some threads pass is taken to be theirs."""
    if before.array != behind.array or not (before.is_write ^ behind.is_write) or before.tests & behind.tests:
        return False
    write, read = (before, behind) if before.is_write else (behind, before)
    pairs = list(zip(write.indices, read.indices, strict=True))
    if all(not _differing(terms) for terms in (*write.indices, *read.indices)):
        return all(_texts(w) == _texts(r) for w, r in pairs) and bool(write.tests) and not write.is_atomic
    if read.tests and all(term.text.isdigit() for _, r in pairs for term in r):
        return False  # `if (tid == 0) out = sum[0];` reads its own
    rests = [_without_common(w, r) for w, r in pairs]
    common = [term for w, r in pairs for term in w if term.text in _texts(r)]
    differ = [(w, r) for w, r in rests if w or r]
    return bool(differ) and all(_overlap(w, r, len(pairs) > 1) for w, r in differ) and not _in_warp(differ, common)


def _differing(terms: Terms) -> list[Term]:
    return [term for term in terms if term.why is not None]


def _texts(terms: Terms) -> list[str]:
    return [term.text for term in terms]


def _without_common(one: Terms, other: Terms) -> tuple[Terms, Terms]:
    return tuple(t for t in one if t.text not in _texts(other)), tuple(t for t in other if t.text not in _texts(one))


def _overlap(write: Terms, read: Terms, is_dimension: bool) -> bool:
    """Does what is left of the two indices name elements of different threads? Where one holds more than the number of
    a thread, or of a round, they may be of different parts of the array; one dimension of several has no parts."""
    own, others = _differing(write), _differing(read)
    if not own or not all(_is_plain(term, is_dimension) for term in (*write, *read)):
        return False
    return _told_apart(own) != _told_apart(others) if others else len(read) <= 1


def _told_apart(terms: list[Term]) -> set[tuple[str, str]]:
    """By which numbers: two expressions of one may never name the same element."""
    return {(term.why.source, term.why.part) for term in terms if term.why is not None}


def _is_plain(term: Term, is_dimension: bool) -> bool:
    """The number of a thread, part of it or a multiple; that of a loop's round, or of an element."""
    if term.why is not None:
        return is_dimension or _PLAIN.fullmatch(term.text) is not None
    return _SMALL.fullmatch(term.text) is not None


_PLAIN = re.compile(r"\(?[\w.()]+(?: [*/%&] \w+)?\)?|\(\w+ \* [\w.]+\)")
_SMALL = re.compile(r"steps\(.*\)|\d+")


def _in_warp(differ: list[tuple[Terms, Terms]], common: list[Term]) -> bool:
    """Are they elements of one warp? Its threads may be told apart by their lane, or by the first index of a block
    whose other index both name."""
    whys = [term.why for write, _ in differ for term in write if term.why is not None]
    named = [term.why for term in common if term.why is not None]
    is_lane = bool(whys) and all(why.part == LANE for why in whys)
    is_first = bool(whys) and all(why.source.endswith("x") for why in whys)
    return is_lane or any(why.part == WARP for why in named) or (bool(named) and is_first)


def _report(file: SourceFile, before: Access, behind: Access, lines: list[str]) -> Report:
    one, other = text_of(before.at, lines), text_of(behind.at, lines)
    does, did = ("written", "read") if behind.is_write else ("read", "written")
    symbol = qualname_at(file.facts, behind.at.line)
    return Report(
        place_of(behind.at),
        symbol,
        f"{other} is {does} where another thread's {one} may not have been {did} yet: no barrier stands between",
        (
            Step("", before.at.line, f"{one} is {did} by each thread"),
            Step("", behind.at.line, f"{other} is {does}, and on a way here the threads have not met"),
        ),
        confidence="low",
        reason="whether the indices of two threads meet was not worked out",
        subject=before.array,
        origin=f"{symbol} {before.is_write}",
        fix="let the threads meet between the two: __syncthreads()",
    )
