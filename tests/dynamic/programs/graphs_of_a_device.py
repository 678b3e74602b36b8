"""A runner that records a graph and replays it. Where there is no device, torch's own class for graphs has nothing
below it: what its driver would do is put there."""

import os

import torch

BUGS = os.environ.get("BUGS", "").split(",")

if not torch.cuda.is_available():
    below = torch.cuda.CUDAGraph.__mro__[1]
    below.__new__ = lambda cls, *args: object.__new__(cls)
    below.__init__ = lambda self, *args: None
    below.capture_begin = below.capture_end = below.replay = lambda self, *args, **named: None


class Runner:
    def __init__(self):
        self.hidden = torch.zeros(4)
        self.graph = None

    def record(self):
        graph = torch.cuda.CUDAGraph()
        graph.capture_begin()
        self.scores = self.hidden * 2
        graph.capture_end()
        self.graph = graph

    def run(self, hidden):
        if "stale" in BUGS:
            self.hidden = hidden
        else:
            self.hidden.copy_(hidden)
        self.graph.replay()
        return self.scores
