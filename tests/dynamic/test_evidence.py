"""What torch itself writes of a run, joined to findings: dumps of its flight recorder, snapshots of memory."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tracing import PROGRAMS, finding

from llmlint.catalogue import load_catalogue
from llmlint.dynamic.oracles.collectives import divergences
from llmlint.findings import Finding
from llmlint.runtime.block import Block, Target
from llmlint.runtime.evidence import Evidence
from llmlint.runtime.flight_recorder import read_dumps
from llmlint.runtime.memory_snapshots import read_snapshot, timelines_in
from llmlint.runtime.plain_pickles import NotPlain, read_pickle

# ------------------------------------------------------------ pickles of others


class Boom:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (os.system, ("touch /tmp/it-ran",))


@pytest.mark.parametrize("thing", [Boom(), {"entries": [Boom()]}, Path("x"), ValueError("x"), {1: {2: print}}])
def test_a_pickle_that_asks_for_anything_but_plain_data_is_refused_before_it_runs(tmp_path: Path, thing: Any) -> None:
    file = tmp_path / "dump_0"
    file.write_bytes(pickle.dumps(thing))
    with pytest.raises(NotPlain):
        read_pickle(file)
    assert not Path("/tmp/it-ran").exists()


def test_what_is_torn_or_no_pickle_at_all_is_told(tmp_path: Path) -> None:
    file = tmp_path / "dump_0"
    for data in (b"", b"hello", pickle.dumps({"entries": list(range(1000))})[:-7], b"\x80\x04\x95" + b"\xff" * 40):
        file.write_bytes(data)
        with pytest.raises(NotPlain):
            read_pickle(file)


def test_plain_data_comes_back_as_it_was(tmp_path: Path) -> None:
    data = {"a": [1, 2.5, None, True, ("x", b"y")], 3: {"b": "c"}}
    (tmp_path / "plain").write_bytes(pickle.dumps(data))
    assert read_pickle(tmp_path / "plain") == data


# ------------------------------------------------------------ the flight recorder, by torch itself (gloo, on the host)


def recorded(folder: Path, *switches: str) -> list[Path]:
    """The dumps of two real ranks."""
    pytest.importorskip("torch")
    env = {**os.environ, "TORCH_FR_BUFFER_SIZE": "200"}
    ranks = [
        subprocess.Popen(
            [sys.executable, "recorded_ranks.py", str(rank), str(folder / "store"), str(folder), *switches],
            cwd=PROGRAMS,
            env=env,
        )
        for rank in (0, 1)
    ]
    assert [rank.wait(timeout=120) for rank in ranks] == [0, 0]
    return [folder / "dump_0", folder / "dump_1"]


def divergent(symbol: str) -> Finding:
    block = Block(targets=(Target(symbol, "scope"),))
    one = finding("rank-divergent-collective", block, "recorded_ranks.py", symbol)
    return msgspec.structs.replace(one, rule="LLM702")


def test_ranks_that_part_are_confirmed_at_the_function_in_which_they_do(tmp_path: Path) -> None:
    dumps = recorded(tmp_path, "part")
    there, elsewhere = divergent("Parallel.decide"), divergent("Parallel.sum")
    found, _ = Evidence(dumps=dumps).joined_to([there, elsewhere], PROGRAMS, load_catalogue())
    assert [one.verdict and one.verdict.status for one in found] == ["confirmed", None]
    said = found[0].verdict.summary if found[0].verdict else ""
    assert (
        "part at call 3" in said and "rank 0 called all_reduce(Float[8])" in said and "rank 1 called broadcast" in said
    )


def test_a_parting_that_no_finding_is_about_becomes_one(tmp_path: Path) -> None:
    dumps = recorded(tmp_path, "part")
    [found], _ = Evidence(dumps=dumps).joined_to([], PROGRAMS, load_catalogue())
    lines = enumerate((PROGRAMS / "recorded_ranks.py").read_text().splitlines(), 1)
    line = next(number for number, text in lines if "return dist.all_reduce(" in text)
    assert (found.rule, found.path, found.line) == ("LLM702", "recorded_ranks.py", line)


def test_ranks_that_agree_say_nothing(tmp_path: Path) -> None:
    dumps = recorded(tmp_path)
    assert list(divergences(read_dumps(dumps))) == []
    assert Evidence(dumps=dumps).joined_to([], PROGRAMS, load_catalogue())[0] == []


def test_the_same_in_json_is_compared_though_it_has_no_stacks(tmp_path: Path) -> None:
    recorded(tmp_path, "part")
    [parted] = divergences(read_dumps([tmp_path / "json_0", tmp_path / "json_1"]))
    assert parted.sequence == 3


def test_a_dump_without_a_rank_or_without_entries_is_told(tmp_path: Path) -> None:
    for name, data in (("dump_x", {"entries": []}), ("dump_0", {"other": 1}), ("dump_1", {"entries": [{"frames": 3}]})):
        (tmp_path / name).write_bytes(pickle.dumps(data))
        with pytest.raises(NotPlain):
            read_dumps([tmp_path / name])


def entry(number: int, name: str, done: bool, group: tuple[str, str] = ("0", "default_pg"), p2p: bool = False) -> Any:
    """Written by hand in the form of a dump of version 2.10 with NCCL; no device has made it."""
    return {
        "frames": [
            {"name": name, "filename": "/venv/torch/distributed/distributed_c10d.py", "line": 1},
            {"name": "reduce", "filename": "/srv/engine/parallel.py", "line": 10 + number},
        ],
        "record_id": number, "pg_id": 0, "process_group": group, "collective_seq_id": number, "p2p_seq_id": 0,
        "op_id": number, "profiling_name": f"nccl:{name}", "time_created_ns": number * 10**9, "duration_ms": 1.0,
        "input_sizes": [[4]], "input_dtypes": ["BFloat16"], "output_sizes": [[4]], "output_dtypes": ["BFloat16"],
        "state": "completed" if done else "started", "retired": done, "timeout_ms": 600000, "is_p2p": p2p,
    }  # fmt: skip


def dump(folder: Path, rank: int, *entries: Any) -> Path:
    config = {
        "0": {"name": "0", "desc": "default_pg", "ranks": "[0, 1]"},
        "5": {"name": "5", "desc": "tp", "ranks": "[0, 1]"},
    }
    file = folder / f"nccl_trace_rank_{rank}"
    file.write_bytes(pickle.dumps({"version": "2.10", "pg_config": config, "pg_status": {}, "entries": list(entries)}))
    return file


def test_a_rank_that_never_came_to_a_call_is_where_the_others_wait(tmp_path: Path) -> None:
    waiting = dump(tmp_path, 0, entry(1, "all_reduce", True), entry(2, "all_reduce", False))
    gone = dump(tmp_path, 1, entry(1, "all_reduce", True))
    [parted] = divergences(read_dumps([waiting, gone]))
    assert parted.sequence == 2
    assert "rank 1 made no such call" in parted.summary and "which never came back" in parted.summary


def test_groups_of_the_same_ranks_are_told_apart_and_messages_between_two_ranks_are_left_out(tmp_path: Path) -> None:
    first = dump(tmp_path, 0, entry(1, "all_reduce", True), entry(1, "_allgather_base", True, ("5", "tp")))
    other = dump(tmp_path, 1, entry(1, "all_reduce", True), entry(1, "_allgather_base", True, ("5", "tp")),
                 entry(2, "send", True, p2p=True))  # fmt: skip
    assert list(divergences(read_dumps([first, other]))) == []


# ------------------------------------------------------------ snapshots


def snapshot(folder: Path, sizes: list[int]) -> Path:
    """Written by hand, after PyTorch's "Snapshot API Reference"; no device has made it."""
    frames = [
        {"filename": "/venv/torch/functional.py", "line": 3, "name": "empty"},
        {"filename": "/srv/engine/attention.py", "line": 14, "name": "forward"},
        {"filename": "/srv/engine/runner.py", "line": 90, "name": "step"},
    ]
    trace = [{"action": "segment_alloc", "addr": 0, "size": 1 << 21, "stream": 0, "time_us": 0, "frames": []}]
    for number, size in enumerate(sizes, 1):
        common = {"addr": 0, "size": size, "stream": 0, "frames": frames}
        trace.append({"action": "alloc", "time_us": number * 1000, **common})
        trace.append({"action": "free_completed", "time_us": number * 1000 + 500, **common})
    blocks = [{"size": 1 << 20, "state": "active_allocated", "frames": frames}, {"size": 1 << 20, "state": "inactive"}]
    segment = {"device": 0, "total_size": 1 << 21, "allocated_size": 1 << 20, "blocks": blocks, "stream": 0}
    file = folder / "snapshot.pickle"
    file.write_bytes(pickle.dumps({"segments": [segment], "device_traces": [trace]}))
    return file


