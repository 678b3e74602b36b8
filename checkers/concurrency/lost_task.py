"""LLM205: work started in the background whose end nobody hears of.

Four forms: a task of the event loop whose only reference is dropped; work handed to an executor whose future is
dropped, so that an error in it is never seen; a callback that asks a failed future for its result and thereby leaves
out what it had to do; and in C++ the future of `std::async`, or of a function that returns one, that nobody keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.threads import runs_on_a_thread
from llmlint.code.domain.waiting import origins
from llmlint.code.facts.bodies.scope import is_within
from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.facts.gists import CHANGING
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.exits import chain
from llmlint.code.link.program import Call, FunctionInfo, Program, root_of
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_TASKS = ("create_task", "ensure_future")
_SUBMITS = ("submit", "run_coroutine_threadsafe")
_OF_THIS_THREAD = frozenset({"asyncio.get_event_loop", "asyncio.get_running_loop"})
_DEEPEST = 3
_POOLS = frozenset({"executor", "pool", "threadpool"})
_CATCHES = frozenset({"", "Exception", "BaseException"})
_NEVER_RAISE = frozenset(
    "get append add discard set clear items keys values lower upper notify notify_all exists isfile isdir".split()
    + "debug info warning error exception time perf_counter monotonic sleep".split()
    + "done cancelled cancel is_set is_alive locked qsize empty full".split()
)
_SETS_A_FUTURE = ("set_result", "set_exception")
_FUTURE = re.compile(r"\bfuture\s*<")
_CHECKS_ITS_ARGUMENTS = ("__init__", "__post_init__")
_HARMLESS_MODULES = ("asyncio.", "threading.", "logging.", "time.", "collections.")
_ANSWERS = frozenset({"set", "set_result", "set_exception", "put", "put_nowait", "send", "notify", "notify_all"})


def check_program(program: Program) -> Iterator[Report]:
    for name in _TASKS:
        for call in program.calls_named(name):
            if _is_of_the_loop(program, call) and _is_dropped(call):
                yield _dropped_task(program, call)
    for name in _SUBMITS:
        for call in program.calls_named(name):
            if _is_dropped(call) and _is_submitted(program, call):
                yield from _dropped_error(program, call)
    for call in program.calls_named("add_done_callback"):
        yield from _callback_that_raises(program, call)
    for call in program.calls_named("async"):
        if call.function.language != "python" and call.effect.callee == "std.async" and _is_dropped(call):
            yield _blocking_future(program, call)
    for call in _calls_for_a_future(program):
        if _is_dropped(call):
            yield _future_of_own(program, call)


def _is_dropped(call: Call) -> bool:
    function, effect = call
    if effect.via == "await":
        return False
    if effect.result == "":
        ending = (e for e in function.effects if e.op in ("return", "yield") and e.region == effect.region)
        return not any(e.line == effect.line for e in ending)
    name = effect.result
    return name.isidentifier() and not _is_read(function, name)


def _is_read(function: FunctionInfo, name: str) -> bool:
    if any(is_within(path, name) for region in function.regions for path in region.reads):
        return True
    return any(
        any(is_within(p, name) for p in (e.callee, e.key, e.source, *e.reads, *(a.written or a.path for a in e.args)))
        or (e.op in ("return", "yield", "await", "insert") and is_within(e.path, name))
        or (e.op == "assign" and e.path == name)
        for e in function.effects
    )


# ---------------------------------------------------------------- a task without a reference


def _is_of_the_loop(program: Program, call: Call) -> bool:
    """A task group keeps its tasks; the event loop does not."""
    function, effect = call
    receiver = effect.callee.rpartition(".")[0]
    if not receiver or program.resolve(function, effect.callee).startswith("asyncio."):
        return program.resolve(function, effect.callee).startswith("asyncio.")
    if "loop" in words(receiver.rpartition(".")[2].removesuffix("()")):
        return True
    return any("loop" in words(origin.rpartition(".")[2]) for origin in origins(program, function, receiver))


def _dropped_task(program: Program, call: Call) -> Report:
    function, effect = call
    work = next((a.path.removesuffix("()") for a in effect.args if a.path.endswith("()")), "")
    named = work.rpartition(".")[2] or "the coroutine"
    started = _handed(program, function, effect, Argument(path=work))
    is_safe = bool(started) and not any(_first_to_fail(program, work, set()) for work in started)
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"nothing keeps the task that runs {named}: it may be collected before it ends, and nobody waits for its error",
        (
            Step(
                function.path, effect.line, f"{effect.callee} starts {named}; the loop itself refers to it only weakly"
            ),
        ),
        confidence="low" if is_safe else "medium",
        reason="the task is neither kept nor awaited" + (", but catches what it raises" if is_safe else ""),
        subject=f"task:{named}",
        fix="keep the task in a set until its done callback takes it out",
    )


# ---------------------------------------------------------------- a future without a reader


def _is_submitted(program: Program, call: Call) -> bool:
    function, effect = call
    if effect.callee.endswith("run_coroutine_threadsafe"):
        return not _raises_at_once(program, call)
    receiver = effect.callee.rpartition(".")[0]
    if _POOLS & set(words(receiver.rpartition(".")[2])):
        return not program.callees(function, effect)
    return any(origin.endswith("PoolExecutor") for origin in origins(program, function, receiver))


def _raises_at_once(program: Program, call: Call) -> bool:
    """On a plain thread there is no current loop: to ask for it raises, and nothing is submitted."""
    function, effect = call
    loop = effect.args[1].path if len(effect.args) > 1 else ""
    return bool(loop) and _asks_for_its_own(program, function, loop) and runs_on_a_thread(program, function)


def _asks_for_its_own(program: Program, function: FunctionInfo, loop: str, deep: int = 0) -> bool:
    """Is it the current loop of the thread, asked for here or by who hands it over, where none is set?"""
    if loop in {param.name for param in function.params}:
        given = [(f, arguments_by_parameter(function, call).get(loop)) for f, call in program.callers(function)]
        above = bool(given) and deep < _DEEPEST
        return above and all(a is not None and _asks_for_its_own(program, f, a.path, deep + 1) for f, a in given)
    names = {loop.removesuffix("()")}
    names |= {e.source for e in function.effects if e.op == "bind" and e.path == loop}
    if any(e.callee.endswith("set_event_loop") for e in function.effects):
        return False
    return any(program.resolve(function, name) in _OF_THIS_THREAD for name in names if name)


def _dropped_error(program: Program, call: Call) -> Iterator[Report]:
    function, effect = call
    for work in _handed(program, function, effect, effect.args[0] if effect.args else Argument()):
        bare = _first_to_fail(program, work, set())
        if bare is None or _has_answered(work, bare):
            continue
        yield Report(
            program.place(function, effect),
            symbol_of(function),
            f"an error in {work.name} is never seen: the future that would carry it is dropped",
            (
                program.step(function, effect, f"{effect.callee} answers with a future that nobody keeps"),
                program.step(work, bare, f"{work.name} may fail here, outside of any handler"),
            ),
            confidence="medium",
            reason=f"{work.name} does not catch what it raises",
            subject=f"future:{work.name}",
            origin=f"{work.path}:{work.facts.qualname}",
            fix="keep the future and ask for its result, or catch and log in what runs there",
        )
        return


def _has_answered(work: FunctionInfo, failing: Effect) -> bool:
    """`self.done[task] = result; self.ready.notify()` stands before: who waits has the answer when it fails."""
    answers = (e for e in work.effects if e.op == "call" and e.callee.rpartition(".")[2] in _ANSWERS)
    around = chain(work, failing.region)
    return any(e.region in around and e.line < failing.line for e in answers)


def _handed(program: Program, function: FunctionInfo, effect: Effect, work: Argument) -> tuple[FunctionInfo, ...]:
    """The functions of the program that a reference or a made coroutine stands for."""
    path = (work.written or work.path).removesuffix("()")
    if not path:
        return ()
    return program.callees(function, msgspec.structs.replace(effect, op="call", path=path, args=(), via=""))


def _first_to_fail(
    program: Program, work: FunctionInfo, asked: set[int], unset: frozenset[str] = frozenset()
) -> Effect | None:
    """What may raise out of the work: its steps before what it refuses its arguments for. Where a handler takes all
    that the main part raises, only its own raise. `unset`: the parameters that are futures without a result yet."""
    asked.add(id(work))
    is_careful = any(region.kind == "except" and region.text in _CATCHES for region in work.regions)
    bare = [effect for effect in work.effects if not _is_guarded(work, effect.region)]
    failing = [e for e in bare if e.op == "raise" or (not is_careful and _may_fail(program, work, e, asked, unset))]
    return next((e for e in failing if not _refuses_arguments(work, e)), failing[0] if failing else None)


def _refuses_arguments(work: FunctionInfo, effect: Effect) -> bool:
    """`if count < 1: raise ValueError` asks for nothing but what the caller gives."""
    if effect.op != "raise":
        return False
    given = {param.name for param in work.params}
    asked = [path for at in chain(work, effect.region) for path in work.regions[at].reads]
    return bool(asked) and all(root_of(path) in given for path in asked if not path.endswith("()"))


def _may_fail(program: Program, work: FunctionInfo, effect: Effect, asked: set[int], unset: frozenset[str]) -> bool:
    future, _, method = effect.callee.rpartition(".")
    if effect.op != "call" or method in _NEVER_RAISE:
        return False
    if method in _SETS_A_FUTURE and (future in unset or _is_asked_for(work, effect, future)):
        return False
    callees = program.callees(work, effect)
    if callees:
        asking = (c for c in callees if c.name not in _CHECKS_ITS_ARGUMENTS and id(c) not in asked)
        return any(_first_to_fail(program, c, asked, _unset_in(work, effect, c)) is not None for c in asking)
    return "." in effect.callee and not program.resolve(work, effect.callee).startswith(_HARMLESS_MODULES)


def _is_asked_for(work: FunctionInfo, effect: Effect, future: str) -> bool:
    """`if not waiter.done(): waiter.set_exception(error)`: nothing is refused there."""
    tests = (work.regions[at] for at in chain(work, effect.region))
    return any(f"{future}.done" in map(_uncalled, test.reads) for test in tests)


def _unset_in(work: FunctionInfo, call: Effect, callee: FunctionInfo) -> frozenset[str]:
    given = arguments_by_parameter(callee, call).items()
    return frozenset(name for name, handed in given if handed.path and _is_asked_for(work, call, handed.path))


def _uncalled(path: str) -> str:
    return path.removesuffix("()")


def _is_guarded(function: FunctionInfo, region: int) -> bool:
    around = chain(function, region)
    if any(function.regions[at].kind in ("except", "lambda", "finally") for at in around):
        return True
    tried = {at for at in around if function.regions[at].kind == "try"}
    return any(r.kind == "except" and r.first in tried for r in function.regions)


# ---------------------------------------------------------------- C++


def _blocking_future(program: Program, call: Call) -> Report:
    function, effect = call
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"nobody keeps the future of std::async: its destructor waits, so {function.name} runs the work at once, and "
        "what it throws is lost",
        (program.step(function, effect, "the future is destroyed here, which waits for the work to end"),),
        confidence="medium",
        reason="the destructor of a future of std::async blocks until the work is done",
        subject="future:std::async",
        fix="keep the future where its result is asked for, or run the work on a thread that is joined",
    )


def _calls_for_a_future(program: Program) -> Iterator[Call]:
    """Of functions of the program that hand the work's future to whoever calls them."""
    giving = {f.name for f in program.functions if f.language != "python" and _FUTURE.search(f.facts.returns)}
    for name in sorted(giving):
        for call in program.calls_named(name):
            callees = program.callees(*call) if call.function.language != "python" else ()
            if callees and all(_hands_on_errors(program, callee) for callee in callees):
                yield call


