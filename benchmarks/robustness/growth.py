"""How the time of a scan grows with what a tree holds: in proportion, as far as nothing else is unavoidable."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.scanning import ScanFailed, scan

_STEEPEST = 1.6
"""Time as a power of size: 1 is in proportion, 2 is the square. Above this it counts as wrong."""
_PATIENCE = 300


class Case(NamedTuple):
    """`size` things in the files of a tree; two and four times as many are compared with it."""

    name: str
    size: int
    files: Callable[[int], dict[str, str]]


class Grown(msgspec.Struct):
    case: str
    sizes: list[int]
    seconds: list[float]
    mib: list[float]
    power: float = 0.0
    failed: str = ""

    @property
    def wrong(self) -> list[str]:
        too_steep = [f"{self.case}: grows with the power {self.power:.1f}"] * (self.power > _STEEPEST)
        return [f"{self.case}: {self.failed}"] if self.failed else too_steep


def _chain(count: int) -> str:
    body = "    def reset(self):\n        super().reset()\n        self.a{0} = []\n"
    first = "class C0:\n    def reset(self):\n        self.a0 = []\n"
    return first + "".join(f"class C{n}(C{n - 1}):\n{body.format(n)}" for n in range(1, count))


def _clique(calls: int) -> str:
    functions = math.isqrt(calls)
    body = "".join(f"    f{n}()\n" for n in range(functions))
    return "".join(f"def f{n}():\n{body}" for n in range(functions))


def _resources(count: int) -> str:
    takes = "".join(f"    b{i} = pool.allocate({i})\n    use(b{i})\n" for i in range(count))
    return f"def f(pool):\n{takes}" + "".join(f"    pool.free(b{i})\n" for i in range(count))


def _per_path(count: int) -> str:
    return "".join(f'[[per-path]]\npaths = ["gen_{i}/**"]\nignore = ["LLM801"]\n' for i in range(count))


_ASKED = {f"part_{i}/engine_{i}.py": "x = 1\n" for i in range(50)}
"""Files for which settings are asked."""

CASES = (
    Case(
        "functions of a file",
        5000,
        lambda n: {"a.py": "".join(f"def f{i}(a):\n    return a + {i}\n" for i in range(n))},
    ),
    Case(
        "methods of a class",
        800,
        lambda n: {"a.py": "class A:\n" + "".join(f"    def f{i}(self):\n        self.a{i} = {i}\n" for i in range(n))},
    ),
    Case("classes in a chain, each calling its base", 400, lambda n: {"a.py": _chain(n)}),
    Case("calls among functions that all call all", 10_000, lambda n: {"a.py": _clique(n)}),
    Case("things that one function takes and gives back", 150, lambda n: {"a.py": _resources(n)}),
    Case(
        "cases of a switch",
        5000,
        lambda n: {
            "a.cpp": "int f(int x) {\nswitch (x) {\n" + "".join(f"case {i}: return {i};\n" for i in range(n)) + "}\n}\n"
        },
    ),
    Case("lines of a macro", 20_000, lambda n: {"a.cpp": "#define A \\\n" + "  x += 1; \\\n" * n + "  x\nint y;\n"}),
    Case("words of a line that does not parse", 2000, lambda n: {"a.cu": "int x; " + "A >> " * n + "b = 1;\n"}),
    Case("brackets within brackets", 2000, lambda n: {"a.py": "x = " + "(" * n + "1" + ")" * n + "\n"}),
    Case(
        "entries of a table", 20_000, lambda n: {"a.py": "T = {" + ", ".join(f"'k{i}': {i}" for i in range(n)) + "}\n"}
    ),
    Case("files of a tree", 1000, lambda n: {f"part_{i % 50}/file_{i}.py": f"x = {i}\n" for i in range(n)}),
    Case(
        "patterns of settings",
        5000,
        lambda n: {"llmlint.toml": f"exclude = {[f'gen_{i}_*/**' for i in range(n)]}\n", **_ASKED},
    ),
    Case(
        "patterns of a .gitignore",
        5000,
        lambda n: {".gitignore": "".join(f"gen_{i}_*.py\n" for i in range(n)), **_ASKED},
    ),
    Case("settings for one path each", 1000, lambda n: {"llmlint.toml": _per_path(n), **_ASKED}),
)


def grow(case: Case) -> Grown:
    empty, _ = _cost({"a.py": ""})
    sizes = [case.size, 2 * case.size, 4 * case.size]
    try:
        costs = [_cost(case.files(size)) for size in sizes]
    except ScanFailed as error:
        return Grown(case.name, sizes, [], [], failed=str(error))
    seconds = [max(0.05, cost - empty) for cost, _ in costs]  # what cannot be told from the start-up counts as nothing
    power = math.log(seconds[-1] / seconds[0]) / math.log(sizes[-1] / sizes[0])
    return Grown(case.name, sizes, seconds, [mib for _, mib in costs], power)


def _cost(files: dict[str, str]) -> tuple[float, float]:
    """Seconds of CPU and MiB of memory of a cold scan."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        (tree / ".git").mkdir(parents=True)
        for name, text in files.items():
            (tree / name).parent.mkdir(exist_ok=True)
            (tree / name).write_text(text)
        done = scan(tree, cache=Path(folder, "cache"), timeout=_PATIENCE)
        return done.cpu_seconds, done.peak_mib
