"""A function together with the helpers of its object or file that it calls: what they do is read as done by itself.

A helper is read so where one function alone can be meant, where it leaves only at its end, and where it is small. Its
effects and branches stand behind the call, with arguments put in for parameters; its locals get names of their
own. What is told of them stands at the call.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from llmlint.code.facts.facts import Argument, Effect, Param, Region, Test, doing
from llmlint.code.facts.gists import CHANGING
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.entities import Call, FunctionInfo, root_of
from llmlint.code.link.once import once
from llmlint.code.link.program import Program

_MOST_EFFECTS = 8
_NOT_INSIDE = frozenset({"yield", "goto", "label"})
_WRITES = CHANGING | {"bind"}


class Helped(NamedTuple):
    """What a helper does, by the place of its call, and as it stands in the helper."""

    call: int
    helper: FunctionInfo
    effect: Effect


@dataclass(eq=False, repr=False)
class Whole(FunctionInfo):
    """`helped` tells of the places of effects which are a helper's; `theirs` are the regions of helpers."""

    helped: dict[int, Helped] = field(default_factory=dict)
    theirs: frozenset[int] = frozenset()


def helped_at(function: FunctionInfo, at: int) -> Helped | None:
    """By which helper the effect at this place is done, None where the function does it itself."""
    return function.helped.get(at) if isinstance(function, Whole) else None


def is_helped(function: FunctionInfo, effect: Effect) -> bool:
    """Is it the call of a helper whose effects stand behind it?"""
    behind = function.effects.index(effect) + 1
    return effect.op == "call" and helped_at(function, behind) is not None and helped_at(function, behind - 1) is None


def is_of_a_helper(function: FunctionInfo, *places: int) -> bool:
    """Do these effects all come from one helper, so that it is the helper that they tell of?"""
    calls = {helped.call if (helped := helped_at(function, at)) is not None else -1 for at in places}
    return len(calls) == 1 and -1 not in calls


def is_own_region(function: FunctionInfo, region: int) -> bool:
    return not isinstance(function, Whole) or region not in function.theirs


def whole(program: Program, function: FunctionInfo) -> FunctionInfo:
    """The function itself where it calls no such helper."""
    return once(program, _Wholes).of(function)


def wholes(program: Program, functions: Iterable[FunctionInfo]) -> list[FunctionInfo]:
    """The functions as wholes, without those that are read as a part of another among them."""
    joined = {function: whole(program, function) for function in functions}
    parts = {each.helper for one in joined.values() if isinstance(one, Whole) for each in one.helped.values()}
    return [one for function, one in joined.items() if function not in parts]


def read_with_callers(program: Program, function: FunctionInfo, effect: Effect) -> Iterator[Call]:
    """The function, and each caller that it is read as a part of, with the effect as it stands there."""
    yield Call(function, effect)
    for caller in dict.fromkeys(call.function for call in program.callers(function)):
        joined = whole(program, caller)
        for at, helped in joined.helped.items() if isinstance(joined, Whole) else ():
            if helped.helper is function and helped.effect is effect:
                yield Call(joined, joined.effects[at])


