"""Tasks on an executor: a worker that dies costs no result of another, and is tried once more."""

from __future__ import annotations

import os
from pathlib import Path

from llmlint.fleet.tasks import Failed, opener, run_all


def square(number: int) -> int:
    return number * number


def kills_once(task: tuple[str, int]) -> int:
    """The first to get here dies in the middle of its work."""
    folder, number = task
    mark = Path(folder) / "killed"
    if number == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    return number


def kills_always(number: int) -> int:
    if number == 2:
        os._exit(1)
    return number


def fails(number: int) -> int:
    if number == 2:
        raise ValueError("two")
    return number


def test_every_task_has_its_result() -> None:
    for kind, jobs in (("processes", 1), ("processes", 2), ("threads", 2)):
        assert dict(run_all(square, range(5), opener(kind, jobs), jobs)) == {n: n * n for n in range(5)}


def test_a_killed_worker_costs_no_result(tmp_path: Path) -> None:
    tasks = [(str(tmp_path), number) for number in range(6)]
    assert dict(run_all(kills_once, tasks, opener("processes", 2), 2)) == {task: task[1] for task in tasks}
    assert (tmp_path / "killed").exists()


def test_a_task_that_kills_each_worker_is_given_up_and_no_other() -> None:
    done = dict(run_all(kills_always, range(6), opener("processes", 2), 2))
    assert isinstance(done.pop(2), Failed)
    assert done == {number: number for number in (0, 1, 3, 4, 5)}


def test_an_error_is_the_result_of_its_task() -> None:
    done = dict(run_all(fails, range(4), opener("processes", 2), 2))
    assert isinstance(done.pop(2), ValueError) and done == {0: 0, 1: 1, 3: 3}
