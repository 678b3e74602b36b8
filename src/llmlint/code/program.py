"""All files linked into one program: classes with bases, calls with callees, objects with what is done to them.

Whole-program checkers ask a `Program`; everything beyond its indexes is worked out on demand and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from llmlint.code import facts as fact
from llmlint.code.facts import Effect, FileFacts, Region
from llmlint.code.modules import Imports, module_names
from llmlint.code.types import element_type, type_names
from llmlint.findings import Place, Step
from llmlint.vocabulary import Vocabulary

if TYPE_CHECKING:
    import networkx

_DEEPEST = 6
_MOST_DONE = 4000
_CONDITIONAL = frozenset({"if", "else", "except", "case", "and"})


class AttributeInfo(msgspec.Struct):
    """An attribute of a class's objects, as its first definition shows it."""

    name: str
    path: str
    line: int
    value: str = ""
    source: str = ""
    annotation: str = ""
    is_class_level: bool = False
    class_of: Any = None

    @property
    def is_container(self) -> bool:
        if self.value in ("empty", "container"):
            return True
        head = self.annotation.replace("std.", "std::").split("[")[0].split("<")[0].rsplit("::", 1)[-1].strip()
        return head in _CONTAINER_TYPES


_CONTAINER_TYPES = frozenset(
    "dict list set deque Dict List Set Deque defaultdict DefaultDict OrderedDict vector map unordered_map "
    "unordered_set queue multimap priority_queue MutableMapping Mapping".split()
)


class FunctionInfo:
    """A function or method in its file and class; `effects` have C++ bare names resolved."""

    def __init__(self, facts: fact.Function, path: str, module: str, owner: ClassInfo | None) -> None:
        self.facts = facts
        self.path = path
        self.module = module
        self.owner = owner
        self.name = facts.name
        self.full_name = f"{module}.{facts.qualname}" if module else facts.qualname
        self.regions: tuple[Region, ...] = facts.regions

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        if not any("~" in e.path or "~" in e.key or any("~" in a.path for a in e.args) for e in self.facts.effects):
            return self.facts.effects
        return tuple(self._resolved(effect) for effect in self.facts.effects)

    def _resolved(self, effect: Effect) -> Effect:
        args = tuple(
            msgspec.structs.replace(a, path=self._bare(a.path)) if a.path.startswith("~") else a for a in effect.args
        )
        reads = tuple(self._bare(path) for path in effect.reads)
        return msgspec.structs.replace(
            effect, path=self._bare(effect.path), key=self._bare(effect.key), args=args, reads=reads
        )

    def _bare(self, path: str) -> str:
        """A C++ bare name is a member when the class has one of that name, else a global."""
        if not path.startswith("~"):
            return path
        path = path[1:]
        root = path
        for mark in ".[(":
            root = root.split(mark, 1)[0]
        if self.owner is not None and (root in self.owner.attributes or self.owner.method(root) is not None):
            return f"self.{path}"
        return path

    @property
    def is_method(self) -> bool:
        return self.owner is not None and self.facts.qualname == f"{self.facts.owner}.{self.name}"

    def __repr__(self) -> str:
        return f"<{self.path}:{self.facts.line} {self.facts.qualname}>"


