"""Functions that control never comes into: each call that may run one hands over what it does not take, or stands in
such a function itself."""

from __future__ import annotations

from llmlint.code.domain.roots import roots_of
from llmlint.code.domain.shut_branches import shut_branches_of, speaks_of
from llmlint.code.domain.signatures import misfit, signature_of
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.objects import Method
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, Program

_HIGHEST = 3


def why_never_entered(program: Program, function: FunctionInfo) -> str:
    """Why no call gets into a function; "" where one may, or where others than the program may call it."""
    return _why(program, function, _HIGHEST) if function.language == "python" else ""


def _why(program: Program, function: FunctionInfo, highest: int) -> str:
    if function.name.startswith("__"):
        return ""
    told = ""
    for caller, call in program.callers(function):
        if caller is function:
            continue
        why = _misfit(program, function, Call(caller, call))
        told = f"{function.facts.qualname} {why}, where it is called at {caller.path}:{call.line}" if why else ""
        told = told or once(program, shut_branches_of).why(caller, call.line)
        told = told or (_why(program, caller, highest - 1) if highest else "")
        if not told:
            return ""
    return told if told and _is_only_called(program, function) else ""


def _misfit(program: Program, function: FunctionInfo, at: Call) -> str:
    """Why a call does not fit a function that it may run, "" where it may."""
    is_bound = function.owner is not None and function not in program.meanings(at.function, at.effect.callee)
    signature = signature_of(Method(function, function.owner) if is_bound and function.owner else function)
    return misfit(signature, at.effect.args) if signature is not None and at.effect.op == "call" else ""


def _is_only_called(program: Program, function: FunctionInfo) -> bool:
    """Can nobody get at it but by the calls that are known to run it?"""
    is_whole = function.name.startswith("_") or roots_of(program).is_known_whole(function.path)
    if not is_whole or any(speaks_of(other, function.name) for other in program.functions):
        return False
    return not any(
        not program.callees(*call, overrides=True) and not _misfit(program, function, call)
        for call in program.calls_named(function.name)
    )
