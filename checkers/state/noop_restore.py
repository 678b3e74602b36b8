"""LLM802: a method whose name promises to restore or reset, and whose body does nothing of the kind.

Five forms: the body only logs or only fills locals nobody reads; it is empty although the class keeps state that its
other methods fill; a restore throws away what was saved, and nobody has read it; a composite hands every hook on to its
parts but one, for which it inherits the base's empty body; a reset that may refuse says so by what it returns, and a
caller goes on without looking.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmlint.code.domain.state import (
    CONSTRUCTORS,
    attribute_of,
    changes_of,
    functions_of,
    head_of,
    is_setup,
    only_looks,
    place_of,
    symbol_of,
)
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Place, Report, Step
from llmlint.runtime.block import Block, Target
from llmlint.vocabulary import Vocabulary, words

_STAND_INS = frozenset("null noop dummy mock fake stub base abstract interface mixin protocol placeholder no".split())
_ABSTRACT_BASES = frozenset({"ABC", "Protocol", "abc.ABC", "typing.Protocol", "NamedTuple", "TypedDict"})
_EXCUSES = (
    "already",
    "no-op",
    "noop",
    "no op",
    "nothing to",
    "optional",
    "not needed",
    "deprecated",
    "stateless",
    "subclass",
    "override",
)
_RESTORING = frozenset("restore resume recover rollback reload rewind".split())
_UNSUPPORTED = ("not support", "unsupported")
_HOLLOW = frozenset({"log", "idle", "pass"})
_LEAVES_AS_IT_IS = frozenset({"call", "bind", "return", "break", "continue", "label", "goto"})
_EMPTY = frozenset({"pass", "constant", "raise", "log", "idle"})
_WAKING = frozenset("wake wakeup resume onload reload".split())
_FEWEST_IN_A_ROW = 3
_FEWEST_HOOKS = 3
_FEWEST_DOING = 2


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.asked.classes:
        if not _is_stand_in(cls):
            for method in cls.methods.values():
                yield from _hollow(program, cls, method)
            yield from _hook_left_out(program, cls)
    yield from _refused(program)


def _is_stand_in(cls: ClassInfo) -> bool:
    """Abstract classes, interfaces, null objects and shims may do nothing."""
    name = set(words(cls.facts.name))
    return bool(name & _STAND_INS) or any(base in _ABSTRACT_BASES for base in cls.unknown_bases)


def promises(vocabulary: Vocabulary, name: str) -> bool:
    return vocabulary.is_reset(name) is not None or bool(_RESTORING & set(words(name)[:2]))


def _hollow(program: Program, cls: ClassInfo, method: FunctionInfo) -> Iterator[Report]:
    facts = method.facts
    if not promises(program.vocabulary, facts.name) or not facts.has_body or _is_excused(program, cls, method):
        return
    given = [p.name for p in facts.params if p.name not in ("self", "cls") and p.kind == ""]
    state = _state_of(program, cls)
    if facts.shape in ("log", "idle"):
        what = "only logs" if facts.shape == "log" else "only fills locals that nobody reads"
        if given and facts.shape == "log":
            what += f" what it is given ({', '.join(given[:3])})"
        sure = "high" if given or state else "medium"
        because = "the body has no effect on anything" + (f" and the class keeps {_names(state)}" if state else "")
    elif state and _only_says(program, method):
        what, sure = "only logs, by what it calls", "medium"
        because = f"nothing that it calls has an effect, and the class keeps {_names(state)}"
    elif dropped := _only_drops(program, cls, method):
        what, sure = f"only throws away what was saved in {dropped}", "medium"
        because = "the body does nothing else than look, log and drop, and nothing reads what it drops"
    elif facts.shape in ("pass", "constant") and len(state) >= 2 and not facts.name.startswith("_"):
        doubt = _doubt(program, cls, method, state)
        what, sure = "does nothing", "low" if doubt else "medium"
        because = f"the body is empty while other methods fill {_names(state)}" + (f"; {doubt}" if doubt else "")
    else:
        return
    evidence = [Step(method.path, facts.body_line, f"the whole body: it {what}")]
    evidence += [Step(f.path, line, f"{f.facts.qualname} fills self.{a}") for a, (f, line) in list(state.items())[:3]]
    yield Report(
        head_of(method),
        symbol_of(method),
        f"{facts.name} {what}: callers believe the state is back, and go on with what was there before",
        tuple(evidence),
        confidence=sure,
        reason=because,
        fix=f"do the work in {facts.name}, or raise NotImplementedError so that callers learn of it",
        data={"runtime": {"targets": [{"qualname": facts.qualname, "role": "restore", "owner": cls.facts.qualname}]}},
    )


def _is_pair_of_nothing(program: Program, cls: ClassInfo, method: FunctionInfo) -> bool:
    """Does what it would undo (sleep for wake_up, save for restore) do nothing either?"""
    words_of, names = program.vocabulary, list(cls.all_methods)
    undone = [save for save, restore in words_of.save_restore_pairs(names) if restore == method.name]
    if not _WAKING.isdisjoint(words(method.name)[:1]):
        undone += [name for name in names if words_of.is_offload(name)]
    return bool(undone) and all(cls.all_methods[name].facts.shape in _EMPTY for name in undone)


def _doubt(program: Program, cls: ClassInfo, method: FunctionInfo, state: dict[str, tuple[FunctionInfo, int]]) -> str:
    """Is it one of a row that was left empty, or does the class keep nothing of the kind that the name says?"""
    row = [m.name for m in cls.methods.values() if m.facts.shape == "pass" and not m.name.startswith("_")]
    if len(row) >= _FEWEST_IN_A_ROW:
        return f"{len(row)} methods of the class are left empty: it may only stand in for another"
    named = program.vocabulary.is_reset(method.name) or ()
    kept = {_stem(word) for attribute in state for word in words(attribute)}
    if named and kept.isdisjoint(map(_stem, named)):
        return f"none of these is named as what is to be reset: {' '.join(named)}"
    return ""


def _stem(word: str) -> str:
    """`cache`, `caches` and `cached` are one."""
    return word[:4]


def _only_says(program: Program, method: FunctionInfo) -> bool:
    """Does it nothing but look, log and call functions of the program that do no more?"""
    calls = [effect for effect in method.effects if effect.callee]
    called = [program.callees(method, call, overrides=True) for call in calls]
    helpers = [f for functions in called for f in functions]
    return (
        any(f.facts.shape == "log" for f in helpers)
        and all(f.facts.shape in _HOLLOW for f in helpers)
        and all(functions or only_looks(program, call) for call, functions in zip(calls, called, strict=True))
        and all(e.op in _LEAVES_AS_IT_IS or e.callee for e in method.effects)
        and all(e.value in ("constant", "none", "") for e in method.effects if e.op == "return")
    )


def _only_drops(program: Program, cls: ClassInfo, method: FunctionInfo) -> str:
    """The saved containers that a restore empties, where it does no more and no function reads their content."""
    if _RESTORING.isdisjoint(words(method.name)[:2]):
        return ""
    drops = [e for e in method.effects if e.op == "clear" or (e.op == "assign" and e.value == "none")]
    others = [e for e in method.effects if e not in drops]
    if not all(only_looks(program, e) if e.callee else e.op in ("return", "bind") for e in others):
        return ""
    state = _state_of(program, cls)
    dropped = [a for e in drops if (a := attribute_of(e.path)) in state and e.op == "clear"]
    unread = [a for a in dropped if all(read.function is method for read in program.reads(cls, a))]
    return ", ".join(f"self.{a}" for a in dict.fromkeys(unread)) if len(unread) == len(dropped) else ""


def _is_excused(program: Program, cls: ClassInfo, method: FunctionInfo) -> bool:
    facts = method.facts
    said = facts.docstring.lower()
    if any(excuse in said for excuse in _EXCUSES) or any("abstract" in d or "override" in d for d in facts.decorators):
        return True
    if any(word in a.literal.lower() for e in method.effects for a in e.args for word in _UNSUPPORTED):
        return True
    if {"virtual", "pure", "override", "default", "delete"} & set(facts.specifiers):
        return True
    if _is_pair_of_nothing(program, cls, method):
        return True
    # An interface's default: somebody below does the work. An optional hook: a base has it and does nothing either.
    if any(facts.name in below.methods for below in cls.subclasses):
        return True
    above = [base.methods[facts.name] for base in cls.mro[1:] if facts.name in base.methods]
    if any(base.facts.shape in ("pass", "constant", "raise", "log") for base in above):
        return facts.shape in ("pass", "constant")
    return bool(cls.unknown_bases) and facts.shape in ("pass", "constant")


def _state_of(program: Program, cls: ClassInfo) -> dict[str, tuple[FunctionInfo, int]]:
    """Containers that ordinary methods fill, with where."""
    filled: dict[str, tuple[FunctionInfo, int]] = {}
    for attribute, changes in changes_of(program, cls).items():
        for change in changes:
            serving = _is_found(cls, change.function) and not is_setup(change.function)
            if change.effect.op == "insert" and serving and not program.vocabulary.is_not_state(attribute):
                filled.setdefault(attribute, (change.function, change.effect.line))
    return filled


def _is_found(cls: ClassInfo, function: FunctionInfo) -> bool:
    """Would an object of the class run it: has no class below its own put something else in its place?"""
    return function.name not in CONSTRUCTORS and cls.all_methods.get(function.name, function) is function


def _names(state: dict[str, tuple[FunctionInfo, int]]) -> str:
    return ", ".join(f"self.{name}" for name in list(state)[:3])


def _hook_left_out(program: Program, cls: ClassInfo) -> Iterator[Report]:
    """A composite that forwards each hook of its base to its parts, except one that the parts do implement."""
    for base in cls.mro[1:]:
        forwarded = {m.name: s for m in functions_of(program, cls) if (s := _forwards(program, cls, m, base))}
        if len(forwarded) < _FEWEST_HOOKS:
            continue
        siblings = [c for c in base.subclasses if c is not cls and cls not in c.mro]
        for name, inherited in base.methods.items():
            doing = [c for c in siblings if name in c.methods and c.methods[name].facts.shape in ("", "delegate")]
            if cls.method(name) is not inherited or inherited.facts.shape != "pass":
                continue
            if len(doing) >= _FEWEST_DOING or any(held in c.mro for held in _held(cls, base) for c in doing):
                yield _left_out(cls, name, inherited, doing, list(forwarded.values()))


def _held(cls: ClassInfo, base: ClassInfo) -> list[ClassInfo]:
    """What the composite is known to hold of the base's kind, where that says more than the base does."""
    held = [attribute.class_of for attribute in cls.attributes.values()]
    return [c for c in held if c is not None and c is not base and base in c.mro]


