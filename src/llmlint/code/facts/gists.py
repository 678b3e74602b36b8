"""What a function's body speaks of, by kind: see `facts.Gist`.

Where a program is asked for all calls of a name, or for all who change an attribute, gists tell which bodies to look
into. A gist may name more than the body has, and never less: a bare name of C++ counts as whatever it may turn out
to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.facts.facts import Body, Effect, Gist
from llmlint.endings import ending_rows

CHANGING = frozenset({"insert", "remove", "clear", "assign", "delete"})
PART_OF_ITSELF = "assign =[]"
"""The deed of `self.free = self.free[n:]`."""
MADE_BY_NEW = "call new"
WITH = "with"
"""The deed of a `with` statement."""
NAMES = re.compile(r"[^.\[\]()]+")
_BY_NAME = frozenset(
    "setattr hasattr getattr delattr __setattr__ add_argument attrgetter register_buffer register_parameter "
    "register_module add_module".split()
)
_SETTING = frozenset({"assign", "insert", "clear", "bind"})


def gist_of(body: Body, is_python: bool, runs_later: bool) -> Gist:
    """`runs_later`: what is called is only made by calling it, as with a generator."""
    plain = _as_it_is if is_python else _plain
    surely = () if runs_later else tuple(called_on_every_way(body.effects))
    return Gist(
        calls=_each_once(name_called(plain(e.callee)) for e in body.effects if e.callee),
        changes=_each_once(changed_name(plain(path)) for path in _changed(body)),
        reads=_each_once(name for path, _ in body.reads for name in NAMES.findall(plain(path))[plain(path) == path :]),
        starts=_each_once(name for name, _ in started(body.effects)) if is_python else (),
        sets=_each_once(_set_outside(body)) if is_python else (),
        spoken=_each_once(_spoken(body)),
        flags=_each_once(a.keyword for e in body.effects for a in e.args if a.literal == "True" and a.keyword),
        deeds=_each_once(_deeds_of(body)),
        surely=_each_once(call.path.lstrip("~").removeprefix("self.") for call in surely),
        ends=any(ends_all(call, is_python) for call in surely),
        raises=not is_python and _raises_on_every_way(body.effects),
        chosen=_each_once(choice.name for choice in body.choices if choice.by == "truth"),
    )


def _each_once(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _as_it_is(path: str) -> str:
    return path


def _plain(path: str) -> str:
    return path[1:] if path.startswith("~") else path


def name_called(callee: str) -> str:
    """The last part of what is called: `abort` for `self.scheduler.abort`."""
    return callee.rpartition(".")[2].rpartition(":")[2]


def changed_name(path: str) -> str:
    """The last name of a path that is changed: `slots` for `self.slots[]`."""
    while path.endswith("[]"):
        path = path[:-2]
    return path.rpartition(".")[2]


def _changed(body: Body) -> Iterator[str]:
    for effect in body.effects:
        if effect.op in CHANGING:
            yield effect.path
            yield from effect.maybe


def started(effects: tuple[Effect, ...]) -> Iterator[tuple[str, Effect]]:
    """The attributes of `self` that are given a value or a type, and where."""
    for effect in effects:
        is_start = effect.op in ("assign", "clear") and effect.via in ("", "=")
        if not effect.path.startswith("self.") or not (is_start or effect.via == "declare"):
            continue
        name = effect.path[5:]
        if name.isidentifier():
            yield name, effect


def _set_outside(body: Body) -> Iterator[str]:
    for effect in body.effects:
        if effect.op in _SETTING:
            owner, _, name = effect.path.rpartition(".")
            if owner and owner != "self":
                yield name


def _spoken(body: Body) -> Iterator[str]:
    for effect in body.effects:
        if effect.callee and name_called(effect.callee).lstrip("~") in _BY_NAME:
            yield from (argument.literal.strip("'\"-").replace("-", "_") for argument in effect.args)


def _deeds_of(body: Body) -> Iterator[str]:
    if any(region.kind == "with" for region in body.regions):
        yield WITH
    for effect in body.effects:
        yield from _deeds(effect)


def _deeds(effect: Effect) -> Iterator[str]:
    if effect.op in CHANGING:
        yield f"{effect.op} {effect.via}"
        if effect.op == "assign" and _plain(effect.source) == f"{_plain(effect.path)}[]":
            yield PART_OF_ITSELF
    elif effect.op == "call" and effect.via == "new":
        yield MADE_BY_NEW


def called_on_every_way(effects: tuple[Effect, ...]) -> Iterator[Effect]:
    """The calls outside of all branches, before anything is returned."""
    for effect in effects:
        if effect.op == "return":
            return
        if effect.op == "call" and not effect.region:
            yield effect


def _raises_on_every_way(effects: tuple[Effect, ...]) -> bool:
    """Outside of all branches, before anything is returned."""
    leaving = next((e for e in effects if e.op in ("return", "goto") or (e.op == "raise" and not e.region)), None)
    return leaving is not None and leaving.op == "raise"


def ends_all(call: Effect, is_python: bool) -> bool:
    """Is it known of this call, whatever the program, that it never comes back?"""
    rows = ending_rows(call.path.lstrip("~"), is_python)
    if not rows:  # nearly always
        return False
    first = call.args[0].literal or call.args[0].written or call.args[0].path if call.args else ""
    return any(row.fits(first.lstrip("~")) for row in rows)