class _Wholes:
    def __init__(self, program: Program) -> None:
        self._of_files = {(f.path, f.facts.qualname): f for f in program.functions if f.owner is None}
        self._made: dict[FunctionInfo, FunctionInfo] = {}
        self._fit: dict[FunctionInfo, bool] = {}

    def of(self, function: FunctionInfo) -> FunctionInfo:
        if function not in self._made:
            called = dict(self._helpers(function))
            self._made[function] = _joined(function, called) if called else function
        return self._made[function]

    def _helpers(self, function: FunctionInfo) -> Iterator[tuple[int, FunctionInfo]]:
        for at, effect in enumerate(function.effects):
            if effect.op != "call" or effect.path.count(".") > 1:
                continue
            helper = self._meant(function, effect)
            if helper is not None and helper is not function and self._fits(helper):
                if helper.facts.is_async == (effect.via == "await") or _is_handed_on(helper, effect):
                    yield at, helper

    def _meant(self, function: FunctionInfo, effect: Effect) -> FunctionInfo | None:
        """The only function that the call can run: of the object, or of the file."""
        receiver, _, name = effect.callee.rpartition(".")
        if receiver not in ("", "self"):
            return None
        owner = function.owner
        if owner is not None and (receiver or function.language != "python"):
            method = owner.method(name)
            if method is not None and not any(name in below.methods for below in owner.subclasses):
                return method
        return self._of_files.get((function.path, name)) if not receiver else None

    def _fits(self, helper: FunctionInfo) -> bool:
        if helper not in self._fit:
            self._fit[helper] = _is_small(helper)
        return self._fit[helper]


def _is_handed_on(helper: FunctionInfo, called: Effect) -> bool:
    """Is what it gives awaited at its call, and is that what a call of its own gave: `return self.free.acquire()`?"""
    given = helper.effects[-1]
    return called.via == "await" and given.op == "return" and any(e.callee == given.source for e in helper.effects)


def _is_small(helper: FunctionInfo) -> bool:
    facts, effects = helper.facts, helper.effects
    if not facts.has_body or facts.is_generator or facts.decorators or len(effects) > _MOST_EFFECTS:
        return False
    if all(effect.op == "return" for effect in effects):
        return False
    return not any(e.op in _NOT_INSIDE for e in effects) and all(e.op != "return" for e in effects[:-1])


# ---------------------------------------------------------------- put together


def _joined(function: FunctionInfo, called: Mapping[int, FunctionInfo]) -> FunctionInfo:
    joining = _Joining(function)
    for at in sorted(called, reverse=True):  # from behind, so that the places of the others hold
        joining.put_in(at, called[at])
    effects, reads = tuple(joining.effects), tuple(joining.reads.items())
    body = msgspec.structs.replace(function.facts.body, regions=tuple(joining.regions), effects=effects, reads=reads)
    facts = doing(msgspec.structs.replace(function.facts), body)
    joined = Whole(facts, function.path, function.module, function.language, function.owner)
    joined.helped = {at: helped for at, helped in enumerate(joining.comes) if helped is not None}
    joined.theirs = frozenset(at for at, is_theirs in enumerate(joining.theirs) if is_theirs)
    joined.__dict__.update(effects=effects, reads=reads, settled=facts)
    return joined


class _Joining:
    """The effects and regions of a function so far, and which of them come from helpers."""

    def __init__(self, function: FunctionInfo) -> None:
        self.effects = list(function.effects)
        self.regions = list(function.regions)
        self.reads = dict(function.reads)
        self.comes: list[Helped | None] = [None] * len(self.effects)
        self.theirs = [False] * len(self.regions)

    def put_in(self, at: int, helper: FunctionInfo) -> None:
        """A helper's effects right behind the call, its regions before the next that begins behind the call."""
        call, renamed = self.effects[at], _renaming(helper, self.effects[at])
        inner = [effect for effect in helper.effects if effect.op != "return"]
        behind = next((n for n, region in enumerate(self.regions) if region.begin > at), len(self.regions))
        added = len(helper.regions) - 1

        def moved(region: int) -> int:
            return region + added if region >= behind else region

        def placed(region: int) -> int:
            return behind + region - 1 if region else moved(call.region)

        own = [_moved(region, moved, len(inner) if region.begin > at else 0) for region in self.regions]
        theirs = [_region_at(region, call, at + 1, placed, renamed) for region in helper.regions[1:]]
        self.regions = [*own[:behind], *theirs, *own[behind:]]
        self.theirs[behind:behind] = [True] * added
        if added:
            self.effects = [_in_region(effect, moved(effect.region)) for effect in self.effects]
        as_written = {name: argument.written for name, argument in arguments_by_parameter(helper, call).items()}
        put_in = [_effect_at(effect, call, placed, renamed, as_written) for effect in inner]
        self.effects[at + 1 : at + 1] = put_in
        self.comes[at + 1 : at + 1] = [Helped(at, helper, effect) for effect in inner]
        for path, _ in helper.reads:
            self.reads.setdefault(renamed(path), call.line)


