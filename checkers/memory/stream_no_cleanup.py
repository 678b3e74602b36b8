"""LLM113: a stream that is given up by its reader, and nobody tells the one who fills it.

A generator that hands on what a producer puts into a queue is closed where it yields, and a handler that writes to a
connection fails where it sends. What it began for the stream goes on then, unless the way out ends it: told by what the
function does when all goes well, by what others who begin the same do, or by the queue, whose producer does not see
that nobody reads.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.checkers.memory.ended_on_cancel_only import CONTEXTS, ended_on_cancel_only, gives_up
from llmlint.code.domain.state import only_looks, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.paths import Paths
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.exits import around, chain
from llmlint.code.link.program import FunctionInfo, Program, arguments_by_parameter, root_of
from llmlint.findings import Report, Step
from llmlint.phrases import last_name

_WRITES = frozenset("send send_text send_json send_bytes send_str send_multipart write write_message".split())
_READS = frozenset("get get_nowait recv receive".split())


class Begun(msgspec.Struct, frozen=True):
    """A call that begins work for the stream, and the names that stand for the work from then on."""

    call: Effect
    names: frozenset[str]
    queue: str


class Duty(msgspec.Struct, frozen=True):
    """Why the work has to be ended: a step that shows it, and how sure that is."""

    step: Step
    confidence: str
    reason: str


def check_program(program: Program) -> Iterator[Report]:
    for plain in program.asked.functions:
        if plain.language == "python" and (plain.facts.is_generator or plain.facts.is_async) and _handing_on(plain):
            function = whole(program, plain)
            handing = _handing_on(function)
            begun = next(_begun(program, function, handing), None) if handing is not None else None
            if begun is None or handing is None or _is_ended(program, function, begun, handing):
                continue
            duty = _duty(program, function, begun, handing)
            if duty is not None:
                yield _report(program, function, begun, handing, duty)
    yield from ended_on_cancel_only(program)


# ---------------------------------------------------------------- what is handed on


def _handing_on(function: FunctionInfo) -> Effect | None:
    """The yield in a loop, or what is sent to somebody in one."""
    if any(mark in decorator for decorator in function.facts.decorators for mark in CONTEXTS):
        return None
    for effect in function.effects:
        is_sent = effect.op == "call" and effect.via == "await" and last_name(effect.path) in _WRITES
        if (effect.op == "yield" or (is_sent and not function.facts.is_generator)) and _loop_around(function, effect):
            return effect
    return None


def _loop_around(function: FunctionInfo, effect: Effect) -> bool:
    return any(region.kind == "loop" for region in around(function, effect))


def _begun(program: Program, function: FunctionInfo, handing: Effect) -> Iterator[Begun]:
    """A call, before the loop and in no `with`, whose result the loop waits for."""
    for effect in function.effects:
        names = {name.strip() for name in effect.result.split(",") if name.strip().isidentifier()}
        is_before = effect.op == "call" and bool(effect.args) and bool(names) and effect.line < handing.line
        if not is_before or any(region.kind in ("with", "lambda", "loop") for region in around(function, effect)):
            continue
        queue = next((name for name in sorted(names) if _is_waited_for(program, function, name, effect)), "")
        if queue and not _makes(program, function, effect):
            given = {path for a in effect.args for path in (a.path, a.written) if _is_name(path)}
            yield Begun(effect, frozenset({*names, *given}), queue)


def _is_name(path: str) -> bool:
    return bool(path) and path != "self" and path.replace(".", "").isidentifier()


def _is_waited_for(program: Program, function: FunctionInfo, name: str, begun: Effect) -> bool:
    """Is it read in a loop by `get()` and the like, or given to a helper that reads it so, for the loop to run over?"""
    for effect in function.effects:
        if effect.op != "call" or effect.line <= begun.line:
            continue
        if _reads(effect, name) and _loop_around(function, effect):
            return True
        if any(effect.path in region.text for region in function.regions if region.kind == "loop"):
            for helper in program.callees(function, effect):
                given = arguments_by_parameter(helper, effect)
                mine = [param for param, argument in given.items() if argument.path == name]
                if any(_reads(inner, param) for inner in helper.effects for param in mine):
                    return True
    return False


def _reads(effect: Effect, name: str) -> bool:
    receiver, _, method = effect.path.rpartition(".")
    return effect.op == "call" and receiver == name and method in _READS and not any(a.path for a in effect.args)


def _makes(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Does the call only make an object, as `asyncio.Queue(8)` does?"""
    return last_name(effect.path)[:1].isupper() or any(
        called.name == "__init__" for called in program.callees(function, effect)
    )


# ---------------------------------------------------------------- who ends it


