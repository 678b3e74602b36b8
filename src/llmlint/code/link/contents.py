"""What is put into containers: by the display that makes them, and by whoever inserts into them afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from llmlint.code.facts.container_methods import PUTS_IN
from llmlint.code.facts.facts import Effect
from llmlint.code.link.entities import Call, ClassInfo, FunctionInfo
from llmlint.code.link.objects import Container, Value, joined
from llmlint.code.link.typetext import literal_type

_WHOLE = frozenset("extend extendleft update".split())
_KEYED = frozenset({"setdefault", "insert"}) | PUTS_IN
_MAKES = ("assign", "bind", "clear")


class Contents:
    """`value_at` follows a path on a line of a function, as `Types.value_at` does."""

    def __init__(
        self,
        value_at: Callable[[FunctionInfo, int, str], Value],
        literal: Callable[[str], Value],
        in_file: Callable[[str], Iterable[FunctionInfo]],
    ) -> None:
        self._value_at = value_at
        self._literal = literal
        self._in_file = in_file
        self._filled: dict[FunctionInfo | ClassInfo, dict[str, list[Call]]] = {}

    def element(self, container: Container) -> Value:
        holder, path = container.holder, container.path
        if holder is None:
            return None
        filled = self._filled_by(holder)
        put = joined(self._put(call) for call in filled.get(path, ()))
        deeper = f"{path}[]"
        return Container("list", holder, deeper) if put is None and deeper in filled else put

    def _put(self, call: Call) -> Value:
        function, effect = call
        if effect.holds:
            return joined(self._value_at(function, effect.line, held) for held in effect.holds)
        path = _inserted(effect)
        if path:
            return self._value_at(function, effect.line, path)
        literal = effect.source if effect.value == "constant" else next((a.literal for a in effect.args), "")
        return self._literal(literal_type(literal)) if literal else None

    def _filled_by(self, holder: FunctionInfo | ClassInfo) -> Mapping[str, list[Call]]:
        """What fills the containers of a function, a module or a class, by path."""
        found = self._filled.get(holder)
        if found is None:
            found = self._filled[holder] = {}
            for function in self._fillers(holder):
                for effect in function.effects:
                    if effect.op == "insert" or (effect.holds and effect.op in _MAKES):
                        # `groups[k] = [Slot()]` puts a slot into what is put into the groups
                        path = f"{effect.path}[]" if effect.holds and effect.via.startswith("[]") else effect.path
                        found.setdefault(path, []).append(Call(function, effect))
        return found

    def _fillers(self, holder: FunctionInfo | ClassInfo) -> Iterable[FunctionInfo]:
        if isinstance(holder, ClassInfo):
            return (function for cls in (holder, *holder.subclasses) for function in cls.functions)
        if holder.name == "<module>":
            return self._in_file(holder.path)
        return (holder,)


def _inserted(effect: Effect) -> str:
    """The path of what an insertion puts in, "" when that has none."""
    if effect.via == "[]=":
        if effect.options:
            return effect.options[0]
        return f"{effect.source}()" if effect.value == "new" else effect.source if effect.value == "path" else ""
    at = 1 if effect.via in _KEYED else 0
    path = effect.args[at].path if at < len(effect.args) and not effect.args[at].keyword else ""
    return f"{path}[]" if path and effect.via in _WHOLE else path
