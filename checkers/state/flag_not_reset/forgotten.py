"""A flag or cursor that one place forgets to set back, told by the places that do not.

What is forgotten is told by the places that don't: setters of the same thing that raise the same flag, implementations
of one method that rewind what they are given, other callers that lower the flag after the same call. And a reset may
write a name that nobody reads, beside the flag it means.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from llmlint.code.domain.state import attribute_of, handled_by, head_of, is_setup, place_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_TRUE = frozenset({"True", "true"})
_FALSE = frozenset({"False", "false"})
_HOLLOW = frozenset({"pass", "raise", "constant", "log"})
_NEAR = 15
"""Lines within which a caller sees to the flag after the call."""


def forgotten(program: Program) -> Iterator[Report]:
    for cls in program.asked.classes:
        yield from _setters(program, cls)
        yield from _implementations(program, cls)
        yield from _callers(cls)
        yield from _misnamed(program, cls)


def _sets(effect: Effect, values: frozenset[str]) -> bool:
    return effect.op == "assign" and effect.value == "constant" and effect.source in values


# ---------------------------------------------------------------- setters of one thing


def _setters(program: Program, cls: ClassInfo) -> Iterator[Report]:
    """`set_adapters_lora` asks for a new graph and `set_adapter_cvec` does not."""
    raised, lowered = _by_flag(cls, _TRUE), _by_flag(cls, _FALSE)
    for flag, raising in raised.items():
        if len(raising) < 2 or not any(name not in raising for name in lowered.get(flag, ())):
            continue
        for method in cls.methods.values():
            kin = [name for name in raising if _thing(name) == _thing(method.name)]
            if not kin or method.name in raising or not method.facts.has_body or method.facts.shape in _HOLLOW:
                continue
            handled = handled_by(program, method, cls)
            if handled and flag not in handled:
                yield _not_raised(method, flag, [cls.methods[name] for name in (*kin, *raising)], raising)


def _by_flag(cls: ClassInfo, values: frozenset[str]) -> dict[str, dict[str, Effect]]:
    """The methods that set each flag of the object to one of the values once it is made."""
    found: dict[str, dict[str, Effect]] = defaultdict(dict)
    for method in cls.methods.values():
        for effect in method.doing("assign") if not is_setup(method) else ():
            flag = attribute_of(effect.path)
            if flag and effect.path == f"self.{flag}" and _sets(effect, values):
                found[flag].setdefault(method.name, effect)
    return found


def _thing(name: str) -> tuple[str, ...]:
    """What a setter sets: `set_adapters_lora` and `set_adapter_cvec` both set adapters."""
    split = words(name)
    return (
        (split[0], split[1].removesuffix("s")) if len(split) > 2 and split[0] in ("set", "update", "add") else (name,)
    )


def _not_raised(method: FunctionInfo, flag: str, kin: list[FunctionInfo], raising: dict[str, Effect]) -> Report:
    return Report(
        head_of(method),
        symbol_of(method),
        f"{method.name} does not raise self.{flag}, as {kin[0].name} and {len(raising) - 1} more do",
        (
            *(Step(f.path, raising[f.name].line, f"{f.name} raises it") for f in dict.fromkeys(kin)),
            Step(
                method.path, method.facts.line, f"{method.name} changes the same kind of thing and leaves it as it is"
            ),
        ),
        confidence="medium",
        reason=f"{len(raising)} methods of the class raise the flag, {kin[0].name} for the same kind of thing",
        subject=flag,
        fix=f"set self.{flag} in {method.name}",
    )


# ---------------------------------------------------------------- implementations of one method


def _implementations(program: Program, base: ClassInfo) -> Iterator[Report]:
    """Every cache's `init_batch` rewinds the splitter it is given, except one."""
    for name in base.methods if base.subclasses else ():
        doing = [
            method
            for cls in (base, *base.subclasses)
            if (method := cls.methods.get(name)) and method.facts.has_body and method.facts.shape not in _HOLLOW
        ]
        if len(doing) > 2 and not any(name in above.methods for above in base.mro[1:]):
            yield from _not_rewound(program, doing)


def _not_rewound(program: Program, doing: list[FunctionInfo]) -> Iterator[Report]:
    used = {method: _calls_on_given(method) for method in doing}
    for given in sorted({given for calls in used.values() for given in calls}):
        users = {method: calls[given] for method, calls in used.items() if given in calls}
        resets = {m: [n for n in calls if program.vocabulary.is_reset(n) is not None] for m, calls in users.items()}
        lacking = [method for method, names in resets.items() if not names]
        for name in sorted({name for names in resets.values() for name in names}):
            rewinding = [method for method, names in resets.items() if name in names]
            for method in lacking if len(rewinding) > max(1, len(lacking)) else ():
                shared = {n for other in rewinding for n in users[other]} & users[method].keys()
                if shared:
                    first = min((users[method][n] for n in shared), key=lambda e: e.line)
                    yield _cursor_left(method, name, first, [Call(m, users[m][name]) for m in rewinding])


def _calls_on_given(method: FunctionInfo) -> dict[int, dict[str, Effect]]:
    """The methods called on each parameter, by its position."""
    positions = {p.name: at for at, p in enumerate(method.params)}
    found: dict[int, dict[str, Effect]] = defaultdict(dict)
    for effect in method.effects:
        receiver, _, name = effect.callee.rpartition(".")
        if receiver in positions:
            found[positions[receiver]].setdefault(name, effect)
    return found


