"""Runs a command with the tracer in every Python process of it, and stays out of its way otherwise."""

from __future__ import annotations

import compileall
import errno
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from llmlint.runtime.native.build import preloaded, prepare_ledger

DYNAMIC = Path(__file__).parent.parent / "dynamic"
INJECT = DYNAMIC.resolve() / "inject"

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def prepare(folder: Path, plan: Mapping[str, Any]) -> None:
    """The run's folder, with its plan. A folder that holds a run already is left alone: two runs must not mix."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "plan.json").exists():
        raise FileExistsError(errno.EEXIST, "it holds a run already", str(folder))
    (folder / "plan.json").write_text(json.dumps(plan, indent=1), encoding="utf-8")
    # Many a container forbids its programs to write bytecode: no process of the run should compile the tracer again.
    compileall.compile_dir(DYNAMIC.resolve(), quiet=2)
    prepare_ledger(folder, plan.get("native", ()))


def environment(folder: Path, raw_ids: bool = False, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The command's environment: its own, with the tracer put before it on PYTHONPATH, and the ledger preloaded."""
    found = dict(os.environ if base is None else base)
    before = found.get("PYTHONPATH", "")
    found["PYTHONPATH"] = f"{INJECT}{os.pathsep}{before}" if before else str(INJECT)
    found["LLMLINT_TRACE"] = str(folder.resolve())
    found["LLMLINT_SECRET"] = secrets.token_hex(8)
    if raw_ids:
        found["LLMLINT_IDS"] = "1"
    return {**found, **preloaded(folder, found)}


def run_traced(
    command: Sequence[str],
    folder: Path,
    raw_ids: bool = False,
    meanwhile: Callable[[subprocess.Popen[bytes]], object] | None = None,
) -> int:
    """The command's exit status, negative for a signal, as `subprocess` has it.

    `meanwhile` runs beside the command (a stressor); when it returns, the command is asked to end.
    """
    started = time.time()
    account: dict[str, Any] = {"command": list(command), "status": None, "asked_to_end": meanwhile is not None}
    _write(account, folder)
    hear = _hear_interrupts if meanwhile is not None else None
    process = subprocess.Popen(command, env=environment(folder, raw_ids), preexec_fn=hear)
    kept = {number: signal.signal(number, lambda n, _: process.send_signal(n)) for number in _PASSED_ON}
    done: object = None
    try:
        if meanwhile is not None:
            done = meanwhile(process)
            _ask_to_end(process)
        status = process.wait()
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    account.update(status=status, seconds=round(time.time() - started, 2), workload=done)
    _write(account, folder)
    return status


def _write(account: Mapping[str, Any], folder: Path) -> None:
    """Written once before the command starts, so that a run whose `trace` was killed still says what it was."""
    (folder / "run.json").write_text(json.dumps(account, indent=1, default=str), encoding="utf-8")


def _hear_interrupts() -> None:
    """In the child: what a shell starts in the background ignores the signal by which it will be asked to end."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _ask_to_end(process: subprocess.Popen[bytes], patience: float = 20.0) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.terminate()


def leave_as(status: int) -> None:
    """End this process as the command ended: the same exit code, or the same signal."""
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)
