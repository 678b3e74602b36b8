"""Where a tensor's memory is: pinned on the host, pageable there, or on the device, as far as its making tells.

A place is followed through its views to what it was made of: a local name to all that it is bound to, an attribute of
an object to all that it is assigned. Where one of those is not understood, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.vocabulary import words

PINNED, PAGEABLE, DEVICE = "pinned", "pageable", "device"

_DEEPEST = 6
_VIEWS = frozenset(
    "view reshape flatten unsqueeze squeeze expand T t transpose permute narrow numpy contiguous data detach long int "
    "float half bool split chunk reshape_as view_as".split()
)
"""Methods of tensors that give the same memory, or more of its kind on the same side."""
_WRAPS = frozenset({"from_numpy", "frombuffer"})
_NO_WAIT = "non_blocking"
_ALIKE = frozenset({"zeros_like", "empty_like", "ones_like", "full_like", "rand_like", "randn_like"})


class Making(NamedTuple):
    """What a tensor was made by, and where."""

    function: FunctionInfo
    effect: Effect
    memory: str


def files_with_torch(program: Program) -> frozenset[str]:
    """Those that import it."""
    modules = ((path, i.module) for path, facts in program.files.items() for i in facts.imports)
    return frozenset(path for path, module in modules if module.partition(".")[0] == "torch")


def makings(
    program: Program, function: FunctionInfo, path: str, before: int, through_calls: bool = False
) -> tuple[Making, ...]:
    """All that a place may have been made by when the effect at `before` uses it; () where one is not known.

    `through_calls`: also by what every way through a function gives back, and what every caller hands over."""
    return _Search(program, through_calls).of(function, path, before, 0) or ()


def bound_memory(program: Program, function: FunctionInfo, at: int) -> frozenset[str]:
    """Where the memory is that the effect at this place binds or assigns."""
    effect = function.effects[at]
    source = f"{effect.source}()" if effect.value == "new" else effect.source
    return frozenset(making.memory for making in makings(program, function, source, at))


class _Search:
    def __init__(self, program: Program, through_calls: bool) -> None:
        self.program = program
        self.through_calls = through_calls

    def of(self, function: FunctionInfo, path: str, before: int, depth: int) -> tuple[Making, ...] | None:
        if depth > _DEEPEST or not path:
            return None
        if path.endswith("[]"):
            return self.of(function, path[:-2], before, depth + 1)
        base, _, name = path.rpartition(".")
        if name.endswith("()"):
            return self._called(function, base, name[:-2], before, depth)
        if base == "self":
            return self._attribute(function, name, depth)
        if name in _VIEWS and base:
            return self.of(function, base, before, depth + 1)
        return None if base else self._local(function, name, before, depth)

    def _called(
        self, function: FunctionInfo, base: str, name: str, before: int, depth: int
    ) -> tuple[Making, ...] | None:
        callee = f"{base}.{name}" if base else name
        at = _call_before(function, callee, before)
        if at is None:
            return None
        call = function.effects[at]
        if name == "pin_memory":
            return (Making(function, call, PINNED),)
        if name in _VIEWS and base:
            return self.of(function, base, at, depth + 1)
        if self.program.vocabulary.makes_tensor(self.program.resolve(function, callee)):
            return self._made(function, call, name, at, depth)
        return self._given_back(function, call, depth) if self.through_calls else None

    def _given_back(self, function: FunctionInfo, call: Effect, depth: int) -> tuple[Making, ...] | None:
        found: list[Making] = []
        for callee in self.program.callees(function, call):
            returned = [(at, e) for at, e in enumerate(callee.effects) if e.op == "return"]
            each = [self._stored(callee, at, effect, depth) for at, effect in returned]
            if not each or callee.facts.is_generator or any(one is None for one in each):
                return None
            found += (making for one in each for making in one or ())
        return tuple(found) or None

    def _handed(self, function: FunctionInfo, name: str, depth: int) -> tuple[Making, ...] | None:
        found: list[Making] = []
        for caller, call in self.program.callers(function):
            argument = arguments_by_parameter(function, call).get(name)
            at = next(i for i, e in enumerate(caller.effects) if e is call)
            one = self.of(caller, argument.path, at, depth + 1) if argument is not None else None
            if one is None:
                return None
            found += one
        return tuple(found) or None

    def _stored(self, function: FunctionInfo, at: int, effect: Effect, depth: int) -> tuple[Making, ...] | None:
        """What is bound, assigned or given back by an effect."""
        source = f"{effect.source}()" if effect.value == "new" else effect.source
        return self.of(function, source, at, depth + 1) if effect.value in ("new", "path") else None

    def _made(self, function: FunctionInfo, call: Effect, name: str, at: int, depth: int) -> tuple[Making, ...] | None:
        memory = _memory_asked(call)
        positional = [argument for argument in call.args if not argument.keyword]
        if name in _WRAPS and positional:
            wrapped = self.of(function, positional[0].path, at, depth + 1)
            memory = memory or (PINNED if wrapped and all(w.memory == PINNED for w in wrapped) else PAGEABLE)
        if not memory and name in _ALIKE and positional:
            like = self.of(function, positional[0].path, at, depth + 1)
            if like is None or any(one.memory == DEVICE for one in like):
                return None
        return (Making(function, call, memory or PAGEABLE),)

    def _local(self, function: FunctionInfo, name: str, before: int, depth: int) -> tuple[Making, ...] | None:
        bound = [(at, e) for at, e in enumerate(function.effects) if e.op == "bind" and e.path == name]
        is_parameter = any(param.name == name for param in function.params)
        if is_parameter and not bound and self.through_calls:
            return self._handed(function, name, depth)
        if not bound or any(e.via for _, e in bound):
            return None
        found: list[Making] = []
        for at, effect in bound:
            one = self._stored(function, at, effect, depth)
            if one is None:
                return None
            found += one
        return tuple(found)

    def _attribute(self, function: FunctionInfo, name: str, depth: int) -> tuple[Making, ...] | None:
        cls = function.owner
        if cls is None or self._assigned(_own_assignments(cls, name), depth) is None:
            return None
        touches = self.program.touches(cls, name)
        return self._assigned(((touch.function, touch.effect) for touch in touches), depth) or None

    def _assigned(self, changes: Iterable[tuple[FunctionInfo, Effect]], depth: int) -> tuple[Making, ...] | None:
        found: list[Making] = []
        for function, effect in changes:
            if effect.op != "assign" or effect.value == "none":
                continue
            at = next(i for i, e in enumerate(function.effects) if e is effect)
            one = self._stored(function, at, effect, depth)
            if one is None:
                return None
            found += one
        return tuple(found)


def _own_assignments(cls: ClassInfo, name: str) -> Iterator[tuple[FunctionInfo, Effect]]:
    """Those that the class makes itself: where they tell enough, nobody need look for others in the whole program."""
    changing = (function for function in cls.functions if name in function.facts.gist.changes)
    return ((f, effect) for f in changing for effect in f.effects if effect.path == f"self.{name}")


def _call_before(function: FunctionInfo, callee: str, before: int) -> int | None:
    """The nearest call of that name up to an effect: what an expression is made of stands in front of it."""
    calls = (at for at in range(before, -1, -1) if function.effects[at].callee == callee)
    return next(calls, None)


def _memory_asked(call: Effect) -> str:
    """The memory that a call's arguments ask for; "" where they say nothing."""
    keywords = {argument.keyword: argument for argument in call.args if argument.keyword}
    if "pin_memory" in keywords and keywords["pin_memory"].literal != "False":
        return PINNED
    return _memory_of_device(keywords["device"]) if "device" in keywords else ""


def _memory_of_device(argument: Argument) -> str:
    """The memory that a device stands for: the host's only where its name says so."""
    return PAGEABLE if is_host(argument) else DEVICE


def is_host(argument: Argument) -> bool:
    text = argument.literal.strip("\"'") or argument.path
    return "cpu" in words(text.rpartition(".")[2]) or text == "cpu"


def non_blocking(call: Effect) -> bool:
    """Does the call say that it does not wait?"""
    return any(argument.keyword == _NO_WAIT and argument.literal == "True" for argument in call.args)


def copies(program: Program, name: str, everywhere: bool = False) -> Iterator[tuple[FunctionInfo, int]]:
    """The calls of this name that say they do not wait, each with its place: in the asked files, or everywhere."""
    calling = program.functions_calling(name)
    functions = [f for f in calling if _NO_WAIT in f.facts.gist.flags and (everywhere or f in program.asked)]
    for function, effect in program.calls_inside(functions, name):
        if non_blocking(effect):
            yield function, next(at for at, e in enumerate(function.effects) if e is effect)