def _hands_on_errors(program: Program, function: FunctionInfo, steps: int = _DEEPEST) -> bool:
    """A promise holds an error only where somebody puts it there; `std::async` and packaged tasks do by themselves.
    Of overloads nobody can say which is called."""
    twins = [f for f in program.functions_named(function.name) if f.facts.qualname == function.facts.qualname]
    if not all(_FUTURE.search(twin.facts.returns) for twin in twins):
        return False
    if any(e.callee.endswith(".get_future") for e in function.effects):
        fills = {e.callee.rpartition(".")[2] for f in program.functions_in(function.path) for e in f.effects}
        return "set_exception" in fills or any("packaged_task" in e.annotation for e in function.effects)
    ends = [e for e in function.effects if e.op == "call" and e.result == "<return>"]
    further = [f for e in ends for f in program.callees(function, e) if f is not function] if steps else []
    return all(_hands_on_errors(program, one, steps - 1) for one in further)


def _future_of_own(program: Program, call: Call) -> Report:
    function, effect = call
    callee = program.callees(*call)[0]
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{function.name} drops the future that {callee.name} gives: what the work throws is never seen",
        (
            program.step(function, effect, f"{effect.callee} answers with a future that nobody keeps"),
            Step(callee.path, callee.facts.line, f"{callee.name} returns {callee.facts.returns}"),
        ),
        confidence="medium",
        reason="an exception in the work is stored in the future alone",
        subject=f"future:{callee.name}",
        fix="keep the future and get() its result, or catch in what runs there",
    )


