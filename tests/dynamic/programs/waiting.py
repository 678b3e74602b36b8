"""A parent that waits for the first word of a child which takes for ever to load.

BUGS=recv: it waits without end, with the child's end of the pipe open here as well. BUGS=limit: it waits for three
seconds. Otherwise it looks between waits whether the child is alive.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import time
from multiprocessing.connection import Connection
from typing import Any

BUGS = os.environ.get("BUGS", "")


def load(writer: Connection, answers: Any) -> None:
    time.sleep(60)
    writer.send("ready")


def wait_for_ever(reader: Connection) -> Any:
    return reader.recv()


def wait_and_look(reader: Connection, process: Any) -> Any:
    while not reader.poll(0.2):
        if not process.is_alive():
            raise RuntimeError("the child has died")
    return reader.recv()


def wait_with_limit(answers: Any) -> Any:
    return answers.get(
        timeout=3,
    )


def launch() -> str:
    context = multiprocessing.get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    answers = context.Queue()
    process = context.Process(target=load, args=(writer, answers), daemon=True)
    process.start()
    try:
        if BUGS == "recv":
            return str(wait_for_ever(reader))
        if BUGS == "limit":
            return str(wait_with_limit(answers))
        return str(wait_and_look(reader, process))
    except (RuntimeError, queue.Empty) as error:
        time.sleep(1.5)
        return f"gave up: {error}"
    finally:
        process.kill()


if __name__ == "__main__":
    import waiting

    print(waiting.launch())
