"""llama-cpp-python's own server on a tiny random model, driven over HTTP: prints what became of the completions.

    python llama_server_program.py MODEL [--requests 220]

Every third completion is streamed, every second of those is left after two pieces, and every eleventh request is a bad
one. The server is a child, and is ended by SIGTERM as an orchestrator does it. Its log counts by the tracebacks in it.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from llama_cpp_program import write_model

PATIENCE = 120


def free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return int(some.getsockname()[1])


def ask(port: int, number: int, said: Any) -> str:
    """What became of one request; the text of the answer goes into `said`."""
    streamed = number % 3 == 0
    body = {"prompt": f"riddle {number} of {number % 7}", "max_tokens": 24, "temperature": 0.0, "stream": streamed}
    if number % 11 == 10:
        body["max_tokens"] = "many"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200:
            return f"{answer.status} {len(answer.read()) > 0}"
        if streamed and number % 2:
            answer.readline(), answer.readline()
            return "left"
        text = answer.read().decode()
        pieces = [line[6:] for line in text.splitlines() if line.startswith("data: {")] if streamed else [text]
        said.update("".join(json.loads(piece)["choices"][0]["text"] for piece in pieces).encode())
        return "streamed" if streamed else "whole"
    finally:
        connection.close()


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--requests", type=int, default=220)
    options = parser.parse_args()
    if not options.model.exists():
        write_model(options.model)
    port, said = free_port(), hashlib.sha256()
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(options.model), "--port", str(port)]
    settings = ["--n_ctx", "256", "--n_threads", "1", "--n_threads_batch", "1", "--interrupt_requests", "False"]
    with tempfile.TemporaryFile() as log:
        with subprocess.Popen([*command, *settings], stdout=log, stderr=subprocess.STDOUT) as server:
            try:
                wait_for(port, server)
                became = Counter(ask(port, number, said) for number in range(options.requests))
                time.sleep(1.5)
            finally:
                server.send_signal(signal.SIGTERM)
            status = server.wait(PATIENCE)
        log.seek(0)
        errors = log.read().count(b"Traceback")
    print(", ".join(f"{count} {what}" for what, count in sorted(became.items())), said.hexdigest()[:12])
    print(f"the server ended with {status} and {errors} tracebacks")


if __name__ == "__main__":
    main()
