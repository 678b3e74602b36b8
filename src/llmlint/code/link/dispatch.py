"""Which functions a call runs, and which calls run a function."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from llmlint.code.facts.bodies.scope import is_within
from llmlint.code.facts.facts import Effect
from llmlint.code.link.call_index import CallIndex
from llmlint.code.link.entities import Call, ClassInfo, FunctionInfo
from llmlint.code.link.names import Names
from llmlint.code.link.narrowing import Narrowing
from llmlint.code.link.objects import NOTHING_KNOWN, Instance, Known, Method, One, options_in
from llmlint.code.link.types import Types

CONSTRUCTORS = ("__init__", "__post_init__", "__new__")
CALLED_BY_CLASS = (*CONSTRUCTORS, "__call__", "forward")


class Dispatch:
    def __init__(self, names: Names, types: Types, calls: CallIndex) -> None:
        self._names = names
        self._types = types
        self.calls = calls
        self._plain: dict[tuple[FunctionInfo, str], tuple[FunctionInfo, ...]] = {}
        self._narrowing = Narrowing(calls)
        self._targets_of: dict[tuple[str, bool], dict[FunctionInfo, list[Call]]] = {}

    def callees(
        self, function: FunctionInfo, effect: Effect, known: Known = NOTHING_KNOWN, overrides: bool = False
    ) -> tuple[FunctionInfo, ...]:
        callee = effect.callee
        if not callee or callee.startswith("?"):
            return ()
        narrowed = self._narrowed(function, effect)
        if narrowed:
            known = {**narrowed, **known}
        if known or overrides or self._types.depends_on_place(callee):
            return self._targets(function, effect, known, overrides)
        found = self._plain.get((function, callee))
        if found is None:
            found = self._plain[function, callee] = self._targets(function, effect, known, overrides)
        return found

    def _narrowed(self, function: FunctionInfo, effect: Effect) -> Known:
        """What tests have said of what a method is called on."""
        told = self._narrowing.at(function, effect)
        if not told:
            return NOTHING_KNOWN
        receiver = effect.callee.rpartition(".")[0]
        told = {path: text for path, text in told.items() if is_within(receiver, path)}
        found = {path: self._types.narrowed(function, path, text) for path, text in told.items()}
        return {path: value for path, value in found.items() if value is not None}

    def _targets(
        self, function: FunctionInfo, effect: Effect, known: Known, overrides: bool
    ) -> tuple[FunctionInfo, ...]:
        callee = effect.callee
        if effect.via == "new" and function.language != "python":
            made = self._types.value_of(function, callee, known) or self._names.lookup(function.path, callee)
            return self._run_by(made, overrides) if isinstance(made, ClassInfo) else ()
        receiver, _, name = callee.rpartition(".")
        value = self._types.value_at(function, effect.line, callee, known)
        if value is None and receiver and receiver != "super()":
            owner = self._types.class_of(function, receiver, known)
            return self._below(owner, name) if owner is not None else ()
        found = (target for option in options_in(value) for target in self._run_by(option, overrides))
        return tuple(dict.fromkeys(found))

    def _run_by(self, value: One, overrides: bool) -> tuple[FunctionInfo, ...]:
        match value:
            case FunctionInfo():
                return (value,)
            case ClassInfo():
                made = next((f for name in CONSTRUCTORS if (f := value.method(name)) is not None), None)
                return (made,) if made is not None else ()
            case Method(function=function, receiver=receiver):
                if overrides or function.is_abstract or not function.facts.has_body:
                    return _with_overrides(function, receiver)
                return (function,)
            case Instance(cls=ClassInfo() as cls):
                called = cls.method("__call__") or cls.method("forward")
                return (called,) if called is not None else ()
        return ()

    @staticmethod
    def _below(cls: ClassInfo, name: str) -> tuple[FunctionInfo, ...]:
        """A mixin calls what only the classes made of it have."""
        found = (sub.method(name) for sub in cls.subclasses)
        return tuple(dict.fromkeys(f for f in found if f is not None))

    # ------------------------------------------------------------ the other way round

    def callers(self, function: FunctionInfo) -> tuple[Call, ...]:
        """Every call in the program that runs this function, in the program's order."""
        below = self.begun_again_in(function)
        names = self.names_of(function) - ({function.name} if below is not None else set())
        in_python = function.language == "python"
        found = [call for name in sorted(names) for call in self._calls_by_target(name, in_python).get(function, ())]
        found += [call for call in below or () if function in self.callees(*call, overrides=True)]
        return tuple(sorted(found, key=_place_of))

    def begun_again_in(self, function: FunctionInfo) -> Sequence[Call] | None:
        """The calls that name a Python constructor itself, which its own class and those below it make; None for
        another function. To resolve each `super().__init__()` there is would look into half of a program."""
        owner = function.owner
        if owner is None or function.language != "python" or function.name not in CONSTRUCTORS:
            return None
        inside = (f for cls in (owner, *owner.subclasses) for f in cls.functions)
        return self.calls.inside(inside, function.name)

    def callers_among(self, function: FunctionInfo, functions: Sequence[FunctionInfo]) -> tuple[Call, ...]:
        """The same calls as far as they stand in these functions; only these are resolved."""
        named = (call for name in sorted(self.names_of(function)) for call in self.calls.inside(functions, name))
        found = [call for call in named if function in self.callees(*call, overrides=True)]
        return tuple(sorted(found, key=_place_of))

    def names_of(self, function: FunctionInfo) -> set[str]:
        """The names by which calls may mean the function."""
        names = {function.name}
        if function.name in CALLED_BY_CLASS and function.owner is not None:
            names.update(cls.name for cls in (function.owner, *function.owner.subclasses))
            names.update(("self", "super()") if function.name in CONSTRUCTORS else ())
        names.update(alias for name in sorted(names) for alias in self.aliases.get(name, ()))
        return names

    def _calls_by_target(self, name: str, in_python: bool) -> dict[FunctionInfo, list[Call]]:
        """The calls of a name by what they run, overrides included: none runs what another language defines."""
        if (name, in_python) not in self._targets_of:
            found = self._targets_of[name, in_python] = {}
            for call in self.calls.named(name, in_python):
                for target in self.callees(*call, overrides=True):
                    found.setdefault(target, []).append(call)
        return self._targets_of[name, in_python]

    @cached_property
    def aliases(self) -> dict[str, list[str]]:
        return self._names.import_aliases()


def _place_of(call: Call) -> tuple[object, int, int]:
    return (call.function.order, call.effect.line, call.effect.column)


def _with_overrides(function: FunctionInfo, receiver: ClassInfo) -> tuple[FunctionInfo, ...]:
    below = (cls.methods[function.name] for cls in receiver.subclasses if function.name in cls.methods)
    return tuple(dict.fromkeys((function, *below)))