class ClassInfo:
    """A class with its bases resolved; `mro` begins with the class itself."""

    def __init__(self, facts: fact.Class, path: str, module: str, language: str) -> None:
        self.facts = facts
        self.path = path
        self.module = module
        self.language = language
        self.full_name = f"{module}.{facts.qualname}" if module else facts.qualname
        self.bases: tuple[ClassInfo, ...] = ()
        self.unknown_bases: tuple[str, ...] = ()
        self.methods: dict[str, FunctionInfo] = {}
        self.functions: list[FunctionInfo] = []
        self.direct_subclasses: list[ClassInfo] = []
        self.resolve_type: Callable[[str, str], ClassInfo | None] = lambda path, text: None

    @cached_property
    def mro(self) -> tuple[ClassInfo, ...]:
        order: list[ClassInfo] = []
        queue = [self]
        while queue:
            here = queue.pop(0)
            if here not in order:
                order.append(here)
                queue.extend(here.bases)
        return tuple(order)

    @cached_property
    def subclasses(self) -> tuple[ClassInfo, ...]:
        found: list[ClassInfo] = []
        queue = list(self.direct_subclasses)
        while queue:
            here = queue.pop(0)
            if here is not self and here not in found:
                found.append(here)
                queue.extend(here.direct_subclasses)
        return tuple(found)

    def method(self, name: str) -> FunctionInfo | None:
        for ancestor in self.mro:
            if name in ancestor.methods:
                return ancestor.methods[name]
        return None

    @cached_property
    def attributes(self) -> dict[str, AttributeInfo]:
        """Own and inherited; the nearest definition wins, and one in a constructor tells most."""
        found: dict[str, AttributeInfo] = {}
        for ancestor in self.mro:
            for name, info in ancestor._own_attributes.items():
                found.setdefault(name, info)
        return found

    @cached_property
    def _own_attributes(self) -> dict[str, AttributeInfo]:
        found: dict[str, AttributeInfo] = {}
        for field in self.facts.fields:
            found[field.name] = AttributeInfo(
                field.name,
                self.path,
                field.line,
                field.value,
                field.source,
                field.annotation,
                self.language == "python" and not any("dataclass" in d for d in self.facts.decorators),
            )
        for function in sorted(self.functions, key=lambda f: (f.name != "__init__", f.facts.line)):
            annotations = {p.name: p.annotation for p in function.facts.params}
            for effect in function.facts.effects:
                name = effect.path[5:] if effect.path.startswith("self.") else ""
                if not name.isidentifier() or effect.op not in ("assign", "clear", "insert"):
                    continue
                if name in found and not (found[name].is_class_level and function.name == "__init__"):
                    continue
                if effect.op == "insert":
                    continue
                value, annotation = effect.value, ""
                if effect.value == "path":
                    annotation = annotations.get(effect.source, "")
                found[name] = AttributeInfo(name, function.path, effect.line, value, effect.source, annotation)
        for info in found.values():
            info.class_of = self._class_of(info)
        return found

    def _class_of(self, info: AttributeInfo) -> ClassInfo | None:
        if info.value == "new":
            made = self.resolve_type(info.path, info.source)
            if made is not None:
                return made
        return self.resolve_type(info.path, info.annotation) if info.annotation else None

    def __repr__(self) -> str:
        return f"<class {self.full_name}>"


class Call(msgspec.Struct, frozen=True):
    """A function and the effect in it that calls."""

    function: FunctionInfo
    effect: Effect


class Done(msgspec.Struct, frozen=True):
    """One effect on an object, as seen from the method that set it going.

    `path` is rewritten to the root object's view; `chain` leads from the root method to where the effect is.
    """

    effect: Effect
    path: str
    function: FunctionInfo
    chain: tuple[tuple[FunctionInfo, Effect], ...]
    conditional: bool