def _in_region(effect: Effect, region: int) -> Effect:
    return effect if effect.region == region else msgspec.structs.replace(effect, region=region)


def _moved(region: Region, moved: Callable[[int], int], more: int) -> Region:
    return msgspec.structs.replace(
        region, parent=moved(region.parent), first=moved(region.first), begin=region.begin + more
    )


def _region_at(
    region: Region, call: Effect, at: int, placed: Callable[[int], int], renamed: Callable[[str], str]
) -> Region:
    return msgspec.structs.replace(
        region,
        parent=placed(region.parent),
        first=placed(region.first) if region.first else 0,
        begin=region.begin + at,
        line=call.line,
        end_line=call.line,
        text=re.sub(r"(?<![\w.])[A-Za-z_]\w*", lambda name: renamed(name[0]), region.text),
        reads=tuple(map(renamed, region.reads)),
        test=_test_at(region.test, renamed),
    )


def _test_at(test: Test | None, renamed: Callable[[str], str]) -> Test | None:
    if test is None:
        return None
    parts = (_test_at(part, renamed) for part in test.args)
    return Test(test.op, renamed(test.path), tuple(part for part in parts if part is not None))


def _effect_at(
    effect: Effect,
    call: Effect,
    placed: Callable[[int], int],
    renamed: Callable[[str], str],
    as_written: Mapping[str, str],
) -> Effect:
    path = renamed(effect.path)
    return msgspec.structs.replace(
        effect,
        op="assign" if effect.op == "bind" and "." in path else effect.op,
        path=path,
        line=call.line,
        column=call.column,
        region=placed(effect.region),
        key=renamed(effect.key),
        source=renamed(effect.source),
        result=call.result if effect.result == "<return>" else renamed(effect.result),
        reads=tuple(map(renamed, effect.reads)),
        args=tuple(_argument_at(argument, renamed, as_written) for argument in effect.args),
        maybe=tuple(map(renamed, effect.maybe)),
        options=tuple(map(renamed, effect.options)),
        holds=tuple(map(renamed, effect.holds)),
    )


def _argument_at(argument: Argument, renamed: Callable[[str], str], as_written: Mapping[str, str]) -> Argument:
    return msgspec.structs.replace(
        argument,
        path=renamed(argument.path),
        reads=tuple(map(renamed, argument.reads)),
        written=renamed(argument.written) or as_written.get(argument.path, ""),
    )


def _renaming(helper: FunctionInfo, call: Effect) -> Callable[[str], str]:
    """How what the helper names is called where it is called from."""
    given = arguments_by_parameter(helper, call)
    written = {root_of(effect.path) for effect in helper.effects if effect.op in _WRITES}
    names = {e.path: f"{helper.name}__{e.path}" for e in helper.effects if e.op == "bind" and e.path.isidentifier()}
    for param in helper.params:
        path = given[param.name].path if param.name in given else ""
        is_copy = param.name in written and not _is_shared(helper, param)
        names[param.name] = path if path and not is_copy else f"{helper.name}__{param.name}"

    def renamed(path: str) -> str:
        root = root_of(path)
        return names[root] + path[len(root) :] if root in names else path

    return renamed


def _is_shared(helper: FunctionInfo, param: Param) -> bool:
    """Does the caller see what is done to it: an object of Python that is not bound anew, a reference, a pointer?"""
    if helper.language == "python":
        return not any(effect.op == "bind" and effect.path == param.name for effect in helper.effects)
    return "&" in param.annotation or "*" in param.annotation
