"""An override without `super()`: what the base's reset clears and the class still uses is left."""

from __future__ import annotations

from llmlint.checkers.state.restore_leaves_state.owing import SHOWN, cleared_by, is_made, listed, runtime
from llmlint.code.domain.state import (
    Change,
    functions_of,
    grows,
    handled_by,
    head_of,
    is_setup,
    mentioned_by,
    symbol_of,
)
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step


def omitted_super(program: Program, cls: ClassInfo, method: FunctionInfo) -> Report | None:
    base = next((b for b in cls.mro[1:] if method.name in b.methods), None)
    if base is None:
        return None
    inherited = base.methods[method.name]
    if inherited.facts.shape not in ("", "delegate") or _calls_base(method, base):
        return None
    cleared = cleared_by(program, inherited, base)
    seen_to = handled_by(program, method, cls).keys() | mentioned_by(program, method, cls)
    left = [a for a in cleared if a not in seen_to and is_made(cls, a) and _is_still_filled(program, cls, base, a)]
    if not left:
        return None
    names = listed([f"self.{attribute}" for attribute in left])
    evidence = [
        Step(inherited.path, cleared[a].line, f"{inherited.facts.qualname} clears self.{a}") for a in left[:SHOWN]
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
        data={"super": method.name, "runtime": runtime(cls, method, left)},
    )


def _calls_base(method: FunctionInfo, base: ClassInfo) -> bool:
    last = base.facts.name
    return any(
        effect.callee.startswith(("super()", f"{last}.", f"~{last}.")) and effect.callee.endswith(method.name)
        for effect in method.effects
    )


def _is_still_filled(program: Program, cls: ClassInfo, base: ClassInfo, attribute: str) -> bool:
    """Some inherited method that the class has not overridden fills it; a slot written over was never left."""
    known = cls.attributes.get(attribute)
    return known is not None and any(
        grows(Change(attribute, function, effect), known)
        for function in functions_of(program, base)
        if function.name not in cls.methods and not is_setup(function)
        for effect in function.effects
    )
