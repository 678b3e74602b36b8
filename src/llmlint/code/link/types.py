"""What an access path stands for: an object of a class, a class itself, a function, a module.

A path is walked name by name. Its first name is `self`, a parameter, a local or a name of the module; each further step
is an attribute, an index or a call, whose class is known from what was assigned or declared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from llmlint.code.link.asking import Asking
from llmlint.code.link.entities import AttributeInfo, ClassInfo, FunctionInfo, Start
from llmlint.code.link.names import Module, Names, Outside, Variable
from llmlint.code.link.typetext import element_of, names_in

_STEPS = re.compile(r"\[\]|\(\)|[^.\[\]()]+")


class Instance(NamedTuple):
    """An object, by its class or by its type as written in the file `path` inside `within`."""

    cls: ClassInfo | None
    text: str = ""
    path: str = ""
    within: str = ""


class Method(NamedTuple):
    """A method as found on an object: calling it binds `self`."""

    function: FunctionInfo
    receiver: ClassInfo


class Super(NamedTuple):
    """`super()`: the classes after `above` in the order of `cls`."""

    cls: ClassInfo
    above: ClassInfo


Value: TypeAlias = Instance | ClassInfo | FunctionInfo | Method | Super | Module | Outside | None
_Question: TypeAlias = tuple[FunctionInfo | AttributeInfo, ClassInfo | str | None]
Known: TypeAlias = Mapping[str, ClassInfo]
"""Classes of roots that the caller knows better than the function does: `self` above all, and parameters."""

NOTHING_KNOWN: Known = {}


class Types:
    def __init__(self, names: Names) -> None:
        self._names = names
        self._modules: dict[str, FunctionInfo] = {}
        self._bound: dict[tuple[FunctionInfo, tuple[str, ...]], dict[str, list[Start]]] = {}
        self._asking: Asking[_Question, Value] = Asking()

    def learn_modules(self, modules: Mapping[str, FunctionInfo]) -> None:
        """`<module>` of each file, where the module-level variables get their values."""
        self._modules.update(modules)

    # ------------------------------------------------------------ questions

    def class_of(self, function: FunctionInfo, path: str, known: Known = NOTHING_KNOWN) -> ClassInfo | None:
        """The class of the object a path stands for in a function."""
        return self.object_class(self.value_of(function, path, known))

    def object_class(self, value: Value) -> ClassInfo | None:
        if isinstance(value, Super):
            return value.cls
        if not isinstance(value, Instance):
            return None
        if value.cls is not None or not value.text:
            return value.cls
        for name in names_in(value.text, self._language(value.path)):
            found = self.class_meant(value.path, name, value.within)
            if found is not None:
                return found
        return None

    def class_meant(self, path: str, name: str, within: str = "") -> ClassInfo | None:
        """The class a type's name stands for in a file, also through a pointer type named after it (`pool_ptr`)."""
        meant = self._names.lookup(path, name, within)
        if isinstance(meant, Outside) and name.endswith("_ptr") and self._language(path) != "python":
            meant = self._names.lookup(path, name.removesuffix("_ptr"), within)
        return meant if isinstance(meant, ClassInfo) else None

    def value_of(self, function: FunctionInfo, path: str, known: Known = NOTHING_KNOWN) -> Value:
        if known:
            return self._walk(function, path, known)
        return self._asking.ask((function, path), lambda: self._walk(function, path, known))

    def _walk(self, function: FunctionInfo, path: str, known: Known) -> Value:
        steps = _STEPS.findall(path)
        if not steps:
            return None
        if steps[:2] == ["super", "()"]:
            value: Value = self._super(function, known)
            steps = steps[2:]
        else:
            value = self._root(function, steps[0], known)
            steps = steps[1:]
        for step in steps:
            if value is None:
                return None
            value = self._step(value, step)
        return value

    def attribute(self, attribute: AttributeInfo) -> Instance | None:
        """What an attribute holds, by its declared type or else by what is assigned to it."""
        held = self._asking.ask((attribute, None), lambda: self._attribute(attribute))
        return held if isinstance(held, Instance) else None

    # ------------------------------------------------------------ roots

    def _super(self, function: FunctionInfo, known: Known) -> Super | None:
        owner = function.owner
        return Super(known.get("self") or owner, owner) if owner is not None else None

    def _root(self, function: FunctionInfo, name: str, known: Known) -> Value:
        if name in known:
            return Instance(known[name])
        if name == "self" and function.owner is not None:
            return Instance(function.owner)
        within = function.facts.qualname
        for param in function.facts.params:
            if param.name == name:
                return Instance(None, param.annotation, function.path, within) if param.annotation else None
        starts = self._locals(function).get(name)
        if starts:
            return self._first_known(starts)
        return self._module_name(function.path, name, within)

    def _module_name(self, path: str, name: str, within: str) -> Value:
        meaning = self._names.lookup(path, name, "" if within == "<module>" else within)
        if not isinstance(meaning, Variable):
            return meaning
        module = self._modules.get(meaning.path)
        starts = self._globals(module).get(meaning.name) if module else None
        return self._first_known(starts) if starts else None

    def _locals(self, function: FunctionInfo) -> dict[str, list[Start]]:
        return self._starts(function, ("bind",))

    def _globals(self, module: FunctionInfo) -> dict[str, list[Start]]:
        return self._starts(module, ("assign", "bind"))

    def _starts(self, function: FunctionInfo, ops: tuple[str, ...]) -> dict[str, list[Start]]:
        starts = self._bound.get((function, ops))
        if starts is None:
            starts = self._bound[function, ops] = {}
            for effect in function.effects:
                if effect.op in ops and (effect.via in ("", "with", "for") or effect.via == "declare"):
                    annotation = effect.source if effect.via == "declare" else effect.annotation
                    start = Start(function, effect.line, effect.value, effect.source, annotation)
                    starts.setdefault(effect.path, []).append(start)
        return starts

    def _first_known(self, starts: list[Start]) -> Value:
        for start in starts:
            value = self._start(start)
            if value is not None and not isinstance(value, Outside):
                return value
        return None

    def _start(self, start: Start, owner: ClassInfo | None = None) -> Value:
        """What one assignment gives: by its annotation, else by the call or path that is assigned."""
        function = start.function
        path = function.path if function else owner.path if owner else ""
        within = function.facts.qualname if function else owner.facts.qualname if owner else ""
        if start.annotation and start.annotation not in ("auto", "Any"):
            return Instance(None, start.annotation, path, within)
        if start.value == "new":
            return self._made(function, path, within, start.source)
        if start.value == "path" and function is not None:
            return self.value_of(function, start.source)
        return None

    def _made(self, function: FunctionInfo | None, path: str, within: str, source: str) -> Value:
        if self._language(path) != "python" and not source.startswith(("self.", "~")):
            found = self._names.lookup(path, source, within)
            if isinstance(found, ClassInfo):
                return Instance(found)
        if function is not None:
            return self.value_of(function, f"{source}()")
        meaning = self._names.lookup(path, source, within)
        return None if isinstance(meaning, Variable) else self._step(meaning, "()")

    def _attribute(self, attribute: AttributeInfo) -> Instance | None:
        language = attribute.owner.language
        for start in attribute.starts:
            value = self._start(start, attribute.owner)
            if isinstance(value, Instance) and (value.cls is not None or names_in(value.text, language)):
                return value
        return next((Instance(None, s.annotation, attribute.path) for s in attribute.starts if s.annotation), None)

    # ------------------------------------------------------------ steps

    def _step(self, value: Value, step: str) -> Value:
        if step == "[]":
            return self._element(value)
        if step == "()":
            return self._result(value)
        match value:
            case Super(cls=cls, above=above):
                order = cls.mro[cls.mro.index(above) + 1 :] if above in cls.mro else above.mro[1:]
                found = next((c.methods[step] for c in order if step in c.methods), None)
                return Method(found, cls) if found else None
            case ClassInfo():
                return self._of_class(value, step)
            case Module() | Outside():
                meaning = self._names.member(value, step)
                return self._module_name(meaning.path, step, "") if isinstance(meaning, Variable) else meaning
        held = self.object_class(value)
        return self._member(held, step) if held is not None else None

    def _member(self, cls: ClassInfo, name: str) -> Value:
        method = cls.method(name)
        if method is not None:
            return self._returned(method, cls) if method.is_property else Method(method, cls)
        attribute = cls.attributes.get(name)
        return self.attribute(attribute) if attribute is not None else None

    def _of_class(self, cls: ClassInfo, name: str) -> Value:
        method = cls.method(name)
        if method is not None:
            return Method(method, cls) if "classmethod" in method.facts.decorators else method
        attribute = cls.attributes.get(name)
        if attribute is not None:
            return self.attribute(attribute)
        meaning = self._names.member(cls, name)
        return meaning if not isinstance(meaning, Variable) else None

    def _element(self, value: Value) -> Value:
        if not isinstance(value, Instance):
            return None
        if value.cls is None:
            element = element_of(value.text, self._language(value.path))
            if element:
                return Instance(None, element, value.path, value.within)
        cls = self.object_class(value)
        getter = cls.method("__getitem__") if cls is not None else None
        return self._returned(getter, cls) if getter is not None and cls is not None else None

    def _result(self, value: Value) -> Value:
        match value:
            case ClassInfo():
                return Instance(value)
            case FunctionInfo():
                return self._returned(value, value.owner)
            case Method(function=function, receiver=receiver):
                return self._returned(function, receiver)
        return None

    def _returned(self, function: FunctionInfo, receiver: ClassInfo | None) -> Value:
        """What a call gives: by the return annotation, else by a plain `return Pool(...)` or `return self.pool`."""
        text = function.facts.returns
        if text.strip("\"'").rpartition(".")[2] == "Self" and receiver is not None:
            return Instance(receiver)
        if text and text not in ("auto", "Any"):
            return Instance(None, text, function.path, function.facts.qualname)
        return self._asking.ask((function, receiver), lambda: self._returned_unsaid(function, receiver))

    def _returned_unsaid(self, function: FunctionInfo, receiver: ClassInfo | None) -> Value:
        for effect in function.effects:
            if effect.op == "return" and effect.value in ("new", "path") and effect.source:
                made = f"{effect.source}()" if effect.value == "new" else effect.source
                value = self.value_of(function, made, {"self": receiver} if receiver else NOTHING_KNOWN)
                if isinstance(value, Instance):
                    return value
        return None

    def _language(self, path: str) -> str:
        return self._names.language_of(path)
