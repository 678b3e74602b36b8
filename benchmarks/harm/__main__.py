"""`python -m benchmarks.harm`: writes `results/harm.md`; exits with 1 when anything was lost, wrong or left behind."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.harm import faults, kills

_RESULT = Path(__file__).parent / "results" / "harm.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="How many scans are killed, and interrupted.")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    if shutil.which("strace") is None:
        sys.exit("strace is not installed")
    with ThreadPoolExecutor(asked.jobs) as pool:
        failed = dict(zip(faults.COMMANDS, pool.map(faults.try_all, faults.COMMANDS), strict=True))
    ended = {
        number.name: kills.kill_many(times, number, seed=number)
        for number, times in (
            (signal.SIGKILL, asked.kills),
            (signal.SIGINT, asked.kills // 4),
            (signal.SIGTERM, asked.kills // 4),
        )
    }
    lines = ["# Harm on purpose", "", "`python -m benchmarks.harm` wrote this.", "", "## System calls that fail", ""]
    lines += ["Each call that writes fails once with a full disk, once with a broken one, and once is the last.", ""]
    lines += ["| command | calls failed | files lost, torn or left behind, tracebacks |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {tally.tried} | {len(tally.wrong)} |" for name, tally in failed.items()]
    lines += ["", "## Scans that are ended", ""]
    lines += ["| signal | live scans ended | findings compared | slowest end, s | wrong, or workers left |"]
    lines += ["| --- | ---: | ---: | ---: | ---: |"]
    lines += [f"| {n} | {t.ended} | {t.findings} | {t.slowest:.2f} | {len(t.wrong)} |" for n, t in ended.items()]
    wrong = [what for tally in (*failed.values(), *ended.values()) for what in tally.wrong]
    lines += ["", *(f"- {what}" for what in wrong[:40])]
    _RESULT.write_text("\n".join(lines).rstrip() + "\n")
    print(_RESULT.read_text(), end="")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
