"""LLM109: an abort, a flush or a test for idleness that looks into some of the containers that can hold a request.

A sweep is told by its name. What it leaves out is told in several ways: another sweep of the object looks there; a
holder it looks at is only the current one of several slots; a request enters either the one or the other; the object
whose one queue it looks at keeps requests in another. And, whatever the containers hold: elements of what it leaves
out go on to what it looks into (`missed_source`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llmlint.checkers.memory.missed_source import missed_sources
from llmlint.code.domain.holders import Holders, among, functions_through, is_own, through
from llmlint.code.domain.state import only_looks, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.summaries import does, mentions
from llmlint.code.flow.with_helpers import whole, wholes
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Place, Report, Step
from llmlint.vocabulary import words

_ABORTS = frozenset({"abort", "cancel"})
_WHOLE = frozenset({"is", "fully", "empty", "idle"})

Missed = tuple[str, Step]


def check_program(program: Program) -> Iterator[Report]:
    holders = Holders(program)
    judged: set[FunctionInfo] = set()
    for cls in program.asked.classes:
        yield from _left_out_sources(program, cls, judged)
        sweeps = [f for f in functions_through(program, cls) if f.is_method and program.vocabulary.is_sweep(f.name)]
        if sweeps and len(holders.of(cls)) > 1:
            search = _Search(program, holders, cls, sweeps)
            for function in sweeps:
                if function not in judged and (report := search.report(function)):
                    judged.add(function)
                    yield report


def _left_out_sources(program: Program, cls: ClassInfo, judged: set[FunctionInfo]) -> Iterator[Report]:
    for function, report in missed_sources(program, cls):
        if function not in judged:
            judged.add(function)
            yield report


class _Search:
    """Where the sweeps of one class look for requests, and where not."""

    def __init__(self, program: Program, holders: Holders, cls: ClassInfo, sweeps: list[FunctionInfo]) -> None:
        self._program = program
        self._holders = holders
        self._cls = cls
        self._functions = functions_through(program, cls)
        self._missed: dict[FunctionInfo, dict[str, Step]] = {}
        self._reads = {f: whole(program, f).reads for f in sweeps}
        self._looks = {f: among((path for path, _ in self._reads[f]), holders.of(cls)) for f in sweeps}

    def report(self, function: FunctionInfo) -> Report | None:
        missed = dict(self.missed(function))
        for sibling in self._looks:
            if sibling is not function and any(e.callee == f"self.{sibling.name}" for e in function.effects):
                missed = {path: step for path, step in missed.items() if path not in self.missed(sibling)}
        if not missed:
            return None
        looks = self._looks[function]
        line = min(line for path, line in self._reads[function] if among((path,), looks))
        return Report(
            Place(function.path, line, 1, line, 1),
            symbol_of(function),
            f"{function.name} looks for requests in {_listed(looks)} and not in {_listed(missed, 9)}",
            (Step(function.path, line, f"{function.name} begins to look here"), *(missed[p] for p in sorted(missed))),
            confidence="medium",
            reason="requests can wait there as well, and one that is not looked for counts as gone",
            subject=_listed(missed, 9),
            fix=f"look into {_listed(missed, 9)} too",
        )

    def missed(self, function: FunctionInfo) -> dict[str, Step]:
        """Where requests can be that neither the function nor what it calls looks at, with what tells so."""
        if function not in self._missed:
            looks = self._looks[function]
            done = (each.path for each in does(self._program, function, self._cls))
            reached = through((*mentions(self._program, function, self._cls), *done))
            missed: dict[str, Step] = {}
            for path, step in self._elsewhere(function, looks, reached) if looks else ():
                if path not in reached and not self._is_copy(path, reached):
                    missed.setdefault(path, step)
            self._missed[function] = missed
        return self._missed[function]

    def _elsewhere(self, function: FunctionInfo, looks: frozenset[str], reached: frozenset[str]) -> Iterator[Missed]:
        yield from self._seen_by_siblings(function, looks)
        yield from self._other_slots(looks)
        yield from self._other_entries(looks)
        yield from self._kept_beside(function, looks, reached)

    def _seen_by_siblings(self, function: FunctionInfo, looks: frozenset[str]) -> Iterator[Missed]:
        """What another sweep looks at that shares most of this one's holders. An abort may leave out what only tells
        that something goes on."""
        if _ABORTS & set(words(function.name)):
            return
        for sibling, there in self._looks.items():
            common = looks & there
            if sibling is not function and len(common) > 1 and 2 * len(common) >= len(looks):
                for path in sorted(there - looks):
                    line = next(line for read, line in self._reads[sibling] if among((read,), frozenset({path})))
                    yield path, Step(sibling.path, line, f"{sibling.name} looks for requests in {path}")

    def _other_slots(self, looks: frozenset[str]) -> Iterator[Missed]:
        """The slots that one of the holders is loaded from."""
        for function in self._functions:
            for effect in function.effects:
                slots = effect.source.removesuffix("[]")
                is_loaded = effect.op == "assign" and effect.path in looks and effect.source.endswith("[]")
                if is_loaded and is_own(slots):
                    yield slots, Step(function.path, effect.line, f"{effect.path} is one of {slots}")

    def _other_entries(self, looks: frozenset[str]) -> Iterator[Missed]:
        """Where the same request is put in another branch than the one that puts it into a holder looked at."""
        for function in self._functions:
            puts = list(self._holders.puts_of(self._cls, function))
            for put, effect in puts:
                seen = [other for to, other in puts if to in looks and _is_same_request(effect, other)]
                if put not in looks and seen and all(_is_instead(function, effect, other) for other in seen):
                    yield put, Step(function.path, effect.line, f"{function.name} puts the request into {put} instead")

    def _is_copy(self, path: str, reached: frozenset[str]) -> bool:
        """Is it filled, slot by slot, from slots that are looked at?"""
        fills = (e for f in self._functions for e in f.effects if e.op == "insert" and e.path == path)
        return any(e.source.endswith("[]") and e.source.removesuffix("[]") in reached for e in fills)

    def _kept_beside(self, function: FunctionInfo, looks: frozenset[str], reached: frozenset[str]) -> Iterator[Missed]:
        """The other holders of an object, of which one is looked at."""
        asked = {path.split(".")[1] for path, _ in self._reads[function] if path.startswith("self.")}
        for name, owned in self._holders.owned(self._cls):
            mine = {f"self.{name}.{path[5:]}" for path in self._holders.own(owned)}
            if name in asked and not mine.isdisjoint(reached) and len(looks) > 1:
                yield from ((f"self.{name}.{path[5:]}", step) for path, step in self._kept(owned))
        if set(words(function.name)) <= _WHOLE:
            yield from self._kept(self._cls)

    def _kept(self, cls: ClassInfo) -> Iterator[Missed]:
        """Each holder of a class with where requests are put there, and in no other holder by the same function."""
        holders = self._holders.own(cls)
        for function in wholes(self._program, functions_through(self._program, cls)):
            puts = {e.path: e for e in function.effects if e.op == "insert" and e.path in holders}
            if len(puts) == 1 and not any(self._is_dropped(cls, path) for path in puts):
                ((path, put),) = puts.items()
                yield path, Step(function.path, put.line, f"{function.name} puts requests into {path}")

    def _is_dropped(self, cls: ClassInfo, path: str) -> bool:
        """Is it walked and emptied with its requests put nowhere? They wait elsewhere, and were only marked here."""
        functions = wholes(self._program, functions_through(self._program, cls))
        return any(_drops(self._program, function, path) for function in functions)


def _drops(program: Program, function: FunctionInfo, path: str) -> bool:
    element = f"{path}[]"
    walks = any(e.op == "bind" and e.via == "for" and e.source == element for e in function.effects)
    empties = any(e.op == "clear" and e.path == path for e in function.effects)
    using = (e for e in function.effects if e.op != "bind" and not (e.op == "call" and only_looks(program, e)))
    used = {p for e in using for p in (e.source, *(a.path for a in e.args))}
    returned = {e.path for e in function.effects if e.op == "return"}
    return walks and empties and {path, element}.isdisjoint(used | returned)


def _is_same_request(effect: Effect, other: Effect) -> bool:
    return bool({a.path for a in effect.args if a.path} & {a.path for a in other.args if a.path})


def _is_instead(function: FunctionInfo, effect: Effect, other: Effect) -> bool:
    """Do the two stand in the two branches of one `if`?"""
    there = _branches(function, other.region)
    return any((not is_else, at) in there for is_else, at in _branches(function, effect.region))


def _branches(function: FunctionInfo, at: int) -> set[tuple[bool, int]]:
    """Each branch around a region: whether it is the `else`, and the region of its `if`."""
    found: set[tuple[bool, int]] = set()
    while at > 0:
        region = function.regions[at]
        if region.kind in ("if", "else"):
            found.add((region.kind == "else", region.first if region.kind == "else" else at))
        at = region.parent
    return found


def _listed(paths: Iterable[str], most: int = 3) -> str:
    """The innermost of the paths, the rest counted."""
    inner = sorted(p for p in paths if not any(other.startswith(f"{p}.") for other in paths))
    shown = ", ".join(inner[:most])
    return shown if len(inner) <= most else f"{shown} and {len(inner) - most} more"
