"""Which calls on `self` an object of a class makes in methods that it inherits, and whether anybody gets there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from llmlint.code.domain.shut_branches import ShutBranches, shut_branches_of
from llmlint.code.domain.signatures import misfit, signature_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.arguments import is_asked_of_its_class
from llmlint.code.link.entities import Call, ClassInfo, FunctionInfo
from llmlint.code.link.objects import Method
from llmlint.code.link.once import once
from llmlint.code.link.program import Program
from llmlint.phrases import last_name

Reach = Literal["", "open", "called"]
"""Nobody comes there on an object of the class; whoever uses the program may; code of the program does."""
_SUPER = "super()"
_MADE = ("__init__", "__post_init__", "__new__")
"""These run for each object there is."""


class OwnCall(NamedTuple):
    """A call of a method of the same object, in a method of `owner`."""

    owner: ClassInfo
    function: FunctionInfo
    effect: Effect


class InheritedCalls:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._own: dict[ClassInfo, dict[str, list[OwnCall]]] = {}
        self._shut: dict[ClassInfo, ShutBranches] = {}
        self._reached: dict[tuple[FunctionInfo, ClassInfo], Reach] = {}

    def of(self, cls: ClassInfo, name: str) -> Iterator[OwnCall]:
        """The calls of `self.name` in what the class takes over from its bases as it is, or begins its own with."""
        for above in cls.mro[1:]:
            for call in self._calls_in(above).get(name, ()):
                if self._inherits(cls, call.function):
                    yield call

    def _inherits(self, cls: ClassInfo, method: FunctionInfo) -> bool:
        """Does an object of the class run this one, with nothing that a class body puts in its place?"""
        if cls.method(method.name) is None or method.owner not in cls.mro:
            return False
        below = cls.mro[: cls.mro.index(method.owner)]
        is_set = any(method.name in (field.name for field in above.facts.fields) for above in below)
        return not is_set and all(_always_calls_up(above.methods.get(method.name)) for above in below)

    def _calls_in(self, cls: ClassInfo) -> dict[str, list[OwnCall]]:
        found = self._own.get(cls)
        if found is None:
            found = self._own[cls] = {}
            for function in cls.methods.values():
                for name, effect in _called_on_self(function):
                    found.setdefault(name, []).append(OwnCall(cls, function, effect))
        return found

    def reach(self, method: FunctionInfo, cls: ClassInfo) -> Reach:
        """Whether an object of the class may come to a method that it inherits."""
        known = self._reached.get((method, cls))
        if known is None:
            self._reached[method, cls] = ""  # a method that only calls itself is reached by nobody
            known = self._reached[method, cls] = self._reach(method, cls)
        return known

    def _reach(self, method: FunctionInfo, cls: ClassInfo) -> Reach:
        if method.name in _MADE:
            return "called"
        calls = [call for call in self._program.callers(method) if self._is_entered(method, cls, call)]
        found = {self._from(call, cls) for call in calls}
        if "called" in found or (not calls and self._is_called_by_name(method)):
            return "called"
        is_hidden = method.name.startswith("_") and not method.name.endswith("__")
        return "open" if "open" in found or not (calls or is_hidden) else ""

    def _is_entered(self, method: FunctionInfo, cls: ClassInfo, call: Call) -> bool:
        """Does control come to the call, and does the method take what it hands over?"""
        if self.why_shut(call, cls):
            return False
        if call.effect.op != "call" or is_asked_of_its_class(method, call.effect):
            return True
        taken = signature_of(Method(method, cls))
        return taken is None or not misfit(taken, call.effect.args)

    def why_shut(self, call: Call, cls: ClassInfo) -> str:
        """Why control never comes to a call where `self` is an object of the class; "" where it may."""
        if call.function.owner not in cls.mro:
            return once(self._program, shut_branches_of).why(call.function, call.effect.line)
        if cls not in self._shut:
            self._shut[cls] = shut_branches_of(self._program, cls)
        return self._shut[cls].why(call.function, call.effect.line)

    def _is_called_by_name(self, method: FunctionInfo) -> bool:
        """On an object of which nothing is known."""
        named = self._program.calls_named(method.name)
        return any("." in effect.callee and not self._program.callees(f, effect) for f, effect in named)

    def _from(self, call: Call, cls: ClassInfo) -> Reach:
        """Whether a call of the method may be made on an object of the class."""
        receiver = call.effect.callee.rpartition(".")[0]
        owner = call.function.owner
        if owner is not None and (receiver == _self_of(call.function) or receiver.startswith(_SUPER)):
            return self._within(call, owner, cls)
        known = self._program.class_of(call.function, receiver) if receiver else None
        if known is None:
            return "called"
        may_be = cls in known.mro if _is_made_there(call.function, receiver, known) else cls.is_kin_of(known)
        return "called" if may_be else ""

    def _within(self, call: Call, owner: ClassInfo, cls: ClassInfo) -> Reach:
        if owner not in cls.mro:
            return ""
        name = call.function.facts.qualname.removeprefix(f"{owner.facts.qualname}.").partition(".")[0]
        calling = owner.methods.get(name)
        if calling is None:
            return ""
        if cls.method(name) is not calling and not self._is_handed_up(cls, owner, name):
            return ""
        return self.reach(calling, cls)

    def _is_handed_up(self, cls: ClassInfo, owner: ClassInfo, name: str) -> bool:
        """Does each override of the method below `owner` call the one above it?"""
        below = (above.methods[name] for above in cls.mro[: cls.mro.index(owner)] if name in above.methods)
        return all(any(e.callee == f"{_SUPER}.{name}" for e in method.effects) for method in below)


def _is_made_there(function: FunctionInfo, receiver: str, cls: ClassInfo) -> bool:
    """Does the function make the object itself, so that it is of this class and of none below it?"""
    if receiver.endswith("()"):
        return last_name(receiver[:-2]) == cls.name
    made = [effect for effect in function.doing("bind") if effect.path == receiver]
    return bool(made) and all(e.value == "new" and last_name(e.source) == cls.name for e in made)


def _always_calls_up(method: FunctionInfo | None) -> bool:
    """Does what a class puts in the place of a method call the one above on every way? Also where it puts nothing."""
    return method is None or f"{_SUPER}.{method.name}" in method.facts.gist.surely


def _called_on_self(function: FunctionInfo) -> Iterator[tuple[str, Effect]]:
    mine = _self_of(function)
    for effect in function.effects if mine else ():
        receiver, _, name = effect.callee.rpartition(".")
        if effect.op == "call" and receiver == mine:
            yield name, effect


def _self_of(function: FunctionInfo) -> str:
    """What a method calls the object or class that it is called on; nested functions say `self` as it does."""
    if function.is_method:
        return function.facts.params[0].name if function.takes_self else ""
    return "self"
