"""A server whose aborts only mark: what they name is removed in the next step, a moment later. BUGS=forget: never."""

from __future__ import annotations

import os
import time

FORGETS = "forget" in os.environ.get("BUGS", "")


class Server:
    def __init__(self) -> None:
        self.requests: dict[str, int] = {}
        self.marked: list[str] = []

    def add(self, request_id: str) -> None:
        self.requests[request_id] = 1

    def abort(self, request_id: str) -> None:
        self.marked.append(request_id)

    def step(self) -> None:
        while self.marked:
            request_id = self.marked.pop()
            if not FORGETS:
                del self.requests[request_id]


def serve() -> None:
    server = Server()
    for storm in range(3):
        names = [f"{storm}-{number}" for number in range(300)]
        for name in names:
            server.add(name)
        for name in names:
            server.abort(name)
        time.sleep(0.2)
        server.step()
    time.sleep(0.6)


if __name__ == "__main__":
    import lazy

    lazy.serve()
