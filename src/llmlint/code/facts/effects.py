"""Tree to facts: what every function of a file does to state.

`facts_of` walks the declarations; the bodies are read by `bodies/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from llmlint.code.facts.bodies import BodyReader, Scope
from llmlint.code.facts.choices import choices_of
from llmlint.code.facts.facts import (
    Body,
    Class,
    FieldFact,
    FileFacts,
    Function,
    ImportFact,
    MacroFact,
    Param,
    PointerUse,
    Table,
    doing,
)
from llmlint.code.facts.gists import gist_of
from llmlint.code.facts.loggers import loggers_of
from llmlint.code.facts.name_tables import tables_in
from llmlint.code.facts.native_endings import Endings, macros_in, native_endings
from llmlint.code.facts.pointer_uses import pointer_uses
from llmlint.code.facts.shapes import shape_of
from llmlint.code.facts.values import classify
from llmlint.code.syntax import tree
from llmlint.code.syntax.source_text import SourceText

_GENERATED = re.compile(r"\bgenerated(?: automatically)? from [`'\"<]?([\w./-]*\w\.\w+)", re.IGNORECASE)
_HEAD = 10
"""Lines at the top of a file in which it says where it comes from."""


def facts_of(module: tree.Module, text: str, with_pointers: bool = True) -> FileFacts:
    """The facts of one file. `text` is what the tree's lines and columns count in.

    What C++ functions ask of pointers is a sixth of the work, and only one rule wants it."""
    macros = macros_in(text) if module.language != "python" else ()
    return _FileReader(module, SourceText(text), macros, with_pointers).read()


def _made_from(lines: Sequence[str]) -> str:
    """The file that a program wrote this one from, as the comments at its top say."""
    comments = (line for line in lines[:_HEAD] if line.lstrip().startswith(("#", "/", "*")))
    return next((found[1] for line in comments if (found := _GENERATED.search(line)) is not None), "")


class _FileReader:
    def __init__(
        self, module: tree.Module, source: SourceText, macros: tuple[MacroFact, ...], with_pointers: bool
    ) -> None:
        self.module = module
        self.source = source
        self.macros = macros
        self.is_python = module.language == "python"
        self.with_pointers = with_pointers and not self.is_python
        self.endings = Endings() if self.is_python else native_endings(module, macros)
        self.classes: list[Class] = []
        self.functions: list[Function] = []
        self.imports: list[ImportFact] = []
        self.loggers = loggers_of(module) if self.is_python else frozenset()
        self.members: dict[str, frozenset[str]] = {}
        self.tables: list[Table] = []
        self.broken = {(region.line, region.end_line) for region in module.broken}

    def read(self) -> FileFacts:
        if not self.is_python:
            self._learn_members()
        self._module_body()
        return FileFacts(
            language=self.module.language,
            lines=len(self.source.lines),
            imports=tuple(self.imports),
            classes=tuple(self.classes),
            functions=tuple(self.functions),
            broken=tuple(sorted(self.broken)),
            macros=self.macros,
            tables=tuple(self.tables),
            made_from=_made_from(self.source.lines),
        )

    def _learn_members(self) -> None:
        """C++: the members a class of this file declares, so that bare names in its methods read as `self.name`."""
        for node in tree.walk(self.module, into=lambda n: isinstance(n, tree.Module | tree.Class | tree.Broken)):
            if isinstance(node, tree.Class):
                names = {m.name for m in node.body if isinstance(m, tree.Field | tree.Function)}
                self.members[_join(node.namespace, node.name)] = frozenset(names)

    def _module_body(self) -> None:
        body = tree.Function(1, 1, max(1, self.module.end_line), 1, "<module>", [], self.module.body)
        self._function(body, "", Scope(is_python=self.is_python, is_module=True))

    # ------------------------------------------------------------ declarations inside a body

    def _nested(self, node: tree.Node, prefix: str, owner: str, scope: Scope) -> None:
        """Called back by the body reader for each declaration it meets."""
        if isinstance(node, tree.Function):
            self._function(node, prefix, scope, closure_of=owner)
        elif isinstance(node, tree.Class):
            self._class(node, prefix)
        elif isinstance(node, tree.Import):
            self._import(node)

    def _import(self, node: tree.Import) -> None:
        if node.names:
            for name, alias in node.names:
                self.imports.append(ImportFact(alias or name, node.module, name, node.level, node.line))
        else:
            known_as = node.alias or (node.module.split(".")[0] if self.is_python else node.module)
            self.imports.append(ImportFact(known_as, node.module, "", node.level, node.line))

    def _class(self, node: tree.Class, prefix: str) -> None:
        qualname = _join(prefix, _join(node.namespace, node.name) if not self.is_python else node.name)
        fields: list[FieldFact] = []
        methods: list[str] = []
        for member in _members(node.body):
            self.tables += tables_in([member]) if self.is_python else ()
            if isinstance(member, tree.Function):
                methods.append(member.name)
                self._function(member, qualname, Scope(is_python=self.is_python), owner=qualname)
            elif isinstance(member, tree.Class):
                self._class(member, qualname if self.is_python else prefix)
            elif isinstance(member, tree.Import):
                fields += [FieldFact(alias or name, member.line, "", "path", name) for name, alias in member.names]
            elif isinstance(member, tree.Field):
                fields.append(self._field(member, member.name, member.annotation, member.value, member.specifiers))
            elif isinstance(member, tree.Assign):
                for target in member.targets:
                    fields += self._set_in_body(member, target, member.value)
        self.classes.append(
            Class(
                name=node.name,
                qualname=qualname,
                line=node.line,
                column=node.column,
                end_line=node.end_line,
                end_column=node.end_column,
                bases=tuple(self._type_text(base) for base in node.bases),
                decorators=tuple(self.source.of(d) for d in node.decorators),
                fields=tuple(fields),
                docstring=_first_line(node.docstring),
                namespace=node.namespace,
                methods=tuple(methods),
                keywords=tuple(f"{keyword.name}={self.source.of(keyword.value, 40)}" for keyword in node.keywords),
            )
        )

    def _set_in_body(self, at: tree.Assign, target: tree.Node, value: tree.Node | None) -> Iterator[FieldFact]:
        """The names that one assignment in a class body gives a value: several for `LEAST, MOST = 0, 9`."""
        if isinstance(target, tree.Name):
            yield self._field(at, target.id, at.annotation, value, self._said_of_field(value))
        elif isinstance(target, tree.Star):
            yield from self._set_in_body(at, target.value, None)
        elif isinstance(target, tree.Collection):
            values = value.items if isinstance(value, tree.Collection) and value.kind in ("tuple", "list") else []
            is_even = len(values) == len(target.items) and not any(isinstance(v, tree.Star) for v in values)
            for at_place, inner in enumerate(target.items):
                yield from self._set_in_body(at, inner, values[at_place] if is_even else None)

    def _field(
        self,
        at: tree.Node,
        name: str,
        annotation: tree.Node | None,
        value: tree.Node | None,
        specifiers: tuple[str, ...] = (),
    ) -> FieldFact:
        kind, source = classify(value, self.source) if value is not None else ("", "")
        return FieldFact(name, at.line, self._type_text(annotation), kind, source, specifiers)

    def _said_of_field(self, value: tree.Node | None) -> tuple[str, ...]:
        """`init=False` and `kw_only=True` of `field(init=False, kw_only=True)`, `default=1` and `le=8` of
        `Field(1, le=8)`: that of the standard library takes keywords alone, and all others a default first."""
        if not isinstance(value, tree.Call) or not tree.path_of(value.function).lower().endswith("field"):
            return ()
        given = (("default", value.args[0]),) if value.args else ()
        named = ((keyword.name, keyword.value) for keyword in value.keywords)
        return tuple(f"{name}={self.source.of(node, 40)}" for name, node in (*given, *named))

    def _type_text(self, node: tree.Node | None) -> str:
        if node is None:
            return ""
        if isinstance(node, tree.TypeName):
            return node.text
        if isinstance(node, tree.Literal) and node.kind == "string":
            return node.text
        return tree.path_of(node) if isinstance(node, tree.Name | tree.Attribute) else self.source.of(node)

    # ------------------------------------------------------------ functions

    def _function(self, node: tree.Function, prefix: str, scope: Scope, owner: str = "", closure_of: str = "") -> None:
        if node.owner:
            owner = _join(node.namespace, node.owner) if not node.owner.startswith(node.namespace + ".") else node.owner
            prefix = owner
        elif node.namespace and not owner:
            prefix = node.namespace
        qualname = _join(prefix, node.name)
        scope = scope.for_function(node, owner, closure_of, self.members.get(owner, frozenset()))
        reader = BodyReader(node, scope, self.source, self.loggers)
        reader.read()
        self.broken.update(reader.too_deep)
        self.tables += tables_in(tree.walk_own(node)) if self.is_python else ()
        body = Body(
            regions=tuple(reader.regions),
            effects=tuple(reader.effects),
            reads=reader.state_reads(),
            pointers=self._pointers(node),
            choices=choices_of(node, self.source) if self.is_python else (),
        )
        self.functions.append(
            doing(
                Function(
                    name=node.name,
                    qualname=qualname,
                    owner=owner or closure_of,
                    line=node.line,
                    column=node.column,
                    end_line=node.end_line,
                    end_column=node.end_column,
                    params=tuple(
                        Param(p.name, self._type_text(p.annotation), self.source.of(p.default), p.kind)
                        for p in node.params
                    ),
                    decorators=tuple(self.source.of(d) for d in node.decorators),
                    returns=self._type_text(node.returns),
                    is_async=node.is_async,
                    is_generator=reader.is_generator,
                    has_body=node.body is not None,
                    specifiers=node.specifiers,
                    docstring=_first_line(node.docstring),
                    shape=shape_of(node, self.is_python, self.loggers) if node.name != "<module>" else "",
                    body_line=node.body[0].line if node.body else node.line,
                    namespace=node.namespace,
                    statics=tuple(reader.statics),
                    awaits=node.is_async and any(map(_awaits, tree.walk_own(node))),
                    gist=gist_of(body, self.is_python, reader.is_generator or node.is_async),
                ),
                body,
            )
        )
        inner_prefix = "" if node.name == "<module>" else qualname
        for declaration, at_scope in reader.declarations:
            self._nested(declaration, inner_prefix, owner or closure_of, at_scope)

    def _pointers(self, node: tree.Function) -> tuple[PointerUse, ...]:
        is_wanted = self.with_pointers and node.name != "<module>"
        return pointer_uses(node, self.source.lines, self.endings) if is_wanted else ()


def _members(body: Iterable[tree.Node]) -> Iterator[tree.Node]:
    """What a class body defines, also in the branches that it takes by platform or version."""
    for node in body:
        match node:
            case tree.If(body=inner, orelse=other):
                yield from _members((*inner, *other))
            case tree.Try(body=inner, handlers=handlers, orelse=other, final=final):
                yield from _members((*inner, *(n for handler in handlers for n in handler.body), *other, *final))
            case tree.With(body=inner):
                yield from _members(inner)
            case _:
                yield node


def _awaits(node: tree.Node) -> bool:
    match node:
        case tree.Await() | tree.Yield():
            return True
        case tree.Loop(is_async=waits) | tree.With(is_async=waits) | tree.Generator(is_async=waits):
            return waits
    return False


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _first_line(docstring: str) -> str:
    return docstring.strip().split("\n", 1)[0][:200]
