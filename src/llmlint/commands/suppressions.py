"""`scan --fix-suppressions`: comments that cover nothing are taken out of the files they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from llmlint.files import language_of
from llmlint.suppressions import LINE_END, directives_of, without
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
                yield f"{file}: {removed} unused suppression{'s' if removed != 1 else ''} removed"


def _remove(file: Path, wanted: Vain) -> int:
    vain = {(line, column): rules for line, column, rules in wanted}
    data = file.read_bytes()
    text = data.decode("utf-8", "surrogateescape")
    directives = directives_of(LINE_END.sub("\n", text), language_of(str(file)) or "python")
    found = [(d, vain[d.line, d.column]) for d in directives if (d.line, d.column) in vain]
    after = without(text, found).encode("utf-8", "surrogateescape")
    if after != data:
        write_file(file, after, data)
    return len(found)
