"""LLM304: a call of the GPU's runtime whose error nobody hears of, or that is tolerated and left for the next who asks.

Two mechanisms: a call whose answer is dropped, in a file that looks at those of the others; an error that a
comparison lets pass while the runtime still holds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect, Region, Test
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import ENTRY
from llmlint.code.link.program import Call, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.phrases import last_name, words

_FEWEST_CHECKED = 2
_LONGEST_CHAIN = 5
_DROPPED = ""
_ERROR = re.compile(r"(?:cuda|hip|musa)Error(?!.*(?:Unloading|Deinitialized))\w+(?<!cudaErrorNotReady)")
"""An error that a program which goes on may meet. CUDA counts "not ready" as none and does not keep it (CUDA C++
Programming Guide, Error Checking)."""
_STATUS = re.compile(r"(?:enum )?\w+_(?:status|result)(?:_t)?")
"""A type by which a function of a C library says how it went."""
_GIVES_UP = frozenset(
    "free destroy release close unregister unmap reset disable detach abort stop end shutdown pop cleanup clear "
    "teardown unload unpin finalize profiler".split()
)
"""What undoes something: where that fails nobody can do anything about it."""
_LAST = ("GetLastError", "PeekAtLastError", "GetErrorString", "GetErrorName")


def check_program(program: Program) -> Iterator[Report]:
    by_file: dict[str, list[Call]] = {}
    for call in _answering(program):
        by_file.setdefault(call.function.path, []).append(call)
    for path in sorted(by_file):
        yield from _dropped(program, by_file[path])
    for function in dict.fromkeys(call.function for found in by_file.values() for call in found):
        if function.language != "python":
            yield from _left_pending(program, function)


def _answering(program: Program) -> Iterator[Call]:
    """The calls that answer with a status: of the GPU's runtime by name, of other libraries by what their functions,
    which have no body here, are declared to return."""
    called = (f for f in program.functions if f.name in program.asked.call_names and _is_of_c(f))
    declared = {f.name for f in called if _STATUS.fullmatch(f.facts.returns.strip())}
    for name in (name for name in program.call_names if name in program.asked.call_names):
        is_of_gpu = program.vocabulary.names_gpu_call(name)
        for call in program.asked.calls(name) if is_of_gpu or name in declared else ():
            is_plain = is_of_gpu or call.effect.callee.lstrip("~") == name
            if call.effect.op == "call" and is_plain and "test" not in words(call.function.path):
                yield call


def _is_of_c(function: FunctionInfo) -> bool:
    return function.language != "python" and not function.facts.owner and not function.facts.has_body


def _dropped(program: Program, calls: list[Call]) -> Iterator[Report]:
    asked = [call for call in calls if not last_name(call.effect.callee).endswith(_LAST)]
    dropped = [call for call in asked if _is_dropped(call) and not _is_given_up(program, call)]
    checked = [call for call in asked if call.effect.result not in (_DROPPED, "<void>") and not _is_dropped(call)]
    is_habit = len(checked) >= max(_FEWEST_CHECKED, 2 * len({call.function for call in dropped}))
    for function, effect in dropped:
        name = last_name(effect.callee)
        alike = [call for call in checked if last_name(call.effect.callee) == name]
        # Of a library that is declared and not known, as many calls of the same function have to be looked at.
        others = sum(last_name(call.effect.callee) == name for call in dropped)
        if not (is_habit if program.vocabulary.names_gpu_call(name) else len(alike) >= others):
            continue
        other = (alike or checked)[0].effect
        yield Report(
            program.place(function, effect),
            symbol_of(function),
            f"what {name} answers is dropped: a failure is heard of much later, in another call",
            (
                Step(function.path, effect.line, "nobody looks at the result"),
                Step(function.path, other.line, f"{last_name(other.callee)} is checked here"),
            ),
            confidence="low",
            reason=f"{len(checked)} calls in this file are checked, and the next of them may tell of it too",
            subject=name,
            fix="check it as the others are checked",
            mechanism="unchecked_gpu_call.dropped",
        )


def _is_dropped(call: Call) -> bool:
    """Is its answer not taken, or put into a name that is given another value, or ends, before anybody reads it?"""
    function, effect = call
    if effect.result != _DROPPED:
        return effect.result.isidentifier() and function.language != "python" and not _is_read(function, effect)
    at = function.effects.index(effect)
    behind = function.effects[at + 1 : at + 3]
    return not any(last_name(following.callee).endswith(_LAST[:2]) for following in behind)


def _is_read(function: FunctionInfo, call: Effect) -> bool:
    """Does anything behind the call read the local that has its answer, before the next answer comes there?"""
    name = call.result
    if not any(e.op == "bind" and e.path == name for e in function.effects):
        return True
    if any(name in region.reads and region.end_line >= call.line for region in function.regions):
        return True
    for effect in function.effects[function.effects.index(call) + 2 :]:
        if name in effect.reads or name == effect.source or any(name in (a.path, *a.reads) for a in effect.args):
            return True
    return any(name in (e.source, *e.reads) for e in function.effects if e.op == "return")


def _is_given_up(program: Program, call: Call) -> bool:
    """Does the call undo something, or the function around it?"""
    function, effect = call
    if _is_about_the_old_device(function, effect) or _is_selected_already(program, call):
        return True
    ending = function.name == "__del__" or program.vocabulary.is_terminal(function.name)
    return ending or not _GIVES_UP.isdisjoint((*words(last_name(effect.callee)), *words(function.name)))


def _is_about_the_old_device(function: FunctionInfo, effect: Effect) -> bool:
    """Does it ask which device is selected, or select that one again?"""
    name = last_name(effect.callee)
    if name.endswith("GetDevice"):
        return True
    asked = {e.args[0].path for e in function.effects if last_name(e.callee).endswith("GetDevice") and e.args}
    return name.endswith("SetDevice") and bool(effect.args) and effect.args[0].path in asked


def _is_selected_already(program: Program, call: Call, depth: int = _LONGEST_CHAIN) -> bool:
    """Has every caller, or who calls that, selected the object's same device before? Then it fails there first."""
    function, effect = call
    device = effect.args[0].path if effect.args else ""
    if not last_name(effect.callee).endswith("SetDevice") or not device.startswith("self.") or not depth:
        return False
    callers = program.callers(function)
    return bool(callers) and all(_selects_before(program, effect, caller, depth) for caller in callers)


