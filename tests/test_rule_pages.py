"""Every Bad block of a rule's page gives exactly the findings marked in it, every Good block none."""

import re
from collections.abc import Iterator

import pytest

from llmlint.catalogue import Rule, load_catalogue, split_page
from llmlint.scan import check_sources

HEADINGS = [
    "What it catches",
    "Why it hurts in production",
    "Bad",
    "Good",
    "How to fix",
    "Limits",
    "Seen in the wild",
]
_BLOCK = re.compile(r"```(?P<language>\w+)\n(?P<code>.*?)```\n", re.DOTALL)
_FILE = re.compile(r"^(?:#|//) file: (?P<name>\S+)\n")
_EXPECT = re.compile(r"(?:#|//) expect: (?P<codes>LLM\d+(?:, LLM\d+)*)")
_SUFFIX = {"python": "py", "cpp": "cpp", "cuda": "cu", "c": "c"}


def section(rule: Rule, heading: str) -> str:
    _, prose = split_page(rule.path.read_text(encoding="utf-8"), rule.path)
    return re.split(r"^## ", prose.split(f"## {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def cases(rule: Rule, heading: str) -> Iterator[dict[str, str]]:
    """Neighbouring blocks that name their files make one case; any prose between ends it."""
    case: dict[str, str] = {}
    end = 0
    text = section(rule, heading)
    for block in _BLOCK.finditer(text):
        named = _FILE.match(block["code"])
        if case and (named is None or text[end : block.start()].strip()):
            yield case
            case = {}
        name = named["name"] if named else f"case.{_SUFFIX[block['language']]}"
        case[name] = block["code"]
        end = block.end()
    if case:
        yield case


def expected(case: dict[str, str]) -> set[tuple[str, int, str]]:
    return {
        (name, line, code)
        for name, text in case.items()
        for line, content in enumerate(text.split("\n"), 1)
        for match in _EXPECT.finditer(content)
        for code in match["codes"].split(", ")
    }


def found(rule: Rule, case: dict[str, str]) -> set[tuple[str, int, str]]:
    rules = None if rule.reported_by_engine else [rule.code]
    findings = check_sources({name: text.encode() for name, text in case.items()}, rules)
    return {(f.path, f.line, f.rule) for f in findings if f.rule == rule.code}


RULES = [pytest.param(rule, id=rule.name) for rule in load_catalogue()]


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
