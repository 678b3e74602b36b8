"""What is done to memory on two streams, in graphs, between host and device, and comes out right.

Where there is no device, torch's streams of the host and its own registries stand for it; `Hooks` says what a device's
driver would.
"""

import torch

if not torch.cuda.is_available():
    below = torch.cuda.CUDAGraph.__mro__[1]
    below.__new__ = lambda cls, *args: object.__new__(cls)
    below.__init__ = lambda self, *args: None
    below.capture_begin = below.capture_end = below.replay = lambda self, *args, **named: None

STEPS = 20


class Hooks:
    def __init__(self):
        from torch.cuda import _gpu_trace

        self.trace = _gpu_trace
        self.event = 0

    def record(self, stream):
        self.event += 1
        self.trace.EventCreationCallbacks.fire_callbacks(self.event)
        self.trace.EventRecordCallbacks.fire_callbacks(self.event, id(stream))
        return self.event

    def wait(self, stream, event):
        self.trace.EventWaitCallbacks.fire_callbacks(event, id(stream))

    def synchronize(self, stream):
        self.trace.StreamSynchronizationCallbacks.fire_callbacks(id(stream))


class TwoStreams:
    def __init__(self):
        self.hooks = Hooks()
        self.main, self.side = torch.cpu.Stream(), torch.cpu.Stream()


class Columns(TwoStreams):
    """Each stream writes columns of its own, which lie between those of the other."""

    def __init__(self):
        super().__init__()
        self.out = torch.zeros(8, 8)

    def step(self, number):
        with torch.cpu.stream(self.main):
            self.left(number)
        with torch.cpu.stream(self.side):
            self.right(number)

    def left(self, number):
        self.out[:, :4].fill_(number)

    def right(self, number):
        self.out[:, 4:].fill_(number)


class Halves(TwoStreams):
    """Each stream has half of one buffer."""

    def __init__(self):
        super().__init__()
        self.out = torch.zeros(16)

    def step(self, number):
        with torch.cpu.stream(self.main):
            self.first(number)
        with torch.cpu.stream(self.side):
            self.second(number)

    def first(self, number):
        self.out[:8].fill_(number)

    def second(self, number):
        self.out[8:].fill_(number)


class Readers(TwoStreams):
    """Both read what was written before either began."""

    def __init__(self):
        super().__init__()
        self.table = torch.ones(16)
        self.hooks.synchronize(self.main)

    def step(self, number):
        with torch.cpu.stream(self.main):
            self.look()
        with torch.cpu.stream(self.side):
            self.look()

    def look(self):
        return self.table * 2


class ByWay(TwoStreams):
    """A third stream hands on what the first has done."""

    def __init__(self):
        super().__init__()
        self.third = torch.cpu.Stream()
        self.out = torch.zeros(8)

    def step(self, number):
        self.hooks.wait(self.main, self.hooks.record(self.side))
        with torch.cpu.stream(self.main):
            self.out.fill_(number)
        self.hooks.wait(self.third, self.hooks.record(self.main))
        self.hooks.wait(self.side, self.hooks.record(self.third))
        with torch.cpu.stream(self.side):
            return self.use()

    def use(self):
        return self.out * 2


class Once(TwoStreams):
    """An event is recorded for whoever may want it; the host waits for the stream instead."""

    def __init__(self):
        super().__init__()
        self.out = torch.zeros(8)

    def step(self, number):
        with torch.cpu.stream(self.side):
            self.fill(number)
        self.hooks.record(self.side)
        self.hooks.synchronize(self.side)
        with torch.cpu.stream(self.main):
            self.out.add_(1)
        self.hooks.wait(self.side, self.hooks.record(self.main))

    def fill(self, number):
        self.out.fill_(number)


class Buffered:
    """Its graph reads a buffer of its own; what was asked for last is remembered beside it."""

    def __init__(self):
        self.static = torch.zeros(4)
        self.hidden = self.static

    def record(self):
        self.hidden = torch.ones(4)
        self.graph = torch.cuda.CUDAGraph()
        self.graph.capture_begin()
        self.scores = self.static * 2
        self.graph.capture_end()

    def run(self, hidden):
        self.hidden = hidden
        self.static.copy_(hidden)
        self.graph.replay()


class Several:
    """Another of its kind is given another tensor; its own is what it was."""

    def __init__(self):
        self.hidden = torch.zeros(4)

    def record(self):
        self.graph = torch.cuda.CUDAGraph()
        self.graph.capture_begin()
        self.scores = self.hidden * 2
        self.graph.capture_end()

    def bind(self, hidden):
        self.hidden = hidden

    def run(self):
        self.graph.replay()


class Again:
    """Bound anew, it records anew."""

    def __init__(self):
        self.hidden = torch.zeros(4)

    def record(self):
        self.graph = torch.cuda.CUDAGraph()
        self.graph.capture_begin()
        self.scores = self.hidden * 2
        self.graph.capture_end()

    def run(self, hidden):
        self.hidden = hidden
        self.record()
        self.graph.replay()


class Warmed:
    """Its first steps are measured one by one, the others are not."""

    def __init__(self):
        self.scores = torch.ones(4).sum()

    def step(self, number):
        return self.measure(self.scores if number < 10 else number)

    def measure(self, value):
        return float(value)


class Logged:
    """The line runs in each step; a tensor comes by it in one of fifty."""

    def __init__(self):
        self.scores = torch.ones(4).sum()

    def step(self, number):
        return self.log(self.scores if number % 50 == 0 else 0)

    def log(self, value):
        return float(value)


class ToTheSame:
    """Does not leave its device."""

    def __init__(self):
        self.device = torch.device("meta")

    def step(self, number):
        return self.move(torch.empty(4, device=self.device))

    def move(self, there):
        return there.to(self.device, non_blocking=True)


class Small:
    """Sizes for which a device's allocator hands out the same block."""

    def step(self, number):
        return self.make(1 + number % 16)

    def make(self, length):
        return torch.zeros(length)


class AtFirst:
    """One of each size, made as it is met first, and kept."""

    def __init__(self):
        self.made = {}

    def step(self, number):
        return self.make(256 * (1 + number % 16))

    def make(self, length):
        if length not in self.made:
            self.made[length] = torch.zeros(length)
        return self.made[length]


def races():
    for kind in (Columns, Halves, Readers, ByWay, Once):
        one = kind()
        for number in range(STEPS):
            one.step(number)


def graphs():
    buffered, again = Buffered(), Again()
    buffered.record()
    again.record()
    several, other = Several(), Several()
    several.record()
    other.record()
    for number in range(STEPS):
        buffered.run(torch.full((4,), float(number)))
        again.run(torch.full((4,), float(number)))
        other.bind(torch.full((4,), float(number)))
        several.run()


def waits():
    kinds = Warmed(), Logged()
    for number in range(600):
        for one in kinds:
            one.step(number)


def copies():
    one = ToTheSame()
    for number in range(600):
        one.step(number)


def rooms():
    kinds = Small(), AtFirst()
    for number in range(200):
        for one in kinds:
            one.step(number)
