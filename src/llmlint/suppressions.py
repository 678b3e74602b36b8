"""`# llmlint: ignore[LLM801] reason` and its kin: what they cover, which are malformed, which cover nothing.

A directive covers a finding on its own line; alone on its line it covers the next line of code; at a `def` or `class`
line (or above it, or at a decorator) it covers the whole body. `ignore-file[…]` covers the file. A directive that
names no rule is malformed and covers nothing.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from llmlint.comments import comments_of
from llmlint.files import language_of

_DIRECTIVE = re.compile(r"^\s*llmlint:\s*(?P<kind>[\w-]+)\s*(?P<rules>\[[^\]]*\])?\s*(?P<reason>.*)$", re.DOTALL)
_DEFINITION = re.compile(r"\s*(?:async\s+def|def|class)\b")
_KINDS = ("ignore", "ignore-file")
_OTHERS = {"gpu-sync-ok": ("LLM601", "LLM602")}
"""Marks of other checks that say the same of some rules (vLLM's check for device syncs), with these rules."""
_OTHER = re.compile(rf"^\s*(?P<kind>{'|'.join(_OTHERS)}):\s*(?P<reason>.*)$", re.DOTALL)
_SAME_CHECKS = {
    **dict.fromkeys(("S113", "B113", "W3101", "missing-timeout"), ("LLM204",)),
    **dict.fromkeys(("ASYNC210", "ASYNC212", "ASYNC220", "ASYNC221", "ASYNC222", "ASYNC230", "ASYNC251"), ("LLM202",)),
    **dict.fromkeys(("PLE1205", "PLE1206", "logging-too-many-args", "logging-too-few-args"), ("LLM910",)),
}
"""What ruff, bandit and pylint call what these rules tell too: who has silenced it there has looked at it."""
_ELSEWHERE = "other-linter"
_SILENCED = re.compile(r"\bnoqa:|\bnosec\b|\bpylint:\s*disable=")
_CHECK = re.compile(r"[\w-]+")
_NOQA = re.compile(r"\bnoqa:[ \t\w,]*\b(?P<rule>LLM\d{3})\b")
"""What flake8 and ruff read; of us it silences nothing."""
_BETWEEN = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT})

LINE_END = re.compile(r"(\r\n|\r|\n)")


def comment_above(path: str, line: str, codes: Iterable[str], reason: str) -> str:
    """A comment that ignores these rules in the line below it."""
    indent = line[: len(line) - len(line.lstrip())]
    mark = "#" if (language_of(path) or "python") == "python" else "//"
    return f"{indent}{mark} llmlint: ignore[{', '.join(sorted(codes))}] {reason}"


