"""Runs a command with the tracer in every Python process of it, and stays out of its way otherwise."""

from __future__ import annotations

import compileall
import contextlib
import errno
import json
import os
import secrets
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from llmlint.dynamic.patching import load_probe
from llmlint.dynamic.plan import Plan, probe_names
from llmlint.dynamic.secrecy import without_secrets
from llmlint.runtime.lacks import lacks_said
from llmlint.runtime.native.build import preloaded, prepare_ledger
from llmlint.runtime.own_findings import FILE
from llmlint.runtime.private import write_private

DYNAMIC = Path(__file__).parent.parent / "dynamic"
DORMANT = "dormant.json"
INJECT = DYNAMIC.resolve() / "inject"

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def prepare(folder: Path, plan: Mapping[str, Any]) -> None:
    """The run's folder, with its plan. A folder that holds a run already is left alone: two runs must not mix."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / "plan.json").exists():
        raise FileExistsError(errno.EEXIST, "it holds a run already", str(folder))
    if folder.stat().st_mode & stat.S_IWOTH:
        raise PermissionError(errno.EPERM, "anybody may write into it", str(folder))
    with whole_or_not_at_all(folder):
        _fill(folder, {**plan, "run": secrets.token_hex(8)})


@contextlib.contextmanager
def whole_or_not_at_all(folder: Path) -> Iterator[None]:
    """Half a run would be taken for one, by whoever looks into the folder or is to write there next."""
    try:
        yield
    except OSError:
        for name in ("plan.json", "secret", "wake", DORMANT, FILE):
            (folder / name).unlink(missing_ok=True)
        raise


def _fill(folder: Path, plan: Mapping[str, Any]) -> None:
    write_private(folder / "plan.json", json.dumps(plan, indent=1))
    write_private(folder / "secret", secrets.token_hex(16))
    write_private(folder / "wake", "\n".join(_names_to_wait_for(plan)))
    # Many a container forbids its programs to write bytecode: no process of the run should compile the tracer again.
    compileall.compile_dir(DYNAMIC.resolve(), quiet=2)
    prepare_ledger(folder, plan.get("native", ()), plan["run"])


def let_sleep(folder: Path, wake_signal: str, seconds: float, budget: float, once: bool = False) -> None:
    """Whoever of the run begins to run only sleeps, until there is an order (`attaching.py`) or the signal."""
    usual = {"signal": wake_signal, "seconds": seconds, "budget": budget, "once": once}
    write_private(folder / DORMANT, json.dumps(usual))


def _names_to_wait_for(plan: Mapping[str, Any]) -> list[str]:
    """Modules at whose import a process has something to watch. What Python itself brings is there soon enough then."""
    read = Plan(plan)
    if any(load_probe(name).everywhere for name in probe_names(read.findings)):
        return ["__main__"]
    libraries = {module for name in probe_names(read.findings) for module in load_probe(name).libraries}
    asked_for = {name for name in libraries if name.partition(".")[0] not in sys.stdlib_module_names}
    return sorted(read.stems | asked_for)


def environment(folder: Path, raw_ids: bool = False, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The command's environment: its own, with the tracer put before it on PYTHONPATH where Python is to be watched,
    and the ledger preloaded where C functions are. Nothing that is a secret is in it: programs print theirs."""
    found = dict(os.environ if base is None else base)
    libraries = preloaded(folder, found)
    found.update(libraries)
    watches_python = bool(json.loads((folder / "plan.json").read_text(encoding="utf-8")).get("findings"))
    if watches_python:
        before = found.get("PYTHONPATH", "")
        found["PYTHONPATH"] = f"{INJECT}{os.pathsep}{before}" if before else str(INJECT)
    if watches_python or libraries:
        found["LLMLINT_TRACE"] = str(folder.resolve())
    if watches_python and raw_ids:
        found["LLMLINT_IDS"] = "1"
    return found


Meanwhile = Callable[["subprocess.Popen[bytes]"], object]
"""Runs beside the command (a stressor); when it returns, the command is asked to end."""


def run_traced(command: Sequence[str], folder: Path, raw_ids: bool = False, meanwhile: Meanwhile | None = None) -> int:
    """The command's exit status, negative for a signal, as `subprocess` has it."""
    started = time.time()
    account: dict[str, Any] = {
        "command": without_secrets(list(command)),
        "status": None,
        "asked_to_end": meanwhile is not None,
    }
    _write(account, folder)
    with lacks_said(folder):
        status, done = _run(command, environment(folder, raw_ids), meanwhile)
    account.update(status=status, seconds=round(time.time() - started, 2), workload=done)
    _write(account, folder)
    with contextlib.suppress(OSError):  # how the command ended is more than what is left of the run
        (folder / "secret").unlink()
    return status


def run_untraced(command: Sequence[str], meanwhile: Meanwhile | None = None) -> int:
    """The command as it is, where something that tracing needs is missing: a service must start all the same."""
    return _run(command, None, meanwhile)[0]


def _run(command: Sequence[str], env: dict[str, str] | None, meanwhile: Meanwhile | None) -> tuple[int, object]:
    """How the command ended, and what was done meanwhile."""
    hear = _hear_interrupts if meanwhile is not None else None
    process = subprocess.Popen(command, env=env, preexec_fn=hear)
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
    return status, done


def _write(account: Mapping[str, Any], folder: Path) -> None:
    """Written once before the command starts, so that a run whose `trace` was killed still says what it was."""
    with contextlib.suppress(OSError):
        write_private(folder / "run.json", json.dumps(account, indent=1, default=str))


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
