"""What a linked program is made of: its classes, their attributes, its functions.

These records know their place and their kin. What follows from names and types is asked of the `Linker` behind them,
on first use, and kept.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, Protocol

import msgspec

from llmlint.code.facts import facts as fact
from llmlint.code.facts.facts import Argument, Effect, Param, Region, Test
from llmlint.code.facts.gists import started
from llmlint.code.facts.native_endings import NO_ENDINGS, Endings
from llmlint.code.link.bare_names import is_bare, mentions_bare

_PROPERTIES = ("property", "cached_property", "functools.cached_property", "abc.abstractproperty", "abstractproperty")
_ROOT = re.compile(r"[^.\[(]*")
FIELD_MAKERS = ("dataclass", "attr.s", "attrs.", "define", "Struct", "BaseModel", "NamedTuple", "TypedDict")
SAYS_NOTHING = frozenset(
    {"Any", "object", "typing.Any", "Optional[Any]", "Any | None", "Optional[object]", "object | None"}
)
_OF_CLASS = ("__new__", "__init_subclass__", "__class_getitem__")
_CONSTRUCTORS = ("__init__", "__new__", "__post_init__")
_CONTAINERS = frozenset(
    "dict list set deque defaultdict OrderedDict Counter bytearray Dict List Set Deque DefaultDict MutableMapping "
    "MutableSequence MutableSet Mapping Sequence Queue SimpleQueue LifoQueue PriorityQueue WeakValueDictionary "
    "WeakKeyDictionary WeakSet vector array map unordered_map multimap unordered_multimap unordered_set multiset queue "
    "priority_queue stack".split()
)


class Linker(Protocol):
    """What entities ask of the program that holds them."""

    def bases_of(self, cls: ClassInfo) -> tuple[tuple[ClassInfo, ...], tuple[str, ...]]: ...
    def subclasses_of(self, cls: ClassInfo) -> tuple[ClassInfo, ...]: ...
    def functions_of(self, cls: ClassInfo) -> tuple[FunctionInfo, ...]: ...
    def class_of_attribute(self, attribute: AttributeInfo) -> ClassInfo | None: ...


@dataclass(eq=False, repr=False)
class FunctionInfo:
    """A function or method, linked. `owner` is its class; a function nested in a method has the method's."""

    facts: fact.Function
    path: str
    module: str
    language: str
    owner: ClassInfo | None = None
    endings: Endings = NO_ENDINGS
    """How the program's own functions and macros are called that never return."""
    kept: dict[object, Any] = dataclasses.field(default_factory=dict)
    name: str = dataclasses.field(init=False)
    """Read by every rule that sieves functions."""

    def __post_init__(self) -> None:
        self.name = self.facts.name

    def __repr__(self) -> str:
        return f"<function {self.full_name}>"

    @cached_property
    def full_name(self) -> str:
        return f"{self.module}.{self.facts.qualname}" if self.language == "python" else self.facts.qualname

    @property
    def order(self) -> tuple[str, int, int, str]:
        return (self.path, self.facts.line, self.facts.column, self.facts.qualname)

    @property
    def regions(self) -> tuple[Region, ...]:
        return self.facts.regions

    @cached_property
    def is_method(self) -> bool:
        """Stands directly in a class: `Scheduler.abort`, and not `Scheduler.abort.inner`."""
        function = self.facts
        return bool(function.owner) and function.qualname == f"{function.owner}.{function.name}"

    @cached_property
    def is_property(self) -> bool:
        return any(d in _PROPERTIES or d.endswith(".cached_property") for d in self.facts.decorators)

    @cached_property
    def is_abstract(self) -> bool:
        return any(d.rpartition(".")[2] == "abstractmethod" for d in self.facts.decorators) or (
            self.is_method and self.facts.shape == "raise"
        )

    @cached_property
    def is_class_method(self) -> bool:
        """Is its first parameter the class?"""
        return self._is_wrapped("classmethod") or self.name in _OF_CLASS

    @cached_property
    def is_static(self) -> bool:
        return self._is_wrapped("staticmethod")

    def _is_wrapped(self, decorator: str) -> bool:
        """Before its definition, or by `make = classmethod(make)` behind it."""
        if decorator in self.facts.decorators:
            return True
        fields = self.owner.facts.fields if self.owner is not None and self.is_method else ()
        return any(field.name == self.name and field.source == decorator for field in fields)

    @cached_property
    def takes_self(self) -> bool:
        """Is the first parameter the object (or the class) the method is called on?"""
        params = self.facts.params
        takes_one = bool(params) and params[0].kind != "*"  # `def make(*_)` takes the object as one of many
        return self.language == "python" and self.is_method and takes_one and not self.is_static

    @cached_property
    def params(self) -> tuple[Param, ...]:
        """The parameters a caller gives arguments for: without `self` or `cls`."""
        return self.facts.params[1:] if self.takes_self else self.facts.params

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        """In source order; in C++ a bare member name reads as `self.name`, any other as the global it is."""
        if self.language == "python" or not any(mentions_bare(effect) for effect in self.facts.effects):
            return self.facts.effects
        return tuple(self._settled(e) if mentions_bare(e) else e for e in self.facts.effects)

    @cached_property
    def settled(self) -> fact.Function:
        """Its facts, with what it does as `effects` and `reads` tell it: what `once` works out of them alone is kept
        with the facts where the names are as written."""
        if self.language == "python":
            return self.facts
        body = fact.Body(self.facts.regions, self.effects, self.reads, self.facts.pointers)
        return fact.doing(msgspec.structs.replace(self.facts), body)

    def doing(self, *ops: str) -> tuple[Effect, ...]:
        """The effects of these kinds, in source order."""
        kept = self.settled.kept
        found: tuple[Effect, ...] | None = kept.get(ops)
        if found is None:
            found = kept[ops] = tuple(effect for effect in self.effects if effect.op in ops)
        return found

    @cached_property
    def reads(self) -> tuple[tuple[str, int], ...]:
        if self.language == "python":
            return self.facts.reads
        return tuple((self._settle(path), line) for path, line in self.facts.reads)

    def reads_of(self, region: Region) -> tuple[str, ...]:
        """What the test or the header of a region reads, with names that mean the same as in the effects."""
        return region.reads if self.language == "python" else tuple(map(self._settle, region.reads))

    def settled_test(self, test: Test | None) -> Test | None:
        """What a branch asks, with names that mean the same as in the effects."""
        if test is None or self.language == "python":
            return test
        inner = tuple(part for arg in test.args if (part := self.settled_test(arg)) is not None)
        return Test(test.op, self._settle(test.path), inner)

    def _settled(self, effect: Effect) -> Effect:
        settle = self._settle
        paths = ((name, getattr(effect, name)) for name in ("path", "key", "source", "result"))
        lists = ((name, getattr(effect, name)) for name in ("reads", "maybe", "options"))
        changed: dict[str, Any] = {name: settle(path) for name, path in paths if path.startswith("~")}
        changed |= {name: tuple(map(settle, found)) for name, found in lists if found}
        if any(map(is_bare, effect.args)):
            changed["args"] = tuple(self._settled_argument(arg) if is_bare(arg) else arg for arg in effect.args)
        return msgspec.structs.replace(effect, **changed)

    def _settled_argument(self, arg: Argument) -> Argument:
        return msgspec.structs.replace(
            arg,
            path=self._settle(arg.path),
            written=self._settle(arg.written),
            reads=tuple(map(self._settle, arg.reads)),
        )

    def _settle(self, path: str) -> str:
        if not path.startswith("~"):
            return path
        bare = path[1:]
        root = root_of(bare)
        return f"self.{bare}" if self.owner is not None and self.owner.has_member(root) else bare


