"""What type variables stand for: `T` of `class Box(Generic[T])` in a `Box[Pool]`, or of `def find(kind: type[T]) -> T`.

A type with variables is read in the file that names what they stand for, so all else in it must be known everywhere:
`list`, `Optional` and the like.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from llmlint.code.facts.facts import Effect
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.declared import Declared
from llmlint.code.link.entities import AttributeInfo, ClassInfo, FunctionInfo
from llmlint.code.link.objects import Instance, Known, Value
from llmlint.code.link.typetext import arguments_of, head_of, options_in_text

_WORD = re.compile(r"[A-Za-z_][\w.]*")
_KNOWN_EVERYWHERE = frozenset(
    "Optional Union Sequence Iterable Iterator Collection Mapping MutableMapping Generator AsyncGenerator "
    "AsyncIterator AsyncIterable List Dict Set Tuple Type deque defaultdict Deque DefaultDict Awaitable Coroutine "
    "Any".split()
)
_MAKER = "TypeVar"
_DEEPEST = 4


class _Meant(NamedTuple):
    """What a variable stands for, as written in a file."""

    text: str
    path: str
    within: str


class Generics:
    """`value_of` follows a path in a function; `modules` are the bodies of the program's files."""

    def __init__(
        self,
        declared: Declared,
        modules: Mapping[str, FunctionInfo],
        functions: Sequence[FunctionInfo],
        value_of: Callable[[FunctionInfo, str, Known], Value],
    ) -> None:
        self._declared = declared
        self._modules = modules
        self._functions = functions
        self._value_of = value_of
        self._parameters: dict[ClassInfo, tuple[str, ...]] = {}
        self._has: dict[ClassInfo, bool] = {}

    # ------------------------------------------------------------ classes

    def attribute(self, value: Instance, attribute: AttributeInfo) -> Value:
        """What an attribute of an object is, where its type is a variable that the object's class tells."""
        cls = value.cls
        if cls is None or not self._has_parameters(cls):
            return None
        texts = ((base, text) for base in attribute.owner.mro for text in _types_of(base, attribute.name))
        found = (self.told(text, value, base) for base, text in texts)
        return next((meant for meant in found if meant is not None), None)

    def told(self, text: str, value: Instance, owner: ClassInfo) -> Value:
        """What a type with variables, written in the class `owner`, is for an object of it or of a class below."""
        if value.cls is None or not text or not self._has_parameters(value.cls):
            return None
        variables = [name for name in _words(text) if name in self._parameters_of(owner)]
        meant = {name: self._meant(value, owner, name, 0) for name in variables}
        return self._read(text, {name: one for name, one in meant.items() if one is not None})

    def _meant(self, value: Instance, owner: ClassInfo, name: str, depth: int) -> _Meant | None:
        if value.cls is None or name not in self._parameters_of(owner) or depth > _DEEPEST:
            return None
        at = self._parameters_of(owner).index(name)
        if value.cls is owner:
            arguments = arguments_of(value.text)
            return _Meant(arguments[at], value.path, value.within) if at < len(arguments) else None
        for below in value.cls.mro:
            for text in below.facts.bases if owner in below.bases else ():
                arguments = arguments_of(text) if head_of(text) == owner.name else []
                if at < len(arguments):
                    deeper = self._meant(value, below, arguments[at], depth + 1)
                    return deeper or _Meant(arguments[at], below.path, below.facts.qualname.rpartition(".")[0])
        return None

    def _has_parameters(self, cls: ClassInfo) -> bool:
        """Has it, or a class above, a type variable?"""
        if cls not in self._has:
            self._has[cls] = cls.language == "python" and any(map(self._parameters_of, cls.mro))
        return self._has[cls]

    def _parameters_of(self, cls: ClassInfo) -> tuple[str, ...]:
        """Its type variables in their order: those of `Generic[…]`, else as its bases mention them."""
        found = self._parameters.get(cls)
        if found is None:
            bases = [base for base in cls.facts.bases if "[" in base]
            first = [base for base in bases if head_of(base) == "Generic"] or bases
            words = (word for base in first for argument in arguments_of(base) for word in _words(argument))
            found = tuple(dict.fromkeys(word for word in words if word in self._variables))
            self._parameters[cls] = found
        return found

    # ------------------------------------------------------------ functions

    def may_tell(self, path: str) -> bool:
        """Does a path begin with a call by the name of a function whose result has a type variable?"""
        name, call, _ = path.partition("()")
        return bool(call) and name.rpartition(".")[2] in self._function_names

    def given(self, caller: FunctionInfo, called: FunctionInfo, call: Effect, known: Known) -> Value:
        """What a call of a function with type variables gives, by what is handed over."""
        variables = [word for word in _words(called.facts.returns) if word in self._variables]
        if not variables:
            return None
        types = {param.name: param.annotation for param in called.facts.params}
        meant: dict[str, _Meant] = {}
        for name, argument in arguments_by_parameter(called, call).items():
            variable = next((v for v in variables if v in _words(types.get(name, ""))), "")
            value = self._value_of(caller, argument.path, known) if variable and argument.path else None
            found = _class_of(value, types.get(name, ""), variable)
            if found is not None:
                within = found.facts.qualname.rpartition(".")[0]
                meant.setdefault(variable, _Meant(found.name, found.path, within))
        return self._read(called.facts.returns, meant)

    @cached_property
    def _function_names(self) -> frozenset[str]:
        typed = [f for f in self._functions if f.facts.returns and f.language == "python"]
        told = {
            returns for returns in {f.facts.returns for f in typed} if not self._variables.isdisjoint(_words(returns))
        }
        return frozenset(function.name for function in typed if function.facts.returns in told)

    # ------------------------------------------------------------ variables

    @cached_property
    def _variables(self) -> frozenset[str]:
        """The names of all type variables of the program."""
        making = (module.facts for module in self._modules.values() if _MAKER in module.facts.gist.calls)
        effects = (effect for module in making for effect in module.effects if effect.type_text)
        return frozenset(e.path for e in effects if e.type_text.partition("(")[0].rpartition(".")[2] == _MAKER)

    def _read(self, text: str, meant: Mapping[str, _Meant]) -> Value:
        """A type with what its variables stand for in their place."""
        places = {(one.path, one.within) for one in meant.values()}
        others = [word for word in _words(text) if word not in meant]
        if len(places) != 1 or not all(map(_is_known_everywhere, others)):
            return None
        filled = _WORD.sub(lambda found: meant[found[0]].text if found[0] in meant else found[0], text)
        return self._declared.value(filled, *places.pop())


def _class_of(value: Value, annotation: str, variable: str) -> ClassInfo | None:
    """The class that an argument binds a variable to: itself for `type[T]`, that of an object for `T`."""
    if isinstance(value, ClassInfo):
        return value if any(head_of(one) in ("type", "Type") for one in options_in_text(annotation)) else None
    return value.cls if isinstance(value, Instance) and variable in options_in_text(annotation) else None


def _types_of(cls: ClassInfo, name: str) -> Iterator[str]:
    """The types that a class declares for an attribute, itself or by the parameter that is stored."""
    own = cls.own_attributes.get(name)
    for start in own.starts if own is not None else ():
        if start.annotation:
            yield start.annotation
        elif start.value == "path" and start.function is not None:
            yield from (param.annotation for param in start.function.facts.params if param.name == start.source)


def _words(text: str) -> list[str]:
    return _WORD.findall(text)


def _is_known_everywhere(word: str) -> bool:
    last = word.rpartition(".")[2]
    return last in _KNOWN_EVERYWHERE or hasattr(builtins, last)
