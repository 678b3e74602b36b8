"""Two threads that use one table under its lock, and one of them sometimes without. Prints seconds.

There is nothing between the uses: what a use costs when it is watched shows as it would nowhere else.
"""

from __future__ import annotations

import sys
import threading
import time


class Table:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries: dict[int, int] = {}

    def put(self, number: int) -> None:
        with self.lock:
            if number not in self.entries:
                self.entries[number] = number

    def drop(self, number: int) -> None:
        with self.lock:
            self.entries.pop(number, None)

    def size(self) -> int:
        return len(self.entries)


def use(table: Table, rounds: int) -> None:
    for number in range(rounds):
        table.put(number)
        table.drop(number)
        table.size()


def main(rounds: int) -> None:
    table = Table()
    start = time.perf_counter()
    thread = threading.Thread(target=use, args=(table, rounds))
    thread.start()
    use(table, rounds)
    thread.join()
    print(time.perf_counter() - start)


if __name__ == "__main__":
    import sharing_workload

    sharing_workload.main(int(sys.argv[1]))