@lru_cache(maxsize=65536)
def root_of(path: str) -> str:
    """The name a path begins with: `slots` for `slots[].task`."""
    match = _ROOT.match(path)
    return match[0] if match else ""


class Call(NamedTuple):
    """One link of an evidence path: the effect, and the function it stands in."""

    function: FunctionInfo
    effect: Effect


def is_told_by_callers(param: Param) -> bool:
    """Has a Python parameter no type, or one that says nothing or only that it is a function?"""
    return param.kind in ("", "only") and (
        not param.annotation or "Callable" in param.annotation or param.annotation in SAYS_NOTHING
    )


class Start(NamedTuple):
    """One place where an attribute gets a value or a type. `function` is None in a class body."""

    function: FunctionInfo | None
    line: int
    value: str
    source: str
    annotation: str
    options: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()


def start_of(function: FunctionInfo, effect: Effect) -> Start:
    """One assignment, binding or declaration, as a start."""
    if effect.via == "declare":
        return Start(function, effect.line, "", "", effect.source)
    return Start(function, effect.line, effect.value, effect.source, effect.annotation, effect.options, effect.holds)


@dataclass(frozen=True, eq=False, repr=False)
class AttributeInfo:
    """An attribute of a class, and how it starts: by its first assignment in `__init__`, the class body or a field.

    `value`, `source` and `annotation` are as in `Effect`; the annotation may come from another place than the
    value (a declaration in the class body, or the parameter that is stored).
    """

    name: str
    owner: ClassInfo
    starts: tuple[Start, ...]

    def __repr__(self) -> str:
        return f"<attribute {self.owner.full_name}.{self.name}>"

    @property
    def path(self) -> str:
        function = self.starts[0].function
        return function.path if function else self.owner.path

    @property
    def line(self) -> int:
        return self.starts[0].line

    @property
    def function(self) -> FunctionInfo | None:
        return self.starts[0].function

    @cached_property
    def _first(self) -> Start:
        return next((start for start in self.starts if start.value), self.starts[0])

    @property
    def value(self) -> str:
        return self._first.value

    @property
    def source(self) -> str:
        return self._first.source

    @cached_property
    def annotation(self) -> str:
        declared = next((start.annotation for start in self.starts if start.annotation), "")
        return declared or self._annotation_of_parameter()

    def _annotation_of_parameter(self) -> str:
        first = self._first
        if first.function is None or first.value != "path":
            return ""
        return next((p.annotation for p in first.function.facts.params if p.name == first.source), "")

    @cached_property
    def is_class_level(self) -> bool:
        """Is one value shared by all objects: set in a Python class body, and not the default of a field?"""
        if self.owner.language != "python" or not self.starts[0].value or self.owner.declares_fields:
            return False
        built = any(start.function in self.owner.building for start in self.starts)
        return self.starts[0].function is None and not built

    @cached_property
    def is_container(self) -> bool:
        """Is it a list, dict, set, queue or the like, as far as its first value and its type tell?"""
        return self._looks_like_container and self.class_of is None

    @property
    def _looks_like_container(self) -> bool:
        if self.value in ("empty", "container"):
            return not self.source.startswith(("tuple", "()"))
        if self.value == "new" and _last_name(self.source) in _CONTAINERS:
            return True
        return _last_name(self.annotation.removeprefix("const ").partition("[")[0].partition("<")[0]) in _CONTAINERS

    @cached_property
    def class_of(self) -> ClassInfo | None:
        """The program's class of the object it holds, where that is known."""
        return self.owner.linker.class_of_attribute(self)


