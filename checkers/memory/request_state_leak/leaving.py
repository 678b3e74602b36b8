"""What a request still holds when it leaves a queue in one branch, and has given back where it leaves in another.

A loop over a queue notes which elements are to go, and the queue is written anew without them. Where one of the
branches that note an element clears or closes a thing of it, the others owe the same, unless they hand the element on.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from llmlint.code.domain.holders import is_own
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program, arguments_by_parameter
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_GIVES_BACK = frozenset("clear close free release cleanup abort cancel terminate shutdown destroy".split())


class Leave(msgspec.Struct, frozen=True):
    """The place in a loop that notes the element `element`, as `self.queue[]`, to go."""

    function: FunctionInfo
    effect: Effect
    element: str


def check_program(program: Program) -> Iterator[Report]:
    for function in program.functions:
        if function.is_method and any(region.kind == "loop" for region in function.regions):
            for leaves in _leaves(function):
                yield from _uneven(program, leaves)


def _leaves(function: FunctionInfo) -> Iterator[list[Leave]]:
    """For each own queue that is written anew without the elements that were noted, the places that note one."""
    for rewrite in function.effects:
        element = f"{rewrite.path}[]"
        if rewrite.op == "assign" and is_own(rewrite.path) and rewrite.value == "container":
            loops = {e.region for e in function.effects if e.op == "bind" and e.via == "for" and e.source == element}
            notes = (e for e in function.effects if e.op == "insert" and e.path in rewrite.reads and e.via != "[]=")
            yield [Leave(function, e, element) for e in notes if loops & set(_around(function, e.region))]


def _uneven(program: Program, leaves: list[Leave]) -> Iterator[Report]:
    given_back = [(leave, _given_back(program, leave)) for leave in leaves]
    for leave, mine in given_back:
        owed = [(other, thing, its[thing]) for other, its in given_back for thing in sorted(its.keys() - mine.keys())]
        if owed and not _is_handed_on(leave):
            yield _report(program, leave, *owed[0])


def _report(program: Program, leave: Leave, other: Leave, thing: str, release: Step) -> Report:
    function = leave.function
    return Report(
        program.place(function, leave.effect),
        symbol_of(function),
        f"an element leaves {leave.element[:-2]} with its {thing} as it is, which is given back where others leave",
        (
            Step(function.path, leave.effect.line, f"the element is noted to go, with its {thing}"),
            Step(function.path, other.effect.line, "here another goes"),
            release,
        ),
        confidence="medium",
        reason=f"the queue was what knew the element; nothing gives its {thing} back afterwards",
        subject=f"{leave.element}.{thing}",
        fix=f"give {thing} back before the element goes",
    )


def _given_back(program: Program, leave: Leave) -> dict[str, Step]:
    """What of the element is given back where it leaves, and where."""
    found: dict[str, Step] = {}
    for function, effect, element in _steps(program, leave):
        if thing := _released_of(effect, element):
            found.setdefault(thing, Step(function.path, effect.line, f"{function.name} gives {thing} back"))
    return found


def _steps(program: Program, leave: Leave) -> Iterator[tuple[FunctionInfo, Effect, str]]:
    """What is done there, and in the functions that are handed the element, with what it is called in each."""
    for effect in _on_the_way(leave):
        yield leave.function, effect, leave.element
        if any(argument.path == leave.element for argument in effect.args):
            for called in program.callees(leave.function, effect):
                for name, argument in arguments_by_parameter(called, effect).items():
                    if argument.path == leave.element:
                        yield from ((called, inner, name) for inner in called.effects)


def _released_of(effect: Effect, element: str) -> str:
    """`kv_receiver` for `decode_req.kv_receiver.clear()`."""
    parts = effect.callee.removeprefix(f"{element}.").split(".")
    is_release = (
        effect.callee.startswith(f"{element}.") and len(parts) == 2 and bool(_GIVES_BACK & set(words(parts[1])[:1]))
    )
    return parts[0] if is_release else ""


def _on_the_way(leave: Leave) -> Iterator[Effect]:
    """What is done in the branch that notes the element, and after the loop for all of them."""
    function, region = leave.function, leave.effect.region
    around = set(_around(function, region))
    for effect in function.effects:
        its = list(_around(function, effect.region))
        if region in its or effect.region in around - {0} or not around - {0} & set(its):
            yield effect


def _is_handed_on(leave: Leave) -> bool:
    return any(e.op == "insert" and any(a.path == leave.element for a in e.args) for e in _on_the_way(leave))


def _around(function: FunctionInfo, region: int) -> Iterator[int]:
    """The region and those it stands in, up to the body."""
    while region > 0:
        yield region
        region = function.regions[region].parent
    yield 0
