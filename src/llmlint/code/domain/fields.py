"""How the attributes of an object move away from how they began, and what brings them back.

An attribute begins with what the constructor, or the class body, gives it. A change is a way back where it gives that
again (`None`, an empty container, the same constant, a new object of the same class, what the constructor was given and
keeps), and a move otherwise. What runs while the object is made counts as neither.
"""

from __future__ import annotations

from collections import defaultdict

from llmlint.code.domain.state import attribute_of, is_setup
from llmlint.code.facts.facts import Effect, Function
from llmlint.code.facts.gists import CHANGING
from llmlint.code.link.once import once
from llmlint.code.link.program import AttributeInfo, ClassInfo, FunctionInfo, Program

ByFunction = dict[FunctionInfo, list[Effect]]


class Fields:
    """`moves` and `backs` of each attribute by the function that makes them; `uses`: whose methods are called."""

    def __init__(self, program: Program, cls: ClassInfo) -> None:
        self.cls = cls
        self.moves: dict[str, ByFunction] = defaultdict(lambda: defaultdict(list))
        self.backs: dict[str, ByFunction] = defaultdict(lambda: defaultdict(list))
        self.uses: dict[str, set[FunctionInfo]] = defaultdict(set)
        for ancestor in cls.mro:
            for function in program.functions_of(ancestor):
                if function not in cls.building and not is_setup(function) and not function.is_class_method:
                    self._read(function)

    def _read(self, function: FunctionInfo) -> None:
        for name, effect in once(function.settled, _on_attributes):
            known = self.cls.attributes.get(name)
            if known is None:
                continue
            if effect.op == "call" and effect.path.count(".") == 2:
                self.uses[name].add(function)
            elif effect.op in CHANGING and effect.path.replace("[]", "") == f"self.{name}":
                is_back = effect.path == f"self.{name}" and brings_back(effect, known)
                (self.backs if is_back else self.moves)[name][function].append(effect)


def _on_attributes(function: Function) -> tuple[tuple[str, Effect], ...]:
    """What a function does to attributes of `self`, or calls on them."""
    named = ((attribute_of(effect.path), effect) for effect in function.effects)
    return tuple((name, effect) for name, effect in named if name and (effect.op == "call" or effect.op in CHANGING))


def brings_back(effect: Effect, known: AttributeInfo) -> bool:
    """Does the effect, on the attribute itself, give it again what it began with?"""
    if effect.op == "clear":
        return True
    if effect.op != "assign" or effect.via not in ("", "="):
        return False
    match effect.value:
        case "none":
            return known.value in ("none", "")
        case "empty":
            return True
        case "constant" | "new":
            return known.value == effect.value and known.source == effect.source
        case "path":
            return known.value == "path" and _is_kept_from(known, effect.source)
    return False


def _is_kept_from(known: AttributeInfo, source: str) -> bool:
    """Is the source the attribute that keeps the parameter the known one began with: `self.initial` for `initial`?"""
    kept = known.owner.attributes.get(attribute_of(source))
    return kept is not None and kept is not known and (kept.value, kept.source) == ("path", known.source)
