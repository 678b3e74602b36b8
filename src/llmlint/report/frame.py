"""One finding on a terminal: what is wrong, where, and every place it rests on, in the order to read them.

LLM204 unbounded-wait: the message
  --> engine/worker.py:42:9
   |
17 | the line that explains it
   | -- 1. why
...
42 | the line that is wrong
   | ^^^^^^^^^ 2. why
   = P1, medium confidence: why it is that sure
   = fix: what to do
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence

from llmlint.findings import Finding, Step
from llmlint.plain import counted, one_line
from llmlint.report import Style
from llmlint.report.painting import paint, paint_code
from llmlint.report.sources import Sources

_TAB = 4
_WIDEST_PROSE = 110
"""Longer lines of prose are tiring to read, however wide the terminal."""

_NARROWEST = 40
_COPIES = 3


class Frames:
    def __init__(self, style: Style, pages: dict[str, str]) -> None:
        """`pages` holds the address of each rule's page, by code."""
        self.style = style
        self.pages = pages
        self.width = max(_NARROWEST, style.width)
        self._sources = Sources(style.root)

    def frame(self, finding: Finding, copies: Sequence[Finding] = ()) -> str:
        """`copies` are told the same of the same line elsewhere: they are named, and no more."""
        steps = _steps(finding)
        gutter = max(len(str(step.line)) for step in steps)
        lines = [*self._head(finding), *self._places(finding, steps, gutter), *self._notes(finding, gutter)]
        if copies:
            places = ", ".join(f"{copy.path}:{copy.line}" for copy in copies[:_COPIES])
            more = len(copies) - _COPIES
            rest = f" and {counted(more, 'place')} more (--format concise lists all)" if more > 0 else ""
            lines += self._note(gutter, f"also: {places}{rest}")
        return "\n".join(lines) + "\n"

    def _head(self, finding: Finding) -> Iterator[str]:
        rule = f"{finding.rule} {finding.name}"
        first, *rest = self._wrapped(f"{rule}: {finding.message}", "", "  ")
        linked = self._linked(self.pages.get(finding.rule, ""), paint(self.style, finding.severity, rule))
        yield linked + paint(self.style, "bold", first.removeprefix(rule))
        yield from (paint(self.style, "bold", line) for line in rest)

    def _notes(self, finding: Finding, gutter: int) -> Iterator[str]:
        sure = f"{finding.severity}, {finding.confidence} confidence"
        yield from self._note(gutter, f"{sure}: {finding.confidence_reason}".removesuffix(": "), "dim")
        if finding.fix:
            yield from self._note(gutter, f"fix: {finding.fix}")
        if finding.verdict is not None:
            yield from self._note(gutter, f"run: {finding.verdict.status}: {finding.verdict.summary}", "bold")
        if finding.suppressed is not None:
            yield from self._note(gutter, f"suppressed: {finding.suppressed.reason or 'no reason given'}", "dim")

    def _note(self, gutter: int, text: str, kind: str = "") -> Iterator[str]:
        margin = " " * (gutter + 1)
        for number, line in enumerate(self._wrapped(text, f"{margin}= ", f"{margin}  ")):
            begin = f"{margin}=" if number == 0 else ""
            yield paint(self.style, "mark", begin) + paint(self.style, kind, line.removeprefix(begin))

    # ------------------------------------------------------------ places

    def _places(self, finding: Finding, steps: list[Step], gutter: int) -> Iterator[str]:
        """Each place with its line of code; another file gets its name first, lines that are left out a mark."""
        margin = paint(self.style, "mark", f"{' ' * gutter} |")
        yield self._arrow(gutter, f"{finding.path}:{finding.line}:{finding.column}")
        yield margin
        at = (finding.path, 0)
        numbers = iter(range(1, len(steps) + 1)) if len([step for step in steps if step.message]) > 1 else None
        for step in steps:
            code, cut = self.code(step.path, step.line), self._indent(steps, step.path)
            if (step.path, step.line) != at:
                if step.path != at[0]:
                    yield self._arrow(gutter, f"{step.path}:{step.line}")
                    yield margin
                elif at[1] and step.line != at[1] + 1:
                    yield paint(self.style, "mark", "...")
                shown = _fitted(code[cut:], self.width - gutter - 3)
                number = paint(self.style, "mark", f"{step.line:>{gutter}} |")
                yield f"{number} {paint_code(self.style, step.path, shown)}".rstrip()
                at = (step.path, step.line)
            label = f"{next(numbers)}. {step.message}" if numbers and step.message else step.message
            start, width = self._marked(finding, step, code)
            kind = finding.severity if width else "mark"
            room = self.width - gutter - 3
            for line in _labelled(min(max(0, start - cut), room // 2), width, label, room):
                yield f"{margin} {paint(self.style, kind, line)}"

    def _arrow(self, gutter: int, place: str) -> str:
        return f"{paint(self.style, 'mark', ' ' * gutter + '-->')} {place}"

    def _marked(self, finding: Finding, step: Step, code: str) -> tuple[int, int]:
        """Where on the line the mark starts, and how wide it is: 0 for a place that explains."""
        indent = len(code) - len(code.lstrip())
        if (step.path, step.line) != (finding.path, finding.line):
            return indent, 0
        raw = self._raw(finding.path, finding.line)
        start = max(indent, _shown_width(raw[: finding.column - 1]))
        if finding.end_line > finding.line or not raw[: finding.column].strip():
            end = _shown_width(raw.rstrip())
        elif finding.end_column > finding.column:
            end = _shown_width(raw[: finding.end_column - 1])
        else:
            word = re.match(r"[\w.]+", raw[finding.column - 1 :])
            end = start + (len(word[0]) if word else 1)
        return start, max(1, end - start)

    def _indent(self, steps: list[Step], path: str) -> int:
        """The blanks that all lines shown of a file begin with: they say nothing."""
        shown = [self.code(step.path, step.line) for step in steps if step.path == path]
        return min((len(code) - len(code.lstrip()) for code in shown if code), default=0)

    def _raw(self, path: str, line: int) -> str:
        lines = self._sources.lines(path)
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def code(self, path: str, line: int) -> str:
        return one_line(self._raw(path, line).expandtabs(_TAB).rstrip())

    # ------------------------------------------------------------ prose

    def _wrapped(self, text: str, first: str, others: str) -> list[str]:
        return _wrapped(text, min(self.width, _WIDEST_PROSE), first, others)

    def _linked(self, url: str, text: str) -> str:
        return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\" if self.style.links and url else text


def _steps(finding: Finding) -> list[Step]:
    """The evidence, and the place itself where no piece of evidence is about it."""
    if any((step.path, step.line) == (finding.path, finding.line) for step in finding.evidence):
        return list(finding.evidence)
    return [Step(finding.path, finding.line, ""), *finding.evidence]


def _labelled(start: int, width: int, label: str, room: int) -> list[str]:
    """The mark below a line of code with what it says: behind it where that fits, else below."""
    mark = "^" * min(width, room - start) if width else "--"
    inline = f"{' ' * start}{mark} {label}".rstrip()
    if _columns(inline) <= room and len(inline) <= _WIDEST_PROSE:
        return [inline]
    margin = " " * start
    prose = max(min(_NARROWEST, room), min(room, start + _WIDEST_PROSE))
    if not width:
        return _wrapped(label, prose, f"{margin}-- ", f"{margin}   ")
    return [margin + mark, *_wrapped(label, prose, margin, margin)]


def _wrapped(text: str, width: int, first: str, others: str) -> list[str]:
    """Names and paths stay whole: who looks for one finds it."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]


def _shown_width(raw: str) -> int:
    return _columns(one_line(raw.expandtabs(_TAB)))


def _columns(text: str) -> int:
    """How much room a text takes: a Chinese sign takes two letters' room."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _fitted(text: str, room: int) -> str:
    if _columns(text) <= room:
        return text
    while text and _columns(text) >= room:
        text = text[: min(len(text) - 1, room)]
    return f"{text}…"
