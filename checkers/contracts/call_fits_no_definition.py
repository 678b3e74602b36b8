"""LLM901: a call whose arguments fit none of the definitions that it may run.

Where the object that a method is called on is only known by a declared type, every method of that name in the program
counts: what is declared may be less than what is handed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmlint.code.domain.answers import other_way
from llmlint.code.domain.made import why_never_made
from llmlint.code.domain.members import Members
from llmlint.code.domain.never_entered import why_never_entered
from llmlint.code.domain.nobody_calls import is_called_by_nobody, is_handed
from llmlint.code.domain.roots import is_trial, roots_of
from llmlint.code.domain.signatures import Named, misfit, names_missing
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.takers import takers
from llmlint.code.domain.translated import why_given_later, why_translated
from llmlint.code.facts.facts import Effect, Function, Region
from llmlint.code.flow.cut_short import always_raises, behind
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.exits import around
from llmlint.code.link.objects import Instance, Method, One, unbound
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, Program
from llmlint.findings import Place, Report, Step

_IN_CODE = "call_fits_no_definition.check_program"
_AS_PROGRAM = "call_fits_no_definition.as_a_program"
_FEW = 4
"""Effects of a function that only makes a call for another."""


class _Misfit(NamedTuple):
    """`at` counts in the function's effects; `why` is said of each candidate."""

    at: int
    effect: Effect
    candidates: list[One]
    why: list[str]


def check_program(program: Program) -> Iterator[Report]:
    lost: dict[ClassInfo, list[Call]] = {}
    misfits = _Misfits(program)
    for function in _to_look_at(program):
        for one in misfits.of(function):
            cls = _lost_by(one)
            if cls is None:
                yield _report(program, function, one, misfits.why_not_reached(function, one.at))
            else:
                lost.setdefault(cls, []).append(Call(function, one.effect))
    for cls, calls in lost.items():
        yield _lost_decorator(program, cls, calls)