def _forwards(program: Program, cls: ClassInfo, method: FunctionInfo, base: ClassInfo) -> Step | None:
    """Where a method of the base is handed on to parts of the composite that are themselves of the base's kind."""
    if method.name not in base.methods:
        return None
    for effect in method.effects:
        receiver, _, name = effect.callee.rpartition(".")
        if name != method.name or not receiver.startswith("self."):
            continue
        part = program.class_of(method, receiver, cls)
        if base in part.mro if part is not None else receiver.endswith("[]"):
            return Step(method.path, effect.line, f"{method.name} is handed on to {effect.callee}")
    return None


def _left_out(
    cls: ClassInfo, name: str, inherited: FunctionInfo, doing: list[ClassInfo], forwarded: list[Step]
) -> Report:
    worker = doing[0].methods[name]
    evidence = (
        *forwarded[:3],
        Step(
            inherited.path, inherited.facts.line, f"{name} is inherited from {inherited.facts.qualname}: an empty body"
        ),
        Step(worker.path, worker.facts.line, f"{worker.facts.qualname} does work there"),
    )
    to_each = sum("[]" in step.message for step in forwarded) >= _FEWEST_HOOKS
    at = Place(cls.path, cls.facts.line, cls.facts.column, cls.facts.line, cls.facts.column + len(cls.facts.name) + 6)
    return Report(
        at,
        cls.facts.qualname,
        f"{cls.facts.name} hands {len(forwarded)} calls on to its parts but not {name}: "
        f"the empty {inherited.facts.qualname} answers instead, and the parts are never told",
        evidence,
        confidence="medium" if to_each else "low",
        reason=f"{len(doing)} sibling classes implement {name}"
        + ("" if to_each else "; the parts differ, and which of them need to be told is not visible"),
        subject=name,
        fix=f"define {name} in {cls.facts.name} and hand it on to the same parts",
    )


