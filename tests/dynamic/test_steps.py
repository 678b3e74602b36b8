"""Steps of an engine: what begins ends, whatever those do who are told."""

from __future__ import annotations

from llmlint.dynamic.oracles.steps import Steps


def test_a_step_within_a_step_is_part_of_it() -> None:
    steps, told = Steps(), []
    steps.begins.append(lambda: told.append("begins"))
    steps.ends.append(lambda: told.append("ends"))
    for _ in range(2):
        steps.begin()
        steps.begin()
        assert steps.under_way
        steps.end()
        steps.end()
    assert told == ["begins", "ends"] * 2
    assert (steps.count, steps.under_way) == (2, False)


def test_a_step_ends_though_who_is_told_of_it_fails() -> None:
    steps, told = Steps(), []
    steps.begins += [lambda: 1 // 0, lambda: told.append("the others are told")]  # type: ignore[list-item, func-returns-value]
    assert steps.begin() is not None
    steps.end()
    assert told == ["the others are told"] and (steps.count, steps.depth, steps.failed) == (1, 0, 1)
