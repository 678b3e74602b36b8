"""Answers of NCCL's RAS, in the forms of its documentation and source, joined to ranks and calls of traced runs.

Written by hand: no device has made them. The runs are real, of programs whose ranks part.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tracing import NO_PAGES, PROGRAMS, finding

from llmlint.catalogue import load_catalogue
from llmlint.dynamic.read import Run, read_run
from llmlint.findings import Finding
from llmlint.runtime.block import Block, Target
from llmlint.runtime.evidence import Evidence
from llmlint.runtime.nccl_ras import Answer, Lost, Parting, Rank, Side, read_answer
from llmlint.runtime.plain_pickles import NotPlain
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare

NODE = "10.0.0.7"


def answer_of(folder: Path, text: str, name: str = "answer") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def read(folder: Path, text: str) -> Answer:
    return read_answer(answer_of(folder, text))


def rank(number: int, process: int, gpu: int | None = None) -> Rank:
    return Rank(number, process, NODE, str(number if gpu is None else gpu))


# ------------------------------------------------------------ text

HEAD = """\
Job summary
===========

Communicators... (0.00s)
=============

Group     Comms     Nodes     Ranks     Ranks     Ranks    Status  Errors
    #  in group  per comm  per node  per comm  in group
    0         1         1         8         8         8   RUNNING  MISMATCH

Errors
======

"""


def test_counts_by_kind_of_operation_with_the_few_who_differ(tmp_path: Path) -> None:
    answer = read(tmp_path, HEAD + """\
Warnings
========

#0-0 (27a079b828ff1a75) MISMATCH
  Communicator ranks have different AllGather operation counts
  6 ranks have launched up to operation 71
  2 ranks have launched up to operation 70
  Rank 3 -- GPU 3 managed by process 403 on node 10.0.0.7
  Rank 5 -- GPU 5 managed by process 405 on node 10.0.0.7

  Communicator ranks have different AllReduce operation counts
  7 ranks have launched up to operation 9
  Rank 5 has not launched any operations -- GPU 5 managed by process 405 on node 10.0.0.7

""")  # fmt: skip
    comm = "27a079b828ff1a75"
    assert answer.partings == (
        Parting(comm, "AllGather", (Side(71, 6), Side(70, 2, (rank(3, 403), rank(5, 405))))),
        Parting(comm, "AllReduce", (Side(9, 7), Side(0, 1, (rank(5, 405),)))),
    )
    assert answer.lost == ()


def test_counts_as_before_2_26_of_all_kinds_together(tmp_path: Path) -> None:
    answer = read(tmp_path, HEAD + """\
#0-0 (27a079b828ff1a75) MISMATCH
  Communicator ranks have different collective operation counts
  7 ranks have launched up to operation 6650
  Rank 2 has launched up to operation 6649 -- [process information not found]
""")  # fmt: skip
    assert answer.partings == (Parting("27a079b828ff1a75", "", (Side(6650, 7), Side(6649, 1, (Rank(2),)))),)


def test_a_different_status_is_no_count(tmp_path: Path) -> None:
    answer = read(tmp_path, HEAD + """\
#0-0 (27a079b828ff1a75) MISMATCH
  Communicator ranks have different status
  6 ranks have status NOCOMM
  2 ranks have status FINALIZE
  Rank 4 -- GPU 4 managed by process 404 on node 10.0.0.7
  Rank 6 -- GPU 6 managed by process 406 on node 10.0.0.7

#0-1 (27a079b828ff1a76) ERROR
  Asynchronous error on 1 rank
  Rank 1 reported Unhandled system error -- GPU 1 managed by process 401 on node 10.0.0.7
""")  # fmt: skip
    assert answer == Answer((), ())


def test_ranks_that_did_not_answer_and_the_dead_among_them(tmp_path: Path) -> None:
    answer = read(tmp_path, HEAD + """\
DEAD
  1 job process is considered dead (unreachable via the RAS network)
  Process 405 on node 10.0.0.7 managing GPU 5

#0-0 (cf264af53edbe986) INCOMPLETE
  Missing communicator data from 2 ranks
  Rank 3 -- GPU 3 managed by process 403 on node 10.0.0.7
  Rank 5 -- GPU 5 managed by process 405 on node 10.0.0.7

