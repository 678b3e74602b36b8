"""Requests for what is no address of a server: a test before them leaves nothing that would wait for one."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.facts.facts import Effect, Test
from llmlint.code.link.exits import around, left_above
from llmlint.code.link.program import FunctionInfo, root_of

_PLAIN, _SECURE = {"http", "http:", "http://"}, {"http", "https", "https:", "https://"}
"""Beginnings of an address that cover the one protocol, and the other."""
_INLINE = frozenset({'"data"', "'data'"})


def asks_no_server(function: FunctionInfo, effect: Effect) -> bool:
    """Is what is fetched a `data:` address, or one that the library refuses since `http://` was sorted out before?"""
    address = _address_of(effect)
    if not address:
        return False
    kept = {e.path for e in function.effects if e.op == "bind" and e.value == "path" and e.source == address}
    return _is_inline(function, effect, address) or any(
        _sorts_out(test, {address, *kept}, known) and not _is_renewed(function, address, line, effect)
        for test, line, known in _denied(function, effect)
    )


def _address_of(effect: Effect) -> str:
    given = effect.args[0] if effect.args and not effect.args[0].keyword else None
    if given is None:
        return ""
    if given.path == "str()":
        return next((path for path in given.reads if path != "str()"), "") if len(given.reads) == 2 else ""
    return "" if "(" in given.path else given.path


def _is_inline(function: FunctionInfo, effect: Effect, address: str) -> bool:
    """`parts = urlparse(address)` and then `if parts.scheme == "data"`."""
    regions = around(function, effect)
    tests = [r.test for r in regions if r.kind == "if" and r.test is not None and r.test.op == "=="]
    asked = [test.args[0].path for test in tests if test.args[1].path in _INLINE]
    parsed = {root_of(path) for path in asked if path.endswith(".scheme")}
    return any(e.op == "bind" and e.path in parsed and address in e.reads for e in function.effects)


def _denied(function: FunctionInfo, effect: Effect) -> Iterator[tuple[Test, int, list[Test]]]:
    """The tests that have failed where control comes to a call, from which line on, and what has held there."""
    regions = around(function, effect)
    held = [region.test for region in regions if region.kind == "if" and region.test is not None]
    others = ((region, region.line) for region in regions if region.kind == "else")
    over = ((region, region.end_line) for region in left_above(function, effect))
    yield from ((region.test, since, held) for region, since in (*others, *over) if region.test is not None)


def _sorts_out(test: Test, names: set[str], held: list[Test]) -> bool:
    """Was it asked whether the address is one of HTTP, and nothing beside that but what holds here as well?"""
    parts = list(test.args) if test.op == "and" else [test]
    starts = {f"{name}.startswith" for name in names}
    asked = [part for part in parts if part.op == "call" and part.path in starts]
    beside = [part for part in parts if part not in asked and part not in held]
    is_of_kind = all(p.op == "call" and p.path == "isinstance" and p.args[0].path in names for p in beside)
    return is_of_kind and any(_covers_both(part.args[0].path) for part in asked if part.args)


def _covers_both(text: str) -> bool:
    named = {one.strip(" '\"") for one in text.strip("()").split(",")}
    return not named.isdisjoint(_PLAIN) and not named.isdisjoint(_SECURE)


def _is_renewed(function: FunctionInfo, address: str, line: int, effect: Effect) -> bool:
    sets = (e for e in function.effects if e.op in ("bind", "assign") and line <= e.line < effect.line)
    return any(e.path in (address, root_of(address)) for e in sets)
