"""Who computes in the next step: requests wait, run, are preempted when blocks run out, and end."""

import time
from collections import deque
from dataclasses import dataclass


@dataclass
class Checkpoint:
    """The requests under way, and how far each one was."""

    requests: list
    computed: dict[str, int]

    def drop(self, request_id: str) -> None:
        self.requests = [request for request in self.requests if request.request_id != request_id]
        self.computed.pop(request_id, None)


class Scheduler:
    def __init__(self, kv, max_running: int) -> None:
        self.kv = kv
        self.max_running = max_running
        self.step = 0
        self.requests = {}
        self.waiting = deque()
        self.running = []
        self.preempted = deque()
        self.computed: dict[str, int] = {}
        """How many tokens of a request the KV cache holds."""
        self.arrived: dict[str, float] = {}
        self.admitted: dict[str, int] = {}
        """The step in which a request was let in last."""
        self.preemptions: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.finished_ids: dict[str, str] = {}
        """Requests that have ended, and why, until the engine has told their clients."""

    def add(self, request) -> None:
        self.requests[request.request_id] = request
        self.waiting.append(request)
        self.arrived[request.request_id] = time.monotonic()

    def cancel(self, request_id: str) -> None:
        """Takes effect before the next step."""
        if request_id in self.requests:
            self.cancelled.add(request_id)

    def finish(self, request_id: str, reason: str) -> None:
        request = self.requests.pop(request_id, None)
        if request is None:
            return
        for queue in (self.waiting, self.running, self.preempted):
            if request in queue:
                queue.remove(request)
        self.kv.free(request_id)
        self.computed.pop(request_id, None)
        self.arrived.pop(request_id, None)
        self.admitted.pop(request_id, None)
        self.preemptions.pop(request_id, None)
        self.cancelled.discard(request_id)
        self.finished_ids[request_id] = reason

    def take_finished(self):
        while self.finished_ids:
            yield self.finished_ids.popitem()

    def schedule(self) -> list:
        self.step += 1
        for request_id in list(self.cancelled):
            self.finish(request_id, "abort")
        for request in list(self.running):
            while request in self.running and not self.kv.grow(request.request_id, len(request.tokens)):
                self.preempt(self._victim())
        self._admit()
        return list(self.running)

    def _admit(self) -> None:
        """The preempted first, then those that wait, as long as there are places and blocks."""
        for queue in (self.preempted, self.waiting):
            while queue and len(self.running) < self.max_running:
                request = queue[0]
                known = self.kv.admit(request)
                if not self.kv.grow(request.request_id, len(request.tokens)):
                    self.kv.free(request.request_id)
                    return
                self.running.append(queue.popleft())
                self.admitted[request.request_id] = self.step
                self.computed[request.request_id] = known

    def _victim(self):
        """Whoever was preempted least, and of those who came last."""
        return min(self.running, key=self._standing)

    def _standing(self, request) -> tuple[int, int, float]:
        request_id = request.request_id
        return (self.preemptions.get(request_id, 0), -self.admitted.get(request_id, 0), -self.arrived.get(request_id, 0))

    def preempt(self, request) -> None:
        self.running.remove(request)
        self.kv.free(request.request_id)
        self.computed.pop(request.request_id, None)
        self.preemptions[request.request_id] = self.preemptions.get(request.request_id, 0) + 1
        self.preempted.append(request)

    # -- sleep

    def checkpoint_state(self) -> Checkpoint:
        return Checkpoint(list(self.requests.values()), dict(self.computed))

    def restore_checkpoint_state(self, checkpoint: Checkpoint) -> None:
        """Only what the checkpoint holds is under way afterwards; what the KV cache has lost is computed again."""
        self.requests.clear()
        self.waiting.clear()
        self.running.clear()
        self.preempted.clear()
        self.computed.clear()
        self.arrived.clear()
        self.admitted.clear()
        self.preemptions.clear()
        self.cancelled.clear()
        self.finished_ids.clear()
        for request in checkpoint.requests:
            request_id = request.request_id
            self.requests[request_id] = request
            if self.kv.table_of(request_id):
                self.running.append(request)
                self.computed[request_id] = checkpoint.computed[request_id]
            else:
                self.waiting.append(request)
