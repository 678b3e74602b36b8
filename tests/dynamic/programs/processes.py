"""The ways of making and leaving processes; the first argument picks one. Each serves requests in the child."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import engine


def forked() -> None:
    pid = os.fork()
    if pid == 0:
        engine.serve()
        os._exit(0)
    os.waitpid(pid, 0)


def forked_twice() -> None:
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    engine.serve()


def pool(method: str) -> None:
    process = multiprocessing.get_context(method).Process(target=engine.serve)
    process.start()
    process.join()
    sys.exit(process.exitcode)


def killed() -> None:
    engine.serve()
    time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


def left() -> None:
    engine.serve()
    sys.stdout.flush()
    os._exit(9)


def threads_of_its_own() -> None:
    import threading

    engine.serve()
    print(threading.active_count(), [thread.name for thread in threading.enumerate()])


def replaces_meta_path() -> None:
    sys.meta_path[:] = [finder for finder in sys.meta_path if "llmlint" not in type(finder).__module__]
    del sys.modules["engine"]
    again = importlib.import_module("engine")
    time.sleep(0.5)
    again.serve()


def isolated() -> None:
    code = "import sys; sys.path.insert(0, '.'); import engine; engine.serve()"
    subprocess.run([sys.executable, "-I", "-c", code], check=True)


WAYS = {
    "fork": forked,
    "fork-twice": forked_twice,
    "mp-fork": lambda: pool("fork"),
    "mp-spawn": lambda: pool("spawn"),
    "mp-forkserver": lambda: pool("forkserver"),
    "subprocess": lambda: sys.exit(subprocess.run([sys.executable, "main.py"]).returncode),
    "kill": killed,
    "_exit": left,
    "threads": threads_of_its_own,
    "meta_path": replaces_meta_path,
    "isolated": isolated,
}

if __name__ == "__main__":
    WAYS[sys.argv[1]]()
