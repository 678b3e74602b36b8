"""What an access path stands for: an object of a class, a class itself, a function, a module, or one of several.

A path is walked name by name. Its first name is `self`, a parameter, a local or a name of the module; each further step
is an attribute, an index or a call, whose class is known from what was declared, assigned or put in. What a caller
hands to a parameter without a type is told by `handed` (see `Passed`).
"""

from __future__ import annotations

import builtins
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from llmlint.code.facts.facts import ImportFact, Param
from llmlint.code.link.asking import Asking, Question
from llmlint.code.link.builtin_results import GETTERS, result_of
from llmlint.code.link.contents import Contents
from llmlint.code.link.declared import Declared
from llmlint.code.link.elements import Elements
from llmlint.code.link.entities import AttributeInfo, ClassInfo, FunctionInfo, Start, is_told_by_callers
from llmlint.code.link.generics import Generics
from llmlint.code.link.handed_back import Given, HandedBack, call_at, may_hand_back
from llmlint.code.link.names import Meaning, Module, Names, Outside, Variable
from llmlint.code.link.objects import (
    NOTHING_KNOWN,
    AnyOf,
    Container,
    Giving,
    Instance,
    Known,
    Method,
    One,
    Super,
    Value,
    any_declared,
    any_said,
    beyond,
    builtin,
    class_at_self,
    common_class,
    held,
    is_enum,
    is_some_function,
    joined,
    many,
    options_in,
    says_little,
    unbound,
)
from llmlint.code.link.returns import Returns
from llmlint.code.link.selves import hands_over_self, is_of_class
from llmlint.code.link.starts import Starts, kind_of, where
from llmlint.code.link.typetext import arguments_of, element_of, head_of, is_smart_pointer, literal_type

_STEPS = re.compile(r"\[\d*\]|\(\)|[^.\[\]()]+")
_FACTORY = re.compile(r"(?:collections\.)?defaultdict\(\s*([\w.]+)\s*\)")
_POINTEES = frozenset({"lock", "value", "load"})
_NO_STEP = ""
_ENTERING = "__enter__"
_OBJECTS = frozenset("self cls mcs mcls this _self".split())
"""What the first parameter of a method is called by custom (PEP 8)."""
_MAY_BE_OURS = frozenset("getattr next max min type vars eval copy.copy copy.deepcopy typing.cast sum iter".split())
"""Functions outside of the program that may give an object of the program."""

_ITERATORS = frozenset("Iterator Iterable Generator AsyncIterator AsyncIterable AsyncGenerator".split())
Handed = Callable[[FunctionInfo, str], Value]


def _told(known: Value, said: Value) -> Value:
    """What is known of a value of which little is said."""
    if is_some_function(said):
        return any_declared((known, said))
    if isinstance(known, Container) and isinstance(said, Instance):
        return known._replace(said=said)
    return known or said


def _nothing_handed(function: FunctionInfo, name: str) -> Value:
    return None


