"""LLM208: an error that is only logged, where somebody waits for the answer that the plain way gives.

Work is done in a `try` and its end told by a future, an event or a queue in the same `try`, or behind it by the future
of who waits for what was worked out; a handler logs and goes on, and tells nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from llmlint.code.domain.state import CONSTRUCTORS, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.rounds import effects_in
from llmlint.code.link.exits import chain, loops_around
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program, root_of
from llmlint.code.link.reach import Wanted
from llmlint.findings import Place, Report, Step
from llmlint.vocabulary import words

_TELLS = frozenset("set_result set put put_nowait send send_pyobj send_json send_multipart".split())
_ENDS = _TELLS | {"set_exception", "cancel"}
_LOGS = frozenset(
    "debug info warning warn error exception critical log print print_exc format_exc sleep str repr type get_traceback "
    "log_exception len format join time monotonic perf_counter".split()
)
_WAITS = frozenset(
    "get get_nowait recv recv_pyobj recv_json recv_multipart recv_string wait popleft dequeue accept".split()
)
_NEVER_FAILS = frozenset(
    "get items keys values append add discard clear copy bool int isinstance min max sorted".split()
)
"""Of containers and plain values: what only compares and writes down has no failing case."""
_LEVELS = 3
_PASSED_BY = frozenset({"if", "else", "case", "except"})
_TO_NOBODY = frozenset({"pub", "publisher", "publish"})
"""A socket that publishes has no one who waits for this one message: whoever subscribes may have missed it anyway."""
_BROAD = ("", "Exception", "BaseException")


def check_program(program: Program) -> Iterator[Report]:
    seen: set[FunctionInfo] = set()
    for name in sorted(_TELLS):
        for call in program.asked.calls(name):
            function = call.function
            if function.language == "python" and function not in seen:
                seen.add(function)
                yield from _in_function(program, function)


def _in_function(program: Program, function: FunctionInfo) -> Iterator[Report]:
    for handler, region in enumerate(function.regions):
        if region.kind != "except" or region.text not in _BROAD or not _serves(program, function, handler):
            continue
        told = _told(program, function, region.first) or _told_behind(program, function, region.first)
        if (
            told is None
            or not _only_logs(program, function, [e for _, e in effects_in(function, handler)], set())
            or not _goes_on_untold(program, function, handler, told[1])
            or _is_told_after_the_last_try(program, function, handler, told[1])
        ):
            continue
        before, telling = told
        yield Report(
            Place(function.path, region.line, 1, region.line),
            symbol_of(function),
            f"{function.name} logs the error and goes on: whoever waits for {telling.callee} is not told",
            (
                program.step(function, before, f"{before.callee} may fail"),
                program.step(function, telling, f"{telling.callee} tells the end, and is then passed by"),
                Step(function.path, region.line, "the handler only logs"),
            ),
            confidence="medium",
            reason="nothing behind the handler tells it either",
            subject=telling.callee,
            mechanism=f"unanswered_wait.{'reply' if _is_a_reply(function, handler, telling) else '_in_function'}",
            fix="tell the failure in the handler as well",
        )


def _serves(program: Program, function: FunctionInfo, handler: int) -> bool:
    """Does it stand in a loop that takes one thing after the other to work on?"""
    around = chain(function, handler)[1:]
    kinds = [function.regions[at].kind for at in around]
    if "loop" not in kinds or not _PASSED_BY.isdisjoint(kinds[: kinds.index("loop")]):
        return False
    inside = [effect for _, effect in effects_in(function, around[kinds.index("loop")])]
    return any(_takes(function, e) for e in inside) or any(
        program.reaches(callee, _takes, _LEVELS) for e in inside for callee in program.callees(function, e)
    )


def _loop_of(function: FunctionInfo, handler: int) -> int:
    """The loop that a handler which serves stands in."""
    return next(at for at in chain(function, handler) if function.regions[at].kind == "loop")


def _is_a_reply(function: FunctionInfo, handler: int, telling: Effect) -> bool:
    """Does each round begin with a request on the same socket? It takes no other before it has sent its answer."""
    loop = _loop_of(function, handler)
    socket = telling.callee.rpartition(".")[0]
    heard = (effect.callee.rpartition(".") for _, effect in effects_in(function, loop))
    return any(name.startswith("recv") and receiver == socket for receiver, _, name in heard)


def _takes(function: FunctionInfo, effect: Effect) -> bool:
    leaf = effect.callee.rpartition(".")[2]
    return leaf in _WAITS and (leaf != "get" or not any(a.path or a.literal for a in effect.args if not a.keyword))


def _told(program: Program, function: FunctionInfo, tried: int) -> tuple[Effect, Effect] | None:
    """Work of the program's own that may fail, and behind it the call that tells the end."""
    before: Effect | None = None
    for _, effect in effects_in(function, tried):
        if _nearest_try(function, effect.region) != tried:
            continue
        leaf = effect.callee.rpartition(".")[2]
        if leaf in _TELLS and "." in effect.callee and bool(effect.args) == (leaf != "set") and _to_somebody(effect):
            if before is not None:
                return before, effect
        elif effect.op == "call" and leaf not in _LOGS | _WAITS:
            before = before or (effect if _may_fail(program, function, effect) else None)
    return None


