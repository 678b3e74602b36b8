"""An engine set up, scanned, run traced, and confirmed: as it is, and with each of its bugs.

    python -m benchmarks.dynamic.engines vllm --workdir DIR [--python python3.11]

Ends with 1 when a bug was not confirmed, when anything was confirmed about the engine as it is that the readings do
not know, when the traced program did not behave as the untraced one, or when the tracer itself failed at anything.
Results go to `benchmarks/dynamic/results/`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from .catalogue import ENGINES
from .engine import set_up
from .report import as_markdown, without_paths, write
from .runs import Benchmark

RESULTS = Path(__file__).resolve().parent.parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("engine", choices=sorted(ENGINES))
    parser.add_argument("--workdir", type=Path, required=True, help="for the virtual environment, the trees, the runs")
    parser.add_argument("--python", default="python3.11", help="what makes the virtual environment")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    engine, workdir = ENGINES[options.engine], options.workdir.resolve()
    set_up(engine, workdir, options.python)
    shutil.rmtree(workdir / engine.name / "runs", ignore_errors=True)
    account = without_paths(Benchmark(engine, workdir).account(), workdir)
    write(account, options.results)
    print(as_markdown(account))
    sys.exit(int(bool(account["wrong"])))


if __name__ == "__main__":
    main()
