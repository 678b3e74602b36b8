"""The fuzzers, for as long as a test may take: always the same inputs."""

from __future__ import annotations

import random

import pytest

from benchmarks.fuzz.__main__ import run_one
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
