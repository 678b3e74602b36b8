"""`scan --fix-suppressions` takes out comments that cover nothing, `--add-suppressions` writes new ones."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from llmlint.files import language_of
from llmlint.findings import Finding
from llmlint.opening import read_file
from llmlint.plain import counted
from llmlint.suppressions import LINE_END, comment_above, directives_of, without
from llmlint.writing import write_file

Vain = Sequence[tuple[int, int, tuple[str, ...]]]
"""(line, column, rules named in vain) of comments."""


def remove_unused(unused: Mapping[str, Vain]) -> Iterator[str]:
    """Rewrites files given what is unused in each; says what became of each."""
    for file, wanted in unused.items():
        try:
            removed = _remove(Path(file), wanted)
        except OSError as error:
            yield f"{file}: unused suppressions not removed: {error.strerror}"
        else:
            if removed:
                yield f"{file}: {counted(removed, 'unused suppression')} removed"


def _remove(file: Path, wanted: Vain) -> int:
    vain = {(line, column): rules for line, column, rules in wanted}
    data = read_file(file)
    text = data.decode("utf-8", "surrogateescape")
    directives = directives_of(LINE_END.sub("\n", text), language_of(str(file)) or "python")
    found = [(d, vain[d.line, d.column]) for d in directives if (d.line, d.column) in vain]
    after = without(text, found).encode("utf-8", "surrogateescape")
    if after != data:
        write_file(file, after, data)
    return len(found)


def add(findings: Iterable[Finding], reason: str) -> Iterator[str]:
    """Writes a comment above each finding's line; says what became of each file."""
    by_file: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for finding in findings:
        by_file[finding.path][finding.line].add(finding.rule)
    for file, rules_by_line in by_file.items():
        try:
            added = _add(Path(file), rules_by_line, reason)
        except OSError as error:
            yield f"{file}: suppressions not added: {error.strerror}"
        else:
            yield f"{file}: {counted(added, 'suppression')} added"


def _add(file: Path, rules_by_line: Mapping[int, set[str]], reason: str) -> int:
    data = read_file(file)
    pieces = LINE_END.split(data.decode("utf-8", "surrogateescape"))
    lines, ends = pieces[::2], [*pieces[1::2], ""]
    language = language_of(str(file)) or "python"
    added = 0
    for line in sorted(rules_by_line, reverse=True):
        if line > len(lines) or (line > 1 and lines[line - 2].endswith("\\")):  # a line that goes on takes no comment
            continue
        lines.insert(line - 1, comment_above(str(file), lines[line - 1], rules_by_line[line], reason))
        ends.insert(line - 1, ends[line - 1] or "\n")
        added += 1
    after = "".join(line + end for line, end in zip(lines, ends, strict=True)).encode("utf-8", "surrogateescape")
    if not added or (language == "python" and not _says_the_same(data, after)):
        return 0
    write_file(file, after, data)
    return added


def _says_the_same(before: bytes, after: bytes) -> bool:
    """A comment put into a string of several lines would be none."""
    try:
        return ast.dump(ast.parse(before)) == ast.dump(ast.parse(after))
    except (SyntaxError, ValueError, RecursionError):
        return False
