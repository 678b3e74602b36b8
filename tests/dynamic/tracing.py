"""Runs the small programs traced, as `llmlint trace` does, and asks for the verdicts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from llmlint.catalogue import Catalogue
from llmlint.dynamic.read import Run, read_run
from llmlint.findings import Finding, Verdict
from llmlint.runtime.block import Block
from llmlint.runtime.device_watch import DeviceWatch, with_device_watch
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare
from llmlint.runtime.verdicts import with_verdicts

PROGRAMS = Path(__file__).parent / "programs"
NO_PAGES = Catalogue(())
"""With no pages, a finding's probe is the one called like its rule."""


def python_called(version: str) -> str | None:
    """An interpreter of another version, where the machine has one: by its name, or put aside by pyenv."""
    named = [found] if (found := shutil.which(f"python{version}")) else []
    for python in (*named, *sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))):
        if subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
            return python
    return None


def finding(name: str, block: Block, path: str = "engine.py", symbol: str = "", line: int = 1) -> Finding:
    return Finding(
        rule="", name=name, causes=(name,), path=path, line=line, column=1, end_line=line, end_column=1, symbol=symbol,
        severity="P1", confidence="medium", confidence_reason="", message=name, evidence=(), runtime=block.plain(),
        fingerprint=f"{name}:{symbol}:{block.watch}:{block.targets}",
    )  # fmt: skip


def run_program(
    folder: Path,
    findings: Sequence[Finding],
    *arguments: str,
    bugs: str = "",
    python: str = sys.executable,
    programs: Path = PROGRAMS,
    env: dict[str, str] | None = None,
    device: str = "cuda",
) -> tuple[subprocess.CompletedProcess[str], Run]:
    """The program's own outcome, and what its run recorded."""
    plan = make_plan(findings, NO_PAGES, programs)
    prepare(folder, with_device_watch(plan, DeviceWatch(device=device), programs))
    base = {**os.environ, "BUGS": bugs, "LLMLINT_TICK": "0.02", **(env or {})}
    base.pop("PYTHONPATH", None)
    done = subprocess.run(
        [python, *(arguments or ("main.py",))],
        env=environment(folder, base=base),
        cwd=programs,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done, read_run(str(folder))


def verdicts(findings: Sequence[Finding], run: Run) -> list[Verdict]:
    found = [one.verdict for one in with_verdicts(findings, [run], NO_PAGES)]
    return [verdict for verdict in found if verdict is not None]


def verdict(folder: Path, one: Finding, *arguments: str, bugs: str = "") -> Verdict:
    done, run = run_program(folder, [one], *arguments, bugs=bugs)
    assert "Traceback" not in done.stderr, done.stderr
    return verdicts([one], run)[0]
