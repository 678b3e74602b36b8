"""`scan --fix-suppressions`: comments that cover nothing are taken out of the files they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from llmlint.files import language_of
from llmlint.suppressions import directives_of, without


def remove_unused(unused: Mapping[str, Sequence[tuple[int, int, tuple[str, ...]]]]) -> Iterator[tuple[str, int]]:
    """Rewrites files given the (line, column, rules named in vain) in each; yields file and count."""
    for file, wanted in unused.items():
        vain = {(line, column): rules for line, column, rules in wanted}
        data = Path(file).read_bytes()
        text = data.decode("utf-8", "surrogateescape")
        directives = directives_of(text, language_of(file) or "python")
        found = [(d, vain[d.line, d.column]) for d in directives if (d.line, d.column) in vain]
        if found:
            Path(file).write_bytes(without(text, found).encode("utf-8", "surrogateescape"))
            yield file, len(found)
