"""Under what services are run by, and on what they are made of, a traced program does what it does untraced."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from test_recording import free_port, is_up
from test_unchanged import LEAK, same, untraced
from tracing import NO_PAGES, PROGRAMS, finding, run_program, verdicts

from llmlint.dynamic.read import Run, read_run
from llmlint.findings import Finding
from llmlint.runtime.block import Block, Target, Watch
from llmlint.runtime.coverage import coverage_of
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare

SERVICES = ("engine.py", "wsgi_service.py", "asgi_service.py")


def asked(port: int, path: str = "/") -> int:
    """The process that answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    return int(connection.getresponse().read())


class Service:
    """A server that was started once as it is and once traced."""

    def __init__(self, folder: Path, *command: str, asked: Sequence[Finding] = (LEAK,), bugs: str = "abort") -> None:
        self.folder, self.command, self.bugs = folder, command, bugs
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in SERVICES:
            shutil.copy(PROGRAMS / name, self.programs)
        prepare(folder / "run", make_plan(asked, NO_PAGES, self.programs))

    def served(self, traced: bool, use: Callable[[int], None]) -> tuple[int, str]:
        """How it ended after SIGTERM, and what it said, without what differs from one time to the next."""
        port = free_port()
        base = {**os.environ, "BUGS": self.bugs, "LLMLINT_TICK": "0.02"}
        base.pop("PYTHONPATH", None)
        place = ("--port", str(port)) if "uvicorn" in self.command else ("--bind", f"127.0.0.1:{port}")
        command = [sys.executable, *self.command, *place]
        with subprocess.Popen(
            command, cwd=self.programs, env=environment(self.folder / "run", base=base) if traced else base,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as process:  # fmt: skip
            try:
                assert is_up(port)
                use(port)
                process.send_signal(signal.SIGTERM)
                said, _ = process.communicate(timeout=60)
            finally:
                process.kill()
        return process.returncode, _settled(said, port)

    def run(self) -> Run:
        return read_run(str(self.folder / "run"))


def _settled(said: str, port: int) -> str:
    """Workers say the same in any order."""
    said = re.sub(r"\[[\d: +-]+\] |\b\d{3,7}\b|127\.0\.0\.1:\d+", "#", said.replace(str(port), "PORT"))
    return "\n".join(sorted(said.splitlines()))


@pytest.mark.parametrize("preloaded", [(), ("--preload",)])
def test_gunicorns_workers_are_followed_and_final_when_its_master_is_asked_to_end(
    preloaded: tuple[str, ...], tmp_path: Path
) -> None:
    pytest.importorskip("gunicorn")
    service = Service(tmp_path, "-m", "gunicorn", "wsgi_service:application", "--workers", "2", *preloaded)
    answered: Counter[int] = Counter()

    def use(port: int) -> None:
        answered.clear()
        until = time.monotonic() + 30
        while len(answered) < 2 or min(answered.values()) < 20:
            assert time.monotonic() < until
            asked(port)
            answered[asked(port, "/abort")] += 1
        time.sleep(0.2)

    alone = service.served(False, use)
    assert service.served(True, use) == alone
    assert alone[0] == 0
    run = service.run()
    workers = [process for process in run.processes if process.pid in answered]
    assert len(workers) == 2
    assert all(process.ended_cleanly for process in run.processes), [p.label() for p in run.processes]
    assert run.untraced() == []
    (found,) = verdicts([LEAK], run)
    assert found.status == "confirmed", found
    for worker in workers:
        assert worker.states[LEAK.fingerprint]["left"]["progress"] > 0
        called = {record["qualname"] for record in worker.patched if worker.counters[record["slot"]]}
        assert called >= {"Scheduler.add", "Scheduler.finish", "Scheduler.abort"}, "also where it was forked"
    assert "never called" not in coverage_of([], [run])


def test_uvicorn_reloads_and_the_new_child_is_watched(tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    service = Service(tmp_path, "-m", "uvicorn", "asgi_service:application", "--reload", "--no-access-log")
    answered: list[int] = []

    def use(port: int) -> None:
        answered[:] = [asked(port, "/abort")]
        until = time.monotonic() + 30
        time.sleep(1.0)  # the reloader takes the first look at a file for what it was
        while asked_or_none(port) in (None, answered[0]):
            assert time.monotonic() < until, "it never reloaded"
            (service.programs / "engine.py").touch()
            time.sleep(0.3)
        answered.append(asked(port))
        for number in range(120):
            asked(port, "/abort" if number % 2 else "/")

    code, said = service.served(False, use)
    assert "Reloading..." in said
    again, said_traced = service.served(True, use)
    assert again == code
    assert set(said_traced.splitlines()) == set(said.splitlines())
    run = service.run()
    serving = {process.pid: process for process in run.processes if process.loaded}
    assert set(answered) <= set(serving)
    assert all(process.ended_cleanly for process in run.processes)
    assert serving[answered[-1]].states[LEAK.fingerprint]["left"]["progress"] > 0
    assert verdicts([LEAK], run)[0].status == "confirmed"


STALL = finding(
    "blocking-in-async",
    Block(targets=(Target("application", "scope"),)),
    path="asgi_service.py",
    symbol="application",
    line=1 + (PROGRAMS / "asgi_service.py").read_text().splitlines().index("        time.sleep(0.12)"),
)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize(
    ("bugs", "expected"), [("abort", ("confirmed", "confirmed")), ("", ("refuted", "exercised-clean"))]
)
def test_a_service_with_bugs_and_one_without_are_told_apart_on_either_loop(
    bugs: str, expected: tuple[str, str], loop: str, tmp_path: Path
) -> None:
    pytest.importorskip("uvicorn")
    pytest.importorskip(loop)
    command = ("-m", "uvicorn", "asgi_service:application", "--loop", loop)
    service = Service(tmp_path, *command, asked=(LEAK, STALL), bugs=bugs)

    def use(port: int) -> None:
        for number in range(120):
            asked(port, "/abort" if number % 2 else "/")
        for _ in range(3 if bugs else 0):
            asked(port, "/stall")

    assert service.served(True, use) == service.served(False, use)
    found = verdicts([LEAK, STALL], service.run())
    assert tuple(one.status for one in found) == expected, found


def asked_or_none(port: int) -> int | None:
    """None while nobody answers."""
    try:
        return asked(port)
    except (OSError, http.client.HTTPException):
        return None


@pytest.mark.parametrize("options", [(), ("-I",)])
def test_a_service_on_uvloop_and_the_children_that_its_loop_starts(options: tuple[str, ...], tmp_path: Path) -> None:
    pytest.importorskip("uvloop")
    names = ("Service.handle", "Service.stream")
    coroutines = Block(targets=tuple(Target(name, "enter", entity="request_id") for name in names))
    watched = [LEAK, finding("request-state-leak", coroutines, path="under_uvloop.py")]
    command = ("-c", "import under_uvloop as u; u.uvloop.run(u.main())", *options)
    done, run = run_program(tmp_path, watched, *command, bugs="abort")
    assert same(done, untraced(*command, bugs="abort")), (done.stdout, done.stderr)
    assert done.stdout.startswith("uvloop 160\n") and "a child" in done.stdout
    assert "RuntimeError: the end" in done.stderr
    (process,) = run.processes
    assert set(names) <= {record["qualname"] for record in process.patched}
    assert (process.faults, process.ended_cleanly, len(run.untraced())) == (0, True, len(options))
    assert verdicts([LEAK], run)[0].status == "confirmed"


VALIDATORS = ("checked", "filled", "named", "model_post_init", "told", "length")
MODELLED = [
    finding(
        "request-state-leak",
        Block(targets=tuple(Target(f"Request.{name}", "enter", entity="return") for name in VALIDATORS)),
        path="modelled.py",
    ),
    finding(
        "request-state-leak",
        Block(
            targets=(
                Target("Scheduler.add", "enter", entity="request.request_id"),
                Target("Scheduler.finish", "leave", entity="request_id", via="finish"),
                Target("Scheduler.abort", "leave", entity="request_id", via="abort"),
            ),
            watch=(Watch("progress", owner="Scheduler"),),
            needs={"settle_ms": 0},
        ),
        path="modelled.py",
    ),
]


def test_models_of_pydantic_validate_dump_and_compare_as_they_did(tmp_path: Path) -> None:
    pytest.importorskip("pydantic")
    command = ("-c", "import modelled; modelled.main()")
    done, run = run_program(tmp_path, MODELLED, *command, bugs="abort")
    assert same(done, untraced(*command, bugs="abort")), (done.stdout, done.stderr)
    assert "a token is below zero" in done.stderr
    (process,) = run.processes
    told = {record["qualname"]: process.counters[record["slot"]] for record in process.patched}
    assert all(told[f"Request.{name}"] for name in VALIDATORS), told
    assert (told["Scheduler.add"], told["Scheduler.finish"], told["Scheduler.abort"]) == (160, 80, 80)
    assert process.faults == 0
    assert verdicts(MODELLED, run)[1].status == "confirmed"


SCHEDULING = """
class Scheduler:
    def __init__(self):
        self.progress = {}
    def add(self, request_id):
        self.progress[request_id] = 1
    def finish(self, request_id):
        del self.progress[request_id]
    def abort(self, request_id):
        pass
"""
CALLER = """
import time
import scheduling
class Ours(scheduling.Scheduler):
    def abort(self, request_id):
        super().abort(request_id)
def serve(scheduler):
    for number in range(80):
        for kind in "ab":
            scheduler.add(f"{kind}{number}")
        scheduler.finish(f"a{number}")
        scheduler.abort(f"b{number}")
    return len(scheduler.progress)
def main():
    time.sleep(0.3)
    print(type(scheduling.Scheduler.add).__name__, serve(scheduling.Scheduler()), serve(Ours()))
    Ours().finish("none")
"""


def test_what_cython_compiled_is_said_to_be_and_a_python_class_over_it_is_watched(tmp_path: Path) -> None:
    pytest.importorskip("Cython")
    (tmp_path / "scheduling.py").write_text(SCHEDULING)
    (tmp_path / "caller.py").write_text(CALLER)
    cythonize = "from Cython.Build.Cythonize import main; main(['-i', '-3', 'scheduling.py'])"
    made = subprocess.run([sys.executable, "-c", cythonize], cwd=tmp_path, capture_output=True, text=True)
    if not list(tmp_path.glob("scheduling.*.so")):
        pytest.skip(f"needs a compiler: {made.stderr[-200:]}")
    targets = (
        Target("Scheduler.add", "enter", entity="request_id"),
        Target("Scheduler.abort", "leave", entity="request_id", via="abort"),
    )
    block = Block(targets=targets, watch=(Watch("progress", owner="Scheduler"),), needs={"settle_ms": 0})
    watched = [finding("request-state-leak", block, path="scheduling.py")]
    command = ("-c", "import caller; caller.main()")
    done, run = run_program(tmp_path / "run", watched, *command, programs=tmp_path)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    alone = subprocess.run([sys.executable, *command], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert same(done, alone), (done.stdout, done.stderr)
    assert done.stdout == "cython_function_or_method 80 80\n" and "KeyError: 'none'" in done.stderr
    (process,) = run.processes
    assert {record["qualname"]: process.counters[record["slot"]] for record in process.patched} == {"Ours.abort": 80}
    (found,) = verdicts(watched, run)
    assert found.status == "confirmed", found
    missed = {miss["qualname"]: miss["why"] for miss in process.misses}
    assert missed["Scheduler.add"] == "there is no Python function behind that name; it is compiled"


def test_what_a_run_only_forks_to_start_a_program_is_no_process_of_it(tmp_path: Path) -> None:
    """What runs there before it does is not the parent's either."""
    counted = []
    for before in ("os.setsid", "engine.serve"):
        start = f"subprocess.run(['true'], preexec_fn={before}, check=True)"
        code = f"import engine, os, subprocess; engine.serve(); {start}"
        _, run = run_program(tmp_path / before, [LEAK], "-c", code)
        (process,) = run.processes
        assert process.ended_cleanly
        assert verdicts([LEAK], run)[0].status == "refuted"
        counted.append([process.counters[record["slot"]] for record in process.patched])
    assert counted[0] == counted[1]


def test_tasks_and_actors_of_ray_do_what_they_did_and_are_watched_in_its_workers(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    command = ("-c", "import on_ray; on_ray.main()")
    done, run = run_program(tmp_path, [LEAK], *command, bugs="abort")
    assert same(done, untraced(*command, bugs="abort")), (done.stdout, done.stderr)
    assert done.stdout == "[60, 80]\n3240\nRayTaskError (KeyError('none'),)\n7 engine.py\n"
    workers = [process for process in run.processes if "default_worker.py" in " ".join(process.head["argv"])]
    assert len(workers) >= 3, "two tasks and an actor"
    assert all(process.loaded and not process.faults for process in run.processes)
    assert verdicts([LEAK], run)[0].status == "confirmed"
