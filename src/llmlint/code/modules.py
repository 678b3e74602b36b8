"""Python modules: which dotted name a file has, and what a name in it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from llmlint.code.facts import FileFacts, ImportFact


def module_names(files: Mapping[str, FileFacts]) -> dict[str, str]:
    """The dotted name of each Python file by its packages (folders with `__init__.py`); "" for other languages."""
    packages = {str(PurePosixPath(p).parent) for p in files if p.endswith("__init__.py")}
    roots = _import_roots(files, packages)
    return {path: _module_name(path, packages, roots) if f.language == "python" else "" for path, f in files.items()}


def _import_roots(files: Mapping[str, FileFacts], packages: set[str]) -> set[str]:
    """Names that files import absolutely: a folder of such a name is where a namespace package begins."""
    return {i.module.split(".")[0] for f in files.values() if f.language == "python" for i in f.imports if not i.level}


def _module_name(path: str, packages: set[str], roots: set[str]) -> str:
    file = PurePosixPath(path)
    parts = [] if file.stem == "__init__" else [file.stem]
    folders = list(file.parent.parts)
    # A folder without __init__.py may be a package too: the outermost one imported by name begins the path.
    for at, folder in enumerate(folders):
        if folder in roots:
            return ".".join([*folders[at:], *parts])
    taken: list[str] = []
    while folders and str(PurePosixPath(*folders)) in packages:
        taken.insert(0, folders.pop())
    return ".".join([*taken, *parts]) or file.parent.name


class Imports:
    """The names a file imports."""

    def __init__(self, module: str, path: str, imports: Iterable[ImportFact], own: set[str]) -> None:
        """`own`: the classes the file defines itself."""
        self.module = module
        self.own = own
        self._package = module if path.endswith("__init__.py") else module.rpartition(".")[0]
        self._names: dict[str, str] = {}
        self._stars: list[str] = []
        for found in imports:
            source = self._absolute(found)
            if found.target == "*":
                self._stars.append(source)
            elif found.target:
                self._names[found.name] = f"{source}.{found.target}" if source else found.target
            else:
                # `import a.b` binds `a`; `import a.b as c` binds the whole
                self._names[found.name] = source if found.name != source.split(".")[0] else found.name

    def _absolute(self, found: ImportFact) -> str:
        if not found.level:
            return found.module
        package = self._package.split(".") if self._package else []
        package = package[: len(package) - (found.level - 1)] if found.level > 1 else package
        return ".".join([*package, found.module] if found.module else package)

    def resolve(self, path: str) -> str:
        root, dot, rest = path.partition(".")
        known = self._names.get(root)
        if known is not None:
            return f"{known}{dot}{rest}"
        return f"{self.module}.{path}" if self.module and (not dot or root in self.own) else path

    def reexport(self, name: str) -> str:
        root, dot, rest = name.partition(".")
        known = self._names.get(root)
        if known is not None:
            return f"{known}{dot}{rest}"
        return f"{self._stars[0]}.{name}" if self._stars else ""
