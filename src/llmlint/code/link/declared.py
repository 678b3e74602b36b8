"""What a type as written declares: an object of a class, one of several, a class itself.

Names in it are followed through aliases (`Handler: TypeAlias = Union[A, B]`), bounds of type variables and new types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.names import Names, Outside, Variable
from llmlint.code.link.objects import Instance, Value, any_declared, options_in
from llmlint.code.link.typetext import (
    arguments_of,
    bare_cpp,
    head_of,
    names_in,
    options_in_text,
    split_top,
    written_head,
)

_TELLS_NOTHING = frozenset("Any object auto AnyStr".split())
_CLASSES = frozenset({"type", "Type"})
_BOUND = re.compile(r"\bbound\s*=\s*")
_ANYTHING = "Any"
"""What a type variable without bound and constraints is."""
_DEEPEST = 6


class Declared:
    def __init__(self, names: Names, modules: Mapping[str, FunctionInfo]) -> None:
        self._names = names
        self._modules = modules
        self._known: dict[tuple[str, str, str], Value] = {}
        self._aliases: dict[str, dict[str, str]] = {}

    def value(self, text: str, path: str, within: str = "") -> Value:
        """What is declared by `text`, as written in the file `path` inside `within`."""
        key = (text, path, within)
        if key not in self._known:
            self._known[key] = self._value(text, path, within, 0)
        return self._known[key]

    def is_python(self, path: str) -> bool:
        return self._names.language_of(path) == "python"

    def class_meant(self, path: str, name: str, within: str = "") -> ClassInfo | None:
        """The class a type's name stands for in a file, also through a pointer type named after it (`pool_ptr`)."""
        meant = self._names.lookup(path, name, within)
        if isinstance(meant, Outside) and name.endswith("_ptr") and self._names.language_of(path) != "python":
            meant = self._names.lookup(path, name.removesuffix("_ptr"), within)
        return meant if isinstance(meant, ClassInfo) else None

    def outside_name(self, value: Instance) -> str:
        """The full name of the class of an object that is none of the program's: `torch.Tensor`, `dict`."""
        if self._names.language_of(value.path) != "python":
            return bare_cpp(value.text)
        names = names_in(value.text, "python")
        if not names:
            return ""
        return self._names.dotted(self._names.lookup(value.path, names[0], value.within)) if value.path else names[0]

    def _value(self, text: str, path: str, within: str, depth: int) -> Value:
        if not text or text in _TELLS_NOTHING or depth > _DEEPEST:
            return None
        if self._names.language_of(path) != "python":
            if bare_cpp(text) in _TELLS_NOTHING:
                return None
            found = (self.class_meant(path, name, within) for name in names_in(text, "cpp"))
            return Instance(next((cls for cls in found if cls is not None), None), text, path, within)
        return any_declared(self._one(option, path, within, depth) for option in options_in_text(text))

    def _one(self, text: str, path: str, within: str, depth: int) -> Value:
        last = head_of(text)
        if last in _TELLS_NOTHING:
            return None
        if last == "Literal":
            return Instance(None, "str" if text[-2:-1] in "\"'" else "int", path, within)
        if last in _CLASSES and arguments_of(text):
            meant = self._value(arguments_of(text)[0], path, within, depth + 1)
            return any_declared(option.cls for option in options_in(meant) if isinstance(option, Instance))
        name = written_head(text)
        if not path:
            return Instance(None, text)
        if not name.replace(".", "").isidentifier():
            return None
        meaning = self._names.lookup(path, name, within)
        if isinstance(meaning, Variable):
            alias = self._alias(meaning)
            said = self._value(alias, meaning.path, "", depth + 1) if alias else None
            filled = arguments_of(text) if self._has_open_option(alias, meaning.path) else ()
            return any_declared((said, *(self._value(argument, path, within, depth + 1) for argument in filled)))
        return Instance(meaning if isinstance(meaning, ClassInfo) else None, text, path, within)

    def _has_open_option(self, alias: str, path: str) -> bool:
        """Is one of the options an unbound type variable: `Union[Unset, T]`?"""
        for option in options_in_text(alias):
            meaning = self._names.lookup(path, option, "") if option.isidentifier() else None
            if isinstance(meaning, Variable) and self._alias(meaning) == _ANYTHING:
                return True
        return False

    def _alias(self, variable: Variable) -> str:
        aliases = self._aliases.get(variable.path)
        if aliases is None:
            module = self._modules.get(variable.path)
            effects = module.facts.effects if module is not None else ()
            aliases = self._aliases[variable.path] = {e.path: _type_in(e.type_text) for e in effects if e.type_text}
        return aliases.get(variable.name, "")


def _type_in(text: str) -> str:
    """The type behind an alias as written: of a type variable its bound or its constraints, of a new type the old."""
    head, bracket, rest = text.partition("(")
    last = head.strip().rpartition(".")[2]
    if not bracket or last not in ("TypeVar", "NewType"):
        return text
    arguments = split_top(rest.rstrip()[:-1], ",")[1:]
    if last == "TypeVar" and all("=" in argument for argument in arguments) and "bound" not in text:
        return _ANYTHING
    bound = next((_BOUND.sub("", argument) for argument in arguments if _BOUND.match(argument)), "")
    return bound or " | ".join(argument for argument in arguments if "=" not in argument)
