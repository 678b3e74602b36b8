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
        self.requests = {}
        self.waiting = deque()
        self.running = []
        self.preempted = deque()
        self.computed: dict[str, int] = {}
        """How many tokens of a request the KV cache holds."""
        self.encoder_inputs: dict[str, tuple[str, ...]] = {}
        self.arrived: dict[str, float] = {}
        self.preemptions: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.finished_ids: dict[str, str] = {}
        """Requests that have ended, and why, until the engine has told their clients."""

    def add(self, request) -> None:
        self.requests[request.request_id] = request
        self.waiting.append(request)
        self.arrived[request.request_id] = time.monotonic()
        if request.images:
            self.encoder_inputs[request.request_id] = request.images

    def cancel(self, request_id: str) -> None:
        """Takes effect before the next step."""
        if request_id in self.requests:
            self.cancelled.add(request_id)

    def finish(self, request_id: str, reason: str) -> None:
        request = self.requests.pop(request_id)
        for queue in (self.waiting, self.running, self.preempted):
            if request in queue:
                queue.remove(request)
        self.kv.free(request_id)
        self.computed.pop(request_id, None)
        self.encoder_inputs.pop(request_id, None)
        self.arrived.pop(request_id, None)
        self.preemptions.pop(request_id, None)
        self.cancelled.discard(request_id)
        self.finished_ids[request_id] = reason

    def take_finished(self):
        while self.finished_ids:
            yield self.finished_ids.popitem()

    def schedule(self) -> list:
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
                self.computed[request.request_id] = known

    def _victim(self):
        """Whoever was preempted least and came last."""
        return min(
            self.running, key=lambda request: (self.preemptions.get(request.request_id, 0), -self.arrived[request.request_id])
        )

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
        self.encoder_inputs.clear()
        self.arrived.clear()
        self.preemptions.clear()
        self.cancelled.clear()
        self.finished_ids.clear()
        for request in checkpoint.requests:
            self._resume(request, checkpoint.computed.get(request.request_id, 0))

    def _resume(self, request, computed: int) -> None:
        self.add(request)
        if self.kv.table_of(request.request_id):
            self.running.append(self.waiting.pop())
            self.computed[request.request_id] = computed
