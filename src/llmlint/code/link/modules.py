"""Which module a Python file is, and which file a module is: names of files only, nothing of what is in them.

A file's module name comes from the package layout: it starts at the outermost folder with an `__init__.py`. Imports
are matched by that name, or by all the folders above a file, where packages have no `__init__.py`; where the scan began
inside a package, by what a learnt prefix leaves of them; else by their end. A file named like a module of the standard
library is never what an import of that name means; a package may be. A file beside a part of a package is not meant by
a name that most import where no such file stands. What stands aside (a stub of a library among the tests, a vendored
copy) answers only those who stand there too.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from llmlint.code.facts.facts import ImportFact

_SUFFIXES = (".py", ".pyi")
_ASIDE = frozenset(
    "test tests testing testdata fixtures cases mocks stubs typings example examples demo demos benchmark benchmarks "
    "docs doc third_party thirdparty 3rdparty vendor vendored _vendor extern external deps site-packages".split()
)
"""Folders from which nothing is installed: no import path of code outside of them leads there."""

_FEWEST_KNOWN = 3
_KNOWN_OF_ALL = 0.75
"""A library has a module or two named like one of ours (`torch.distributed.utils`), and never nearly all of them."""


class ModuleMap:
    """`imports` gives each import there is, with the file it stands in; hardly ever is it asked."""

    def __init__(self, paths: Iterable[str], imports: Callable[[], Iterable[tuple[str, ImportFact]]] = tuple) -> None:
        self._imports = imports
        self._names: dict[str, str] = {}
        self._paths: dict[str, list[str]] = {}
        self._placed: dict[str, list[str]] = {}
        """Files by all their folders, where their package begins below the first of them."""
        self._packages: set[str] = set()
        python = sorted(path for path in paths if path.endswith(_SUFFIXES))
        self._folders = {path.rpartition("/")[0] for path in python if path.rpartition("/")[2].startswith("__init__.")}
        inits = self._folders
        roots: dict[str, int] = {}
        for path in python:
            folder = path.rpartition("/")[0]
            if folder not in roots:
                roots[folder] = _package_depth(folder, inits)
            name = _module_name(path, roots[folder])
            self._names[path] = name
            self._paths.setdefault(name, []).append(path)
            if roots[folder]:
                self._placed.setdefault(_module_name(path, 0), []).append(path)
        for name in (*self._paths, *self._placed):
            while name and name not in self._packages:
                self._packages.add(name)
                name = name.rpartition(".")[0]
        self._by_last: dict[str, list[str]] | None = None
        self._found: dict[str, tuple[str, ...]] = {}
        self._aside: dict[tuple[str, str], bool] = {}
        self._longer: dict[str, bool] = {}
        self._dropped: tuple[str, ...] = ()

    def name_of(self, path: str) -> str:
        """The dotted name of a file's module; for a file that is no Python module its path."""
        return self._names.get(path, path)

    def is_package(self, name: str) -> bool:
        """Is there anything in the program below this dotted name?"""
        return (
            name in self._packages
            or any(prefix.startswith(f"{name}.") for prefix in self._dropped)
            or any(rest in self._packages for rest in self._without_prefix(name))
        )

    def learn_outer_package(self, imports: Iterable[str]) -> None:
        """Finds the packages that the scan began inside of: the prefix that, left off, makes most imports known, and
        any other under which nearly all of them are."""
        unknown = [t for t in sorted(set(imports)) if t.count(".") > 1 and t not in self._packages]
        votes = Counter(prefix for target in unknown if (prefix := self._prefix_to_drop(target)))
        best = sorted(votes, key=lambda prefix: (-votes[prefix], prefix))
        self._dropped = tuple(f"{p}." for p in best if p == best[0] or _is_ours(p, votes[p], unknown))

    def _is_of_a_library(self, name: str, near: str) -> bool:
        """Can a bare name not mean the file of a package that stands beside: is it mostly imported where none does,
        and who imports it here himself a part of the package, and no program that was begun in its folder?"""
        folder = near.rpartition("/")[0]
        return folder in self._folders and name in self._libraries and self.name_of(near) in self._parts

    @cached_property
    def _libraries(self) -> frozenset[str]:
        """The names that most import where no file stands beside that could be meant."""
        votes: Counter[str] = Counter()
        absolute = {(path, fact.module.partition(".")[0]) for path, fact in self._imports() if not fact.level}
        for path, name in absolute:
            beside = _beside(path, name)
            votes[name] += -1 if beside in self._names and beside != path else 1
        return frozenset(name for name, balance in votes.items() if balance > 0)

    @cached_property
    def _parts(self) -> frozenset[str]:
        """What somebody imports by a dotted path, by each end of it that names a package too."""
        modules = {(self.absolute(path, fact), fact.target) for path, fact in self._imports()}
        paths = {part for module, target in modules for part in (module, f"{module}.{target}")}
        ends = (path.split(".")[at:] for path in paths for at in range(path.count(".")))
        return frozenset(".".join(end) for end in ends)

    def _prefix_to_drop(self, target: str) -> str:
        """The shortest beginning of an import that leaves the name of a file when it is left off."""
        parts = target.split(".")
        cuts = range(1, len(parts) - 1)
        return next((".".join(parts[:cut]) for cut in cuts if self._files_named(".".join(parts[cut:]))), "")

    def _without_prefix(self, name: str) -> Iterator[str]:
        return (name[len(prefix) :] for prefix in self._dropped if name.startswith(prefix))

    def _files_named(self, name: str) -> list[str]:
        return self._paths.get(name) or self._placed.get(name, [])

    def find(self, name: str, near: str) -> str:
        """The path of a module's file, "" when it is none of the program's; of several the one closest to `near`."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._search(name)
        found = tuple(path for path in found if not self._stands_aside(_root_of(path, name), near))
        if f"/{name.partition('.')[0]}/" in near:
            found = tuple(path for path in found if not self._is_not_itself(path, name, near))
        if name in sys.stdlib_module_names:
            found = tuple(path for path in found if path.rpartition("/")[2].startswith("__init__."))
        elif not found and "." not in name:
            beside = _beside(near, name)
            is_there = beside in self._names and beside != near
            return beside if is_there and not self._is_of_a_library(name, near) else ""
        return found[0] if len(found) == 1 else nearest(found, near)

    def only_file_of(self, name: str, near: str) -> str:
        """The file of the module by its whole name; "" where several may be meant, or one of Python's own."""
        if name.partition(".")[0] in sys.stdlib_module_names:
            return ""
        path = self.find(name, near)
        own = self.name_of(path) if path else ""
        is_whole = bool(own) and name in (own, _module_name(path, 0), *(f"{prefix}{own}" for prefix in self._dropped))
        return path if is_whole and len(self._found[name]) == 1 and path.endswith(".py") else ""

    def fitting(self, name: str, near: str) -> list[str]:
        """The files whose folders end in the whole dotted path: one of them is meant where an import path leads to it,
        of several roots that one package is spread over too."""
        files = self.files_ending_in(name.rpartition(".")[2])
        whole = (path for path in files if f".{_module_name(path, 0)}".endswith(f".{name}"))
        return [path for path in whole if not self._stands_aside(_root_of(path, name), near)]

    def files_ending_in(self, last: str) -> list[str]:
        """The files of all modules with this last name."""
        return [path for name in self._ending_in(last) for path in self._paths[name]]

    def _stands_aside(self, root: str, near: str) -> bool:
        """Does a folder that imports begin at lie where a file's import path does not lead?"""
        folder = near.rpartition("/")[0]
        key = (root, folder)
        if key not in self._aside:
            shared = _shared_folders(root, folder)
            self._aside[key] = not _ASIDE.isdisjoint(root.split("/")[shared:])
        return self._aside[key]

    def _is_not_itself(self, path: str, name: str, near: str) -> bool:
        """Is a package asked by a file of its own for a library of its name: do others know it by a longer one only? So
        `import crewai` in `nat/plugins/crewai/llm.py`, where `nat.plugins` lies in several roots."""
        top = name.partition(".")[0]
        folder = f"{_root_of(path, name)}/{top}".lstrip("/")
        return near.startswith(f"{folder}/") and "/" in folder and self._goes_by_a_longer_name(folder, top)

    def _goes_by_a_longer_name(self, folder: str, top: str) -> bool:
        if folder not in self._longer:
            dotted = "." + folder.replace("/", ".")
            outside = [f.module for path, f in self._imports() if not f.level and not path.startswith(f"{folder}/")]
            below = (f"{folder}/{m.partition('.')[2].replace('.', '/')}" for m in outside if m.startswith(f"{top}."))
            is_meant = any(f"{one}.py" in self._names or f"{one}/__init__.py" in self._names for one in below)
            longer = (module[: module.find(f".{top}") + len(top) + 1] for module in outside if f".{top}" in module)
            self._longer[folder] = not is_meant and any(dotted.endswith(f".{one}") for one in longer)
        return self._longer[folder]

    def _search(self, name: str) -> tuple[str, ...]:
        exact = self._files_named(name)
        if exact:
            return tuple(exact)
        if f"{name}." in self._dropped:
            return tuple(self._paths.get("", ()))
        inside = next((found for rest in self._without_prefix(name) if (found := self._files_named(rest))), ())
        if "." not in name:
            return tuple(inside)
        ending = "." + name
        whole = (longer for longer in self._ending_in(name.rpartition(".")[2]) if longer.endswith(ending))
        return (*inside, *(path for longer in whole for path in self._paths[longer] if path not in inside))

    def _ending_in(self, last: str) -> list[str]:
        if self._by_last is None:
            self._by_last = {}
            for name in self._paths:
                self._by_last.setdefault(name.rpartition(".")[2], []).append(name)
        return self._by_last.get(last, [])

    def absolute(self, path: str, fact: ImportFact) -> str:
        """The dotted module an import speaks of, with its leading dots worked out."""
        if not fact.level:
            return fact.module
        package = self.name_of(path).split(".")
        up = fact.level - (1 if path.rpartition("/")[2].startswith("__init__.") else 0)
        if up >= len(package) and path in self._names:
            package = _module_name(path, 0).split(".")  # above the outermost `__init__.py`
        base = ".".join(package[: len(package) - up] if up else package)
        return f"{base}.{fact.module}".strip(".") if fact.module else base


