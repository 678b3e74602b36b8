"""One function's body, read once in source order into regions and effects.

Each expression is visited exactly once: `_path` visits it, records what it does, and answers its access path ("" when
it has none). `_seen` collects the paths read on the way, so the reads of any part are a slice of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from llmlint.code import tree
from llmlint.code.container_methods import CLEARS, ELEMENT_GETTERS, INSERTS, KEYED_FIRST, REMOVES, VIEWS, WRAPPERS
from llmlint.code.facts import Argument, Effect, Region
from llmlint.code.text import SourceText
from llmlint.code.values import classify

_DECORATORS_WITHOUT_SELF = ("staticmethod",)
_IN_PLACE_GROWTH = frozenset({"+", "|"})


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


class BodyReader:
    def __init__(self, node: tree.Function, scope: Scope, source: SourceText) -> None:
        self.node = node
        self.scope = scope
        self.source = source
        self.regions: list[Region] = [Region("body", 0, node.line, node.end_line)]
        self.effects: list[Effect] = []
        self.declarations: list[tuple[tree.Node, Scope]] = []
        self.is_generator = False
        self._here = 0
        self._seen: list[str] = []
        self._first_read: dict[str, int] = {}
        self._outer: set[str] = set()

    def read(self) -> None:
        self._block(self.node.body or ())

    def state_reads(self) -> tuple[tuple[str, int], ...]:
        """Each path read that is not a mere local, with the line of its first reading."""
        own = self.scope.locals - {p.name for p in self.node.params}
        return tuple((p, line) for p, line in self._first_read.items() if "." in p or p not in own)

    # ------------------------------------------------------------ regions

    def _in_region(
        self,
        kind: str,
        body: list[tree.Node],
        text: str = "",
        reads: tuple[str, ...] = (),
        first: int = -1,
        at: tree.Node | None = None,
    ) -> int:
        """Reads `body` as a region of its own; its place is the body's unless `at` says otherwise."""
        outside = self._here
        index = len(self.regions)
        begin = at or (body[0] if body else self.node)
        end = body[-1].end_line if body else begin.end_line
        self.regions.append(Region(kind, outside, begin.line, end, text, reads, index if first < 0 else first))
        self._here = index
        self._block(body)
        self._here = outside
        return index

    def _maybe_region(self, kind: str, node: tree.Node, text: str) -> str:
        """Visits `node` in a region of its own, dropped again when nothing happens in it."""
        outside, index, count = self._here, len(self.regions), len(self.effects)
        self.regions.append(Region(kind, outside, node.line, node.end_line, text, (), index))
        self._here = index
        path = self._read(node)
        self._here = outside
        if len(self.effects) == count and len(self.regions) == index + 1:
            self.regions.pop()
        return path

    # ------------------------------------------------------------ recording

    def _emit(self, op: str, path: str, at: tree.Node, **more: object) -> None:
        self.effects.append(Effect(op, path, at.line, at.column, self._here, **more))  # type: ignore[arg-type]

    def _saw(self, path: str, at: tree.Node) -> None:
        self._seen.append(path)
        self._first_read.setdefault(path, at.line)

    def _reads_since(self, mark: int) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._seen[mark:]))

    def _read(self, node: tree.Node | None) -> str:
        """Visits an expression whose value is used; its path counts as read."""
        if node is None:
            return ""
        path = self._path(node)
        if path:
            self._saw(path, node)
        return path

    # ------------------------------------------------------------ statements

    def _block(self, statements: Iterable[tree.Node]) -> None:
        for statement in statements:
            handler = _STATEMENTS.get(type(statement))
            if handler is not None:
                handler(self, statement)
            else:
                self._read(statement)

    def _declaration(self, node: tree.Node) -> None:
        if isinstance(node, tree.Function | tree.Class) and not self.scope.is_module:
            self.scope.locals.add(node.name)
        self.declarations.append((node, self.scope))

    def _expression(self, node: tree.Expression) -> None:
        value = node.value
        if isinstance(value, tree.Await) and isinstance(value.value, tree.Call):
            self._call(value.value, result="", awaited=True)
        elif isinstance(value, tree.Call):
            self._call(value, result="")
        else:
            self._read(value)

    def _if(self, node: tree.If) -> None:
        mark = len(self._seen)
        self._read(node.test)
        reads, text = self._reads_since(mark), self.source.of(node.test)
        first = self._in_region("if", node.body, text, reads, at=node)
        if node.orelse:
            self._in_region("else", node.orelse, text, reads, first)

    def _loop(self, node: tree.Loop) -> None:
        if node.kind == "for":
            mark = len(self._seen)
            element = self._elements_of(node.iterable)
            reads = self._reads_since(mark)
            text = f"for {self.source.of(node.target, 60)} in {self.source.of(node.iterable, 90)}"
            bind: list[tree.Node] = [_binding(node, node.target, element, "for")] if node.target else []
            first = self._in_region("loop", [*bind, *node.body], text, reads, at=node)
        elif node.kind == "count":
            parts = node.iterable.items if isinstance(node.iterable, tree.Collection) else [node.iterable]
            if parts and parts[0] is not None:
                self._block([parts[0]])
            rest = [part for part in parts[1:] if part is not None]
            text = f"for {self.source.of(node.iterable, 120)}"
            first = self._in_region("loop", [*rest, *node.body], text, at=node)
        else:
            test = [node.test] if node.test is not None else []
            text = f"while {self.source.of(node.test)}"
            first = self._in_region("loop", [*test, *node.body], text, self._paths_in(node.test), at=node)
        if node.orelse:
            self._in_region("loop-else", node.orelse, first=first)

    def _try(self, node: tree.Try) -> None:
        first = self._in_region("try", node.body, at=node)
        for handler in node.handlers:
            if handler.name:
                self._forget(handler.name)
            caught = ", ".join(self.source.of(t, 60) for t in handler.types)
            self._in_region("except", handler.body, caught, first=first, at=handler)
        if node.orelse:
            self._in_region("try-else", node.orelse, first=first)
        if node.final:
            self._in_region("finally", node.final, first=first)

    def _with(self, node: tree.With) -> None:
        bindings: list[tree.Node] = []
        for context, target in node.items:
            self._bound_value(context, self._target_text(target))
            if target is not None:
                bindings.append(_binding(context, target, "", "with"))
        text = ", ".join(self.source.of(context, 80) for context, _ in node.items)
        self._in_region("with", [*bindings, *node.body], text, at=node)

    def _switch(self, node: tree.Switch) -> None:
        self._read(node.subject)
        first = -1
        for case in node.cases:
            text = ", ".join(self.source.of(p, 60) for p in case.patterns)
            guard = [case.guard] if case.guard is not None else []
            index = self._in_region("case", [*guard, *case.body], text, first=first, at=case)
            first = index if first < 0 else first

    def _return(self, node: tree.Return) -> None:
        if node.value is None:
            self._emit("return", "", node, value="none")
            return
        mark = len(self._seen)
        path = self._bound_value(node.value, "<return>")
        value, source = classify(node.value, self.source, path)
        self._emit("return", path, node, value=value, source=source, reads=self._reads_since(mark))

    def _raise(self, node: tree.Raise) -> None:
        mark = len(self._seen)
        self._read(node.value)
        self._read(node.cause)
        value = node.value.function if isinstance(node.value, tree.Call) else node.value
        self._emit("raise", tree.path_of(value), node, reads=self._reads_since(mark))

    def _assert(self, node: tree.Assert) -> None:
        mark = len(self._seen)
        self._read(node.test)
        self._read(node.message)
        self._emit("assert", "", node, reads=self._reads_since(mark), source=self.source.of(node.test))

    def _jump(self, node: tree.Jump) -> None:
        self._emit(node.kind, node.label, node)

    def _delete(self, node: tree.Delete) -> None:
        for target in node.targets:
            if isinstance(target, tree.Index):
                container, key = self._path(target.value), self._key(target.key)
                self._emit("remove", container, target, key=key, via="del")
            else:
                self._emit("delete", self._path(target), target)

    def _outer_names(self, node: tree.Outer) -> None:
        if node.kind == "global":
            self._outer.update(node.names)
            self.scope.locals.difference_update(node.names)

    def _nested_block(self, node: tree.Block) -> None:
        self._block(node.body)

    def _unparsed(self, node: tree.Broken) -> None:
        self._in_region("unparsed", node.body, at=node)

    # ------------------------------------------------------------ assignment

    def _assign(self, node: tree.Assign) -> None:
        if node.value is None:
            for target in node.targets:
                if isinstance(target, tree.Name) and (node.declares or self.scope.is_python):
                    self._forget(target.id)
                    self._emit("bind", target.id, node, via="declare", source=self._annotation(node))
            return
        if self._assign_in_parallel(node):
            return
        mark = len(self._seen)
        path = self._bound_value(node.value, self._target_text(node.targets[0]))
        reads = self._reads_since(mark)
        for target in node.targets:
            self._store(target, node, node.value, path, reads, node.op)

    def _assign_in_parallel(self, node: tree.Assign) -> bool:
        """`a, self.b = self.b, []` is two assignments whose values are all read first."""
        target, value = node.targets[0], node.value
        if len(node.targets) != 1 or not isinstance(target, tree.Collection) or not isinstance(value, tree.Collection):
            return False
        if len(target.items) != len(value.items) or any(
            isinstance(i, tree.Star) for i in (*target.items, *value.items)
        ):
            return False
        visited = []
        for into, item in zip(target.items, value.items, strict=True):
            mark = len(self._seen)
            path = self._bound_value(item, self._target_text(into))
            visited.append((into, item, path, self._reads_since(mark)))
        for into, item, path, reads in visited:
            self._store(into, node, item, path, reads, "")
        return True

    def _store(
        self, target: tree.Node, at: tree.Node, value: tree.Node, path: str, reads: tuple[str, ...], op: str
    ) -> None:
        via = f"{op}=" if op else ""
        kind, source = classify(value, self.source, path)
        if isinstance(target, tree.Star):
            target = target.value
        if isinstance(target, tree.Name) and self._is_local_target(target, at):
            self._bind(target.id, at, kind, source, reads, via, path)
        elif isinstance(target, tree.Collection):
            for item in target.items:
                self._store(item, at, _OPAQUE, "", reads, "")
        elif isinstance(target, tree.Index):
            self._store_at_index(target, at, kind, source, reads, op)
        else:
            into = self._path(target)
            self._drop_aliases_of(into)
            if op in _IN_PLACE_GROWTH and kind == "container":
                self._emit("insert", into, at, via=via, reads=reads, value=kind)
            elif not op and kind == "empty":
                self._emit("clear", into, at, via="=", value=kind, source=source, annotation=self._annotation(at))
            else:
                annotation = self._annotation(at)
                self._emit("assign", into, at, via=via, value=kind, source=source, reads=reads, annotation=annotation)

    def _store_at_index(
        self, target: tree.Index, at: tree.Node, kind: str, source: str, reads: tuple[str, ...], op: str
    ) -> None:
        container = self._path(target.value)
        whole = isinstance(target.key, tree.Slice) and target.key.lower is None and target.key.upper is None
        if whole and kind in ("empty", "constant", "none"):
            self._emit("clear", container, at, via="[:]=", value=kind, source=source)
        else:
            key = self._key(target.key)
            self._emit("insert", container, at, key=key, via=f"[]{op}=", value=kind, source=source, reads=reads)

    def _is_local_target(self, target: tree.Name, at: tree.Node) -> bool:
        if self.scope.is_module or target.id in self._outer:
            return False
        if self.scope.is_python or target.id in self.scope.locals:
            return True
        return isinstance(at, tree.Assign) and at.declares

    def _bind(
        self, name: str, at: tree.Node, value: str, source: str, reads: tuple[str, ...], via: str, path: str
    ) -> None:
        self.scope.locals.add(name)
        if not via:
            self._alias(name, path)
        annotation = self._annotation(at)
        self._emit("bind", name, at, value=value, source=source, reads=reads, via=via, annotation=annotation)

    def _alias(self, name: str, path: str) -> None:
        """A local follows what it was bound to, but not into the result of an arbitrary call."""
        if path and not path.endswith("()") and not _within(path, name):
            self.scope.aliases[name] = path
        else:
            self.scope.aliases.pop(name, None)

    def _forget(self, name: str) -> None:
        self.scope.locals.add(name)
        self.scope.aliases.pop(name, None)

    def _drop_aliases_of(self, path: str) -> None:
        """After `self.q = []`, a local bound to the old `self.q` no longer stands for it."""
        stale = [n for n, target in self.scope.aliases.items() if _within(target, path) and target != "self"]
        for name in stale:
            del self.scope.aliases[name]

    def _bind_target(self, binding: _Binding) -> None:
        target = binding.target
        if isinstance(target, tree.Name):
            self._forget(target.id)
            self._alias(target.id, binding.element)
            kind = "path" if binding.element else "other"
            self._emit("bind", target.id, binding, value=kind, source=binding.element, via=binding.via)
        elif isinstance(target, tree.Collection):
            elements = _element_parts(binding.element, len(target.items))
            for item, element in zip(target.items, elements, strict=True):
                self._bind_target(_binding(binding, item, element, binding.via))
        elif isinstance(target, tree.Star):
            self._bind_target(_binding(binding, target.value, "", binding.via))
        elif target is not None:
            self._store(target, binding, _OPAQUE, binding.element, (), "")

    def _target_text(self, target: tree.Node | None) -> str:
        """What a call's result is bound to, for `Effect.result`: locals by their own name."""
        if target is None:
            return ""
        if isinstance(target, tree.Collection):
            return ", ".join(self._target_text(item) for item in target.items)
        if isinstance(target, tree.Name):
            return target.id
        path = tree.path_of(target)
        root, dot, rest = path.partition(".")
        return self._root(root.removesuffix("[]")) + ("[]" if root.endswith("[]") else "") + dot + rest

    def _annotation(self, node: tree.Node) -> str:
        if not isinstance(node, tree.Assign) or node.annotation is None:
            return ""
        if isinstance(node.annotation, tree.TypeName):
            return node.annotation.text
        return self.source.of(node.annotation, 80)

    def _bound_value(self, value: tree.Node, result: str) -> str:
        """Visits a value that is bound, returned or entered: a call in it learns where its result goes."""
        call = value.value if isinstance(value, tree.Await) else value
        if isinstance(call, tree.Call):
            path = self._call(call, result=result, awaited=isinstance(value, tree.Await))
            if path:
                self._saw(path, value)
            return path
        if isinstance(value, tree.New):
            self._new(value, result)
            return ""
        return self._read(value)

    # ------------------------------------------------------------ expressions

    def _path(self, node: tree.Node) -> str:
        handler = _EXPRESSIONS.get(type(node))
        if handler is not None:
            return handler(self, node)
        for child in tree.children(node):
            self._read(child)
        return ""

    def _root(self, name: str) -> str:
        scope = self.scope
        if name in scope.aliases:
            return scope.aliases[name]
        if scope.is_python or name in scope.locals:
            return name
        if name == "this":
            return "self"
        if name in scope.members:
            return f"self.{name}"
        return name if name in ("std", "self") else f"~{name}"

    def _name(self, node: tree.Name) -> str:
        return self._root(node.id)

    def _attribute(self, node: tree.Attribute) -> str:
        base = self._path(node.value)
        if not base:
            return ""
        if node.name == "__class__" or base.endswith(".__class__"):
            base, name = base.removesuffix(".__class__"), "" if node.name == "__class__" else node.name
            return f"{base}.{name}" if name else base
        return f"{base}.{node.name}"

    def _index(self, node: tree.Index) -> str:
        base = self._path(node.value)
        self._key(node.key)
        return f"{base}[]" if base else ""

    def _key(self, node: tree.Node) -> str:
        """A key as a path (aliases followed) or else as written; what it reads is recorded."""
        return self._read(node) or self.source.of(node, 80)

    def _call_expression(self, node: tree.Call) -> str:
        return self._call(node, result="<expression>")

    def _call(self, node: tree.Call, result: str, awaited: bool = False) -> str:
        """Records a call as what it does to a container, or as a call; answers the path of its result."""
        function = node.function
        if isinstance(function, tree.Attribute):
            base, method = self._path(function.value) or "?", function.name
        else:
            base, method = "", self._path(function) if not isinstance(function, tree.Name) else self._root(function.id)
        mark = len(self._seen)
        args = self._arguments(node)
        reads = self._reads_since(mark)
        via = "await" if awaited else "launch" if node.launch else ""
        if not base:
            return self._plain_call(node, method, args, reads, result, via)
        op = self._container_op(base, method, node)
        key = self._first_key(args) if method in KEYED_FIRST else ""
        if op:
            self._saw(base, node)
            self._emit(op, base, node, key=key, via=method, result=result, reads=reads, args=args)
        else:
            if base not in ("?", "super()"):
                self._saw(base, node)
            self._emit("call", f"{base}.{method}", node, via=via, result=result, reads=reads, args=args)
        if method in ELEMENT_GETTERS and base != "?":
            return f"{base}[]"
        if method in VIEWS and not args and base != "?":
            return base
        return f"{base}.{method}()" if base != "?" else ""

    def _container_op(self, base: str, method: str, node: tree.Call) -> str:
        if base in ("?", "self", "super()") or base.endswith("()"):
            return ""
        if method in INSERTS and (node.args or method.startswith("emplace")):
            return "insert"
        if method in REMOVES:
            return "remove"
        if method in CLEARS or (method == "resize" and _is_zero(node.args)):
            return "clear"
        if not self.scope.is_python and method == "reset":
            return "clear"
        return ""

    def _plain_call(
        self, node: tree.Call, path: str, args: tuple[Argument, ...], reads: tuple[str, ...], result: str, via: str
    ) -> str:
        name = path.lstrip("~")
        if name in ("heappush", "heappop") and args and args[0].path:
            self._emit(
                "insert" if name == "heappush" else "remove", args[0].path, node, via=name, reads=reads, args=args
            )
            return "" if name == "heappush" else f"{args[0].path}[]"
        self._emit("call", path or "?", node, via=via, result=result, reads=reads, args=args)
        if name in WRAPPERS and args and args[0].path:
            return args[0].path
        if name == "next" and args and args[0].path:
            return f"{args[0].path}[]"
        return f"{path}()" if path else ""

    def _arguments(self, node: tree.Call) -> tuple[Argument, ...]:
        arguments = []
        for argument in node.args:
            keyword = ""
            if isinstance(argument, tree.Star):
                argument, keyword = argument.value, "*"
            arguments.append(self._argument(argument, keyword))
        for named in node.keywords:
            arguments.append(self._argument(named.value, named.name or "**"))
        for part in node.launch:
            self._read(part)
        return tuple(arguments)

    def _argument(self, node: tree.Node, keyword: str) -> Argument:
        mark = len(self._seen)
        path = self._read(node)
        written = tree.path_of(node) if path else ""
        literal = ""
        if not path and isinstance(node, tree.Literal | tree.Unary | tree.Collection):
            literal = self.source.of(node, 80)
        reads = self._reads_since(mark)
        return Argument(path, keyword, literal, reads if reads != (path,) else (), "" if written == path else written)

    @staticmethod
    def _first_key(args: tuple[Argument, ...]) -> str:
        return (args[0].path or args[0].literal) if args else ""

    def _new_expression(self, node: tree.New) -> str:
        self._new(node, "<expression>")
        return ""

    def _new(self, node: tree.New, result: str) -> None:
        args = tuple(self._argument(argument, "") for argument in node.args)
        self._emit("call", self.source.of(node.type, 80), node, via="new", result=result, args=args)

    def _literal(self, node: tree.Literal) -> str:
        return ""

    def _logic(self, node: tree.Logic) -> str:
        self._read(node.operands[0])
        left = self.source.of(node.operands[0])
        for operand in node.operands[1:]:
            self._maybe_region("and", operand, left)
        return ""

    def _conditional(self, node: tree.Conditional) -> str:
        self._read(node.test)
        text = self.source.of(node.test)
        body = self._maybe_region("and", node.body, text)
        orelse = self._maybe_region("and", node.orelse, text)
        return body if body and (not orelse or orelse == body) else ""

    def _lambda(self, node: tree.Lambda) -> str:
        outer = self.scope
        self.scope = outer.copy()
        for parameter in node.function.params:
            self._forget(parameter.name)
        body = node.function.body or []
        text = node.captures or "lambda"
        self._in_region("lambda", body, text, at=node)
        self.scope = outer
        return ""

    def _comprehension(self, node: tree.Comprehension) -> str:
        outer = self.scope
        self.scope = outer.copy()
        inside, index, count = self._here, len(self.regions), len(self.effects)
        self._read_generators(node)
        for part in (node.key, node.element):
            self._read(part)
        self._here = inside
        if all(e.op == "bind" for e in self.effects[count:]):
            del self.effects[count:], self.regions[index:]
        self.scope = outer
        return ""

    def _read_generators(self, node: tree.Comprehension) -> None:
        for generator in node.generators:
            element = self._elements_of(generator.iterable)
            self.regions.append(
                Region("lambda", self._here, node.line, node.end_line, self.source.of(node, 120), (), len(self.regions))
            )
            self._here = len(self.regions) - 1
            self._bind_target(_binding(generator, generator.target, element, "for"))
            for test in generator.tests:
                self._read(test)

    def _elements_of(self, node: tree.Node | None) -> str:
        """The path of one element of an iterable: `self.running[]` for `list(self.running.values())`."""
        match node:
            case tree.Call(function=tree.Name(id="enumerate"), args=[inner, *_]):
                return "#," + self._elements_of(inner)
            case tree.Call(function=tree.Name(id="zip"), args=inner) if inner:
                return ",".join(self._elements_of(part) for part in inner)
            case tree.Call(function=tree.Name(id="list" | "tuple" | "sorted"), args=[tree.Call() as inner, *_]):
                return self._elements_of(inner)
            case tree.Call(function=tree.Attribute(value=container, name="items"), args=[]):
                base = self._read(container)
                return f"#,{base}[]" if base else ""
            case tree.Call(function=tree.Attribute(value=container, name="keys"), args=[]):
                self._read(container)
                return ""
            case None:
                return ""
        path = self._read(node)
        return f"{path}[]" if path and not path.endswith("()") else ""

    def _await(self, node: tree.Await) -> str:
        if isinstance(node.value, tree.Call):
            return self._call(node.value, result="<expression>", awaited=True)
        path = self._read(node.value)
        self._emit("await", path, node)
        return path

    def _yield(self, node: tree.Yield) -> str:
        self.is_generator = True
        mark = len(self._seen)
        path = self._read(node.value)
        self._emit("yield", path, node, reads=self._reads_since(mark), via="from" if node.is_from else "")
        return ""

    def _named(self, node: tree.Named) -> str:
        mark = len(self._seen)
        path = self._bound_value(node.value, self._target_text(node.target))
        self._store(node.target, node, node.value, path, self._reads_since(mark), node.op)
        return path or (self._root(node.target.id) if isinstance(node.target, tree.Name) else "")

    def _unary(self, node: tree.Unary) -> str:
        if node.op in ("++", "--"):
            path = self._path(node.operand)
            op = "bind" if isinstance(node.operand, tree.Name) and node.operand.id in self.scope.locals else "assign"
            self._emit(op, path, node, via="+=" if node.op == "++" else "-=", value="constant", source="1")
            return path
        path = self._path(node.operand)
        if node.op in ("*", "&"):
            return path
        if path:
            self._saw(path, node)
        return ""

    def _transparent(self, node: tree.Cast | tree.Star) -> str:
        return self._path(node.value)

    def _paths_in(self, node: tree.Node | None) -> tuple[str, ...]:
        """Paths in a test that is visited elsewhere (a loop's, in its own region)."""
        if node is None:
            return ()
        found = []
        for part in tree.walk(node, into=lambda n: not isinstance(n, tree.Attribute | tree.Lambda)):
            if isinstance(part, tree.Name | tree.Attribute):
                path = tree.path_of(part)
                root, dot, rest = path.partition(".")
                found.append(self._root(root) + dot + rest if "[" not in root and "(" not in root else path)
        return tuple(dict.fromkeys(p for p in found if p))

    def _function_in_expression(self, node: tree.Function) -> str:
        self._declaration(node)
        return ""


