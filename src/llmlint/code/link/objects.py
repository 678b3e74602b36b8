"""What an access path may stand for: an object, one of several, a class, a method, a container, something outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from llmlint.code.facts.facts import Param
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.names import Module, Outside
from llmlint.code.link.typetext import element_of, head_of

_BARE = frozenset("list dict set tuple deque defaultdict OrderedDict List Dict Set Tuple Deque DefaultDict".split())
_NO_BASES = ("ABC", "Generic", "Protocol", "object")
_FUNCTION = "Callable"
_MOST = 4
_MOST_DECLARED = 16


class Instance(NamedTuple):
    """An object, by its class, and by its type as written in the file `path` inside `within`."""

    cls: ClassInfo | None
    text: str = ""
    path: str = ""
    within: str = ""


class Method(NamedTuple):
    """A method as found on an object: calling it binds `self`, the first parameter also of a plain function that a
    class body gives a name."""

    function: FunctionInfo
    receiver: ClassInfo

    @property
    def params(self) -> tuple[Param, ...]:
        """What a caller gives arguments for."""
        return self.function.params if self.function.is_method else self.function.params[1:]


class Super(NamedTuple):
    """`super()`: the classes after `above` in the order of `cls`."""

    cls: ClassInfo
    above: ClassInfo


class Container(NamedTuple):
    """A container known by what is put into it: the local, global or attribute `path` of `holder`.

    `said` is its declared type, where that only says that it holds functions.
    """

    kind: str
    holder: FunctionInfo | ClassInfo | None
    path: str
    said: Instance | None = None


class Giving(NamedTuple):
    """A function of a library, where it is known what it gives: `pools.get`."""

    name: str
    value: Value


class AnyOf(NamedTuple):
    """One of a few."""

    options: tuple[One, ...]


One: TypeAlias = Instance | Container | Giving | ClassInfo | FunctionInfo | Method | Super | Module | Outside
Value: TypeAlias = One | AnyOf | None
Known: TypeAlias = Mapping[str, ClassInfo | Instance | AnyOf]
"""Objects, or their classes, at paths that are known better than the function alone tells: `self` above all."""

NOTHING_KNOWN: Known = {}


def unbound(value: Value) -> Value:
    """The function that a method runs; anything else as it is."""
    return value.function if isinstance(value, Method) else value


def held(known: ClassInfo | Instance | AnyOf) -> Instance | AnyOf:
    """The object at a known path."""
    return Instance(known) if isinstance(known, ClassInfo) else known


def options_in(value: Value) -> tuple[One, ...]:
    if value is None:
        return ()
    return value.options if isinstance(value, AnyOf) else (value,)


def joined(values: Iterable[Value], most: int = _MOST) -> Value:
    """What is one of these values: more than a few are told by the class they all descend from, or not at all."""
    known = [value for value in dict.fromkeys(values) if value is not None]
    if len(known) <= 1:
        return known[0] if known else None
    found = tuple(dict.fromkeys(option for value in known for option in options_in(value)))
    if len(found) <= 1:
        return found[0]
    if len(found) <= most:
        return AnyOf(found)
    return _common(found)


def any_declared(values: Iterable[Value]) -> Value:
    """One of several values that a type names or a function gives: they are all said, so more of them count."""
    return joined(values, _MOST_DECLARED)


def any_said(said: Sequence[Value]) -> Value:
    """What may stand where several types are said: the first, or one of those that no object of it can be of."""
    found = list(options_in(said[0]))
    for option in (option for value in said[1:] for option in options_in(value)):
        if isinstance(option, Instance) and not says_little(option) and not any(_agree(option, one) for one in found):
            found.append(option)
    return any_declared(found)


def _agree(one: Instance, other: One) -> bool:
    """May something be of both types, or is one the other as somebody else writes it?"""
    if not isinstance(other, Instance) or says_little(other):
        return True
    if one.cls is not None and other.cls is not None:
        return one.cls.is_kin_of(other.cls)
    return one.cls is other.cls and one.text.lower() == other.text.lower()


def _common(found: tuple[One, ...]) -> Instance | ClassInfo | None:
    """The class that all of many classes, or of many objects, descend from: as a class, or as an object of it."""
    classes = [option for option in found if isinstance(option, ClassInfo)]
    if len(classes) == len(found):
        return common_class(classes)
    held = [option.cls for option in found if isinstance(option, Instance) and option.cls is not None]
    base = common_class(held) if len(held) == len(found) else None
    return Instance(base) if base is not None else None


def common_class(classes: Iterable[ClassInfo]) -> ClassInfo | None:
    """The nearest class that all of these are or descend from."""
    first, *others = classes
    return next((base for base in first.mro if all(base in other.mro for other in others)), None)


def beyond(order: Sequence[ClassInfo], name: str) -> Outside | None:
    """A member that only a base outside of the program can have."""
    unknown = next((base for cls in order for base in cls.unknown_bases if not base.endswith(_NO_BASES)), "")
    return Outside(f"{unknown}.{name}") if unknown else None


def class_at_self(known: Known) -> ClassInfo | None:
    exact = known.get("self")
    return exact if isinstance(exact, ClassInfo) else None


def many(kind: str, values: Iterable[Value]) -> Instance | None:
    """A library's container of these, where all are known to be objects of one class of the program."""
    found = set(values)
    one = found.pop() if len(found) == 1 else None
    if not isinstance(one, Instance) or one.cls is None:
        return None
    return Instance(None, f"{kind}[{one.cls.facts.qualname}]", one.cls.path)


def builtin(text: str) -> Instance | None:
    return Instance(None, text) if text else None


def says_little(value: Value) -> bool:
    """Is it declared to be a container, without a word of what it holds, or with the word that it holds functions?"""
    if not isinstance(value, Instance) or value.cls is not None:
        return False
    return (head_of(value.text) == value.text and value.text in _BARE) or head_of(
        element_of(value.text, "python")
    ) == _FUNCTION


def is_some_function(value: Value) -> bool:
    """Is it declared to be a function, without a word of which?"""
    return any(isinstance(o, Instance) and o.cls is None and head_of(o.text) == _FUNCTION for o in options_in(value))


def is_enum(cls: ClassInfo) -> bool:
    return any(base.endswith(("Enum", "Flag")) for above in cls.mro for base in above.unknown_bases)
