"""A run's numbers while it goes on: on a port of the loopback, in a file of its folder, to an OpenTelemetry collector.

All of it happens beside the command, in the process of `llmlint trace`; whatever of it fails, the command runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import click

from llmlint.dynamic.read import read_run
from llmlint.runtime.metrics import metrics_of
from llmlint.writing import write_file

FILE = "metrics.prom"
EVERY = 10.0
"""Seconds between two writings of the file."""
LOOPBACK = "127.0.0.1"


class Publishing(NamedTuple):
    """What a user asked for."""

    port: int | None = None
    file: bool = False
    otlp: str = ""


@contextmanager
def published(folder: Path, asked: Publishing) -> Iterator[None]:
    ways: tuple[tuple[bool, Callable[[], Callable[[], None]]], ...] = (
        (asked.port is not None, lambda: _serve(folder, asked.port or 0)),
        (asked.file, lambda: _write_now_and_then(folder)),
        (bool(asked.otlp), lambda: _send(folder, asked.otlp)),
    )
    with ExitStack() as until_the_end:
        for begin in [begin for is_asked, begin in ways if is_asked]:
            try:
                until_the_end.callback(begin())
            except (OSError, ImportError, ValueError) as error:
                click.echo(f"llmlint: its numbers are not published: {error}", err=True)
        yield


def write_metrics(file: Path, text: str) -> None:
    """In one step: a collector may read at any moment."""
    write_file(file, text.encode())


def numbers_of(folder: Path) -> str:
    return metrics_of([read_run(str(folder))])


def _serve(folder: Path, port: int) -> Callable[[], None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/metrics":
                self.send_error(404)
                return
            text = numbers_of(folder).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *arguments: object) -> None:
            """The command's own output stays its own."""

    server = ThreadingHTTPServer((LOOPBACK, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    click.echo(f"llmlint: numbers at http://{LOOPBACK}:{server.server_port}/metrics", err=True)

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return stop


def _write_now_and_then(folder: Path) -> Callable[[], None]:
    ended = threading.Event()

    def write() -> None:
        with suppress(OSError):
            write_metrics(folder / FILE, numbers_of(folder))

    def go_on() -> None:
        while not ended.wait(EVERY):
            write()

    writer = threading.Thread(target=go_on, daemon=True)
    writer.start()

    def stop() -> None:
        ended.set()
        writer.join()
        write()

    return stop


def _send(folder: Path, endpoint: str) -> Callable[[], None]:
    from llmlint.runtime.otel import exporting

    return exporting(folder, endpoint)
