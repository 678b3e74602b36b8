"""`python -m benchmarks.hostile --rounds 10`: makes trees, runs four commands in each, and writes `results/hostile.md`.

`--only NAME:NUMBER` runs one tree again; `--keep FOLDER` leaves it there to be looked at.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from benchmarks.hostile.trees import FOUND, MAKERS, SECRET, make
from llmlint.report import FORMATS

_RESULT = Path(__file__).parent / "results" / "hostile.md"
_PATIENCE = 60
_OFTEN = {"settings": 5, "endless": 3, "patterns": 2}
"""Makers of which one tree has little."""
_OBEYED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)

COMMANDS = {
    "all formats": ["scan", ".", "--format", "concise", *(f"--output={name}:../reports/{name}" for name in FORMATS)],
    "fixes": ["scan", ".", "--format", "concise", "--unsafe-fixes", "--fix-suppressions"],
    "baseline": ["baseline", "write", ".", "--file", "known.json"],
    "diff": ["scan", ".", "--format", "concise", "--diff", "HEAD"],
}


class Tried(msgspec.Struct):
    """One tree: how many commands ran in it, and what did not hold."""

    tree: str
    commands: int = 0
    wrong: list[str] = []


def attempt(name: str, number: int, commands: list[str], keep: Path | None = None) -> Tried:
    tried = Tried(f"{name}:{number}")
    for command in commands:
        folder = Path(tempfile.mkdtemp(prefix="hostile-"))
        try:
            tree, outside = make(name, folder, number)
            tried.commands += 1
            tried.wrong += [f"{tried.tree} {command}: {what}" for what in _wrong_with(command, folder, tree, outside)]
            if keep is not None:
                shutil.copytree(folder, keep / command, symlinks=True, ignore_dangling_symlinks=True)
        finally:
            _remove(folder)
    return tried


def _wrong_with(command: str, folder: Path, tree: Path, outside: Path) -> list[str]:
    before = _seen(outside)
    (folder / "reports").mkdir()
    env = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    run = [sys.executable, "-P", "-m", "llmlint", *COMMANDS[command]]
    try:
        done = subprocess.run(run, cwd=tree, env=env, capture_output=True, stdin=subprocess.DEVNULL, timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        return [f"no end within {_PATIENCE} s"]
    told = {"stdout": done.stdout, "stderr": done.stderr}
    told |= {file.name: file.read_bytes() for file in (folder / "reports").iterdir()}
    wrong = [what for name, text in told.items() for what in _wrong_in(name, text)]
    if done.returncode not in (0, 1, 2, 3):
        wrong.append(f"exit code {done.returncode}")
    if b"Traceback" in done.stderr or b"internal fault" in done.stderr:
        wrong.append(f"a fault: {done.stderr[-300:]!r}")
    if command == "all formats" and done.returncode in (0, 1, 3) and FOUND.encode() not in done.stdout:
        wrong.append("what is there was not found, and no setting was refused")
    missing = set(FORMATS) - {file.name for file in (folder / "reports").iterdir()}
    if command == "all formats" and done.returncode != 2 and missing:
        wrong.append(f"reports are not there: {sorted(missing)}")
    if done.returncode == 2 and not done.stderr.strip():
        wrong.append("refused without a word")
    if _seen(outside) != before:
        wrong.append(f"outside is not what it was: {sorted(set(_seen(outside).items()) ^ set(before.items()))[:3]}")
    return wrong


def _wrong_in(name: str, text: bytes) -> list[str]:
    told = text.decode("utf-8", "surrogateescape")
    obeyed = _OBEYED.search(told)
    wrong = [f"{name} has {obeyed[0]!r}"] if obeyed else []
    if SECRET in told:
        wrong.append(f"{name} shows what lies outside")
    if name != "github" and re.search(r"^\s*::", told, re.MULTILINE):
        wrong.append(f"{name} has a workflow command")
    return wrong


def _seen(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {one.name: (one.lstat().st_mode, one.read_bytes() if one.is_file() else b"") for one in folder.iterdir()}


def _remove(folder: Path) -> None:
    closed = [Path(at, name) for at, names, _ in os.walk(folder) for name in names if not Path(at, name).is_symlink()]
    for one in closed:
        one.chmod(0o700)
    shutil.rmtree(folder)


def names_of(rounds: int) -> list[tuple[str, int]]:
    """Each maker so many times; and in each round some pairs of makers in one tree."""
    alone = [(name, number) for name in MAKERS for number in range(rounds * _OFTEN.get(name, 1))]
    rng = random.Random(0)
    small = [name for name in MAKERS if name != "many"]
    pairs = [("+".join(rng.sample(small, 2)), number) for number in range(4 * rounds)]
    return [*alone, *pairs]


def _table(tried: list[Tried]) -> str:
    lines = [
        "# Hostile trees",
        "",
        "`python -m benchmarks.hostile` wrote this. In each tree, made from a seed: a scan with all formats, one with",
        "all fixes, a baseline and a comparison. What must hold: an end, a code of 0 to 3 and no fault; the known",
        "finding is told unless a setting is refused; nothing outside is changed or shown, no code has run, no sign",
        "that a terminal or a runner obeys comes out.",
        "",
        "| maker | what it makes | trees | commands | failed |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for name, maker in MAKERS.items():
        of_it = [one for one in tried if one.tree.partition(":")[0] == name]
        commands, wrong = sum(one.commands for one in of_it), sum(len(one.wrong) for one in of_it)
        lines.append(f"| {name} | {(maker.__doc__ or '').strip()} | {len(of_it)} | {commands} | {wrong} |")
    pairs = [one for one in tried if "+" in one.tree]
    for label, of_it in (("two in one tree", pairs), ("all", tried)):
        commands, wrong = sum(one.commands for one in of_it), sum(len(one.wrong) for one in of_it)
        lines.append(f"| {label} | | {len(of_it)} | {commands} | {wrong} |")
    lines += ["", *(f"- {what}" for one in tried for what in one.wrong)]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="One tree, as MAKER:NUMBER.")
    parser.add_argument("--keep", type=Path, help="With --only: copy the tree here, as it was left.")
    asked = parser.parse_args()
    if asked.only:
        name, _, number = asked.only.partition(":")
        tried = attempt(name, int(number), list(COMMANDS), asked.keep)
        print("\n".join(tried.wrong) or "all holds")
        sys.exit(bool(tried.wrong))
    with ThreadPoolExecutor(asked.jobs) as pool:
        done = list(pool.map(lambda one: attempt(*one, list(COMMANDS)), names_of(asked.rounds)))
    _RESULT.write_text(_table(done))
    print(_RESULT.read_text(), end="")
    sys.exit(any(one.wrong for one in done))


if __name__ == "__main__":
    main()
