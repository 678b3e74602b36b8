"""An issue tracker on loopback that speaks GitHub's REST dialect, and can be told to misbehave."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

Trouble = Callable[["_Handler"], None]
Entry = dict[str, Any]


def entry(number: int, updated: str = "", **changes: Any) -> Entry:
    """An issue of our own making in the shape of GitHub's answers."""
    day = f"2025-01-01T00:{number // 60:02}:{number % 60:02}Z"
    given: Entry = {
        "html_url": f"https://github.com/mini/engine/issues/{number}",
        "number": number,
        "title": f"Engine stops after {number} requests",
        "body": "It hangs.\r\n",
        "state": "open",
        "state_reason": None,
        "labels": [{"name": "bug", "color": "d73a4a"}],
        "author_association": "NONE",
        "comments": 2,
        "reactions": {"total_count": 1, "+1": 1},
        "created_at": day,
        "updated_at": updated or day,
        "closed_at": None,
    }
    return given | changes


class Tracker:
    """Its issues, the requests it has got, and by their number from 1 the troubles that it meets them with."""

    def __init__(self, entries: list[Entry], page: int = 100) -> None:
        self.entries = entries
        self.page = page
        self.asked: list[str] = []
        self.tokens: list[str] = []
        self.troubles: dict[int, Trouble] = {}
        self.before: Callable[[], None] = lambda: None
        """Called when a request has come, before it is answered."""
        self.url = ""


@contextmanager
def serving(tracker: Tracker) -> Iterator[Tracker]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"tracker": tracker}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    tracker.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield tracker
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    tracker: Tracker

    def log_message(self, *_: Any) -> None:
        """Standard error is for the tests."""

    def do_GET(self) -> None:
        tracker = self.tracker
        tracker.asked.append(self.path)
        tracker.tokens.append(self.headers.get("Authorization", ""))
        tracker.before()
        trouble = tracker.troubles.get(len(tracker.asked))
        if trouble:
            trouble(self)
        else:
            self._give()

    def _give(self) -> None:
        asked = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        chosen = sorted(
            filter(lambda one: _matches(one, asked), self.tracker.entries), key=lambda one: one["updated_at"]
        )
        size, number = min(int(asked["per_page"]), self.tracker.page), int(asked.get("page", 1))
        body = json.dumps(chosen[size * (number - 1) : size * number]).encode()
        etag = f'W/"{hashlib.sha256(body).hexdigest()}"'
        if self.headers.get("If-None-Match") == etag:
            self.answer(304)
            return
        following = f"{self.tracker.url}{urlsplit(self.path).path}?{urlencode({**asked, 'page': number + 1})}"
        more = {"Link": f'<{following}>; rel="next", <{following}>; rel="last"'} if len(chosen) > size * number else {}
        self.answer(200, body, {"ETag": etag, **more})

    def answer(self, code: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)


def _matches(one: Entry, asked: dict[str, str]) -> bool:
    names = {label["name"] for label in one["labels"]}
    return (
        one["updated_at"] >= asked.get("since", "")
        and asked["state"] in ("all", one["state"])
        and set(filter(None, asked.get("labels", "").split(","))) <= names
    )


# ------------------------------------------------------------ troubles


def refusing(code: int, **headers: str) -> Trouble:
    return lambda handler: handler.answer(
        code, b'{"message": "no"}', {k.replace("_", "-"): v for k, v in headers.items()}
    )


def breaks_off(handler: _Handler) -> None:
    """The connection ends in the middle of the answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b'[{"number": 1, "title"')
    handler.close_connection = True


def says(body: bytes, **headers: str) -> Trouble:
    return lambda handler: handler.answer(200, body, {k.replace("_", "-"): v for k, v in headers.items()})


def leads_to(url: str) -> Trouble:
    return lambda handler: handler.answer(302, b"", {"Location": url})
