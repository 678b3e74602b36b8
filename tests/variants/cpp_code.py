"""A C++ case with its tree: where functions and statements stand, and edits that move marks along."""

from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache

import tree_sitter_cpp
from tree_sitter import Language, Node, Parser

from llmlint.rule_cases import EXPECT

_PARSER = Parser(Language(tree_sitter_cpp.language()))

STATEMENTS = {
    "expression_statement",
    "return_statement",
    "declaration",
    "if_statement",
    "for_range_loop",
    "for_statement",
    "while_statement",
    "do_statement",
    "break_statement",
    "delete_statement",
}
STEP = "    "


class CppCode:
    """One text with its tree. Edits give another text; nothing is changed in place."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        self.root = _PARSER.parse(self.data).root_node

    @cached_property
    def functions(self) -> list[Node]:
        """Definitions with a body, in the order of lines: what is put behind one leaves its number."""
        found = [node for node in walk(self.root) if node.type == "function_definition" and body(node) is not None]
        return sorted(found, key=lambda node: node.start_byte)

    def edited(self, *edits: tuple[int, int, str]) -> str:
        """The text with each stretch of bytes replaced."""
        data = self.data
        for start, stop, new in sorted(edits, reverse=True):
            data = data[:start] + new.encode() + data[stop:]
        return data.decode()

    def indent(self, node: Node) -> str:
        line = self.data[: node.start_byte].rpartition(b"\n")[2]
        return line[: len(line) - len(line.lstrip())].decode()

    def line_start(self, node: Node) -> int:
        return self.data.rfind(b"\n", 0, node.start_byte) + 1

    def line_end(self, node: Node) -> int:
        at = self.data.find(b"\n", node.end_byte)
        return len(self.data) if at < 0 else at

    def marked_rows(self) -> set[int]:
        return {row for row, line in enumerate(self.data.decode().split("\n")) if EXPECT.search(line)}

    def marked(self) -> list[int]:
        functions = self.functions
        numbers = []
        for row in sorted(self.marked_rows()):
            around = [n for n, f in enumerate(functions) if f.start_point[0] <= row <= f.end_point[0]]
            numbers += around[-1:]
        return list(dict.fromkeys(numbers))

    def focus(self, function: Node) -> Node | None:
        """The statement in the function that is marked; None where the mark stands at its head."""
        marked = self.marked_rows()
        for statement in statements(function):
            inner = next((c for c in statement.children if c.type == "compound_statement"), None)
            last = inner.start_point[0] if inner is not None else statement.end_point[0]
            if any(statement.start_point[0] <= row <= last for row in marked):
                return statement
        return None


@lru_cache(maxsize=64)
def code_of(text: str) -> CppCode:
    """Read once for all the variants that are made of a text."""
    return CppCode(text)


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def body(function: Node) -> Node | None:
    return next((child for child in function.children if child.type == "compound_statement"), None)


def statements(function: Node) -> list[Node]:
    """Statements that stand in a block, innermost last; a branch without braces is part of its `if`."""
    inside = body(function)
    every = [] if inside is None else [node for node in walk(inside) if node.type in STATEMENTS]
    return [node for node in every if node.parent is not None and node.parent.type == "compound_statement"]


def text_of(node: Node | None) -> str:
    return (node.text or b"").decode() if node is not None else ""


def head_of(function: Node) -> Node | None:
    """The declarator with the function's name and parameters."""
    return next((node for node in walk(function) if node.type == "function_declarator"), None)


def name_of(function: Node) -> str:
    head = head_of(function)
    return text_of(head.child_by_field_name("declarator")) if head is not None else ""


def class_of(function: Node) -> Node | None:
    node = function.parent
    while node is not None and node.type not in ("class_specifier", "struct_specifier"):
        node = node.parent
    return node


def declared(nodes: Iterable[Node]) -> set[str]:
    """The names that the nodes declare as parameters, variables of loops and locals."""
    names = set()
    for node in nodes:
        if node.type in (
            "parameter_declaration",
            "optional_parameter_declaration",
            "for_range_loop",
            "init_declarator",
        ):
            names |= _last_identifier(node.child_by_field_name("declarator"))
        elif node.type == "declaration":
            for child in node.children_by_field_name("declarator"):
                names |= set() if child.type == "function_declarator" else _last_identifier(child)
    return names


def _last_identifier(declarator: Node | None) -> set[str]:
    while declarator is not None and declarator.type != "identifier":
        inner = declarator.child_by_field_name("declarator")
        named = [child for child in declarator.children if child.is_named]
        declarator = inner or (named[-1] if named and declarator.type == "reference_declarator" else None)
    return {text_of(declarator)} if declarator is not None else set()
