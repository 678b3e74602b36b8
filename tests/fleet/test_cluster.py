"""`--executor dask`: the same data on a cluster, and what of it dies costs no result.

The clusters are real: a scheduler and two workers on loopback, processes that end by themselves after a minute.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from llmlint.cli import main
from llmlint.fleet.fleet_file import read_fleet_file
from llmlint.fleet.tasks import Failed, InThisProcess, OpenExecutor, run_all
from llmlint.progress import Stage

pytest.importorskip("distributed", reason="dask.distributed is not installed: pip install -e '.[dev]'")
pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install -e '.[dev]'")

from llmlint.fleet.cluster import Cluster
from llmlint.fleet.fleet_run import Running, run_fleet

from .conftest import History
from .test_tasks import fails, kills_always, kills_once, square

ROOT = Path(__file__).parents[2]
LONGEST = "60"
"""Seconds that a process of a cluster may live."""
SOON = 1.0
"""Patience with what a test has ended."""


class Processes:
    """A scheduler, which writes down where it is, and its two workers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._where = folder / "scheduler.json"
        self._all: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", "--port", "0", "--host", "127.0.0.1")
        self.workers = [self._start("worker", "--nthreads", "1", "--no-nanny") for _ in range(2)]

    def _start(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = ["timeout", "--signal=KILL", LONGEST, sys.executable, "-P", "-m", f"distributed.cli.dask_{what}"]
        command += ["--no-dashboard", "--scheduler-file", str(self._where), *arguments]
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}
        output = (self._folder / f"{what}.log").open("ab")
        process = subprocess.Popen(
            command, cwd=self._folder, stdout=output, stderr=output, env=environment, start_new_session=True
        )
        output.close()
        self._all.append(process)
        return process

    @property
    def address(self) -> str:
        while not self._where.exists():
            assert self.scheduler.poll() is None, (self._folder / "scheduler.log").read_text()
            time.sleep(0.05)
        address: str = json.loads(self._where.read_text())["address"]
        return address

    def cluster(self, say: Callable[[str], None] = print) -> Cluster:
        """As soon as both workers are there."""
        while True:
            cluster = Cluster(self.address, say, patience=float(LONGEST))
            if cluster.threads == 2:
                cluster.patience = SOON
                return cluster

    def end(self) -> None:
        for process in self._all:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """And the `timeout` that watches it: they have a session to themselves."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kills_the_scheduler(task: tuple[int, int]) -> int:
    """The second task ends the scheduler, and whoever does it again finds nobody to end."""
    scheduler, number = task
    if number == 1:
        try:
            os.killpg(scheduler, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return number


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    (tmp_path / "dask").mkdir()
    started = Processes(tmp_path / "dask")
    try:
        yield started
    finally:
        started.end()


def data_of(file: Path, name: str, open_executor: OpenExecutor, at: Callable[[Stage], None] | None = None) -> object:
    """Every file of a data set, made with a cache of its own, byte for byte; all is named as seen from here."""
    fleet = msgspec.structs.replace(read_fleet_file(file), data=f"{name}-data")
    result = run_fleet(fleet, file, Running(open_executor, 2, Path(f"{name}-cache"), f"{name}-shared", progress=at))
    assert not result.problems and not result.warnings
    made = Path(fleet.data)
    return {str(part.relative_to(made)): part.read_bytes() for part in sorted(made.rglob("*.parquet"))}


def test_a_cluster_gives_the_same_data_byte_for_byte_also_when_a_worker_and_then_the_scheduler_are_killed(
    history: History, fleet_file: Path, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet_file.write_text('[[repository]]\nname = "engine"\nsource = "engine"\nevery = 2\n')
    monkeypatch.chdir(fleet_file.parent)  # the workers run elsewhere
    file = Path(fleet_file.name)
    alone = data_of(file, "alone", InThisProcess)
    said: list[str] = []
    cluster = processes.cluster(said.append)
    assert data_of(file, "whole", cluster.open) == alone
    assert not said

    def killing(stage: Stage) -> None:
        if stage.done == 1 and stage.name in ("reading", "scanning"):
            kill(processes.workers[0] if stage.name == "reading" else processes.scheduler)

    assert data_of(file, "killed", cluster.open, killing) == alone
    assert said == [f"no scheduler answers at {processes.address}; going on on this machine"]


def done_by(cluster: Cluster, work: Callable[..., int], tasks: Sequence[object]) -> dict[object, object]:
    return dict(run_all(work, tasks, cluster.open, cluster.threads))


def test_what_dies_in_the_middle_of_a_task_costs_no_result(processes: Processes, tmp_path: Path) -> None:
    said: list[str] = []
    cluster = processes.cluster(said.append)
    assert done_by(cluster, square, range(5)) == {number: number * number for number in range(5)}
    failed = done_by(cluster, fails, range(4))
    assert isinstance(failed.pop(2), ValueError) and failed == {0: 0, 1: 1, 3: 3}
    mortal = [(str(tmp_path), number) for number in range(6)]
    assert done_by(cluster, kills_once, mortal) == {task: task[1] for task in mortal}
    assert (tmp_path / "killed").exists() and not said
    headless = [(processes.scheduler.pid, number) for number in range(6)]
    assert done_by(cluster, kills_the_scheduler, headless) == {task: task[1] for task in headless}
    assert len(said) == 1


def test_a_task_that_ends_every_worker_is_given_up_and_no_other(processes: Processes) -> None:
    said: list[str] = []
    done = done_by(processes.cluster(said.append), kills_always, range(6))
    assert isinstance(done.pop(2), Failed) and done == {number: number for number in (0, 1, 3, 4, 5)}
    assert said == [f"the scheduler at {processes.address} has no workers; going on on this machine"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--executor", "dask"], "go together"),
        (["--scheduler", "tcp://127.0.0.1:8786"], "go together"),
        (["--executor", "dask", "--scheduler", "nowhere"], "no scheduler answers at nowhere"),
    ],
)
def test_a_cluster_that_is_not_there_is_wrong_use(arguments: list[str], said: str, fleet_file: Path) -> None:
    result = CliRunner().invoke(main, ["fleet", str(fleet_file), *arguments])
    assert result.exit_code == 2 and said in result.output
