"""A lost peer's entries are removed, and the connection to it stays in a cache that nothing ever takes from."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.state import attribute_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step

_FEWEST_REMOVED = 2
_TAKES = frozenset({"remove", "clear", "delete"})


def connection_kept(program: Program, cls: ClassInfo) -> Iterator[Report]:
    for method in cls.methods.values():
        if method.owner is not cls or not program.vocabulary.tells_a_peer_is_lost(method.name):
            continue
        removed = {attribute_of(e.path): e for e in method.effects if e.op in _TAKES and attribute_of(e.path)}
        if len(removed) < _FEWEST_REMOVED:
            continue
        for connecting, kept in _cached_connections(program, method.path):
            if not _is_taken_from(program, connecting, kept):
                yield _report(program, method, list(removed.values()), connecting, kept)


def _cached_connections(program: Program, path: str) -> Iterator[tuple[FunctionInfo, Effect]]:
    """Where a function connects to a peer it is given and keeps the connection by the peer's name."""
    for function in program.functions_in(path):
        names = {param.name for param in function.params}
        connected = {
            effect.path.rpartition(".")[0]
            for effect in function.effects
            if effect.op == "call" and effect.path.endswith(".connect") and names & {a.path for a in effect.args}
        }
        for effect in function.effects:
            if effect.op == "insert" and effect.key in names and connected & {effect.source, *effect.reads}:
                yield function, effect


def _is_taken_from(program: Program, connecting: FunctionInfo, kept: Effect) -> bool:
    attribute = attribute_of(kept.path)
    if connecting.owner is None or not attribute:
        return True
    return any(touch.effect.op in _TAKES for touch in program.touches(connecting.owner, attribute))


def _report(
    program: Program, method: FunctionInfo, removed: list[Effect], connecting: FunctionInfo, kept: Effect
) -> Report:
    cache = attribute_of(kept.path)
    owner = connecting.owner.name if connecting.owner is not None else ""
    return Report(
        program.place(method, removed[0]),
        symbol_of(method),
        f"{method.name} forgets a lost peer, and {owner}.{cache} keeps the connection to it for good",
        (
            *(program.step(method, e, f"{method.name} removes from self.{attribute_of(e.path)}") for e in removed[:3]),
            program.step(connecting, kept, f"{connecting.name} keeps its connection by {kept.key}"),
            Step(connecting.path, connecting.facts.line, f"nothing in the program takes from {owner}.{cache}"),
        ),
        confidence="medium",
        reason="a peer that comes back is sent to over the connection of the one that went",
        subject=f"{owner}.{cache}",
        fix=f"close the connection and remove it from {owner}.{cache} where the peer's other entries go",
    )
