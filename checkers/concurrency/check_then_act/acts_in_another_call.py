"""A caller asks an object by one method and acts by another, each of which takes the object's lock for itself.

The act relies on what was asked: it takes an entry out, or reads it, without asking again; and some method takes
entries away, so that another thread may have done so between the two calls.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.unlocked_shared_state.accesses import locks_of
from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import attribute_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.exits import around
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program, root_of
from llmlint.findings import Report

_LOOKS_UP = frozenset({"get", "setdefault", "find", "count", "contains", "try_emplace"})
_TAKES_OUT = frozenset({"pop", "popleft", "popitem", "del", "remove", "pop_back", "pop_front"})
_READS = frozenset({"bind", "return", "yield", "assign", "call", "insert"})
_SURE = frozenset({"find", "at"})


def acts_in_another_call(program: Program, locks: Locks) -> Iterator[Report]:
    for cls in program.classes:
        called = sum(function.name in program.asked.call_names for function in cls.functions)
        if called < 2 or not program.asked.speaks(cls.language):
            continue  # what is told stands in who calls two of them
        taking = filter(_may_take_away, cls.functions)
        taken = dict.fromkeys(kept for function in taking for kept in _taken_away(function))
        if taken and locks_of(program, cls):
            for kept in taken:
                yield from _of_attribute(program, locks, cls, kept)


def _of_attribute(program: Program, locks: Locks, cls: ClassInfo, kept: str) -> Iterator[Report]:
    methods = [f for f in cls.functions if f.is_method and f.name not in ("__init__", "__del__") and f.facts.has_body]
    asking = [(f, how) for f in methods if (how := _asks(f, kept))]
    relying = [(f, e) for f in methods if (e := _relies(f, kept)) is not None] if asking else []
    for acted, relied in relying:
        if locks.taken(acted, relied):
            for asked, how in asking:
                if asked is not acted:
                    yield from _of_callers(program, locks, kept, (asked, how), (acted, relied))


def _asks(function: FunctionInfo, kept: str) -> str:
    """Does it say what is kept, or see to it that something is?"""
    if any(e.op in ("remove", "clear") and e.path == kept for e in function.effects):
        return ""
    for effect in function.effects:
        if effect.op == "insert" and effect.path == kept:
            tests = [r for r in around(function, effect) if r.kind in ("if", "else")]
            return "sees to it" if any(kept in r.reads for r in tests) else ""
    returned = [e for e in function.effects if e.op == "return"]
    gives = any(kept in e.reads and not _is_of_entry(e.path, kept) for e in returned)
    return "asks" if gives else ""


def _is_of_entry(path: str, kept: str) -> bool:
    return path.startswith(f"{kept}[")


def _relies(function: FunctionInfo, kept: str) -> Effect | None:
    """The first effect that takes an entry to be there, where the function does not ask itself."""
    asks = any(kept in function.reads_of(r) for r in function.regions if r.kind in ("if", "else", "loop", "and"))
    caught = any(r.kind == "except" for r in function.regions)
    walks = any(r.kind in ("loop", "lambda") and kept in r.text for r in function.regions)
    if asks or caught or walks:
        return None
    lines = {e.line: e.callee.rpartition(".")[2] for e in function.effects if e.callee.startswith(f"{kept}.")}
    for effect in function.effects:
        looks = lines.get(effect.line, "")
        if effect.op == "remove" and effect.path == kept and effect.via in _TAKES_OUT:
            return effect if len(effect.args) < 2 else None
        if any(_is_of_entry(path, kept) for path in (effect.source, effect.path, *effect.reads)):
            is_sure = looks not in _LOOKS_UP if function.language == "python" else looks in _SURE
            return effect if is_sure and effect.op in _READS and not _sets(effect) else None
    return None


def _sets(effect: Effect) -> bool:
    return effect.op == "assign" and not effect.via


def _may_take_away(function: FunctionInfo) -> bool:
    gist = function.facts.gist
    return gist.does("remove", "clear") or any("erase" in name for name in gist.calls)


def _taken_away(function: FunctionInfo) -> Iterator[str]:
    """The containers of the object that a method takes something out of."""
    for effect in function.effects if function.name != "__init__" else ():
        if effect.op in ("remove", "clear") and effect.path == f"self.{attribute_of(effect.path)}":
            yield effect.path
        elif effect.op == "call" and "erase" in effect.callee:
            yield from (a.path for a in effect.args if attribute_of(a.path))


def _of_callers(
    program: Program, locks: Locks, kept: str, first: tuple[FunctionInfo, str], then: tuple[FunctionInfo, Effect]
) -> Iterator[Report]:
    (asked, how), (acted, relied) = first, then
    questions = [call for call in _calls(program, asked) if call.function not in (asked, acted)]
    for function, act in _calls(program, acted) if questions else ():
        for asking_function, asking in questions:
            if asking_function is not function or asking.line > act.line or not _is_on_one(asking, act):
                continue
            if how == "asks" and not _is_tested(function, asking, act):
                continue
            if locks.held(function, act) or locks.held_by_callers(function):
                continue
            yield Report(
                program.place(function, act),
                symbol_of(function),
                f"{acted.name} relies on what {asked.name} said before, and the lock was let go between the two",
                (
                    program.step(function, asking, f"{asked.name} {how} under the lock"),
                    program.step(function, act, f"{acted.name} takes the lock anew"),
                    program.step(acted, relied, f"and takes it that {attribute_of(kept)} still has it"),
                ),
                confidence="medium",
                reason="another thread may take it away between the two calls, and nobody asks again",
                subject=f"{asked.name}:{acted.name}",
                fix=f"ask in {acted.name}, under the lock that it holds",
            )
            return


def _calls(program: Program, method: FunctionInfo) -> Iterator[Call]:
    """The calls that run a method: known by types, or because nothing else of the program has that name."""
    is_only_one = len(program.functions_named(method.name)) == 1
    for call in program.calls_named(method.name):
        callees = program.callees(*call)
        if method in callees or (is_only_one and not callees and "." in call.effect.callee):
            yield call


def _is_on_one(asking: Effect, act: Effect) -> bool:
    """Of the same object, and of the same key where both are given any."""
    if asking.callee.rpartition(".")[0] != act.callee.rpartition(".")[0]:
        return False
    first, second = ({a.path for a in e.args if a.path} for e in (asking, act))
    return not first or not second or not first.isdisjoint(second)


def _is_tested(function: FunctionInfo, asking: Effect, act: Effect) -> bool:
    """Is there a branch on what was said, around the act or before it?"""
    told = {f"{asking.callee}()", asking.result}
    tests = (r for r in function.regions if r.kind in ("if", "else", "loop") and r.line <= act.line)
    return any(told & {*r.reads, *(root_of(read) for read in r.reads)} for r in tests)
