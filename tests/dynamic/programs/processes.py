"""The ways of making and leaving processes; the first argument picks one. Each serves requests in the child."""

from __future__ import annotations

import _thread
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
    time.sleep(2)
    os.kill(os.getpid(), signal.SIGKILL)


def left() -> None:
    engine.serve()
    sys.stdout.flush()
    os._exit(9)


def asked_to_end() -> None:
    """As uvicorn does it: cleans up, and raises the signal again with nobody to hear it."""
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    engine.serve()
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.raise_signal(asked[0])


def kills_itself() -> None:
    engine.serve()
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGTERM)


def interrupted() -> None:
    engine.serve()
    sys.stdout.flush()
    _thread.interrupt_main()
    time.sleep(5)


def makes_way() -> None:
    engine.serve()
    sys.stdout.flush()
    try:
        os.execv("/none/such", ["such"])
    except OSError:
        print("goes on")
    os.execv(sys.executable, [sys.executable, "-c", "print('in its place')"])


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


def bare() -> None:
    """With nothing of what the run gave it."""
    code = "import sys; sys.path.insert(0, '.'); import engine; engine.serve()"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], env={"BUGS": os.environ["BUGS"]}, check=True)


def put_in_its_place() -> None:
    code = "import sys; sys.path.insert(0, '.'); import engine; engine.serve()"
    os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-I", "-c", code])
    os.execv(sys.executable, [sys.executable, "-I", "-c", code])


def idle() -> None:
    engine.serve()
    subprocess.run([sys.executable, "-Bc", "print('nothing to do with an engine')"], check=True)


WAYS = {
    "fork": forked,
    "fork-twice": forked_twice,
    "mp-fork": lambda: pool("fork"),
    "mp-spawn": lambda: pool("spawn"),
    "mp-forkserver": lambda: pool("forkserver"),
    "subprocess": lambda: sys.exit(subprocess.run([sys.executable, "main.py"]).returncode),
    "kill": killed,
    "_exit": left,
    "asked": asked_to_end,
    "sigterm": kills_itself,
    "sigint": interrupted,
    "exec": makes_way,
    "threads": threads_of_its_own,
    "meta_path": replaces_meta_path,
    "isolated": isolated,
    "bare": bare,
    "idle": idle,
    "in-place": put_in_its_place,
}

if __name__ == "__main__":
    WAYS[sys.argv[1]]()
