"""How the time of a scan grows with what a tree holds: in proportion, as far as nothing else is unavoidable."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.scanning import scan

_STEEPEST = 1.6
"""Time as a power of size: 1 is in proportion, 2 is the square. Above this it counts as wrong."""
_PATIENCE = 300


class Case(NamedTuple):
    """`size` things in a file; four times as many are compared with it."""

    name: str
    file: str
    size: int
    text: Callable[[int], str]


class Grown(msgspec.Struct):
    case: str
    sizes: list[int]
    seconds: list[float]
    mib: list[float]
    power: float = 0.0

    @property
    def wrong(self) -> list[str]:
        return [f"{self.case}: grows with the power {self.power:.1f}"] * (self.power > _STEEPEST)


def _chain(count: int) -> str:
    body = "    def reset(self):\n        super().reset()\n        self.a{0} = []\n"
    first = "class C0:\n    def reset(self):\n        self.a0 = []\n"
    return first + "".join(f"class C{n}(C{n - 1}):\n{body.format(n)}" for n in range(1, count))


def _clique(calls: int) -> str:
    functions = math.isqrt(calls)
    body = "".join(f"    f{n}()\n" for n in range(functions))
    return "".join(f"def f{n}():\n{body}" for n in range(functions))


CASES = (
    Case(
        "functions of a file", "a.py", 5000, lambda n: "".join(f"def f{i}(a):\n    return a + {i}\n" for i in range(n))
    ),
    Case(
        "methods of a class",
        "a.py",
        800,
        lambda n: "class A:\n" + "".join(f"    def f{i}(self):\n        self.a{i} = {i}\n" for i in range(n)),
    ),
    Case("classes in a chain, each calling its base", "a.py", 150, _chain),
    Case("calls among functions that all call all", "a.py", 10_000, _clique),
    Case(
        "cases of a switch",
        "a.cpp",
        5000,
        lambda n: "int f(int x) {\nswitch (x) {\n" + "".join(f"case {i}: return {i};\n" for i in range(n)) + "}\n}\n",
    ),
    Case("lines of a macro", "a.cpp", 20_000, lambda n: "#define A \\\n" + "  x += 1; \\\n" * n + "  x\nint y;\n"),
    Case("words of a line that does not parse", "a.cu", 2000, lambda n: "int x; " + "A >> " * n + "b = 1;\n"),
    Case("brackets within brackets", "a.py", 2000, lambda n: "x = " + "(" * n + "1" + ")" * n + "\n"),
    Case("entries of a table", "a.py", 20_000, lambda n: "T = {" + ", ".join(f"'k{i}': {i}" for i in range(n)) + "}\n"),
)


def grow(case: Case) -> Grown:
    empty, _ = _cost("a.py", "")
    sizes = [case.size, 2 * case.size, 4 * case.size]
    costs = [_cost(case.file, case.text(size)) for size in sizes]
    seconds = [max(0.05, cost - empty) for cost, _ in costs]  # what cannot be told from the start-up counts as nothing
    power = math.log(seconds[-1] / seconds[0]) / math.log(sizes[-1] / sizes[0])
    return Grown(case.name, sizes, seconds, [mib for _, mib in costs], power)


def _cost(name: str, text: str) -> tuple[float, float]:
    """Seconds of CPU and MiB of memory of a cold scan."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        (tree / ".git").mkdir(parents=True)
        (tree / name).write_text(text)
        done = scan(tree, cache=Path(folder, "cache"), timeout=_PATIENCE)
        return done.cpu_seconds, done.peak_mib
