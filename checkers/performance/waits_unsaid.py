"""LLM602, where nothing that is called says that it waits: what a step makes of values of the host, and where its
host has to learn how much there is.

What has no name that says so is asked only of functions that a step is seen to come to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

from llmlint.checkers.gpu.watched import watched_calls
from llmlint.code.domain.device_values import DeviceValues, operands
from llmlint.code.domain.device_waits import is_host_name
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.steps import (
    is_any_later_time,
    is_first_time,
    is_in_a_step,
    is_made_in_a_step,
    steps_to,
    way_from_step,
)
from llmlint.code.domain.tensor_indices import COMPARES, Masks, names_in, readings
from llmlint.code.domain.tensor_values import TensorValues, is_tensor_text
from llmlint.code.domain.tensors import DEVICE, PAGEABLE, files_with_torch, is_host, makings
from llmlint.code.facts.facts import Effect, Region, Test
from llmlint.code.link.exits import around
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.phrases import contains, last_name, words

_SENDS = ("torch.tensor", "torch.as_tensor")
_SIZED = ("torch.repeat_interleave", "torch.bincount")
_FENCES = ("torch.cuda.synchronize", "torch.accelerator.synchronize")
_CLOCKS = frozenset("time perf_counter perf_counter_ns monotonic elapsed_time".split())
_ASKS = ("item", "tolist", "cpu", "nonzero")
_ROWS = frozenset("zeros ones empty arange".split())
_REDUCES = frozenset("sum max min mean norm amax amin argmax argmin count_nonzero median std".split())
_BESIDE = frozenset("debug trace reference teardown invariant timer".split())
"""Words of the names of functions that look inside, clean up, or say what another should give."""
_OF_HOST = frozenset("list tuple numpy.ndarray np.ndarray".split())
_NUMBERS = frozenset("int float bool".split())
_ARITHMETIC = frozenset("+ - * / // % **".split())


class Wait(NamedTuple):
    effect: Effect
    kind: str
    subject: str
    why: str
    fix: str


class _Body:
    """What the ways to find waits are told of one function."""

    def __init__(self, program: Program, function: FunctionInfo) -> None:
        self.program = program
        self.function = function
        self.is_about_tensors = _is_about_tensors(function)

    @cached_property
    def values(self) -> TensorValues:
        return TensorValues(self.program, self.function, asks_others=True)

    @cached_property
    def surely(self) -> DeviceValues:
        return DeviceValues(self.program, self.function)

    @cached_property
    def masks(self) -> Masks:
        return Masks(self.program, self.function)

    def may_be_there(self, path: str) -> bool:
        """Is it a tensor, and not one of those by name that engines keep on the host?"""
        is_size = contains(words(last_name(path.partition("()")[0])), self.program.vocabulary.host_sizes)
        return not is_size and self.values.holds(path)


def _is_about_tensors(function: FunctionInfo) -> bool:
    """By what it names: a sieve before values are followed."""
    return "torch" in function.facts.gist.reads or any(is_tensor_text(p.annotation) for p in function.params)


def waits_unsaid(program: Program) -> Iterator[Report]:
    with_torch = once(program, files_with_torch)
    for function in program.asked.functions:
        if function.path not in with_torch or _is_compiled(function) or _is_beside(function):
            continue
        body = _Body(program, function)
        for find in _KINDS:
            wait = next((wait for wait in find(body) if _is_paid_for(program, function, wait.effect)), None)
            if wait is not None:
                yield _report(program, function, wait)


def _is_compiled(function: FunctionInfo) -> bool:
    return any(not {"jit", "compile", "cache"}.isdisjoint(words(text)) for text in function.facts.decorators)


def _is_beside(function: FunctionInfo) -> bool:
    return not _BESIDE.isdisjoint(words(function.facts.qualname))


def _is_paid_for(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Does a step come here, again and again, and wait for what its own stream has to do?"""
    is_anew = function.owner is not None and is_made_in_a_step(program, function.owner)
    if any(_is_rare(region, is_anew) for region in around(function, effect)):
        return False
    asked = _asked_before(function, effect)
    if any("is_cuda" in text or (is_any_later_time(text) and not is_anew) for text in asked):
        return False
    return is_in_a_step(program, function, effect) and way_from_step(program, function) is not None


def _is_rare(region: Region, is_anew: bool) -> bool:
    """An error, the first time of what is not made anew; on a side stream only that is waited for."""
    if region.kind in ("if", "else", "and"):
        return is_first_time(region.text) and not is_anew
    return region.kind == "except" or (region.kind == "with" and ".stream(" in region.text)


