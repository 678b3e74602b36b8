"""Functions of a module that keep what belongs to requests in its variables, and let go of it."""

import threading
import time

streams, jobs, recent, done = {}, {}, {}, []


def begin_stream(stream_id):
    """What is left by its client is taken out by a sweep, which comes late."""
    streams[stream_id] = 1


def end_stream(stream_id):
    del streams[stream_id]


def leave_stream(stream_id):
    done.append(stream_id)


def sweep():
    while True:
        time.sleep(0.7)
        while done:
            streams.pop(done.pop(), None)


def begin_job(task_id):
    """A job of another kind has the same number as a stream that ended."""
    jobs[task_id] = 1


def remember(stream_id):
    """The last that ended are kept on purpose, so many of them."""
    recent[stream_id] = 1
    while len(recent) > 32:
        recent.pop(next(iter(recent)))


def main():
    threading.Thread(target=sweep, daemon=True).start()
    for number in range(64):
        begin_job(number)
        begin_stream(number)
        (leave_stream if number % 3 else end_stream)(number)
        remember(f"s{number}")
        time.sleep(0.03)
    time.sleep(1)
