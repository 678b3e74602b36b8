"""A bug is found however it is written down, and code that is right stays right.

Every Bad and every Good case of every page is said otherwise: under other names, through a helper, through an alias,
with a log line that reads the state, with an early return, under a condition, with a `finally`, in C++ with a `goto`.
`known.toml` names what is judged wrongly today. The list only shrinks: what is mended must leave it.
"""

import tomllib
from pathlib import Path

import pytest
from variants_of import failures, is_well_formed, said_otherwise

from llmlint.catalogue import Rule, load_catalogue

LISTS = tomllib.loads((Path(__file__).parent / "known.toml").read_text("utf-8"))
KNOWN = {name for names in LISTS.values() for name in names}
GONE = "right by now, or no variant of today's page: take it out of known.toml"
RULES = [pytest.param(rule, id=f"{rule.code}-{rule.name}") for rule in load_catalogue() if not rule.reported_by_engine]


@pytest.fixture(scope="module", params=RULES)
def rule(request: pytest.FixtureRequest) -> Rule:
    """Of the module, so that the tests of one rule follow each other and share its variants."""
    given: Rule = request.param
    return given


def known(kind: str, rule: Rule) -> set[str]:
    return {name for name in KNOWN if name.startswith(f"{kind}_{rule.code}_")}


def test_bad_cases_are_found_in_other_words(rule: Rule) -> None:
    missed, _ = failures(rule, "Bad")
    assert sorted(missed - known("FN", rule)) == [], "missed, and not known to be"
    assert sorted(known("FN", rule) - missed) == [], GONE


def test_good_cases_stay_silent_in_other_words(rule: Rule) -> None:
    told, _ = failures(rule, "Good")
    assert sorted(told - known("FP", rule)) == [], "a false alarm, and not known to be"
    assert sorted(known("FP", rule) - told) == [], GONE


def test_every_known_failure_is_of_a_rule_there_is() -> None:
    codes = {rule.code for rule in load_catalogue()}
    assert {name.split("_")[1] for name in KNOWN} <= codes


def test_variants_of_well_formed_cases_are_well_formed(rule: Rule) -> None:
    for heading in ("Bad", "Good"):
        for name, case, variants in said_otherwise(rule, heading):
            broken = [variant for variant, said in variants if not is_well_formed(said)]
            assert not broken or not is_well_formed(case), (name, broken)
