"""A run's numbers: in Prometheus' text format, on a port, in a file, over OTLP, and on the board for Grafana."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest
from blocks import BLOCKS
from test_dormant import FOR_A_WHILE, HOT, WATCHES, dormant
from tracing import PROGRAMS, finding, run_program

from llmlint.runtime.block import Block, Target
from llmlint.runtime.metrics import METRICS, PREFIX, metrics_of

LEAK = finding("request-state-leak", BLOCKS["request-state-leak"][1], symbol='Scheduler."odd"')
RESET = finding("restore-leaves-state", BLOCKS["restore-leaves-state"][1])
STALL_LINE = Path(__file__).with_name("programs").joinpath("lasting.py").read_text().splitlines().index(
    "    time.sleep(0.08)"
) + 1  # fmt: skip
STALL = finding(
    "blocking-in-async", Block(targets=(Target("stalls", "scope"),)), "lasting.py", symbol="stalls", line=STALL_LINE
)
NUMBER = r"-?\d+(?:\.\d+)?"
LINE = re.compile(r'llmlint_\w+(?:\{\w+="(?:[^"\\]|\\.)*"(?:,\w+="(?:[^"\\]|\\.)*")*\})? ' + NUMBER)
BOARD = Path(__file__).parents[2] / "docs" / "grafana.json"


def test_each_number_has_a_kind_and_labels_that_say_what_it_counts(tmp_path: Path) -> None:
    _, run = run_program(tmp_path, [LEAK], bugs="abort")
    lines = metrics_of([run]).splitlines()
    assert [line for line in lines if not line.startswith("# ") and not LINE.fullmatch(line)] == []
    place = f'pid="{run.processes[0].pid}",rule="",path="engine.py",symbol="Scheduler.\\"odd\\""'
    assert f'llmlint_entities_ended_total{{{place},via="abort"}} 80' in lines
    assert f'llmlint_tracer_faults_total{{pid="{run.processes[0].pid}"}} 0' in lines
    left = next(line for line in lines if line.startswith("llmlint_entities_left{"))
    assert 'container="progress"' in left and int(left.rpartition(" ")[2]) > 0
    assert any(line.startswith(f'llmlint_entities_live{{{place},container="progress"}} ') for line in lines)
    named = {line.partition("{")[0].partition(" ")[0] for line in lines if not line.startswith("#")}
    assert named == {line.split()[2] for line in lines if line.startswith("# TYPE ")}


def test_a_run_without_processes_has_no_numbers(tmp_path: Path) -> None:
    _, run = run_program(tmp_path, [LEAK], "-c", "pass")
    assert metrics_of([run]) == ""


def test_every_metric_is_there_once_for_its_labels_and_the_board_asks_for_no_other(tmp_path: Path) -> None:
    _, engine = run_program(tmp_path / "engine", [LEAK, RESET], bugs="abort,reset")
    stalling = f"import asyncio\n{FOR_A_WHILE}for _ in range(3): asyncio.run(lasting.stalls())\n"
    _, lasting = dormant(
        tmp_path / "lasting", "-c", stalling, findings=[HOT, STALL], order={"budget": 0.05}, env={"HOT": "400"}
    )
    lines = [line for line in metrics_of([engine, lasting]).splitlines() if not line.startswith("#")]
    emitted = {re.split(r"[{ ]", line)[0] for line in lines}
    assert emitted == {PREFIX + name for name in METRICS}
    labelled = [line.rpartition(" ")[0] for line in lines]
    assert len(set(labelled)) == len(labelled)
    assert any(line.startswith("llmlint_watcher_shed{") and line.endswith(" 1") for line in lines)
    assert any(line.startswith("llmlint_loop_stalls_total{") and not line.endswith(" 0") for line in lines)
    board = json.loads(BOARD.read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert {name for text in asked for name in re.findall(r"\bllmlint_\w+", text)} == emitted
    for text in asked:
        grouped = {name for group in re.findall(r"by \(([^)]*)\)", text) for name in group.split(", ")}
        metric = re.findall(r"\bllmlint_\w+", text)[0]
        assert all(any(f'{name}="' in line for line in lines if line.startswith(metric)) for name in grouped), text


def test_a_process_that_was_watched_twice_counts_once_with_both(tmp_path: Path) -> None:
    _, run = run_program(tmp_path, [LEAK], bugs="abort")
    twice = metrics_of([run, run])
    assert 'via="abort"} 160' in twice
    assert twice.count('via="abort"}') == 1


SERVE = """
import lasting
scheduler = lasting.Lasting()
lasting.run(scheduler, 1)
print("ready", flush=True)
input()
"""


def serving(folder: Path, *options: str) -> subprocess.Popen[str]:
    """A program that has served one request when it is ready, and ends when it is told to."""
    watch = ["--watch", WATCHES, "--container", "progress", "--root", str(PROGRAMS), "--out", str(folder / "run")]
    process = subprocess.Popen(
        [sys.executable, "-m", "llmlint", "trace", *watch, *options, "--", sys.executable, "-c", SERVE],
        cwd=PROGRAMS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def told_to_end(process: subprocess.Popen[str]) -> str:
    """What it wrote to stderr."""
    _, said = process.communicate("\n", timeout=60)
    assert process.returncode == 0
    return said


def test_a_port_of_the_loopback_has_the_numbers_while_the_command_runs(tmp_path: Path) -> None:
    process = serving(tmp_path, "--metrics-port", "0")
    assert process.stderr is not None
    found = re.fullmatch(r"llmlint: numbers at (http://127\.0\.0\.1:\d+)/metrics\n", process.stderr.readline())
    assert found is not None
    until = time.monotonic() + 30
    while 'via="finish"} 1' not in (text := urllib.request.urlopen(f"{found[1]}/metrics").read().decode()):
        assert time.monotonic() < until, text
        time.sleep(0.1)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(found[1])
    told_to_end(process)


def test_a_port_that_is_taken_keeps_nothing_from_running(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as taken:
        said = told_to_end(serving(tmp_path, "--metrics-port", str(taken.server_port)))
    assert "llmlint: its numbers are not published: " in said


def test_a_file_of_the_folder_has_the_last_numbers(tmp_path: Path) -> None:
    told_to_end(serving(tmp_path, "--metrics-file"))
    assert 'via="finish"} 1' in (tmp_path / "run" / "metrics.prom").read_text()


@pytest.mark.skipif(find_spec("opentelemetry.sdk") is None, reason="needs llmlint-serving[otel]")
def test_a_collector_is_sent_the_same_numbers(tmp_path: Path) -> None:
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    sent: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        told_to_end(serving(tmp_path, "--otlp", f"http://127.0.0.1:{collector.server_port}"))
        collector.shutdown()
    request = ExportMetricsServiceRequest.FromString(sent[-1])
    metrics = request.resource_metrics[0].scope_metrics[0].metrics
    ended = next(metric for metric in metrics if metric.name == "llmlint_entities_ended")
    (point,) = ended.sum.data_points
    assert ended.sum.is_monotonic
    assert (point.as_int or point.as_double) == 1
    assert {"via": "finish", "rule": "LLM102"}.items() <= {
        label.key: label.value.string_value for label in point.attributes
    }.items()
    assert {metric.name for metric in metrics} <= {(PREFIX + name).removesuffix("_total") for name in METRICS}
