"""Stands between clients and a live server for a while, and writes down what was asked, when, and who left.

The file is what `--stress FILE.jsonl` drives. Both sides are on the loopback. Bodies are written as they came, prompts
among them, into a file of its user's alone; headers are passed on and never written.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from llmlint.runtime.timed_requests import MOST

LARGEST_BODY = 64 << 20
"""Images come in bodies; what is larger than this is passed on by nobody."""
PATIENCE = 600.0
GLANCE = 0.05
"""Seconds between two looks whether a client is still there."""
BETWEEN_NEIGHBOURS = frozenset(
    "connection keep-alive proxy-connection te trailer transfer-encoding upgrade expect host content-length".split()
)
"""Headers that hold for one connection, not for the whole way."""


class Recording:
    """The file of a recording: a line for each request of JSON, written when it is over."""

    def __init__(self, file: Path) -> None:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file: BinaryIO = os.fdopen(handle, "wb")
        self._writing = threading.Lock()
        self._first: float | None = None
        self.written = self.past_the_bound = 0

    def arrived(self) -> float:
        """Seconds after the first request."""
        with self._writing:
            now = time.monotonic()
            self._first = now if self._first is None else self._first
            return now - self._first

    def write(self, at: float, path: str, body: dict[str, Any], leave_after: int | None) -> None:
        line = {"at": round(at, 4), "path": path, "body": body}
        if leave_after is not None:
            line["leave_after"] = leave_after
        with self._writing:
            if self.written >= MOST:
                self.past_the_bound += 1
                return
            self._file.write(json.dumps(line).encode() + b"\n")
            self._file.flush()
            self.written += 1

    def close(self) -> None:
        with self._writing:
            self._file.close()


class Between(ThreadingHTTPServer):
    """Passes each request on to the server and its answer back, as it comes."""

    daemon_threads = True

    def __init__(self, port: int, upstream: tuple[str, int], recording: Recording) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.upstream = upstream
        self.recording = recording

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is one side's to tell, and goes on as that."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Between

    def log_message(self, *arguments: object) -> None:
        """Clients see no more of this than of the server itself."""

    def do_GET(self) -> None:
        at = self.server.recording.arrived()
        body = self._body()
        if body is None:
            self.send_error(411 if "Transfer-Encoding" in self.headers else 413)
            return
        left = self._passed_on(body)
        asked = _as_json(body) if self.command == "POST" else None
        if asked is not None:
            self.server.recording.write(at, self.path, asked, left)

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = do_GET

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        known = "Transfer-Encoding" not in self.headers and length.isdigit() and int(length) <= LARGEST_BODY
        return self.rfile.read(int(length)) if known else None

    def _passed_on(self, body: bytes) -> int | None:
        """The lines of the answer after which the client left; None where it stayed."""
        upstream = http.client.HTTPConnection(*self.server.upstream, timeout=PATIENCE)
        lines = 0
        with _hung_up_with_its_client(self.connection, upstream) as gone:
            try:
                upstream.request(self.command, self.path, body or None, self._headers())
                answer = upstream.getresponse()
            except (OSError, http.client.HTTPException):
                if not gone.is_set():
                    self.send_error(502, "the server that is recorded gave no answer")
                return 0 if gone.is_set() else None
            try:
                for part in self._answered(answer):
                    lines += part.count(b"\n")
            except OSError:
                gone.set()
            except http.client.HTTPException:
                self.close_connection = True  # the server broke off, and so does what its client sees
            return lines if gone.is_set() and not self._is_all_there(answer) else None

    def _headers(self) -> dict[str, str]:
        return {name: value for name, value in self.headers.items() if name.lower() not in BETWEEN_NEIGHBOURS}

    def _answered(self, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        """The parts of the answer, each when the client has it."""
        length = answer.getheader("Content-Length")
        has_body = self._has_body(answer)
        chunked = has_body and length is None
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in BETWEEN_NEIGHBOURS:
                self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", length)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while has_body and (part := answer.read1(1 << 16)):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
            yield part
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection |= bool(answer.length and has_body)

    def _has_body(self, answer: http.client.HTTPResponse) -> bool:
        return self.command != "HEAD" and answer.status not in (204, 304)

    def _is_all_there(self, answer: http.client.HTTPResponse) -> bool:
        """A client that has all that was promised may go."""
        return not self._has_body(answer) or answer.length == 0


@contextlib.contextmanager
def _hung_up_with_its_client(client: socket.socket, upstream: http.client.HTTPConnection) -> Iterator[threading.Event]:
    """While this goes on, a client that leaves takes the server's side of the connection along; set when it has."""
    gone, over = threading.Event(), threading.Event()

    def look() -> None:
        while not over.wait(GLANCE):
            if _has_left(client):
                gone.set()
                if upstream.sock is not None:
                    with contextlib.suppress(OSError):
                        upstream.sock.shutdown(socket.SHUT_RDWR)
                return

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield gone
    finally:
        over.set()
        looking.join()
        upstream.close()


def _has_left(client: socket.socket) -> bool:
    try:
        readable, _, _ = select.select([client], [], [], 0)
        return bool(readable) and client.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True


def _as_json(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