def _may_fail(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Work of the program's own in which something is raised, or another library's code runs."""
    ends_in_error = once(program, _ending_in_error)
    callees = (callee for callee in program.callees(function, effect) if callee.name not in CONSTRUCTORS)
    return any(program.reaches(callee, ends_in_error, _LEVELS) for callee in callees)


def _ending_in_error(program: Program) -> Wanted:
    def may_end_in_error(function: FunctionInfo, effect: Effect) -> bool:
        if effect.op in ("raise", "assert"):
            return True
        leaf = effect.callee.rpartition(".")[2]
        if effect.op != "call" or leaf in _LOGS or leaf in _NEVER_FAILS or leaf[:1].isupper():
            return False
        return not program.callees(function, effect)

    return may_end_in_error


def _told_behind(program: Program, function: FunctionInfo, tried: int) -> tuple[Effect, Effect] | None:
    """What is worked out in the try, and set behind it as the result of a future that somebody waits for."""
    before = next((e for _, e in effects_in(function, tried) if e.op == "call" and e.result.isidentifier()), None)
    loop = next((at for at in chain(function, tried) if function.regions[at].kind == "loop"), None)
    if before is None or loop is None:
        return None
    inside = {at for at in range(len(function.regions)) if tried in chain(function, at)}
    handlers = {at for at, region in enumerate(function.regions) if region.kind == "except" and region.first == tried}
    for _, effect in effects_in(function, loop):
        around = chain(function, effect.region)
        is_behind = effect.line > before.line and inside.isdisjoint(around) and handlers.isdisjoint(around)
        if is_behind and effect.callee.endswith(".set_result") and before.result in _roots(function, effect):
            return before, effect
    return None


def _roots(function: FunctionInfo, effect: Effect) -> set[str]:
    """The locals that what a call is given is made of, and those that the loops around it walk."""
    found = {root_of(path) for a in effect.args for path in (a.written or a.path, *a.reads)}
    for at in loops_around(function, effect):
        found.update(re.findall(r"\w+", function.regions[at].text))
    return found


def _is_telling(function: FunctionInfo, effect: Effect) -> bool:
    return effect.callee.rpartition(".")[2] in _TELLS


def _to_somebody(effect: Effect) -> bool:
    return _TO_NOBODY.isdisjoint(words(effect.callee.rpartition(".")[0].rpartition(".")[2]))


def _nearest_try(function: FunctionInfo, region: int) -> int:
    return next((at for at in chain(function, region) if function.regions[at].kind == "try"), -1)


def _only_logs(program: Program, function: FunctionInfo, effects: Sequence[Effect], asked: set[FunctionInfo]) -> bool:
    """Nothing but words, also in the functions of the program that it asks for them."""
    return bool(effects) and all(_is_talk(program, function, effect, asked) for effect in effects)


def _is_talk(program: Program, function: FunctionInfo, effect: Effect, asked: set[FunctionInfo]) -> bool:
    if effect.op in ("raise", "return", "break", "assign", "insert"):
        return False
    if not effect.callee or effect.callee.rpartition(".")[2] in _LOGS:
        return True
    callees = set(program.callees(function, effect)) - asked
    asked |= callees
    return bool(callees) and all(_only_logs(program, callee, callee.effects, asked) for callee in callees)


def _is_told_after_the_last_try(program: Program, function: FunctionInfo, handler: int, telling: Effect) -> bool:
    """Do all rounds of a loop that ends work for one who waits, and is he told behind it, or by who catches what is
    raised there?"""
    loop = _loop_of(function, handler)
    region, waiter = function.regions[loop], telling.callee.rpartition(".")[0]
    renewed = {e.path for at, e in effects_in(function, loop) if e.op in ("bind", "assign")}
    if not region.text.startswith("for ") or not renewed.isdisjoint({waiter, root_of(waiter)}):
        return False
    behind = [effect for effect in function.effects if effect.line > region.end_line]
    return any(e.callee.rpartition(".")[0] == waiter and _is_end(function, e) for e in behind) or any(
        program.reaches(callee, _is_end, _LEVELS) for e in behind for callee in program.callees(function, e)
    )


def _is_end(_: FunctionInfo, effect: Effect) -> bool:
    return effect.callee.rpartition(".")[2] in _ENDS


def _goes_on_untold(program: Program, function: FunctionInfo, handler: int, telling: Effect) -> bool:
    """From the handler a way leads to the next round or the end, and nobody is told there."""
    graph = paths_of(function).graph
    starts = [at for at, node in enumerate(graph.nodes) if node.what == "handler" and node.region == handler]
    loop = _loop_of(function, handler)
    heads = {at for at, node in enumerate(graph.nodes) if node.what == "head" and node.region == loop}

    inner = set(loops_around(function, telling)) - set(chain(function, handler))

    def tells(node: int) -> bool:
        if graph.nodes[node].what == "head" and graph.nodes[node].region in inner:
            return True  # the loop that tells all of them
        effect = graph.effect(node)
        if effect is None or not effect.callee:
            return False
        return _is_telling(function, effect) or any(
            program.reaches(callee, _is_telling, _LEVELS) for callee in program.callees(function, effect)
        )

    return paths_of(function).find(starts, heads, tells) is not None