#0-1 (cf264af53edbe987) INCOMPLETE
  Missing communicator data from 2 ranks
  The missing ranks: 1, 21

""")  # fmt: skip
    one, other = "cf264af53edbe986", "cf264af53edbe987"
    assert answer.lost == (
        Lost(one, rank(3, 403), False),
        Lost(one, rank(5, 405), True),
        Lost(other, Rank(1), False),
        Lost(other, Rank(21), False),
    )


# ------------------------------------------------------------ JSON


def member(number: int, process: int, **counts: int) -> dict[str, Any]:
    running = {"init_state": 0, "async_error": 0, "finalize_called": False, "destroy_flag": False, "abort_flag": False}
    place = {"rank": number, "host": NODE, "pid": process, "cuda_dev": number, "nvml_dev": number}
    return {**place, "status": running, "collective_counts": {"Broadcast": 0, "AllReduce": 0, **counts}}


def missing(number: int, process: int, dead: bool) -> dict[str, Any]:
    place = {"rank": number, "host": NODE, "pid": process, "cuda_dev": number, "nvml_dev": number}
    return {**place, "status": {"unresponsive": True, "considered_dead": dead}}


def in_json(ranks: list[dict[str, Any]], lost: list[dict[str, Any]] | None = None, name: str = "0xae94423c") -> str:
    lost = lost or []
    communicator = {
        "hash": name, "secondary_hash": "0xb7:0xb8", "size": len(ranks) + len(lost), "ranks_count": len(ranks),
        "missing_ranks_count": len(lost), "ranks": ranks, "missing_ranks": lost,
    }  # fmt: skip
    return json.dumps(
        {
            "nccl_version": "2.29.1", "cuda_runtime_version": 13000, "cuda_driver_version": 13000,
            "timestamp": "2026-01-19 13:06:53", "communicators_count": 1, "communicators": [communicator],
            "ras": {"collection_time_sec": 0.0, "timeouts_count": 0},
        },
        indent=2,
    )  # fmt: skip


def test_the_same_in_json_behind_what_was_said_before_it(tmp_path: Path) -> None:
    ranks = [member(0, 400, AllReduce=6), member(1, 401, AllReduce=5), member(2, 402, AllReduce=6)]
    answer = read(tmp_path, "SERVER PROTOCOL 2\nOK\n" + in_json(ranks, [missing(3, 403, True), missing(4, 404, False)]))
    sides = (Side(6, 2, (rank(0, 400), rank(2, 402))), Side(5, 1, (rank(1, 401),)))
    assert answer.partings == (Parting("ae94423c", "AllReduce", sides),)
    assert answer.lost == (Lost("ae94423c", rank(3, 403), True), Lost("ae94423c", rank(4, 404), False))


def test_ranks_that_have_launched_the_same_do_not_part(tmp_path: Path) -> None:
    assert read(tmp_path, in_json([member(0, 400, AllReduce=6), member(1, 401, AllReduce=6)])) == Answer((), ())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing of the kind",
        '{"communicators": 3}',
        '{"communicators": [{"ranks": []}]}',
        '{"communicators": [{"hash": "\\u001b[2J", "ranks": []}]}',
        '{"communicators": [{"hash": "0xae", "ranks": [{"rank": "x", "collective_counts": {"AllReduce": 1}}]}]}',
        '{"communicators": [{"hash": "0xae", "ranks": [7]}]}',
        in_json([member(0, 400), member(1, 401)])[:-9],
        '{"communicators": ' + "[" * 100_000,
    ],
)
def test_what_is_no_answer_is_told(text: str, tmp_path: Path) -> None:
    with pytest.raises(NotPlain):
        read(tmp_path, text)


def test_torn_and_unknown_lines_are_passed_over(tmp_path: Path) -> None:
    whole = HEAD + """\
#0-0 (27a079b828ff1a75) MISMATCH
  Communicator ranks have different AllReduce operation counts
  7 ranks have launched up to operation 9
  Rank 5 has launched up to operation 8 -- GPU 5 managed by process 405 on node 10.0.0.7
