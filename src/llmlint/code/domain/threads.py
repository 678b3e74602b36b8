"""Which functions run on a plain thread and nowhere else: they are handed to `threading.Thread`, also by a helper, or
only such functions call them. And which of them nobody waits for: the thread is started and left to itself."""

from __future__ import annotations

from llmlint.code.facts.facts import Effect
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.exits import around
from llmlint.code.link.objects import unbound
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.phrases import last_name

_THREADS = frozenset({"threading.Thread", "threading.Timer"})
_STARTS = frozenset({"start", "setDaemon", "setName"})
_DEEPEST = 3


def runs_on_a_thread(program: Program, function: FunctionInfo, deep: int = 0) -> bool:
    callers = program.callers(function)
    if callers:
        return deep < _DEEPEST and all(runs_on_a_thread(program, call.function, deep + 1) for call in callers)
    handed = [call for call in once(program, _handed_over).get(function.name, ()) if _hands(program, call, function)]
    return bool(handed) and all(_is_for_a_thread(program, call, function) for call in handed)


def nobody_waits_for(program: Program, function: FunctionInfo, effect: Effect, deep: int = 0) -> bool:
    """Does it happen once, on a thread that is started and neither joined, looked at nor handed on?"""
    if any(region.kind == "loop" for region in around(function, effect)):
        return False
    callers = program.callers(function)
    if callers:
        return deep < _DEEPEST and all(nobody_waits_for(program, *call, deep + 1) for call in callers)
    handed = [call for call in once(program, _handed_over).get(function.name, ()) if _hands(program, call, function)]
    return bool(handed) and all(_is_left_to_itself(program, call) for call in handed)


def _is_left_to_itself(program: Program, made: Call) -> bool:
    function, effect = made
    if program.resolve(function, effect.callee) not in _THREADS or "." in effect.result or "[" in effect.result:
        return False
    thread = effect.result
    return not thread or not any(_asks(other, thread) for other in function.effects)


def _asks(effect: Effect, thread: str) -> bool:
    receiver, _, name = effect.callee.rpartition(".")
    if receiver == thread and effect.op == "call":
        return name not in _STARTS
    named = (effect.source, *effect.reads) if effect.op == "bind" else (effect.path, effect.source, *effect.reads)
    is_spoken_of = effect.op != "call" and thread in named
    return is_spoken_of or any(thread in (a.path, *a.reads) for a in effect.args)


def _handed_over(program: Program) -> dict[str, list[Call]]:
    """By the last part of a name: the calls that have it among their arguments."""
    found: dict[str, list[Call]] = {}
    for function in program.functions:
        for effect in function.effects if function.language == "python" else ():
            for argument in effect.args:
                if argument.path:
                    found.setdefault(last_name(argument.path), []).append(Call(function, effect))
    return found


def _hands(program: Program, call: Call, function: FunctionInfo) -> bool:
    return bool(_handing(program, call, function))


def _handing(program: Program, call: Call, function: FunctionInfo) -> set[str]:
    """The paths among the arguments that mean the function."""
    return {a.path for a in call.effect.args if a.path and _means(program, call, a.path, function)}


def _means(program: Program, call: Call, path: str, function: FunctionInfo) -> bool:
    meanings = program.meanings(call.function, path)
    return any(unbound(one) is function for one in meanings)


def _is_for_a_thread(program: Program, call: Call, function: FunctionInfo) -> bool:
    return _ends_on_a_thread(program, call, _handing(program, call, function), 0)


def _ends_on_a_thread(program: Program, call: Call, paths: set[str], deep: int) -> bool:
    """Is what stands at these paths given to a thread, as its target or among what that is to call?"""
    function, effect = call
    if program.resolve(function, effect.callee) in _THREADS:
        return any(not paths.isdisjoint((argument.path, *argument.reads)) for argument in effect.args)
    callees = program.callees(function, effect) if deep < _DEEPEST else ()
    return bool(callees) and all(_passes_on(program, callee, call, paths, deep) for callee in callees)


def _passes_on(program: Program, callee: FunctionInfo, call: Call, paths: set[str], deep: int) -> bool:
    names = {name for name, a in arguments_by_parameter(callee, call.effect).items() if a.path in paths}
    inner = (Call(callee, e) for e in callee.effects if any(names & {a.path, *a.reads} for a in e.args))
    return any(_ends_on_a_thread(program, one, names, deep + 1) for one in inner)