def _last_name(path: str) -> str:
    return path.replace("::", ".").rpartition(".")[2].strip()


@dataclass(eq=False, repr=False)
class ClassInfo:
    facts: fact.Class
    path: str
    module: str
    language: str
    linker: Linker

    def __repr__(self) -> str:
        return f"<class {self.full_name}>"

    @property
    def name(self) -> str:
        return self.facts.name

    @cached_property
    def full_name(self) -> str:
        return f"{self.module}.{self.facts.qualname}" if self.language == "python" else self.facts.qualname

    @property
    def order(self) -> tuple[str, int, int, str]:
        return (self.path, self.facts.line, self.facts.column, self.facts.qualname)

    # ------------------------------------------------------------ kin

    @cached_property
    def _bases(self) -> tuple[tuple[ClassInfo, ...], tuple[str, ...]]:
        return self.linker.bases_of(self)

    @property
    def bases(self) -> tuple[ClassInfo, ...]:
        return self._bases[0]

    @property
    def unknown_bases(self) -> tuple[str, ...]:
        """Bases that are none of the program's, as resolved dotted names."""
        return self._bases[1]

    @cached_property
    def mro(self) -> tuple[ClassInfo, ...]:
        """The class and its ancestors in the order in which methods are looked up; a cycle is cut where it closes."""
        for cls in reversed(_not_ordered_yet(self)):  # from the top down, so that each is made of its bases' own
            cls.__dict__["mro"] = _linearised(cls, ())
        return _linearised(self, ())

    @cached_property
    def subclasses(self) -> tuple[ClassInfo, ...]:
        """All that inherit from it, at any distance, in the program's order."""
        return self.linker.subclasses_of(self)

    def is_kin_of(self, other: ClassInfo) -> bool:
        """May an object be of both: is one an ancestor of the other (or the same)?"""
        return self in other.mro or other in self.mro

    # ------------------------------------------------------------ members

    @cached_property
    def functions(self) -> tuple[FunctionInfo, ...]:
        """Its own methods in source order, with the functions nested in them."""
        return self.linker.functions_of(self)

    @cached_property
    def methods(self) -> dict[str, FunctionInfo]:
        """Its own methods by name. Of several of one name: a body before a declaration, a getter before its setter."""
        found: dict[str, FunctionInfo] = {}
        for function in self.functions:
            if function.is_method and (
                function.name not in found or _counts_more(function) > _counts_more(found[function.name])
            ):
                found[function.name] = function
        return found

    @cached_property
    def all_methods(self) -> dict[str, FunctionInfo]:
        """Own and inherited, each as an object of this class would find it."""
        found: dict[str, FunctionInfo] = {}
        for cls in reversed(self.mro):
            found.update(cls.methods)
        return found

    def method(self, name: str) -> FunctionInfo | None:
        return next((cls.methods[name] for cls in self.mro if name in cls.methods), None)

    @cached_property
    def own_attributes(self) -> dict[str, AttributeInfo]:
        starts: dict[str, list[Start]] = {}
        for field in self.facts.fields:
            start = Start(None, field.line, field.value, field.source, field.annotation)
            starts.setdefault(field.name, []).append(start)
        if self.language == "python":
            starting = [function for function in self.functions if function.facts.gist.starts]
            for function in sorted(starting, key=lambda f: f not in self.building):
                for name, effect in started(function.effects):
                    starts.setdefault(name, []).append(start_of(function, effect))
        return {name: AttributeInfo(name, self, tuple(found)) for name, found in starts.items()}

    @property
    def attribute_names(self) -> Iterator[str]:
        """Of its own attributes, each once; nothing is worked out about them."""
        starts = (name for function in self.functions for name in function.facts.gist.starts)
        names = (*(field.name for field in self.facts.fields), *(starts if self.language == "python" else ()))
        return iter(dict.fromkeys(names))

    @cached_property
    def attributes(self) -> dict[str, AttributeInfo]:
        """Own and inherited. Where the object is built says more of an attribute than a method that changes it."""
        found: dict[str, AttributeInfo] = {}
        for cls in reversed(self.mro):
            for name, attribute in cls.own_attributes.items():
                if name not in found or attribute.function is None or attribute.function in self.building:
                    found[name] = attribute
        return found

    @cached_property
    def building(self) -> frozenset[FunctionInfo]:
        """The functions that run while an object of this class is made: constructors and what they call on `self`."""
        found = {cls.methods[name] for cls in self.mro for name in _CONSTRUCTORS if name in cls.methods}
        waiting = list(found)
        while waiting:
            for effect in waiting.pop().effects:
                receiver, _, name = effect.callee.rpartition(".")
                called = self.method(name) if receiver == "self" else None
                if called is not None and called not in found:
                    found.add(called)
                    waiting.append(called)
        return frozenset(found)

    @cached_property
    def declares_fields(self) -> bool:
        """Is what stands in its body a list of the fields of each object: a dataclass or a kin of it?"""
        makers = (*self.facts.decorators, *(name for cls in self.mro for name in cls.unknown_bases))
        return any(word in maker for maker in makers for word in FIELD_MAKERS)

    def has_member(self, name: str) -> bool:
        return any(name in cls._own_members for cls in self.mro)

    @cached_property
    def _own_members(self) -> frozenset[str]:
        return frozenset((*(field.name for field in self.facts.fields), *self.facts.methods, *self.methods))


