"""The catalogue reads the pages' front matter, finds rules by any of their names and refuses pages that lie."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import llmlint
from llmlint.catalogue import Catalogue, PageError, Rule, UnknownRule, load_catalogue, read_rule

CHECKERS = Path(__file__).parents[1] / "checkers"

PAGE = """+++
code = "LLM899"
name = "made-up-rule"
title = "A rule made up for a test"
chapter = "state"
severity = "P1"
languages = ["python", "cpp"]
scope = "class"
since = "0.1"
causes = ["made-up-rule"]
no_probe = "it does not exist"
+++
# Prose
"""


def write_page(root: Path, text: str = PAGE, where: str = "state/made-up-rule.md") -> Path:
    path = root / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def made_up(code: str, name: str, severity: str = "P1") -> Rule:
    return Rule(
        code=code,
        name=name,
        title="Made up",
        chapter="state",
        severity=severity,  # type: ignore[arg-type]
        languages=("python",),
        scope="class",
        since="0.1",
        causes=(name,),
        no_probe="it does not exist",
    )


CATALOGUE = Catalogue([made_up("LLM802", "noop-restore"), made_up("LLM801", "restore-leaves-state", "P0")])


def test_a_page_gives_its_rule(tmp_path: Path) -> None:
    rule = read_rule(write_page(tmp_path))
    assert (rule.code, rule.name, rule.languages, rule.default) == (
        "LLM899",
        "made-up-rule",
        ("python", "cpp"),
        True,
    )


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('severity = "P1"', 'severity = "P9"', "P9"),
        ('chapter = "state"', 'chapter = "memory"', "belongs to the chapter 'state'"),
        ('name = "made-up-rule"', 'name = "another-rule"', "another-rule.md"),
        ('no_probe = "it does not exist"', "", "no_probe"),
        ('since = "0.1"', 'sinse = "0.1"', "sinse"),
        ('since = "0.1"', "since = ", "TOML|nvalid value"),
        ("+++\n", "", "between two lines"),
        ("causes", "causes = []\n#", "length >= 1"),
    ],
)
def test_a_page_that_says_something_wrong_is_refused_by_name(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    path = write_page(tmp_path, PAGE.replace(old, new))
    with pytest.raises(PageError, match=complaint) as refusal:
        read_rule(path)
    assert str(path) in str(refusal.value)


def test_two_pages_cannot_share_a_code() -> None:
    with pytest.raises(PageError, match="share the code LLM801"):
        Catalogue([made_up("LLM801", "one"), made_up("LLM801", "two")])


@pytest.mark.parametrize("key", ["LLM801", "llm801", "restore-leaves-state", "restore_leaves_state", "E5801"])
def test_a_rule_is_found_by_code_name_and_pylint_id(key: str) -> None:
    assert CATALOGUE.rule(key).code == "LLM801"


def test_the_pylint_id_is_an_error_for_p0_and_a_warning_below() -> None:
    assert [rule.pylint_id for rule in CATALOGUE] == ["E5801", "W5802"]


@pytest.mark.parametrize(("key", "near"), [("restore-leave-state", "restore-leaves-state"), ("LLM8O1", "LLM801")])
def test_an_unknown_rule_is_answered_with_the_nearest_one(key: str, near: str) -> None:
    with pytest.raises(UnknownRule, match=near):
        CATALOGUE.rule(key)


@pytest.mark.parametrize(
    ("selector", "codes"),
    [
        ("LLM802", ["LLM802"]),
        ("noop-restore", ["LLM802"]),
        ("LLM8", ["LLM801", "LLM802"]),
        ("state", ["LLM801", "LLM802"]),
        ("ALL", ["LLM801", "LLM802"]),
    ],
)
def test_a_selector_is_a_code_a_name_a_prefix_a_chapter_or_all(selector: str, codes: list[str]) -> None:
    assert [rule.code for rule in CATALOGUE.matching(selector)] == codes


@pytest.mark.parametrize("selector", ["LLM9", "gpu", "", "*"])
def test_a_selector_that_matches_nothing_is_an_error(selector: str) -> None:
    with pytest.raises(UnknownRule):
        CATALOGUE.matching(selector)


def test_the_checker_of_a_rule_without_a_module_cannot_be_imported() -> None:
    rule = made_up("LLM899", "made-up-rule")
    assert not CATALOGUE.has_checker(rule)
    with pytest.raises(ModuleNotFoundError, match="made_up_rule"):
        CATALOGUE.checker(rule)


def test_every_checker_stands_in_a_package() -> None:
    """A folder without `__init__.py` is left out of what is installed."""
    for rule in load_catalogue():
        if not rule.reported_by_engine:
            assert (CHECKERS / rule.chapter / "__init__.py").is_file(), rule.code


def test_every_shipped_page_loads_and_the_catalogue_is_read_once() -> None:
    catalogue = load_catalogue()
    assert catalogue is load_catalogue()
    for rule in catalogue:
        assert read_rule(rule.path) == rule


def test_a_file_s_name_says_where_one_is() -> None:
    """No two modules of the package are called alike, whatever folder they stand in."""
    package = Path(llmlint.__file__).parent
    inside = [p for p in package.rglob("*.py") if p.relative_to(package).parts[0] not in ("checkers", "dynamic")]
    names = Counter(path.name for path in inside if path.name != "__init__.py")
    assert [name for name, times in names.items() if times > 1] == []
