"""Where names get their values: the locals of functions, the variables of modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmlint.code.link.entities import ClassInfo, FunctionInfo, Start, start_of

_DISPLAYS = {"[": "list", "{": "dict", "(": "tuple"}
_BINDING = ("", "with", "for", "declare", "=")

StartsByName = Mapping[str, Sequence[Start]]


class Starts:
    def __init__(self, functions: Sequence[FunctionInfo]) -> None:
        self.functions = functions
        self.modules = {f.path: f for f in functions if f.name == "<module>"}
        self._by_qualname: dict[tuple[str, str], FunctionInfo] = {}
        self._by_path: dict[str, list[FunctionInfo]] = {}
        for function in functions:
            self._by_qualname.setdefault((function.path, function.facts.qualname), function)
            self._by_path.setdefault(function.path, []).append(function)
        self._found: dict[tuple[FunctionInfo, tuple[str, ...]], dict[str, list[Start]]] = {}
        self._globals: dict[FunctionInfo, dict[str, list[Start]]] = {}

    def functions_in(self, path: str) -> Sequence[FunctionInfo]:
        return self._by_path.get(path, ())

    def around(self, function: FunctionInfo) -> FunctionInfo | None:
        """The function that this one is nested in."""
        outer = function.facts.qualname.rpartition(".")[0]
        return self._by_qualname.get((function.path, outer)) if outer and function.language == "python" else None

    def of_locals(self, function: FunctionInfo) -> StartsByName:
        return self._starts(function, ("bind",))

    def of_globals(self, module: FunctionInfo) -> StartsByName:
        """The module's variables, with what functions of its file assign to them."""
        starts = self._globals.get(module)
        if starts is None:
            starts = self._globals[module] = dict(self._starts(module, ("assign", "bind", "clear")))
            others = self.functions_in(module.path) if starts and module.language == "python" else ()
            for function in others:
                if function is not module and not starts.keys().isdisjoint(function.facts.gist.changes):
                    found = self._starts(function, ("assign", "clear"))
                    starts.update({name: [*starts[name], *found[name]] for name in found if name in starts})
        return starts

    def _starts(self, function: FunctionInfo, ops: tuple[str, ...]) -> dict[str, list[Start]]:
        starts = self._found.get((function, ops))
        if starts is None:
            starts = self._found[function, ops] = {}
            for effect in function.effects:
                if effect.op in ops and effect.via in _BINDING:
                    starts.setdefault(effect.path, []).append(start_of(function, effect))
        return starts


def where(start: Start, holder: FunctionInfo | ClassInfo | None) -> tuple[str, str]:
    """The file and the qualified name in which the names of a start have their meaning."""
    at = start.function or holder
    return (at.path, at.facts.qualname) if at is not None else ("", "")


def kind_of(source: str) -> str:
    """The Python type of a display or of a call that makes an empty container."""
    return _DISPLAYS.get(source[:1]) or source.partition("(")[0].rpartition(".")[2] or "list"