def _is_ended(program: Program, function: FunctionInfo, begun: Begun, handing: Effect) -> bool:
    """On every way out by which the reader leaves, or by whoever runs the function."""
    paths = paths_of(function)
    ending = {node for node in range(len(paths.graph.nodes)) if _ends(program, paths, node, begun)}
    starts = paths.graph.nodes_of(function.effects.index(handing))
    kind = "cancel" if handing.op == "yield" else "throw"
    if not any(_is_left(paths, start, ending, kind) for start in starts):
        return True
    if any(gives_up(effect) for effect in function.effects if effect.callee and _is_hook(function, effect)):
        return True
    return any(gives_up(e) for call in program.callers(function) for e in call.function.effects if e.callee)


def _is_left(paths: Paths, start: int, ending: set[int], kind: str) -> bool:
    """Is there a way from a failing hand-over to the outside on which nothing may end it?"""
    ways = [edge.to for edge in paths.graph.out[start] if edge.kind == kind]
    return any(ending.isdisjoint({way, *paths.reached([way], _never)}) for way in ways)


def _never(node: int) -> bool:
    return False


def _ends(program: Program, paths: Paths, node: int, begun: Begun) -> bool:
    """Anything that is done to the work, or to whom it was begun with; what only looks at it ends nothing."""
    effect = paths.graph.effect(node)
    if effect is None or effect.op not in ("call", "remove", "clear", "delete", "insert") or effect is begun.call:
        return False
    if effect.op == "call" and only_looks(program, effect):
        return False
    told = {path for a in effect.args for path in (a.path, a.written, *a.reads) if path}
    receiver, _, method = effect.callee.rpartition(".")
    beside = receiver and receiver == begun.call.path.rpartition(".")[0]
    return bool(beside) or program.vocabulary.is_terminal(method) or any(root_of(p) in begun.names for p in told)


def _is_hook(function: FunctionInfo, effect: Effect) -> bool:
    """Handed over to be called at the end: `context.add_callback(lambda: client.stop(rid))`."""
    return any(function.regions[at].kind == "lambda" for at in chain(function, effect.region)) or any(
        "callback" in e.path for e in function.effects if e.line == effect.line
    )


# ---------------------------------------------------------------- what shows the duty


def _duty(program: Program, function: FunctionInfo, begun: Begun, handing: Effect) -> Duty | None:
    for effect in function.effects:
        method = last_name(effect.callee)
        is_behind = effect.line > handing.line and not _loop_around(function, effect)
        if is_behind and program.vocabulary.is_terminal(method) and _is_of_it(effect, begun):
            step = program.step(function, effect, f"{effect.callee} ends it, when all goes well")
            return Duty(step, "medium", "the same function ends it on its plain way")
    return _ended_by_others(program, function, begun) or _unseen(program, function, begun)


def _is_of_it(effect: Effect, begun: Begun) -> bool:
    told = (path for a in effect.args for path in (a.path, a.written, *a.reads) if path)
    return effect.key in begun.names or any(path in begun.names for path in told)


def _ended_by_others(program: Program, function: FunctionInfo, begun: Begun) -> Duty | None:
    """Somebody else who begins the same ends it in a `finally` or a handler."""
    for call in program.calls_named(last_name(begun.call.path)):
        if call.function is function or call.effect.path != begun.call.path:
            continue
        for effect in call.function.effects:
            kinds = {region.kind for region in around(call.function, effect)}
            if kinds & {"finally", "except"} and program.vocabulary.is_terminal(last_name(effect.callee)):
                step = program.step(call.function, effect, f"{call.function.name} begins the same, and ends it here")
                return Duty(step, "medium", f"{call.function.name} ends what it begins in the same way")
    return None


def _unseen(program: Program, function: FunctionInfo, begun: Begun) -> Duty | None:
    """It is a request's, and the queue does not tell the producer that nobody reads."""
    given = [argument.path for argument in begun.call.args if argument.path]
    is_request = any(map(program.vocabulary.is_request_id, given)) or program.vocabulary.submits_request(
        begun.call.path
    )
    if not is_request:
        return None
    step = program.step(function, begun.call, f"{begun.queue} says nothing to whoever fills it")
    return Duty(step, "low", "whoever fills the queue may learn by another way that nobody reads")


def _report(program: Program, function: FunctionInfo, begun: Begun, handing: Effect, duty: Duty) -> Report:
    does = "yields" if handing.op == "yield" else "sends"
    begins = last_name(begun.call.path)
    return Report(
        program.place(function, handing),
        symbol_of(function),
        f"when the reader leaves where {function.name} {does}, nothing ends what {begins} began",
        (
            program.step(function, begun.call, f"{begins} begins work for this stream"),
            program.step(function, handing, "a reader that leaves ends the function here"),
            duty.step,
        ),
        confidence=duty.confidence,
        reason=duty.reason,
        subject=begins,
        fix="put the loop into a try, and end the work in its finally",
    )