def _beside(path: str, name: str) -> str:
    return f"{path.rpartition('/')[0]}/{name}.py".lstrip("/")


def nearest(paths: Iterable[str], near: str) -> str:
    """The path that shares the most leading folders with `near`; the first in order of equals."""
    folder = near.rpartition("/")[0]
    return min(paths, key=lambda path: (-_shared_folders(path.rpartition("/")[0], folder), path), default="")


def _is_ours(prefix: str, known: int, targets: Iterable[str]) -> bool:
    """Are nearly all modules that are imported from below a prefix files of the program?"""
    return known >= max(_FEWEST_KNOWN, _KNOWN_OF_ALL * sum(target.startswith(f"{prefix}.") for target in targets))


def _shared_folders(one: str, other: str) -> int:
    """How many leading folders two folders have in common."""
    pairs = enumerate(zip(one.split("/"), other.split("/"), strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(one.count("/"), other.count("/")) + 1)


def _root_of(path: str, name: str) -> str:
    """The folder at which the import of a file by this name begins: `tests/fakes` for `tests/fakes/torch/cuda.py`."""
    folders = path.split("/")[:-1]
    is_package = path.rpartition("/")[2].startswith("__init__.")
    below = name.count(".") + (1 if is_package else 0)
    return "/".join(folders[: max(0, len(folders) - below)])


def _package_depth(folder: str, inits: set[str]) -> int:
    """How many leading folders of a path stand above its outermost package."""
    parts = folder.split("/") if folder else []
    for depth in range(1, len(parts) + 1):
        if "/".join(parts[:depth]) in inits:
            return depth - 1
    return 0


def _module_name(path: str, depth: int) -> str:
    parts = path.rpartition(".")[0].split("/")[depth:]
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)
