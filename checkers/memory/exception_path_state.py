"""LLM111: state that a function changes and changes back, but not when what stands between fails or is cancelled.

A count, a flag, an entry or a value of an object is set, then something is awaited or called that may raise, then it is
taken back; no `finally` and no handler does so on the other way out. What is a change and what takes it back is told by
the protocols of kind "state".
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.changing import Changed, changed_back
from llmlint.code.domain.state import is_setup, symbol_of
from llmlint.code.facts.facts import Effect, Test
from llmlint.code.facts.gists import CHANGING
from llmlint.code.flow.conditions import Atom, implied, is_about
from llmlint.code.flow.leaks import Leak, Question, goes_round, leak
from llmlint.code.flow.with_helpers import helped_at, is_of_a_helper, whole
from llmlint.code.link.exits import around, chain
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.code.link.raising import way_to_raise
from llmlint.findings import Report

_LEVELS = 2


def check_program(program: Program) -> Iterator[Report]:
    protocols = tuple(row for row in program.vocabulary.protocols if row.kind == "state")
    for method in program.asked.functions:
        if method.language == "python" and not is_setup(method):
            function = whole(program, method)
            for changed in changed_back(function, protocols):
                found = None
                if not is_of_a_helper(function, changed.entered, *changed.left):
                    found = _way_out(program, function, changed)
                if found is not None:
                    yield _report(program, function, changed, found)
                    break


def _way_out(program: Program, function: FunctionInfo, changed: Changed) -> Leak | None:
    """A way out by a failure on which nothing touches the state again.

    Where a plain way keeps the state as well, it may be meant to stay: then only a handler that takes it back, and that
    a cancellation passes by, shows the duty.
    """
    nothing: frozenset[str] = frozenset()
    asked = Question(function, changed.entered, nothing, nothing, tuple(_touching(function, changed)))
    if "return" not in changed.protocol.exits:
        if leak(asked._replace(ways=("return",))) is not None or goes_round(asked):
            in_handler = any(_is_in_handler(function, at) for at in changed.left)
            return leak(asked._replace(ways=("cancel",))) if in_handler else None
    own = changed.path.startswith("self.") and function.effects[changed.left[0]].value != "path"
    return leak(
        asked._replace(
            ways=("return", *changed.protocol.exits),
            throws=lambda effect: own and _may_fail(program, function, effect),
        )
    )


def _is_in_handler(function: FunctionInfo, at: int) -> bool:
    return any(region.kind == "except" for region in around(function, function.effects[at]))


def _touching(function: FunctionInfo, changed: Changed) -> Iterator[int]:
    """Whatever changes the state again, and calls of the object's own that may do so."""
    for at, effect in enumerate(function.effects):
        if at != changed.entered and effect.op in CHANGING and effect.path == changed.path:
            yield at


def _may_fail(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """A call that somebody wrote a handler for, or that is known to raise."""
    tried = {at for at in chain(function, effect.region) if function.regions[at].kind == "try"}
    handled = any(region.kind == "except" and region.first in tried for region in function.regions)
    return handled or bool(way_to_raise(program, function, effect, _LEVELS))


def _report(program: Program, function: FunctionInfo, changed: Changed, found: Leak) -> Report:
    raised, lowered, path = function.effects[changed.entered], function.effects[changed.left[0]], changed.path
    steps = [program.step(function, raised, f"{path} is raised here")]
    failing = found.failed
    if failing is None and found.left_by is not None:
        steps.append(program.step(function, found.left_by, "this way out leaves it"))
    if failing is not None:
        verb = "is awaited: it may fail or be cancelled" if failing.via == "await" else "may leave the way"
        steps.append(program.step(function, failing, f"{failing.callee or failing.path or failing.op} {verb}"))
    helped = helped_at(function, changed.entered)
    if helped is not None:
        steps.insert(1, program.step(helped.helper, helped.effect, f"by {helped.helper.name}"))
    unsure = _doubt(function, changed, failing)
    steps.append(program.step(function, lowered, "and only here it is taken back"))
    return Report(
        program.place(function, raised),
        symbol_of(function),
        f"{function.name} leaves {path} as it is "
        + ("when what follows fails" if failing else "on one of its ways out"),
        tuple(steps),
        confidence="low" if unsure else "medium",
        reason=unsure or "other ways take it back, and this one passes no finally or handler that does",
        subject=path,
        cause=_cause(raised),
        fix="take it back in a finally",
    )


def _cause(effect: Effect) -> str:
    """The cause that a raise without its counterpart is."""
    if effect.op == "insert":
        return "request-state-leak"
    return "refcount-imbalance" if effect.via == "+=" else "flag-not-reset"


def _doubt(function: FunctionInfo, changed: Changed, failing: Effect | None) -> str:
    """Why the state may be meant to stay, or harm nobody."""
    raised = function.effects[changed.entered]
    if not changed.protocol.is_of_any:
        return ""
    if any(_is_in_handler(function, at) for at in changed.left):
        return "a handler takes it back, and a cancellation passes it by; somebody else may see to that"
    asked = any(is_about(atom, changed.path) for r in function.regions if r.test is not None for atom in _atoms(r.test))
    is_flag = raised.op == "assign" and not raised.via and raised.value == "constant"
    if is_flag and not asked and function.effects[changed.left[0]].value == "constant":
        return "the function does not ask for the flag itself, so that it may only tell"
    if raised.op == "assign" and function.effects[changed.left[0]].value == "path":
        return "what was there before is put back: often nobody is left to notice when that is missed"
    if failing is not None and failing.via != "await" and failing.op not in ("await", "yield"):
        return "only an error leaves it so, and that may be the end of the object as well"
    return ""


def _atoms(test: Test) -> Iterator[Atom]:
    return (atom for atom, _ in implied(test, True) | implied(test, False))
