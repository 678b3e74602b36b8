"""`python -m benchmarks.ordinary learn|test`: how many ordinary bugs in small programs the rules find.

Each root cause has two programs of 40 to 150 lines, with the bug and mended; a coin put one into each half. What the
rules miss in the learning half may be read. The testing half is only counted: it stays in its archive.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from benchmarks.real_bugs.judge import shown
from benchmarks.scanning import scan
from llmlint.findings import Finding

HERE = Path(__file__).parent
RESULTS = HERE / "results.tsv"
NEAR = 3
"""Lines above and below the place that the programs' author pointed at."""


@click.command(help=__doc__)
@click.argument("half", type=click.Choice(["learn", "test"]))
@click.option("--write", is_flag=True, help=f"Add the line to {RESULTS.name}.")
def main(half: str, write: bool) -> None:
    counted: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(HERE / f"{half}.zip").extractall(Path(folder, half))
        for case in sorted(Path(folder, half).iterdir()):
            how, said_of_mended = judged(case, Path(folder, "cache"))
            counted.update({"cases": 1, how: 1, "mended": said_of_mended})
            if half == "learn":
                click.echo(f"{case.name:34} {how}")
    found = counted["shown"] + counted["low"]
    line = f"{half}\tfound={found}/{counted['cases']}\tshown={counted['shown']}\ton mended={counted['mended']}"
    click.echo(line)
    if write:
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.date.today().isoformat()}\t{_revision()}\t{line}\n")


def judged(case: Path, cache: Path) -> tuple[str, int]:
    """`shown`, `low` or `missed`; and how many findings are shown of the mended program."""
    bug = json.loads((case / "bug.json").read_text("utf-8"))
    bad, good = (scan(case / variant, cache=cache).findings for variant in ("bad", "good"))
    stay = {(finding.rule, finding.symbol) for finding in good}
    found = [
        finding
        for finding in bad
        if bug["cause"] in finding.causes
        and (finding.rule, finding.symbol) not in stay
        and any(is_at(bug, path, line) for path, line in places(finding))
    ]
    how = "shown" if any(map(shown, found)) else "low" if found else "missed"
    return how, sum(map(shown, good))


def places(finding: Finding) -> Iterator[tuple[str, int]]:
    yield finding.path, finding.line
    yield from ((step.path, step.line) for step in finding.evidence)


def is_at(bug: dict[str, Any], path: str, line: int) -> bool:
    first, last = bug["lines"]
    return Path(path).name == Path(bug["file"]).name and first - NEAR <= line <= last + NEAR


def _revision() -> str:
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
