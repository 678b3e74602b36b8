"""`python -m benchmarks.unparsed TREE…`: the share of C, C++ and CUDA lines that could not be read.

A line counts as not read where it lies in a stretch that did not parse, or in a branch of the preprocessor that was
left out so that the rest could be. `--skip` takes what is not the project's own; `--show` prints the worst files.
"""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from llmlint.code.facts.effects import facts_of
from llmlint.code.syntax.cpp import read_cpp
from llmlint.code.syntax.errors import Unreadable
from llmlint.files import language_of


class FileShare(msgspec.Struct, frozen=True):
    path: str
    lines: int
    lost: int
    first: tuple[tuple[int, int], ...]
    functions: int


def shares_of(tree: Path, skip: Sequence[str] = ()) -> Iterator[FileShare]:
    for path in sorted(tree.rglob("*")):
        inner = str(path.relative_to(tree))
        language = language_of(path.name)
        if not language or language == "python" or not path.is_file() or any(fnmatch.fnmatch(inner, p) for p in skip):
            continue
        try:
            text, module = read_cpp(path.read_bytes(), language)  # type: ignore[arg-type]
        except Unreadable:
            continue
        facts = facts_of(module, text)
        functions = sum(1 for function in facts.functions if function.has_body) - 1
        yield FileShare(inner, facts.lines, facts.lines_not_parsed, facts.broken[:4], functions)


@click.command(help=__doc__)
@click.argument("trees", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--skip", multiple=True, help="Files to leave out, as a pattern over their paths in the tree.")
@click.option("--show", default=0, help="How many of the worst files to print.")
def main(trees: tuple[Path, ...], skip: Sequence[str], show: int) -> None:
    for tree in trees:
        begun = time.process_time()
        files = list(shares_of(tree, skip))
        lines, lost = sum(f.lines for f in files), sum(f.lost for f in files)
        click.echo(
            f"{tree.name}: {lost} of {lines} lines not read, {100 * lost / max(1, lines):.2f} %; {len(files)} files, "
            f"{sum(f.functions for f in files)} functions with a body; {time.process_time() - begun:.1f} CPU s"
        )
        for file in sorted(files, key=lambda file: (-file.lost, file.path))[:show]:
            at = ", ".join(f"{start}-{end}" for start, end in file.first)
            click.echo(f"  {file.lost:6} of {file.lines:6}  {file.path}  {at}")


if __name__ == "__main__":
    main()
