"""What calling a method does to its object, all told: through helpers, bases, owned objects and functions it hands
itself to.

The walk goes breadth first over pairs of a function and what its roots stand for (`self` is `self.cache`, the
parameter `queue` is `self.waiting`), so the first path found to an effect is the shortest, each pair is entered once,
and a call that gets nothing of the object is not followed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from llmlint.code.facts.facts import Effect, Region
from llmlint.code.link.dispatch import Dispatch, arguments_by_parameter
from llmlint.code.link.entities import Call, ClassInfo, FunctionInfo, root_of
from llmlint.code.link.objects import Known
from llmlint.code.link.types import Types

CHANGING = frozenset({"insert", "remove", "clear", "assign", "delete"})
_SKIPPABLE = frozenset({"if", "else", "except", "case", "and", "lambda"})
_LONGEST_CHAIN = 12
_DEEPEST_PATH = 6
_MOST_VISITS = 3000


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """One thing done to an object's state.

    `path` is written from the object the walk began at (`self.cache_manager.blocks`), whatever it is called where it
    happens; `function` and `effect` are the place itself and `chain` the way there, ending with it. `how` is the
    effect's op, or "call" for a method called on an attribute, or "pass" for an attribute handed to a call as an
    argument; `followed` says whether that call was followed into the program. `conditional`: something on the way may
    skip it.
    """

    path: str
    how: str
    effect: Effect
    function: FunctionInfo
    chain: tuple[Call, ...]
    conditional: bool
    followed: bool = False

    @property
    def attribute(self) -> str:
        """The attribute of the object that it goes through: `cache_manager`; "" when it is not one of `self`'s."""
        root, _, rest = self.path.partition(".")
        return root_of(rest) if root == "self" else ""

    @property
    def is_whole(self) -> bool:
        """Done to the attribute itself, not to a part of what it holds."""
        return self.path == f"self.{self.attribute}"


class _Stand(NamedTuple):
    """A function, and what the names in it stand for at the root object."""

    function: FunctionInfo
    roots: tuple[tuple[str, str], ...]
    known: tuple[tuple[str, ClassInfo], ...]


class _Visit(NamedTuple):
    stand: _Stand
    chain: tuple[Call, ...]
    conditional: bool


