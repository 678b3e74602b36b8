"""Driving a server down the paths where requests end badly."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest
from tracing import NO_PAGES, PROGRAMS, finding, verdicts

from llmlint.dynamic.read import read_run
from llmlint.findings import Verdict
from llmlint.runtime import stress
from llmlint.runtime.block import Block, Target, Watch
from llmlint.runtime.driving import prepare_driving
from llmlint.runtime.plan import make_plan
from llmlint.runtime.stress import Workload, WorkloadError, run_workload
from llmlint.runtime.trace import environment, prepare, run_traced

LEAK = finding(
    "request-state-leak",
    Block(
        targets=(
            Target("Requests.start", "enter", entity="request_id"),
            Target("Requests.finish", "leave", entity="request_id", via="finish"),
            Target("Requests.disconnect", "leave", entity="request_id", via="disconnect"),
        ),
        watch=(Watch("streams", owner="Requests"),),
    ),
    path="server.py",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def driven(folder: Path, monkeypatch: pytest.MonkeyPatch, kinds: str, bugs: str) -> Verdict:
    monkeypatch.setenv("BUGS", bugs)
    monkeypatch.setenv("LLMLINT_TICK", "0.05")
    monkeypatch.chdir(PROGRAMS)
    prepare(folder, make_plan([LEAK], NO_PAGES, PROGRAMS))
    port = free_port()
    workload = Workload.of(f"http://127.0.0.1:{port}", kinds, 48, 30.0, ())
    run_traced(
        [sys.executable, "serve.py", str(port)], folder, meanwhile=lambda process: run_workload(workload, process)
    )
    return verdicts([LEAK], read_run(str(folder)))[0]


def test_clients_that_leave_confirm_a_leak_on_disconnect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = driven(tmp_path, monkeypatch, "plain,abort,error,vary,bigint", "disconnect")
    assert found.status == "confirmed", found
    assert "ended by disconnect" in found.summary


def test_the_sound_server_is_exercised_and_not_confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = driven(tmp_path, monkeypatch, "plain,abort", "")
    assert found.status in ("exercised-clean", "refuted"), found


def test_without_clients_that_leave_the_path_is_not_exercised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = driven(tmp_path, monkeypatch, "plain", "disconnect")
    assert (found.status, found.summary) == ("not-exercised", "no request ended by disconnect")


def test_a_command_in_the_background_is_asked_to_end_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for what it starts with &
    try:
        found = driven(tmp_path, monkeypatch, "plain", "disconnect")
    finally:
        signal.signal(signal.SIGINT, before)
    assert "did not end by itself" not in found.summary


@pytest.mark.parametrize(
    "url", ["http://example.org:80", "https://127.0.0.1:1", "http://10.0.0.1:8000", "http://127.0.0.1.example.org:1"]
)
def test_only_the_loopback_is_ever_driven(url: str) -> None:
    with pytest.raises(WorkloadError, match="loopback"):
        Workload.of(url, "abort", 1, 1.0, ())


def test_unknown_stresses_and_faults_are_refused() -> None:
    with pytest.raises(WorkloadError, match="no stress 'flood'"):
        Workload.of("", "flood", 1, 1.0, ())
    with pytest.raises(WorkloadError, match="kill, stop, slow, full-disk, clock with :CHILD"):
        Workload.of("", "", 1, 1.0, ["term:worker"])


def timed(folder: Path, *lines: object) -> str:
    file = folder / "requests.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return str(file)


def asked(at: float, name: str, **more: Any) -> dict[str, Any]:
    body = {"messages": [], "max_tokens": 8, "temperature": 0, "request_id": name}
    return {"at": at, "body": {**body, **more.pop("body", {})}, **more}


def test_timed_requests_of_a_file_confirm_a_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaves = [asked(0.01 * number, f"a{number}", leave_after=1, body={"max_tokens": 400}) for number in range(24)]
    stays = [asked(0.01 * number, f"b{number}") for number in range(40)]
    found = driven(tmp_path / "run", monkeypatch, timed(tmp_path, *leaves, *stays), "disconnect")
    assert (found.status, "they ended by disconnect" in found.summary) == ("confirmed", True), found


ODD = """
import itertools, json, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
number = itertools.count()
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b"never" in body: time.sleep(30)
        if b"die" in body: import os; os._exit(7)
        self.send_response(200)
        self.end_headers()
        said = next(number) if b"chance" in body else "the same"
        event = {"id": time.time_ns(), "choices": [{"delta": {"content": str(said)}}]}
        self.wfile.write(b"data: " + json.dumps(event).encode())
    def log_message(self, *arguments): pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.mark.parametrize(
    ("word", "seen"),
    [
        ("fine", []),
        ("chance", ["1 of 1 requests of temperature 0 were answered differently when asked again"]),
        ("never", ["2 of 2 requests got no answer in time"]),
        ("die", ["the command ended while it was driven, with 7"]),
    ],
)
def test_what_is_wrong_without_a_finding_is_told(
    word: str, seen: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stress, "TIMEOUT", 1.0)
    port = free_port()
    file = timed(tmp_path, *(asked(0.3 * number, f"r{number}", body={"prompt": word}) for number in range(2)))
    workload = Workload.of(f"http://127.0.0.1:{port}", file, 1, 20.0, ())
    with subprocess.Popen([sys.executable, "-c", ODD, str(port)], stderr=subprocess.DEVNULL) as server:
        try:
            account = run_workload(workload, server)
        finally:
            server.kill()
    assert account["seen"] == seen