def test_a_snapshot_is_drawn_back_from_its_end(tmp_path: Path) -> None:
    [timeline] = timelines_in(read_snapshot(snapshot(tmp_path, [512, 1024])), "snapshot.pickle")
    assert timeline.place == "cuda:0"
    reserved, allocated, largest = (
        [sample[timeline.columns.index(name)] for sample in timeline.samples]
        for name in ("reserved", "allocated", "largest")
    )
    assert reserved == [0, 1 << 21, 1 << 21, 1 << 21, 1 << 21, 1 << 21]
    assert allocated == [(1 << 20) + more for more in (0, 0, 512, 0, 1024, 0)]
    assert largest[-1] == 1 << 20
    assert [one.place for one in timeline.holders] == ["/srv/engine/attention.py:14 forward"]


def test_many_sizes_through_a_line_confirm_that_it_allocates_anew_in_each_step(tmp_path: Path) -> None:
    attention = finding("hot-path-allocation", Block(), "engine/attention.py", "Attention.forward", 14)
    other = finding("hot-path-allocation", Block(), "engine/cache.py", "Cache.forward", 14)
    varied, same = [512 * (1 + number % 16) for number in range(64)], [512] * 64
    for sizes, status in ((varied, "confirmed"), (same, None)):
        evidence = Evidence(snapshots=[snapshot(tmp_path, sizes)])
        found, memory = evidence.joined_to([attention, other], tmp_path, load_catalogue())
        assert [one.verdict and one.verdict.status for one in found] == [status, None]
        assert len(memory) == 1


