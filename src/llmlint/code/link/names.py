"""What a name means in a file: a class, a function, a module of the program, or something outside of it.

Python names follow definitions, imports, aliases, re-exports and `import *`. C and C++ names have no imports to
follow: of several classes or functions of one name, the one in the file itself, in a header it includes, or nearest
by folder is meant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from llmlint.code.facts.facts import Effect, FileFacts, ImportFact
from llmlint.code.link.asking import Asking
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.modules import ModuleMap, nearest
from llmlint.code.link.once import once


class Module(NamedTuple):
    """A module or package of the program; `path` is empty for a folder without `__init__.py`."""

    name: str
    path: str


class Variable(NamedTuple):
    """A module-level name that is neither class nor function."""

    path: str
    name: str
    full_name: str


class Outside(NamedTuple):
    """A dotted name that leads out of the program, or nowhere."""

    name: str


Meaning: TypeAlias = ClassInfo | FunctionInfo | Module | Variable | Outside
Entity = TypeVar("Entity", ClassInfo, FunctionInfo)

_STANDARD = "std."
_TEMPLATE = re.compile(r"<[^<>]*>")


def plain_cpp_name(text: str) -> str:
    """`ns::Pool<int>` as `ns.Pool`."""
    while _TEMPLATE.search(text):
        text = _TEMPLATE.sub("", text)
    return text.replace("::", ".").replace("->", ".").strip(". ")


class _PythonFile(NamedTuple):
    definitions: dict[str, ClassInfo | FunctionInfo]
    imports: dict[str, ImportFact]
    stars: tuple[ImportFact, ...]
    imported_twice: frozenset[str]
    defined_twice: frozenset[str]
    module: FunctionInfo | None

    @property
    def variables(self) -> frozenset[str]:
        return once(self.module, _variables_in) if self.module is not None else frozenset()

    @property
    def aliases(self) -> dict[str, str]:
        return once(self.module, _aliases_in) if self.module is not None else {}


_MAKES_NAMES = frozenset({"globals", "vars", "exec", "setattr", "import_module", "__import__"})


class Names:
    def __init__(
        self, files: Mapping[str, FileFacts], classes: Sequence[ClassInfo], functions: Sequence[FunctionInfo]
    ) -> None:
        self._files = files
        self.modules = ModuleMap(files, self._python_imports)
        self.modules.learn_outer_package(
            fact.module for facts in files.values() for fact in facts.imports if not fact.level
        )
        self._classes_in: dict[str, list[ClassInfo]] = {}
        self._functions_in: dict[str, list[FunctionInfo]] = {}
        self._cpp_classes: dict[str, list[ClassInfo]] = {}
        self._cpp_functions: dict[str, list[FunctionInfo]] = {}
        for cls in classes:
            self._classes_in.setdefault(cls.path, []).append(cls)
            if cls.language != "python":
                self._cpp_classes.setdefault(cls.name, []).append(cls)
        for function in functions:
            self._functions_in.setdefault(function.path, []).append(function)
            if function.language != "python" and not function.facts.owner:
                self._cpp_functions.setdefault(function.name, []).append(function)
        self._tables: dict[str, _PythonFile] = {}
        self._names_of: dict[str, frozenset[str]] = {}
        self._included: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
        self._endings: dict[str, frozenset[str]] = {}
        self._asking: Asking[tuple[str, str], Meaning] = Asking()

    def _python_imports(self) -> Iterator[tuple[str, ImportFact]]:
        python = ((path, facts) for path, facts in self._files.items() if facts.language == "python")
        return ((path, fact) for path, facts in python for fact in facts.imports)

    def lookup(self, path: str, dotted: str, within: str = "") -> Meaning:
        """What a dotted name means in the file `path`; `within` is the qualified name it is used in."""
        if self._files[path].language != "python":
            return self._lookup_cpp(path, dotted, within)
        head, _, rest = dotted.partition(".")
        meaning = self._enclosed(path, head, within) or self._in_module(path, head) or Outside(head)
        for part in rest.split(".") if rest else ():
            meaning = self.member(meaning, part)
        return meaning

    def language_of(self, path: str) -> str:
        return self._files[path].language if path in self._files else "python"

    def imported_inside(self, function: FunctionInfo) -> dict[str, list[ImportFact]]:
        """The imports that stand inside of a Python function, by the name they give."""
        first, last = function.facts.line, function.facts.end_line
        found: dict[str, list[ImportFact]] = {}
        if function.language == "python" and function.name != "<module>":
            for fact in self._files[function.path].imports:
                if first < fact.line <= last:
                    found.setdefault(fact.name, []).append(fact)
        return found

    def imported(self, path: str, fact: ImportFact) -> Meaning:
        """What an import in the file `path` gives its name."""
        return self._imported(path, fact)

    def imports_of(self, path: str) -> Mapping[str, ImportFact]:
        """The imports of a Python file that nothing else in it gives the same name."""
        table = self._table(path)
        return {name: fact for name, fact in table.imports.items() if not self.is_given_twice(path, name)}

    def imports(self, path: str, name: str) -> bool:
        """May a Python file have this name from an import?"""
        table = self._table(path)
        return name in table.imports or any(
            isinstance(self._module(self.modules.absolute(path, star), path), Outside) for star in table.stars
        )

    def is_given_twice(self, path: str, name: str) -> bool:
        """Has a Python file more than one source for a name: another import or class, an assignment beside a
        definition?"""
        table = self._table(path)
        return (name in table.imports) + (name in table.definitions) + (name in table.variables) > 1 or (
            name in table.imported_twice or name in table.defined_twice
        )

    def is_made_anew(self, path: str, name: str) -> bool:
        """Does a Python file give the name of one of its classes or functions to something else as well, as by
        `Base = declarative_base(cls=Base)`, or by an import that may fail?"""
        table = self._table(path)
        return name in table.definitions and (name in table.variables or name in table.imports)

    def import_aliases(self) -> dict[str, list[str]]:
        """Under which other names each name is imported anywhere."""
        aliases: dict[str, set[str]] = {}
        for facts in self._files.values():
            for fact in facts.imports:
                if fact.target and fact.target != fact.name:
                    aliases.setdefault(fact.target, set()).add(fact.name)
        return {name: sorted(found) for name, found in sorted(aliases.items())}

    def names_of(self, path: str) -> frozenset[str]:
        """What a Python module defines, imports or assigns at its top, each by the name it has there."""
        if path not in self._names_of:
            table = self._table(path)
            defined = (name for name in table.definitions if "." not in name)
            made = (effect.path for effect in table.module.facts.effects) if table.module is not None else ()
            self._names_of[path] = frozenset((*defined, *table.imports, *made))
        return self._names_of[path]

    def surely_lacks(self, path: str, name: str, above: frozenset[str] = frozenset()) -> bool:
        """Is this none of a Python module's names, whatever it does? Where it speaks of the name at all, or makes names
        while it runs, nobody can tell."""
        table, module = self._table(path), self.modules.name_of(path)
        if path in above or self._files[path].broken or name in self.names_of(path):
            return False
        below = f"{path.rpartition('/')[0]}/{name}.".lstrip("/")
        is_compiled = path.rpartition("/")[2].startswith("__init__.") and any(f.startswith(below) for f in self._files)
        if is_compiled or self.modules.find(f"{module}.{name}", path) or self.modules.is_package(f"{module}.{name}"):
            return False
        gists = [function.facts.gist for function in self._functions_in.get(path, ())]
        if any(
            name in (*gist.reads, *gist.changes, *gist.calls) or not _MAKES_NAMES.isdisjoint(gist.calls)
            for gist in gists
        ):
            return False
        if "__getattr__" in self.names_of(path) or any("modules" in gist.reads for gist in gists):
            return False
        if table.module is not None and once(table.module, _hands_itself_on):
            return False
        stars = [self._module(self.modules.absolute(path, star), path) for star in table.stars]
        return all(
            isinstance(star, Module) and star.path and self.surely_lacks(star.path, name, above | {path})
            for star in stars
        )

    def file_without(self, module: str, name: str, near: str) -> str:
        """The one file that a module of the program is; "" where it may have the name, or another file may that the
        whole dotted path fits."""
        path = self.modules.only_file_of(module, near)
        if not path or not self.surely_lacks(path, name):
            return ""
        return path if all(self.surely_lacks(other, name) for other in self.modules.fitting(module, near)) else ""

    def dotted(self, meaning: Meaning) -> str:
        if isinstance(meaning, ClassInfo | FunctionInfo | Variable):
            return meaning.full_name
        return meaning.name

    def member(self, meaning: Meaning, name: str) -> Meaning:
        """What `meaning.name` means."""
        match meaning:
            case Module(name=module, path=path):
                inside = self._in_module(path, name) if path else None
                return inside or self._module(f"{module}.{name}".lstrip("."), path)
            case ClassInfo():
                found = meaning.method(name) or self._table(meaning.path).definitions.get(
                    f"{meaning.facts.qualname}.{name}"
                )
                return found or Outside(f"{meaning.full_name}.{name}")
            case FunctionInfo():
                return Outside(f"{meaning.full_name}.{name}")
        return Outside(f"{self.dotted(meaning)}.{name}")

    # ------------------------------------------------------------ Python

    def _table(self, path: str) -> _PythonFile:
        table = self._tables.get(path)
        if table is None:
            table = self._tables[path] = self._read_table(path)
        return table

    def _read_table(self, path: str) -> _PythonFile:
        definitions: dict[str, ClassInfo | FunctionInfo] = {}
        module: FunctionInfo | None = None
        for function in self._functions_in.get(path, ()):
            if function.name == "<module>":
                module = function
            elif not function.is_method and not any(d.endswith("overload") for d in function.facts.decorators):
                definitions.setdefault(function.facts.qualname, function)
        again: set[str] = set()
        for cls in self._classes_in.get(path, ()):
            if isinstance(definitions.get(cls.facts.qualname), ClassInfo):
                again.add(cls.facts.qualname)
            definitions[cls.facts.qualname] = cls
        imports = self._files[path].imports if path in self._files else ()
        named: dict[str, ImportFact] = {}
        twice: set[str] = set()
        for fact in imports:
            if fact.target != "*":
                first = named.setdefault(fact.name, fact)
                if (first.module, first.level, first.target) != (fact.module, fact.level, fact.target):
                    twice.add(fact.name)
        return _PythonFile(
            definitions,
            named,
            tuple(fact for fact in imports if fact.target == "*"),
            frozenset(twice),
            frozenset(again),
            module,
        )

    def _enclosed(self, path: str, name: str, within: str) -> Meaning | None:
        """A function or class nested in one of the functions around the place of use."""
        definitions = self._table(path).definitions
        while within:
            found = definitions.get(f"{within}.{name}")
            if found is not None:
                return found
            within = within.rpartition(".")[0]
        return None

    def _in_module(self, path: str, name: str) -> Meaning | None:
        """A name of the module itself: defined there or imported there."""
        return self._asking.ask((path, name), lambda: self._find_in_module(path, name))

    def _find_in_module(self, path: str, name: str) -> Meaning | None:
        table = self._table(path)
        definition = table.definitions.get(name)
        if definition is not None:
            return definition
        fact = table.imports.get(name)
        if fact is not None:
            return self._imported(path, fact)
        if name in table.aliases:
            head, *rest = table.aliases[name].split(".")
            meaning = self._in_module(path, head)
            for part in rest:
                meaning = meaning and self.member(meaning, part)
            if isinstance(meaning, ClassInfo | FunctionInfo):
                return meaning
        if name in table.variables:
            return Variable(path, name, f"{self.modules.name_of(path)}.{name}")
        for star in reversed(table.stars):  # the last one that brings the name wins
            module = self._module(self.modules.absolute(path, star), path)
            if isinstance(module, Module) and module.path:
                found = self._in_module(module.path, name)
                if found is not None:
                    return found
        return None

    def _imported(self, path: str, fact: ImportFact) -> Meaning:
        module = self.modules.absolute(path, fact)
        if not fact.target:
            plain = fact.name == module.partition(".")[0]
            return self._module(fact.name if plain else module, path)
        return self.member(self._module(module, path), fact.target)

    def _module(self, name: str, near: str) -> Module | Outside:
        path = self.modules.find(name, near)
        if path:
            return Module(self.modules.name_of(path), path)
        return Module(name, "") if self.modules.is_package(name) else Outside(name)

    # ------------------------------------------------------------ C and C++

    def _lookup_cpp(self, path: str, text: str, within: str) -> Meaning:
        name = plain_cpp_name(text)
        cls = self.cpp_class(name, path, within)
        if cls is not None:
            return cls
        function = self.cpp_function(name, path)
        if function is not None:
            return function
        owner, _, member = name.rpartition(".")
        holder = self.cpp_class(owner, path, within) if owner else None
        found = holder.method(member) if holder else None
        return found or Outside(name)

    def cpp_class(self, name: str, path: str, within: str = "") -> ClassInfo | None:
        last = name.rpartition(".")[2]
        if last not in self._cpp_classes:
            return None
        candidates = [c for c in self._cpp_classes.get(last, ()) if _suffix_agrees(c.facts.qualname, name)]
        if len(candidates) > 1 and within:
            inner = [c for c in candidates if within.startswith(c.facts.qualname.rpartition(".")[0] + ".")]
            candidates = inner or candidates
        return self._closest(candidates, path)

    def cpp_function(self, name: str, path: str) -> FunctionInfo | None:
        last = name.rpartition(".")[2]
        candidates = [f for f in self._cpp_functions.get(last, ()) if _suffix_agrees(f.facts.qualname, name)]
        return self._closest([f for f in candidates if f.facts.has_body] or candidates, path)

    def in_a_namespace(self, path: str, name: str) -> FunctionInfo | None:
        """The free function of the program that is called by its namespaces, all or the inner ones."""
        found = self.cpp_function(name, path) if not name.startswith(_STANDARD) else None
        return found if found is not None and f".{found.facts.qualname}".endswith(f".{name}") else None

    def _closest(self, candidates: list[Entity], path: str) -> Entity | None:
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        for group in (
            [c for c in candidates if c.path == path],
            [c for c in candidates if self._includes(path, c.path)],
        ):
            if group:
                candidates = group
                break
        best = nearest((c.path for c in candidates), path)
        return next(c for c in candidates if c.path == best)

    def _includes(self, path: str, header: str) -> bool:
        """Is it named there whole, or by its last folders?"""
        if path not in self._included:
            named = [fact.module for fact in self._files[path].imports]
            bare = (name.strip("<>\"'").removeprefix("../") for name in named)
            self._included[path] = frozenset(named), frozenset(bare)
        if header not in self._endings:
            parts = header.split("/")
            self._endings[header] = frozenset("/".join(parts[at:]) for at in range(1, len(parts)))
        whole, last = self._included[path]
        return header in whole or not last.isdisjoint(self._endings[header])


def _variables_in(module: FunctionInfo) -> frozenset[str]:
    return frozenset(effect.path for effect in module.facts.effects if _makes_variable(effect))


def _hands_itself_on(module: FunctionInfo) -> bool:
    """Is somebody told the name of the module who gives nothing back: `init_api("x", __name__)` puts names into it?"""
    told = (effect for effect in module.facts.effects if effect.callee and not effect.result)
    return any(argument.path == "__name__" for effect in told for argument in effect.args)


def _makes_variable(effect: Effect) -> bool:
    return effect.op in ("assign", "clear", "insert") or effect.via == "declare"


def _aliases_in(module: FunctionInfo) -> dict[str, str]:
    """Module-level names that are only another name for something: `Pool = PoolV1`."""
    assigned = [e for e in module.facts.effects if e.op in ("assign", "clear", "insert") and "." not in e.path]
    times = Counter(effect.path for effect in assigned)
    return {
        effect.path: effect.source
        for effect in assigned
        if effect.value == "path" and not effect.via and times[effect.path] == 1
        if effect.source != effect.path and effect.source.replace(".", "").isidentifier()
    }


def _suffix_agrees(qualname: str, name: str) -> bool:
    """Can `name`, as written, stand for `qualname`: equal, or one a dotted ending of the other?"""
    return qualname == name or qualname.endswith("." + name) or name.endswith("." + qualname)
