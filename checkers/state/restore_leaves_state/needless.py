"""A clear that is left out only where there is nothing to clear: before the object is whole, or before a new start."""

from __future__ import annotations

import re

from llmlint.code.domain.state import attribute_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.skipped import Skipped
from llmlint.code.flow.summaries import does
from llmlint.code.link.exits import chain
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program

_MADE = frozenset({"new", "container"})


def needless(program: Program, cls: ClassInfo, method: FunctionInfo, way: Skipped, attribute: str) -> bool:
    asked = _asked(method, way.test)
    if asked and all(_is_set_once_made(cls, name) for name in asked):
        return True
    return not way.holds and any(_is_made_anew(program, cls, name, attribute) for name in asked)


def _asked(method: FunctionInfo, test: str) -> set[str]:
    """The attributes that a test asks, by name or by a local that stands for one."""
    named = set(re.findall(r"\w+", test))
    bound = {e.source for e in method.effects if e.op == "bind" and e.path in named and e.value == "path"}
    return {*re.findall(r"self\.(\w+)", test), *(name for path in bound if (name := attribute_of(path)))}


def _is_set_once_made(cls: ClassInfo, attribute: str) -> bool:
    """The constructor ends with a value in it, and nothing takes that away: only a base's constructor meets none."""
    values = [
        (function, effect)
        for function in cls.functions
        for effect in function.effects
        if effect.op in ("assign", "clear", "delete") and effect.path == f"self.{attribute}"
    ]
    building = [each for each in values if each[0].name == "__init__" and each[0] in cls.building]
    if not building or building[-1][1].value not in _MADE or not _is_unconditional(*building[-1]):
        return False
    return not any(e.value == "none" or e.op == "delete" for f, e in values if f not in cls.building)


def _is_unconditional(function: FunctionInfo, effect: Effect) -> bool:
    return all(function.regions[at].kind in ("body", "try", "with") for at in chain(function, effect.region))


def _is_made_anew(program: Program, cls: ClassInfo, flag: str, attribute: str) -> bool:
    """Whoever sets the flag makes the container anew: what is left while the flag is down is never read."""
    raising = [
        function
        for function in cls.functions
        for effect in function.effects
        if effect.op == "assign" and effect.path == f"self.{flag}" and effect.source == "True"
    ]
    return bool(raising) and all(_makes(program, cls, function, attribute) for function in dict.fromkeys(raising))


def _makes(program: Program, cls: ClassInfo, function: FunctionInfo, attribute: str) -> bool:
    done = (each for each in does(program, function, cls) if each.path == f"self.{attribute}")
    return any(each.how == "clear" or (each.how == "assign" and each.effect.value in _MADE) for each in done)
