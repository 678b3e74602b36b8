"""A process of its own makes small pictures of large ones: what it is given may be its death."""

import multiprocessing
import queue
import signal

SIDE = 256
MOST = 1 << 19
"""Bytes of a picture for which there is memory."""


class Thumbnails:
    def __init__(self) -> None:
        self.process = None

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pictures, self.thumbnails = context.Queue(), context.Queue()
        self.pictures.cancel_join_thread()
        self.process = context.Process(target=work, args=(self.pictures, self.thumbnails), daemon=True)
        self.process.start()

    def make(self, picture: bytes) -> bytes:
        if self.process is None or not self.process.is_alive():
            self.start()
        self.pictures.put(picture)
        while True:
            try:
                return self.thumbnails.get(timeout=0.1)
            except queue.Empty:
                if not self.process.is_alive():
                    raise ValueError("the picture is too large") from None


def work(pictures, thumbnails) -> None:
    while True:
        picture = pictures.get()
        if len(picture) > MOST:
            signal.raise_signal(signal.SIGKILL)  # as the kernel does when there is no memory left
        thumbnails.put(picture[:: max(1, len(picture) // SIDE)])
