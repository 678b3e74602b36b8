"""C, C++ and CUDA to the code tree, through tree-sitter.

The parser never gives up: what it cannot make out becomes an ERROR node, which is walked as far as it goes and marked
`Broken`. One table maps node types to small functions; what is not in it is walked through for the nodes below.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import tree_sitter

from llmlint.code import tree
from llmlint.code.cpp_declarations import Declarator, declarator_of, is_lock, type_text
from llmlint.code.cpp_macros import mask_macros
from llmlint.code.errors import Unreadable

_DEEPEST = 300


def read_cpp(data: bytes, language: tree.Language) -> tuple[str, tree.Module]:
    """The text of a C, C++ or CUDA file and its tree; bytes that are no UTF-8 read as replacement characters."""
    if b"\0" in data:
        raise Unreadable("holds a NUL byte")
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    encoded = text.encode()
    parser = _parser("cuda" if language == "cuda" else "cpp")
    root = parser.parse(mask_macros(encoded)).root_node
    return text, _Converter(encoded, language).module(root)


@lru_cache(maxsize=4)
def _parser(grammar: str) -> tree_sitter.Parser:
    module = importlib.import_module(f"tree_sitter_{grammar}")
    return tree_sitter.Parser(tree_sitter.Language(module.language()))


class _Converter:
    def __init__(self, data: bytes, language: tree.Language) -> None:
        self.data = data
        self.language = language
        self.column = tree.Columns(data)
        self.namespace: list[str] = []
        self.broken: list[tree.Broken] = []
        self.depth = 0

    # ------------------------------------------------------------ helpers

    def at(self, node: Any) -> tuple[int, int, int, int]:
        (line, column), (end_line, end_column) = node.start_point, node.end_point
        convert = self.column
        return line + 1, convert(line + 1, column), end_line + 1, convert(end_line + 1, end_column)

    def text(self, node: Any) -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def name(self, node: Any) -> tree.Name:
        return tree.Name(*self.at(node), self.text(node))

    def one(self, node: Any) -> tree.Node:
        """An expression as one node; several below an unknown one become a tuple."""
        found = self.many(node)
        if len(found) == 1:
            return found[0]
        return tree.Collection(*self.at(node), "tuple", found)

    def maybe(self, node: Any) -> tree.Node | None:
        return self.one(node) if node is not None else None

    def many(self, node: Any) -> list[tree.Node]:
        handler = _TABLE.get(node.type)
        self.depth += 1
        try:
            if self.depth > _DEEPEST:
                return [self._mark_broken(node, [])]
            if handler is None:
                return [part for child in node.named_children for part in self.many(child)]
            found = handler(self, node)
        finally:
            self.depth -= 1
        if found is None:
            return []
        return found if isinstance(found, list) else [found]

    def body(self, node: Any) -> list[tree.Node]:
        """A statement or block as a list of statements; the rest of a block after a RAII lock goes into its `With`."""
        if node is None:
            return []
        statements = [
            part for child in (node.named_children if node.type in _BLOCKS else [node]) for part in self.many(child)
        ]
        return _scoped_locks(statements)

    def _mark_broken(self, node: Any, body: list[tree.Node]) -> tree.Broken:
        broken = tree.Broken(*self.at(node), body)
        self.broken.append(broken)
        return broken

    # ------------------------------------------------------------ declarations

    def module(self, root: Any) -> tree.Module:
        body = self.body(root)
        self._mark_what_was_passed_over(root)
        end = root.end_point[0] + 1
        return tree.Module(1, 1, end, 1, self.language, body, "", self.broken)

    def _mark_what_was_passed_over(self, root: Any) -> None:
        """Errors inside a statement or declaration that was read all the same, and tokens the parser made up."""
        known = {(broken.line, broken.column) for broken in self.broken}
        stack = [root] if root.has_error else []
        while stack:
            node = stack.pop()
            if node.type == "ERROR" or node.is_missing:
                at = self.at(node)
                if at[:2] not in known:
                    self.broken.append(tree.Broken(*at, []))
            elif node.has_error:
                stack.extend(node.children)
        self.broken.sort(key=lambda broken: (broken.line, broken.column))

    def error(self, node: Any) -> tree.Node:
        body = [part for child in node.named_children for part in self.many(child)]
        return self._mark_broken(node, body)

    def include(self, node: Any) -> tree.Node:
        path = node.child_by_field_name("path")
        return tree.Import(*self.at(node), self.text(path).strip('<>"') if path is not None else "")

    def namespace_definition(self, node: Any) -> list[tree.Node]:
        name = node.child_by_field_name("name")
        parts = self.text(name).split("::") if name is not None else []
        self.namespace += parts
        body = self.body(node.child_by_field_name("body"))
        if parts:
            del self.namespace[-len(parts) :]
        return body

    def class_specifier(self, node: Any) -> tree.Node | None:
        body, name = node.child_by_field_name("body"), node.child_by_field_name("name")
        if body is None:
            return None
        known_as = self.text(name).split("::")[-1].split("<")[0] if name is not None else ""
        bases: list[tree.Node] = [
            tree.TypeName(*self.at(base), self.text(base))
            for clause in node.named_children
            if clause.type == "base_class_clause"
            for base in clause.named_children
            if base.type in ("type_identifier", "qualified_identifier", "template_type")
        ]
        namespace = ".".join(self.namespace)
        if known_as:
            self.namespace.append(known_as)
        members = [part for child in body.named_children for part in self.many(child)]
        if known_as:
            self.namespace.pop()
        return tree.Class(*self.at(node), known_as, bases, members, namespace=namespace)

    def enum_specifier(self, node: Any) -> tree.Node | None:
        body, name = node.child_by_field_name("body"), node.child_by_field_name("name")
        if body is None or name is None:
            return None
        fields: list[tree.Node] = [
            tree.Field(*self.at(child), self.text(child.child_by_field_name("name")))
            for child in body.named_children
            if child.type == "enumerator"
        ]
        return tree.Class(*self.at(node), self.text(name), [], fields, namespace=".".join(self.namespace))

    def field_declaration(self, node: Any) -> list[tree.Node]:
        """Members: data as Field, methods without a body as Function; a class declared in place comes first."""
        found = self._inner_types(node)
        annotation = self._type(node)
        specifiers = self._specifiers(node)
        default = node.child_by_field_name("default_value")
        for child in node.children_by_field_name("declarator"):
            declarator = declarator_of(child)
            if declarator.function is not None:
                found.append(self._function(node, declarator, None, annotation))
            elif declarator.name is not None:
                name = self.text(declarator.name)
                kind = tree.TypeName(*self.at(node), type_text(annotation, declarator))
                found.append(tree.Field(*self.at(child), name, kind, self.maybe(default), specifiers))
        return found

    def _inner_types(self, node: Any) -> list[tree.Node]:
        kind = node.child_by_field_name("type")
        if kind is not None and kind.type in (
            "struct_specifier",
            "class_specifier",
            "union_specifier",
            "enum_specifier",
        ):
            return self.many(kind)
        return []

    def _type(self, node: Any) -> str:
        kind = node.child_by_field_name("type")
        if kind is None:
            return ""
        if kind.type in ("struct_specifier", "class_specifier", "union_specifier", "enum_specifier"):
            kind = kind.child_by_field_name("name") or kind
            return self.text(kind) if kind.type.endswith("identifier") else ""
        return " ".join(self.text(kind).split())

    def _specifiers(self, node: Any) -> tuple[str, ...]:
        found = []
        for child in node.children:
            if child.type in ("storage_class_specifier", "virtual", "virtual_specifier", "type_qualifier", "explicit"):
                found.append(self.text(child))
            elif child.type in ("default_method_clause", "delete_method_clause", "pure_virtual_clause"):
                found.append(child.type.split("_")[0])
            elif child.type == "number_literal" and self.text(child) == "0":
                found.append("pure")
        return tuple(found)

    def function_definition(self, node: Any) -> tree.Node | list[tree.Node]:
        declarator = declarator_of(node.child_by_field_name("declarator"))
        body = node.child_by_field_name("body")
        if declarator.function is None:
            return self.body(body)
        return self._function(node, declarator, body, self._type(node))

    def _function(self, node: Any, declarator: Declarator, body: Any, returns: str) -> tree.Function:
        owner, name = self._owner_and_name(declarator)
        specifiers = (*self._specifiers(node), *self._specifiers(declarator.function))
        statements: list[tree.Node] | None = None
        if body is not None:
            inits = next((c for c in node.named_children if c.type == "field_initializer_list"), None)
            statements = [*self._member_initialisers(inits), *self.body(body)]
        return tree.Function(
            *self.at(node),
            name,
            self._parameters(declarator.function),
            statements,
            returns=tree.TypeName(*self.at(node), returns) if returns else None,
            owner=owner,
            namespace=".".join(self.namespace),
            specifiers=specifiers,
        )

    def _owner_and_name(self, declarator: Declarator) -> tuple[str, str]:
        written = self.text(declarator.name) if declarator.name is not None else ""
        *scope, name = (part.split("<")[0].strip() for part in _split_scope(written))
        owner = ".".join(scope)
        class_name = scope[-1] if scope else self.namespace[-1] if self.namespace else ""
        if name.startswith("~"):
            name = "__del__"
        elif name == class_name:
            name = "__init__"
        return owner, name

    def _member_initialisers(self, inits: Any) -> list[tree.Node]:
        found: list[tree.Node] = []
        for child in inits.named_children if inits is not None else ():
            if child.type != "field_initializer" or not child.named_children:
                continue
            name, *values = child.named_children
            if name.type != "field_identifier":
                continue
            target = tree.Attribute(*self.at(name), tree.Name(*self.at(name), "this"), self.text(name))
            items = [part for value in values for part in self._arguments(value)]
            value = items[0] if len(items) == 1 else tree.Collection(*self.at(child), "init", items)
            found.append(tree.Assign(*self.at(child), [target], value))
        return found

    def _parameters(self, function: Any) -> list[tree.Parameter]:
        listed = function.child_by_field_name("parameters")
        found = []
        for child in listed.named_children if listed is not None else ():
            if child.type not in (
                "parameter_declaration",
                "optional_parameter_declaration",
                "variadic_parameter_declaration",
            ):
                continue
            declarator = declarator_of(child.child_by_field_name("declarator"))
            name = self.text(declarator.name) if declarator.name is not None else ""
            default = self.maybe(child.child_by_field_name("default_value"))
            kind = tree.TypeName(*self.at(child), type_text(self._type(child), declarator))
            found.append(tree.Parameter(*self.at(child), name, kind, default))
        return found

    def declaration(self, node: Any) -> list[tree.Node]:
        """Local and global variables; a declared function has no body; a RAII lock becomes a `With`."""
        found = self._inner_types(node)
        annotation = self._type(node)
        specifiers = self._specifiers(node)
        for child in node.children_by_field_name("declarator"):
            declarator = declarator_of(child)
            value = self._initial_value(child, annotation)
            if declarator.function is not None and value is None and is_lock(annotation):
                # `lock_guard<mutex> lock(m);` has the form of a declared function, and is none.
                listed = declarator.function.child_by_field_name("parameters").named_children
                value = tree.Call(
                    *self.at(child), self._path(annotation, child), [self._path(self.text(p), p) for p in listed]
                )
            if declarator.function is not None and value is None:
                found.append(self._function(node, declarator, None, annotation))
                continue
            kind = tree.TypeName(*self.at(node), type_text(annotation, declarator))
            targets = self._targets(declarator)
            if is_lock(annotation) and value is not None and targets:
                found.append(tree.With(*self.at(node), [(value, targets[0])], []))
            elif targets:
                found.append(tree.Assign(*self.at(node), targets, value, "", kind, True, specifiers))
        return found

    def _targets(self, declarator: Declarator) -> list[tree.Node]:
        if declarator.bindings is not None:
            names: list[tree.Node] = [self.name(n) for n in declarator.bindings.named_children]
            return [tree.Collection(*self.at(declarator.bindings), "tuple", names)]
        return [self.name(declarator.name)] if declarator.name is not None else []

    def _initial_value(self, node: Any, annotation: str) -> tree.Node | None:
        """`= value` is the value; `T x(args)` and `T x{args}` are a call of T."""
        if node.type != "init_declarator":
            return None
        value = node.child_by_field_name("value")
        if value is None:
            return None
        if value.type not in ("argument_list", "initializer_list") or self.data[: value.start_byte].rstrip().endswith(
            b"="
        ):
            return self.one(value)
        items = self._arguments(value)
        if not items and value.type == "initializer_list":
            return tree.Collection(*self.at(value), "init", [])
        return tree.Call(*self.at(value), self._path(annotation, node), items)

    def _path(self, written: str, at: Any) -> tree.Node:
        """A type's name as an access path, template arguments left out."""
        first, *rest = [part.split("<")[0].strip() for part in _split_scope(written)] or [""]
        node: tree.Node = tree.Name(*self.at(at), first)
        for part in rest:
            node = tree.Attribute(*self.at(at), node, part)
        return node

    # ------------------------------------------------------------ statements

    def compound(self, node: Any) -> tree.Node:
        return tree.Block(*self.at(node), self.body(node))

    def if_statement(self, node: Any) -> tree.Node:
        alternative = node.child_by_field_name("alternative")
        orelse = (
            self.body(alternative.named_children[0]) if alternative is not None and alternative.named_children else []
        )
        test = self.one(node.child_by_field_name("condition"))
        return tree.If(*self.at(node), test, self.body(node.child_by_field_name("consequence")), orelse)

    def while_statement(self, node: Any) -> tree.Node:
        test = self.one(node.child_by_field_name("condition"))
        kind = "do" if node.type == "do_statement" else "while"
        return tree.Loop(*self.at(node), kind, self.body(node.child_by_field_name("body")), test=test)

    def for_statement(self, node: Any) -> tree.Node:
        parts = [
            part
            for field in ("initializer", "condition", "update")
            if (child := node.child_by_field_name(field)) is not None
            for part in self.many(child)
        ]
        head = tree.Collection(*self.at(node), "tuple", parts)
        return tree.Loop(*self.at(node), "count", self.body(node.child_by_field_name("body")), None, head)

    def for_range(self, node: Any) -> tree.Node:
        declarator = declarator_of(node.child_by_field_name("declarator"))
        targets = self._targets(declarator)
        iterable = self.one(node.child_by_field_name("right"))
        body = self.body(node.child_by_field_name("body"))
        return tree.Loop(*self.at(node), "for", body, targets[0] if targets else None, iterable)

    def switch_statement(self, node: Any) -> tree.Node:
        cases = []
        body = node.child_by_field_name("body")
        for child in body.named_children if body is not None else ():
            if child.type != "case_statement":
                continue
            value = child.child_by_field_name("value")
            inner = [c for c in child.named_children if value is None or c.id != value.id]
            statements = _scoped_locks([part for c in inner for part in self.many(c)])
            patterns = [self.one(value)] if value is not None else []
            cases.append(tree.Case(*self.at(child), patterns, statements, None, not _leaves(statements)))
        return tree.Switch(*self.at(node), self.one(node.child_by_field_name("condition")), cases)

    def try_statement(self, node: Any) -> tree.Node:
        handlers = []
        for child in node.named_children:
            if child.type == "catch_clause":
                parameters = child.child_by_field_name("parameters")
                caught = (
                    [c for c in parameters.named_children if c.type == "parameter_declaration"] if parameters else []
                )
                types: list[tree.Node] = [tree.TypeName(*self.at(c), self._type(c)) for c in caught]
                name = declarator_of(caught[0].child_by_field_name("declarator")).name if caught else None
                inner = self.body(child.child_by_field_name("body"))
                handlers.append(tree.Handler(*self.at(child), types, self.text(name) if name else "", inner))
        return tree.Try(*self.at(node), self.body(node.child_by_field_name("body")), handlers)

    def return_statement(self, node: Any) -> tree.Node:
        return tree.Return(*self.at(node), self.one(node.named_children[0]) if node.named_children else None)

    def throw_statement(self, node: Any) -> tree.Node:
        return tree.Raise(*self.at(node), self.one(node.named_children[0]) if node.named_children else None)

    def jump(self, node: Any) -> tree.Node:
        label = node.child_by_field_name("label")
        return tree.Jump(*self.at(node), node.type.split("_")[0], self.text(label) if label is not None else "")

    def expression_statement(self, node: Any) -> list[tree.Node]:
        found: list[tree.Node] = []
        for child in node.named_children:
            for value in self.many(child):
                if isinstance(value, tree.Named):
                    found.append(tree.Assign(*self.at(node), [value.target], value.value, value.op))
                elif isinstance(value, tree.Delete | tree.Raise | tree.Broken):
                    found.append(value)
                else:
                    found.append(tree.Expression(*self.at(node), value))
        return found

    # ------------------------------------------------------------ expressions

    def this(self, node: Any) -> tree.Node:
        return tree.Name(*self.at(node), "this")

    def qualified(self, node: Any) -> tree.Node:
        return self._path(self.text(node), node)

    def template_name(self, node: Any) -> tree.Node:
        return self._path(self.text(node).split("<")[0], node)

    def field_expression(self, node: Any) -> tree.Node:
        name = self.text(node.child_by_field_name("field")).split("<")[0]
        return tree.Attribute(*self.at(node), self.one(node.child_by_field_name("argument")), name)

    def subscript(self, node: Any) -> tree.Node:
        indices = node.child_by_field_name("indices") or node.child_by_field_name("index")
        key = self.one(indices) if indices is not None else tree.Collection(*self.at(node), "tuple", [])
        return tree.Index(*self.at(node), self.one(node.child_by_field_name("argument")), key)

    def call(self, node: Any) -> tree.Node:
        function = node.child_by_field_name("function")
        listed = node.child_by_field_name("arguments")
        args = self._arguments(listed) if listed is not None else []
        launch = [part for c in node.named_children if c.type == "kernel_call_syntax" for part in self.many(c)]
        template = ""
        if function is not None and function.type == "template_function":
            template = self.text(function.child_by_field_name("arguments"))
        callee = self.one(function) if function is not None else tree.Name(*self.at(node), "")
        return tree.Call(*self.at(node), callee, args, [], template, launch)

    def _arguments(self, node: Any) -> list[tree.Node]:
        return [self.one(c) for c in node.named_children if c.type != "comment"]

    def assignment(self, node: Any) -> tree.Node:
        target = self.one(node.child_by_field_name("left"))
        value = self.one(node.child_by_field_name("right"))
        operator = node.child_by_field_name("operator")
        op = self.text(operator).removesuffix("=") if operator is not None else ""
        return tree.Named(*self.at(node), target, value, op)

    def binary(self, node: Any) -> tree.Node:
        op = self.text(node.child_by_field_name("operator"))
        left, right = self.one(node.child_by_field_name("left")), self.one(node.child_by_field_name("right"))
        if op in ("&&", "||", "and", "or"):
            return tree.Logic(*self.at(node), "and" if op in ("&&", "and") else "or", [left, right])
        if op in _COMPARISONS:
            return tree.Compare(*self.at(node), [left, right], [op])
        return tree.Binary(*self.at(node), op, left, right)

    def unary(self, node: Any) -> tree.Node:
        op = self.text(node.child_by_field_name("operator"))
        op = "not" if op in ("!", "not") else op
        return tree.Unary(*self.at(node), op, self.one(node.child_by_field_name("argument")))

    def conditional(self, node: Any) -> tree.Node:
        test, body, orelse = (node.child_by_field_name(f) for f in ("condition", "consequence", "alternative"))
        return tree.Conditional(*self.at(node), self.one(test), self.one(body or test), self.one(orelse))

    def literal(self, node: Any) -> tree.Node:
        return tree.Literal(*self.at(node), _LITERALS[node.type], self.text(node))

    def number(self, node: Any) -> tree.Node:
        text = self.text(node)
        is_float = not text.lower().startswith("0x") and (
            "." in text or "e" in text.lower() or text.lower().endswith("f")
        )
        return tree.Literal(*self.at(node), "float" if is_float else "int", text)

    def string(self, node: Any) -> tree.Node:
        return tree.Literal(*self.at(node), "string", self.text(node).strip('"'))

    def initialiser_list(self, node: Any) -> tree.Node:
        return tree.Collection(*self.at(node), "init", self._arguments(node))

    def designated(self, node: Any) -> tree.Node:
        """`.field = value` reads as a keyword."""
        children = node.named_children
        name = next((self.text(c).lstrip(".") for c in children if c.type == "field_designator"), "")
        return tree.Keyword(*self.at(node), name, self.one(children[-1]))

    def lambda_(self, node: Any) -> tree.Node:
        declarator = node.child_by_field_name("declarator")
        captures = node.child_by_field_name("captures")
        parameters = self._parameters(declarator) if declarator is not None else []
        body = self.body(node.child_by_field_name("body"))
        function = tree.Function(*self.at(node), "<lambda>", parameters, body)
        return tree.Lambda(*self.at(node), function, self.text(captures) if captures is not None else "")

    def cast_expression(self, node: Any) -> tree.Node:
        kind = node.child_by_field_name("type")
        written = tree.TypeName(*self.at(kind), " ".join(self.text(kind).split()))
        return tree.Cast(*self.at(node), written, self.one(node.child_by_field_name("value")))

    def new(self, node: Any) -> tree.Node:
        kind = node.child_by_field_name("type")
        listed = node.child_by_field_name("arguments")
        written = tree.TypeName(*self.at(kind), self.text(kind))
        is_array = node.child_by_field_name("declarator") is not None
        return tree.New(*self.at(node), written, self._arguments(listed) if listed is not None else [], is_array)

    def delete(self, node: Any) -> tree.Node:
        is_array = any(c.type == "[" for c in node.children)
        return tree.Delete(*self.at(node), [self.one(c) for c in node.named_children], is_array)

    def sizeof(self, node: Any) -> tree.Node:
        args = [self.one(c) for c in node.named_children if c.type != "type_descriptor"]
        return tree.Call(*self.at(node), tree.Name(*self.at(node), "sizeof"), args)

    def type_descriptor(self, node: Any) -> tree.Node:
        return tree.TypeName(*self.at(node), " ".join(self.text(node).split()))

    def nothing(self, node: Any) -> None:
        return None


