"""`python -m benchmarks.determinism FOLDER …`: scans each folder in many ways with each Python, and compares the bytes.

Pythons on PATH get an environment of their own in the user's cache folder, with llmlint's dependencies. What the first
way finds with the first Python, all others must find. Writes `results/determinism.md`; exits with 1 if any differs.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import platformdirs

from llmlint.files import language_of

_ROOT = Path(__file__).resolve().parents[2]
_RESULT = Path(__file__).parent / "results" / "determinism.md"
PYTHONS = tuple(f"python3.{minor}" for minor in range(11, 15))
_FLAGS = ["--format", "jsonl", "--min-confidence", "low", "--show-suppressed"]


class Compared(msgspec.Struct):
    """The scans of one tree with one Python."""

    tree: str
    python: str
    files: int = 0
    findings: int = 0
    scans: int = 0
    wrong: list[str] = []


def environment_of(python: str) -> str | None:
    """The interpreter of an environment with what llmlint needs; None where there is no such Python."""
    version = subprocess.run(
        [python, "-c", "import sys; print(sys.version.split()[0])"], capture_output=True, text=True
    )
    if version.returncode:
        return None
    folder = Path(platformdirs.user_cache_dir("llmlint-benchmarks"), f"python-{version.stdout.strip()}")
    inside = folder / "bin" / "python"
    ready = folder / "ready"
    needed = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    if not ready.exists() or ready.read_text() != "\n".join(needed):
        subprocess.run([python, "-m", "venv", "--clear", "--without-pip", folder], check=True)
        pip = [sys.executable, "-m", "pip", "--python", str(inside)]  # not every Python brings a pip of its own
        if subprocess.run([*pip, "install", "--quiet", *needed]).returncode:
            return None
        ready.write_text("\n".join(needed))
    return str(inside)


def compare(python: str, label: str, tree: Path, expected: bytes | None, seed: int) -> tuple[Compared, bytes]:
    """Every way of scanning one tree; `expected` is what another Python found."""
    found = Compared(tree.name, label)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, tree.name)
        shutil.copytree(tree, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", "__pycache__", ".venv"))
        (copy / ".git").mkdir()
        (copy / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
        files = sorted(
            str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file() and language_of(path.name)
        )
        found.files = len(files)
        for way, flags, env in _ways(files, random.Random(seed)):
            if way == "one file touched":
                os.utime(copy / files[len(files) // 2])
            told = _scan(python, copy, [*flags, *_FLAGS], {"XDG_CACHE_HOME": str(Path(folder, "cache")), **env})
            found.scans += 1
            expected = told if expected is None else expected
            if told != expected:
                found.wrong.append(f"{tree.name}, Python {label}, {way}: {_difference(expected, told)}")
        found.wrong += _at_once(python, copy, Path(folder, "shared"), expected or b"", found)
        found.wrong += _slices(python, copy, files, expected or b"", found)
    found.findings = (expected or b"").count(b"\n")
    return found, expected or b""


def _ways(files: list[str], rng: random.Random) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    cold = ["--no-cache"]
    yield "one worker", [".", "-j1", *cold], {"PYTHONHASHSEED": "0"}
    yield "two workers", [".", "-j2", *cold], {"PYTHONHASHSEED": "1"}
    yield "five workers", [".", "-j5", *cold], {"PYTHONHASHSEED": str(rng.randrange(2**32))}
    yield "cache cold", [".", "-j2"], {"PYTHONHASHSEED": "random"}
    yield "cache warm", [".", "-j2"], {"PYTHONHASHSEED": "random"}
    yield "one file touched", [".", "-j1"], {"PYTHONHASHSEED": str(rng.randrange(2**32))}
    if len(files) < 2000:  # as long as a command line may be
        for number in range(2):
            yield (
                f"paths in order {number}",
                [*rng.sample(files, len(files)), "-j2", *cold],
                {"PYTHONHASHSEED": "random"},
            )


def _at_once(python: str, copy: Path, cache: Path, expected: bytes, found: Compared) -> list[str]:
    """Four scans beside one another, with one cache that is cold: twice as much as two cores can do."""
    env = {"XDG_CACHE_HOME": str(cache), "PYTHONHASHSEED": "random"}
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: _scan(python, copy, [".", "-j2", *_FLAGS], env), range(4)))
    found.scans += len(told)
    return [
        f"{found.tree}, Python {found.python}, at once: {_difference(expected, one)}" for one in told if one != expected
    ]


def _slices(python: str, copy: Path, files: list[str], expected: bytes, found: Compared) -> list[str]:
    """Files named a third at a time are judged as a scan of all judges them."""
    thirds = [part for number in range(3) if (part := files[number::3])]
    if len(files) >= 2000:
        return []
    told = [_scan(python, copy, [*part, "-j2", *_FLAGS], {"PYTHONHASHSEED": "random"}) for part in thirds]
    found.scans += len(told)
    lines = sorted(itertools.chain(*(text.splitlines() for text in told)))
    return (
        []
        if lines == sorted(expected.splitlines())
        else [f"{found.tree}, Python {found.python}, sliced: other findings"]
    )


def _scan(python: str, tree: Path, arguments: list[str], env: dict[str, str]) -> bytes:
    command = [python, "-P", "-m", "llmlint", "scan", *arguments]
    done = subprocess.run(
        command, cwd=tree, env={**os.environ, "PYTHONPATH": str(_ROOT / "src"), **env}, capture_output=True
    )
    if done.returncode not in (0, 1):
        return done.stderr
    return done.stdout


def _difference(expected: bytes, told: bytes) -> str:
    one, other = expected.splitlines(), told.splitlines()
    first = next((pair for pair in itertools.zip_longest(one, other) if pair[0] != pair[1]), (b"", b""))
    return f"{len(one)} and {len(other)} lines; first {(first[0] or b'')[:160]!r} and {(first[1] or b'')[:160]!r}"


def _table(rows: list[Compared], missing: list[str]) -> str:
    lines = [
        "# Determinism",
        "",
        "`python -m benchmarks.determinism` wrote this. Findings of all confidences, suppressed ones too, as lines of",
        "JSON: with 1, 2 and 5 workers, fixed and random hash seeds, without a cache, with a cold and a warm one,",
        "after one file was touched, with all paths in random orders, four at once with one cache, a third of the",
        "files at a time. All bytes must be those of the first scan with the first Python.",
        "",
        "| tree | files | Python | scans | findings | scans that differ |",
        "| --- | ---: | --- | ---: | ---: | ---: |",
    ]
    lines += [f"| {r.tree} | {r.files} | {r.python} | {r.scans} | {r.findings} | {len(r.wrong)} |" for r in rows]
    lines += ["", *(f"- {what}" for row in rows for what in row.wrong)]
    lines += [f"Not tried: {', '.join(missing)}, not on this machine." if missing else ""]
    return "\n".join(lines).rstrip() + "\n"


def compare_all(trees: list[Path], wanted: Sequence[str], seed: int) -> tuple[list[Compared], list[str]]:
    """Each tree with each Python that is there, and the Pythons that are not."""
    inside = {name: environment_of(path) for name in wanted if (path := shutil.which(name))}
    pythons = {Path(name).name.removeprefix("python"): python for name, python in inside.items() if python}
    rows: list[Compared] = []
    for tree in trees:
        expected: bytes | None = None
        for label, python in pythons.items():
            row, expected = compare(python, label, tree.resolve(), expected, seed)
            rows.append(row)
            print(row, flush=True)
    return rows, [name for name in wanted if not inside.get(name)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="*", type=Path, default=[_ROOT / "examples", _ROOT / "src"])
    parser.add_argument(
        "--python", action="append", help="Command names or paths; python3.11 to python3.14 by default."
    )
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rows, missing = compare_all(asked.trees, asked.python or PYTHONS, asked.seed)
    _RESULT.write_text(_table(rows, missing))
    print(_RESULT.read_text(), end="")
    sys.exit(any(row.wrong for row in rows))


if __name__ == "__main__":
    main()
