"""A C++ request handler that walks over the state of an object which that object's own methods change meanwhile.

A server hands each request to a thread of its pool; the object's methods run in the main loop. What is asked of the
loop by a queue, or looked at under a lock, is no finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.facts.gists import CHANGING
from llmlint.code.link.exits import chain
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Place, Report

_TAKES_A_REQUEST = re.compile(r"\]\((?:.*[\s:,(])?\w*(?:Request|request|_req)\b\s*[&*]")


def walks_in_handlers(program: Program, locks: Locks) -> Iterator[Report]:
    for function in program.asked.functions:
        handlers = {
            at for at, r in enumerate(function.regions) if r.kind == "lambda" and _TAKES_A_REQUEST.search(r.text)
        }
        for index, region in enumerate(function.regions if handlers else ()):
            handler = next((at for at in chain(function, index) if at in handlers), 0)
            if region.kind == "loop" and handler and not locks.taken(function, asked=index):
                yield from _walks(program, function, handler, index, locks)


def _walked(function: FunctionInfo, loop: int) -> list[str]:
    """What a loop goes over: named in its header, or taken apart inside by an index."""
    parts = [e.source.removesuffix("[]") for e in function.effects if e.region == loop and e.source.endswith("[]")]
    return list(dict.fromkeys((*function.reads_of(function.regions[loop]), *parts)))


def _walks(program: Program, function: FunctionInfo, handler: int, loop: int, locks: Locks) -> Iterator[Report]:
    region = function.regions[loop]
    for path in _walked(function, loop):
        for owner, rest in _owners(program, function, path):
            changed = _changed_by(owner, rest, locks)
            if changed is not None:
                by, effect = changed
                yield Report(
                    Place(function.path, region.line),
                    symbol_of(function),
                    f"a request's handler walks over {path} in a thread of its own, while "
                    f"{owner.name}.{by.name} changes it",
                    (
                        program.step(
                            function, function.regions[handler].line, "requests are served by a pool of threads"
                        ),
                        program.step(function, region.line, f"walks over {path} with no lock"),
                        program.step(by, effect, f"{by.name} changes {effect.path} meanwhile"),
                    ),
                    confidence="medium",
                    reason="neither a lock nor a queue is between them",
                    subject=path,
                    fix="let the main loop answer by a task, or copy what is needed under a lock",
                )
                break


def _owners(program: Program, function: FunctionInfo, path: str) -> Iterator[tuple[ClassInfo, str]]:
    """The objects on the way of a path, with the rest of it: `ctx` and `ctx.params` of `ctx.params.adapters`."""
    parts = path.split(".")
    for count in range(1, len(parts)):
        owner = program.class_of(function, ".".join(parts[:count]))
        if owner is not None and owner is not function.owner:
            yield owner, ".".join(parts[count:])


def _changed_by(owner: ClassInfo, rest: str, locks: Locks) -> tuple[FunctionInfo, Effect] | None:
    """Where a method, while the object serves, replaces what the path leads to or changes the size of what it holds."""
    changes = [
        (function, effect)
        for function in owner.functions
        for effect in function.effects
        if effect.op in CHANGING and _is_within(effect.path, f"self.{rest}") and not locks.is_single_threaded(function)
    ]
    resized = [change for change in changes if _resizes(change[1], f"self.{rest}")]
    return next(iter(resized), None)


def _resizes(effect: Effect, whole: str) -> bool:
    """A number that is read while it changes is the old one or the new one; what grows or is replaced is neither."""
    return effect.op in ("insert", "remove", "clear") or (effect.path == whole and not effect.via)


def _is_within(path: str, whole: str) -> bool:
    return path == whole or path.startswith((f"{whole}.", f"{whole}[]"))