def test_confirm_takes_dumps_and_snapshots_without_a_run(tmp_path: Path) -> None:
    report = {
        "schema_version": 1, "tool": {"name": "llmlint", "version": "0", "rules": []}, "findings": [], "problems": [],
        "files": {"scanned": 0, "skipped": 0, "failed": 0, "lines": 0}, "timings": {},
    }  # fmt: skip
    (tmp_path / "findings.json").write_text(json.dumps(report))
    dump(tmp_path, 0, entry(1, "all_reduce", True))
    dump(tmp_path, 1, entry(1, "barrier", True))
    snapshot(tmp_path, [512])
    options = ["--flight-recorder", "nccl_trace_rank_0", "--flight-recorder", "nccl_trace_rank_1"]
    more = ["--memory-snapshot", "snapshot.pickle", "--output", "html:report.html", "--format", "concise"]
    command = [sys.executable, "-m", "llmlint", "confirm", "findings.json", *options, *more]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "/srv/engine/parallel.py:11:1: LLM702" in done.stdout
    assert "snapshot.pickle" in (tmp_path / "report.html").read_text()
    (tmp_path / "nccl_trace_rank_0").write_bytes(pickle.dumps(Path("x")))
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert refused.returncode == 2 and "only plain data is read" in refused.stderr
