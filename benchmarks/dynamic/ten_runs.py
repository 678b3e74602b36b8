"""The example engine scanned, traced and confirmed again and again: what must hold each time.

    python benchmarks/dynamic/ten_runs.py [--runs 10] [--device none]

Every seeded bug that ran is confirmed and none is refuted, and nothing is confirmed in the clean variant. Prints how
often each verdict came, as Markdown. With torch installed, the ranks run too.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

DEMO = Path(__file__).resolve().parent.parent.parent / "examples" / "demo.py"
VARIANTS = ("seeded", "clean")

Tally = dict[tuple[str, str], dict[str, Counter[str]]]
"""By part and rule, by variant: how often each verdict came."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    tally: Tally = {}
    passed = sum(one_run(options.device, tally) for _ in range(options.runs))
    print(report(tally, passed, options))
    sys.exit(int(passed < options.runs))


def one_run(device: str, tally: Tally) -> bool:
    """Adds one run's verdicts to the tally; whether all was as it must be."""
    with tempfile.TemporaryDirectory(prefix="llmlint-") as folder:
        done = subprocess.run(
            [sys.executable, DEMO, "--out", folder, "--device", device], capture_output=True, text=True
        )
        for variant in VARIANTS:
            for finding in json.loads((Path(folder) / f"{variant}-verdicts.json").read_text())["findings"]:
                kept = tally.setdefault(
                    (Path(finding["path"]).stem, finding["rule"]), {one: Counter() for one in VARIANTS}
                )
                kept[variant][finding["verdict"]["status"]] += 1
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
    return done.returncode == 0


def report(tally: Tally, passed: int, options: argparse.Namespace) -> str:
    how = f"Python {platform.python_version()}, {'with' if find_spec('torch') else 'without'} torch"
    lines = [
        f"`python benchmarks/dynamic/ten_runs.py --device {options.device}`, {how}:",
        f"all that must hold held in {passed} of {options.runs} runs.",
        "",
        "| bug | rule | seeded | clean, asked the same |",
        "| --- | --- | --- | --- |",
    ]
    for (part, rule), kept in sorted(tally.items()):
        said = [", ".join(f"{count} {status}" for status, count in kept[one].most_common()) for one in VARIANTS]
        lines.append(f"| {part} | {rule} | {said[0]} | {said[1]} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
