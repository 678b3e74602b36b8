"""`# llmlint: ignore[LLM801] reason` and its kin: what they cover, which are malformed, which cover nothing.

A directive covers a finding on its own line; alone on its line it covers the next line of code; at a `def` or `class`
line (or above it) it covers the whole body. `ignore-file[…]` covers the file. A directive that names no rule is
malformed and covers nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from llmlint.comments import comments_of

_DIRECTIVE = re.compile(r"^\s*llmlint:\s*(?P<kind>[\w-]+)\s*(?P<rules>\[[^\]]*\])?\s*(?P<reason>.*)$")
_KINDS = ("ignore", "ignore-file")


class Directive(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One suppression comment. `line` is where it stands, `target` the line of code it speaks of (0: the file)."""

    kind: str
    rules: tuple[str, ...]
    reason: str
    line: int
    column: int
    target: int
    problem: str = ""


def directives_of(text: str, language: str) -> list[Directive]:
    if "llmlint:" not in text:
        return []
    lines = text.split("\n")
    found = []
    for line, column, comment, alone in comments_of(text, language):
        body = comment.strip().lstrip("#/*! ").removesuffix("*/")
        match = _DIRECTIVE.match(body)
        if match is None:
            continue
        kind = match["kind"]
        rules = tuple(r.strip() for r in (match["rules"] or "").strip("[]").split(",") if r.strip())
        problem = _problem(kind, match["rules"], rules)
        target = 0 if kind == "ignore-file" else _next_code_line(lines, line) if alone else line
        found.append(Directive(kind, rules, match["reason"].strip(" -:—"), line, column, target, problem))
    return found


def _problem(kind: str, brackets: str | None, rules: Sequence[str]) -> str:
    if kind not in _KINDS:
        return f"`llmlint: {kind}` is not known; write `llmlint: ignore[RULE] reason`"
    if brackets is None or not rules:
        return f"`llmlint: {kind}` names no rule; write `llmlint: {kind}[RULE] reason`"
    return ""


def _next_code_line(lines: list[str], line: int) -> int:
    for number in range(line + 1, len(lines) + 1):
        code = lines[number - 1].strip()
        if code and not code.startswith(("#", "//", "/*", "*")):
            return number
    return line


class Suppressions:
    """The directives of one file, and which of them were needed."""

    def __init__(self, directives: Iterable[Directive], bodies: Iterable[tuple[int, int]]) -> None:
        """`bodies`: (first line, last line) of each function and class."""
        self.directives = tuple(directives)
        self._bodies = dict(bodies)
        self._used: set[int] = set()

    def covering(self, line: int, names: Sequence[str]) -> Directive | None:
        """The directive that speaks of a finding at `line` of a rule known by any of `names`."""
        lowered = {name.lower() for name in names}
        for index, directive in enumerate(self.directives):
            if directive.problem or not lowered & {r.lower() for r in directive.rules}:
                continue
            last = self._bodies.get(directive.target, directive.target)
            if directive.kind == "ignore-file" or directive.target <= line <= last:
                self._used.add(index)
                return directive
        return None

    @property
    def unused(self) -> list[Directive]:
        return [d for i, d in enumerate(self.directives) if not d.problem and i not in self._used]
