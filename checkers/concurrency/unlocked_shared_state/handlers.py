"""A C++ request handler that walks over the state of an object which that object's own methods change meanwhile.

A server hands each request to a thread of its pool; the object's methods run in the main loop. What is asked of the
loop by a queue, or looked at under a lock, is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.exits import chain
from llmlint.code.facts import Effect
from llmlint.code.locks import Locks
from llmlint.code.program import ClassInfo, FunctionInfo, Program
from llmlint.code.state import CHANGING, attribute_of, symbol_of
from llmlint.findings import Place, Report

_ROUTES = frozenset({"Get", "Post", "Put", "Delete", "Patch", "get", "post"})


def walks_in_handlers(program: Program, locks: Locks) -> Iterator[Report]:
    for name in sorted(_ROUTES):
        for function, call in program.calls_named(name):
            if function.language != "python" and call.args and call.args[0].literal.startswith('"/'):
                for handler in _lambdas(function, call):
                    yield from _walks(program, function, call, handler, locks)


def _lambdas(function: FunctionInfo, call: Effect) -> list[int]:
    """The lambdas written among the arguments of a call: they begin on its line or on the next."""
    return [
        index
        for index, region in enumerate(function.regions)
        if region.kind == "lambda" and region.parent == call.region and call.line <= region.line <= call.line + 1
    ]


def _walks(program: Program, function: FunctionInfo, route: Effect, handler: int, locks: Locks) -> Iterator[Report]:
    for index, region in enumerate(function.regions):
        if region.kind != "loop" or handler not in chain(function, index):
            continue
        if locks.taken(function, index, region.line):
            continue
        for path in region.reads:
            base, _, attribute = path.rpartition(".")
            owner = program.class_of(function, base) if base else None
            changed = _changed_by(owner, attribute, locks) if owner is not None else None
            if owner is not None and changed is not None:
                served = route.args[0].literal.strip('"')
                yield Report(
                    Place(function.path, region.line),
                    symbol_of(function),
                    f"the handler of {served} walks over {path} in a thread of its own, while "
                    f"{owner.name}.{changed[0].name} changes it",
                    (
                        program.step(function, route, f"requests for {served} are served by a pool of threads"),
                        program.step(function, region.line, f"walks over {path} with no lock"),
                        program.step(changed[0], changed[1], f"{changed[0].name} changes {changed[1].path} meanwhile"),
                    ),
                    confidence="medium",
                    reason="neither a lock nor a queue is between them",
                    subject=f"{served} {path}",
                    fix="let the main loop answer by a task, or copy what is needed under a lock",
                )


def _changed_by(owner: ClassInfo, attribute: str, locks: Locks) -> tuple[FunctionInfo, Effect] | None:
    """A change of the attribute, or of what it holds, that a method makes while the object serves."""
    for function in owner.functions:
        for effect in function.effects:
            if effect.op in CHANGING and attribute_of(effect.path) == attribute:
                if not locks.is_single_threaded(function):
                    return function, effect
    return None
