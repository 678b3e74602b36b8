"""May a name or an attribute hold something else than what is known of it: what an unknown call gave, or just anything?

What `Program.meanings` tells of a place is what the program itself puts there. Whoever says that an object lacks
something has to know all that it may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from llmlint.code.facts.facts import Effect, Param
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.entities import SAYS_NOTHING, FunctionInfo, Start, is_told_by_callers, start_of
from llmlint.code.link.exits import around
from llmlint.code.link.program import Program

_PLACE = re.compile(r"(self\.)?(\w+)")
_GIVING = frozenset({"bind", "assign", "clear"})
_GIVEN_BY = frozenset({"", "with", "for", "declare", "="})


def may_be_unknown(program: Program, function: FunctionInfo, path: str, at: Effect) -> bool:
    """May a local, a parameter or an attribute of `self` hold, where something happens, what nothing is known of?"""
    return _Doubts(program).at(function, path, at)


class _Doubts:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._asked: set[tuple[FunctionInfo, str]] = set()

    def at(self, function: FunctionInfo, path: str, at: Effect | None = None) -> bool:
        place = _PLACE.fullmatch(path)
        if place is None or (function, path) in self._asked:
            return False
        self._asked.add((function, path))
        return self._in_attribute(function, place[2]) if place[1] else self._in_name(function, place[2], at)

    def _in_attribute(self, function: FunctionInfo, name: str) -> bool:
        cls = function.owner
        kin = dict.fromkeys((*cls.mro, *cls.subclasses)) if cls is not None else ()
        found = (own.starts for one in kin if (own := one.own_attributes.get(name)))
        return self._in_any([(start, None) for starts in found for start in starts])

    def _in_name(self, function: FunctionInfo, name: str, at: Effect | None) -> bool:
        inside_out = sorted(self._program.functions_around(function), key=lambda f: -f.facts.qualname.count("."))
        for here in dict.fromkeys((function, *inside_out)):
            param = next((param for param in here.facts.params if param.name == name), None)
            if param is not None:
                return self._in_parameter(here, param)
            given = [effect for effect in here.effects if _gives(effect, name)]
            if given:
                still = _still_there(here, given, at) if here is function and at is not None else given
                return self._in_any([(start_of(here, effect), effect) for effect in still])
        return self._in_any([(start, None) for start in self._of_module(function, name)])

    def _of_module(self, function: FunctionInfo, name: str) -> Iterator[Start]:
        for here in self._program.functions_in(function.path):
            if here.name == "<module>" or name in here.facts.gist.changes:
                ops = _GIVING if here.name == "<module>" else _GIVING - {"bind"}
                yield from (start_of(here, e) for e in here.effects if e.op in ops and _gives(e, name))

    def _in_parameter(self, function: FunctionInfo, param: Param) -> bool:
        if not is_told_by_callers(param):
            return False
        calls = self._program.callers(function)
        given = ((caller, call, arguments_by_parameter(function, call).get(param.name)) for caller, call in calls)
        return any(
            argument is not None and not argument.literal and self._is_unknown(caller, argument.path, call)
            for caller, call, argument in given
        )

    def _in_any(self, starts: Sequence[tuple[Start, Effect | None]]) -> bool:
        said = {start.annotation for start, _ in starts if start.annotation}
        if said:
            return said <= SAYS_NOTHING
        return any(self._in_start(start, at) for start, at in starts)

    def _in_start(self, start: Start, at: Effect | None) -> bool:
        function = start.function
        if function is None:
            return False
        if start.options:
            return any(self._is_unknown(function, option, at) for option in start.options)
        if start.value == "new":
            return not self._program.meanings(function, f"{start.source}()")
        if start.value == "path":
            return self._is_unknown(function, start.source, at)
        return start.value == "other"

    def _is_unknown(self, function: FunctionInfo, path: str, at: Effect | None) -> bool:
        return not self._program.meanings(function, path) or self.at(function, path, at)


def _gives(effect: Effect, name: str) -> bool:
    return effect.op in _GIVING and effect.via in _GIVEN_BY and effect.path == name


def _still_there(function: FunctionInfo, given: Iterable[Effect], at: Effect) -> list[Effect]:
    """Of the values that a local is given, those that it may have where something happens."""
    regions = list(around(function, at))
    is_again = any(region.kind == "loop" for region in regions)
    found: list[Effect] = []
    for effect in given:
        if (effect.line, effect.column) >= (at.line, at.column):
            found += [effect] if is_again else []
        elif all(region in regions for region in around(function, effect)):
            found = [effect]  # it stands on every way here, and what was there before is gone
        else:
            found.append(effect)
    return found
