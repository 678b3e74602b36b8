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
    ("real", "wrong", "most"),
    [
        (0, 0, "low"),
        (0, 2, "low"),
        (1, 0, "medium"),
        (2, 3, "low"),
        (3, 3, "low"),
        (6, 6, "low"),
        (4, 2, "medium"),
        (1, 5, "low"),
        (4, 0, "medium"),
        (5, 0, "high"),
        (9, 3, "high"),
    ],
)
def test_how_sure_a_rule_may_be(real: int, wrong: int, most: str) -> None:
    """What was right every second time is so less often on the next engine; the language's average counts twice."""
    assert Readings("LLM1", "python", real, 0, wrong).most_confident == most
    assert Readings("LLM1", "python", real, wrong, 0).most_confident == most, "what nobody acts on is wrong"


def test_a_mechanism_is_judged_beside_its_rule() -> None:
    rule = next(r for r in readings().values() if not r.mechanism and r.language == "python" and r.worth < 0.2)

    def of(real: int, wrong: int) -> str:
        return Readings(rule.rule, "python", real, 0, wrong, "a.mechanism").most_confident

    assert of(0, 0) == of(1, 0) == of(1, 2) == "low", "its rule is mostly wrong"
    assert of(9, 1) != "low"


def test_a_language_in_which_rules_are_mostly_wrong_gives_a_new_rule_less() -> None:
    assert readings_of("LLM1", "cpp").worth < readings_of("LLM1", "python").worth
    new = Readings("LLM1", "cpp", 2, 0, 1)
    assert (new.most_confident, Readings("LLM1", "python", 2, 0, 1).most_confident) == ("low", "medium")


def test_words_say_where_findings_were_read() -> None:
    assert "times on engines nobody" in Readings("LLM1", "python", 1, 2, 9).in_words
    assert "times on vLLM, SGLang and engines nobody" in Readings("LLM1", "python", 2, at_home=True).in_words


def test_every_reading_is_of_a_rule_there_is_in_a_language_it_speaks() -> None:
    for row in readings().values():
        assert row.read and row.language in load_catalogue().rule(row.rule).languages


def test_a_rule_that_was_mostly_wrong_says_so_and_is_told_with_low_confidence() -> None:
    wrong = next(row for row in readings().values() if row.most_confident == "low" and row.language == "python")
    told = limited(finding(wrong.rule, severity="P0"))
    assert (told.confidence, told.severity) == ("low", "P1")
    assert wrong.in_words in told.confidence_reason


def test_readings_in_words() -> None:
    assert Readings("LLM1", "python").in_words == ""
    assert Readings("LLM1", "python", 1, 2, 9).in_words == "read 12 times on engines nobody tuned to, right 1 time"


def test_the_page_in_a_terminal_says_what_readings_gave() -> None:
    told = as_text(load_catalogue().rule("LLM806"))
    assert f"python: {readings_of('LLM806', 'python').in_words}: told with low confidence at most" in told


def test_what_is_no_guess_has_nothing_to_earn() -> None:
    """A comment covers a finding, or it does not; and rules of one's own are read by nobody else."""
    assert limited(finding("LLM001")) == finding("LLM001")
    assert limited(finding("ACME101")) == finding("ACME101")


def test_what_a_traced_run_made_certain_stays() -> None:
    assert limited(finding("LLM806", "certain")).confidence == "certain"
