"""A server with completions as OpenAI's, driven over HTTP by a program that counts what became of its requests."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

PATIENCE = 180


def ask(port: int, body: dict[str, Any], leaves: bool) -> tuple[str, str]:
    """What became of one completion, and its text; a client may leave a stream after two lines."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            return f"{answer.status} {len(answer.read()) > 0}", ""
        if leaves:
            answer.readline(), answer.readline()
            return "left", ""
        text = answer.read().decode()
        lines = [line[6:] for line in text.splitlines() if line.startswith("data: {")] if body["stream"] else [text]
        said = "".join(json.loads(line)["choices"][0].get("text", "") for line in lines)
        return "streamed" if body["stream"] else "whole", said
    finally:
        connection.close()


def serve(command: Sequence[str], drive: Callable[[int], None]) -> str:
    """Starts the server on a free port, has it driven, ends it as an orchestrator does, and says how it ended."""
    port = _free_port()
    with tempfile.TemporaryFile() as log:
        with subprocess.Popen([*command, "--port", str(port)], stdout=log, stderr=subprocess.STDOUT) as server:
            try:
                _wait_for(port, server)
                drive(port)
                time.sleep(1.5)
            finally:
                server.send_signal(signal.SIGTERM)
            status = server.wait(PATIENCE)
        log.seek(0)
        return f"the server ended with {status} and {log.read().count(b'Traceback')} tracebacks"


def _free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")
