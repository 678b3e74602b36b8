"""What the names of a function stand for while its body is read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from llmlint.code.syntax import tree

_DECORATORS_WITHOUT_SELF = ("staticmethod",)


@dataclass
class Scope:
    """What names mean where a function begins: its locals and what they stand for."""

    is_python: bool
    is_module: bool = False
    members: frozenset[str] = frozenset()
    locals: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)

    def for_function(self, node: tree.Function, owner: str, closure_of: str, members: frozenset[str]) -> Scope:
        inner = Scope(
            is_python=self.is_python,
            is_module=node.name == "<module>",
            members=members or self.members,
            locals=set() if self.is_module else set(self.locals),
            aliases={} if self.is_module else dict(self.aliases),
        )
        for parameter in node.params:
            inner.locals.add(parameter.name)
            inner.aliases.pop(parameter.name, None)
        if self.is_python and owner and node.params and not _is_static(node):
            inner.aliases[node.params[0].name] = "self"
        return inner

    def copy(self) -> Scope:
        return replace(self, locals=set(self.locals), aliases=dict(self.aliases))


def _is_static(node: tree.Function) -> bool:
    return any(isinstance(d, tree.Name) and d.id in _DECORATORS_WITHOUT_SELF for d in node.decorators)


def is_within(path: str, prefix: str) -> bool:
    return path == prefix or (path.startswith(prefix) and path[len(prefix)] in ".[(")