class Directive(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One suppression comment. `line` is where it stands, `target` the line of code it speaks of (0: the file)."""

    kind: str
    rules: tuple[str, ...]
    reason: str
    line: int
    column: int
    target: int
    problem: str = ""
    comment: str = ""


def directives_of(text: str, language: str) -> list[Directive]:
    is_noqa = "noqa:" in text and _NOQA.search(text)
    is_silenced = any(name in text for name in _SAME_CHECKS)
    if not is_noqa and not is_silenced and not any(mark in text for mark in ("llmlint:", *_OTHERS)):
        return []
    lines = text.split("\n")
    found = []
    for line, column, comment, alone in comments_of(text, language):
        said = comment.strip().lstrip("#/*! ").removesuffix("*/")
        match = _DIRECTIVE.match(said)
        if match is None:
            if other := _OTHER.match(said):
                target = _target(lines, line, alone, language) if alone else _first_line(text, line)
                found.append(Directive(other["kind"], _OTHERS[other["kind"]], other["reason"], line, column, target))
            elif noqa := _NOQA.search(said):
                wrong = f"`noqa` silences other linters; write `llmlint: ignore[{noqa['rule']}] reason`"
                found.append(Directive("noqa", (noqa["rule"],), "", line, column, line, wrong, comment))
            elif is_silenced and _SILENCED.search(said):
                names = [name for name in _CHECK.findall(said) if name in _SAME_CHECKS]
                rules = tuple(dict.fromkeys(rule for name in names for rule in _SAME_CHECKS[name]))
                target = _target(lines, line, alone, language) if alone else _first_line(text, line)
                if rules:
                    reason = f"silenced as {', '.join(names)}"
                    found.append(Directive(_ELSEWHERE, rules, reason, line, column, target))
            continue
        kind = match["kind"]
        rules = tuple(r.strip() for r in (match["rules"] or "").strip("[]").split(",") if r.strip())
        target = 0 if kind == "ignore-file" else _target(lines, line, alone, language)
        reason = " ".join(match["reason"].split()).strip(" -:—")
        problem = _problem(kind, match["rules"], rules)
        found.append(Directive(kind, rules, reason, line, column, target, problem, comment))
    return found


def _problem(kind: str, brackets: str | None, rules: Sequence[str]) -> str:
    if kind not in _KINDS:
        return f"`llmlint: {kind}` is not known; write `llmlint: ignore[RULE] reason`"
    if brackets is None or not rules:
        return f"`llmlint: {kind}` names no rule; write `llmlint: {kind}[RULE] reason`"
    return ""


def _target(lines: list[str], line: int, alone: bool, language: str) -> int:
    """The line of code meant; for a decorator, the definition below it."""
    target = _next_code_line(lines, line) if alone else line
    if language == "python" and lines[target - 1].lstrip().startswith("@"):
        below = range(target, len(lines))
        return next((number + 1 for number in below if _DEFINITION.match(lines[number])), target)
    return target


def _first_line(text: str, line: int) -> int:
    """Where the statement of Python begins that a line is part of."""
    first = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NEWLINE:
                if token.start[0] >= line:
                    return first
                first = 0
            elif not first and token.type not in _BETWEEN:
                first = token.start[0]
    except (tokenize.TokenError, SyntaxError):
        pass
    return line


def _next_code_line(lines: list[str], line: int) -> int:
    for number in range(line + 1, len(lines) + 1):
        code = lines[number - 1].strip()
        if code and not code.startswith(("#", "//", "/*", "*")):
            return number
    return line


class Suppressions:
    """The directives of one file, and which of them were needed."""

    def __init__(
        self, directives: Iterable[Directive], bodies: Iterable[tuple[int, int]], names: Mapping[str, str]
    ) -> None:
        """`bodies`: (first line, last line) of each function and class. `names`: all a rule is called, to its code."""
        self.directives = tuple(directives)
        self._bodies = dict(bodies)
        self._names = names
        self._needed: set[tuple[int, str]] = set()

    def covering(self, line: int, code: str) -> Directive | None:
        """The directive that speaks of a finding of rule `code` at `line`."""
        for index, directive in enumerate(self.directives):
            if not directive.problem and self._covers(directive, line) and code in self._codes(directive):
                self._needed.add((index, code))
                return directive
        return None

    def _covers(self, directive: Directive, line: int) -> bool:
        last = self._bodies.get(directive.target, max(directive.target, directive.line))
        return directive.kind == "ignore-file" or directive.target <= line <= last

    def _codes(self, directive: Directive) -> list[str]:
        return [self._names.get(rule.lower(), "") for rule in directive.rules]

    @property
    def malformed(self) -> list[tuple[Directive, str]]:
        """Directives with what is wrong with them; a rule nobody knows is wrong too."""
        found = [(d, d.problem) for d in self.directives if d.problem]
        for directive in self.directives:
            unknown = [rule for rule in directive.rules if rule.lower() not in self._names]
            if unknown and not directive.problem:
                found.append((directive, f"no rule is called {', '.join(unknown)}"))
        return found

    def unused(self, judged: Iterable[str]) -> list[tuple[Directive, tuple[str, ...]]]:
        """Directives with the rules they name in vain, of those whose code is among `judged`."""
        judged = set(judged)
        found = []
        for index, directive in enumerate(self.directives):
            if directive.problem or directive.kind in _OTHERS or directive.kind == _ELSEWHERE:
                continue
            vain = [
                rule
                for rule, code in zip(directive.rules, self._codes(directive), strict=True)
                if code in judged and (index, code) not in self._needed
            ]
            if vain:
                found.append((directive, tuple(vain)))
        return found


def without(text: str, unused: Iterable[tuple[Directive, tuple[str, ...]]]) -> str:
    """The text with rules named in vain taken out of their comments; a comment left with none goes whole.

    Lines end as the scan has them end: also at a lone carriage return.
    """
    pieces = LINE_END.split(text)
    lines, ends = pieces[::2], [*pieces[1::2], ""]
    for directive, vain in sorted(unused, key=lambda item: (-item[0].line, -item[0].column)):
        at = directive.line - 1
        line, comment = lines[at], directive.comment
        if "\n" in comment or not line[directive.column - 1 :].startswith(comment):
            continue
        left = [rule for rule in directive.rules if rule not in vain]
        kept = re.sub(r"\[[^\]]*\]", f"[{', '.join(left)}]", comment, count=1) if left else ""
        before, after = line[: directive.column - 1], line[directive.column - 1 + len(comment) :]
        if not kept and not (before + after).strip():
            del lines[at], ends[at]
        else:
            lines[at] = before + kept + after if kept else (before.rstrip() + after)
    return "".join(line + end for line, end in zip(lines, ends, strict=True))
