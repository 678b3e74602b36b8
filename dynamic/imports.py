"""Tells when a module of the plan has been imported, before its importer goes on.

The import system clears `spec._initializing` when a module's body has run. A spec that notices this needs no wrapped
loader, so no frame of ours stands in the traceback of a failing import. Whatever this misses (a script run as
`__main__`, a program that replaces `sys.meta_path`), the tracer's own thread finds a little later in `sys.modules`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Loaded = Callable[[str], None]

_on_loaded: Loaded = lambda name: None  # noqa: E731


class _WatchedSpec(ModuleSpec):
    """A spec until its module is there; then an ordinary one again."""

    @property
    def _initializing(self) -> bool:
        return bool(self.__dict__.get("_llmlint_initializing", False))

    @_initializing.setter
    def _initializing(self, value: bool) -> None:
        self.__dict__["_llmlint_initializing"] = value
        if value:
            return
        self.__dict__.pop("_llmlint_initializing", None)
        self.__class__ = ModuleSpec  # type: ignore[assignment]
        self.__dict__["_initializing"] = False
        if self.name in sys.modules:
            _on_loaded(self.name)


class Finder:
    """First on `sys.meta_path`; finds nothing itself, and asks the others only for modules the plan may mean."""

    def __init__(self, may_mean: Callable[[str], bool]) -> None:
        self.may_mean = may_mean

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not self.may_mean(name):
            return None
        for finder in list(sys.meta_path):
            find: Any = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec = find(name, path, target)
            if spec is not None:
                if type(spec) is ModuleSpec:
                    spec.__class__ = _WatchedSpec
                found: ModuleSpec = spec
                return found
        return None


def install(may_mean: Callable[[str], bool], on_loaded: Loaded) -> Finder:
    """From now on `on_loaded` is called with the name of each module that `may_mean` lets through."""
    global _on_loaded
    _on_loaded = on_loaded
    finder = Finder(may_mean)
    sys.meta_path.insert(0, finder)
    return finder


def uninstall() -> None:
    """Nobody is told any more; modules on their way become ordinary ones by themselves."""
    global _on_loaded
    _on_loaded = lambda name: None  # noqa: E731
    sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder) is not Finder]
