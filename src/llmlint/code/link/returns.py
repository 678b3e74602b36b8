"""What a call of a function gives: as it declares, or by what it returns and yields."""

from __future__ import annotations

from collections.abc import Callable

from llmlint.code.facts.facts import Effect
from llmlint.code.link.asking import Asking, Question
from llmlint.code.link.declared import Declared
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.exits import own_returns
from llmlint.code.link.generics import Generics
from llmlint.code.link.objects import NOTHING_KNOWN, Instance, Known, Value, any_declared, builtin, joined, many
from llmlint.code.link.typetext import literal_type


class Returns:
    """`value_at` follows a path on a line of a function."""

    def __init__(
        self,
        asking: Asking[Question, Value],
        declared: Declared,
        generics: Generics,
        value_at: Callable[[FunctionInfo, int, str, Known], Value],
    ) -> None:
        self._value_at = value_at
        self._asking = asking
        self._declared = declared
        self._generics = generics

    def of(self, function: FunctionInfo, receiver: ClassInfo | None) -> Value:
        """What a call gives: by the return annotation, else by a plain `return Pool(...)` or `return self.pool`."""
        text = function.facts.returns
        if text.strip("\"'").rpartition(".")[2] == "Self" and receiver is not None:
            return Instance(receiver)
        said = self._declared.value(text, function.path, function.facts.qualname) if text else None
        told = self._generics.told(text, Instance(receiver), function.owner) if receiver and function.owner else None
        if told is not None or said is not None:
            return told or said
        return self._asking.ask((function, receiver), lambda: self._returned_unsaid(function, receiver))

    def _returned_unsaid(self, function: FunctionInfo, receiver: ClassInfo | None) -> Value:
        known = {"self": receiver} if receiver else NOTHING_KNOWN
        if function.facts.is_generator and function.language == "python":
            return self._yielded(function, known)
        return any_declared(self._one_returned(function, effect, known) for effect in own_returns(function))

    def _yielded(self, function: FunctionInfo, known: Known) -> Value:
        """What a generator gives, where all that it hands out is of one class."""
        handed = (e for e in function.effects if e.op == "yield" and e.via != "from")
        return many("Iterator", [self._value_at(function, effect.line, effect.path, known) for effect in handed])

    def _one_returned(self, function: FunctionInfo, effect: Effect, known: Known) -> Value:
        if effect.options:
            return joined(self._value_at(function, effect.line, option, known) for option in effect.options)
        if effect.value in ("new", "path") and effect.source:
            made = f"{effect.source}()" if effect.value == "new" else effect.source
            return self._value_at(function, effect.line, made, known)
        if effect.value == "constant":
            return builtin(literal_type(effect.source))
        if effect.holds:
            return many("list", [self._value_at(function, effect.line, path, known) for path in effect.holds])
        return None
