"""`python -m benchmarks.ordinary learn|test [--cause C]`: how many ordinary bugs in small programs the rules find.

Each root cause has a few programs of 40 to 150 lines, with the bug and mended. What the rules miss in the learning half
may be read. The testing half, other authors' work, is only counted: it stays in its archives.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.real_bugs.judge import shown
from benchmarks.scanning import scan
from llmlint.findings import Finding

HERE = Path(__file__).parent
RESULTS = HERE / "results.tsv"
NEAR = 3
"""Lines above and below the place that a program's author pointed at."""


@click.command(help=__doc__)
@click.argument("half", type=click.Choice(["learn", "test"]))
@click.option("--cause", "causes", multiple=True, help="Only the programs of this cause.")
@click.option("--write", is_flag=True, help=f"Add the lines to {RESULTS.name}.")
def main(half: str, causes: Sequence[str], write: bool) -> None:
    for archive in sorted((HERE / half).glob("*.zip")):
        with tempfile.TemporaryDirectory() as folder:
            zipfile.ZipFile(archive).extractall(Path(folder, half))
            line = f"{half}/{archive.stem}\t{counted(Path(folder, half), causes, tell=half == 'learn')}"
        click.echo(line)
        if write:
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(f"{datetime.date.today().isoformat()}\t{_revision()}\t{line}\n")


def counted(cases: Path, causes: Sequence[str], tell: bool) -> str:
    counts: Counter[str] = Counter()
    by_cause: Counter[tuple[str, str]] = Counter()
    for case in sorted(cases.iterdir()):
        bug = json.loads((case / "bug.json").read_text("utf-8"))
        if causes and bug["cause"] not in causes:
            continue
        how, said_of_mended = judged(case, bug, cases.parent / "cache")
        counts.update({"cases": 1, how: 1, "mended": said_of_mended})
        by_cause.update([(bug["cause"], "cases"), (bug["cause"], how)])
        if tell:
            click.echo(f"{case.name:34} {how}")
    for cause in sorted({cause for cause, _ in by_cause}) if causes else ():
        click.echo(f"{cause:34} {' '.join(f'{how}={n}' for (c, how), n in sorted(by_cause.items()) if c == cause)}")
    found = counts["shown"] + counts["low"]
    return f"found={found}/{counts['cases']}\tshown={counts['shown']}\ton mended={counts['mended']}"


def judged(case: Path, bug: dict[str, Any], cache: Path) -> tuple[str, int]:
    """`shown`, `low` or `missed`; and how many findings are shown of the mended program."""
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