"""  # fmt: skip
    for length in range(len(HEAD), len(whole)):
        read(tmp_path, whole[:length])
    odd = whole.replace("  7 ranks", "  Rank 9999999999999 is new\n  \x1b[31m\x00 and so is this\n  7 ranks")
    assert read(tmp_path, odd) == read(tmp_path, whole)


# ------------------------------------------------------------ joined to a run

PARALLEL = Block(targets=(Target("Parallel.step", "collective"),))


def divergent(symbol: str = "Parallel.step") -> Finding:
    one = finding("rank-divergent-collective", PARALLEL, path="torch_ranks.py", symbol=symbol)
    return msgspec.structs.replace(one, rule="LLM702")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two ranks that make the same calls, as far as their logs tell."""
    folder = tmp_path_factory.mktemp("run")
    prepare(folder, make_plan([divergent()], NO_PAGES, PROGRAMS))
    env = environment(folder, base={**os.environ, "PYTHONPATH": f".{os.pathsep}library", "BUGS": ""})
    code = "import sys; sys.path[:0] = ['.', 'library']; import torch_ranks; torch_ranks.launch()"
    subprocess.run([sys.executable, "-c", code], cwd=PROGRAMS, env=env, check=True)
    return read_run(str(folder))


def processes(run: Run) -> list[int]:
    return [process.pid for process in sorted(run.processes, key=lambda one: one.rank or 0) if process.rank is not None]


def joined(run: Run, findings: list[Finding], *answers: Path) -> list[Finding]:
    return Evidence(answers=answers).joined_to(findings, PROGRAMS, load_catalogue(), [run])[0]


def parted(run: Run, folder: Path, name: str = "first", **counts: int) -> Path:
    first, second = processes(run)
    ranks = [member(0, first, **{"AllReduce": 12, **counts}), member(1, second, AllReduce=11)]
    return answer_of(folder, in_json(ranks), name)


def test_a_parting_in_two_answers_confirms_the_function_from_which_the_calls_came(run: Run, tmp_path: Path) -> None:
    [found] = joined(run, [divergent()], parted(run, tmp_path), parted(run, tmp_path, "second"))
    assert found.verdict is not None and found.verdict.status == "confirmed"
    assert "1 AllReduce 12, 1 AllReduce 11, in 2 answers of NCCL's RAS" in found.verdict.summary
    behind, ahead = found.verdict.evidence
    assert f"process {processes(run)[1]}, rank 1 has launched AllReduce 11; its latest call there: barrier at" in behind
    assert "rank 0 has launched AllReduce 12" in ahead and "torch_ranks.py:" in ahead


def test_one_answer_may_be_of_ranks_on_their_way(run: Run, tmp_path: Path) -> None:
    [found] = joined(run, [divergent()], parted(run, tmp_path))
    assert found.verdict is not None and found.verdict.status == "suspicious"


def test_ranks_that_have_come_further_in_the_next_answer_are_not_stuck(run: Run, tmp_path: Path) -> None:
    moving = parted(run, tmp_path, "second", AllReduce=13)
    [found] = joined(run, [divergent()], parted(run, tmp_path), moving)
    assert found.verdict is None


def test_a_parting_that_no_finding_is_about_becomes_one_at_the_call_of_who_is_behind(run: Run, tmp_path: Path) -> None:
    [found] = joined(run, [], parted(run, tmp_path), parted(run, tmp_path, "second"))
    lines = enumerate((PROGRAMS / "torch_ranks.py").read_text().splitlines(), 1)
    line = next(number for number, text in lines if "dist.barrier(" in text)
    assert (found.rule, found.path, found.line) == ("LLM702", "torch_ranks.py", line)


def test_the_many_whom_the_text_does_not_name_are_the_others_of_the_group(run: Run, tmp_path: Path) -> None:
    text = HEAD + f"""\
#0-0 (27a079b828ff1a75) MISMATCH
  Communicator ranks have different AllReduce operation counts
  Rank 0 has launched up to operation 12 -- GPU 0 managed by process {processes(run)[0]} on node {NODE}
  Rank 1 has launched up to operation 11 -- GPU 1 managed by process {processes(run)[1]} on node {NODE}
"""  # fmt: skip
    [found] = joined(run, [divergent()], answer_of(tmp_path, text))
    assert found.verdict is not None and len(found.verdict.evidence) == 2


