"""`python -m benchmarks.ordinary learn|test`: how many ordinary bugs in small programs the rules find.

Each root cause has two programs of 40 to 150 lines, with the bug and mended; a coin put one into each half. What the
rules miss in the learning half may be read. The testing half is only counted: it stays in its archive.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

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
        zipfile.ZipFile(HERE / f"{half}.zip").extractall(folder)
        for case in sorted(Path(folder).iterdir()):
            how, said_of_mended = judged(case)
            counted.update({"cases": 1, how: 1, "mended": said_of_mended})
            if half == "learn":
                click.echo(f"{case.name:34} {how}")
    found = counted["shown"] + counted["low"]
    line = f"{half}\tfound={found}/{counted['cases']}\tshown={counted['shown']}\ton mended={counted['mended']}"
    click.echo(line)
    if write:
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.date.today().isoformat()}\t{_revision()}\t{line}\n")


def judged(case: Path) -> tuple[str, int]:
    """`shown`, `low` or `missed`; and how many findings are shown of the mended program."""
    bug = json.loads((case / "bug.json").read_text("utf-8"))
    bad, good = findings(case / "bad"), findings(case / "good")
    stay = {(finding["rule"], finding.get("symbol")) for finding in good}
    found = [
        finding
        for finding in bad
        if bug["cause"] in finding["causes"]
        and (finding["rule"], finding.get("symbol")) not in stay
        and any(is_at(bug, path, line) for path, line in places(finding))
    ]
    shown = any(finding["confidence"] != "low" for finding in found)
    said = sum(finding["confidence"] != "low" for finding in good)
    return "shown" if shown else "low" if found else "missed", said


def findings(folder: Path) -> list[dict[str, Any]]:
    options = ["--no-cache", "-j", "1", "--exit-zero", "--format", "json", "--min-confidence", "low"]
    run = subprocess.run(
        [sys.executable, "-m", "llmlint", "scan", str(folder), *options], capture_output=True, text=True, check=True
    )
    told: list[dict[str, Any]] = json.loads(run.stdout)["findings"]
    return told


def places(finding: dict[str, Any]) -> Iterator[tuple[str, int]]:
    yield finding["path"], finding["line"]
    yield from ((step["path"], step["line"]) for step in finding["evidence"])


def is_at(bug: dict[str, Any], path: str, line: int) -> bool:
    first, last = bug["lines"]
    return Path(path).name == Path(bug["file"]).name and first - NEAR <= line <= last + NEAR


def _revision() -> str:
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
