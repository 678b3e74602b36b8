"""`python -m benchmarks.speed TREE`: cold and warm scans, as ratios to `ast.parse` of the same files in the same run.

A ratio holds on any machine, where seconds do not. Each figure is the best of `--repeat` runs; what is measured is the
command as users run it, start-up of Python included. Peak memory is that of its largest process.
"""

from __future__ import annotations

import ast
import gc
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from benchmarks.scanning import Scan, scan


class Parsing(msgspec.Struct, frozen=True):
    """The yardstick: one core, garbage collector off, files already in memory."""

    files: int
    lines: int
    seconds: float


class Figure(msgspec.Struct, frozen=True):
    name: str
    wall_seconds: float
    cpu_seconds: float
    peak_mib: float
    wall_ratio: float
    cpu_ratio: float
    lines_per_second: float


@click.command(help=__doc__)
@click.argument("tree", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--repeat", default=3, show_default=True, help="Runs of each kind; the best counts.")
@click.option("--json", "as_json", is_flag=True)
def main(tree: Path, repeat: int, as_json: bool) -> None:
    yardstick = parsing(tree, repeat)
    if not yardstick.files:
        raise click.UsageError(f"{tree} holds no Python file to compare with")
    figures = measure(tree, yardstick, repeat)
    if as_json:
        click.echo(json.dumps({"ast": msgspec.to_builtins(yardstick), "scans": msgspec.to_builtins(figures)}, indent=1))
        return
    click.echo(f"ast.parse: {yardstick.files} files, {yardstick.lines} lines, {yardstick.seconds:.2f} s")
    click.echo(f"{'scan':10} {'wall s':>8} {'x ast':>7} {'cpu s':>8} {'x ast':>7} {'peak MiB':>9} {'lines/s':>10}")
    for figure in figures:
        click.echo(
            f"{figure.name:10} {figure.wall_seconds:8.2f} {figure.wall_ratio:7.2f} {figure.cpu_seconds:8.2f} "
            f"{figure.cpu_ratio:7.2f} {figure.peak_mib:9.0f} {figure.lines_per_second:10.0f}"
        )


def parsing(tree: Path, repeat: int) -> Parsing:
    """Parse every Python file that parses; the others cost the scan time and the yardstick none."""
    texts = [file.read_bytes() for file in sorted(tree.rglob("*.py")) if file.is_file()]
    lines = sum(text.count(b"\n") for text in texts)
    gc.disable()
    try:
        seconds = min(_parse_all(texts) for _ in range(repeat))
    finally:
        gc.enable()
    return Parsing(files=len(texts), lines=lines, seconds=seconds)


def _parse_all(texts: list[bytes]) -> float:
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for text in texts:
            try:
                ast.parse(text)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
    return time.perf_counter() - started


def measure(tree: Path, yardstick: Parsing, repeat: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="llmlint-speed-") as scratch:
        caches = (Path(scratch) / str(number) for number in range(2 * repeat))
        cold_one = _best(lambda: scan(tree, cache=next(caches), jobs=1), repeat)
        cold_four = _best(lambda: scan(tree, cache=next(caches), jobs=4), repeat)
        filled = Path(scratch) / "filled"
        scan(tree, cache=filled, jobs=4)
        warm = _best(lambda: scan(tree, cache=filled, jobs=4), repeat)
    scans = {"cold -j1": cold_one, "cold -j4": cold_four, "warm -j4": warm}
    return [_figure(name, one, yardstick) for name, one in scans.items()]


def _best(run: Callable[[], Scan], repeat: int) -> Scan:
    return min((run() for _ in range(repeat)), key=lambda one: one.seconds)


def _figure(name: str, one: Scan, yardstick: Parsing) -> Figure:
    return Figure(
        name=name,
        wall_seconds=one.seconds,
        cpu_seconds=one.cpu_seconds,
        peak_mib=one.peak_mib,
        wall_ratio=one.seconds / yardstick.seconds,
        cpu_ratio=one.cpu_seconds / yardstick.seconds,
        lines_per_second=int(one.files.get("lines", 0)) / one.seconds,
    )


if __name__ == "__main__":
    main()
