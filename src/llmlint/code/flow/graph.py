"""The control-flow graph of a function, made from its regions and effects when it is asked for.

A node is one effect, or a place that does nothing: a branch, a loop's head, the way into or out of a `with`. A
`finally` is there once for each kind of way through it, so a path never enters it by a return and leaves it by the next
statement.

    exit      the function returned
    raised    an exception left it
    gone      the program ended

Edges are plain, or say what took control there: "raise" (somebody wrote it), "throw" (a call may), "assert", "cancel"
(an await or a yield may be the last), "uncaught" (no handler wanted it). A branch's edges carry what was asked and
whether it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from llmlint.code.facts.facts import Effect, Region, Test
from llmlint.code.facts.gists import ends_all
from llmlint.code.facts.native_endings import ENDS, NO_ENDINGS, THROWS, Endings

ENTRY, EXIT, RAISED, GONE = range(4)

_CATCHES_ALL = frozenset({"", "...", "BaseException"})
_CATCHES_ERRORS = frozenset({"Exception", "std::exception", "const std::exception &", "std::exception &"})
_CATCHES_CANCELS = frozenset({"CancelledError", "GeneratorExit"})
_ALWAYS = frozenset({"True", "true", "1"})
_NEVER = frozenset({"False", "false", "0"})


class Edge(NamedTuple):
    to: int
    kind: str = ""
    test: Test | None = None
    holds: bool = True


class Node(NamedTuple):
    """`effect` counts in the function's effects, -1 where nothing is done; `what` says what stands there then."""

    effect: int
    region: int
    what: str = ""


class _Open(NamedTuple):
    """A way on that has no target yet."""

    node: int
    kind: str = ""
    test: Test | None = None
    holds: bool = True


@dataclass
class _Around:
    """Something that a jump outwards meets: a loop, a switch, a try, a finally or a with."""

    kind: str
    region: int
    on: int = -1
    on_cancel: int = -1
    breaks: list[_Open] = field(default_factory=list)
    copies: dict[str, int] = field(default_factory=dict)