class _Misfits:
    """The calls that always raise, of any function that is asked for."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._named = Named(program)
        self._known: dict[FunctionInfo, list[_Misfit]] = {}

    def of(self, function: FunctionInfo) -> list[_Misfit]:
        if function not in self._known:
            self._known[function] = list(self._look_for(function))
        return self._known[function]

    def _look_for(self, function: FunctionInfo) -> Iterator[_Misfit]:
        if function.language != "python" or is_trial(function):
            return
        local = {e.path for e in function.doing("bind") if e.options or e.value == "path"}
        for at, effect in enumerate(function.effects):
            if effect.op != "call":
                continue
            may = effect.callee in local or self._named.may_misfit(effect)
            if may and not _is_asked(function, effect):
                found = _check(self._program, function, at)
                if found is not None:
                    yield found

    def why_not_reached(self, function: FunctionInfo, at: int) -> str:
        """Where another such call always comes before: in the function, or in those who alone call it."""
        first = self._first_before(function, at)
        if first is not None:
            return f"; but {first.callee} at line {first.line} fails before it comes to this"
        for caller, call in self._program.callers(function):
            before = next((n for n, effect in enumerate(caller.effects) if effect is call), -1)
            first = self._first_before(caller, before) if before >= 0 and caller is not function else None
            if first is None:
                return ""
        if first is None or not self._is_only_called(function):
            return ""
        return f"; but {first.callee} at line {first.line} of {caller.path} fails before it calls this"

    def _first_before(self, function: FunctionInfo, at: int) -> Effect | None:
        first = behind(function, [*(one.at for one in self.of(function)), *self._lacking(function)], at)
        return function.effects[first[0]] if first else None

    def _lacking(self, function: FunctionInfo) -> Iterator[int]:
        """The calls of methods that no object of the class has."""
        members = once(self._program, Members)
        for at, effect in enumerate(function.effects):
            receiver, _, name = effect.callee.rpartition(".")
            held = self._program.meanings(function, receiver) if effect.op == "call" and receiver else ()
            if held and all(isinstance(o, Instance) and o.cls and members.surely_lacks(o.cls, name) for o in held):
                yield at

    def _is_only_called(self, function: FunctionInfo) -> bool:
        """Does nobody speak of it but by calls of the program?"""
        is_whole = function.name.startswith("_") or roots_of(self._program).is_known_whole(function.path)
        return is_whole and not is_handed(self._program, function)


def _lost_by(misfit: _Misfit) -> ClassInfo | None:
    """The class that lost the decorator by which it would take the call."""
    cls = misfit.candidates[0] if len(misfit.candidates) == 1 else None
    return cls if isinstance(cls, ClassInfo) and _lacks_decorator(cls, misfit.effect) else None


def _to_look_at(program: Program) -> Sequence[FunctionInfo]:
    """What is wrong with the decorators of a class is known by those who make one."""
    bare = (cls for cls in program.asked.classes if not cls.facts.decorators and "__init__" not in cls.methods)
    makers = {maker for cls in bare for maker in program.functions_calling(cls.name)}
    return sorted(makers.union(program.asked.functions), key=lambda function: function.order)


def _is_asked(function: FunctionInfo, effect: Effect) -> bool:
    """Is it run only where somebody has asked whether it fits?"""
    return any(line < effect.line for line in once(function.settled, _lines_asking))


def _is_of_a_program(function: FunctionInfo, effect: Effect) -> bool:
    """Is it run only when its module is the program?"""
    return any("__name__" in region.text for region in around(function, effect))


def _lines_asking(function: Function) -> tuple[int, ...]:
    return tuple(effect.line for effect in function.effects if effect.callee.endswith("signature"))


def _check(program: Program, function: FunctionInfo, at: int) -> _Misfit | None:
    effect = function.effects[at]
    known = takers(program, function, effect)
    why = [misfit(signature, effect.args) for signature in known.values()]
    if not known or not all(why):
        return None
    if all(map(_only_raises, known)) or _tries_the_other_way(program, function, effect):
        return None  # whatever it is given
    kind = roots_of(program).by_place
    if kind(function.path) != "test" and all(kind(_defined(one).path) == "test" for one in known):
        return None  # nobody hands over what a test makes for itself
    return None if _fits_another(program, function, effect) else _Misfit(at, effect, [*known], why)


def _tries_the_other_way(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """`except TypeError:` behind the same call with other arguments: one of the two fits whatever is there."""
    if any(map(_takes_type_errors, around(function, effect))):
        return True
    callers = program.callers(function) if len(function.effects) <= _FEW else ()
    return bool(callers) and all(any(map(_takes_type_errors, around(*call))) for call in callers)


def _takes_type_errors(region: Region) -> bool:
    return region.kind == "except" and "TypeError" in region.text


def _defined(candidate: One) -> FunctionInfo | ClassInfo:
    defined = unbound(candidate)
    assert isinstance(defined, FunctionInfo | ClassInfo)
    return defined


def _only_raises(candidate: One) -> bool:
    """A function that does nothing else, or a class that is not there yet: no way through its constructor ends well."""
    if isinstance(candidate, ClassInfo):
        made = candidate.method("__init__")
        return made is not None and always_raises(made)
    run = unbound(candidate)
    return isinstance(run, FunctionInfo) and run.facts.shape == "raise"


def _lacks_decorator(cls: ClassInfo, effect: Effect) -> bool:
    """Is a class given by their names what it only declares, as if it were a dataclass?"""
    declared = {field.name for field in cls.facts.fields if field.annotation}
    given = {argument.keyword for argument in effect.args if argument.keyword}
    return not cls.facts.decorators and "__init__" not in cls.methods and bool(declared & given)


def _lost_decorator(program: Program, cls: ClassInfo, calls: list[Call]) -> Report:
    return Report(
        Place(cls.path, cls.facts.line, cls.facts.column),
        cls.facts.qualname,
        f"{cls.name} declares fields and takes none: it has no @dataclass",
        tuple(program.step(function, effect, "and is given them here") for function, effect in calls[:3]),
        confidence="high",
        reason=f"{len(calls)} calls hand over by name what the class only declares",
        subject=cls.name,
        fix="put the decorator back",
    )


def _fits_another(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """On an object that somebody hands over: does any method of that name take this?"""
    receiver, _, name = effect.callee.rpartition(".")
    if not receiver or receiver in ("self", "super()") or receiver[:1].isupper():
        return False
    others = (f for f in program.functions if f.name == name and f.is_method)
    return any(not misfit(f.params, effect.args) for f in others)


def _report(program: Program, function: FunctionInfo, misfit: _Misfit, not_reached: str) -> Report:
    _, effect, candidates, why = misfit
    steps = [_step(candidate, reason) for candidate, reason in zip(candidates, why, strict=True)][:3]
    first = candidates[0]
    on_class = isinstance(first, FunctionInfo) and first.takes_self
    doubt = not_reached or _of_a_module(program, function, effect) or _doubt(program, function, misfit)
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{effect.callee} {why[0]}" + (", since it is called on the class" if on_class else ""),
        tuple(steps),
        confidence="low" if doubt else "high",
        reason=f"all that the call may run is known ({len(candidates)} of that name), and none takes these arguments"
        + doubt,
        subject=f"{effect.callee}:{why[0]}",
        origin=f"{effect.callee}:{why[0]}",
        mechanism=_AS_PROGRAM if _is_of_a_program(function, effect) else _IN_CODE,
        fix="bring the call and the definition together again",
    )


def _doubt(program: Program, function: FunctionInfo, misfit: _Misfit) -> str:
    """Why it may harm nobody."""
    unmade = why_never_made(program, function.owner)
    if unmade:
        return f", but {unmade}"
    interface = _of_an_interface(program, misfit.candidates)
    if interface:
        return interface
    handler = other_way(program, function, misfit.effect, "TypeError")
    missing = [names_missing(why) for why in misfit.why]
    why = why_never_entered(program, function) or why_translated(program, function)
    why = why or why_given_later(program, function, missing[0] if all(missing) else ())
    why = why or (f"the handler at line {handler} does something else instead" if handler else "")
    why = why or is_called_by_nobody(program, function) * f"nobody in this tree is known to call {function.name}"
    return f"; but {why}" if why else ""


def _of_a_module(program: Program, function: FunctionInfo, effect: Effect) -> str:
    """What others import is mostly only tried out by what it does as a program."""
    is_tried_out = _is_of_a_program(function, effect) and roots_of(program).is_imported(function.path)
    return "; but others import this module, and only whoever starts it by hand comes here" * is_tried_out


def _of_an_interface(program: Program, candidates: list[One]) -> str:
    """What only describes objects that others make is less than what they take."""
    first = candidates[0]
    cls = first.receiver if isinstance(first, Method) else None
    if cls is None or cls.subclasses or program.functions_calling(cls.name):
        return ""
    empty = all(isinstance(one, Method) and one.function.facts.shape == "pass" for one in candidates)
    return (
        f"; but {cls.name} does nothing there, and no code makes one: what is handed over is of another class" * empty
    )


def _step(candidate: One, why: str) -> Step:
    defined = _defined(candidate)
    return Step(defined.path, defined.facts.line, f"{defined.facts.qualname} is defined here and {why}")
