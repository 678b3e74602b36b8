"""What the elements of a thing are: by its declared type, by what is put into it, or by the methods of its class."""

from __future__ import annotations

from collections.abc import Callable

from llmlint.code.facts.container_methods import ELEMENT_GETTERS
from llmlint.code.link.asking import Asking, Question
from llmlint.code.link.contents import Contents
from llmlint.code.link.declared import Declared
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.names import Outside
from llmlint.code.link.objects import AnyOf, Container, Instance, One, Value, any_declared, beyond, joined
from llmlint.code.link.typetext import element_of, head_of, part_of

_FOLLOWING = {"__iter__": "__next__", "__aiter__": "__anext__"}
"""By what begins a loop over an object, `async for` too: what gives each element where that is the object itself."""


class Elements:
    """`returned` says what a method gives, `step` takes a value one step on."""

    def __init__(
        self,
        asking: Asking[Question, Value],
        declared: Declared,
        contents: Contents,
        returned: Callable[[FunctionInfo, ClassInfo | None], Value],
        step: Callable[[Value, str], Value],
    ) -> None:
        self._asking = asking
        self._declared = declared
        self._contents = contents
        self._returned = returned
        self._step = step

    def of(self, value: One, step: str) -> Value:
        if isinstance(value, Container):
            put = self._asking.ask((value, "element"), lambda: self._contents.element(value))
            return any_declared((put, self.of(value.said, step))) if value.said is not None else put
        if isinstance(value, Outside):
            return Outside(f"{value.name}{step}")
        if isinstance(value, ClassInfo | FunctionInfo):
            return value  # a generic class with its arguments; a kernel with its grid
        if not isinstance(value, Instance):
            return None
        element = self._element_text(value, step)
        if element:
            return self._declared.value(element, value.path, value.within)
        return self._outside_element(value, step) if value.cls is None else self._got_from(value.cls, step)

    def _element_text(self, value: Instance, step: str) -> str:
        """The type of an element as the container's type tells it; a C++ class may be behind a pointer of that type."""
        if not self._declared.is_python(value.path):
            return element_of(value.text, "cpp")
        if value.cls is not None:
            return ""
        found = part_of(value.text, int(step[1:-1])) if len(step) > 2 else element_of(value.text, "python")
        return found or (head_of(value.text) if head_of(value.text) in ("str", "bytes") else "")

    def _got_from(self, cls: ClassInfo, step: str) -> Value:
        """What an object of a class of the program gives for an index, to a loop or by a method like a container's."""
        getter = cls.method("__getitem__") or next((m for name in _FOLLOWING if (m := cls.method(name))), None)
        if getter is None:
            found = self._element_of_base(cls) or self._got_by_name(cls)
            return found or (self._sliced(cls) if step == "[]" else None)  # `a, b = work` takes no slice
        found = self._returned(getter, cls)
        if getter.name not in _FOLLOWING:
            return found
        if isinstance(found, Instance) and found.cls is cls:  # it is its own iterator
            following = cls.method(_FOLLOWING[getter.name])
            return self._returned(following, cls) if following is not None else None
        return self._asking.ask((cls, "iterated"), lambda: self._step(found, "[]"))

    def _got_by_name(self, cls: ClassInfo) -> Value:
        """Facts read `pool.get()` as an element of the pool, whatever the pool is."""
        getters = (cls.method(name) for name in sorted(ELEMENT_GETTERS))
        found = joined(self._returned(getter, cls) for getter in getters if getter is not None)
        return found if not isinstance(found, AnyOf) else None

    def _sliced(self, cls: ClassInfo) -> Value:
        """Facts read `pools[1:]` as an element of the list: what has none itself is one of the slice."""
        return Instance(cls) if cls.language == "python" and beyond(cls.mro, "__getitem__") is None else None

    def _element_of_base(self, cls: ClassInfo) -> Value:
        """What an object holds by a base of its class: `class Sweep(list["Item"])`."""
        for base in cls.mro:
            for text in base.facts.bases if base.language == "python" else ():
                element = element_of(text, "python")
                if element and head_of(text) not in ("Generic", "Protocol"):
                    return self._declared.value(element, base.path, base.facts.qualname)
        return None

    def _outside_element(self, value: Instance, step: str) -> Value:
        name = self._declared.outside_name(value) if self._declared.is_python(value.path) else ""
        return Outside(f"{name}{step}") if "." in name else None