def _not_ordered_yet(cls: ClassInfo) -> list[ClassInfo]:
    """Its ancestors, near ones first, as far as nobody has asked for their order."""
    found: dict[ClassInfo, None] = {}
    waiting = [cls]
    while waiting:
        for base in waiting.pop().bases:
            if base is not cls and base not in found and "mro" not in base.__dict__:
                found[base] = None
                waiting.append(base)
    return list(found)


def _linearised(cls: ClassInfo, below: tuple[ClassInfo, ...]) -> tuple[ClassInfo, ...]:
    """Python's C3 order where there is one, else depth first with each class once."""
    if "mro" in cls.__dict__ and not any(one in below for one in cls.mro):
        return cls.mro
    below = (*below, cls)
    bases = [base for base in cls.bases if base not in below]
    rows = [_linearised(base, below) for base in bases]
    return (cls, *(rows[0] if len(rows) == 1 else _merged([*map(list, rows), bases])))


def _merged(rows: list[list[ClassInfo]]) -> list[ClassInfo]:
    order: list[ClassInfo] = []
    rows = [row for row in rows if row]
    while rows:
        heads = [row[0] for row in rows]
        chosen = next((head for head in heads if not any(head in row[1:] for row in rows)), heads[0])
        if chosen not in order:
            order.append(chosen)
        rows = [rest for rest in ([c for c in row if c is not chosen] for row in rows) if rest]
    return order


def _counts_more(function: FunctionInfo) -> int:
    decorators = function.facts.decorators
    if any(d.endswith(("overload", ".setter", ".deleter")) for d in decorators):
        return 0
    return 2 if function.facts.has_body else 1
