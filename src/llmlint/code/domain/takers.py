"""What a call may run, each with what it takes: nothing where one of them is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llmlint.code.domain.signatures import Signature, signature_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.objects import Method, One, unbound
from llmlint.code.link.once import once
from llmlint.code.link.program import Program
from llmlint.phrases import last_name

_PARTIAL = ("partial", "partialmethod")
_MADE_ELSEWHERE = ("partial", "__new__")
_DESCRIBES = "zope.interface.Interface"
"""Its methods are written without `self`: zopeinterface.readthedocs.io."""


def takers(program: Program, function: FunctionInfo, effect: Effect) -> dict[One, Signature]:
    """All that the call may run, each with what it takes; nothing where one of them is not known."""
    meanings = program.meanings(function, effect.callee)
    if not meanings or _is_unsure(program, function, effect, meanings):
        return {}
    candidates = dict.fromkeys(found for meaning in meanings for found in _candidates(program, meaning))
    signatures = {candidate: signature_of(candidate) for candidate in candidates}
    known = {candidate: signature for candidate, signature in signatures.items() if signature is not None}
    return known if len(known) == len(candidates) else {}


def _candidates(program: Program, meaning: One) -> Iterator[One]:
    """What may run: overrides too, and what is defined by the same name for another platform."""
    match meaning:
        case Method(function=method, receiver=receiver):
            yield from (Method(twin, receiver) for twin in program.twins_of(method))
            for sub in receiver.subclasses:
                if method.name in sub.methods:
                    yield Method(sub.methods[method.name], sub)
        case FunctionInfo():
            yield from program.twins_of(meaning)
        case _:
            yield meaning


def _is_unsure(program: Program, function: FunctionInfo, effect: Effect, meanings: Iterable[One]) -> bool:
    """Is more than what is known called here, or in another way?"""
    if effect.callee.endswith(".__new__"):  # whoever calls it hands over the class himself
        return True
    if effect.callee.startswith("super()"):
        return _has_other_bases(function, effect)
    if program.names.is_given_twice(function.path, effect.callee.partition(".")[0]):
        return True
    if _is_asked_whether_a_class(function, effect.callee.rpartition(".")[0]):
        return True
    given = list(_given_around(program, function, effect))
    if any(last_name(source) in _PARTIAL for source in given):
        return True
    known = {meaning.name for meaning in meanings if isinstance(meaning, FunctionInfo | ClassInfo)}
    is_plain = any(isinstance(meaning, FunctionInfo) for meaning in meanings)
    if (is_plain or len(given) > 1) and any(last_name(source) not in known for source in given):
        return True  # `score = score_of_words`, in a function, is no longer the `score` of the file
    return any(_is_held_aside(program, function, effect, meaning) for meaning in meanings)


def _is_asked_whether_a_class(function: FunctionInfo, receiver: str) -> bool:
    """`kind.make(None) if isinstance(kind, type) else kind.make()`"""
    return bool(receiver) and any(f"isinstance({receiver}, type)" in region.text for region in function.regions)


def _given_around(program: Program, function: FunctionInfo, effect: Effect) -> Iterator[str]:
    """What the class or the functions around give the name that is called: `self.pad = partial(pad, size=8)`."""
    base, _, name = effect.callee.rpartition(".")
    kept = function.owner.attributes.get(name) if base == "self" and function.owner is not None else None
    if kept is not None and kept.source:
        yield kept.source
    for around in program.functions_around(function):
        yield from (e.source for e in around.effects if e.op == "bind" and e.path == effect.callee and e.source)


def _has_other_bases(function: FunctionInfo, effect: Effect) -> bool:
    """Who comes next is open under several bases, in a class method, and where it is said who."""
    owner = function.owner
    said = any(e.callee == "super" and e.args and abs(e.line - effect.line) <= 1 for e in function.effects)
    if owner is None or said or function.is_class_method or effect.callee.endswith(_MADE_ELSEWHERE):
        return True
    return any(len(cls.facts.bases) != 1 for cls in (*owner.mro[:-1], *owner.subclasses))


def _is_held_aside(program: Program, function: FunctionInfo, effect: Effect, meaning: One) -> bool:
    path = effect.callee
    name = path.rpartition(".")[2]
    if _is_replaced(program, meaning):
        return True
    match meaning:
        case Method():
            return meaning.function.name != name
        case FunctionInfo(owner=owner):
            if meaning is function or meaning.name != name or "(" in path or "[" in path:
                return True
            if owner is None and program.names.is_given_twice(meaning.path, name):
                return True
            return owner is not None and meaning.takes_self and (path.startswith("self.") or function.is_class_method)
        case ClassInfo():
            if program.names.is_given_twice(meaning.path, meaning.facts.qualname):
                return True
            return meaning.name != name and (bool(meaning.subclasses) or "." in path or path == "self")
    return True


def _is_replaced(program: Program, meaning: One) -> bool:
    """Does some code put another in its place: `types.Message = Message`, `self.forward = faster`, or below it
    `_fit = staticmethod(fit)` in the body of a class? What only describes an interface is always replaced."""
    one = unbound(meaning)
    if not isinstance(one, ClassInfo | FunctionInfo):
        return False
    owner = one.owner if isinstance(one, FunctionInfo) and one.is_method else None
    if owner is not None and any(_DESCRIBES in above.unknown_bases for above in owner.mro):
        return True
    below = owner.subclasses if owner is not None else ()
    if any(field.name == one.name for cls in below for field in cls.facts.fields):
        return True
    if one.name in once(program, _names_set):
        return True
    changes = (change for change in program.changes_named(one.name) if change[1].op == "assign")
    return any(
        (path == f"self.{one.name}" and owner is not None and by.owner is not None and by.owner.is_kin_of(owner))
        or program.resolve(by, path) == one.full_name
        for by, _, path in changes
    )


def _names_set(program: Program) -> frozenset[str]:
    """The names that `setattr(module, "Message", make)` says."""
    return frozenset(named.literal[1:-1] for _, effect in program.calls_named("setattr") for named in effect.args[1:2])
