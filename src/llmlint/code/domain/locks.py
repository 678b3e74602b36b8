"""Which locks are held where: in `with` statements, in C++ guards, and between calls that take and let go by hand.

Two answers, because rules err on different sides: `stretches` are places where a lock is surely held; `Locks.held`
names every lock that may be, also when it was taken by all callers.
"""

from __future__ import annotations

import re

import msgspec

from llmlint.code.domain.state import is_setup
from llmlint.code.facts.facts import Effect, Region
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.exits import chain
from llmlint.code.link.program import Call, Program
from llmlint.vocabulary import words

_WORDS = frozenset({"lock", "mutex", "mtx", "rlock", "wlock", "locks", "cond", "condition", "cv", "semaphore"})
_TAKE = frozenset({"lock", "acquire", "lock_shared"})
_LET_GO = frozenset({"unlock", "release", "unlock_shared"})
_TAKE_ITS_ARGUMENT = frozenset({"pthread_mutex_lock", "EnterCriticalSection", "mtx_lock", "omp_set_lock"})
_LET_ITS_ARGUMENT_GO = frozenset({"pthread_mutex_unlock", "LeaveCriticalSection", "mtx_unlock", "omp_unset_lock"})
_TAKE_THE_ONE = frozenset({"ggml_critical_section_start"})
_LET_THE_ONE_GO = frozenset({"ggml_critical_section_end"})
_BY_CONVENTION = re.compile(r"_(locked|unlocked|nolock|no_lock|unsafe|lock_held|under_lock|with_lock|impl_locked)_?$")
_PROMISED = re.compile(
    r"\b(lock|mutex)\w*\b.*\b(held|hold|holds)\b|\b(hold|holds|holding|under|with|owns?)\b.*(lock|mutex|cond)\w*\b",
    re.I,
)
_ENDING = frozenset({"__del__", "__getstate__", "__setstate__", "__repr__", "__str__"})
_DEPTH = 5

UNNAMED = "*"
"""A lock that is held without being named: by convention, by promise, or as the result of a call."""


class Stretch(msgspec.Struct, frozen=True):
    """A lock held for a stretch of a function: from its region's first line, to the last one before it is let go."""

    path: str
    region: int
    line: int
    until: int


def stretches(function: FunctionInfo) -> list[Stretch]:
    """What the `with` statements and guards of a function take, as far as it has a name."""
    return [
        Stretch(path, index, region.line, _let_go(function, index, region.text))
        for index, region in enumerate(function.regions)
        if region.kind == "with"
        for path in _written(function, index)
    ]


def is_lock_name(path: str) -> bool:
    return not _WORDS.isdisjoint(words(path.rpartition(".")[2]))


def _written(function: FunctionInfo, index: int) -> list[str]:
    """Python writes the locks into the `with`; C++ hands them to a guard, whose scope is the region."""
    region = function.regions[index]
    if function.language == "python":
        written = [part.partition(" as ")[0].strip() for part in region.text.split(",")]
        return [part for part in written if re.fullmatch(r"[\w.]+", part)]
    return [
        argument.path
        for effect in function.effects
        if effect.op == "call"
        and effect.line == region.line
        and effect.region == region.parent
        and region.text.startswith(f"{effect.result}(")
        for argument in effect.args
        if argument.path and not argument.path.startswith("std.")
    ]


def _let_go(function: FunctionInfo, index: int, text: str) -> int:
    """The last line on which the lock is held: a guard may be unlocked before its scope ends."""
    guard = text.partition("(")[0]
    unlocks = [e.line for e in function.effects if e.op == "call" and e.path in (f"{guard}.unlock", f"{text}.release")]
    return min([function.regions[index].end_line, *unlocks])