class Program:
    def __init__(self, files: Mapping[str, FileFacts], vocabulary: Vocabulary) -> None:
        self.files = dict(sorted(files.items()))
        self.vocabulary = vocabulary
        self._modules = module_names(self.files)
        self._imports = {
            p: Imports(self._modules[p], p, f.imports, {c.qualname for c in f.classes}) for p, f in self.files.items()
        }
        self._does: dict[tuple[int, int], tuple[Done, ...]] = {}
        self._callees: dict[tuple[int, Effect], tuple[FunctionInfo, ...]] = {}
        self._link()

    # ------------------------------------------------------------ linking

    def _link(self) -> None:
        classes: list[ClassInfo] = []
        self._by_full_name: dict[str, ClassInfo] = {}
        self._by_simple_name: dict[str, list[ClassInfo]] = {}
        for path, facts in self.files.items():
            for class_facts in facts.classes:
                info = ClassInfo(class_facts, path, self._modules[path], facts.language)
                info.resolve_type = self._class_in
                classes.append(info)
                self._by_full_name.setdefault(info.full_name, info)
                self._by_simple_name.setdefault(class_facts.name, []).append(info)
        self.classes = tuple(classes)
        self._link_functions()
        for info in classes:
            self._link_bases(info)

    def _link_functions(self) -> None:
        functions: list[FunctionInfo] = []
        self._functions_by_name: dict[str, list[FunctionInfo]] = {}
        self._functions_by_full_name: dict[str, FunctionInfo] = {}
        for path, facts in self.files.items():
            own = {c.facts.qualname: c for c in self._classes_of(path)}
            for function_facts in facts.functions:
                owner = own.get(function_facts.owner) if function_facts.owner else None
                if owner is None and function_facts.owner and facts.language != "python":
                    owner = self._cpp_owner(function_facts.owner, path)
                function = FunctionInfo(function_facts, path, self._modules[path], owner)
                functions.append(function)
                if owner is not None:
                    owner.functions.append(function)
                    if function.is_method and (function_facts.has_body or function_facts.name not in owner.methods):
                        owner.methods[function.name] = function
                elif function_facts.has_body:
                    self._functions_by_name.setdefault(function.name, []).append(function)
                self._functions_by_full_name.setdefault(function.full_name, function)
        self.functions = tuple(functions)

    @cached_property
    def _functions_by_path(self) -> dict[str, list[FunctionInfo]]:
        found: dict[str, list[FunctionInfo]] = {}
        for function in self.functions:
            found.setdefault(function.path, []).append(function)
        return found

    def functions_in(self, path: str) -> list[FunctionInfo]:
        """The functions of one file, in source order."""
        return self._functions_by_path.get(path, [])

    def _classes_of(self, path: str) -> list[ClassInfo]:
        if not hasattr(self, "_classes_by_path"):
            self._classes_by_path: dict[str, list[ClassInfo]] = {}
            for info in self.classes:
                self._classes_by_path.setdefault(info.path, []).append(info)
        return self._classes_by_path.get(path, [])

    def _cpp_owner(self, owner: str, path: str) -> ClassInfo | None:
        candidates = [
            c
            for c in self._by_simple_name.get(owner.rsplit(".", 1)[-1], ())
            if c.language != "python" and (c.facts.qualname == owner or c.facts.qualname.endswith("." + owner))
        ] or [c for c in self._by_simple_name.get(owner.rsplit(".", 1)[-1], ()) if c.language != "python"]
        return _nearest(candidates, path)

    def _link_bases(self, info: ClassInfo) -> None:
        known, unknown = [], []
        for base in info.facts.bases:
            found = self._class_in(info.path, base)
            if found is not None and found is not info:
                known.append(found)
                found.direct_subclasses.append(info)
            else:
                unknown.append(base)
        info.bases, info.unknown_bases = tuple(known), tuple(unknown)

    def _class_in(self, path: str, text: str) -> ClassInfo | None:
        """The class a type, base or constructor named in a file stands for."""
        for name in type_names(text):
            found = self._class_named_in(path, name)
            if found is not None:
                return found
        return None

    def _class_named_in(self, path: str, name: str) -> ClassInfo | None:
        if self.files[path].language == "python":
            full = self.resolve(path, name)
            return self._by_full_name.get(full)
        simple = name.rsplit(".", 1)[-1]
        return _nearest([c for c in self._by_simple_name.get(simple, ()) if c.language != "python"], path)

    def class_named(self, name: str) -> ClassInfo | None:
        if name in self._by_full_name:
            return self._by_full_name[name]
        found = self._by_simple_name.get(name, [])
        return found[0] if found else None

    def resolve(self, at: FunctionInfo | str, path: str) -> str:
        """A dotted path after imports are followed: `dist.all_reduce` as `torch.distributed.all_reduce`."""
        file = at if isinstance(at, str) else at.path
        full = self._imports[file].resolve(path)
        for _ in range(4):
            if full in self._by_full_name or full in self._functions_by_full_name:
                return full
            onward = self._through_reexport(full)
            if onward == full:
                return full
            full = onward
        return full

    @cached_property
    def _path_of_module(self) -> dict[str, str]:
        return {module: path for path, module in reversed(self._modules.items())}

    def _through_reexport(self, full: str) -> str:
        """`pkg.Name` where pkg/__init__.py itself imports Name from elsewhere."""
        module, _, rest = full.rpartition(".")
        tail = rest
        while module:
            path = self._path_of_module.get(module)
            if path is not None:
                onward = self._imports[path].reexport(tail)
                return onward if onward else full
            module, _, last = module.rpartition(".")
            tail = f"{last}.{tail}"
        return full

    # ------------------------------------------------------------ calls

    def callees(self, function: FunctionInfo, effect: Effect, cls: ClassInfo | None = None) -> tuple[FunctionInfo, ...]:
        """The functions a call may reach, as far as the program tells; () when it doesn't.

        `cls` is the class of `self` where it is known to be more special than the method's own class.
        """
        called = effect.callee
        if not called or "?" in called:
            return ()
        if cls is not None and cls is not function.owner:
            return self._find_callees(function, called, cls)
        key = (id(function), effect)
        found = self._callees.get(key)
        if found is None:
            found = self._callees[key] = self._find_callees(function, called, function.owner)
        return found

    def _find_callees(self, function: FunctionInfo, called: str, cls: ClassInfo | None) -> tuple[FunctionInfo, ...]:
        receiver, dot, name = called.rpartition(".")
        if not dot:
            return self._plain_callee(function, called)
        if receiver == "super()":
            for ancestor in function.owner.mro[1:] if function.owner else ():
                if name in ancestor.methods:
                    return (ancestor.methods[name],)
            return ()
        target = self.class_of(function, receiver, cls)
        if target is not None:
            found = target.method(name)
            return (found,) if found is not None else ()
        if receiver.startswith("self") or "(" in receiver or "[" in receiver:
            return ()
        return self._plain_callee(function, called)

    def _plain_callee(self, function: FunctionInfo, called: str) -> tuple[FunctionInfo, ...]:
        if "(" in called or "[" in called:
            return ()
        if self.files[function.path].language == "python":
            nested = self._functions_by_full_name.get(f"{function.full_name}.{called}")
            if nested is not None:
                return (nested,)
            full = self.resolve(function, called)
            found = self._functions_by_full_name.get(full)
            if found is None and full in self._by_full_name:
                found = self._by_full_name[full].method("__init__")
            if found is None and "." in full:
                owner = self._by_full_name.get(full.rpartition(".")[0])
                found = owner.method(full.rpartition(".")[2]) if owner else None
            return (found,) if found is not None else ()
        simple = called.rsplit(".", 1)[-1]
        if "." in called:
            base = _nearest(self._by_simple_name.get(called.rsplit(".", 2)[-2], ()), function.path)
            method = base.method(simple) if base else None
            if method is not None:
                return (method,)
        candidates = [f for f in self._functions_by_name.get(simple, ()) if self.files[f.path].language != "python"]
        nearest = _nearest(candidates, function.path)
        return (nearest,) if nearest is not None else ()

    def class_of(self, function: FunctionInfo, path: str, cls: ClassInfo | None = None) -> ClassInfo | None:
        """The class of the object an access path leads to, attribute by attribute from its root."""
        parts = path.split(".")
        root = parts[0]
        owner = cls or function.owner
        if root == "self":
            here = owner
        else:
            here = self._class_of_local(function, root.removesuffix("[]"))
        for part in parts[1:]:
            if here is None:
                return None
            name = part.removesuffix("[]").removesuffix("()")
            if part.endswith("()"):
                method = here.method(name)
                here = self._class_in(method.path, method.facts.returns) if method and method.facts.returns else None
                continue
            info = here.attributes.get(name)
            if info is None:
                return None
            if part.endswith("[]"):
                here = self._class_in(info.path, element_type(info.annotation)) if info.annotation else None
            else:
                here = info.class_of
        return here

    def _class_of_local(self, function: FunctionInfo, name: str) -> ClassInfo | None:
        for parameter in function.facts.params:
            if parameter.name == name:
                return self._class_in(function.path, parameter.annotation) if parameter.annotation else None
        for effect in function.facts.effects:
            if effect.op == "bind" and effect.path == name and effect.value == "new":
                return self._class_in(function.path, effect.source.lstrip("~"))
            if effect.op == "bind" and effect.path == name and effect.via == "declare" and effect.source:
                return self._class_in(function.path, effect.source)
        return None

    @cached_property
    def _callers(self) -> dict[int, list[Call]]:
        found: dict[int, list[Call]] = {}
        for function in self.functions:
            for effect in function.effects:
                for callee in self.callees(function, effect):
                    found.setdefault(id(callee), []).append(Call(function, effect))
        return found

    def callers(self, function: FunctionInfo) -> tuple[Call, ...]:
        return tuple(self._callers.get(id(function), ()))

    def reaches(
        self, function: FunctionInfo, wanted: Callable[[FunctionInfo, Effect], bool], depth: int = _DEEPEST
    ) -> tuple[tuple[FunctionInfo, Effect], ...]:
        """The shortest chain of calls from a function to an effect that is `wanted`; () when there is none."""
        seen = {id(function)}
        level: list[tuple[FunctionInfo, tuple[tuple[FunctionInfo, Effect], ...]]] = [(function, ())]
        for _ in range(depth):
            below: list[tuple[FunctionInfo, tuple[tuple[FunctionInfo, Effect], ...]]] = []
            for here, chain in level:
                for effect in here.effects:
                    if wanted(here, effect):
                        return (*chain, (here, effect))
            for here, chain in level:
                for effect in here.effects:
                    for callee in self.callees(here, effect):
                        if id(callee) not in seen:
                            seen.add(id(callee))
                            below.append((callee, (*chain, (here, effect))))
            level = below
        return ()

    # ------------------------------------------------------------ what a method does to its object

    def does(self, method: FunctionInfo, cls: ClassInfo | None = None) -> tuple[Done, ...]:
        """Everything that calling a method on an object of class `cls` does to that object, through all it calls."""
        receiver = cls or method.owner
        key = (id(method), id(receiver))
        found = self._does.get(key)
        if found is None:
            done: list[Done] = []
            self._follow(method, receiver, {}, (), False, {id(method)}, done)
            found = self._does[key] = tuple(done)
        return found

    def _follow(
        self,
        function: FunctionInfo,
        cls: ClassInfo | None,
        names: Mapping[str, str],
        chain: tuple[tuple[FunctionInfo, Effect], ...],
        conditional: bool,
        active: set[int],
        done: list[Done],
    ) -> None:
        for effect in function.effects:
            if len(done) > _MOST_DONE:
                return
            here = conditional or self._is_conditional(function, effect)
            done.append(Done(effect, _renamed(effect.path, names), function, (*chain, (function, effect)), here))
            if len(chain) >= _DEEPEST or not effect.callee:
                continue
            for callee in self.callees(function, effect, cls):
                if id(callee) in active:
                    continue
                inner = self._names_for(callee, effect, names, cls, function)
                if inner is None:
                    continue
                inner_names, inner_cls = inner
                self._follow(
                    callee, inner_cls, inner_names, (*chain, (function, effect)), here, active | {id(callee)}, done
                )

    def _names_for(
        self,
        callee: FunctionInfo,
        effect: Effect,
        names: Mapping[str, str],
        cls: ClassInfo | None,
        caller: FunctionInfo,
    ) -> tuple[dict[str, str], ClassInfo | None] | None:
        """What the callee's `self` and parameters are to the root object; None when none is part of it."""
        inner: dict[str, str] = {}
        inner_cls: ClassInfo | None = callee.owner
        receiver = effect.callee.rpartition(".")[0]
        if receiver in ("self", "super()") or (
            callee.owner is not None and cls is not None and callee.owner in cls.mro
        ):
            if caller.owner is not None and not receiver.startswith("self."):
                inner["self"] = names.get("self", "self")
                inner_cls = cls
        if "self" not in inner and callee.owner is not None:
            inner["self"] = _renamed(receiver, names) if receiver else "?"
        parameters = [p.name for p in callee.facts.params if p.kind in ("", "only")]
        if callee.owner is not None and parameters and self.files[callee.path].language == "python":
            parameters = parameters[1:]
        for position, argument in enumerate(effect.args):
            name = argument.keyword or (parameters[position] if position < len(parameters) else "")
            if name and argument.path:
                inner[name] = _renamed(argument.path, names)
        touches = any(path == "self" or path.startswith("self.") for path in inner.values())
        return (inner, inner_cls) if touches else None

    def _is_conditional(self, function: FunctionInfo, effect: Effect) -> bool:
        return any(region.kind in _CONDITIONAL for region in self.regions_of(function, effect))

    def regions_of(self, function: FunctionInfo, effect: Effect) -> tuple[Region, ...]:
        """The regions an effect stands in, from the innermost out to the body."""
        found, index = [], effect.region
        while True:
            region = function.regions[index]
            found.append(region)
            if index == 0:
                return tuple(found)
            index = region.parent

    # ------------------------------------------------------------ who touches an attribute

    @cached_property
    def _touched(self) -> dict[str, list[tuple[FunctionInfo, Effect]]]:
        """Effects on something's attribute, by the attribute's name, where the receiver is not `self`."""
        found: dict[str, list[tuple[FunctionInfo, Effect]]] = {}
        for function in self.functions:
            for effect in function.effects:
                if effect.op in ("insert", "remove", "clear", "assign", "delete") and "." in effect.path:
                    name = effect.path.rsplit(".", 1)[-1].split("[")[0]
                    found.setdefault(name, []).append((function, effect))
        return found

    def touches(self, cls: ClassInfo, attribute: str) -> list[tuple[FunctionInfo, Effect, bool]]:
        """Who changes an attribute of a class's objects: (function, effect, known only by the attribute's name)."""
        family = {id(c) for c in (*cls.mro, *cls.subclasses)}
        found = []
        for function, effect in self._touched.get(attribute, ()):
            receiver = effect.path.rsplit(".", 1)[0]
            if receiver == "self":
                if function.owner is not None and id(function.owner) in family:
                    found.append((function, effect, False))
                continue
            target = self.class_of(function, receiver)
            if target is not None:
                if id(target) in family:
                    found.append((function, effect, False))
            else:
                found.append((function, effect, True))
        return found

    # ------------------------------------------------------------ places and graphs

    def place(self, function: FunctionInfo, effect: Effect) -> Place:
        end = effect.column + len(effect.callee or effect.path)
        return Place(function.path, effect.line, effect.column, effect.line, end)

    def step(self, function: FunctionInfo, at: Effect | int, message: str) -> Step:
        return Step(function.path, at if isinstance(at, int) else at.line, message)

    @cached_property
    def hierarchy(self) -> networkx.DiGraph[str]:
        """An edge from each class to each of its bases."""
        import networkx

        graph: networkx.DiGraph[str] = networkx.DiGraph()
        graph.add_nodes_from(c.full_name for c in self.classes)
        graph.add_edges_from((c.full_name, base.full_name) for c in self.classes for base in c.bases)
        return graph

    @cached_property
    def calls(self) -> networkx.DiGraph[str]:
        """An edge from each function to each function it may call."""
        import networkx

        graph: networkx.DiGraph[str] = networkx.DiGraph()
        for function in self.functions:
            for effect in function.effects:
                for callee in self.callees(function, effect):
                    graph.add_edge(function.full_name, callee.full_name)
        return graph


def _renamed(path: str, names: Mapping[str, str]) -> str:
    root = path
    for mark in ".[(":
        root = root.split(mark, 1)[0]
    if root in names:
        return names[root] + path[len(root) :]
    return path if not names or (root == "self" and "self" not in names) else f"?{path}"


_Placed = TypeVar("_Placed", ClassInfo, FunctionInfo)


def _nearest(candidates: Iterable[_Placed], path: str) -> _Placed | None:
    """The candidate whose file shares the longest beginning with `path`; ties go to the first."""

    def shared(candidate: _Placed) -> int:
        ours, theirs = path.split("/"), candidate.path.split("/")
        count = 0
        while count < min(len(ours), len(theirs)) and ours[count] == theirs[count]:
            count += 1
        return count

    return max(candidates, key=shared, default=None)
