"""Confidence and severity are earned: no finding is surer than readings of its rule allow."""

from __future__ import annotations

import pytest

from llmlint.catalogue import load_catalogue
from llmlint.earned import Readings, limited, readings, readings_of
from llmlint.findings import Finding
from llmlint.rule_page import as_text


def finding(rule: str, confidence: str = "high", severity: str = "P1") -> Finding:
    return Finding(
        rule=rule,
        name="x",
        causes=("x",),
        path="a.py",
        line=1,
        column=1,
        end_line=1,
        end_column=2,
        symbol="f",
        severity=severity,
        confidence=confidence,
        confidence_reason="because",
        message="m",
        evidence=(),
        fingerprint="0",
    )


@pytest.mark.parametrize(
    ("real", "harmless", "not_real", "most"),
    [
        (0, 0, 0, "medium"),
        (0, 0, 2, "medium"),
        (0, 0, 3, "low"),
        (4, 3, 2, "low"),
        (5, 2, 2, "medium"),
        (4, 0, 0, "medium"),
        (5, 0, 0, "high"),
        (9, 1, 1, "high"),
    ],
)
def test_how_sure_a_rule_may_be(real: int, harmless: int, not_real: int, most: str) -> None:
    assert Readings("LLM1", real, harmless, not_real, "a reading").most_confident == most


def test_every_reading_is_of_a_rule_there_is_and_says_where_it_comes_from() -> None:
    for row in readings().values():
        assert load_catalogue().rule(row.rule)
        assert row.source and row.read


def test_a_rule_that_was_mostly_wrong_says_so_and_is_told_with_low_confidence() -> None:
    wrong = next(row for row in readings().values() if row.read >= 3 and row.share < 0.5 and not row.mechanism)
    told = limited(finding(wrong.rule, severity="P0"))
    assert (told.confidence, told.severity) == ("low", "P1")
    assert f"read {wrong.read} times on engines nobody tuned to, right {wrong.real} times" in told.confidence_reason


def test_the_page_in_a_terminal_says_what_readings_gave() -> None:
    told = as_text(load_catalogue().rule("LLM806"))
    row = readings_of("LLM806")
    assert f"read {row.read} times, right {row.real} times: told with low confidence at most" in told


def test_what_a_traced_run_made_certain_stays() -> None:
    assert limited(finding("LLM806", "certain")).confidence == "certain"
