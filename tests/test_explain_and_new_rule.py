"""What is generated from the rule pages is fresh, and what `new-rule` writes has the shape of a rule."""

from pathlib import Path

import pytest

from llmlint.catalogue import load_catalogue, read_rule
from llmlint.new_rule import NewRuleError, write_rule
from llmlint.rule_page import as_text, rules_as_markdown, standing, with_rule_table

ROOT = Path(__file__).parent.parent


def test_the_readme_table_is_fresh() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert with_rule_table(readme, load_catalogue()) == readme, "run: python -m llmlint.rule_page README.md"


def test_explain_shows_the_facts_and_the_whole_page() -> None:
    text = as_text(load_catalogue().rule("restore-leaves-state"))
    assert text.startswith("LLM801 restore-leaves-state\n")
    assert "severity P1" in text
    assert "## How to fix" in text


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for room in ("checkers", "rules", "dynamic/probes"):
        (tmp_path / room).mkdir(parents=True)
    return tmp_path


def test_a_new_rule_gets_a_page_a_checker_and_a_probe(clone: Path) -> None:
    page, checker, probe = write_rule(clone, "late-free", "LLM199", "A block freed after its pool")
    assert read_rule(page).name == "late-free"
    assert "def check_program" in checker.read_text()
    assert probe == clone / "dynamic/probes/late_free.py"
    compile(checker.read_text(), str(checker), "exec")


@pytest.mark.parametrize(
    ("name", "code", "why"),
    [
        ("Late Free", "LLM199", "no rule name"),
        ("late-free", "LLM9", "no code"),
        ("late-free", "LLM801", "exists already"),
        ("noop-restore", "LLM899", "exists already"),
    ],
)
def test_names_and_codes_are_checked(clone: Path, name: str, code: str, why: str) -> None:
    with pytest.raises(NewRuleError, match=why):
        write_rule(clone, name, code, "Title")
    assert not list(clone.rglob("*.md"))


def test_a_page_says_when_a_rule_is_asked() -> None:
    rules = load_catalogue()
    said = {rule.code: standing(rule) for rule in rules}
    assert said["LLM204"] == "on by default"
    assert said["LLM806"] == "asked with `--min-confidence low` only"
    assert f"\n{said['LLM806']}\n" in as_text(rules.rule("LLM806"))
    starred = {line[2:8] for line in rules_as_markdown(rules).splitlines() if line.endswith(" \\* |")}
    assert starred == {code for code, says in said.items() if says == said["LLM806"]}