def _selects_before(program: Program, again: Effect, caller: Call, depth: int) -> bool:
    function, made = caller
    if made.callee.lstrip("~").removeprefix("self.") != last_name(made.callee):
        return False  # of another object
    selecting = [e for e in function.effects if last_name(e.callee) == last_name(again.callee) and e.args]
    if any(e.args[0].path != again.args[0].path for e in selecting):
        return False
    paths = paths_of(function)
    selected = {node for e in selecting for node in paths.graph.nodes_of(function.effects.index(e))}
    here = set(paths.graph.nodes_of(function.effects.index(made)))
    if selected and paths.find([ENTRY], here, selected.__contains__) is None:
        return True
    return _is_selected_already(program, Call(function, again), depth - 1)


def _left_pending(program: Program, function: FunctionInfo) -> Iterator[Report]:
    effects = function.effects
    if any("GetLastError" in effect.callee for effect in effects):
        return
    for region in function.regions:
        for status, error in _tolerated(region):
            call = next((e for e in reversed(effects) if e.line <= region.line and e.result == status), None)
            if call is not None and program.vocabulary.names_gpu_call(last_name(call.callee)):
                yield Report(
                    program.place(function, call),
                    symbol_of(function),
                    f"{error} is let pass, and the runtime still holds it for the next who asks for the last error",
                    (
                        Step(function.path, call.line, f"{last_name(call.callee)} may fail with {error}"),
                        Step(
                            function.path,
                            region.line,
                            "which is no failure here, and stays the last error",
                        ),
                    ),
                    confidence="medium",
                    reason="nothing in the function asks for the last error",
                    subject=error,
                    fix="call cudaGetLastError() where the error is let pass",
                    mechanism="unchecked_gpu_call.left_pending",
                )


def _tolerated(region: Region) -> Iterator[tuple[str, str]]:
    """The status and the error that a test names beside success."""
    waiting: list[Test] = [region.test] if region.test is not None and region.kind == "if" else []
    for test in waiting:
        waiting += test.args
        if test.op in ("==", "!=") and len(test.args) == 2:
            left, right = (arg.path.lstrip("~").removeprefix("self.") for arg in test.args)
            if _ERROR.fullmatch(right) and left.isidentifier():
                yield left, right
