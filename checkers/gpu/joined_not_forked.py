"""LLM308: a side stream is joined, and was never told to wait for what it is given.

Work on a side stream has two edges. Behind the `with` the current stream waits for the side stream; before it, or first
thing in it, the side stream has to wait for the current one. Who wrote the one knew that the two run beside each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from llmlint.checkers.gpu.watched import watched_calls
from llmlint.code.domain.device_waits import waits
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.flow.graph import ENTRY
from llmlint.code.flow.rounds import within
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report
from llmlint.phrases import last_name

_ON = re.compile(r"\.stream\((?P<stream>[\w.]+)\)|^(?P<context>[\w.]+)$")
_HIGHEST = 2
_FORKS = frozenset({"wait_stream", "wait_event", "wait", "synchronize"})


def check_program(program: Program) -> Iterator[Report]:
    for function, join in program.asked.calls("wait_stream"):
        side = next((a.path for a in join.args if a.path), "")
        if function.language != "python" or not side or join.callee.rpartition(".")[0] == side:
            continue
        region = _last_with_on(function, side, join.line)
        if region is not None and not _is_forked(program, function, region, side):
            inside = within(function, region)
            first = next((e for e in function.effects if e.region in inside and e.callee), None)
            if first is not None and _is_reached_without_wait(program, function, first):
                yield _report(program, function, join, first, side)


def _last_with_on(function: FunctionInfo, side: str, before: int) -> int | None:
    """The nearest `with` above that runs on the stream."""
    found = [at for at, r in enumerate(function.regions) if r.kind == "with" and r.end_line < before]
    return next((at for at in reversed(found) if _runs_on(function, function.regions[at].text, side)), None)


def _runs_on(function: FunctionInfo, text: str, side: str) -> bool:
    """A context is known by how it is made, or by its stream's name where a helper gives both."""
    on = _ON.search(text)
    if on is None:
        return False
    context = on["context"] or ""
    return on["stream"] == side or (
        bool(context) and (context.startswith(f"{side}_") or _is_of(function, context, side))
    )


def _is_of(function: FunctionInfo, context: str, side: str) -> bool:
    others = function.owner.functions if function.owner is not None and "." in context else (function,)
    made = (e for other in others for e in other.effects if e.result == context and last_name(e.callee) == "stream")
    return any(argument.path == side for effect in made for argument in effect.args)


def _is_forked(program: Program, function: FunctionInfo, region: int, side: str) -> bool:
    """Is the stream told to wait, by a function of the object, by who calls this one, or by a call on the stream?"""
    others = function.owner.functions if function.owner is not None else ()
    names = {last_name(name) for name in (side, *_other_names(function, side))}
    if any(_tells_to_wait(e, names) for one in (function, *others) for e in one.effects):
        return True
    if _is_forked_above(program, function, side, names, _HIGHEST):
        return True
    inside = within(function, region)
    first = [e for e in function.effects if e.region in inside and e.callee]
    if any(last_name(e.callee) in _FORKS or _makes_tensor(program, function, e) for e in first):
        return True  # what makes its own tensors there is a load from the host, and reads nothing of the device
    return any(_only_forks(other) for other in others if other is not function)


def _is_forked_above(program: Program, function: FunctionInfo, side: str, names: AbstractSet[str], steps: int) -> bool:
    """Does who calls it make the stream wait, by the name that it has there, or who hands it over to that one?"""
    for call in program.callers(function) or program.calls_named(function.name):
        given = arguments_by_parameter(function, call.effect).get(side)
        path = (given.written or given.path) if given is not None else ""
        here = names | {last_name(path)} if path else names
        caller = call.function
        if any(_tells_to_wait(effect, here) for one in program.functions_around(caller) for effect in one.effects):
            return True
        is_handed_on = bool(steps) and any(param.name == path for param in caller.params)
        if is_handed_on and _is_forked_above(program, caller, path, here, steps - 1):
            return True
    return False


def _makes_tensor(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    return program.vocabulary.makes_tensor(program.resolve(function, effect.callee))


def _only_forks(function: FunctionInfo) -> bool:
    """Is it there to begin what another function of the object ends?"""
    on_stream = any(r.kind == "with" and _ON.search(r.text) for r in function.regions)
    waits_for_current = (
        e
        for e in function.effects
        if last_name(e.callee) == "wait_stream" and any("current_stream()" in a.path for a in e.args)
    )
    return not on_stream and any(True for _ in waits_for_current)


def _other_names(function: FunctionInfo, side: str) -> Iterator[str]:
    """What a local was taken from, and the locals that were taken from it."""
    for effect in function.effects:
        if effect.op == "bind" and effect.value == "path" and side in (effect.path, effect.source):
            yield effect.source if effect.path == side else effect.path


def _tells_to_wait(effect: Effect, names: AbstractSet[str]) -> bool:
    receiver, _, name = effect.callee.rpartition(".")
    if last_name(receiver) in names and name in _FORKS:
        return name != "synchronize"
    return name == "wait" and any(last_name(a.path) in names for a in effect.args)


def _is_reached_without_wait(program: Program, function: FunctionInfo, first: Effect) -> bool:
    paths = paths_of(function, body_of(function, first.region))
    graph = paths.graph

    def ends(node: int) -> bool:
        effect = graph.effect(node)
        return effect is not None and not program.callees(function, effect) and waits(program, function, effect)

    return paths.find([ENTRY], set(graph.nodes_of(function.effects.index(first))), ends) is not None


def _report(program: Program, function: FunctionInfo, join: Effect, first: Effect, side: str) -> Report:
    return Report(
        program.place(function, first),
        symbol_of(function),
        f"{side} begins here without a wait for what it is given, and only its end is waited for",
        (
            program.step(function, first, f"work on {side} begins, beside whatever the current stream still does"),
            program.step(function, join, f"the current stream waits for {side}: the other edge"),
        ),
        confidence="medium",
        reason="neither the function, nor who calls it, nor the first calls on the stream make it wait",
        subject=side,
        data=watched_calls(function),
        fix=f"{side}.wait_stream(torch.cuda.current_stream()) before, or an event recorded behind what it reads",
    )
