"""The traced program does what it does untraced: output, stderr, exit code, signals."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from blocks import BLOCKS
from tracing import NO_PAGES, PROGRAMS, finding, python_called, run_program, verdicts

from llmlint.dynamic.read import read_run
from llmlint.dynamic.record import Recorder
from llmlint.runtime.block import Block, Target, Watch
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare

KINDS = (
    "plain", "static", "of_class", "prop", "cached", "decorated", "coroutine", "stream", "generate", "fails", "looks",
)  # fmt: skip
WATCH_ALL_KINDS = finding(
    "request-state-leak",
    Block(targets=tuple(Target(f"Kinds.{name}", "enter", entity="key") for name in KINDS)),
    path="kinds.py",
)
LEAK = finding("request-state-leak", BLOCKS["request-state-leak"][1])


PYTHONS = ["python", *(f"3.{minor}" for minor in range(10, 15) if python_called(f"3.{minor}"))]


@pytest.fixture
def python(request: pytest.FixtureRequest) -> str:
    return sys.executable if request.param == "python" else str(python_called(request.param))


of_every_python = pytest.mark.parametrize("python", PYTHONS, indirect=True)


def untraced(*arguments: str, python: str = sys.executable, bugs: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "BUGS": bugs}
    env.pop("PYTHONPATH", None)
    return subprocess.run([python, *arguments], cwd=PROGRAMS, env=env, capture_output=True, text=True, timeout=120)


def same(one: subprocess.CompletedProcess[str], other: subprocess.CompletedProcess[str]) -> bool:
    return (one.returncode, one.stdout, one.stderr) == (other.returncode, other.stdout, other.stderr)


@of_every_python
def test_functions_of_every_kind_are_watched_and_stay_what_they_are(python: str, tmp_path: Path) -> None:
    command = ("-W", "always", "run_kinds.py")
    done, run = run_program(tmp_path, [WATCH_ALL_KINDS], *command, python=python)
    assert same(done, untraced(*command, python=python)), (done.stdout, done.stderr)
    assert done.returncode == 1
    assert "KeyError: 'm'" in done.stderr
    process = run.processes[0]
    watched = {record["qualname"] for record in process.patched}
    assert watched == {f"Kinds.{name}" for name in KINDS if name != "looks"} | {"Later.plain"}
    assert [miss["why"] for miss in process.misses] == ["it looks at its own variables by locals()"]
    calls = {record["qualname"]: process.counters[record["slot"]] for record in process.patched}
    assert all(calls.values()), calls
    assert process.faults == 0


REPEATS = ("plain", "falls_off_its_end", "closure", "counts", "gives_back", "fails", "coroutine", "stream", "generate")
UNDER_WAY = finding(
    "request-state-leak",
    Block(
        targets=tuple(
            Target(f"Repeats.{name}", "enter", entity="request.request_id" if name == "plain" else "request_id")
            for name in REPEATS
        ),
    ),
    path="repeats.py",
)


@of_every_python
def test_calls_about_a_request_that_is_known_run_as_if_nobody_watched(python: str, tmp_path: Path) -> None:
    run_repeats = ("-c", "import repeats; repeats.main()")
    done, run = run_program(tmp_path, [UNDER_WAY], *run_repeats, python=python, env={"LLMLINT_TICK": "60"})
    assert same(done, untraced(*run_repeats, python=python)), (done.stdout, done.stderr)
    process = run.processes[0]
    assert process.faults == 0
    told = {record["qualname"].split(".")[1]: process.counters[record["slot"]] for record in process.patched}
    assert all(1 <= count < 20 for count in told.values()), told
    assert process.states[next(iter(process.states))]["entered"] == 1


def test_a_tuple_that_is_being_filled_is_left_alone_by_the_search_for_objects(tmp_path: Path) -> None:
    none_yet = finding(
        "request-state-leak",
        Block(
            targets=(Target("Scheduler.add", "insert", entity="request_id"),),
            watch=(Watch("requests", owner="Scheduler"),),
        ),
        path="tuples.py",
    )
    done, _ = run_program(tmp_path, [none_yet], "tuples.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


@pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")
def test_no_graph_of_torch_is_broken(tmp_path: Path) -> None:
    names = ("Layer.scaled", "Layer.forward", "halved", "Scheduler.add")
    targets = tuple(Target(name, "enter", entity="request_id") for name in names)
    watched = finding("request-state-leak", Block(targets=targets), path="compiled.py")
    command = ("-c", "import compiled; compiled.main()")
    done, run = run_program(tmp_path, [watched], *command)
    assert (done.returncode, done.stdout) == (0, "[3.0, 3.0] [0.5, 0.5] a\n"), done.stderr
    assert [record["qualname"] for record in run.processes[0].patched] == ["Scheduler.add"]
    assert {miss["qualname"] for miss in run.processes[0].misses} == set(names) - {"Scheduler.add"}


@pytest.mark.parametrize("way", ["fork", "mp-fork", "mp-spawn", "mp-forkserver", "subprocess"])
def test_children_are_followed(way: str, tmp_path: Path) -> None:
    done, run = run_program(tmp_path, [LEAK], "processes.py", way, bugs="abort")
    assert same(done, untraced("processes.py", way, bugs="abort")), done.stderr
    found = verdicts([LEAK], run)[0]
    assert found.status == "confirmed", found
    assert f"process {run.processes[0].pid}" not in found.evidence[-1]


@pytest.mark.parametrize("way", ["kill", "_exit", "asked", "sigterm", "sigint", "exec", "threads", "meta_path"])
def test_however_a_program_ends_what_was_seen_is_kept(way: str, tmp_path: Path) -> None:
    done, run = run_program(tmp_path, [LEAK], "processes.py", way, bugs="abort")
    assert same(done, untraced("processes.py", way, bugs="abort")), done.stderr
    assert verdicts([LEAK], run)[0].status == "confirmed"


@of_every_python
def test_no_python_warns_of_forks_beside_the_tracers_thread(python: str, tmp_path: Path) -> None:
    command = ("-W", "always", "processes.py", "fork-twice")
    done, run = run_program(tmp_path, [LEAK], *command, python=python, bugs="abort")
    assert same(done, untraced(*command, python=python, bugs="abort")), done.stderr
    assert verdicts([LEAK], run)[0].status == "confirmed"


@pytest.mark.parametrize("way", ["_exit", "asked", "sigterm", "sigint", "exec"])
def test_a_service_that_leaves_by_its_own_doing_has_ended(way: str, tmp_path: Path) -> None:
    _, run = run_program(tmp_path, [LEAK], "processes.py", way)
    assert [process.ended_cleanly for process in run.processes if process.loaded] == [True]
    assert verdicts([LEAK], run)[0].status == "refuted"


def test_what_was_said_last_is_there_whole_however_often_it_was_said(tmp_path: Path) -> None:
    recorder = Recorder(str(tmp_path))
    recorder.write("head", pid=os.getpid())
    for count in range(1, 3000):
        recorder.write_states({"finding": {"count": count, "samples": ["long" * (count % 50)]}}, cost={}, last=False)
    (file,) = tmp_path.glob("*.state")
    assert file.stat().st_size < 4096
    assert read_run(str(tmp_path)).processes[0].states["finding"]["count"] == 2999
    whole = file.read_bytes()
    file.write_bytes(whole[:64] + bytes(32) + whole[96:])  # a process killed while it wrote
    assert read_run(str(tmp_path)).processes[0].states["finding"]["count"] >= 2998


def test_a_process_with_nothing_to_watch_makes_no_file(tmp_path: Path) -> None:
    done, run = run_program(tmp_path, [LEAK], "-c", "import json, sys; print('_llmlint_dynamic' in sys.modules)")
    assert (done.stdout, run.processes) == ("False\n", [])
    assert {file.name for file in tmp_path.iterdir()} == {"plan.json", "secret", "wake"}


def test_a_killed_process_refutes_nothing(tmp_path: Path) -> None:
    _, run = run_program(tmp_path, [LEAK], "processes.py", "kill")
    found = verdicts([LEAK], run)[0]
    assert found.status == "exercised-clean"
    assert "did not end by itself" in found.summary


@pytest.mark.parametrize("way", ["isolated", "bare"])
@of_every_python
def test_a_child_that_was_not_reached_is_named(python: str, way: str, tmp_path: Path) -> None:
    done, run = run_program(tmp_path, [LEAK], "processes.py", way, python=python, bugs="abort")
    assert same(done, untraced("processes.py", way, python=python, bugs="abort"))
    found = verdicts([LEAK], run)[0]
    assert found.status == "not-exercised"
    assert "1 Python process was not traced" in found.summary


def test_programs_that_took_a_process_over_and_were_not_reached_are_named(tmp_path: Path) -> None:
    done, run = run_program(tmp_path, [LEAK], "processes.py", "in-place", bugs="abort")
    assert same(done, untraced("processes.py", "in-place", bugs="abort"))
    assert "2 Python processes were not traced" in verdicts([LEAK], run)[0].summary


@of_every_python
def test_a_child_that_was_not_reached_is_named_though_its_parent_has_nothing_to_watch(
    python: str, tmp_path: Path
) -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', 'print(1)'], check=True)"
    done, run = run_program(tmp_path, [LEAK], "-c", code, python=python)
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert len(run.untraced()) == 1


def test_a_child_that_was_reached_and_has_nothing_to_watch_is_no_lack(tmp_path: Path) -> None:
    _, run = run_program(tmp_path, [LEAK], "processes.py", "idle")
    found = verdicts([LEAK], run)[0]
    assert (found.status, len(run.processes), len(run.processes[0].children)) == ("refuted", 1, 1), found


def test_a_helper_of_the_standard_library_is_not_missed_whatever_options_python_has(tmp_path: Path) -> None:
    _, run = run_program(tmp_path, [LEAK], "-B", "-W", "ignore", "-X", "utf8", "processes.py", "mp-spawn")
    assert len(run.processes) == 2
    assert run.untraced() == []


def test_an_unwritable_folder_changes_nothing(tmp_path: Path) -> None:
    prepare(tmp_path, make_plan([LEAK], NO_PAGES, PROGRAMS))
    env = environment(tmp_path, base=os.environ)
    env["LLMLINT_TRACE"] = str(tmp_path / "gone")
    done = subprocess.run([sys.executable, "main.py"], cwd=PROGRAMS, env=env, capture_output=True, text=True)
    assert same(done, untraced("main.py"))


@pytest.mark.parametrize("limit", [0, 64, 4096, 200_000])
def test_a_disk_that_takes_no_more_changes_nothing_and_refutes_nothing(limit: int, tmp_path: Path) -> None:
    prepare(tmp_path, make_plan([LEAK], NO_PAGES, PROGRAMS))
    done = subprocess.run(
        [sys.executable, "main.py"],
        cwd=PROGRAMS,
        env=environment(tmp_path, base=os.environ),
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert same(done, untraced("main.py")), done.stderr


def test_a_sitecustomize_that_was_there_still_runs(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("print('site is customised')")
    prepare(tmp_path / "run", make_plan([LEAK], NO_PAGES, PROGRAMS))
    base = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-c", "import sys; print([path for path in sys.path if 'inject' in path])"],
        env=environment(tmp_path / "run", base=base), capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "site is customised\n[]\n"


def test_a_fault_in_a_probe_is_contained_and_counted(tmp_path: Path) -> None:
    broken = finding("request-state-leak", Block(targets=(Target("Faulty.add", "enter", entity="thing.name"),)))
    program = tmp_path / "programs"
    program.mkdir()
    (program / "engine.py").write_text(
        "class Thing:\n    @property\n    def name(self):\n        raise RuntimeError('no name')\n"
        "class Faulty:\n    def add(self, thing):\n        return 5\n"
    )
    (program / "main.py").write_text("import engine\nprint(engine.Faulty().add(engine.Thing()))\n")
    done, run = run_program(tmp_path / "run", [broken], programs=program)
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\n", "")
    assert run.processes[0].faults == 1
    assert "no name" in run.processes[0].tail["samples"][0]


def test_ids_are_hashed_unless_asked_for(tmp_path: Path) -> None:
    run_program(tmp_path / "hashed", [LEAK], bugs="abort")
    run_program(tmp_path / "raw", [LEAK], bugs="abort", env={"LLMLINT_IDS": "1"})
    texts = {
        name: "".join(file.read_text("latin-1") for file in (tmp_path / name).glob("p-*")) for name in ("hashed", "raw")
    }
    assert re.search(r"\bb\d+\b", texts["raw"])
    assert not re.search(r"\bb\d+\b", texts["hashed"])
