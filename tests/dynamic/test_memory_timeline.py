"""Memory over time, and the lines that hold more of it with each step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tracing import NO_PAGES, PROGRAMS, finding, verdicts

from llmlint.dynamic.oracles.allocators import largest_free
from llmlint.dynamic.oracles.tensors import Points, grows, held_in, sizes_in
from llmlint.dynamic.patching import load_probe
from llmlint.dynamic.read import read_run
from llmlint.findings import Verdict
from llmlint.runtime.block import Block, Target
from llmlint.runtime.device_watch import DeviceWatch, with_device_watch
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare
from llmlint.timelines import COLUMNS, Timeline

KIB, MIB = 1 << 10, 1 << 20


def trace(folder: Path, *options: str, bugs: str = "", program: tuple[str, ...] = ("stepping_main.py", "400")) -> str:
    """What the command wrote, and llmlint beside it. The program runs as ever."""
    command = [sys.executable, "-m", "llmlint", "trace", *options, "--out", str(folder), "--", sys.executable, *program]
    env = {**os.environ, "BUGS": bugs, "LLMLINT_TICK": "0.02"}
    done = subprocess.run(command, cwd=PROGRAMS, env=env, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    return done.stderr


def measured(folder: Path) -> dict[str, Any]:
    """The only timeline of a run on a machine without a device."""
    [timeline] = json.loads((folder / "memory.json").read_text())
    return dict(timeline)


def found(folder: Path) -> list[tuple[str, str, int, str]]:
    document = json.loads((folder / "findings.json").read_text())
    return [(one["rule"], one["path"], one["line"], one["verdict"]["status"]) for one in document["findings"]]


def column(timeline: dict[str, Any], name: str) -> list[int]:
    assert timeline["columns"] == list(COLUMNS)
    return [sample[COLUMNS.index(name)] for sample in timeline["samples"]]


def line_of(text: str) -> int:
    lines = (PROGRAMS / "stepping.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


# ------------------------------------------------------------ the allocator that is there


def test_a_heap_that_grows_is_drawn_growing_though_nobody_imports_torch(tmp_path: Path) -> None:
    trace(tmp_path / "run", "--memory-timeline", "--step", "stepping.py:Heap.step", bugs="grow")
    timeline = measured(tmp_path / "run")
    assert timeline["place"] == "host"
    assert max(column(timeline, "step")) > 100
    allocated, reserved = column(timeline, "allocated"), column(timeline, "reserved")
    assert max(allocated) - allocated[0] > 50 * 256 * KIB
    assert all(part <= whole for part, whole in zip(allocated, reserved, strict=True))
    assert all(0 < used <= total for used, total in zip(*(column(timeline, n) for n in ("used", "total")), strict=True))


HOLE = """
from llmlint.dynamic.oracles.allocators import readings
readings(None, "cuda", quiet=True)
pages = [bytearray(96 << 10) for _ in range(128)]  # each below what the C library maps by itself
del pages[:127]
[after] = readings(None, "cuda", quiet=True)
print(after.largest, after.reserved - after.allocated)
"""


def test_what_is_free_in_one_piece_is_told_of_the_host() -> None:
    """In a process of its own: the heap of the tests has holes that the pages would fill."""
    said = subprocess.run([sys.executable, "-c", HOLE], capture_output=True, text=True, check=True, timeout=60).stdout
    largest, free = map(int, said.split())
    assert 64 * 96 * KIB <= largest <= free


def test_without_steps_memory_is_sampled_by_time(tmp_path: Path) -> None:
    trace(tmp_path / "run", "--memory-timeline", program=("-c", "import time; time.sleep(0.5); print('done')"))
    assert len(measured(tmp_path / "run")["samples"]) >= 2
    assert found(tmp_path / "run") == []


def test_a_step_that_is_defined_nowhere_leaves_the_command_untraced(tmp_path: Path) -> None:
    said = trace(tmp_path / "run", "--memory-timeline", "--step", "stepping.py:Heap.stop")
    assert "runs untraced: --step stepping.py:Heap.stop: defined 0 times" in said


# ------------------------------------------------------------ tensors, with the torch that is there


def test_a_line_whose_tensors_stay_is_found_and_the_ones_that_let_go_are_not(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    step = ("--memory-timeline", "--step", "stepping.py:Model.step")
    trace(tmp_path / "leaks", *step, bugs="torch,retain")
    assert found(tmp_path / "leaks") == [("LLM105", "stepping.py", line_of("torch.relu("), "confirmed")]
    trace(tmp_path / "clean", *step, bugs="torch")
    assert found(tmp_path / "clean") == []
    holders = {one["place"]: one["grows"] for one in measured(tmp_path / "leaks")["holders"]}
    assert [name.rpartition("/")[2] for name, grown in holders.items() if grown] == [
        f"stepping.py:{line_of('torch.relu(')} Model.project"
    ]


def test_a_graph_is_compiled_once_whether_its_steps_are_recorded_or_not(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    program = ("-c", "import compiled_steps; compiled_steps.main()")
    trace(tmp_path / "run", "--memory-timeline", "--step", "compiled_steps.py:step", program=program)
    assert measured(tmp_path / "run")["holders"] or measured(tmp_path / "run")["sizes"]


def judged(folder: Path, bugs: str, device: str) -> Verdict:
    pytest.importorskip("torch")
    at = line_of("room = self.torch.ones")
    one = finding("hot-path-allocation", Block((Target("Masks.build", "scope"),)), "stepping.py", "Masks.build", at)
    prepare(folder, with_device_watch(make_plan([one], NO_PAGES, PROGRAMS), DeviceWatch(device=device), PROGRAMS))
    env = environment(folder, base={**os.environ, "BUGS": f"torch,masks,{bugs}", "LLMLINT_TICK": "0.02"})
    program = [sys.executable, "stepping_main.py", "200"]
    done = subprocess.run(program, cwd=PROGRAMS, env=env, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    return verdicts([one], read_run(str(folder)))[0]


def test_a_line_that_allocates_in_many_sizes_is_confirmed_and_one_of_a_single_size_is_not(tmp_path: Path) -> None:
    varied = judged(tmp_path / "varied", "varied", "cpu")
    assert varied.status == "confirmed", varied
    assert "in 16 sizes, 1024 to 262144 bytes" in varied.summary
    assert judged(tmp_path / "same", "", "cpu").status == "exercised-clean"
    assert judged(tmp_path / "elsewhere", "varied", "cuda").status == "not-exercised"


# ------------------------------------------------------------ a device, from its allocator's own words

SNAPSHOT: dict[str, Any] = {
    "segments": [
        {
            "device": 0, "address": 0, "total_size": 8 * MIB, "allocated_size": 5 * MIB, "stream": 0,
            "segment_type": "large",
            "blocks": [
                {"size": 2 * MIB, "state": "active_allocated", "frames": [
                    {"filename": "/venv/torch/nn/functional.py", "line": 9, "name": "linear"},
                    {"filename": "/srv/engine/model.py", "line": 31, "name": "forward"},
                ]},
                {"size": 1 * MIB, "state": "inactive", "frames": []},
                {"size": 3 * MIB, "state": "active_allocated", "frames": [
                    {"filename": "/srv/engine/cache.py", "line": 12, "name": "grow"},
                ]},
                {"size": 2 * MIB, "state": "inactive", "frames": []},
            ],
        },
        {"device": 1, "address": 9, "total_size": 4 * MIB, "blocks": [{"size": 4 * MIB, "state": "inactive"}]},
    ],
    "device_traces": [[
        {"action": "segment_alloc", "addr": 0, "size": 8 * MIB, "stream": 0, "frames": []},
        {"action": "alloc", "addr": 0, "size": 512, "stream": 0, "frames": [
            {"filename": "/srv/engine/model.py", "line": 31, "name": "forward"}]},
        {"action": "alloc", "addr": 512, "size": 1024, "stream": 0, "frames": [
            {"filename": "/srv/engine/model.py", "line": 31, "name": "forward"}]},
        {"action": "free_completed", "addr": 512, "size": 1024, "stream": 0, "frames": []},
    ]],
}  # fmt: skip
"""Written by hand, in the form that PyTorch documents as "Snapshot API Reference"; no device has made it."""


def test_of_a_snapshot_the_largest_free_block_of_each_device_is_told() -> None:
    assert largest_free(SNAPSHOT["segments"], 0) == 2 * MIB
    assert largest_free(SNAPSHOT["segments"], 1) == 4 * MIB


def test_blocks_of_a_snapshot_belong_to_the_innermost_line_that_is_not_torch() -> None:
    assert held_in(SNAPSHOT["segments"], "/venv/torch") == {
        "/srv/engine/model.py:31 forward": (1, 2 * MIB),
        "/srv/engine/cache.py:12 grow": (1, 3 * MIB),
    }
    told = sizes_in(SNAPSHOT["device_traces"], "/venv/torch")["/srv/engine/model.py:31 forward"]
    assert (told["allocations"], told["sizes"], told["least"], told["most"]) == (2, 2, 512, 1024)


# ------------------------------------------------------------ growth


def points(held: list[int]) -> list[list[int]]:
    kept = Points()
    for step, count in enumerate(held, 1):
        if kept.is_due(step):
            kept.add(step, {"line": (count, 8 * count)})
    return kept.by_site()["line"]


def test_growth_is_what_goes_on_after_the_set_up_and_never_gives_back() -> None:
    assert grows(points(list(range(1000)))) is not None
    assert grows(points([min(count, 200) for count in range(1000)])) is None, "it fills, and stays"
    assert grows(points([count % 37 for count in range(1000)])) is None, "it comes and goes"
    assert grows(points([5] * 1000)) is None
    assert grows(points([1, 2, 3])) is None, "that is no run"


def test_however_long_a_run_is_few_points_are_kept_and_evenly() -> None:
    kept = [step for step, *_ in points(list(range(20_000)))]
    assert 8 <= len(kept) <= 16
    assert len({after - before for before, after in pairwise(kept[1:])}) == 1


def test_a_thinned_timeline_keeps_its_end() -> None:
    whole = Timeline("process 1", "host", COLUMNS, [[float(n), n, 0, 0, 0, 0, 0] for n in range(1001)])
    thin = whole.thinned(100).samples
    assert len(thin) <= 101 and thin[0][0] == 0 and thin[-1][0] == 1000


def test_the_canaries_are_heard_with_torch_and_without() -> None:
    for name in ("memory-timeline", "hot-path-allocation"):
        assert load_probe(name).canary()  # type: ignore[attr-defined]