def _asked_before(function: FunctionInfo, effect: Effect) -> Iterator[str]:
    """What branches ask that leave in front of the effect."""
    leaving = {e.region for e in function.effects if e.op == "return" and e.line < effect.line}
    return (function.regions[at].text for at in leaving if function.regions[at].kind == "if")


# ---------------------------------------------------------------- what is asked for by name


def _asked(body: _Body) -> Iterator[Wait]:
    """Of a tensor by its type: of one that is surely on the device more is said where it is asked."""
    for effect in body.function.effects:
        read, _, name = effect.callee.rpartition(".")
        if name in _ASKS and read and body.may_be_there(read) and not body.surely.holds(read):
            why = f"{effect.callee} waits for the device, if {read} is there"
            yield Wait(effect, "asked", read, why, "keep the value on the host as well, or leave it on the device")


# ---------------------------------------------------------------- how much there is


def _picked(body: _Body) -> Iterator[Wait]:
    for _, effect, base, by in readings(body.function):
        mask = next((name for name in by if body.masks.holds(name) and body.values.holds(name)), "")
        if mask and not is_host_name(body.program.vocabulary, base):
            why = f"{base}[{mask}] waits for the device, to learn how many entries {mask} picks"
            yield Wait(
                effect, "mask", f"{base}[{mask}]", why, "let the device choose (`torch.where`), or keep the indices"
            )


def _sized(body: _Body) -> Iterator[Wait]:
    for effect in _calls_of(body, _SIZED):
        given = [argument.path for argument in effect.args if not argument.keyword]
        is_told = any(argument.keyword == "output_size" for argument in effect.args)
        if given and not is_told and _is_of_device(body, effect, given):
            why = f"{effect.callee} waits for the device, to learn how much {given[-1]} makes of it"
            yield Wait(effect, "sized", given[-1], why, "say the size (`output_size=`), or work it out on the host")


def _is_of_device(body: _Body, effect: Effect, given: list[str]) -> bool:
    """A count of a tensor by its type; how often to repeat what is on the device, where a tensor says it."""
    if effect.callee.endswith("bincount"):
        return body.values.holds(given[0])
    counts = given[-1]
    if len(given) < 2 or not body.may_be_there(counts):
        return False
    at = next(at for at, one in enumerate(body.function.effects) if one is effect)
    made = makings(body.program, body.function, given[0], at)
    return body.surely.holds(counts) or (bool(made) and all(one.memory == DEVICE for one in made))


def _compared(body: _Body) -> Iterator[Wait]:
    """Which way to go: a branch on a comparison with a tensor is a question for its value."""
    for region in body.function.regions if body.is_about_tensors else ():
        test = region.test if region.kind in ("if", "loop", "and") else None
        asked = next(_asked_values(body, test), "") if test is not None else ""
        if asked:
            why = f"`{region.text}` waits for the device, to learn the value of {asked}"
            at = Effect("test", asked, region.line, 1, region.parent)
            yield Wait(
                at, "compared", asked, why, "let the device choose (`torch.where`), or keep the value on the host"
            )


def _asked_values(body: _Body, test: Test) -> Iterator[str]:
    if test.op in ("and", "or", "not"):
        for part in test.args:
            yield from _asked_values(body, part)
    elif test.op in COMPARES:
        for side in test.args:
            receiver, _, name = side.path.rpartition(".")
            is_worked_out = side.op == "call" and name in _REDUCES and body.may_be_there(receiver)
            if is_worked_out or (side.op == "path" and body.may_be_there(side.path)):
                yield side.path


# ---------------------------------------------------------------- what is sent


def _sent(body: _Body) -> Iterator[Wait]:
    for effect in _calls_of(body, _SENDS):
        device = next((argument for argument in effect.args if argument.keyword == "device"), None)
        data = effect.args[0]
        if (
            data.literal in ("[]", "()")
            or device is None
            or is_host(device)
            or is_host_name(body.program.vocabulary, device.path)
        ):
            continue
        is_of_host = _is_list(body, data.path) or (
            last_name(effect.callee) == "tensor" and not body.values.holds(data.path)
        )
        if is_of_host:
            why = f"{effect.callee} waits until the device has taken what the host has in {data.path or 'a list'}"
            yield Wait(
                effect, "sent", data.path or "list", why, "make it in pinned memory, and copy it with non_blocking=True"
            )


def _is_list(body: _Body, name: str) -> bool:
    if body.program.name_of(body.function, name) in _OF_HOST:
        return True
    bound = [e for e in body.function.effects if e.op == "bind" and e.path == name]
    return bool(bound) and all(e.value in ("container", "empty") for e in bound)


