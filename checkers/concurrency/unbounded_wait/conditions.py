"""C++: a wait on a condition variable that nothing but a result ends.

Two forms. The predicate asks for one thing only, that a container holds something, so who waits while the server stops
waits for ever. Or another wait on the same condition variable looks at the stop flag, and this one does not.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.unbounded_wait.telling import STOPS, report
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around, chain
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words


def unconditional(program: Program) -> Iterator[Report]:
    waits: dict[tuple[str, str], list[tuple[FunctionInfo, Effect]]] = {}
    for function, effect in program.calls_named("wait", in_python=False) if program.asked.speaks("cpp") else ():
        if len(effect.args) == 2:
            owner = f"{function.owner.path}:{function.owner.facts.qualname}" if function.owner else function.path
            waits.setdefault((owner, effect.callee), []).append((function, effect))
    for _, found in sorted(waits.items()):
        knowing = next(((f, e) for f, e in found if _asks_to_stop(f, e)), None)
        for function, effect in found:
            if not _asks_to_stop(function, effect):
                yield from _judged(program, function, effect, knowing)


def _judged(
    program: Program, function: FunctionInfo, wait: Effect, knowing: tuple[FunctionInfo, Effect] | None
) -> Iterator[Report]:
    evidence = []
    if knowing is not None and _gives_it_up(function, wait, *knowing):
        return
    if knowing is not None:
        evidence = [Step(knowing[0].path, knowing[1].line, f"{knowing[0].name} ends its wait when it is to stop")]
        sure = ("high", "another wait on the same condition variable looks at the stop flag")
    elif _asks_for_content(function, wait) and not _is_threads_own(function, wait):
        sure = ("medium", "the predicate knows nothing but the container")
    else:
        return
    yield report(
        program,
        function,
        wait,
        f"{wait.callee} waits for a result and for nothing else: when whoever brings it has stopped, {function.name} "
        "never comes back, and joining its thread hangs",
        evidence,
        sure,
        "let the predicate ask for the stop flag as well, and notify all when it is set; or wait_for with a time limit",
    )


def _asked(function: FunctionInfo, wait: Effect) -> list[str]:
    """What the predicate reads: by the lambda on the wait's line."""
    inside = [r for r in function.regions if r.kind == "lambda" and wait.line <= r.line <= wait.line + 1]
    effects = [e for e in function.effects if any(region in inside for region in around(function, e))]
    return [path for e in effects for path in (e.callee, *e.reads)] + [p for a in wait.args for p in a.reads]


def _asks_to_stop(function: FunctionInfo, wait: Effect) -> bool:
    """Does it read a flag of the object itself: `running`, `stopping`, or one by which the function then ends?"""
    flags = (path.removeprefix("self.").removesuffix("()").removesuffix(".load") for path in _asked(function, wait))
    own = [flag for flag in flags if flag and "." not in flag and "(" not in flag]
    return any(STOPS & set(words(flag)) or _is_left_by(function, wait, flag) for flag in own)


def _is_left_by(function: FunctionInfo, wait: Effect, flag: str) -> bool:
    """Is the loop around the wait left where the flag says so, and only for that: `if (!running) break;`?"""
    loops = {at for at in chain(function, wait.region) if function.regions[at].kind == "loop"}
    leaving = (e for e in function.effects if e.op in ("break", "return") and e.line > wait.line)
    return any(
        function.regions[e.region].text.lstrip("!") == flag and not loops.isdisjoint(chain(function, e.region))
        for e in leaving
    )


def _gives_it_up(function: FunctionInfo, wait: Effect, other: FunctionInfo, stops: Effect) -> bool:
    """Is what is waited for set beyond the loop that ends at the stop flag, so that it comes when the server stops?"""
    awaited = set(_asked(function, wait))
    loop = next((at for at in chain(other, stops.region) if other.regions[at].kind == "loop"), 0)
    return any(
        effect.op == "assign" and effect.path in awaited and loop not in chain(other, effect.region)
        for effect in other.effects
        if effect.line > stops.line
    )


def _asks_for_content(function: FunctionInfo, wait: Effect) -> bool:
    asked = {path.removeprefix("self.").removesuffix("()") for path in _asked(function, wait)} - {"", "self"}
    sizes = {path for path in asked if path.endswith((".empty", ".size"))}
    return bool(sizes) and all(any(size.startswith(path) for size in sizes) for path in asked)


def _is_threads_own(function: FunctionInfo, wait: Effect) -> bool:
    """The main loop of a worker thread, which ends in its own way."""
    return bool({"loop", "worker", "run", "thread", "main"} & set(words(function.name)))
