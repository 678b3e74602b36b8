"""`python -m llmlint`, and `llmlint` as it is installed."""

import gc
import os
import sys

LIVING_ON = frozenset({"lsp", "server", "trace", "attach", "record", "verify", "issues"})
"""Commands that go on for long. The others end before garbage is worth collecting."""


def run() -> None:
    """The process is there for this command alone."""
    try:
        from llmlint.cli import main
        from llmlint.ending import run_and_leave
    except (ImportError, MemoryError, OSError) as error:  # of too little memory, or too few files
        os.write(2, f"llmlint: cannot be started: {type(error).__name__} {str(error)!a}\n".encode())
        os._exit(3)
    if LIVING_ON.isdisjoint(sys.argv[1:2]):
        gc.disable()
    run_and_leave(main)


if __name__ == "__main__":
    if not sys.flags.safe_path and sys.path[0] == os.getcwd():  # the folder that is scanned is none to import from
        del sys.path[0]
    run()
