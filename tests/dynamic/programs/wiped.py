"""Requests whose ends are taken out at once, by the next step, or by nobody until a reset takes everything out."""

import time


class Core:
    def __init__(self):
        self.running = {}
        self.done = []

    def add(self, request_id):
        self.running[request_id] = 1

    def forget(self, request_id):
        """The bug: nobody takes it out."""

    def finish(self, request_id):
        del self.running[request_id]

    def put_off(self, request_id):
        self.done.append(request_id)

    def step(self):
        while self.done:
            self.running.pop(self.done.pop(), None)

    def reset(self):
        self.running.clear()


def work(end, entries, pause, is_reset, busy=0):
    core = Core()
    for number in range(busy):
        core.add(f"long {number}")
    for number in range(entries):
        core.add(f"r{number}")
        getattr(core, end)(f"r{number}")
        if number % 4 == 3:
            core.step()
            time.sleep(0.002 if busy else 0)
    time.sleep(pause)
    if is_reset:
        core.reset()
    for number in range(busy):
        getattr(core, end)(f"long {number}")
        core.step()
    time.sleep(0.3)
    return core
