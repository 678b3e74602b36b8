"""A step that asks tensors for values: at some lines it is a bug, at others it is meant."""

import contextlib

import torch


@contextlib.contextmanager
def gpu_sync_allowed():
    yield


class Runner:
    def __init__(self):
        self.scale = torch.ones(4, 4)
        self.largest = self.scale.max().item()

    def step(self, number):
        logits = self.scale * number
        token = int(logits.argmax())
        self.warn(logits)
        with gpu_sync_allowed():
            self.report(logits)
        logits.sum().item()  # gpu-sync-ok: the client is told the score of each step
        return token

    def warn(self, logits):
        if logits.max() > 1e9:
            print("a large score")

    def report(self, logits):
        return logits.tolist()


class Sender:
    """Copies to a device: that of torch which has no memory stands for it."""

    def __init__(self):
        self.device = torch.device("meta")

    def step(self, number):
        lengths = torch.full((4,), number)
        return self.send(lengths), self.settle(lengths)

    def send(self, lengths):
        return lengths.to(self.device, non_blocking=True)

    def settle(self, lengths):
        return int(lengths.max())
