"""Mutators of C++: as those of Python, on lines that hold one statement each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property

import tree_sitter_cpp
from tree_sitter import Language, Node, Parser

from benchmarks.mutants.sites import Mutator, Planted

_PARSER = Parser(Language(tree_sitter_cpp.language()))
_LOCK = re.compile(r"^\s*(?:std::)?(?:lock_guard|unique_lock|scoped_lock|shared_lock)\b[^;]*[({]\s*([\w.>-]+)\s*[)}];$")
_RELEASE = re.compile(
    r"^\s*(?:std::)?(free|fclose|close|munmap|cudaFree|cudaFreeHost|closedir|\w+_free)\(([\w.>-]+)\);$"
)
_CLEAR = re.compile(r"^\s*([\w.>-]+)\.clear\(\);$")
_WAIT = re.compile(r"^(\s*.*)\.wait_for\((\w+), [^,;]+, (.+)\);$")
_NULL = re.compile(r"^\s*if \((?:!(\w+)|(\w+) == (?:nullptr|NULL))\) \{$")


class CppFile:
    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self.root = _PARSER.parse(text.encode()).root_node

    @cached_property
    def functions(self) -> list[tuple[str, int, int]]:
        """Name, first and last line of each function with a body."""
        return sorted(set(self._within(self.root)), key=lambda function: function[1])

    def _within(self, node: Node) -> Iterator[tuple[str, int, int]]:
        for child in node.children:
            if child.type == "function_definition":
                declarator = child.child_by_field_name("declarator")
                text = (declarator.text or b"").decode("utf-8", "replace") if declarator is not None else ""
                yield text.partition("(")[0].strip("*& "), child.start_point[0] + 1, child.end_point[0] + 1
            yield from self._within(child)

    def matches(self, pattern: re.Pattern[str]) -> Iterator[tuple[str, int, int, int, re.Match[str]]]:
        """Function, its first and last line, and each line in it that the pattern is of."""
        for name, first, last in self.functions:
            for line in range(first, last + 1):
                found = pattern.match(self.lines[line - 1])
                if found:
                    yield name, first, last, line, found


def _forgotten_lock(file: CppFile) -> Iterator[Planted]:
    found = list(file.matches(_LOCK))
    count = Counter(match[1] for *_, match in found)
    for name, _, last, line, match in found:
        inside = "\n".join(file.lines[line:last])
        if count[match[1]] >= 3 and re.search(r"\.(push_back|emplace\w*|insert|erase|pop_\w+|clear)\(", inside):
            if "wait(" not in inside and "unlock" not in inside:
                yield name, line, f"lock of {match[1]}", [(line, line, ())]


def _forgotten_release(file: CppFile) -> Iterator[Planted]:
    found = list(file.matches(_RELEASE))
    for name, first, _, line, match in found:
        later = any(
            start == first and at > line and again[0].split() == match[0].split() for _, start, _, at, again in found
        )
        leaves = line < len(file.lines) and file.lines[line].lstrip().startswith("return")
        if later and leaves:
            yield name, line, f"{match[1]} before a return", [(line, line, ())]


def _forgotten_clear(file: CppFile) -> Iterator[Planted]:
    found = list(file.matches(_CLEAR))
    for name, first, _, line, match in found:
        is_reset = re.search(r"(^|::|_)(reset|clear)$", name) is not None
        if is_reset and sum(start == first for _, start, _, _, _ in found) >= 3:
            yield name, line, f"clear of {match[1]}", [(line, line, ())]


def _forgotten_timeout(file: CppFile) -> Iterator[Planted]:
    for name, _, _, line, match in file.matches(_WAIT):
        yield name, line, "timeout of wait_for", [(line, line, (f"{match[1]}.wait({match[2]}, {match[3]});",))]


def _forgotten_null_test(file: CppFile) -> Iterator[Planted]:
    for name, _, last, line, match in file.matches(_NULL):
        pointer = match[1] or match[2]
        closed = next((at for at in range(line, last) if file.lines[at].strip() == "}"), 0)
        inside = "\n".join(file.lines[line:closed])
        after = "\n".join(file.lines[closed + 1 : last])
        if closed and "return" in inside and re.search(rf"\b{pointer}->", after):
            yield name, line, f"null test of {pointer}", [(line, closed + 1, ())]


MUTATORS = (
    Mutator("forgotten-lock (C++)", "one access without the lock", ("LLM203",), _forgotten_lock),
    Mutator("forgotten-release (C++)", "no release on one way out", ("LLM103", "LLM106"), _forgotten_release),
    Mutator("forgotten-clear (C++)", "a reset leaves one container", ("LLM801",), _forgotten_clear),
    Mutator("forgotten-timeout (C++)", "a wait without its time limit", ("LLM204",), _forgotten_timeout),
    Mutator("forgotten-null-test (C++)", "what may be null is used", ("LLM945", "LLM955"), _forgotten_null_test),
)
