"""An OpenAI-style streaming server whose aborted requests leave their state behind when BUGS=disconnect."""

from __future__ import annotations

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler

BUGS = set(os.environ.get("BUGS", "").split(","))


class Requests:
    def __init__(self) -> None:
        self.streams: dict[str, int] = {}
        self.lock = threading.Lock()

    def start(self, request_id: str) -> None:
        with self.lock:
            self.streams[request_id] = 0

    def finish(self, request_id: str) -> None:
        with self.lock:
            del self.streams[request_id]

    def disconnect(self, request_id: str) -> None:
        with self.lock:
            if "disconnect" not in BUGS:
                del self.streams[request_id]


REQUESTS = Requests()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not isinstance(body["messages"], list) or not isinstance(body["max_tokens"], int) or body["max_tokens"] < 1:
            self.send_error(400)
            return
        request_id = body["request_id"]
        REQUESTS.start(request_id)
        try:
            self.send_response(200)
            self.end_headers()
            for number in range(body["max_tokens"]):
                self.wfile.write(f"data: {number} {'x' * 512}\n\n".encode())
                self.wfile.flush()
                time.sleep(0.001)
        except OSError:
            REQUESTS.disconnect(request_id)
        else:
            REQUESTS.finish(request_id)

    def log_message(self, *arguments: object) -> None:
        pass