class Locks:
    """Which locks may be held at a place of a program. Paths are as the function itself would write them."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._by_callers: dict[FunctionInfo, frozenset[str]] = {}
        self._open: list[FunctionInfo] = []
        self._alone: dict[FunctionInfo, bool] = {}
        self._by_hand: dict[FunctionInfo, bool] = {}

    def held(self, function: FunctionInfo, region: int, line: int) -> frozenset[str]:
        return self.taken(function, region, line) | self.held_by_callers(function)

    def taken(self, function: FunctionInfo, region: int, line: int) -> frozenset[str]:
        """The locks that the function itself has taken there."""
        if function not in self._by_hand:
            self._by_hand[function] = any(e.op == "call" and _taken_by_hand(e) for e in function.effects)
        found = _kept_by_hand(function, region, line) if self._by_hand[function] else set()
        for at in chain(function, region):
            around = function.regions[at]
            if around.kind == "with" and _takes_lock(around, function.language):
                found.update(_not_let_go(function, at, region, line))
        return frozenset(found)

    def held_by_callers(self, function: FunctionInfo) -> frozenset[str]:
        """The locks that are held wherever the function is called, while its object is made aside."""
        if function in self._by_callers:
            return self._by_callers[function]
        if len(self._open) >= _DEPTH:
            return frozenset()
        self._open.append(function)
        found = frozenset({UNNAMED}) if is_promised(function) else self._held_in_common(function)
        self._open.pop()
        if not self._open:
            self._by_callers[function] = found
        return found

    def _held_in_common(self, function: FunctionInfo) -> frozenset[str]:
        calls = [c for c in self._program.callers(function) if c.function not in self._open]
        held = [self._held_for(call) for call in calls if not self.is_single_threaded(call.function)]
        if not held or not all(held):
            return frozenset()
        return frozenset.intersection(*held) or frozenset({UNNAMED})

    def is_single_threaded(self, function: FunctionInfo) -> bool:
        """Does it only run while its object is made or torn down: a constructor, or what nobody else calls?"""
        if function not in self._alone:
            self._alone[function] = False  # while it is asked, for who calls himself
            self._alone[function] = is_making_or_ending(function) or self._serves_the_making(function)
        return self._alone[function]

    def _serves_the_making(self, function: FunctionInfo) -> bool:
        calls = [call for call in self._program.callers(function) if call.function is not function]
        return (
            bool(calls)
            and all(_is_of_the_same(function, call.function) and not _is_deferred(call) for call in calls)
            and all(self.is_single_threaded(call.function) for call in calls)
        )

    def _held_for(self, call: Call) -> frozenset[str]:
        """A caller's locks as the callee would write them: `pool.lock` around `pool.free()` is its `self.lock`."""
        effect = call.effect
        receiver = effect.callee.rpartition(".")[0]
        found = set()
        for path in self.held(call.function, effect.region, effect.line):
            base, _, attribute = path.rpartition(".")
            is_its_own = base in (receiver, receiver.replace("super()", "self")) and receiver
            found.add(f"self.{attribute}" if is_its_own else UNNAMED)
        return frozenset(found)


def _is_of_the_same(function: FunctionInfo, caller: FunctionInfo) -> bool:
    """The same class, or outside of classes the same file."""
    return caller.owner is function.owner and (function.owner is not None or caller.path == function.path)


def _is_deferred(call: Call) -> bool:
    """Is it in a lambda, and so made whenever that is called?"""
    function, effect = call
    return any(function.regions[at].kind == "lambda" for at in chain(function, effect.region))


def _takes_lock(region: Region, language: str) -> bool:
    return language != "python" or not _WORDS.isdisjoint(words(region.text))


def _not_let_go(function: FunctionInfo, at: int, region: int, line: int) -> list[str]:
    """The locks of a `with` or guard, unless it was unlocked on the way there and not locked again."""
    guard = function.regions[at].text.partition("(")[0]
    held = True
    for effect in function.effects:
        if effect.op == "call" and effect.line < line and effect.region in chain(function, region):
            if effect.path == f"{guard}.unlock":
                held = False
            elif effect.path == f"{guard}.lock":
                held = True
    return (_written(function, at) or [UNNAMED]) if held else []


def _kept_by_hand(function: FunctionInfo, region: int, line: int) -> set[str]:
    """Locks taken by a call on the way there and not let go by another."""
    found: set[str] = set()
    inside = chain(function, region)
    guards = {around.text.partition("(")[0] for around in function.regions if around.kind == "with"}
    for effect in function.effects:
        if effect.op != "call" or effect.line > line or effect.path.partition(".")[0] in guards:
            continue
        taken, let_go = _taken_by_hand(effect), _let_go_by_hand(effect)
        if taken:
            found.add(taken)
        elif let_go and effect.region in inside and effect.line < line:
            found.discard(let_go)
    return found


def _taken_by_hand(effect: Effect) -> str:
    return _by_hand(effect, _TAKE, _TAKE_ITS_ARGUMENT, _TAKE_THE_ONE)


def _let_go_by_hand(effect: Effect) -> str:
    return _by_hand(effect, _LET_GO, _LET_ITS_ARGUMENT_GO, _LET_THE_ONE_GO)


def _by_hand(effect: Effect, methods: frozenset[str], of_argument: frozenset[str], of_none: frozenset[str]) -> str:
    base, _, name = effect.path.rpartition(".")
    if name in methods and base and is_lock_name(base):
        return base
    if name in of_argument and effect.args:
        return effect.args[0].path or UNNAMED
    return UNNAMED if name in of_none else ""


def is_promised(function: FunctionInfo) -> bool:
    """Does the function say by its name, a guard it is given, a decorator or its comment that a lock is held?"""
    facts = function.facts
    return bool(
        _BY_CONVENTION.search(facts.name)
        or any("_lock<" in param.annotation or "lock_guard" in param.annotation for param in facts.params)
        or any(not _WORDS.isdisjoint(words(decorator)) or "synchronized" in decorator for decorator in facts.decorators)
        or _PROMISED.search(facts.docstring)
    )


def is_making_or_ending(function: FunctionInfo) -> bool:
    name = function.name
    is_cpp_constructor = function.language != "python" and function.owner is not None and name == function.owner.name
    return is_setup(function) or is_cpp_constructor or name.startswith("~") or name in _ENDING
