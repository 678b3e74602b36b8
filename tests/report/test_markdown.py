"""The job summary."""

from __future__ import annotations

from llmlint.report import Style, render

from .conftest import finding, result_of


def test_the_summary_counts_by_rule_and_severity_and_folds_the_evidence() -> None:
    text = render("markdown", result_of(finding(1), finding(2, severity="P0")), Style())
    assert "**2 findings** in 1 files" in text
    assert "| LLM801 restore-leaves-state | 1 | 1 |  |  |" in text
    assert "1. <code>engine/scheduler.py:16</code> cleared" in text


def test_code_in_messages_is_no_markup() -> None:
    text = render("markdown", result_of(finding(message="x < y | *p", fix="x < y | *p")), Style())
    assert "<b>P1</b> x &lt; y | *p<br>" in text  # in HTML, where Markdown means nothing
    assert r"Fix: x &lt; y \| \*p" in text


def test_a_clean_run_says_so() -> None:
    assert "**No findings**" in render("markdown", result_of(), Style())
