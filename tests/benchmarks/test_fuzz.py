"""The fuzzers, for as long as a test may take: always the same inputs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.fuzz.__main__ import run_one
from benchmarks.fuzz.guided import Watching, targets_and_seeds
from benchmarks.fuzz.inputs import mutated, sources
from benchmarks.fuzz.targets import TARGETS

_INPUTS = {
    "reader": 12,
    "program": 6,
    "settings": 60,
    "ignore_files": 400,
    "baselines": 60,
    "caches": 40,
    "records": 12,
    "comments": 200,
}


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_that_a_fuzzer_makes_is_too_much(target: str) -> None:
    wrong = {number: told for number in range(_INPUTS[target]) if (told := run_one(target, number))}
    assert wrong == {}


def test_an_input_is_told_by_its_number() -> None:
    made = [mutated(random.Random("reader:7"), sources("python")) for _ in range(2)]
    assert made[0] == made[1]


def test_a_fault_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(rng: random.Random) -> None:
        raise KeyError("what")

    monkeypatch.setitem(TARGETS, "reader", fail)
    assert run_one("reader", 1).startswith("KeyError at test_fuzz.py:")


@pytest.mark.parametrize("name", targets_and_seeds())
def test_what_guided_fuzzing_begins_with_holds(name: str) -> None:
    target, seeds = targets_and_seeds()[name]
    assert seeds
    for seed in seeds[:5]:
        target(seed)


def test_what_fails_is_told_once_for_each_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(data: bytes) -> None:
        if data:
            raise KeyError("what")

    watching = Watching(fail, tmp_path)
    for data in (b"", b"first", b"second"):
        watching(data)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"first"]
    assert capsys.readouterr().out.count("KeyError at test_fuzz.py:") == 1
