"""Waits in each process for the first module of the plan: until then nothing is loaded, and no file or thread made.

Most Python processes of a service have nothing to watch (a helper, a build tool, `python -c`), and must not pay for it.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
"""`typing` alone would cost three times what all else here does."""
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))
_PACKAGE = "_llmlint_dynamic"

_BOUND_TO_USE_IT = ("multiprocessing.spawn", "multiprocessing.forkserver")
"""Marks of command lines that run the program itself once more."""

_waiting: list[_Waiter] = []


def begin() -> None:
    folder = os.environ.get("LLMLINT_TRACE")
    if not folder or _PACKAGE in sys.modules:
        return
    if os.path.exists(os.path.join(folder, "dormant.json")):
        import llmlint_sleeps  # type: ignore[import-not-found]

        llmlint_sleeps.begin(folder)
        return
    words = _words(folder)
    if words is None or "__main__" in words or _says_so_itself(words):
        start()
    else:
        _waiting.append(_Waiter(words))


def start() -> None:
    """The tracer goes under a name of its own: the program may have its own copy of llmlint."""
    for waiter in _waiting:
        waiter.give_up()
    _waiting.clear()
    if _PACKAGE in sys.modules:
        return
    try:
        load()
        sys.modules[_PACKAGE + ".start"].start()
    except Exception:  # the program must go on whatever happens here
        sys.modules.pop(_PACKAGE, None)


def load() -> None:
    """The package and what starts it."""
    if _PACKAGE + ".start" in sys.modules:
        return
    import importlib.util

    folder = os.path.dirname(_HERE)
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        return
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)
    importlib.import_module(_PACKAGE + ".start")


def _words(folder: str) -> frozenset[str] | None:
    """The last names of the modules of the plan, and libraries that it asks for by their whole names."""
    try:
        with open(os.path.join(folder, "wake"), encoding="utf-8") as file:
            return frozenset(file.read().split())
    except OSError:
        return None


def _says_so_itself(words: frozenset[str]) -> bool:
    """Does the command line name a script or a module of the plan?"""
    arguments = sys.orig_argv[1:]
    if any(mark in argument for argument in arguments for mark in _BOUND_TO_USE_IT):
        return True
    names = (os.path.basename(argument) for argument in arguments)
    return any(name.removesuffix(".py").rpartition(".")[2] in words for name in names)


def _posixsubprocess() -> Any:
    import _posixsubprocess

    return _posixsubprocess


class _Waiter:
    """Stands first on `sys.meta_path`, and before the starting of children: one that runs Python is to be on record."""

    def __init__(self, words: frozenset[str]) -> None:
        self.words = words
        self.stands_before: list[tuple[Any, str, Any, Any]] = []
        self._stand_before(_posixsubprocess(), "fork_exec", 0)
        self._stand_before(os, "posix_spawn", 1)  # by which `subprocess` starts most from Python 3.13 on
        self._stand_before(os, "posix_spawnp", 1)
        sys.meta_path.insert(0, self)

    def _stand_before(self, module: Any, name: str, argv_at: int) -> None:
        original: Any = getattr(module, name, None)

        def start_child(*arguments: Any, **named: Any) -> int:
            argv = arguments[argv_at] if len(arguments) > argv_at else ()
            if not _runs_python(argv):
                only: int = original(*arguments, **named)
                return only
            start()
            pid: int = getattr(module, name)(*arguments, **named)
            return pid

        if original is not None:
            start_child.__name__ = start_child.__qualname__ = name
            setattr(module, name, start_child)
            self.stands_before.append((module, name, start_child, original))

    def give_up(self) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for module, name, ours, original in self.stands_before:
            if getattr(module, name, None) is ours:
                setattr(module, name, original)

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if name not in self.words and name.rpartition(".")[2] not in self.words:
            return None
        start()
        first: Any = sys.meta_path[0]
        found: ModuleSpec | None = first.find_spec(name, path, target)
        return found


def _runs_python(argv: Any) -> bool:
    try:
        words = [os.fsdecode(word) for word in argv]
    except Exception:  # whatever it is, it is not ours to complain about
        return False
    name = os.path.basename(words[0]) if words else ""
    return name.startswith(("python", "pypy")) and not any("resource_tracker" in word for word in words)
