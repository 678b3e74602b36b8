"""Which module a Python file is, and which file a module is: names of files only, nothing of what is in them.

A file's module name comes from the package layout: it starts at the outermost folder with an `__init__.py`. Imports
are matched by that name; where the scan began inside a package, or beside one without `__init__.py`, by its end. What
stands aside (a stub of a library among the tests, a vendored copy) answers only those who stand there too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from llmlint.code.facts.facts import ImportFact

_SUFFIXES = (".py", ".pyi")
_ASIDE = frozenset(
    "test tests testing testdata fixtures cases mocks stubs typings example examples demo demos benchmark benchmarks "
    "docs doc third_party thirdparty 3rdparty vendor vendored _vendor extern external deps site-packages".split()
)
"""Folders from which nothing is installed: no import path of code outside of them leads there."""


class ModuleMap:
    def __init__(self, paths: Iterable[str]) -> None:
        self._names: dict[str, str] = {}
        self._paths: dict[str, list[str]] = {}
        self._packages: set[str] = set()
        python = sorted(path for path in paths if path.endswith(_SUFFIXES))
        inits = {path.rpartition("/")[0] for path in python if path.rpartition("/")[2].startswith("__init__.")}
        roots: dict[str, int] = {}
        for path in python:
            folder = path.rpartition("/")[0]
            if folder not in roots:
                roots[folder] = _package_depth(folder, inits)
            name = _module_name(path, roots[folder])
            self._names[path] = name
            self._paths.setdefault(name, []).append(path)
        for name in self._paths:
            while name and name not in self._packages:
                self._packages.add(name)
                name = name.rpartition(".")[0]
        self._by_last: dict[str, list[str]] | None = None
        self._found: dict[str, tuple[str, ...]] = {}
        self._aside: dict[tuple[str, str], bool] = {}
        self._dropped = ""

    def name_of(self, path: str) -> str:
        """The dotted name of a file's module; for a file that is no Python module its path."""
        return self._names.get(path, path)

    def is_package(self, name: str) -> bool:
        """Is there anything in the program below this dotted name?"""
        return name in self._packages or self._dropped.startswith(f"{name}.")

    def learn_outer_package(self, imports: Iterable[str]) -> None:
        """Finds the package that the scan began inside of: the prefix that, left off, makes most imports known."""
        votes: Counter[str] = Counter()
        for target in sorted(set(imports)):
            if not target or target in self._packages:
                continue
            parts = target.split(".")
            for cut in range(1, len(parts) - 1):
                if ".".join(parts[cut:]) in self._paths:
                    votes[".".join(parts[:cut])] += 1
                    break
        if votes:
            self._dropped = min(votes, key=lambda prefix: (-votes[prefix], prefix)) + "."

    def find(self, name: str, near: str) -> str:
        """The path of a module's file, "" when it is none of the program's; of several the one closest to `near`."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._search(name)
        found = tuple(path for path in found if not self._stands_aside(_root_of(path, name), near))
        if not found and "." not in name:
            beside = f"{near.rpartition('/')[0]}/{name}.py".lstrip("/")
            return beside if beside in self._names else ""
        return found[0] if len(found) == 1 else nearest(found, near)

    def _stands_aside(self, root: str, near: str) -> bool:
        """Does a folder that imports begin at lie where a file's import path does not lead?"""
        folder = near.rpartition("/")[0]
        key = (root, folder)
        if key not in self._aside:
            shared = _shared_folders(root, folder)
            self._aside[key] = not _ASIDE.isdisjoint(root.split("/")[shared:])
        return self._aside[key]

    def _search(self, name: str) -> tuple[str, ...]:
        exact = self._paths.get(name)
        if exact:
            return tuple(exact)
        if f"{name}." == self._dropped:
            return tuple(self._paths.get("", ()))
        if self._dropped and name.startswith(self._dropped):
            inside = self._paths.get(name[len(self._dropped) :])
            if inside:
                return tuple(inside)
        if "." not in name:
            return ()
        ending = "." + name
        return tuple(
            path
            for longer in self._ending_in(name.rpartition(".")[2])
            if longer.endswith(ending)
            for path in self._paths[longer]
        )

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
        base = ".".join(package[: len(package) - up] if up else package)
        return f"{base}.{fact.module}".strip(".") if fact.module else base


def nearest(paths: Iterable[str], near: str) -> str:
    """The path that shares the most leading folders with `near`; the first in order of equals."""
    folder = near.rpartition("/")[0]
    return min(paths, key=lambda path: (-_shared_folders(path.rpartition("/")[0], folder), path), default="")


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
