"""Recording what a live server is asked, to drive it again."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tracing import PROGRAMS

from llmlint.runtime.timed_requests import CHAT, read_requests


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_up(port: int) -> bool:
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


@contextmanager
def recorded(file: Path, *server: str) -> Iterator[int]:
    """The port at which the server is asked while it is recorded."""
    behind, between = free_port(), free_port()
    with subprocess.Popen([sys.executable, *server, str(behind)], cwd=PROGRAMS, stderr=subprocess.DEVNULL) as serving:
        assert is_up(behind)
        options = ["--from", f"http://127.0.0.1:{behind}", "--port", str(between)]
        command = [sys.executable, "-m", "llmlint", "record", str(file), *options]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as recording:
            try:
                assert is_up(between)
                yield between
            finally:
                recording.send_signal(signal.SIGINT)
                serving.kill()
            assert recording.stderr is not None
            said = recording.stderr.read()
        assert recording.returncode == 0, said


def ask(port: int, body: object, path: str = CHAT, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", path, json.dumps(body), headers or {})
    return connection.getresponse()


def chat(name: str, tokens: int) -> dict[str, Any]:
    return {"messages": [], "max_tokens": tokens, "request_id": name, "seed": 2**53 + 1}


def test_what_was_asked_is_recorded_with_who_left_when(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    with recorded(file, "serve.py") as port:
        began = time.monotonic()
        whole = ask(port, chat("stays", 3)).read()
        time.sleep(0.3)
        later = time.monotonic() - began
        leaves = ask(port, chat("leaves", 100_000))
        lines = [leaves.readline() for _ in range(3)]
        leaves.close()
        time.sleep(1.0)
    assert whole.count(b"data: ") == 3
    assert lines[0].startswith(b"data: 0 ")
    stays, left = read_requests(file)
    assert (stays.at, stays.path, stays.body, stays.leave_after) == (0.0, CHAT, chat("stays", 3), None)
    assert left.body == chat("leaves", 100_000)
    assert later - 0.25 < left.at < later + 5
    assert left.leave_after is not None
    assert 3 <= left.leave_after < 100_000


ANSWERS = """
import sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if b"slow" in body: time.sleep(3)
        said = str(self.headers["Authorization"]).encode()
        self.send_response(418 if b"teapot" in body else 200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
    def do_GET(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"2\\r\\nup\\r\\n0\\r\\n\\r\\n")
    def log_message(self, *arguments): pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_the_answer_is_the_servers_own_and_headers_are_not_written(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    with recorded(file, "-c", ANSWERS) as port:
        teapot = ask(port, {"prompt": "teapot"}, "/v1/completions", {"Authorization": "Bearer word"})
        assert (teapot.status, teapot.read()) == (418, b"Bearer word")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for _ in range(2):  # one connection for both
            connection.request("GET", "/health")
            assert connection.getresponse().read() == b"up"
    (request,) = read_requests(file)
    assert (request.path, request.body) == ("/v1/completions", {"prompt": "teapot"})
    assert "Bearer" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_a_client_that_leaves_before_any_answer_is_one_that_read_nothing(tmp_path: Path) -> None:
    file = tmp_path / "requests.jsonl"
    with recorded(file, "-c", ANSWERS) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", CHAT, json.dumps({"prompt": "slow"}))
        time.sleep(0.3)
        connection.close()
        time.sleep(1.0)
    (request,) = read_requests(file)
    assert request.leave_after == 0


@pytest.mark.parametrize(
    ("file", "url", "why"),
    [
        ("requests.jsonl", "http://example.org:80", "loopback"),
        ("requests.txt", "http://127.0.0.1:1", ".jsonl"),
        ("there.jsonl", "http://127.0.0.1:1", "exists"),
    ],
)
def test_what_can_not_be_recorded_is_refused(file: str, url: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "there.jsonl").write_text("kept")
    command = [sys.executable, "-m", "llmlint", "record", file, "--from", url, "--for", "1s"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, why in done.stderr) == (2, True), done.stderr
    assert (tmp_path / "there.jsonl").read_text() == "kept"