# ---------------------------------------------------------------- a refusal that nobody hears


def _refused(program: Program) -> Iterator[Report]:
    """`reset_prefix_cache()` answers False while blocks are in use; the caller that drops the answer resets nothing."""
    refusing: dict[str, tuple[FunctionInfo, Effect]] = {}
    for function in program.functions:
        refusal = _refusal(program, function) if function.name in program.asked.call_names else None
        if refusal is not None:
            refusing.setdefault(function.name, (function, refusal))
    for name, (function, refusal) in refusing.items():
        for caller, call in program.asked.calls(name):
            if call.result == "" and not call.args and _may_refuse(program, caller, call):
                yield _unheard(program, caller, call, function, refusal)


def _refusal(program: Program, function: FunctionInfo) -> Effect | None:
    """The `return False` of a reset that returns True where it did its work."""
    if program.vocabulary.is_reset(function.name) is None or len(words(function.name)) < 2:
        return None
    answers = [e for e in function.effects if e.op == "return" and e.value == "constant"]
    refusals = [e for e in answers if e.source in ("False", "false") and e.region]
    agrees = any(e.source in ("True", "true") for e in answers)
    return refusals[0] if refusals and agrees else None


def _may_refuse(program: Program, caller: FunctionInfo, call: Effect) -> bool:
    """Does what is called answer by yes or no? Where it is not known, all of that name must."""
    name = call.callee.rpartition(".")[2]
    targets = program.callees(caller, call) or tuple(
        f for f in program.functions if f.name == name and f.facts.shape not in ("pass", "raise")
    )
    return all("bool" in f.facts.returns or _refusal(program, f) is not None for f in targets)


