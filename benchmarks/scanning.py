"""Runs the linter as its users do, in a process of its own, and reads the JSON report it writes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

import llmlint
from llmlint.findings import Finding

ENGINE = Path(llmlint.__file__).resolve().parents[1]
"""The folder that llmlint is imported from here."""


class ScanFailed(Exception):
    """The linter wrote no report; the message ends with what it said instead."""


class Document(msgspec.Struct, frozen=True):
    """What the benchmarks read of a JSON report."""

    findings: tuple[Finding, ...]
    files: dict[str, Any]
    timings: dict[str, Any] = {}


class Scan(msgspec.Struct, frozen=True):
    findings: tuple[Finding, ...]
    files: dict[str, Any]
    seconds: float
    cpu_seconds: float
    peak_mib: float


def scan(
    folder: Path,
    paths: Sequence[str] = (".",),
    *,
    cache: Path,
    jobs: int = 1,
    rules: Sequence[str] = (),
    min_confidence: str = "low",
    timeout: float = 900,
    engine: Path = ENGINE,
) -> Scan:
    """Scan `paths` inside `folder`; the findings' paths are relative to it. `engine` is the llmlint to run."""
    with tempfile.TemporaryDirectory(prefix="llmlint-scan-") as scratch:
        report = Path(scratch) / "report.json"
        command = [sys.executable, "-P", "-m", "llmlint", "scan", *paths]
        command += ["--output", f"json:{report}", "--min-confidence", min_confidence, "--jobs", str(jobs)]
        command += ["--cache-dir", str(cache.resolve()), "--exit-zero", "--quiet"]
        command += ["--select", ",".join(rules)] if rules else []
        started = time.perf_counter()
        usage = _run(command, folder, Path(scratch) / "said", timeout, engine)
        seconds = time.perf_counter() - started
        document = msgspec.json.decode(report.read_bytes(), type=Document)
    return Scan(
        findings=document.findings,
        files=document.files,
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_mib=usage.ru_maxrss / 1024,
    )


def _run(command: list[str], folder: Path, said: Path, timeout: float, engine: Path) -> resource.struct_rusage:
    """Run it and return what it and its children used. Exit code 3 still comes with a report."""
    environment = {**os.environ, "PYTHONPATH": str(engine), "NO_COLOR": "1"}
    with said.open("wb") as errors:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=errors, stderr=errors)
        usage = _wait(process, time.monotonic() + timeout)
    if process.returncode not in (0, 1, 3):
        last = said.read_text("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise ScanFailed(f"the scan ended with {process.returncode}: {last[0]}")
    return usage


def _wait(process: subprocess.Popen[bytes], deadline: float) -> resource.struct_rusage:
    """`Popen.wait` does not tell what this one child used; `wait4` does."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if time.monotonic() > deadline:
            process.kill()
            os.wait4(process.pid, 0)
            process.returncode = -9
            raise ScanFailed("the scan ran past its time limit")
        time.sleep(0.01)
