"""Methods that do the same job elsewhere and reset more: siblings, the other face of a service, the owner's books."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from llmlint.checkers.state.restore_leaves_state.owing import cleared_by, listed, runtime
from llmlint.code.domain.state import attribute_of, functions_of, head_of, place_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.code.link.reach import Wanted
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_FEWEST_SIBLINGS = 3
_FEWEST_SHARED = 5


# ---------------------------------------------------------------- most of the reset_… siblings called


def sibling_resets(program: Program, cls: ClassInfo) -> Iterator[Report]:
    """`pause(clear_cache=True)` calls reset_prefix_cache and reset_mm_cache, and not reset_encoder_cache."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for name, method in cls.methods.items():
        split = words(name)
        if len(split) >= 3 and program.vocabulary.is_reset(name) and method.facts.shape in ("", "delegate"):
            kinds.setdefault((split[0], split[-1]), []).append(name)
    for names in kinds.values():
        if len(names) < _FEWEST_SIBLINGS:
            continue
        for method in cls.methods.values():
            called = {e.path.removeprefix("self."): e for e in method.effects if e.op == "call"}
            here = [name for name in names if name in called]
            missing = [name for name in names if name not in called and name != method.name]
            if len(here) >= 2 and len(missing) == 1 and method.name not in names:
                yield _left_out(program, cls, method, here, missing[0], called)


def _left_out(
    program: Program, cls: ClassInfo, method: FunctionInfo, here: list[str], missing: str, called: dict[str, Effect]
) -> Report:
    first, sibling = called[here[0]], cls.methods[missing]
    return Report(
        place_of(method, first),
        symbol_of(method),
        f"{method.name} calls {listed(here)} but not {missing}",
        (
            *(Step(method.path, called[name].line, f"{method.name} calls {name}") for name in here),
            Step(sibling.path, sibling.facts.line, f"{missing} is of the same kind and is not called"),
        ),
        confidence="medium",
        reason=f"{len(here)} of {len(here) + 1} sibling resets are called together",
        subject=missing,
        fix=f"call self.{missing}() too",
        data={"runtime": runtime(cls, method, sorted(cleared_by(program, sibling, cls)))},
    )


# ---------------------------------------------------------------- the other face of a service


def entry_points(program: Program) -> Iterator[Report]:
    """`sleep` of the offline engine resets the prefix cache before it hands on; `sleep` of the async one does not."""
    plain = [(cls, m) for cls, m in _entry_points(program) if not m.facts.is_async]
    for cls, method in _entry_points(program):
        twins = plain if method.facts.is_async else []
        for other, twin in twins:
            missing = _only_in(program, twin, method, cls) if twin.name == method.name else None
            if missing is not None and len(_public(cls) & _public(other)) >= _FEWEST_SHARED:
                yield _unlike_its_twin(cls, method, twin, missing)
                break


def _entry_points(program: Program) -> list[tuple[ClassInfo, FunctionInfo]]:
    """Methods that give something up or end it, and hand the call on to what the object holds."""
    vocabulary = program.vocabulary
    return [
        (cls, method)
        for cls in program.classes
        if cls.language == "python"
        for name, method in cls.methods.items()
        if vocabulary.is_offload(name) or vocabulary.is_reset(name) == () or vocabulary.is_terminal(name)
        if any(_is_handed_on(name, effect) for effect in method.effects)
    ]


def _is_handed_on(name: str, effect: Effect) -> bool:
    receiver, _, called = effect.callee.rpartition(".")
    return bool(attribute_of(receiver)) and called in (name, f"{name}_async")


def _public(cls: ClassInfo) -> set[str]:
    return {name for name in cls.all_methods if not name.startswith("_")}


def _only_in(program: Program, twin: FunctionInfo, method: FunctionInfo, cls: ClassInfo) -> Effect | None:
    """A reset of its own that the twin calls, that the class has too, and that the method does not call."""
    called = {effect.callee.rpartition(".")[2].removesuffix("_async") for effect in method.effects}
    for effect in twin.effects:
        receiver, _, name = effect.callee.rpartition(".")
        if receiver == "self" and program.vocabulary.is_reset(name) and name in cls.all_methods and name not in called:
            return effect
    return None


def _unlike_its_twin(cls: ClassInfo, method: FunctionInfo, twin: FunctionInfo, missing: Effect) -> Report:
    name = missing.callee.rpartition(".")[2]
    there = cls.all_methods[name]
    return Report(
        head_of(method),
        symbol_of(method),
        f"{method.name} does not call {name}, as {twin.facts.qualname} does: what it resets survives here",
        (
            Step(twin.path, missing.line, f"{twin.facts.qualname} calls {name}"),
            Step(method.path, method.facts.line, f"{symbol_of(method)} does the same job and does not"),
            Step(there.path, there.facts.line, f"though it has {name} as well"),
        ),
        confidence="medium",
        reason=f"the two classes share {_FEWEST_SHARED} or more public methods",
        subject=name,
        fix=f"call self.{name}() before handing on",
    )


# ---------------------------------------------------------------- ended here, and not in the owner's books


def untold_owner(program: Program, cls: ClassInfo) -> Iterator[Report]:
    """`abort` sets its own state to Failed; the manager, which was told of every earlier state, is not told."""
    for method in cls.methods.values():
        if not program.vocabulary.is_terminal(method.name):
            continue
        for mark in method.effects:
            state, _, status = mark.source.rpartition(".")
            ended = mark.op == "assign" and mark.value == "path" and bool(state) and attribute_of(mark.path)
            if not ended or status.lower() not in program.vocabulary.ended or _tells(method.effects, mark.source):
                continue
            told = _told_elsewhere(program, cls, method, state)
            if told is not None and not program.reaches(method, _telling(told.effect.callee)):
                yield _untold(method, mark, told)


def _tells(effects: Sequence[Effect], status: str) -> bool:
    return any(argument.path == status for effect in effects for argument in effect.args)


def _told_elsewhere(program: Program, cls: ClassInfo, method: FunctionInfo, state: str) -> Call | None:
    """Where another method of the object hands a status of the same kind to something the object holds."""
    for ancestor in cls.mro:
        for function in functions_of(program, ancestor):
            for effect in function.effects if function.name != method.name else ():
                held = attribute_of(effect.callee.rpartition(".")[0])
                if held and any(argument.path.rpartition(".")[0] == state for argument in effect.args):
                    return Call(function, effect)
    return None


@lru_cache(maxsize=256)
def _telling(callee: str) -> Wanted:
    """One question for each callee, so that answers are kept."""
    return lambda _, effect: effect.callee == callee


def _untold(method: FunctionInfo, mark: Effect, told: Call) -> Report:
    return Report(
        place_of(method, mark),
        symbol_of(method),
        f"{method.name} sets {mark.path} to {mark.source} and does not call {told.effect.callee}: "
        "whoever asks there sees the earlier status",
        (
            Step(method.path, mark.line, f"{mark.path} says {mark.source}"),
            Step(told.function.path, told.effect.line, f"{told.function.name} tells {told.effect.callee}"),
        ),
        confidence="medium",
        reason=f"{told.effect.callee} is how the object says its status, and no call to it was found from here",
        subject=f"{told.effect.callee}:{mark.source}",
        fix=f"call {told.effect.callee} with {mark.source} too",
    )