class Graph:
    """`asked` says by region at which nodes its test is asked, `entered` at which a `with` begins."""

    def __init__(
        self,
        nodes: Sequence[Node],
        edges: Sequence[tuple[Edge, ...]],
        effects: Sequence[Effect],
        asked: Mapping[int, Sequence[int]],
    ) -> None:
        self.nodes = nodes
        self.out = edges
        self.effects = effects
        self.asked = asked

    def effect(self, node: int) -> Effect | None:
        at = self.nodes[node].effect
        return self.effects[at] if at >= 0 else None

    @cached_property
    def _nodes_of(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for number, node in enumerate(self.nodes):
            if node.effect >= 0:
                found.setdefault(node.effect, []).append(number)
        return found

    def nodes_of(self, effect: int) -> Sequence[int]:
        """Where an effect stands: several nodes when it is part of a finally, none when control never gets there."""
        return self._nodes_of.get(effect, ())

    @cached_property
    def entered(self) -> Mapping[int, Sequence[int]]:
        found: dict[int, list[int]] = {}
        for number, node in enumerate(self.nodes):
            if node.what == "enter":
                found.setdefault(node.region, []).append(number)
        return found

    @cached_property
    def back(self) -> Sequence[Sequence[tuple[int, Edge]]]:
        """For each node where control comes from."""
        found: list[list[tuple[int, Edge]]] = [[] for _ in self.nodes]
        for number, edges in enumerate(self.out):
            for edge in edges:
                found[edge.to].append((number, edge))
        return found


def graph_of(
    effects: Sequence[Effect],
    regions: Sequence[Region],
    language: str,
    body: int = 0,
    endings: Endings = NO_ENDINGS,
) -> Graph:
    """The graph of a function, or of one lambda in it: what that does is done when it is called. `endings` are the
    program's own functions and macros that never return."""
    return _Builder(effects, regions, language == "python", endings).build(body)


class _Builder:
    def __init__(self, effects: Sequence[Effect], regions: Sequence[Region], is_python: bool, endings: Endings) -> None:
        self.effects = effects
        self.endings = endings
        self.regions = regions
        self.is_python = is_python
        self.nodes = [Node(-1, 0, what) for what in ("entry", "exit", "raised", "gone")]
        self.edges: list[list[Edge]] = [[] for _ in self.nodes]
        self.around: list[_Around] = []
        self.labels: dict[str, int] = {}
        self.own: list[list[int]] = [[] for _ in regions]
        self.below: list[list[int]] = [[] for _ in regions]
        self.partners: dict[int, list[int]] = {}
        self.asked: dict[int, list[int]] = {}
        for at, effect in enumerate(effects):
            self.own[effect.region].append(at)
        for at, region in enumerate(regions[1:], 1):
            self.below[region.parent].append(at)
            if region.first != at:
                self.partners.setdefault(region.first, []).append(at)

    def build(self, body: int) -> Graph:
        ends = self._inside(body, [_Open(ENTRY)])
        self._connect(ends, EXIT)
        return Graph(self.nodes, [tuple(edges) for edges in self.edges], self.effects, self.asked)

    # ------------------------------------------------------------ pieces

    def _new(self, region: int, what: str = "", effect: int = -1) -> int:
        self.nodes.append(Node(effect, region, what))
        self.edges.append([])
        return len(self.nodes) - 1

    def _connect(self, ways: Iterable[_Open], to: int) -> None:
        for way in ways:
            self.edges[way.node].append(Edge(to, way.kind, way.test, way.holds))

    def _step(self, ways: list[_Open], node: int) -> list[_Open]:
        self._connect(ways, node)
        return [_Open(node)]

    def _inside(self, region: int, ways: list[_Open]) -> list[_Open]:
        """What a region does, its own effects and the regions in it in their order."""
        effects, at = self.own[region], 0
        for inner in self.below[region]:
            while at < len(effects) and effects[at] < self.regions[inner].begin:
                ways = self._effect(effects[at], ways)
                at += 1
            if self.regions[inner].first == inner or self.regions[inner].kind == "and":
                ways = self._group(inner, ways)
        for effect in effects[at:]:
            ways = self._effect(effect, ways)
        return ways

    # ------------------------------------------------------------ effects

    def _effect(self, at: int, ways: list[_Open]) -> list[_Open]:
        effect = self.effects[at]
        if effect.op == "label":
            return self._step(ways, self._label(effect))
        if not ways:
            return ways
        node = self._new(effect.region, "", at)
        ways = self._step(ways, node)
        if effect.op in ("return", "break", "continue"):
            self._leave(effect.op, ways)
        elif effect.op == "goto":
            self._connect(ways, self._label(effect))
        elif effect.op == "raise":
            self._leave("raise", [_Open(node, "raise")])
        elif effect.op == "call" and (how := self._never_returns(effect)):
            if how == THROWS:
                self._leave("raise", [_Open(node, "raise")])
            else:
                self._connect(ways, GONE)
        else:
            self._may_fail(effect, node)
            return ways
        return []

    def _never_returns(self, effect: Effect) -> str:
        named = effect.path.lstrip("~").removeprefix("self.")
        return ENDS if ends_all(effect, self.is_python) else self.endings.how(named)

    def _label(self, effect: Effect) -> int:
        if effect.path not in self.labels:
            self.labels[effect.path] = self._new(effect.region, "label")
        return self.labels[effect.path]

    def _may_fail(self, effect: Effect, node: int) -> None:
        if effect.op == "assert":
            self._leave("raise", [_Open(node, "assert")])
        elif effect.callee:
            self._leave("raise", [_Open(node, "throw")])
        if effect.via == "await" or effect.op in ("await", "yield"):
            self._leave("cancel", [_Open(node, "cancel")])

    def _leave(self, kind: str, ways: list[_Open]) -> None:
        """Leads a jump outwards, through each finally and with on its way, to where it ends."""
        for depth in range(len(self.around) - 1, -1, -1):
            around = self.around[depth]
            if self._stops(around, kind, ways):
                return
            if around.kind in ("finally", "with"):
                self._connect(ways, self._copy(around, kind, depth))
                return
        self._connect(ways, EXIT if kind == "return" else RAISED)

    def _stops(self, around: _Around, kind: str, ways: list[_Open]) -> bool:
        if kind in ("raise", "cancel") and around.kind == "try":
            target = around.on if kind == "raise" else around.on_cancel
            if target >= 0:
                self._connect(ways, target)
            return target >= 0
        if kind == "break" and around.kind in ("loop", "switch"):
            around.breaks += ways
            return True
        if kind == "continue" and around.kind == "loop":
            self._connect([way._replace(kind=way.kind or "back") for way in ways], around.on)
            return True
        return False

    def _copy(self, around: _Around, kind: str, depth: int) -> int:
        """The finally or the way out of the with, as this kind of jump goes through it."""
        if kind not in around.copies:
            node = around.copies[kind] = self._new(around.region, "leave")
            inner, self.around = self.around, self.around[:depth]
            ends = [_Open(node)]
            self._leave(kind, self._inside(around.region, ends) if around.kind == "finally" else ends)
            self.around = inner
        return around.copies[kind]

    # ------------------------------------------------------------ regions

    def _group(self, at: int, ways: list[_Open]) -> list[_Open]:
        region = self.regions[at]
        if not ways and not self.labels and not self._has_label(at):
            return ways
        match region.kind:
            case "if":
                return self._if(at, ways)
            case "and":
                return self._optional(at, ways)
            case "loop":
                return self._loop(at, ways)
            case "try":
                return self._try(at, ways)
            case "with":
                return self._with(at, ways)
            case "case":
                return self._switch(at, ways)
            case "lambda":
                return self._optional(at, ways) if runs_in_place(region, self.is_python) else ways
        return self._inside(at, ways)

    def _has_label(self, region: int) -> bool:
        """Can a goto lead into it?"""
        return any(self.effects[e].op == "label" for e in self.own[region]) or any(
            map(self._has_label, self.below[region])
        )

    def _branch(self, at: int, ways: list[_Open]) -> tuple[list[_Open], list[_Open]]:
        """The ways on where the test of the region holds, and where not."""
        test = self.regions[at].test
        node = self._asks(at, "branch")
        self._connect(ways, node)
        known = _constant(test)
        held = [_Open(node, "", test, True)] if known is not False else []
        failed = [_Open(node, "", test, False)] if known is not True else []
        return held, failed

    def _asks(self, at: int, what: str, region: int = -1) -> int:
        """A node at which the region's test is asked; a loop's stands in the loop."""
        node = self._new(region if region >= 0 else self.regions[at].parent, what)
        self.asked.setdefault(at, []).append(node)
        return node

    def _if(self, at: int, ways: list[_Open]) -> list[_Open]:
        held, failed = self._branch(at, ways)
        ends = self._inside(at, held)
        for other in self.partners.get(at, ()):
            failed = self._inside(other, failed)
        return ends + failed

    def _optional(self, at: int, ways: list[_Open]) -> list[_Open]:
        held, failed = self._branch(at, ways)
        return self._inside(at, held) + failed

    def _loop(self, at: int, ways: list[_Open]) -> list[_Open]:
        region = self.regions[at]
        head = self._asks(at, "head", at)
        self._connect(ways, head)
        loop = _Around("loop", at, head)
        is_do = region.text.startswith("do ")
        if is_do:
            loop.on = self._new(at, "head")
        self.around.append(loop)
        known = _constant(region.test) if region.text.startswith(("while", "do ")) else None
        asked = loop.on if is_do else head
        held = [_Open(asked, "", region.test, True)] if known is not False else []
        done = [_Open(asked, "", region.test, False)] if known is not True else []
        ends = self._inside(at, [_Open(head)] if is_do else held)
        self.around.pop()
        if is_do:
            self._connect(ends, loop.on)
            self._connect([way._replace(kind="back") for way in held], head)
        else:
            self._connect([way._replace(kind=way.kind or "back") for way in ends], head)
        for other in self.partners.get(at, ()):
            done = self._inside(other, done)
        return done + loop.breaks

    def _try(self, at: int, ways: list[_Open]) -> list[_Open]:
        parts = {kind: [p for p in self.partners.get(at, ()) if self.regions[p].kind == kind] for kind in _PARTS}
        final = [_Around("finally", parts["finally"][0])] if parts["finally"] else []
        self.around += final
        tried = _Around("try", at)
        texts = [self.regions[h].text for h in parts["except"]]
        if texts:
            tried.on = self._new(at, "dispatch")
            tried.on_cancel = self._new(at, "dispatch") if any(map(_catches_cancels, texts)) else -1
        self.around.append(tried)
        ways = self._inside(at, ways)
        self.around.pop()
        for other in parts["try-else"]:
            ways = self._inside(other, ways)
        ways = ways + self._handlers(tried, parts["except"], texts)
        if final:
            self.around.pop()
            ways = self._inside(parts["finally"][0], ways)
        return ways

    def _handlers(self, tried: _Around, handlers: list[int], texts: list[str]) -> list[_Open]:
        ends: list[_Open] = []
        for handler, text in zip(handlers, texts, strict=True):
            comes = [_Open(tried.on)] + ([_Open(tried.on_cancel)] if _catches_cancels(text) else [])
            ends += self._inside(handler, self._step(comes, self._new(handler, "handler")))
        if handlers and not any(text in _CATCHES_ALL or text in _CATCHES_ERRORS for text in texts):
            self._leave("raise", [_Open(tried.on, "uncaught")])
        return ends

    def _with(self, at: int, ways: list[_Open]) -> list[_Open]:
        swallows = "suppress(" in self.regions[at].text
        if swallows:
            self.around.append(_Around("try", at, self._new(at, "dispatch")))
        self.around.append(_Around("with", at))
        ways = self._inside(at, self._step(ways, self._new(at, "enter")))
        self.around.pop()
        ways = self._step(ways, self._new(at, "leave")) if ways else ways
        return [*ways, _Open(self.around.pop().on)] if swallows else ways

    def _switch(self, at: int, ways: list[_Open]) -> list[_Open]:
        node = self._asks(at, "branch")
        self._connect(ways, node)
        cases = [at, *self.partners.get(at, ())]
        switch = _Around("switch" if not self.is_python else "match", at)
        self.around.append(switch)
        ends: list[_Open] = []
        falling: list[_Open] = []
        for case in cases:
            left = self._inside(case, [_Open(node, "case"), *falling])
            falling = left if self.regions[case].runs_on and not self.is_python else []
            ends += [] if falling else left
        self.around.pop()
        passes_by = not any(self.regions[case].text in ("", "_") for case in cases)
        return ends + falling + switch.breaks + ([_Open(node, "case")] if passes_by else [])


_PARTS = ("except", "try-else", "finally")


def runs_in_place(region: Region, is_python: bool) -> bool:
    """Is what stands in the region done where it is written? Not in a lambda; comprehensions of Python are none."""
    return region.kind != "lambda" or (is_python and region.text != "lambda")


def _constant(test: Test | None) -> bool | None:
    """What a test says whatever happens, where it does."""
    if test is None:
        return None
    if test.op == "constant" and test.path in _ALWAYS | _NEVER:
        return test.path in _ALWAYS
    return False if test.op == "path" and test.path.rpartition(".")[2] == "TYPE_CHECKING" else None


def _catches_cancels(text: str) -> bool:
    return text in _CATCHES_ALL or not _CATCHES_CANCELS.isdisjoint(re.findall(r"\w+", text))
