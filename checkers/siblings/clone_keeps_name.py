"""LLM922: the second of two neighbouring clones renames everything but one occurrence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.facts.facts import FileFacts
from llmlint.code.flow.clones import Kept, Pair, kept_name, pairs_in, parts_of
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Place, Report, Step

_FEWEST = 3
_FEWEST_IN_TEST = 2
_NEARBY = 60
_TEST = re.compile(r"^\s*(?:\}?\s*else\s+)?(?:if|elif|while)\b|\?|\bif\b.*\belse\b")
_COMMENT = (re.compile(r"(?<![ \t])[ \t]+//.*"), re.compile(r"(?<![ \t])[ \t]+#.*"))
_TYPES = frozenset("int float bool str true false none double dict list char half void auto const".split())


def check_file(file: SourceFile) -> Iterator[Report]:
    code = _COMMENT[file.facts.language == "python"].sub("", file.text)
    lines = code.split("\n")
    imported = {fact.name for fact in file.facts.imports}
    told: set[int] = set()
    for pair in pairs_in(lines, code):
        kept = kept_name(lines, pair)
        if kept is None or kept.line in told or {kept.old, kept.new} & _TYPES or kept.mapped < _needed(lines, kept):
            continue
        if kept.name in imported or _is_for_both(lines, pair, kept):
            continue
        symbol = _symbol(file.facts, kept.line + 1)
        if symbol and not _is_shared(lines, kept) and _is_known(lines, pair, kept):
            told.add(kept.line)
            yield _report(pair, kept, symbol)


def _needed(lines: list[str], kept: Kept) -> int:
    """A test of the one thing that guards the other is odd with fewer renamings around it."""
    return _FEWEST_IN_TEST if _TEST.search(lines[kept.line]) else _FEWEST


def _symbol(facts: FileFacts, line: int) -> str:
    """The innermost function whose code, and not whose docstring, the line belongs to."""
    around = [f for f in facts.functions if f.name != "<module>" and (f.body_line or f.line) <= line <= f.end_line]
    return max(around, key=lambda f: f.line).qualname if around else ""


def _is_shared(lines: list[str], kept: Kept) -> bool:
    """Text is for people, and a bare test of whether something is there may guard both blocks."""
    before, after = lines[kept.line][: kept.column], lines[kept.line][kept.column + len(kept.name) :]
    return before.count('"') % 2 == 1 or before.count("'") % 2 == 1 or after.startswith((" ?", ":", ") {"))


def _is_for_both(lines: list[str], pair: Pair, kept: Kept) -> bool:
    """An attribute of the old thing (`x.device`) that is used nearby for the new one too."""
    attribute = re.match(rf"{re.escape(kept.name)}\.\w+\b", lines[kept.line][kept.column :])
    if attribute is None:
        return False
    last = pair.first + 2 * pair.height
    near = [*lines[max(0, pair.first - _NEARBY) : pair.first], *lines[last : last + _NEARBY]]
    used = re.compile(rf"(?<![\w.]){re.escape(attribute[0])}\b")
    return any(used.search(line) and kept.new in parts_of(line) for line in near)


def _is_known(lines: list[str], pair: Pair, kept: Kept) -> bool:
    """The renamed name is used nearby, and in the same way: a member as a member."""
    is_member = lines[kept.line][: kept.column].endswith((".", "->", "::"))
    before = r"(?:\.|->|::)" if is_member else r"(?<![\w.>:])"
    near = lines[max(0, pair.first - _NEARBY) : pair.first + 2 * pair.height + _NEARBY]
    return re.search(rf"{before}{re.escape(kept.expected)}\b", "\n".join(near)) is not None


def _report(pair: Pair, kept: Kept, symbol: str) -> Report:
    line = kept.line + 1
    twin = kept.line - pair.height + 1
    return Report(
        Place("", line, kept.column + 1, line, kept.column + 1 + len(kept.name)),
        symbol,
        f"{kept.name} is the other block's: this copy says {kept.new} for {kept.old} everywhere else",
        (
            Step("", twin, f"the block above has {kept.name} here too"),
            Step("", line, f"{kept.mapped} times {kept.old} became {kept.new}, and {kept.expected} exists"),
        ),
        confidence="low",
        reason=f"{kept.mapped} occurrences were renamed and one was not; whether the two ever differ is open",
        subject=f"{kept.name}:{kept.expected}",
        fix=f"use {kept.expected}, or move what both blocks share out of them",
    )
