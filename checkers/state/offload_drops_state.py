"""LLM805: an offload that gives memory up while live state goes on referring to it, or does not give all of it up.

Two forms. A sleep saves what refers to the memory at one level and drops the memory at every level: at the others the
references stay. A sleep unmaps its own pool and leaves what the framework's caching allocator holds, so the memory
stays reserved.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.state import attribute_of, head_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.exits import around
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.runtime.block import Block, Target, Watch

_GIVES_UP = frozenset({"none", "empty"})


def check_program(program: Program) -> Iterator[Report]:
    def empties(function: FunctionInfo, effect: Effect) -> bool:
        return bool(effect.callee) and program.vocabulary.empties_allocator(effect.callee)

    for cls in program.asked.classes:
        for written in cls.methods.values():
            if written.language == "python" and program.vocabulary.is_offload(written.name):
                method = whole(program, written)
                yield from _kept_at_other_levels(program, cls, method)
                unmap = next((e for e in method.effects if program.vocabulary.unmaps_memory(e.callee)), None)
                if unmap is not None and not _is_emptied(program, written, empties):
                    yield _left_reserved(program, method, unmap)


# ---------------------------------------------------------------- references that stay


def _kept_at_other_levels(program: Program, cls: ClassInfo, method: FunctionInfo) -> Iterator[Report]:
    dropped = [
        e for e in method.effects if e.op in ("assign", "clear") and e.value in _GIVES_UP and _is_always(method, e)
    ]
    levels = _levels(method)
    if not dropped or not levels:
        return
    memory = attribute_of(dropped[0].path)
    back = next((m for m in cls.all_methods.values() if _brings_back(program, m, memory)), None)
    kept = {
        attribute: effect
        for effect in method.effects
        if effect.region in levels and effect.callee and (attribute := attribute_of(effect.callee))
        if _refers_to(program, cls, attribute, memory) and not _handled_elsewhere(method, attribute, levels)
    }
    if back is None or not kept:
        return
    attribute, saving = next(iter(kept.items()))
    yield Report(
        head_of(method),
        method.facts.qualname,
        f"{method.name} gives self.{memory} up at every level and sees to self.{attribute}, which refers to it, at one",
        (
            Step(method.path, method.regions[saving.region].line, f"only where {method.regions[saving.region].text}"),
            Step(method.path, saving.line, f"is self.{attribute} saved, by {saving.callee}"),
            Step(method.path, dropped[0].line, f"self.{memory} is given up whatever the level"),
            Step(back.path, back.facts.line, f"{back.name} comes back to what self.{attribute} still says"),
        ),
        confidence="medium",
        reason=f"no branch of {method.name} clears self.{attribute} where it is not saved",
        subject=f"{memory}:{attribute}",
        fix=f"clear self.{attribute} where it is not saved, or keep what it refers to",
        data={"runtime": _runtime(cls, method, back, kept)},
    )


def _is_always(method: FunctionInfo, effect: Effect) -> bool:
    """At every level: around it there is nothing, or what takes errors."""
    return all(region.kind in ("body", "try", "finally", "with") for region in around(method, effect))


def _levels(method: FunctionInfo) -> set[int]:
    """Branches that a parameter chooses, where no other branch does anything."""
    params = {p.name for p in method.params}
    chosen = {i for i, r in enumerate(method.regions) if r.kind == "if" and params & set(r.reads)}
    answered = {r.first for r in method.regions if r.kind == "else"}
    return chosen - answered


def _brings_back(program: Program, method: FunctionInfo, memory: str) -> bool:
    wakes = program.vocabulary.is_reset(method.name) is not None
    return wakes and any(attribute_of(e.path) == memory for e in method.effects if e.op == "assign")


def _refers_to(program: Program, cls: ClassInfo, attribute: str, memory: str) -> bool:
    """A container, or an object whose containers the class uses: `self.block_tables.tables[request_id]`."""
    known = cls.attributes.get(attribute)
    if attribute == memory or known is None:
        return False
    if known.is_container:
        return True
    held = program.class_of(next(iter(cls.methods.values())), f"self.{attribute}", cls)
    if held is not None:
        return any(a.is_container for a in held.attributes.values())
    paths = (path for function in cls.functions for path, _ in function.reads)
    return any(path.startswith(f"self.{attribute}.") and path.endswith("[]") for path in paths)


def _handled_elsewhere(method: FunctionInfo, attribute: str, levels: set[int]) -> bool:
    return any(attribute_of(e.callee or e.path) == attribute for e in method.effects if e.region not in levels)


def _runtime(cls: ClassInfo, method: FunctionInfo, back: FunctionInfo, kept: dict[str, Effect]) -> dict[str, object]:
    targets = (
        Target(method.facts.qualname, "offload", path=method.path),
        Target(back.facts.qualname, "onload", path=back.path),
    )
    watch = tuple(Watch(attribute, owner=cls.facts.qualname, path=cls.path) for attribute in kept)
    return Block(targets=targets, watch=watch).plain()


# ---------------------------------------------------------------- memory that stays reserved


def _is_emptied(program: Program, method: FunctionInfo, empties: object) -> bool:
    """By the method, by what it calls, or by whoever calls it."""
    around = [method, *(call.function for call in program.callers(method))]
    return any(program.reaches(function, empties) for function in around)  # type: ignore[arg-type]


def _left_reserved(program: Program, method: FunctionInfo, unmap: Effect) -> Report:
    return Report(
        program.place(method, unmap),
        method.facts.qualname,
        f"{method.name} unmaps its own pool and leaves what the framework's caching allocator holds",
        (
            Step(method.path, method.facts.line, f"{method.name} promises to give memory up"),
            Step(method.path, unmap.line, f"{unmap.callee} frees the pool, beneath the caching allocator"),
        ),
        confidence="high",
        reason="no empty_cache was found in it, in what it calls or in its callers",
        subject="empty_cache",
        fix="collect garbage and empty the caching allocator at the end",
        data={},
    )
