"""LLM801: a reset, restore, clear, flush or wake that leaves some of the object's state behind.

Three forms: a reset that clears several sibling containers and omits one that ordinary methods fill; an override that
neither calls `super()` nor does what the base's does; a method that calls several of the object's `reset_…` siblings
and leaves one of the same kind out.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.facts import Effect
from llmlint.code.program import ClassInfo, FunctionInfo, Program
from llmlint.code.state import (
    Change,
    attribute_of,
    changes_of,
    functions_of,
    handled_by,
    head_of,
    is_keyed,
    is_setup,
    mentioned_by,
    symbol_of,
)
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_FEWEST_CLEARED = 2
_SHOWN = 4
_LASTING = frozenset("cache memo registry pool free buffer table lru history total cumulative known supported".split())


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.classes:
        changes: dict[str, list[Change]] | None = None
        for method in cls.methods.values():
            owed = program.vocabulary.is_reset(method.name)
            if owed is None or not method.facts.has_body or method.facts.shape in ("pass", "raise", "constant", "log"):
                continue
            without_super = _omitted_super(program, cls, method)
            if without_super is not None:
                yield without_super
                continue
            if changes is None:
                changes = changes_of(program, cls)
            yield from _left_behind(program, cls, method, owed, changes)
        yield from _sibling_resets(program, cls)


# ---------------------------------------------------------------- some containers cleared, one left


def _left_behind(
    program: Program, cls: ClassInfo, method: FunctionInfo, owed: tuple[str, ...], changes: dict[str, list[Change]]
) -> Iterator[Report]:
    handled = handled_by(program, method, cls)
    cleared = {
        attribute: effect
        for attribute, effect in _cleared(program, method, cls).items()
        if any(c.effect.op == "insert" and not is_setup(c.function) for c in changes.get(attribute, ()))
    }
    if len(cleared) < _FEWEST_CLEARED:
        return
    mentioned = mentioned_by(program, method, cls)
    left = [
        (attribute, fill)
        for attribute, its_changes in changes.items()
        if attribute not in handled and attribute not in mentioned and _is_owed(owed, attribute)
        for fill in [_filled_by(program, cls, method, attribute, its_changes)]
        if fill is not None
    ]
    if not left or len(left) > len(cleared):
        return
    names = [f"self.{attribute}" for attribute, _ in left]
    evidence = [
        Step(method.path, effect.line, f"{method.name} clears self.{attribute}")
        for attribute, effect in list(cleared.items())[:_SHOWN]
        if effect in method.effects
    ]
    for attribute, fill in left[:_SHOWN]:
        evidence.append(
            Step(fill.function.path, fill.effect.line, f"{fill.function.name} fills self.{attribute}, which is left")
        )
    lasting = all(_LASTING & set(words(attribute)) for attribute, _ in left)
    twice = all(len(_shrinking(changes[attribute])) > 0 for attribute, _ in left)
    sure = "low" if lasting else "high" if len(cleared) > 2 and twice else "medium"
    yield Report(
        head_of(method),
        symbol_of(method),
        f"{method.name} clears {_list([f'self.{a}' for a in cleared])} but leaves {_list(names)}",
        tuple(evidence),
        confidence=sure,
        reason=_why(len(cleared), twice, lasting),
        subject=",".join(sorted(attribute for attribute, _ in left)),
        fix=f"clear {_list(names)} beside its siblings in {method.name}",
        data={
            "clear": sorted(attribute for attribute, _ in left),
            "beside": min(cleared.values(), key=lambda e: e.line).line,
            "runtime": _runtime(cls, method, [attribute for attribute, _ in left]),
        },
    )


def _runtime(cls: ClassInfo, method: FunctionInfo, left: list[str]) -> dict[str, object]:
    """What a traced run watches: the reset, and what it should have emptied."""
    owner = cls.facts.qualname
    return {
        "targets": [{"qualname": method.facts.qualname, "role": "reset", "owner": owner}],
        "watch": [{"attribute": attribute, "owner": owner} for attribute in left],
    }


def _why(cleared: int, twice: bool, lasting: bool) -> str:
    parts = [f"{cleared} siblings are cleared here"]
    if twice:
        parts.append("entries of what is left are removed elsewhere, so it is not meant to last")
    if lasting:
        parts.append("the name says it may be meant to outlive a reset")
    return "; ".join(parts)


def _cleared(program: Program, method: FunctionInfo, cls: ClassInfo) -> dict[str, Effect]:
    found: dict[str, Effect] = {}
    for done in program.does(method, cls):
        attribute = attribute_of(done.path)
        if attribute and done.how == "clear" and done.path == f"self.{attribute}":
            found.setdefault(attribute, done.effect)
    return found


def _is_owed(owed: tuple[str, ...], attribute: str) -> bool:
    """A reset named for one thing owes only what is named like it."""
    return not owed or set(owed) <= set(words(attribute))


def _filled_by(
    program: Program, cls: ClassInfo, method: FunctionInfo, attribute: str, changes: list[Change]
) -> Change | None:
    """Where ordinary methods fill a container that nothing else empties wholesale; None when it is no such state."""
    if program.vocabulary.is_not_state(attribute):
        return None
    known = cls.attributes.get(attribute)
    if known is None or not known.is_container or known.is_class_level:
        return None
    fills = [
        c
        for c in changes
        if c.effect.op == "insert" and c.effect.path == f"self.{attribute}" and not is_setup(c.function)
        if c.effect.via != "[]=" or is_keyed(known)
    ]
    drained = any(c.effect.op == "clear" and not is_setup(c.function) for c in changes)
    return fills[0] if fills and not drained else None


def _shrinking(changes: list[Change]) -> list[Change]:
    return [c for c in changes if c.effect.op == "remove" and not is_setup(c.function)]


# ---------------------------------------------------------------- an override without super()


def _omitted_super(program: Program, cls: ClassInfo, method: FunctionInfo) -> Report | None:
    """The base's reset clears what the class still uses, and the override does not call it."""
    base = next((b for b in cls.mro[1:] if method.name in b.methods), None)
    if base is None:
        return None
    inherited = base.methods[method.name]
    if inherited.facts.shape not in ("", "delegate") or _calls_base(method, base):
        return None
    cleared = _cleared(program, inherited, base)
    handled = handled_by(program, method, cls)
    mentioned = mentioned_by(program, method, cls)
    left = [
        a for a in cleared if a not in handled and a not in mentioned and _still_used(program, cls, base, method, a)
    ]
    if not left:
        return None
    names = _list([f"self.{attribute}" for attribute in left])
    evidence = [
        Step(inherited.path, cleared[a].line, f"{inherited.facts.qualname} clears self.{a}") for a in left[:_SHOWN]
    ]
    evidence.insert(0, Step(method.path, method.facts.line, f"overrides {inherited.facts.qualname} without calling it"))
    return Report(
        head_of(method),
        symbol_of(method),
        f"{method.name} overrides {inherited.facts.qualname} without calling super(), so {names} survives",
        tuple(evidence),
        confidence="high" if len(left) == len(cleared) else "medium",
        reason=f"the base clears {names}, which inherited methods go on using",
        subject="super:" + ",".join(sorted(left)),
        fix=f"call super().{method.name}() in {method.facts.qualname}",
        data={"super": method.name, "runtime": _runtime(cls, method, left)},
    )


