"""LLM802: a method whose name promises to restore or reset, and whose body does nothing of the kind.

Three forms: the body only logs or only fills locals nobody reads; it is empty although the class keeps state that its
other methods fill; a composite hands every hook on to its parts but one, for which it inherits the base's empty body.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.program import ClassInfo, FunctionInfo, Program
from llmlint.code.state import CONSTRUCTORS, changes_of, functions_of, head_of, is_setup, symbol_of
from llmlint.findings import Place, Report, Step
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
_FEWEST_HOOKS = 3


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.classes:
        if not _is_stand_in(cls):
            for method in cls.methods.values():
                yield from _hollow(program, cls, method)
            yield from _hook_left_out(program, cls)


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
    elif facts.shape in ("pass", "constant") and len(state) >= 2 and not facts.name.startswith("_"):
        what, sure = "does nothing", "medium"
        because = f"the body is empty while other methods fill {_names(state)}"
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


def _is_excused(program: Program, cls: ClassInfo, method: FunctionInfo) -> bool:
    facts = method.facts
    said = facts.docstring.lower()
    if any(excuse in said for excuse in _EXCUSES) or any("abstract" in d or "override" in d for d in facts.decorators):
        return True
    if {"virtual", "pure", "override", "default", "delete"} & set(facts.specifiers):
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
            serving = not is_setup(change.function) and change.function.name not in CONSTRUCTORS
            if change.effect.op == "insert" and serving and not program.vocabulary.is_not_state(attribute):
                filled.setdefault(attribute, (change.function, change.effect.line))
    return filled


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
            if cls.method(name) is inherited and inherited.facts.shape == "pass" and doing:
                yield _left_out(cls, name, inherited, doing, list(forwarded.values()))


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
    at = Place(cls.path, cls.facts.line, cls.facts.column, cls.facts.line, cls.facts.column + len(cls.facts.name) + 6)
    return Report(
        at,
        cls.facts.qualname,
        f"{cls.facts.name} hands {len(forwarded)} calls on to its parts but not {name}: "
        f"the empty {inherited.facts.qualname} answers instead, and the parts are never told",
        evidence,
        confidence="medium",
        reason=f"{len(doing)} sibling class(es) implement {name}",
        subject=name,
        fix=f"define {name} in {cls.facts.name} and hand it on to the same parts",
    )
