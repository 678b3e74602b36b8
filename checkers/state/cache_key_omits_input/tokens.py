"""A key that stands for a request and is made of its tokens alone, while the request carries more.

The placeholder tokens of two images are the same, and so are the tokens of a prompt under two adapters: what tells them
apart lies beside the tokens, and other keys of the program hold it.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.state.cache_key_omits_input.digests import flows_into, is_digest
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step


def alone(program: Program, function: FunctionInfo) -> Iterator[Report]:
    digests = [effect for effect in function.effects if is_digest(function, effect)]
    if not digests or any(program.vocabulary.tells_requests_apart(param.name) for param in function.params):
        return
    reached = {path.split(".")[0].split("[")[0] for path in flows_into(function, digests)}
    mixed = [param.name for param in function.params if param.name in reached]
    if len(mixed) != 1 or not program.vocabulary.names_tokens(mixed[0]):
        return
    for call in program.callers(function):
        found = _request_of(program, call.function, call.effect)
        if found is not None:
            yield _report(program, function, digests[0], call.function, call.effect, *found)
            return


def _request_of(program: Program, caller: FunctionInfo, call: Effect) -> tuple[str, ClassInfo, str] | None:
    """The request whose tokens a call hands over, its class, and what it carries that the caller never reads."""
    for argument in call.args:
        for path in (argument.path, *argument.reads):
            holder, _, name = path.rpartition(".")
            if not holder or not program.vocabulary.names_tokens(name):
                continue
            cls = program.class_of(caller, holder)
            if cls is None:
                continue
            carried = [a for a in sorted(cls.attributes) if program.vocabulary.tells_requests_apart(a)]
            read = {path for path, _ in caller.reads}
            if carried and not any(path.startswith(f"{holder}.{name}") for path in read for name in carried):
                return holder, cls, carried[0]
    return None


def _report(
    program: Program,
    function: FunctionInfo,
    digest: Effect,
    caller: FunctionInfo,
    call: Effect,
    holder: str,
    cls: ClassInfo,
    carried: str,
) -> Report:
    return Report(
        program.place(function, digest),
        symbol_of(function),
        f"{function.name} makes a key of a request's tokens alone: requests that differ in {carried} share an entry",
        (
            program.step(caller, call, f"{caller.name} hands over the tokens of {holder}"),
            Step(cls.path, cls.attributes[carried].line, f"{cls.name} carries {carried} beside its tokens"),
            program.step(function, digest, "the digest sees the tokens only"),
        ),
        confidence="medium",
        reason=f"neither the key nor {caller.name} looks at {carried}",
        subject=carried,
        fix=f"mix {carried} into the key",
    )