class _Binding(tree.Node, gc=False):
    """A pseudo statement: `target` takes what a loop, a with or a comprehension hands it."""

    target: tree.Node | None
    element: str
    via: str


def _binding(at: tree.Node, target: tree.Node | None, element: str, via: str) -> _Binding:
    return _Binding(at.line, at.column, at.end_line, at.end_column, target, element, via)


_OPAQUE = tree.Slice(1, 1, 1, 1, None, None)
"""Stands for a value of which nothing is known."""


def _element_parts(element: str, count: int) -> list[str]:
    """What each name of `for i, (k, v) in …` stands for; "#" marks an index or key, which stands for nothing."""
    parts = element.split(",") if "," in element else []
    if len(parts) == count:
        return ["" if part == "#" else part for part in parts]
    if len(parts) > count >= 1 and parts[0] == "#":
        return [""] * (count - 1) + [",".join(parts[1:])]
    return [""] * count


def _within(path: str, prefix: str) -> bool:
    return path == prefix or (path.startswith(prefix) and path[len(prefix)] in ".[(")


def _is_zero(args: list[tree.Node]) -> bool:
    return len(args) == 1 and isinstance(args[0], tree.Literal) and args[0].text == "0"


_STATEMENTS: dict[type[tree.Node], Callable[[BodyReader, Any], None]] = {
    tree.Expression: BodyReader._expression,
    tree.Assign: BodyReader._assign,
    tree.If: BodyReader._if,
    tree.Return: BodyReader._return,
    tree.Loop: BodyReader._loop,
    tree.With: BodyReader._with,
    tree.Try: BodyReader._try,
    tree.Raise: BodyReader._raise,
    tree.Assert: BodyReader._assert,
    tree.Jump: BodyReader._jump,
    tree.Delete: BodyReader._delete,
    tree.Switch: BodyReader._switch,
    tree.Outer: BodyReader._outer_names,
    tree.Block: BodyReader._nested_block,
    tree.Broken: BodyReader._unparsed,
    tree.Function: BodyReader._declaration,
    tree.Class: BodyReader._declaration,
    tree.Import: BodyReader._declaration,
    _Binding: BodyReader._bind_target,
}

_EXPRESSIONS: dict[type[tree.Node], Callable[[BodyReader, Any], str]] = {
    tree.Name: BodyReader._name,
    tree.Attribute: BodyReader._attribute,
    tree.Literal: BodyReader._literal,
    tree.Call: BodyReader._call_expression,
    tree.Index: BodyReader._index,
    tree.Logic: BodyReader._logic,
    tree.Conditional: BodyReader._conditional,
    tree.Lambda: BodyReader._lambda,
    tree.Comprehension: BodyReader._comprehension,
    tree.Await: BodyReader._await,
    tree.Yield: BodyReader._yield,
    tree.Named: BodyReader._named,
    tree.Unary: BodyReader._unary,
    tree.Cast: BodyReader._transparent,
    tree.Star: BodyReader._transparent,
    tree.New: BodyReader._new_expression,
    tree.Function: BodyReader._function_in_expression,
}
