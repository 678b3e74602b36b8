"""Every Bad block of a rule's page gives exactly the findings marked in it, every Good block none."""

import re
from pathlib import Path

import pytest

from llmlint.catalogue import Rule, load_catalogue, split_page
from llmlint.rule_cases import cases, expected, found

MANIFEST = Path(__file__).parents[1] / "benchmarks/real_bugs/manifest.jsonl"
HEADINGS = [
    "What it catches",
    "Why it hurts in production",
    "Bad",
    "Good",
    "How to fix",
    "Limits",
    "Seen in the wild",
]

RULES = [pytest.param(rule, id=f"{rule.code}-{rule.name}") for rule in load_catalogue()]


@pytest.mark.parametrize("rule", RULES)
def test_a_page_has_the_fixed_headings(rule: Rule) -> None:
    _, prose = split_page(rule.path.read_text(encoding="utf-8"), rule.path)
    assert re.findall(r"^## (.*)$", prose, re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("rule", RULES)
def test_bad_blocks_give_the_marked_findings(rule: Rule) -> None:
    if rule.reported_by_engine:
        assert all(found(rule, case) for case in cases(rule, "Bad"))
        return
    for case in cases(rule, "Bad"):
        assert expected(case), case
        assert found(rule, case) == expected(case)


@pytest.mark.parametrize("rule", RULES)
def test_good_blocks_give_nothing(rule: Rule) -> None:
    for case in cases(rule, "Good"):
        assert found(rule, case) == set()


@pytest.mark.parametrize("rule", RULES)
def test_a_page_names_only_bugs_of_the_manifest(rule: Rule) -> None:
    known = set(re.findall(r"\b\d+\b", MANIFEST.read_text("utf-8")))
    named = re.findall(
        r"(?:vllm-project/vllm|sgl-project/sglang|ggml-org/llama\.cpp)#(\d+)", rule.path.read_text("utf-8")
    )
    assert set(named) <= known
