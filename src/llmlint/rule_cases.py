"""The cases of the rules' pages: Bad and Good blocks, their files, and the findings marked in them."""

import re
from collections.abc import Iterator

from llmlint.catalogue import Rule, split_page
from llmlint.scan import check_sources

Case = dict[str, str]
"""A case's files: name to text."""

Mark = tuple[str, int, str]
"""File, line and the rule's code."""

EXPECT = re.compile(r"(?:#|//) expect: (?P<codes>[A-Z]{2,10}\d+(?:, [A-Z]{2,10}\d+)*)")
_BLOCK = re.compile(r"```(?P<language>\w+)\n(?P<code>.*?)```\n", re.DOTALL)
_FILE = re.compile(r"^(?:#|//) file: (?P<name>\S+)\n")
_SUFFIX = {"python": "py", "cpp": "cpp", "cuda": "cu", "c": "c"}


def section(rule: Rule, heading: str) -> str:
    _, prose = split_page(rule.path.read_text(encoding="utf-8"), rule.path)
    return re.split(r"^## ", prose.split(f"## {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def cases(rule: Rule, heading: str) -> Iterator[Case]:
    """Neighbouring blocks that name their files make one case; any prose between ends it."""
    case: Case = {}
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


def expected(case: Case) -> set[Mark]:
    return marks(case, EXPECT)


def marks(case: Case, pattern: re.Pattern[str]) -> set[Mark]:
    return {
        (name, line, code)
        for name, text in case.items()
        for line, content in enumerate(text.split("\n"), 1)
        for match in pattern.finditer(content)
        for code in match["codes"].split(", ")
    }


def found(rule: Rule, case: Case) -> set[Mark]:
    rules = None if rule.reported_by_engine else [rule.code]
    findings = check_sources({name: text.encode() for name, text in case.items()}, rules)
    return {(f.path, f.line, f.rule) for f in findings if f.rule == rule.code}
