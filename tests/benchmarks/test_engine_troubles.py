"""A run of an engine fails on what the tracer itself failed at, however its verdicts came out."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.dynamic.engines.troubles import troubles
from llmlint.catalogue import Catalogue
from llmlint.findings import Finding
from llmlint.runtime.block import Block, Target
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare

ENGINE = """
class Thing:
    def __init__(self, name):
        self._name = name

    @property
    def name(self):
        if self._name is None:
            raise RuntimeError('no name')
        return self._name


class Engine:
    def add(self, thing):
        return 5
"""


def entering() -> Finding:
    block = Block(targets=(Target("Engine.add", "enter", entity="thing.name"),))
    name = "request-state-leak"
    return Finding(
        rule="", name=name, causes=(name,), path="engine.py", line=1, column=1, end_line=1, end_column=1, symbol="",
        severity="P1", confidence="medium", confidence_reason="", message=name, evidence=(), runtime=block.plain(),
        fingerprint=name,
    )  # fmt: skip


def ran(folder: Path, work: str, largest_file: int | None = None) -> Path:
    """The folder of a traced run of `work`; it may write files up to some size only."""
    (folder / "engine.py").write_text(ENGINE)
    run = folder / "run"
    prepare(run, make_plan([entering()], Catalogue(()), folder))

    def bound() -> None:
        if largest_file is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    base = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(
        [sys.executable, "-c", f"import engine, os, subprocess, sys\nadd = engine.Engine().add\n{work}"],
        env=environment(run, base=base), cwd=folder, preexec_fn=bound,
    )  # fmt: skip
    return run


def test_a_run_in_which_all_went_well_has_none(tmp_path: Path) -> None:
    assert troubles(ran(tmp_path, "add(engine.Thing('a'))")) == []


def test_a_fault_is_one_and_says_what_it_was(tmp_path: Path) -> None:
    (found,) = troubles(ran(tmp_path, "add(engine.Thing(None))"))
    assert "1 fault of the tracer" in found and "no name" in found


def test_records_that_no_disk_took_are_one(tmp_path: Path) -> None:
    assert troubles(ran(tmp_path, "add(engine.Thing('a'))", largest_file=600))


def test_a_process_without_an_end_is_one_unless_the_run_kills_it(tmp_path: Path) -> None:
    run = ran(tmp_path, "os.kill(os.getpid(), 9)")
    (found,) = troubles(run)
    assert "its end is not on record" in found
    assert troubles(run, is_killed=True) == []


def test_a_child_that_was_not_traced_is_one(tmp_path: Path) -> None:
    (found,) = troubles(ran(tmp_path, "subprocess.run([sys.executable, '-I', '-c', ''])"))
    assert "was not traced" in found


def test_a_run_without_any_process_is_one(tmp_path: Path) -> None:
    prepare(tmp_path, make_plan([entering()], Catalogue(()), tmp_path))
    assert troubles(tmp_path) == ["no process was traced"]
