"""Values that are put somewhere and never looked at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from llmlint.code.facts.facts import Effect, Region
from llmlint.code.flow.functions import body_of, paths_of
from llmlint.code.flow.paths import ANY
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.program import Program
from llmlint.code.syntax.written import mentions

_SETTING = ("", "for", "with", "except")
"""Who gives a local a value of its own, whatever it was."""
_OF_ALL = frozenset("len iter enumerate sorted list tuple set dict zip sum min max map filter".split())
"""They take no None."""
_NO_PATH = re.compile(r"(?!)")


def is_never_read(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Is the value that a call gives its local, or puts into one, looked at by nobody?"""
    if function.name == "<module>":
        return False
    name = effect.result
    if not name.isidentifier():
        return any(_is_only_filled(program, function, kept) for kept in _kept_in(function, effect))
    return not _is_spoken_of(program, function, name) or _is_set_anew(program, function, effect)


def is_looked_into(function: FunctionInfo, effect: Effect, besides: re.Pattern[str] = _NO_PATH) -> bool:
    """Is something of the value asked for that None does not have: `f()["name"]`, `data.name`, `len(data)`?
    `besides`: what does not count."""
    if ", " in effect.result:
        return True
    name = effect.result if effect.result.isidentifier() else f"{effect.callee}()"
    return _looks_into(while_kept(function, effect), name, besides)


def while_kept(function: FunctionInfo, effect: Effect) -> tuple[Effect, ...]:
    """What is done behind a call, as long as the local that it gives a value keeps it."""
    behind = function.effects[function.effects.index(effect) + 1 :]
    if not effect.result.isidentifier():
        return behind
    own = next((at for at, later in enumerate(behind) if _binds(later, effect.result)), 0)
    return tuple(takewhile(lambda later: not _binds(later, effect.result), behind[own + 1 :]))


def _binds(effect: Effect, name: str) -> bool:
    return effect.op == "bind" and effect.path == name


def is_parameter_looked_into(function: FunctionInfo, name: str, besides: re.Pattern[str] = _NO_PATH) -> bool:
    """The same of what a parameter is given."""
    return _looks_into(takewhile(lambda later: not _binds(later, name), function.effects), name, besides)


def _looks_into(effects: Iterable[Effect], name: str, besides: re.Pattern[str]) -> bool:
    inside = re.compile(rf"(?<![\w.]){re.escape(name)}[.\[]")
    looking = list(effects)
    told = (text for later in looking for text in (later.callee, later.source, *later.reads))
    counted = (argument.path for later in looking if later.callee in _OF_ALL for argument in later.args)
    return any(inside.search(text) and not besides.search(text) for text in told) or name in counted


def _is_spoken_of(program: Program, function: FunctionInfo, name: str) -> bool:
    """Does the function, or one within it, speak of the local, but to give it another value?"""
    within = program.functions_within(function)
    if any(region.kind == "case" for one in within for region in one.regions):
        return True  # what a `match` looks at is not told
    spoken = (text for one in within for effect in one.effects for text in _spoken(effect))
    return any(mentions(text, name) for texts in (spoken, _asked(within)) for text in texts)


def _asked(functions: Iterable[FunctionInfo]) -> Iterator[str]:
    return (text for one in functions for region in one.regions for text in _asked_by(region))


def _asked_by(region: Region) -> tuple[str, ...]:
    """The header of a `for` names the local that it sets; what it goes through stands in `reads`."""
    return region.reads if region.text.startswith(("for ", "async for ")) else (region.text, *region.reads)


def _spoken(effect: Effect) -> Iterator[str]:
    if effect.op not in ("bind", "call") or effect.via.endswith("="):
        yield effect.path
    yield from (effect.callee, effect.key, effect.source, effect.type_text, *effect.reads)
    yield from (*effect.maybe, *effect.options, *effect.holds)
    for argument in effect.args:
        yield from (argument.path, argument.written, argument.literal, *argument.reads)


def _kept_in(function: FunctionInfo, effect: Effect) -> Iterator[str]:
    """The locals that the value of a call is put into: `done.append(run())`."""
    for later in function.effects:
        if later.op == "insert" and later.path.isidentifier() and later.line <= effect.line:
            if any(argument.path == f"{effect.callee}()" for argument in later.args):
                yield later.path


def _is_only_filled(program: Program, function: FunctionInfo, name: str) -> bool:
    """Is it a container of the function's own that everybody only puts things into?"""
    within = program.functions_within(function)
    begun = [e for e in function.effects if e.op == "bind" and e.path == name]
    if not begun or any(e.value != "empty" for e in begun):
        return False
    effects = [effect for one in within for effect in one.effects if effect not in begun]
    others = (e for e in effects if e.op != "insert" or e.path != name)
    given = (text for e in effects for a in e.args for text in (a.path, a.written, a.literal, *a.reads))
    spoken = (text for effect in others for text in _spoken(effect))
    return not any(mentions(text, name) for texts in (spoken, given, _asked(within)) for text in texts)


def _is_set_anew(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Does every way on from here come to an end, or to another value for the local, before anybody looks at it?"""
    name, effects = effect.result, function.effects
    inner = [one for one in program.functions_within(function) if one is not function]
    spoken = (text for one in inner for e in one.effects for text in _spoken(e))
    if any(mentions(text, name) for texts in (spoken, _asked(inner)) for text in texts):
        return False
    paths = paths_of(function, body_of(function, effect.region))
    own = next((at for at in range(effects.index(effect), len(effects)) if effects[at].path == name), -1)
    starts = paths.graph.nodes_of(own)
    reading = {node for at in _reading(function, name) if at != own for node in paths.graph.nodes_of(at)}
    asking = {at for at, region in enumerate(function.regions) if any(mentions(t, name) for t in _asked_by(region))}
    if not starts or not asking <= paths.graph.asked.keys():
        return False
    reading.update(node for at in asking for node in paths.graph.asked[at])
    sets = (at for at, e in enumerate(effects) if e.op == "bind" and e.path == name and e.via in _SETTING)
    setting = {node for at in sets for node in paths.graph.nodes_of(at)} - reading
    return reading.isdisjoint(paths.reached(starts, setting.__contains__, ANY))


def _reading(function: FunctionInfo, name: str) -> Iterator[int]:
    for at, effect in enumerate(function.effects):
        if any(mentions(text, name) for text in _spoken(effect)):
            yield at
