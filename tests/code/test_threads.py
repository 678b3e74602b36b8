"""Which functions run on a plain thread and nowhere else."""

import pytest

from llmlint.code.domain.threads import runs_on_a_thread
from tests.code.linking import function, link

THREADS = """
import threading

def periodically(work, every):
    work()

def on_a_thread(work, every):
    threading.Thread(target=periodically, args=(work, every)).start()

def at_once(work):
    work()

class Worker:
    def start(self):
        threading.Thread(target=self.plain).start()
        on_a_thread(self.handed_on, 5)
        threading.Thread(target=self.both).start()
        at_once(self.both)
        threading.Thread(target=self.called).start()
        at_once(self.only_called)

    def plain(self):
        self.helper()

    def helper(self):
        pass

    def handed_on(self):
        pass

    def both(self):
        pass

    def called(self):
        pass

    def only_called(self):
        pass

    async def serve(self):
        self.called()
"""


@pytest.mark.parametrize(
    ("name", "on_a_thread"),
    [
        ("plain", True),
        ("helper", True),
        ("handed_on", True),
        ("both", False),
        ("called", False),
        ("only_called", False),
        ("serve", False),
    ],
)
def test_a_function_of_threads_is_handed_to_them_alone(name: str, on_a_thread: bool) -> None:
    program = link({"a.py": THREADS})
    assert runs_on_a_thread(program, function(program, f"Worker.{name}")) == on_a_thread
