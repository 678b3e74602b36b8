"""A process that nobody prepared is attached to by its pid, by Python 3.14's own way into it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
import pytest
from test_dormant import LEAK, WATCHES
from tracing import PROGRAMS

import llmlint
from llmlint.runtime.own_findings import write_own_findings

MADE = Path(platformdirs.user_cache_dir("llmlint-benchmarks"))
"""Asked for before a test has a cache folder of its own."""
SOURCES = str(Path(llmlint.__file__).parent.parent)


def python_that_sends() -> str:
    """This one, or that of an environment which `benchmarks/determinism` has made for what llmlint needs."""
    if hasattr(sys, "remote_exec"):
        return sys.executable
    found = [python for python in MADE.glob("python-3.14*/bin/python") if (python.parents[1] / "ready").exists()]
    if not found:
        pytest.skip("needs Python 3.14 with what llmlint needs: `python -m benchmarks.determinism` makes one")
    return str(found[0])


def attach(folder: Path, pid: int, out: str, seconds: str, *asked: str) -> subprocess.CompletedProcess[str]:
    write_own_findings(folder, [LEAK])
    options = [*(asked or ("--findings", "findings.json")), "--out", out, "--root", str(PROGRAMS), "--for", seconds]
    done = subprocess.run(
        [python_that_sends(), "-m", "llmlint", "attach", str(pid), *options, "--budget", "50%"],
        cwd=folder, env={**os.environ, "PYTHONPATH": SOURCES}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if "Operation not permitted" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("this system lets no process into another")
    return done


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Its first line has been read when it is ready."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(
        [python_that_sends(), *arguments], cwd=PROGRAMS, env={**env, "BUGS": "abort"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def clients(port: int) -> Iterator[None]:
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                connection.sendall(b"serve\n")
                assert connection.recv(100) == b"served\n"
            time.sleep(0.005)

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield
    finally:
        over.set()
        client.join()


def test_a_live_service_is_attached_to_twice_and_is_what_it_was(tmp_path: Path) -> None:
    with program("loopback.py") as process:
        assert process.stdout is not None
        with clients(int(process.stdout.readline())):
            for out, asked in (("first", ()), ("second", ("--watch", WATCHES, "--container", "progress"))):
                done = attach(tmp_path, process.pid, out, "2s", *asked)
                assert done.returncode == 0, done.stderr
                assert f"{out}/findings.json: verdicts: 1 confirmed\n" in done.stdout
        assert process.communicate("\n", timeout=60)[0] == "the same: True threads: 1\n"
        assert process.returncode == 0


BLOCKED = "import sys, lasting; print('ready', flush=True); sys.stdin.readline(); lasting.run(lasting.Lasting(), 0)"


def test_one_whose_main_thread_waits_is_told_so_and_is_left_alone_when_it_goes_on(tmp_path: Path) -> None:
    count = "; import os; print(len(os.listdir('/proc/self/task')))"
    with program("-c", BLOCKED + count) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        done = attach(tmp_path, process.pid, "run", "1s")
        assert done.returncode == 2
        assert "its main thread was in one call all the time" in done.stderr and done.stderr.count("\n") == 1
        assert process.communicate("\n", timeout=60)[0] == "1\n"
    assert not list((tmp_path / "run").glob("p-*"))
