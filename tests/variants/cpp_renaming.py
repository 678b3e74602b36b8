"""A C++ case with its own types, members, locals and parameters under names that say nothing."""

import re

from cpp_code import CppCode, body, code_of, declared, head_of, text_of, walk
from neutral_names import carries_a_verb, excuses, neutral, tells_the_rank
from tree_sitter import Node

from llmlint.rule_cases import Case

_OF_LIBRARIES = frozenset(
    "at back begin buf cbegin cend clear close contains count c_str data detach emplace emplace_back empty end "
    "erase fail find first free front get get_future get_id init insert join joinable key length load lock "
    "main merge notify_all notify_one open pop pop_back pop_front push push_back push_front read reset release "
    "reserve resize second set_content size state std store str swap substr try_lock unlock value wait "
    "wait_for wait_until what write".split()
)
_NAMES = ("identifier", "field_identifier", "type_identifier", "namespace_identifier")


def renamed(case: Case, bad: bool) -> Case:
    codes = {name: code_of(text) for name, text in case.items()}
    own: set[str] = set()
    types: set[str] = set()
    for code in codes.values():
        for node in walk(code.root):
            own |= _defined(node)
            types |= {text_of(node.child_by_field_name("name"))} if _is_type(node) else set()
    words = set(re.findall(r"\w+", "\n".join(case.values())))
    literals = {text_of(n).strip('"') for code in codes.values() for n in walk(code.root) if n.type == "string_literal"}
    kept = {name for name in own if tells_the_rank(name) or (not bad and excuses(name))}
    new = neutral(own - _OF_LIBRARIES - literals - kept, words, types)
    return {name: _rewritten(code, new) for name, code in codes.items()}


def _is_type(node: Node) -> bool:
    is_type = node.type in ("class_specifier", "struct_specifier", "enum_specifier")
    return is_type and node.child_by_field_name("body") is not None


def _defined(node: Node) -> set[str]:
    """Names that the case itself gives: what is only declared here belongs to somebody else."""
    if _is_type(node):
        return {text_of(node.child_by_field_name("name"))} - {""}
    if node.type == "field_declaration":
        names = [inner for child in node.children_by_field_name("declarator") for inner in walk(child)]
        is_method = any(inner.type == "function_declarator" for inner in names)
        return set() if is_method else {text_of(n) for n in names if n.type == "field_identifier"}
    if node.type == "function_definition" and body(node) is not None:
        head = head_of(node)
        name = text_of(head.child_by_field_name("declarator")) if head is not None else ""
        last = name.rpartition("::")[2]
        inside = declared(walk(node))
        return inside | ({last} if last.isidentifier() and not carries_a_verb(last) else set())
    return set()


def _rewritten(code: CppCode, new: dict[str, str]) -> str:
    edits = [
        (node.start_byte, node.end_byte, new[text_of(node)])
        for node in walk(code.root)
        if node.type in _NAMES and text_of(node) in new and not _is_of_a_library(node)
    ]
    return code.edited(*edits)


def _is_of_a_library(node: Node) -> bool:
    """Is it `mutex` in `std::mutex`, or `promise` in `std::promise<int>`?"""
    around = node.parent
    if around is not None and around.type == "template_type" and around.child_by_field_name("name") == node:
        around = around.parent
    return around is not None and around.type == "qualified_identifier" and text_of(around).startswith("std::")
