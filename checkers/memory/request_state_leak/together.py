"""What the ends of a request release together, and one of them does not.

Two forms: of several methods that give back one thing of a request, all but one give back another as well; the method
that takes a request out of the books frees what one manager keeps of it and forgets another manager, whose own way to
free it runs only while the request goes on.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.code.domain.state import symbol_of
from llmlint.code.flow.summaries import Done, does
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_GIVES_BACK = frozenset("free release remove delete clear cleanup discard drop unregister deallocate".split())
_COMES_BACK = frozenset({"preempt", "retract", "evict", "pause", "swap"})


class Ending(msgspec.Struct, frozen=True):
    """A method that ends a request, and what it releases: `self.block_manager.free`, `del self.requests`."""

    function: FunctionInfo
    released: dict[str, Done]

    def runs(self, function: FunctionInfo) -> bool:
        return any(call.function is function for done in self.released.values() for call in done.chain)


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.classes:
        endings = [e for m in cls.all_methods.values() if (e := _ending(program, cls, m)).released]
        if endings:
            yield from _odd_one_out(program, cls, endings)
            yield from _forgotten_manager(program, cls, endings)


def _ending(program: Program, cls: ClassInfo, method: FunctionInfo) -> Ending:
    released: dict[str, Done] = {}
    if program.vocabulary.is_terminal(method.name) and method.params and method.facts.has_body:
        for done in does(program, method, cls):
            if what := _released(program, done):
                released.setdefault(what, done)
    return Ending(method, released)


def _released(program: Program, done: Done) -> str:
    """What of a request is released here, by the object itself or by one that it owns; "" for nothing."""
    effect, verb = done.effect, done.effect.callee.rpartition(".")[2]
    keys = (effect.key, *(a.path for a in effect.args))
    if not done.path.startswith("self.") or done.path.count(".") > 2 or "[" in done.path:
        return ""
    if done.how == "remove" and any(program.vocabulary.is_request_id(key) for key in keys if key):
        return f"del {done.path}"
    is_release = done.how == "call" and done.path.count(".") == 1 and bool(_GIVES_BACK & set(words(verb)[:1]))
    return f"{done.path}.{verb}" if is_release and any(_of_request(program, key) for key in keys if key) else ""


def _of_request(program: Program, path: str) -> bool:
    return program.vocabulary.is_request_id(path) or program.vocabulary.speaks_of_requests(path)


# ---------------------------------------------------------------- all but one


def _odd_one_out(program: Program, cls: ClassInfo, endings: list[Ending]) -> Iterator[Report]:
    for what in sorted({what for ending in endings for what in ending.released}):
        having = _innermost([e for e in endings if what in e.released and len(e.released) > 1])
        beside = {other for e in having for other in e.released}
        without = [e for e in endings if what not in e.released and not beside.isdisjoint(e.released)]
        without = _innermost([e for e in without if not any(other.runs(e.function) for other in having)])
        odd = [e for e in without if _ends_whole_requests(program, e.function.name)]
        if len(odd) != 1 or odd[0].function.owner is not cls:
            continue
        for common in odd[0].released:
            both = [e for e in having if _decides_on_both(e, common, what)]
            if len(both) > 1 and _goes_with(odd[0], common, what):
                yield _odd_report(program, odd[0], common, what, both)
                break


def _decides_on_both(ending: Ending, common: str, what: str) -> bool:
    """Does it release the two by two calls, and not by one that knows what belongs together?"""
    one, other = ending.released.get(common), ending.released.get(what)
    return one is not None and other is not None and one.chain[0].effect is not other.chain[0].effect


def _innermost(endings: list[Ending]) -> list[Ending]:
    """Without those that only run another."""
    return [e for e in endings if not any(e is not other and e.runs(other.function) for other in endings)]


def _ends_whole_requests(program: Program, name: str) -> bool:
    """`_preempt_by_recompute` and `free_request` do; `free_encoder_input` frees a part."""
    vocabulary = program.vocabulary
    of_what = [word for word in words(name) if word not in vocabulary.terminal | vocabulary.lead_in]
    return not of_what or of_what[0] in vocabulary.joint or vocabulary.speaks_of_requests(name)


def _goes_with(odd: Ending, common: str, what: str) -> bool:
    """A request that comes back keeps much; only what the same manager holds of it goes together."""
    return _COMES_BACK.isdisjoint(words(odd.function.name)) or common.rpartition(".")[0] == what.rpartition(".")[0]


def _odd_report(program: Program, odd: Ending, common: str, what: str, both: list[Ending]) -> Report:
    at = odd.released[common].chain[0].effect
    names = " and ".join(e.function.name for e in both[:2])
    return Report(
        program.place(odd.function, at),
        symbol_of(odd.function),
        f"{odd.function.name} goes without {what}, which {names} do beside {common}",
        (
            Step(odd.function.path, at.line, f"{odd.function.name}: {common}"),
            *(
                Step(e.function.path, e.released[what].chain[0].effect.line, f"{e.function.name}: also {what}")
                for e in both[:3]
            ),
        ),
        confidence="medium",
        reason=f"{len(both)} other ends of a request do both, and no other does one alone",
        subject=what,
        fix=f"do {what} in {odd.function.name} too",
    )


# ---------------------------------------------------------------- a manager forgotten


def _forgotten_manager(program: Program, cls: ClassInfo, endings: list[Ending]) -> Iterator[Report]:
    reached = {what for ending in endings for what in ending.released}
    final = next((e for e in reversed(endings) if e.function.owner is cls and _closes_the_books(e)), None)
    if final is None:
        return
    freed = {what.split(".")[1] for what in reached}
    for method in cls.methods.values():
        for done in does(program, method, cls):
            manager = done.attribute
            what = _released(program, done)
            if manager in freed or not what.startswith("del ") or done.path.count(".") != 2 or len(done.chain) < 2:
                continue
            if program.vocabulary.is_terminal(done.function.name) and not program.vocabulary.is_terminal(method.name):
                freed.add(manager)
                yield _forgotten_report(program, final, method, done)


def _closes_the_books(ending: Ending) -> bool:
    """Does it take the request out of a map of its own, and out of another manager's as well?"""
    entries = [what for what in ending.released if what.startswith("del self.")]
    return any(what.count(".") == 1 for what in entries) and any(what.count(".") == 2 for what in entries)


def _forgotten_report(program: Program, final: Ending, method: FunctionInfo, done: Done) -> Report:
    first = next(d for what, d in final.released.items() if what.count(".") == 2).chain[0].effect
    manager = f"self.{done.attribute}"
    return Report(
        program.place(final.function, first),
        symbol_of(final.function),
        f"{final.function.name} takes the request out everywhere but in {manager}, which only {method.name} frees",
        (
            Step(final.function.path, first.line, f"{final.function.name} frees what another manager keeps"),
            Step(done.function.path, done.effect.line, f"{done.function.name} would take out {done.path}"),
            Step(method.path, done.chain[0].effect.line, f"{method.name} is the only one to ask for it"),
        ),
        confidence="medium",
        reason=f"a request that ends before {method.name} gets there leaves its entry in {done.path}",
        subject=done.path,
        fix=f"free the request in {manager} too",
    )