class Closure:
    def __init__(self, dispatch: Dispatch, types: Types) -> None:
        self._dispatch = dispatch
        self._types = types
        self._known: dict[tuple[FunctionInfo, ClassInfo | None], tuple[tuple[Done, ...], frozenset[str]]] = {}

    def does(self, method: FunctionInfo, cls: ClassInfo | None) -> tuple[Done, ...]:
        return self._walked(method, cls or method.owner)[0]

    def mentions(self, method: FunctionInfo, cls: ClassInfo | None) -> frozenset[str]:
        return self._walked(method, cls or method.owner)[1]

    def _walked(self, method: FunctionInfo, cls: ClassInfo | None) -> tuple[tuple[Done, ...], frozenset[str]]:
        key = (method, cls)
        if key not in self._known:
            self._known[key] = self._walk(method, cls)
        return self._known[key]

    def _walk(self, method: FunctionInfo, cls: ClassInfo | None) -> tuple[tuple[Done, ...], frozenset[str]]:
        if cls is not None:
            first = _Stand(method, (("self", "self"),), (("self", cls),))
        else:
            first = _Stand(method, tuple((p.name, p.name) for p in method.facts.params), ())
        done: list[Done] = []
        mentioned: set[str] = set()
        entered = {first}
        waiting = deque([_Visit(first, (), False)])
        while waiting and len(entered) <= _MOST_VISITS:
            visit = waiting.popleft()
            roots = dict(visit.stand.roots)
            mentioned.update(_rooted(path, roots) for path, _ in visit.stand.function.reads)
            for following in self._visit(visit, done):
                if following.stand not in entered and len(following.chain) < _LONGEST_CHAIN:
                    entered.add(following.stand)
                    waiting.append(following)
        return tuple(done), frozenset(mentioned - {"", "self"})

    def _visit(self, visit: _Visit, done: list[Done]) -> list[_Visit]:
        """Adds what the function itself does, and answers where it leads."""
        function, roots, known = visit.stand.function, dict(visit.stand.roots), dict(visit.stand.known)
        following: list[_Visit] = []
        for effect in function.effects:
            chain = (*visit.chain, Call(function, effect))
            conditional = visit.conditional or may_be_skipped(function.regions, effect.region)
            path = _rooted(effect.path, roots)
            if effect.op in CHANGING and path and path != "self":
                done.append(Done(path, effect.op, effect, function, chain, conditional))
            for either in effect.maybe if effect.op in CHANGING else ():
                path = _rooted(either, roots)
                if path and path != "self":
                    done.append(Done(path, effect.op, effect, function, chain, True))
            if effect.callee:
                targets = self._targets(function, effect, roots, known)
                done.extend(_handed(effect, roots, Call(function, effect), chain, conditional, bool(targets)))
                for target in targets:
                    stand = self._stand(visit.stand, effect, target)
                    if stand is not None:
                        following.append(_Visit(stand, chain, conditional or len(targets) > 1))
        following.extend(self._properties(visit, roots, known))
        return following

    def _targets(
        self, function: FunctionInfo, effect: Effect, roots: dict[str, str], known: Known
    ) -> tuple[FunctionInfo, ...]:
        """Only calls that are handed something of the object are resolved."""
        callee = effect.callee
        is_near = callee.startswith("super()") or "." not in callee or function.language != "python"
        if is_near or root_of(callee) in roots:
            return self._dispatch.callees(function, effect, known)
        if any(argument.path and root_of(argument.path) in roots for argument in effect.args):
            return self._dispatch.callees(function, effect, known)
        return ()

    def _stand(self, here: _Stand, effect: Effect, target: FunctionInfo) -> _Stand | None:
        """What the names of a called function stand for; None when it is handed nothing of the object."""
        function, roots, known = here.function, dict(here.roots), dict(here.known)
        inner: dict[str, str] = {}
        classes: dict[str, ClassInfo] = {}
        if target.path == function.path and target.facts.qualname.startswith(f"{function.facts.qualname}."):
            inner.update(roots)
            classes.update(known)
        handed = [("self", self._receiver(function, effect, target))]
        for name, argument in arguments_by_parameter(target, effect).items():
            inner.pop(name, None)
            is_self = target.takes_self and name == target.facts.params[0].name
            handed.append(("self" if is_self else name, argument.path))
        for name, path in handed:
            seen = _rooted(path, roots)
            if seen:
                inner[name] = seen
                cls = self._types.class_of(function, path, known)
                if cls is not None:
                    classes[name] = cls
        return (
            _Stand(target, tuple(sorted(inner.items())), tuple(sorted(classes.items(), key=_by_name)))
            if inner
            else None
        )

    @staticmethod
    def _receiver(function: FunctionInfo, effect: Effect, target: FunctionInfo) -> str:
        """The path of the object that a method is called on."""
        receiver = effect.callee.rpartition(".")[0]
        if receiver == "super()":
            return "self"
        if not target.is_method:
            return ""
        if function.language != "python" and function.owner is not None and target.owner in function.owner.mro:
            names_a_base = receiver.rpartition(".")[2] == target.owner.name if target.owner else False
            return "self" if names_a_base else receiver
        return receiver

    def _properties(self, visit: _Visit, roots: dict[str, str], known: dict[str, ClassInfo]) -> list[_Visit]:
        """Reading a property runs it."""
        function, cls = visit.stand.function, known.get("self", visit.stand.function.owner)
        if cls is None or "self" not in roots:
            return []
        stands: list[_Visit] = []
        for path, line in function.reads:
            name = root_of(path[5:]) if path.startswith("self.") else ""
            getter = cls.method(name) if name else None
            if getter is not None and getter.is_property:
                stand = _Stand(getter, (("self", roots["self"]),), (("self", cls),))
                step = Call(function, Effect("call", f"self.{name}", line, 1, via="property"))
                stands.append(_Visit(stand, (*visit.chain, step), visit.conditional))
        return stands


def _by_name(item: tuple[str, ClassInfo]) -> str:
    return item[0]


def _rooted(path: str, roots: dict[str, str]) -> str:
    """A path as seen from the root object; "" when it does not begin with something of it."""
    root = root_of(path)
    if not root or root not in roots:
        return ""
    seen = roots[root] + path[len(root) :]
    return seen if seen.count(".") <= _DEEPEST_PATH else ""


def _handed(
    effect: Effect, roots: dict[str, str], at: Call, chain: tuple[Call, ...], conditional: bool, followed: bool
) -> list[Done]:
    """What a call has to do with the object by itself: whose method it is, and what it is handed."""
    receiver = _rooted(effect.callee.rpartition(".")[0], roots) if effect.op == "call" else ""
    passed = [_rooted(argument.path, roots) for argument in effect.args]
    return [
        Done(path, how, effect, at.function, chain, conditional, followed)
        for how, path in (("call", receiver), *(("pass", path) for path in passed))
        if path and path != "self"
    ]


@lru_cache(maxsize=65536)
def _skippable_kind(kind: str, text: str) -> bool:
    comprehension = kind == "lambda" and " for " in text
    return kind in _SKIPPABLE and not comprehension


def may_be_skipped(regions: tuple[Region, ...], region: int) -> bool:
    """Does a condition, a handler or a deferred call stand between the body and this region?"""
    while 0 < region < len(regions):
        if _skippable_kind(regions[region].kind, regions[region].text):
            return True
        region = regions[region].parent
    return False
