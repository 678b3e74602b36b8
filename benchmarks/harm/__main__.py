"""`python -m benchmarks.harm`: writes `results/harm.md`; exits with 1 when anything was lost, wrong or left behind.

It goes on where the last run ended: a thousand kills take most of an hour.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import platformdirs

from benchmarks.harm import faults, kills

STATE = Path(platformdirs.user_cache_dir("llmlint-benchmarks"), "harm.json")
_RESULT = Path(__file__).parent / "results" / "harm.md"
_AT_A_TIME = 50


class Done(msgspec.Struct):
    """What was tried so far: by command, and by signal."""

    failed: dict[str, faults.Tally] = {}
    ended: dict[str, kills.Tally] = {}


def resumed(file: Path, anew: bool) -> Done:
    return Done() if anew or not file.exists() else msgspec.json.decode(file.read_bytes(), type=Done)


def go_on(done: Done, state: Path | None, wanted: dict[signal.Signals, int], jobs: int) -> None:
    """Kept after each piece, so that nothing is done twice."""
    fail_calls(done, state, list(faults.COMMANDS), jobs)
    end_scans(done, state, wanted)


def fail_calls(done: Done, state: Path | None, commands: list[str], jobs: int) -> None:
    """What was not tried yet, and what did not hold."""
    left = [command for command in commands if command not in done.failed or done.failed[command].wrong]
    with ThreadPoolExecutor(jobs) as pool:
        for command, tally in zip(left, pool.map(faults.try_all, left), strict=True):
            done.failed[command] = tally
            _keep(done, state)


def end_scans(done: Done, state: Path | None, wanted: dict[signal.Signals, int]) -> None:
    """Goes on where the last run ended; where anything did not hold, all begins anew."""
    for number, times in wanted.items():
        if number.name not in done.ended or done.ended[number.name].wrong:
            done.ended[number.name] = kills.Tally()
        tally_of = done.ended[number.name]
        while tally_of.ended < times:
            piece = min(_AT_A_TIME, times - tally_of.ended)
            tally_of.add(kills.kill_many(piece, number, seed=number * 10_000 + tally_of.ended))
            _keep(done, state)


def _keep(done: Done, state: Path | None) -> None:
    if state is not None:
        state.parent.mkdir(parents=True, exist_ok=True)
        state.write_bytes(msgspec.json.encode(done))


def _table(done: Done) -> str:
    lines = ["# Harm on purpose", "", "`python -m benchmarks.harm` wrote this.", "", "## System calls that fail", ""]
    lines += ["Each call that writes fails once with a full disk, once with a broken one, and once is the last.", ""]
    lines += ["| command | calls failed | files lost, torn or left behind, tracebacks, other findings |"]
    lines += ["| --- | ---: | ---: |"]
    lines += [f"| {name} | {tally.tried} | {len(tally.wrong)} |" for name, tally in done.failed.items()]
    lines += ["", "## Scans that are ended", ""]
    lines += ["| signal | live scans ended | findings compared | slowest end, s | wrong, or workers left |"]
    lines += ["| --- | ---: | ---: | ---: | ---: |"]
    lines += [f"| {n} | {t.ended} | {t.findings} | {t.slowest:.2f} | {len(t.wrong)} |" for n, t in done.ended.items()]
    lines += ["", *(f"- {what}" for what in wrong_in(done)[:40])]
    return "\n".join(lines).rstrip() + "\n"


def wrong_in(done: Done) -> list[str]:
    return [what for tally in (*done.failed.values(), *done.ended.values()) for what in tally.wrong]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="How many scans are killed.")
    parser.add_argument(
        "--interrupts", type=int, default=100, help="How many are interrupted, and how many terminated."
    )
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--state", type=Path, default=STATE)
    parser.add_argument("--anew", action="store_true", help="Forget what was done before.")
    asked = parser.parse_args()
    if shutil.which("strace") is None:
        sys.exit("strace is not installed")
    done = resumed(asked.state, asked.anew)
    wanted = {signal.SIGKILL: asked.kills, signal.SIGINT: asked.interrupts, signal.SIGTERM: asked.interrupts}
    go_on(done, asked.state, wanted, asked.jobs)
    _RESULT.write_text(_table(done))
    print(_table(done), end="")
    sys.exit(bool(wrong_in(done)))


if __name__ == "__main__":
    main()