_BLOCKS = frozenset(
    "compound_statement translation_unit declaration_list field_declaration_list else_clause case_statement".split()
)
_COMPARISONS = frozenset("== != < > <= >= <=>".split())
_LITERALS = {"char_literal": "char", "true": "bool", "false": "bool", "null": "none", "nullptr": "none"}


def _split_scope(written: str) -> list[str]:
    """`a::b<c::d>::e` at its outer `::` only."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(written):
        character = written[at]
        depth += (character == "<") - (character == ">" and written[at - 1 : at] != "-")
        if depth == 0 and written.startswith("::", at):
            parts.append(written[start:at])
            at += 1
            start = at + 1
        at += 1
    return [part for part in (*parts, written[start:]) if part] or [written]


def _leaves(statements: list[tree.Node]) -> bool:
    last = statements[-1] if statements else None
    if isinstance(last, tree.Block):
        return _leaves(last.body)
    return isinstance(last, tree.Return | tree.Raise | tree.Jump)


def _scoped_locks(statements: list[tree.Node]) -> list[tree.Node]:
    for index, statement in enumerate(statements):
        if isinstance(statement, tree.With) and not statement.body:
            statement.body = _scoped_locks(statements[index + 1 :])
            if statement.body:
                statement.end_line, statement.end_column = statement.body[-1].end_line, statement.body[-1].end_column
            return statements[: index + 1]
    return statements


Handler = Callable[["_Converter", Any], "tree.Node | list[tree.Node] | None"]

_TABLE: dict[str, Handler] = {
    "ERROR": _Converter.error,
    "preproc_include": _Converter.include,
    "namespace_definition": _Converter.namespace_definition,
    "class_specifier": _Converter.class_specifier,
    "struct_specifier": _Converter.class_specifier,
    "union_specifier": _Converter.class_specifier,
    "enum_specifier": _Converter.enum_specifier,
    "field_declaration": _Converter.field_declaration,
    "function_definition": _Converter.function_definition,
    "declaration": _Converter.declaration,
    "compound_statement": _Converter.compound,
    "if_statement": _Converter.if_statement,
    "while_statement": _Converter.while_statement,
    "do_statement": _Converter.while_statement,
    "for_statement": _Converter.for_statement,
    "for_range_loop": _Converter.for_range,
    "switch_statement": _Converter.switch_statement,
    "try_statement": _Converter.try_statement,
    "return_statement": _Converter.return_statement,
    "throw_statement": _Converter.throw_statement,
    "break_statement": _Converter.jump,
    "continue_statement": _Converter.jump,
    "goto_statement": _Converter.jump,
    "expression_statement": _Converter.expression_statement,
    "identifier": _Converter.name,
    "field_identifier": _Converter.name,
    "type_identifier": _Converter.name,
    "this": _Converter.this,
    "qualified_identifier": _Converter.qualified,
    "template_function": _Converter.template_name,
    "field_expression": _Converter.field_expression,
    "subscript_expression": _Converter.subscript,
    "call_expression": _Converter.call,
    "assignment_expression": _Converter.assignment,
    "binary_expression": _Converter.binary,
    "unary_expression": _Converter.unary,
    "pointer_expression": _Converter.unary,
    "update_expression": _Converter.unary,
    "conditional_expression": _Converter.conditional,
    "char_literal": _Converter.literal,
    "true": _Converter.literal,
    "false": _Converter.literal,
    "null": _Converter.literal,
    "nullptr": _Converter.literal,
    "number_literal": _Converter.number,
    "string_literal": _Converter.string,
    "raw_string_literal": _Converter.string,
    "concatenated_string": _Converter.string,
    "initializer_list": _Converter.initialiser_list,
    "initializer_pair": _Converter.designated,
    "lambda_expression": _Converter.lambda_,
    "cast_expression": _Converter.cast_expression,
    "new_expression": _Converter.new,
    "delete_expression": _Converter.delete,
    "sizeof_expression": _Converter.sizeof,
    "type_descriptor": _Converter.type_descriptor,
    "comment": _Converter.nothing,
    "access_specifier": _Converter.nothing,
    "using_declaration": _Converter.nothing,
    "alias_declaration": _Converter.nothing,
    "preproc_def": _Converter.nothing,
    "preproc_function_def": _Converter.nothing,
    "preproc_call": _Converter.nothing,
    "preproc_directive": _Converter.nothing,
    "primitive_type": _Converter.nothing,
    "template_parameter_list": _Converter.nothing,
    "static_assert_declaration": _Converter.nothing,
    "attribute_declaration": _Converter.nothing,
    "friend_declaration": _Converter.nothing,
}