def _unheard(program: Program, caller: FunctionInfo, call: Effect, function: FunctionInfo, refusal: Effect) -> Report:
    region, name = function.regions[refusal.region], function.name
    when = f"{'unless' if region.kind == 'else' else 'if'} {region.text}" if region.text else "where that fails"
    return Report(
        place_of(caller, call),
        symbol_of(caller),
        f"{caller.name} goes on as if {name} had done its work: it may refuse, and the answer is dropped",
        (
            Step(caller.path, call.line, f"the answer of {call.callee} is dropped"),
            Step(function.path, region.line, f"{function.facts.qualname} does nothing {when}"),
            Step(function.path, refusal.line, "and says so by returning False"),
        ),
        confidence="medium",
        reason=f"{name} returns False without having reset anything, and True where it has",
        subject=name,
        fix=f"look at what {call.callee} returns, or make sure beforehand that it cannot refuse",
        data={"runtime": _answers(caller, program.callees(caller, call) or (function,))},
    )


def _answers(caller: FunctionInfo, asked: Sequence[FunctionInfo]) -> dict[str, object]:
    """What a traced run watches: the function that drops the answer, and who may give it."""
    answers = [Target(f.facts.qualname, "answer", f.path) for f in asked[:4]]
    return Block(targets=(Target(caller.facts.qualname, "scope"), *answers)).plain()
