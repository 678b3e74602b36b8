"""`llmlint record`."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from urllib.parse import urlsplit

import click

from llmlint.runtime.driving import wrong_use
from llmlint.runtime.units import Seconds


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--from", "url", required=True, metavar="URL", help="The server to record, on the loopback.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Where clients ask instead.  [default: any]")
@click.option("--for", "seconds", type=Seconds(), help="How long.  [default: until Ctrl-C]")
def record(file: Path, url: str, port: int, seconds: float | None) -> None:
    """Record the requests of a live OpenAI-style server into FILE, for `llmlint trace --stress FILE`.

    Clients ask at 127.0.0.1:PORT meanwhile, and are answered by the server itself. FILE holds the bodies of the
    requests as they came.
    """
    from llmlint.runtime.recording import Between, Recording
    from llmlint.runtime.stress import is_loopback

    parts = urlsplit(url)
    if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
        wrong_use(f"--from takes an http URL of this machine's loopback, not {url!r}")
    if file.suffix != ".jsonl":
        wrong_use(f"{file}: what --stress reads is called .jsonl")
    try:
        recording = Recording(file)
        between = Between(port, (parts.hostname or "", parts.port or 80), recording)
    except OSError as error:
        wrong_use(f"{error.filename or f'port {port}'}: {error.strerror}")
    serving = threading.Thread(target=between.serve_forever, daemon=True)
    serving.start()
    click.echo(f"llmlint: recording http://127.0.0.1:{between.server_address[1]}, which {url} answers", err=True)
    _wait(seconds)
    between.shutdown()
    recording.close()
    more = f", and {recording.past_the_bound} more are left out" if recording.past_the_bound else ""
    click.echo(f"llmlint: {file} holds {recording.written} requests{more}", err=True)


def _wait(seconds: float | None) -> None:
    """Ctrl-C and SIGTERM are the ordinary end of a recording."""
    over = threading.Event()
    kept = {number: signal.signal(number, lambda *_: over.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    over.wait(seconds)
    for number, handler in kept.items():
        signal.signal(number, handler)
