"""All files linked into one program: what every whole-program checker works on.

Linking itself only lists classes and functions and indexes names. What follows from them (bases, types of attributes,
what a method does all told, who touches an attribute) is worked out when asked for, once. Everything comes in a fixed
order, by path and line.

    for cls in program.classes:
        for method in cls.methods.values():
            for touch in program.touches(cls, "waiting"):
                ...  # touch.function, touch.effect: who changes it, and where
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from llmlint.code.facts.bodies.scope import is_within
from llmlint.code.facts.facts import Effect, FileFacts
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.asked import Asked
from llmlint.code.link.by_name import ByName
from llmlint.code.link.call_index import CallIndex
from llmlint.code.link.descent import Descent
from llmlint.code.link.dispatch import Dispatch
from llmlint.code.link.entities import AttributeInfo, Call, ClassInfo, FunctionInfo, root_of
from llmlint.code.link.exits import endings_of
from llmlint.code.link.names import Meaning, Names, Outside
from llmlint.code.link.objects import NOTHING_KNOWN, Known, One, options_in
from llmlint.code.link.passed import Passed
from llmlint.code.link.reach import Reach, Wanted
from llmlint.code.link.starts import Starts
from llmlint.code.link.touches import Read, Touch, Touches
from llmlint.code.link.twins import told_together
from llmlint.code.link.types import Types
from llmlint.findings import Place, Step
from llmlint.vocabulary import Vocabulary

if TYPE_CHECKING:
    import networkx as nx

__all__ = [
    "AttributeInfo",
    "Call",
    "ClassInfo",
    "FunctionInfo",
    "Program",
    "Read",
    "Touch",
    "arguments_by_parameter",
    "root_of",
]
_LONGEST_CHAIN = 12
_ROUNDS = 2


def _everything(mechanism: str) -> bool:
    return True


class Program:
    """`files` maps each path, posix and relative to the working directory, to its facts. `asked` are the paths of the
    files of which something shall be told; None for all."""

    def __init__(
        self, files: Mapping[str, FileFacts], vocabulary: Vocabulary, asked: frozenset[str] | None = None
    ) -> None:
        self.files = {path: files[path] for path in sorted(files)}
        self.vocabulary = vocabulary
        self.kept: dict[object, Any] = {}
        self.classes = tuple(sorted(self._list_classes(), key=lambda cls: cls.order))
        self.functions = tuple(sorted(self._list_functions(), key=lambda function: function.order))
        self.names = Names(self.files, self.classes, self.functions)
        self._resolved: dict[tuple[FunctionInfo, str], str] = {}
        self._locals: dict[FunctionInfo, frozenset[str]] = {}
        self._bases: dict[ClassInfo, tuple[tuple[ClassInfo, ...], tuple[str, ...]]] = {}
        self._derived: dict[bool, dict[ClassInfo, list[ClassInfo]]] = {}
        self._descent = Descent(lambda cls: self._bases_named(cls)[0])
        self._name_modules()
        self._of_class = self._join_owners()
        self._tell_endings()
        self._types, self._dispatch = self._follow_arguments()
        self._touches = Touches(self.classes, self.functions, self._types)
        self._reach = Reach(self._dispatch)
        self.asked = Asked(self, asked)
        self.hears: Callable[[str], bool] = _everything

    @contextmanager
    def asking(self, kinds: frozenset[str], hears: Callable[[str], bool]) -> Iterator[None]:
        """Meanwhile no more is asked than what stands in files of these languages, and what `hears` says yes to: a
        checker need not look for what one of its mechanisms would tell nobody. What is known of others stays."""
        before = self.asked, self.hears
        self.asked, self.hears = self.asked.only(kinds), hears
        try:
            yield
        finally:
            self.asked, self.hears = before

    # ------------------------------------------------------------ linking

    def _list_classes(self) -> list[ClassInfo]:
        return [
            ClassInfo(cls, path, path, facts.language, self)
            for path, facts in self.files.items()
            for cls in (told_together(facts.classes) if facts.language == "python" else facts.classes)
        ]

    def _list_functions(self) -> list[FunctionInfo]:
        return [
            FunctionInfo(function, path, path, facts.language)
            for path, facts in self.files.items()
            for function in facts.functions
        ]

    def _name_modules(self) -> None:
        name_of = self.names.modules.name_of
        for cls in self.classes:
            cls.module = name_of(cls.path)
        for function in self.functions:
            function.module = name_of(function.path)

    def _join_owners(self) -> dict[ClassInfo, list[FunctionInfo]]:
        """Gives each method its class; C++ methods defined away from their class find it by name."""
        here = {(cls.path, cls.facts.qualname): cls for cls in self.classes}
        joined: dict[ClassInfo, list[FunctionInfo]] = {}
        for function in self.functions:
            qualname = function.facts.owner
            if not qualname:
                continue
            owner = here.get((function.path, qualname))
            if owner is None and function.language != "python":
                owner = self.names.cpp_class(qualname, function.path)
            if owner is not None:
                function.owner = owner
                joined.setdefault(owner, []).append(function)
        return joined

    def _tell_endings(self) -> None:
        macros = [macro for facts in self.files.values() for macro in facts.macros]
        languages = {f.language for f in self.functions}
        endings = {one: endings_of(self.functions, macros if one != "python" else (), one) for one in languages}
        for function in self.functions:
            function.endings = endings[function.language]

    def _follow_arguments(self) -> tuple[Types, Dispatch]:
        """Types, and what calls run by them, after a few rounds of what callers hand to parameters without a type."""
        starts, calls = Starts(self.functions), CallIndex(self.functions)
        types = Types(self.names, starts)
        dispatch = Dispatch(self.names, types, calls)
        for _ in range(_ROUNDS):
            types = Types(self.names, starts, Passed(types, dispatch).value)
            dispatch = Dispatch(self.names, types, calls)
        return types, dispatch

    # ------------------------------------------------------------ what entities ask (see entities.Linker)

    def bases_of(self, cls: ClassInfo) -> tuple[tuple[ClassInfo, ...], tuple[str, ...]]:
        known, unknown = self._bases_named(cls)
        if self._descent.is_cut(cls):
            return (), (*(base.full_name for base in known), *unknown)
        return known, unknown

    def _bases_named(self, cls: ClassInfo) -> tuple[tuple[ClassInfo, ...], tuple[str, ...]]:
        if cls not in self._bases:
            self._bases[cls] = self._look_up_bases(cls)
        return self._bases[cls]

    def _look_up_bases(self, cls: ClassInfo) -> tuple[tuple[ClassInfo, ...], tuple[str, ...]]:
        known: list[ClassInfo] = []
        unknown: list[str] = []
        for text in cls.facts.bases:
            meaning = self._meant_by_base(cls, text)
            if isinstance(meaning, ClassInfo):
                if meaning is not cls and meaning not in known:
                    known.append(meaning)
                if cls.language == "python" and self.names.is_made_anew(cls.path, text):
                    unknown.append(text)
            else:
                unknown.append(self.names.dotted(meaning))
        return tuple(known), tuple(unknown)

    def _meant_by_base(self, cls: ClassInfo, text: str) -> Meaning:
        """`class Input(Input)` in the body of another class: its own name means something further out, for there is no
        such class yet."""
        name = _base_name(text, cls.language)
        if not name:
            return Outside(text)
        within = cls.facts.qualname.rpartition(".")[0]
        meaning = self.names.lookup(cls.path, name, within)
        while meaning is cls and within:
            within = within.rpartition(".")[0]
            meaning = self.names.lookup(cls.path, name, within)
        return Outside(name) if meaning is cls and cls.language == "python" else meaning

    def subclasses_of(self, cls: ClassInfo) -> tuple[ClassInfo, ...]:
        found: set[ClassInfo] = set()
        waiting = [cls]
        derived = self._derived_from(cls.language == "python")
        while waiting:
            for below in derived.get(waiting.pop(), ()):
                if below not in found and below is not cls:
                    found.add(below)
                    waiting.append(below)
        return tuple(sorted(found, key=lambda c: c.order))

    def _derived_from(self, in_python: bool) -> dict[ClassInfo, list[ClassInfo]]:
        if in_python not in self._derived:
            derived = self._derived[in_python] = {}
            for cls in (cls for cls in self.classes if (cls.language == "python") == in_python):
                for base in cls.bases:
                    derived.setdefault(base, []).append(cls)
        return self._derived[in_python]

    def functions_of(self, cls: ClassInfo) -> tuple[FunctionInfo, ...]:
        """The methods of a class and the functions nested in them, wherever they are defined."""
        return tuple(self._of_class.get(cls, ()))

    def class_of_attribute(self, attribute: AttributeInfo) -> ClassInfo | None:
        return self._types.object_class(self._types.attribute(attribute))

    def functions_in(self, path: str) -> tuple[FunctionInfo, ...]:
        """The functions of one file, in source order."""
        return tuple(self._functions_by_path.get(path, ()))

    def functions_within(self, function: FunctionInfo) -> list[FunctionInfo]:
        """The function and those that are defined in it."""
        name = function.facts.qualname
        return [one for one in self.functions_in(function.path) if is_within(one.facts.qualname, name)]

    def functions_around(self, function: FunctionInfo) -> list[FunctionInfo]:
        """The function and those that it is defined in."""
        name = function.facts.qualname
        return [one for one in self.functions_in(function.path) if is_within(name, one.facts.qualname)]

    def twins_of(self, function: FunctionInfo) -> tuple[FunctionInfo, ...]:
        """The definitions of its full name in its file, itself too: one for each platform, one for each overload."""
        return tuple(self._functions_by_qualname[function.path, function.facts.qualname])

    def calls_named(self, name: str, in_python: bool | None = None) -> Sequence[Call]:
        """Every call, in any file, whose last part is this name, in all languages or in Python or in the others alone:
        a sieve before calls are resolved."""
        return self._dispatch.calls.named(name, in_python)

    def functions_calling(self, name: str, in_python: bool | None = None) -> Sequence[FunctionInfo]:
        """Those with a call whose last part is this name; which one it is, nobody looks for."""
        return self._dispatch.calls.calling(name, in_python)

    def calls_inside(self, functions: Iterable[FunctionInfo], name: str) -> Sequence[Call]:
        """As `calls_named`, in these functions only."""
        return self._dispatch.calls.inside(functions, name)

    def calls_among(self, functions: AbstractSet[FunctionInfo], name: str) -> Sequence[Call]:
        """The same, of those among them that call something of this name, in the program's order."""
        return self.calls_inside([f for f in self.functions_calling(name) if f in functions], name)

    def around(self, functions: Iterable[FunctionInfo], levels: int) -> AbstractSet[FunctionInfo]:
        """These functions, and those that so many calls from there may run, as far as names tell: a sieve before calls
        are resolved."""
        return self._by_name.around(functions, levels)

    @cached_property
    def _by_name(self) -> ByName:
        return ByName(self._functions_by_name, self._classes_by_name, self._dispatch.aliases)

    @property
    def call_names(self) -> AbstractSet[str]:
        """The last part of every call there is, each once."""
        return self._dispatch.calls.names

    @cached_property
    def _functions_by_qualname(self) -> dict[tuple[str, str], list[FunctionInfo]]:
        found: dict[tuple[str, str], list[FunctionInfo]] = {}
        for function in self.functions:
            found.setdefault((function.path, function.facts.qualname), []).append(function)
        return found

    @cached_property
    def _functions_by_path(self) -> dict[str, list[FunctionInfo]]:
        found: dict[str, list[FunctionInfo]] = {}
        for function in self.functions:
            found.setdefault(function.path, []).append(function)
        return found

    # ------------------------------------------------------------ names

    def class_named(self, name: str) -> ClassInfo | None:
        """By simple name, full name or any dotted ending of it; the first in order of several."""
        return next(iter(self.classes_named(name)), None)

    def classes_named(self, name: str) -> tuple[ClassInfo, ...]:
        candidates = self._classes_by_name.get(name.rpartition(".")[2], [])
        return tuple(cls for cls in candidates if _is_called(cls.full_name, name))

    def function_named(self, name: str) -> FunctionInfo | None:
        """By full name or a dotted ending of it: `Scheduler.abort`; one with a body before a declaration."""
        candidates = self._functions_by_name.get(name.rpartition(".")[2], [])
        found = [function for function in candidates if _is_called(function.full_name, name)]
        return next((f for f in found if f.facts.has_body), found[0] if found else None)

    def functions_named(self, name: str) -> Sequence[FunctionInfo]:
        """All of that simple name, methods or not."""
        return self._functions_by_name.get(name, ())

    @cached_property
    def _classes_by_name(self) -> dict[str, list[ClassInfo]]:
        named: dict[str, list[ClassInfo]] = {}
        for cls in self.classes:
            named.setdefault(cls.name, []).append(cls)
        return named

    @cached_property
    def _functions_by_name(self) -> dict[str, list[FunctionInfo]]:
        named: dict[str, list[FunctionInfo]] = {}
        for function in self.functions:
            named.setdefault(function.name, []).append(function)
        return named

    def resolve(self, where: FunctionInfo | str, path: str) -> str:
        """The full dotted name of what an access path names in a function or file: `dist.all_reduce` as
        `torch.distributed.all_reduce`. Paths that begin with `self` come back as they are, those of a parameter or a
        local as `~name.method`: a parameter that is called `requests` is not the library."""
        if isinstance(where, str):
            return self.names.dotted(self.names.lookup(where, path))
        key = (where, path)
        if key not in self._resolved:
            self._resolved[key] = self._resolve(where, path)
        return self._resolved[key]

    def _resolve(self, where: FunctionInfo, path: str) -> str:
        root = root_of(path)
        if root in self._own_names(where) or root != path.partition(".")[0]:
            return path if root == "self" else f"~{path}"
        return self.names.dotted(self.names.lookup(where.path, path, where.facts.qualname))

    def _own_names(self, function: FunctionInfo) -> frozenset[str]:
        names = self._locals.get(function)
        if names is None:
            bound = (effect.path for effect in function.facts.effects if effect.op == "bind")
            names = frozenset(("self", *bound, *(param.name for param in function.facts.params)))
            for outer in self._defining(function):
                names |= self._own_names(outer)
            self._locals[function] = names
        return names

    def _defining(self, function: FunctionInfo) -> Sequence[FunctionInfo]:
        """The function in whose body it is defined, where there is one; what that one binds, a closure reads."""
        name = function.facts.qualname.rpartition(".")[0]
        while name and (function.path, name) not in self._functions_by_qualname:
            name = name.rpartition(".")[0]
        return self._functions_by_qualname[function.path, name][:1] if name else ()

    def class_of(self, function: FunctionInfo, path: str, receiver: ClassInfo | None = None) -> ClassInfo | None:
        """The class of the object that an access path stands for in a function, where types and assignments tell.
        `receiver` is the exact class of `self`, where it is known."""
        return self._types.class_of(function, path, _self_is(receiver))

    def class_knowing(self, function: FunctionInfo, path: str, known: Known) -> ClassInfo | None:
        """As `class_of`, where the classes of some objects, by their paths in the function, are known exactly."""
        return self._types.class_of(function, path, known)

    def meanings(self, function: FunctionInfo, path: str) -> tuple[One, ...]:
        """What an access path may stand for in a function: a class, a plain function, a method bound to an object, an
        object; () when nothing is known of it, and only what is known when it may be something else as well."""
        return options_in(self._types.value_of(function, path))

    # ------------------------------------------------------------ calls

    def callees(
        self, function: FunctionInfo, effect: Effect, receiver: ClassInfo | None = None, overrides: bool = False
    ) -> tuple[FunctionInfo, ...]:
        """What a call runs, () when that is not known. `receiver` is the exact class of `self`, where it is known;
        `overrides` adds what subclasses put in the place of a method (an abstract method's overrides always count)."""
        return self._dispatch.callees(function, effect, _self_is(receiver), overrides)

    def name_called(self, function: FunctionInfo, effect: Effect) -> str:
        """The full dotted name of what a call runs, also where types lead out of the program: `torch.Tensor.copy_`,
        `threading.Thread().start` on what the library gave; "" when nothing is known of it."""
        return self.name_of(function, effect.callee)

    def name_of(self, function: FunctionInfo, path: str) -> str:
        """The full dotted name of what an access path stands for, as `name_called` gives that of a call."""
        return self._types.name_of(self._types.value_of(function, path))

    def callees_knowing(self, function: FunctionInfo, effect: Effect, known: Known) -> tuple[FunctionInfo, ...]:
        """What a call runs where the classes of some objects, by their paths in the function, are known exactly."""
        return self._dispatch.callees(function, effect, known)

    def callers(self, function: FunctionInfo) -> tuple[Call, ...]:
        """Every call that may run the function, overrides included."""
        return self._dispatch.callers(function)

    def callers_among(self, function: FunctionInfo, functions: Sequence[FunctionInfo]) -> tuple[Call, ...]:
        """As `callers`, in these functions only."""
        return self._dispatch.callers_among(function, functions)

    def reaches(self, function: FunctionInfo, wanted: Wanted, depth: int = _LONGEST_CHAIN) -> tuple[Call, ...]:
        """The shortest chain of calls from the function to an effect that `wanted` accepts, that effect last; () if
        none takes at most `depth` functions. Answers are kept per `wanted`: pass the same function object each time."""
        return self._reach.reaches(function, wanted, depth)

    # ------------------------------------------------------------ state

    def touches(self, cls: ClassInfo, attribute: str) -> tuple[Touch, ...]:
        """Every place that changes this attribute of objects of the class, its bases or subclasses."""
        return self._touches.touches(cls, attribute)

    def changes_named(self, attribute: str) -> Iterator[tuple[FunctionInfo, Effect, str]]:
        """The same by its name alone, of whatever object it is, each with the path that bears the name."""
        return self._touches.changes_named(attribute)

    def reads(self, cls: ClassInfo, attribute: str) -> tuple[Read, ...]:
        """Every function that reads it, with the line of its first reading by each path."""
        return self._touches.reads(cls, attribute)

    def classes_touched_by(self, functions: Iterable[FunctionInfo]) -> set[ClassInfo]:
        """The classes of the objects that functions change or read parts of."""
        return self._touches.classes_touched_by(functions)

    # ------------------------------------------------------------ graphs

    @cached_property
    def hierarchy(self) -> nx.DiGraph[ClassInfo]:
        from llmlint.code.link.graphs import hierarchy_graph

        return hierarchy_graph(self.classes)

    @cached_property
    def calls(self) -> nx.DiGraph[FunctionInfo]:
        from llmlint.code.link.graphs import call_graph

        return call_graph(self.functions, self._dispatch)

    # ------------------------------------------------------------ places

    def place(self, function: FunctionInfo, effect: Effect | None = None) -> Place:
        """Where an effect stands, or the function itself."""
        if effect is not None:
            end = effect.column + len(effect.callee or effect.path)
            return Place(function.path, effect.line, effect.column, effect.line, end)
        facts = function.facts
        return Place(function.path, facts.line, facts.column, facts.end_line, facts.end_column)

    def step(self, function: FunctionInfo, at: Effect | int, message: str) -> Step:
        return Step(function.path, at if isinstance(at, int) else at.line, message)


def _self_is(receiver: ClassInfo | None) -> Known:
    return {"self": receiver} if receiver is not None else NOTHING_KNOWN


def _is_called(full_name: str, name: str) -> bool:
    return full_name == name or full_name.endswith(f".{name}")


def _base_name(text: str, language: str) -> str:
    """The name of a base as written: without type arguments, access and metaclass calls."""
    if language == "python":
        name = text.partition("[")[0].strip()
        return name if name.replace(".", "").isidentifier() else ""
    words = [word for word in text.split() if word not in ("public", "protected", "private", "virtual", "struct")]
    return " ".join(words)
