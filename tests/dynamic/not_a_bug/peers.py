"""Waits that go on although some process is gone: it was not the one they wait for, or they end by themselves."""

import multiprocessing
import os
import queue
import subprocess
import sys
import threading
import time

PATIENCE = 2.0


def next_job(jobs):
    return jobs.get()


def answer_of(reader):
    return reader.recv()


def with_a_deadline(jobs):
    return jobs.get(timeout=600)


def joined(thread):
    thread.join(600)


def idle(jobs):
    """Waits for work, of which there is none for long; the tool that was asked at the start has ended."""
    while next_job(jobs) is not None:
        pass


def answer(writer):
    time.sleep(PATIENCE)
    writer.send("late")


def main():
    jobs, never = queue.Queue(), queue.Queue()
    threads = [threading.Thread(target=idle, args=(jobs,)), threading.Thread(target=with_a_deadline, args=(never,))]
    resting = threading.Thread(target=time.sleep, args=(PATIENCE,), daemon=True)
    resting.start()
    threads.append(threading.Thread(target=joined, args=(resting,)))
    for thread in threads:
        thread.daemon = True
        thread.start()
    subprocess.run([sys.executable, "-c", "import peers"], check=True)
    reader, writer = multiprocessing.get_context("fork").Pipe(duplex=False)
    child = os.fork()
    if not child:
        answer(writer)
        os._exit(0)
    answer_of(reader)
    os.waitpid(child, 0)
    time.sleep(PATIENCE)  # for the thread that waits for work goes on