def _calls_base(method: FunctionInfo, base: ClassInfo) -> bool:
    last = base.facts.name
    return any(
        effect.callee.startswith(("super()", f"{last}.", f"~{last}.")) and effect.callee.endswith(method.name)
        for effect in method.effects
    )


def _still_used(program: Program, cls: ClassInfo, base: ClassInfo, method: FunctionInfo, attribute: str) -> bool:
    """Some inherited method that the class has not overridden fills or reads the attribute."""
    for function in functions_of(program, base):
        if function.name in cls.methods or is_setup(function) or function.name == method.name:
            continue
        if any(attribute_of(e.path) == attribute and e.op in ("insert", "assign") for e in function.effects):
            return True
    return False


# ---------------------------------------------------------------- most of the reset_… siblings called


def _sibling_resets(program: Program, cls: ClassInfo) -> Iterator[Report]:
    """`pause(clear_cache=True)` calls reset_prefix_cache and reset_mm_cache, and not reset_encoder_cache."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for name, method in cls.methods.items():
        split = words(name)
        if len(split) >= 3 and program.vocabulary.is_reset(name) and not method.facts.shape:
            kinds.setdefault((split[0], split[-1]), []).append(name)
        elif len(split) >= 3 and program.vocabulary.is_reset(name) and method.facts.shape == "delegate":
            kinds.setdefault((split[0], split[-1]), []).append(name)
    for names in kinds.values():
        if len(names) < 3:
            continue
        for method in cls.methods.values():
            called = {e.path.removeprefix("self."): e for e in method.effects if e.op == "call"}
            here = [name for name in names if name in called]
            missing = [name for name in names if name not in called and name != method.name]
            if len(here) >= 2 and len(missing) == 1 and method.name not in names:
                yield _sibling_report(program, cls, method, here, missing[0], called)


def _sibling_report(
    program: Program, cls: ClassInfo, method: FunctionInfo, here: list[str], missing: str, called: dict[str, Effect]
) -> Report:
    first = called[here[0]]
    evidence = [Step(method.path, called[name].line, f"{method.name} calls {name}") for name in here]
    sibling = cls.methods[missing]
    evidence.append(Step(sibling.path, sibling.facts.line, f"{missing} is of the same kind and is not called"))
    at = head_of(method)
    return Report(
        type(at)(method.path, first.line, first.column, first.line, first.column + len(first.path)),
        symbol_of(method),
        f"{method.name} calls {_list(here)} but not {missing}",
        tuple(evidence),
        confidence="medium",
        reason=f"{len(here)} of {len(here) + 1} sibling resets are called together",
        subject=missing,
        fix=f"call self.{missing}() too",
        data={"runtime": _runtime(cls, method, sorted(_cleared(program, sibling, cls)))},
    )


def _list(names: list[str]) -> str:
    shown = names[:_SHOWN] + ([f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