def _written(body: _Body) -> Iterator[Wait]:
    """One entry of a vector, or those at some indices, are set to a value that the host has."""
    for at, effect in enumerate(body.function.effects):
        if effect.op != "insert" or effect.via != "[]=" or ":" in effect.key or not body.surely.holds(effect.path):
            continue
        by = names_in(effect.key)
        at_indices = effect.value == "constant" and any(body.values.holds(n) and n not in body.masks.names for n in by)
        is_of_host = effect.value == "constant" or (effect.value == "path" and _is_number(body, effect.source))
        if at_indices or (is_of_host and "," not in effect.key and _is_vector(body, effect.path, at)):
            why = f"{effect.path}[{effect.key}] waits until the device has taken a value of the host"
            fix = "fill a slice (`x[i : i + 1] = value`) or use index_fill_: they hand the value over with the call"
            yield Wait(effect, "written", effect.path, why, fix)


def _is_number(body: _Body, name: str) -> bool:
    """By its type, or worked out of what is no tensor."""
    if any(param.name == name and param.annotation in _NUMBERS for param in body.function.params):
        return True
    bound = [e for e in body.function.effects if e.op == "bind" and e.path == name]
    return bool(bound) and all(
        (e.value == "other" and e.source in _ARITHMETIC and not any(map(body.values.holds, e.reads)))
        or (e.value == "new" and e.source in ("len", "int"))
        for e in bound
    )


def _is_vector(body: _Body, path: str, at: int) -> bool:
    """Is it made with one size, and that by a call that takes sizes one by one?"""
    found = makings(body.program, body.function, path, at) if "[]" not in path else ()
    return bool(found) and all(_has_one_size(made.effect) for made in found)


def _has_one_size(made: Effect) -> bool:
    sizes = [argument for argument in made.args if not argument.keyword or argument.keyword == "*"]
    if len(sizes) != 1 or sizes[0].keyword or last_name(made.callee) not in _ROWS:
        return False
    return sizes[0].literal.isdigit() or sizes[0].path.isidentifier()


def _looked_up(body: _Body) -> Iterator[Wait]:
    for at, effect, base, by in readings(body.function):
        for name in by:
            found = makings(body.program, body.function, name, at)
            if found and all(made.memory == PAGEABLE for made in found) and body.values.holds(base):
                why = f"{base}[{name}] waits until the device has taken the indices, which the host has in {name}"
                fix = "send the indices ahead from pinned memory, with non_blocking=True"
                yield Wait(effect, "looked_up", f"{base}[{name}]", why, fix)


# ---------------------------------------------------------------- what is said and what is waited for by name


def _printed(body: _Body) -> Iterator[Wait]:
    """As it is, or in a text."""
    for effect in body.function.effects:
        reads = [read for a in effect.args for read in operands(a.reads)] if effect.callee == "print" else ()
        told = next((read for read in reads if body.surely.holds(read)), "")
        if told:
            yield Wait(effect, "printed", told, f"print waits for the device, to write {told}", "print its shape")


def _fenced(body: _Body) -> Iterator[Wait]:
    measures = not _CLOCKS.isdisjoint(body.function.facts.gist.calls)
    for effect in _calls_of(body, _FENCES) if not measures else ():
        if any(region.kind == "if" and "sync" in words(region.text) for region in around(body.function, effect)):
            continue  # whoever asks for it has it
        why = f"{effect.callee} waits for everything that the device was given"
        yield Wait(effect, "fence", effect.callee, why, "wait for an event behind what is needed, and only for that")


def _calls_of(body: _Body, names: tuple[str, ...]) -> Iterator[Effect]:
    last = {last_name(name) for name in names}
    called = (effect for effect in body.function.effects if effect.args or effect.op == "call")
    for effect in called:
        if last_name(effect.callee) in last and body.program.resolve(body.function, effect.callee) in names:
            yield effect


_KINDS: tuple[Callable[[_Body], Iterator[Wait]], ...] = (
    _asked,
    _picked,
    _sized,
    _compared,
    _sent,
    _written,
    _looked_up,
    _printed,
    _fenced,
)


def _report(program: Program, function: FunctionInfo, wait: Wait) -> Report:
    return Report(
        program.place(function, wait.effect),
        symbol_of(function),
        wait.why,
        (*steps_to(program, function), Step(function.path, wait.effect.line, wait.why)),
        confidence="low",
        reason="a step comes here; whether the device is behind by then is not seen",
        data=watched_calls(function),
        subject=f"{wait.kind}:{wait.subject}",
        fix=wait.fix,
        mechanism=f"waits_unsaid.{wait.kind}",
    )