class Types:
    def __init__(self, names: Names, starts: Starts, handed: Handed = _nothing_handed) -> None:
        self._names = names
        self._handed = handed
        self._starts = starts
        self._declared = Declared(names, starts.modules)
        contents = Contents(self.value_at, builtin, starts.functions_in)
        self._handed_back = HandedBack(self.value_of, self._declared_in)
        self._generics = Generics(self._declared, starts.modules, starts.functions, self.value_of)
        self._imports: dict[FunctionInfo, Mapping[str, Sequence[ImportFact]]] = {}
        self._asking: Asking[Question, Value] = Asking()
        self._returns = Returns(self._asking, self._declared, self._generics, self.value_at)
        self._elements = Elements(self._asking, self._declared, contents, self._returns.of, self.step)

    # ------------------------------------------------------------ questions

    def class_of(self, function: FunctionInfo, path: str, known: Known = NOTHING_KNOWN) -> ClassInfo | None:
        """The class of the object a path stands for in a function; of `self` in a class method the class itself."""
        value = self.value_of(function, path, known)
        if path == "self" and isinstance(value, ClassInfo):
            return value
        return self.object_class(value)

    def object_class(self, value: Value) -> ClassInfo | None:
        """The class of an object; of one of several objects the class they descend from, else the first one's."""
        if isinstance(value, AnyOf):
            classes = [cls for option in value.options if (cls := self.object_class(option)) is not None]
            return (common_class(classes) or classes[0]) if classes else None
        if isinstance(value, Super | Instance):
            return value.cls
        return None

    def value_of(self, function: FunctionInfo, path: str, known: Known = NOTHING_KNOWN) -> Value:
        if known:
            return self._walk(function, path, known)
        return self._asking.ask((function, path), lambda: self._walk(function, path, known))

    def value_at(self, function: FunctionInfo, line: int, path: str, known: Known = NOTHING_KNOWN) -> Value:
        """The same where the path stands on a line, so that what its first call is handed can be told."""
        given = self._given(function, line, path, known) if self.depends_on_place(path) else None
        value = self._through(given.value, _STEPS.findall(given.rest)) if given is not None else None
        return value if value is not None else self.value_of(function, path, known)

    def depends_on_place(self, path: str) -> bool:
        """May it depend on the arguments of its first call what a path stands for?"""
        return "()" in path and (may_hand_back(path) or self._generics.may_tell(path))

    def _given(self, function: FunctionInfo, line: int, path: str, known: Known) -> Given | None:
        name, _, rest = path.partition("()")
        called = unbound(self.value_of(function, name, known))
        if not isinstance(called, FunctionInfo):
            return self._handed_back.at(function, line, path, known)
        call = call_at(function, line, name)
        return Given(self._generics.given(function, called, call, known), rest) if call is not None else None

    def _declared_in(self, function: FunctionInfo, text: str) -> Value:
        return self._declared.value(text, function.path, function.facts.qualname)

    def _walk(self, function: FunctionInfo, path: str, known: Known) -> Value:
        steps = _STEPS.findall(path)
        if not steps:
            return None
        if steps[:2] == ["super", "()"]:
            value: Value = self._super(function, known)
            steps = steps[2:]
        else:
            value, steps = self._begin(function, path, steps, known)
        return self._through(value, steps)

    def _through(self, value: Value, steps: list[str]) -> Value:
        for at, step in enumerate(steps):
            if value is None:
                return None
            if step in _POINTEES and steps[at + 1 : at + 2] == ["()"] and self._points(value, step):
                steps[at + 1] = _NO_STEP
            elif step != _NO_STEP:
                value = self.step(value, step)
        return value

    def _points(self, value: Value, name: str) -> bool:
        """Is a C++ smart pointer asked for what it points to?"""
        return (
            isinstance(value, Instance)
            and value.cls is not None
            and self._language(value.path) != "python"
            and is_smart_pointer(value.text)
            and value.cls.method(name) is None
        )

    def _begin(self, function: FunctionInfo, path: str, steps: list[str], known: Known) -> tuple[Value, list[str]]:
        """What the longest known beginning of a path stands for, and the steps that are left."""
        for place in sorted(known, key=len, reverse=True):
            if (
                len(place) > len(steps[0])
                and path.startswith(place)
                and path[len(place) : len(place) + 1] in (*".[(", "")
            ):
                return held(known[place]), _STEPS.findall(path[len(place) :])
        value = self._root(function, steps[0], known)
        if isinstance(value, Outside) and function.language != "python":
            return self._in_a_namespace(function.path, value, steps)
        return value, steps[1:]

    def _in_a_namespace(self, path: str, root: Outside, steps: list[str]) -> tuple[Value, list[str]]:
        """C++: `ns::take(p)` begins like a member of an object `ns`."""
        names = list(itertools.takewhile(str.isidentifier, steps))
        for count in range(len(names), 1, -1):
            found = self._names.in_a_namespace(path, ".".join(names[:count]))
            if found is not None:
                return found, steps[count:]
        return root, steps[1:]

    def name_of(self, value: Value) -> str:
        """The full dotted name of a function, class or thing outside of the program; of several the first one's."""
        first = next(iter(options_in(value)), None)
        match first:
            case Method(function=function):
                return function.full_name
            case ClassInfo() | FunctionInfo():
                return first.full_name
            case Module(name=name) | Outside(name=name) | Giving(name=name):
                return name
            case Instance(cls=ClassInfo() as cls):
                return f"{cls.full_name}()"
            case Instance():
                return self._declared.outside_name(first)
        return ""

    def narrowed(self, function: FunctionInfo, path: str, text: str) -> Instance | AnyOf | None:
        """What stands at a path where it is known to be of a type: what it may be anyway, as far as that is of it."""
        said = self._declared.value(text, function.path, function.facts.qualname)
        classes = [option.cls for option in options_in(said) if isinstance(option, Instance) and option.cls is not None]
        if not classes:
            return said if isinstance(said, Instance | AnyOf) else None
        options = (option for option in options_in(self.value_of(function, path)) if isinstance(option, Instance))
        kept = joined(o for o in options if o.cls is not None and any(cls in o.cls.mro for cls in classes))
        found = kept or said
        return found if isinstance(found, Instance | AnyOf) else None

    def attribute(self, attribute: AttributeInfo) -> Value:
        """What an attribute holds, by its declared type or else by what is assigned to it."""
        return self._asking.ask((attribute, None), lambda: self._attribute(attribute))

    # ------------------------------------------------------------ roots

    def _super(self, function: FunctionInfo, known: Known) -> Super | None:
        owner = function.owner
        return Super(class_at_self(known) or owner, owner) if owner is not None else None

    def _root(self, function: FunctionInfo, name: str, known: Known) -> Value:
        if name == "self" and function.owner is not None and not hands_over_self(self._starts, function):
            return self._self(function, known)
        if name in known:
            return held(known[name])
        here: FunctionInfo | None = function
        while here is not None:
            for at, param in enumerate(here.facts.params):
                if param.name == name:
                    if at or not here.takes_self:
                        return self._param(here, param)
                    return self._self(here, known) if name in _OBJECTS else None  # else a plain function in a class
            starts = self._starts.of_locals(here).get(name)
            if starts:
                return self._any_of(starts, here, name)
            imported = self._imported_in(here, name)
            if imported is not None:
                return imported
            here = self._starts.around(here)
        return self._module_name(function.path, name, function.facts.qualname)

    def _imported_in(self, function: FunctionInfo, name: str) -> Value:
        """What an import inside of a function gives the name there."""
        imported = self._imports.get(function)
        if imported is None:
            imported = self._imports[function] = self._names.imported_inside(function)
        facts = imported.get(name, ()) if imported else ()
        return joined(self._meant(self._names.imported(function.path, fact)) for fact in facts) if facts else None

    def _self(self, function: FunctionInfo, known: Known) -> Value:
        cls = class_at_self(known) or function.owner
        return Instance(cls) if cls is None or not is_of_class(self._starts, function) else cls

    def _param(self, function: FunctionInfo, param: Param) -> Value:
        within = function.facts.qualname
        if not param.annotation and param.kind in ("*", "**"):
            return builtin("tuple" if param.kind == "*" else "dict")
        if param.kind not in ("*", "**") and is_told_by_callers(param):
            said = self._declared.value(param.annotation, function.path, within) if param.annotation else None
            handed = self._handed(function, param.name)
            return any_declared((handed, said)) or builtin(literal_type(param.default))
        if param.kind in ("*", "**"):
            text = f"tuple[{param.annotation}, ...]" if param.kind == "*" else f"dict[str, {param.annotation}]"
            return Instance(None, text, function.path, within)
        return self._declared.value(param.annotation, function.path, within)

    def _module_name(self, path: str, name: str, within: str) -> Value:
        meaning = self._names.lookup(path, name, "" if within == "<module>" else within)
        if isinstance(meaning, Outside):
            return meaning if self._is_from_outside(path, name) else None
        return self._meant(meaning)

    def _meant(self, meaning: Meaning) -> Value:
        if not isinstance(meaning, Variable):
            return meaning
        module = self._starts.modules.get(meaning.path)
        starts = self._starts.of_globals(module).get(meaning.name) if module else None
        return self._any_of(starts, module, meaning.name) if starts else None

    def _is_from_outside(self, path: str, name: str) -> bool:
        """Is a name that the program does not define known to come from a library, and not merely unknown?"""
        if self._language(path) != "python" or hasattr(builtins, name):
            return True
        return self._names.imports(path, name)

    # ------------------------------------------------------------ what starts tell

    def _any_of(self, starts: Sequence[Start], holder: FunctionInfo | ClassInfo | None, path: str) -> Value:
        """What a name stands for that is given a value at these places: as declared, else any of the values."""
        declared = (self._annotated(start) for start in starts if start.annotation)
        said = next((value for value in declared if value is not None), None)
        if said is not None and not says_little(said) and not is_some_function(said):
            return joined((said, *self._others(starts, holder, path, said)))
        return _told(joined(self._start(start, holder, path) for start in starts), said)

    def _others(
        self, starts: Sequence[Start], holder: FunctionInfo | ClassInfo | None, path: str, said: Value
    ) -> Iterator[Value]:
        """What a local that is declared in one branch of a function is in another: an object of another class."""
        if not isinstance(holder, FunctionInfo) or not isinstance(said, Instance) or said.cls is None:
            return
        for start in starts:
            value = None if start.annotation else self._start(start, holder, path)
            if isinstance(value, Instance) and value.cls is not None and not value.cls.is_kin_of(said.cls):
                yield value

    def _annotated(self, start: Start, owner: ClassInfo | None = None) -> Value:
        return self._declared.value(start.annotation, *where(start, owner))

    def _start(self, start: Start, holder: FunctionInfo | ClassInfo | None, at: str) -> Value:
        """What one assignment gives, by the form of its value."""
        function = start.function
        chosen = joined(self.value_at(function, start.line, o) for o in start.options) if function else None
        if chosen is not None:
            return chosen
        if start.holds and holder is not None:
            return Container(kind_of(start.source), holder, at)
        if start.value == "new":
            return self._made(start, holder)
        if start.value == "path":
            return self.value_of(function, start.source) if function is not None else self._named(start, holder)
        if start.value == "constant":
            return builtin(literal_type(start.source))
        if start.value in ("empty", "container") and holder is not None and holder.language == "python":
            return self._by_factory(start, holder) or Container(kind_of(start.source), holder, at)
        return None

    def _by_factory(self, start: Start, holder: FunctionInfo | ClassInfo) -> Value:
        """`defaultdict(Slot)` holds slots, whoever asks for them first."""
        made = _FACTORY.fullmatch(start.source)
        found = self._names.lookup(where(start, holder)[0], made[1], where(start, holder)[1]) if made else None
        return many("defaultdict", [Instance(found)]) if isinstance(found, ClassInfo) else None

    def _named(self, start: Start, holder: FunctionInfo | ClassInfo | None) -> Value:
        """What a name in a class body stands for."""
        path, within = where(start, holder)
        meaning = self._names.lookup(path, start.source, within)
        return None if isinstance(meaning, Variable) else meaning

    def _made(self, start: Start, holder: FunctionInfo | ClassInfo | None) -> Value:
        function, source = start.function, start.source
        path, within = where(start, holder)
        if self._language(path) != "python" and not source.startswith(("self.", "~")):
            found = self._names.lookup(path, source, within)
            if isinstance(found, ClassInfo):
                return Instance(found)
        if function is not None:
            return self.value_at(function, start.line, f"{source}()")
        meaning = self._names.lookup(path, source, within)
        return None if isinstance(meaning, Variable) else self.step(meaning, "()")

    def _attribute(self, attribute: AttributeInfo) -> Value:
        declared = self._declared_attribute(attribute)
        if declared is not None and not says_little(declared) and not is_some_function(declared):
            return declared
        path = f"self.{attribute.name}"
        if is_enum(attribute.owner) and attribute.function is None:
            return Instance(attribute.owner)
        starts = [s for s in attribute.starts if s.value or s.options]
        return _told(joined(self._start(start, attribute.owner, path) for start in starts), declared)

    def _declared_attribute(self, attribute: AttributeInfo) -> Value:
        """As declared in the class itself, or else in the nearest base that declares it; any of several where methods
        declare different ones."""
        for cls in attribute.owner.mro:
            own = cls.own_attributes.get(attribute.name)
            starts = own.starts if own is not None else ()
            said = [value for s in starts if s.annotation and (value := self._annotated(s, cls)) is not None]
            if said:
                return any_said(said)
        return None

    # ------------------------------------------------------------ steps

    def step(self, value: Value, step: str) -> Value:
        if isinstance(value, AnyOf):
            return any_declared(self._step_of(option, step) for option in value.options)
        return self._step_of(value, step) if value is not None else None

    def _step_of(self, value: One, step: str) -> Value:
        if step[0] == "[":
            return self._elements.of(value, step)
        if step == "()":
            return self._result(value)
        if step == _ENTERING:
            return self._entered(value)
        match value:
            case Super(cls=cls, above=above):
                order = cls.mro[cls.mro.index(above) + 1 :] if above in cls.mro else above.mro[1:]
                found = next((c.methods[step] for c in order if step in c.methods), None)
                return Method(found, cls) if found else beyond(order, step)
            case ClassInfo():
                return self._of_class(value, step)
            case Outside(name=name):
                return Outside(f"{name}.{step}")
            case Module():
                meaning = self._names.member(value, step)
                return self._module_name(meaning.path, step, "") if isinstance(meaning, Variable) else meaning
            case Instance(cls=None):
                return self._of_outsider(value, step)
            case Instance(cls=ClassInfo() as cls):
                return cls if step == "__class__" else self._member(value, cls, step)
            case Container(kind=kind):
                return self._of_container(value, step) or Outside(f"{kind}.{step}")
        return None

    def _entered(self, value: One) -> Value:
        """What a `with` binds: what the manager's method gives, what its generator yields, or the manager."""
        if not isinstance(value, Instance):
            return Outside(f"{value.name}.__enter__()") if isinstance(value, Outside) else None
        if value.cls is None:
            inner = element_of(value.text, "python") if head_of(value.text) in _ITERATORS else ""
            return self._declared.value(inner, value.path, value.within) if inner else value
        method = value.cls.method("__enter__") or value.cls.method("__aenter__")
        return self._returns.of(method, value.cls) if method is not None else value

    def _of_container(self, value: Container, step: str) -> Value:
        if step in GETTERS:
            return Giving(f"{value.kind}.{step}", self._elements.of(value, "[]"))
        return value if step in ("copy", "values") else None

    def _of_outsider(self, value: Instance, step: str) -> Value:
        """A member of an object of a library's class, or of Python's own."""
        result = result_of(value.text, step) if self._language(value.path) == "python" else ""
        name = self._declared.outside_name(value)
        if result:
            return Giving(f"{name}.{step}", self._declared.value(result, value.path, value.within))
        return Outside(f"{name}.{step}") if name else None

    def _member(self, value: Instance, cls: ClassInfo, name: str) -> Value:
        method = cls.method(name)
        if method is not None:
            return self._returns.of(method, cls) if method.is_property else Method(method, cls)
        attribute = cls.attributes.get(name)
        if attribute is not None:
            return self._generics.attribute(value, attribute) or self._bound(attribute, cls)
        nested = self._nested(cls, name)
        if nested is not None:
            return nested
        below = [sub for sub in cls.subclasses if name in sub.all_methods or name in sub.attributes]
        return joined(self._member(Instance(sub), sub, name) for sub in below) if below else beyond(cls.mro, name)

    def _bound(self, attribute: AttributeInfo, cls: ClassInfo) -> Value:
        """An attribute as an object has it: `detect = detect_language` in a class body makes a method of a function."""
        value = self.attribute(attribute)
        if not attribute.is_class_level or any(start.function is not None for start in attribute.starts):
            return value
        return joined(Method(o, cls) if isinstance(o, FunctionInfo) else o for o in options_in(value))

    def _of_class(self, cls: ClassInfo, name: str) -> Value:
        method = cls.method(name)
        if method is not None:
            return Method(method, cls) if method.is_class_method or method.is_static else method
        attribute = cls.attributes.get(name)
        if attribute is not None:
            return self.attribute(attribute)
        return self._nested(cls, name)

    def _nested(self, cls: ClassInfo, name: str) -> ClassInfo | FunctionInfo | None:
        """A class that stands in the body of this one, or of a base."""
        found = (self._names.member(base, name) for base in cls.mro)
        return next((meaning for meaning in found if isinstance(meaning, ClassInfo | FunctionInfo)), None)

    def _result(self, value: One) -> Value:
        match value:
            case ClassInfo():
                return Instance(value)
            case FunctionInfo():
                return self._returns.of(value, value.owner)
            case Method(function=function, receiver=receiver):
                return self._returns.of(function, receiver)
            case Outside(name=name):
                return None if name in _MAY_BE_OURS else Outside(f"{name}()")
            case Container():
                return value
            case Giving(value=given):
                return given
            case Instance(cls=None, text=text):
                returns = arguments_of(text)[-1:] if is_some_function(value) else []
                return self._declared.value(returns[0], value.path, value.within) if returns else None
            case Instance(cls=ClassInfo() as cls):
                called = cls.method("__call__") or cls.method("forward")
                return self._returns.of(called, cls) if called is not None else None
        return None

    def _language(self, path: str) -> str:
        return self._names.language_of(path)
