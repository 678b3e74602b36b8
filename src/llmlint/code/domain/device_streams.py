"""Side streams: the `with` blocks that run work on one, what crosses their edge, and what orders two streams."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.device_waits import is_host_name, waits
from llmlint.code.domain.tensors import DEVICE, bound_memory
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.rounds import within
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program, root_of
from llmlint.code.link.reach import Wanted
from llmlint.phrases import last_name, words

_DEEPEST = 4
_ON_STREAM = re.compile(r"\.stream\((?P<stream>[\w.]+)\)")
_OPERATIONS = frozenset({"torch", "torch.nn.functional", "torch.ops"})
_VIEWS = frozenset(
    "is_tensor reshape squeeze unsqueeze transpose chunk split as_tensor get_default_dtype device".split()
)
_OF_HOST = frozenset(dir(builtins)) | frozenset("get items keys values append split join".split())
_ORDERING_THINGS = frozenset("event ready stream done".split())
"""Words of names of what a call orders streams by, when it is given it."""
_MAKES_WAIT = frozenset({"wait_stream", "wait_event", "synchronize"})


def _wanted(program: Program) -> Wanted:
    return lambda _, inner: _orders(program, inner)


class Side(NamedTuple):
    """A `with` whose body runs on a stream of its own."""

    function: FunctionInfo
    region: int
    stream: str


class Crossing(NamedTuple):
    """A tensor that is made on one side of the edge and used on the other. `made` is None for a parameter."""

    name: str
    made: int | None
    used: int
    inward: bool


def sides(program: Program) -> Iterator[Side]:
    """Every `with` on a stream that is not the one that was current before."""
    for function, effect in program.calls_named("stream"):
        if function.language == "python":
            for at, region in enumerate(function.regions):
                asked = _ON_STREAM.search(region.text) if region.kind == "with" else None
                if asked is None or region.line != effect.line or _orders_itself(program, function, effect):
                    continue
                if not _may_be_current(function, asked["stream"]):
                    yield Side(function, at, asked["stream"])


def _orders_itself(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Is it of a library whose streams wait for each other without being asked?"""
    return program.resolve(function, effect.callee).partition(".")[0] in program.vocabulary.self_ordered


def _may_be_current(function: FunctionInfo, stream: str) -> bool:
    bound = (e for e in function.effects if e.op == "bind" and e.path == stream)
    return any("current" in words(last_name(effect.source)) for effect in bound)


def crossings(program: Program, side: Side) -> Iterator[Crossing]:
    function, inside = side.function, within(side.function, side.region)
    for param in function.params:
        if "Tensor" in param.annotation and not is_ordered_by_others(program, side):
            yield from _uses_of(param.name, None, function, inside, inward=True)
    for at, effect in enumerate(function.effects):
        inward = effect.region not in inside
        if _is_bound_by_call(program, effect) and _is_device_work(program, function, at, inward):
            yield from _uses_of(effect.path, at, function, inside, inward)


def _uses_of(name: str, made: int | None, function: FunctionInfo, inside: set[int], inward: bool) -> Iterator[Crossing]:
    for used, effect in enumerate(function.effects):
        if (effect.region in inside) == inward and _uses(effect, name):
            yield Crossing(name, made, used, inward)


def _uses(effect: Effect, name: str) -> bool:
    """Is it given to a call that is told of no event, or an operand of what is bound?"""
    if effect.callee:
        given = {root_of(argument.path) for argument in effect.args}
        return name in given and not any(_is_for_order(argument.path) for argument in effect.args)
    return effect.op == "bind" and effect.value == "other" and name in map(root_of, effect.reads)


def _is_for_order(path: str) -> bool:
    return not _ORDERING_THINGS.isdisjoint(words(last_name(path)))


def _is_bound_by_call(program: Program, effect: Effect) -> bool:
    is_plain = effect.op == "bind" and not effect.via and effect.value == "new" and effect.path.isidentifier()
    return is_plain and not is_host_name(program.vocabulary, effect.path) and not _is_for_order(effect.source)


def _is_device_work(program: Program, function: FunctionInfo, at: int, inward: bool) -> bool:
    """Is it a tensor made on the device, the result of a function of torch, or, of what is done on the side stream,
    that of any call but of the host's own? Memory alone (`empty`) is no work."""
    effect = function.effects[at]
    name = program.resolve(function, effect.source)
    if program.vocabulary.makes_tensor(name):
        return bound_memory(program, function, at) == {DEVICE} and "empty" not in words(last_name(name))
    if name.startswith("torch."):
        return name.rpartition(".")[0] in _OPERATIONS and last_name(name) not in _VIEWS
    return not inward and last_name(name) not in _OF_HOST and not waits(program, function, function.effects[at - 1])


def is_ordered_by_others(program: Program, side: Side) -> bool:
    """Does a caller make streams wait, or a method that is there for no other end the same one?"""
    function = side.function
    if any(_makes_wait(effect) for call in program.callers(function) for effect in call.function.effects):
        return True
    if not side.stream.startswith("self.") or function.owner is None:
        return False
    others = (f for f in program.functions_of(function.owner) if f is not function and not _works_on(f, side.stream))
    return any(e.callee.startswith(f"{side.stream}.wait") for other in others for e in other.effects)


def _makes_wait(effect: Effect) -> bool:
    return last_name(effect.callee) in _MAKES_WAIT


def _works_on(function: FunctionInfo, stream: str) -> bool:
    """Does it, too, run work on the stream?"""
    return any(region.kind == "with" and f".stream({stream})" in region.text for region in function.regions)


def orders_streams(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """May the effect make one stream wait for another, or the host for one, itself or in what it calls?"""
    if not effect.callee:
        return False
    if _orders(program, effect):
        return True
    wanted = once(program, _wanted)
    return any(program.reaches(callee, wanted, _DEEPEST) for callee in program.callees(function, effect))


def _orders(program: Program, effect: Effect) -> bool:
    return bool(effect.callee) and program.vocabulary.orders_streams(effect.callee)
