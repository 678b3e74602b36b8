"""Expressions of Python whose value can be gone through once: generators, `map`, `zip`, readers, open files.

A name counts for what it stands for by the file's imports, or for Python's own function where the file gives it no
other meaning.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from functools import cached_property

from llmlint.code.facts.facts import FileFacts
from llmlint.code.flow.assigned import names_in
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import nodes

OWN = frozenset({"map", "filter", "zip", "enumerate", "reversed", "open"})
"""Functions of Python that give such a value."""
_OF_LIBRARIES = frozenset(
    {
        *("csv.reader", "csv.DictReader", "re.finditer", "os.walk", "os.scandir", "glob.iglob"),
        "concurrent.futures.as_completed",
        *(f"itertools.{name}" for name in ("accumulate", "chain", "combinations", "compress", "dropwhile")),
        *(f"itertools.{name}" for name in ("filterfalse", "groupby", "islice", "pairwise", "permutations")),
        *(f"itertools.{name}" for name in ("product", "starmap", "takewhile", "zip_longest")),
        "itertools.chain.from_iterable",
    }
)
_METHODS = frozenset({"iterdir", "rglob", "imap", "imap_unordered"})
"""Of paths and of pools of processes: no other class of the standard library has them."""


class OneShots:
    """What makes such a value in one file."""

    def __init__(self, module: tree.Module, facts: FileFacts) -> None:
        self._module = module
        self._meant = {i.name: f"{i.module}.{i.target}" if i.target else i.module for i in facts.imports if not i.level}
        self._generators = _generators(facts)
        self._handed: dict[tuple[int, str], tree.Node] | None = None
        self._named: dict[str, list[tree.Function]] = {}
        for function in nodes(module, tree.Function):
            self._named.setdefault(function.name, []).append(function)

    def kind(self, node: tree.Node | None) -> str:
        """What makes it one, as a message calls it; "" for anything else."""
        if type(node) is tree.Call:
            return self._of_call(node.function)
        if type(node) is tree.Comprehension and node.kind == "generator":
            return "" if any(g.is_async for g in node.generators) else "a generator expression"
        return ""

    def _of_call(self, function: tree.Node) -> str:
        path = tree.path_of(function)
        root, _, rest = path.partition(".")
        if self.is_own(path, OWN) or path in self._generators:
            return f"{path}()"
        meant = self._meant.get(root, "")
        if meant and (f"{meant}.{rest}" if rest else meant) in _OF_LIBRARIES:
            return f"{path}()"
        is_method = isinstance(function, tree.Attribute) and function.name in _METHODS
        return f".{function.name}()" if is_method else ""  # type: ignore[attr-defined]

    @cached_property
    def _plain(self) -> frozenset[str]:
        return frozenset(vars(builtins)) - _given_names(self._module)

    def is_own(self, name: str, of: frozenset[str]) -> bool:
        """Is it one of these functions of Python, which the file calls nothing else by?"""
        return name in of and name in self._plain

    def handed(self, function: tree.Function) -> dict[str, tree.Node]:
        """The parameters for which a call in the file hands over such a value, each with the value."""
        if self._handed is None:
            self._handed = {}
            for call in nodes(self._module, tree.Call):
                for name, value in self._given(call):
                    self._handed.setdefault(name, value)
        return {name: value for (of, name), value in self._handed.items() if of == id(function)}

    def _given(self, call: tree.Call) -> Iterator[tuple[tuple[int, str], tree.Node]]:
        taker = self.only(call) if call.args or call.keywords else None
        if taker is not None:
            named = {p.name for p in taker.params if p.kind in ("", "only")}
            by_name = ((k.name, k.value) for k in call.keywords if k.name in named)
            for name, value in (*zip(self.params(call, taker), call.args, strict=False), *by_name):
                if self.kind(value):
                    yield (id(taker), name), value

    def only(self, call: tree.Call) -> tree.Function | None:
        """The function that a call runs, or the own method, where it is the only one of its name in the file."""
        match call.function:
            case tree.Name(id=name) | tree.Attribute(value=tree.Name(id="self"), name=name):
                found = self._named.get(name, [])
                return found[0] if len(found) == 1 and not found[0].decorators else None
        return None

    def params(self, call: tree.Call, taker: tree.Function) -> list[str]:
        """The parameters that a call's arguments go to, one after another."""
        if any(isinstance(arg, tree.Star) for arg in call.args):
            return []
        names = [param.name for param in taker.params if not param.kind]
        return names[1:] if isinstance(call.function, tree.Attribute) and names[:1] == ["self"] else names


def _generators(facts: FileFacts) -> frozenset[str]:
    """The calls, `pages` or `self.pages`, that all functions of the file with this name answer with a generator."""
    lazy: set[str] = set()
    others: set[str] = set()
    for function in facts.functions:
        is_lazy = function.is_generator and not function.is_async and not function.decorators
        is_method = bool(function.owner) and function.qualname == f"{function.owner}.{function.name}"
        called = f"self.{function.name}" if is_method else function.name
        (lazy if is_lazy else others).add(called)
    return frozenset(lazy - others)


def _given_names(module: tree.Module) -> frozenset[str]:
    """The names that a file binds anywhere; all of Python's where it imports whatever a module holds."""
    found: set[str] = set()
    for node in tree.walk(module):
        match node:
            case tree.Name() | tree.Call() | tree.Attribute() | tree.Literal():
                continue
            case tree.Import(names=names) if any(name == "*" for name, _ in names):
                return frozenset(vars(builtins))
            case tree.Import(names=names, alias=alias):
                found.update([alias, *(known or name for name, known in names)])
            case tree.Function(name=name) | tree.Class(name=name) | tree.Parameter(name=name):
                found.add(name)
            case tree.Assign(targets=targets):
                found.update(name for target in targets for name in names_in(target))
    return frozenset(found)
