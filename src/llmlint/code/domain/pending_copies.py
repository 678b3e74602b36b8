"""Copies between the device and pinned memory that nobody waits for: who uses the host's side, what ends them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from typing import NamedTuple

from llmlint.code.domain.device_waits import waits
from llmlint.code.domain.tensors import PINNED, Making, copies, is_host, makings
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.link.program import FunctionInfo, Program

_READS = frozenset({"tolist", "item"})
_READERS = frozenset({"int", "float", "bool", "list", "sum", "max", "min"})
_WRITES = frozenset({"copy_", "fill_", "zero_", "add_", "sub_", "mul_", "random_", "index_fill_", "scatter_"})
_WRITERS = frozenset({"copyto", "cumsum", "add", "multiply", "subtract", "take", "concatenate", "index_select", "cat"})
_WRITING = _WRITES | _WRITERS
_VIEW = "numpy()"


class Copy(NamedTuple):
    """`host`: the places of the host's side, by name; `made`: what made it, where that is known."""

    function: FunctionInfo
    at: int
    host: str
    made: tuple[Making, ...]
    arrives: bool


def pending_copies(program: Program, everywhere: bool = False) -> Iterator[Copy]:
    """In the asked files, or everywhere."""
    for function, at in copies(program, "to", everywhere):
        call = function.effects[at]
        asked = next((a for a in call.args if a.keyword in ("", "device")), None)
        if asked is not None and is_host(asked):
            if call.result.isidentifier():
                yield Copy(function, at, call.result, (), arrives=True)
        else:
            yield from _pinned(program, function, at, call.callee.rpartition(".")[0], arrives=False)
    for function, at in copies(program, "copy_", everywhere):
        call = function.effects[at]
        given = next((a.path for a in call.args if not a.keyword), "")
        yield from _pinned(program, function, at, call.callee.rpartition(".")[0], arrives=True)
        yield from _pinned(program, function, at, given, arrives=False)


def _pinned(program: Program, function: FunctionInfo, at: int, host: str, arrives: bool) -> Iterator[Copy]:
    made = makings(program, function, host, at)
    if made and all(making.memory == PINNED for making in made):
        yield Copy(function, at, host, made, arrives)


def ends_of(program: Program, copy: Copy) -> Callable[[int], bool]:
    """Where the copy ends, or the place stands for other memory."""
    function = copy.function
    graph = paths_of(function, body_of(function, function.effects[copy.at].region)).graph
    remade = {id(making.effect) for making in copy.made if making.function is function}

    def ends(node: int) -> bool:
        effect = graph.effect(node)
        if effect is None:
            return False
        is_other = effect.op in ("bind", "assign") and effect.path == copy.host and effect is not _result(copy)
        return is_other or id(effect) in remade or waits(program, function, effect)

    return ends


def _result(copy: Copy) -> Effect | None:
    """The binding of what the copy gives."""
    following = copy.function.effects[copy.at + 1 : copy.at + 2]
    return following[0] if following and following[0].path == copy.host else None


def uses_host(program: Program, copy: Copy, at: int, effect: Effect) -> bool:
    places = _read_by(effect) if copy.arrives else written_by(effect)
    return any(_is_same(program, copy, place, at) for place in places if place)


def _read_by(effect: Effect) -> Iterator[str]:
    receiver, _, name = effect.callee.rpartition(".")
    if name in _READS:
        yield receiver
    elif effect.callee in _READERS:
        yield from (argument.path for argument in effect.args)


def may_write(function: FunctionInfo, names: Set[str]) -> bool:
    """Could it write to what has one of these last names? A sieve before its body is read."""
    gist = function.facts.gist
    return any(name in names or name == _VIEW for name in gist.changes) or not _WRITING.isdisjoint(gist.calls)


def written_by(effect: Effect) -> Iterator[str]:
    receiver, _, name = effect.callee.rpartition(".")
    if effect.op in ("insert", "clear") and effect.via != "=":
        yield effect.path
    elif name in _WRITES:
        yield receiver
    elif name in _WRITERS:
        yield from (argument.path for argument in effect.args if argument.keyword == "out")
        if name == "copyto" and effect.args:
            yield effect.args[0].path


def _is_same(program: Program, copy: Copy, place: str, at: int) -> bool:
    """Is it the memory of the copy: of the same name, or made by the same call?"""
    if bare(place) == bare(copy.host):
        return True
    if not copy.made or "." not in place + copy.host:
        return False
    made = makings(program, copy.function, place, at)
    return bool(made) and {id(m.effect) for m in made} == {id(m.effect) for m in copy.made}


def bare(place: str) -> str:
    return place.replace("[]", "").removesuffix(f".{_VIEW}")