def test_where_processes_have_other_numbers_the_ranks_of_the_whole_run_are_joined(run: Run, tmp_path: Path) -> None:
    """As in containers, each of which numbers its processes anew."""
    text = in_json([member(0, 1, AllReduce=12), member(1, 1, AllReduce=11)])
    [found] = joined(run, [divergent()], answer_of(tmp_path, text))
    assert found.verdict is not None and "rank 1 has launched AllReduce 11" in found.verdict.evidence[0]


def test_what_belongs_to_no_group_of_the_run_is_told_and_joined_to_nothing(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = processes(run)
    larger = [member(0, first, AllReduce=12), member(1, second, AllReduce=11), member(2, 9, AllReduce=12)]
    others = [member(4, first, AllReduce=12), member(5, second, AllReduce=11)]
    for ranks in (larger, others):
        [found] = joined(run, [divergent()], answer_of(tmp_path, in_json(ranks)))
        assert found.verdict is None
        assert "none of them is known to be in a run" in capsys.readouterr().err


# ------------------------------------------------------------ a rank that is gone


def waits_for_a_peer(folder: Path, waits: Finding) -> Run:
    """A rank whose barrier does not come back, as long as it takes to see that; then all of it is ended at once."""
    prepare(folder, make_plan([waits], NO_PAGES, PROGRAMS))
    env = environment(folder, base={**os.environ, "BUGS": "wait", "LLMLINT_TICK": "0.05"})
    started = subprocess.Popen([sys.executable, "launch.py"], cwd=PROGRAMS, env=env, start_new_session=True)
    try:
        while True:
            run = read_run(str(folder))
            if any(one.calls and one.last_alive - one.calls[-1].begun > 1.5 for one in run.processes if one.rank == 0):
                break
            assert started.poll() is None
            time.sleep(0.1)
    finally:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
    return read_run(str(folder))


def test_a_call_that_still_waits_for_a_rank_that_ras_gave_up_has_no_limit(tmp_path: Path) -> None:
    calls = Target("Communicator.barrier", "collective", entity="group")
    block = Block(targets=(Target("step", "scope"), calls), needs={"pending": 1})
    waits = finding("collective-no-timeout", block, path="ranks.py", symbol="step")
    waits = msgspec.structs.replace(waits, rule="LLM701")
    run = waits_for_a_peer(tmp_path / "run", waits)
    first, second = processes(run)
    for dead, status in ((True, "confirmed"), (False, "suspicious")):
        answer = answer_of(tmp_path, in_json([member(0, first)], [missing(1, second, dead)]))
        [found] = joined(run, [waits], answer)
        assert found.verdict is not None and found.verdict.status == status
        assert f"process {second}, rank 1 of communicator ae94423c" in found.verdict.summary
        assert "rank 0 waited for" in found.verdict.evidence[0] and "in barrier at" in found.verdict.evidence[0]
    [other] = joined(run, [waits], answer_of(tmp_path, in_json([member(0, first)], [missing(1, 1, True)])))
    assert other.verdict is None


def test_confirm_takes_answers_with_a_run_and_says_what_it_cannot_read(run: Run, tmp_path: Path) -> None:
    report = {
        "schema_version": 1, "tool": {"name": "llmlint", "version": "0", "rules": []}, "findings": [], "problems": [],
        "files": {"scanned": 0, "skipped": 0, "failed": 0, "lines": 0}, "timings": {},
    }  # fmt: skip
    (tmp_path / "findings.json").write_text(json.dumps(report))
    parted(run, tmp_path)
    command = [sys.executable, "-m", "llmlint", "confirm", "findings.json"]
    asked = {"cwd": tmp_path, "capture_output": True, "text": True, "check": False}
    more = ["--nccl-ras", "first", "--format", "concise", "--root", str(PROGRAMS)]
    done = subprocess.run([*command, run.folder, *more], **asked)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    assert "torch_ranks.py:" in done.stdout and "LLM702" in done.stdout
    alone = subprocess.run([*command, *more], **asked)  # type: ignore[call-overload]
    assert alone.returncode == 2 and "--nccl-ras goes with a folder" in alone.stderr
    (tmp_path / "first").write_bytes(b"\x00" * 100)
    torn = subprocess.run([*command, run.folder, *more], **asked)  # type: ignore[call-overload]
    assert torn.returncode == 2 and "it is no answer of NCCL's RAS" in torn.stderr