def _cursor_left(method: FunctionInfo, name: str, first: Effect, rewinding: list[Call]) -> Report:
    given = first.callee.rpartition(".")[0]
    return Report(
        head_of(method),
        symbol_of(method),
        f"{method.name} uses {given} without {name}, which {len(rewinding)} other implementations call first",
        (
            *(Step(f.path, e.line, f"{f.facts.qualname} calls {e.callee}") for f, e in rewinding[:3]),
            Step(method.path, first.line, f"{symbol_of(method)} calls {first.callee} where the last user left off"),
        ),
        confidence="medium",
        reason=f"{len(rewinding)} of {len(rewinding) + 1} implementations of {method.name} reset what they are given",
        subject=name,
        fix=f"call {given}.{name}() before the first {first.callee}",
    )


# ---------------------------------------------------------------- callers that see to the flag afterwards


def _callers(cls: ClassInfo) -> Iterator[Report]:
    """Where others go on with `batch.is_full = False` after `batch.filter()`, one goes on without."""
    lowering = [
        (function, effect, *_split(effect.path))
        for function in cls.functions
        for effect in function.doing("assign")
        if _sets(effect, _FALSE) and effect.path.count(".") >= 1
    ]
    raised = {effect.path for f in cls.functions for effect in f.doing("assign") if _sets(effect, _TRUE)}
    flags = {flag for _, _, receiver, flag in lowering if receiver != "self" and f"{receiver}.{flag}" in raised}
    for flag in sorted(flags):
        caring: dict[str, list[Call]] = defaultdict(list)
        for function, lowered, receiver, its_flag in lowering:
            if its_flag == flag:
                before = _call_before(function, lowered, receiver)
                if before is not None:
                    caring[before.callee.rpartition(".")[2]].append(Call(function, before))
        for name, calls in sorted(caring.items()):
            if len({call.function for call in calls}) > 1:
                yield from _careless(cls, flag, name, calls, raised)


def _split(path: str) -> tuple[str, str]:
    receiver, _, name = path.rpartition(".")
    return receiver, name


def _call_before(function: FunctionInfo, lowered: Effect, receiver: str) -> Effect | None:
    """The nearest call of a method of the object, made for what it does, a few lines above."""
    calls = [e for e in function.effects if _is_done(e) and e.callee.rpartition(".")[0] == receiver]
    near = [e for e in calls if 0 <= lowered.line - e.line <= _NEAR]
    return near[-1] if near else None


def _is_done(effect: Effect) -> bool:
    """Is it a call whose result nobody takes?"""
    return effect.op == "call" and effect.result == ""


def _careless(cls: ClassInfo, flag: str, name: str, calls: list[Call], raised: set[str]) -> Iterator[Report]:
    missing = [
        Call(function, effect)
        for function in cls.functions
        for effect in function.effects
        if _is_done(effect) and effect.callee.rpartition(".")[2] == name
        if f"{effect.callee.rpartition('.')[0]}.{flag}" in raised and not _speaks_later(function, effect, flag)
    ]
    if not missing or len(missing) >= len(calls):
        return
    for function, effect in missing:
        receiver = effect.callee.rpartition(".")[0]
        yield Report(
            place_of(function, effect),
            symbol_of(function),
            f"{function.name} calls {effect.callee} and leaves {receiver}.{flag} as it was",
            (
                *(
                    Step(f.path, e.line, f"{f.name} calls {e.callee} and then sets {flag} to false")
                    for f, e in calls[:3]
                ),
                Step(function.path, effect.line, f"{function.name} calls {effect.callee} and does not"),
            ),
            confidence="medium",
            reason=f"{len(calls)} other calls of {name} in the class are followed by it",
            subject=f"{name}:{flag}",
            fix=f"see to {receiver}.{flag} after the call",
        )


def _speaks_later(function: FunctionInfo, call: Effect, flag: str) -> bool:
    """Does anything from the call on write, read or pass on a flag of that name?"""
    later = (e for e in function.effects if e.line >= call.line)
    return any(
        path.rpartition(".")[2] == flag
        for e in later
        for path in (e.path, e.source, *e.reads, *(r for a in e.args for r in (a.path, *a.reads)))
    )


# ---------------------------------------------------------------- a name that nobody reads


def _misnamed(program: Program, cls: ClassInfo) -> Iterator[Report]:
    """`clear` sets `is_in_group`, and what everybody asks is `is_not_in_group`."""
    if cls.language != "python":
        return
    for method in cls.methods.values():
        is_reset = program.vocabulary.is_reset(method.name) is not None
        for effect in whole(program, method).effects if is_reset else ():
            name = attribute_of(effect.path)
            if not name or effect.path != f"self.{name}" or not _sets(effect, _TRUE | _FALSE):
                continue
            meant = next((a for a in cls.attributes if _is_nearly(a, name) and program.reads(cls, a)), None)
            if meant is not None and not program.reads(cls, name):
                yield _written_in_vain(method, effect, name, meant, cls)


def _is_nearly(one: str, other: str) -> bool:
    """Do the names differ by one word: `is_in_free_group` and `is_not_in_free_group`?"""
    return one != other and len(set(words(one)) ^ set(words(other))) == 1


def _written_in_vain(method: FunctionInfo, effect: Effect, name: str, meant: str, cls: ClassInfo) -> Report:
    known = cls.attributes[meant]
    return Report(
        place_of(method, effect),
        symbol_of(method),
        f"{method.name} sets self.{name}, which nothing reads; self.{meant}, which is read, keeps its value",
        (
            Step(method.path, effect.line, f"self.{name} is set and never read"),
            Step(known.path, known.line, f"self.{meant} is the flag"),
        ),
        confidence="high",
        reason="the names differ by one word",
        subject=name,
        fix=f"set self.{meant}",
    )