def test_a_line_that_is_no_request_is_named(tmp_path: Path) -> None:
    file = timed(tmp_path, asked(0, "a"), {"at": 1, "boddy": {}})
    with pytest.raises(WorkloadError, match=r"requests.jsonl:2: .*boddy"):
        Workload.of("http://127.0.0.1:1", file, 1, 1.0, ())


COUNTS = "import time\nwhile True:\n    print(time.monotonic(), flush=True)\n    time.sleep(0.005)\n"
STARTS = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', sys.argv[1], 'the-peer']).returncode)"


def test_a_slow_peer_stops_again_and_again_and_runs_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stress, "LASTING", 1.5)
    workload = Workload.of("", "", 1, 8.0, ["slow:the-peer"])
    command = [sys.executable, "-c", STARTS, COUNTS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        account = run_workload(workload, process)
        (peer,) = stress.descendants(process.pid)
        state = Path(f"/proc/{peer}/stat").read_text().rpartition(")")[2].split()[0]
        os.killpg(process.pid, signal.SIGKILL)
        assert process.stdout is not None
        times = [float(line) for line in process.stdout.read().splitlines()[:-1]]
    pauses = [after - before for before, after in pairwise(times)]
    assert state in "RSD"
    assert sum(pause >= stress.STOPPED for pause in pauses) >= 3
    assert account["hardships"] == [f"slow:the-peer: process {peer}"]
    assert (account["faults"], account["fault_times"], account["seen"]) == ([], [], [])


WRITES = """
import errno, os, sys, time
folder = sys.argv[1]
while True:
    try:
        with open(os.path.join(folder, "log"), "a") as log:
            log.write("a line")
        wrote = "ok"
    except OSError as error:
        wrote = errno.errorcode[error.errno]
    print(wrote, round(time.time() - time.monotonic()), flush=True)
    time.sleep(0.01)
"""


def told_by_a_peer(folder: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[list[str]], dict[str, Any]]:
    """What a child that writes and looks at the clock all the time saw of it, and the account of the driving."""
    monkeypatch.setattr(stress, "LASTING", 1.5)
    run = folder / "run"
    prepare(run, make_plan([LEAK], NO_PAGES, PROGRAMS))
    prepare_driving(run, [fault])
    workload = Workload.of("", "", 1, 8.0, [fault], run)
    command = [sys.executable, "-c", STARTS.replace("'the-peer'", "sys.argv[2], 'the-peer'"), WRITES, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True, env=environment(run)) as process:
        account = run_workload(workload, process)
        os.killpg(process.pid, signal.SIGKILL)
        assert process.stdout is not None
        return [line.split() for line in process.stdout.read().decode().splitlines()[:-1]], account


def test_a_full_disk_is_full_for_one_child_and_for_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, account = told_by_a_peer(tmp_path, "full-disk:the-peer", monkeypatch)
    wrote = [line[0] for line in lines]
    assert set(wrote) == {"ok", "ENOSPC"}
    assert (wrote[0], wrote[-1]) == ("ok", "ok")
    assert [what for what, _ in groupby(wrote)] == ["ok", "ENOSPC", "ok"]
    assert len(account["hardships"]) == 1
    assert (account["faults"], account["fault_times"], account["seen"]) == ([], [], [])


def test_a_clock_goes_an_hour_ahead_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, _ = told_by_a_peer(tmp_path, "clock:the-peer", monkeypatch)
    offsets = [int(line[1]) for line in lines]
    jumps = [after - before for before, after in pairwise(offsets) if abs(after - before) > 1]
    assert [round(jump, -1) for jump in jumps] == [3600, -3600]
    assert {line[0] for line in lines} == {"ok"}


def test_a_child_that_has_no_library_for_it_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # and so no compiler
    lines, account = told_by_a_peer(tmp_path, "full-disk:the-peer", monkeypatch)
    assert {line[0] for line in lines} == {"ok"}
    assert account["hardships"][0].endswith("there is no library for it")
