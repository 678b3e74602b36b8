"""`python -m benchmarks.asked TREE … [--files N] [--seed S] [--write]`: what one file costs where the others are known.

A commit hook hands over a file, and the whole program is judged around it. Each file that is drawn must be told exactly
what a scan of everything tells of it; half of them are drawn from those with findings. Seconds are of the processor and
lead from records to findings; reading the records stands beside them. Exits with 1 where an answer differs.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
from pathlib import Path

import click
import msgspec

from llmlint.catalogue import load_catalogue
from llmlint.files import SourcePath, discover
from llmlint.findings import Finding
from llmlint.reading import FileRecord
from llmlint.records import gather, known_keys
from llmlint.scan import Options, collection_off, judge_records, open_cache
from llmlint.vocabulary_file import load_vocabulary

_RESULT = Path(__file__).parent / "results" / "asked.md"


class Measured(msgspec.Struct):
    tree: str
    files: int
    asked: int
    whole_seconds: float
    reading_seconds: float
    seconds: list[float] = []
    wrong: list[str] = []

    @property
    def row(self) -> str:
        median, worst = statistics.median(self.seconds), max(self.seconds)
        figures = f"{self.reading_seconds:.2f} | {self.whole_seconds:.2f} | {median:.2f} | {worst:.2f}"
        share = f"{self.whole_seconds / median:.0f}"
        return f"| {self.tree} | {self.files} | {self.asked} | {figures} | {share} | {len(self.wrong)} |"


@click.command(help=__doc__)
@click.argument("trees", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--files", "number", default=40, show_default=True, help="Files to ask about, of each tree.")
@click.option("--seed", default=0, show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), help="Where records are kept between runs.")
@click.option("--write", is_flag=True, help="Write the table to results/asked.md.")
def main(trees: tuple[Path, ...], number: int, seed: int, cache: Path | None, write: bool) -> None:
    with collection_off():
        measured = [_measure(tree, number, seed, cache) for tree in trees]
    lines = [
        "| tree | files | asked | reading, s | all, s | one: median, s | one: most, s | times less | told wrongly |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        *(one.row for one in measured),
    ]
    click.echo("\n".join(lines))
    for one in measured:
        for wrong in one.wrong:
            click.echo(f"{one.tree}: {wrong}", err=True)
    if write:
        command = f"python -m benchmarks.asked TREE … --files {number} --seed {seed} --write"
        _RESULT.write_text(f"# One file among known ones\n\n`{command}`\n\n" + "\n".join(lines) + "\n")
    sys.exit(any(one.wrong for one in measured))


def _measure(tree: Path, number: int, seed: int, folder: Path | None) -> Measured:
    found = [msgspec.structs.replace(s, path=str(Path(s.file).relative_to(tree.resolve()))) for s in _sources(tree)]
    options = Options(load_catalogue().rules, load_vocabulary(None), cache_directory=folder)
    cache = open_cache(options)
    started = time.process_time()
    records = gather(found, {}, known_keys(found, {}, cache), cache, options.vocabulary, 1).records
    read = time.process_time()
    cache.close()
    texts = {source.path: Path(source.file).read_bytes().decode("utf-8", "replace") for source in found}
    whole = _told(records, options, texts, None)
    result = Measured(tree.name, len(found), 0, time.process_time() - read, read - started)
    draw = random.Random(seed)
    with_findings = sorted({finding.path for finding in whole})
    drawn = draw.sample(sorted(records), min(number // 2, len(records)))
    drawn += draw.sample(with_findings, min(number - len(drawn), len(with_findings)))
    for path in dict.fromkeys(drawn):
        started = time.process_time()
        told = _told(records, options, texts, frozenset({path}))
        result.seconds.append(time.process_time() - started)
        gc.collect()  # each program holds itself
        result.asked += 1
        wanted = [finding for finding in whole if finding.path == path]
        if told != wanted:
            codes = {finding.rule for finding in (*told, *wanted) if (finding in told) != (finding in wanted)}
            result.wrong.append(f"{path}: {', '.join(sorted(codes))}")
    return result


def _sources(tree: Path) -> list[SourcePath]:
    return sorted(discover([str(tree.resolve())]).sources, key=lambda source: source.path)


def _told(
    records: dict[str, FileRecord], options: Options, texts: dict[str, str], asked: frozenset[str] | None
) -> list[Finding]:
    result = judge_records(records, options, lambda path: texts.get(path, ""), asked=asked)
    if result.faults:
        raise RuntimeError("; ".join(result.faults))
    return result.findings


if __name__ == "__main__":
    main()
