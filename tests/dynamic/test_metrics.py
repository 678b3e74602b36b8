"""A run's numbers in Prometheus' text format."""

from __future__ import annotations

import re
from pathlib import Path

from blocks import BLOCKS
from tracing import finding, run_program

from llmlint.runtime.metrics import metrics_of

LEAK = finding("request-state-leak", BLOCKS["request-state-leak"][1], symbol='Scheduler."odd"')
LINE = re.compile(r'llmlint_\w+\{\w+="(?:[^"\\]|\\.)*"(?:,\w+="(?:[^"\\]|\\.)*")*\} -?\d+')


def test_each_number_has_a_kind_and_labels_that_say_what_it_counts(tmp_path: Path) -> None:
    _, run = run_program(tmp_path, [LEAK], bugs="abort")
    lines = metrics_of([run]).splitlines()
    assert [line for line in lines if not line.startswith("# ") and not LINE.fullmatch(line)] == []
    place = f'pid="{run.processes[0].pid}",rule="",path="engine.py",symbol="Scheduler.\\"odd\\""'
    assert f'llmlint_entities_ended_total{{{place},via="abort"}} 80' in lines
    assert f'llmlint_tracer_faults_total{{pid="{run.processes[0].pid}"}} 0' in lines
    left = next(line for line in lines if line.startswith("llmlint_entities_left{"))
    assert 'container="progress"' in left and int(left.rpartition(" ")[2]) > 0
    named = {line.partition("{")[0] for line in lines if not line.startswith("#")}
    assert named == {line.split()[2] for line in lines if line.startswith("# TYPE ")}


def test_a_run_without_processes_has_no_numbers(tmp_path: Path) -> None:
    _, run = run_program(tmp_path, [LEAK], "-c", "pass")
    assert metrics_of([run]) == ""