# ---------------------------------------------------------------- a callback that raises


def _callback_that_raises(program: Program, call: Call) -> Iterator[Report]:
    function, effect = call
    for callback in _handed(program, function, effect, effect.args[0] if effect.args else Argument()):
        asked = _asked_unguarded(callback)
        left_out = next((e for e in callback.effects if asked and _matters(callback, asked, e)), None)
        if asked is None or left_out is None:
            continue
        yield Report(
            program.place(callback, asked),
            symbol_of(callback),
            f"when the work fails, {callback.name} raises here and leaves out what follows",
            (
                program.step(
                    function, effect, f"{callback.name} is called when the future is done, also when it failed"
                ),
                program.step(
                    callback, asked, "result() raises what the work raised; a callback's error is only logged"
                ),
                program.step(callback, left_out, f"{left_out.callee or left_out.path} is then not reached"),
            ),
            confidence="medium",
            reason="nothing asks for the exception first, and no handler stands around it",
            subject=f"callback:{callback.name}",
            fix="ask for exception() first and answer the waiter with it",
        )
        return


def _asked_unguarded(callback: FunctionInfo) -> Effect | None:
    names = {p.name for p in callback.params}
    asked = [e for e in callback.effects if e.op == "call" and e.callee.rpartition(".")[0] in names]
    if any(e.callee.endswith((".exception", ".cancelled")) for e in asked):
        return None
    results = (e for e in asked if e.callee.endswith(".result"))
    return next((e for e in results if not _is_guarded(callback, e.region)), None)


def _matters(callback: FunctionInfo, asked: Effect, effect: Effect) -> bool:
    """It changes what others see, or answers somebody."""
    if effect.line <= asked.line:
        return False
    own = {e.path for e in callback.effects if e.op == "bind"}
    changes = effect.op in CHANGING and effect.path.partition(".")[0].partition("[")[0] not in own
    return changes or (effect.op == "call" and effect.callee.rpartition(".")[2] in _ANSWERS)
