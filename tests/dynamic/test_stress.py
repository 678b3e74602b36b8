"""Driving a server down the paths where requests end badly."""

from __future__ import annotations

import signal
import socket
import sys
from pathlib import Path

import pytest
from tracing import NO_PAGES, PROGRAMS, finding, verdicts

from llmlint.dynamic.read import read_run
from llmlint.findings import Verdict
from llmlint.runtime.block import Block, Target, Watch
from llmlint.runtime.plan import make_plan
from llmlint.runtime.stress import Workload, WorkloadError, run_workload
from llmlint.runtime.trace import prepare, run_traced

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


def driven(folder: Path, monkeypatch: pytest.MonkeyPatch, stress: str, bugs: str) -> Verdict:
    monkeypatch.setenv("BUGS", bugs)
    monkeypatch.setenv("LLMLINT_TICK", "0.05")
    monkeypatch.chdir(PROGRAMS)
    prepare(folder, make_plan([LEAK], NO_PAGES, PROGRAMS))
    port = free_port()
    workload = Workload.of(f"http://127.0.0.1:{port}", stress, 48, 30.0, ())
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
    with pytest.raises(WorkloadError, match="kill:CHILD"):
        Workload.of("", "", 1, 1.0, ["term:worker"])
