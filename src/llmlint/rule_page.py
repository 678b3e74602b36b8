"""A rule's page in the forms it is shown in: prose, terminal, the README's table.

`python -m llmlint.rule_page README.md` writes the table anew.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from llmlint.catalogue import Rule, split_page
from llmlint.earned import may_be, readings


def prose_of(rule: Rule) -> str:
    """The page's Markdown below its front matter."""
    return split_page(rule.path.read_text(encoding="utf-8"), rule.path)[1].strip() + "\n"


def description_of(rule: Rule) -> str:
    """What the rule catches, in one paragraph without markup: up to the first full stop before a blank line.

    The points of a list stay in their sentence so."""
    section = re.search(
        r"^## What it catches\n+(.+?)(?:(?<=\.)\n\n|\n## |\Z)", prose_of(rule), re.MULTILINE | re.DOTALL
    )
    text = re.sub(r"^- ", "", section[1], flags=re.MULTILINE) if section else rule.title
    return " ".join(text.replace("`", "").split())


_ON, _OFF, _WITH_LOW = "on by default", "off by default", "asked with `--min-confidence low` only"
_MARKS = {_ON: "", _OFF: " (off by default)", _WITH_LOW: " \\*"}


def standing(rule: Rule) -> str:
    """Whether a scan asks it that is told nothing else: what readings let nobody be surer of, it tells nobody."""
    if not rule.default:
        return _OFF
    return _ON if may_be(rule, "medium") else _WITH_LOW


def as_text(rule: Rule) -> str:
    """The whole page for a terminal: what the front matter says in a few lines, then the prose as it is written."""
    facts = [
        f"severity {rule.severity}",
        ", ".join(rule.languages),
        *([] if rule.is_own else [f"pylint {rule.pylint_id}"]),
        standing(rule),
        *_readings(rule),
        f"watched at run time by the probe {rule.probe}" if rule.probe else f"no probe: {rule.no_probe}".rstrip(": "),
    ]
    head = "\n".join((f"{rule.code} {rule.name}", rule.title, "", *facts))
    return f"{head}\n\n{prose_of(rule)}"


def in_short(rule: Rule) -> str:
    """What it is, what it catches and how to mend it, without the code."""
    head = f"{rule.code} {rule.name} ({', '.join((rule.severity, *rule.remarks))}): {rule.title}"
    mend = re.search(r"^## How to fix\n+(.+?)(?:\n\n|\Z)", prose_of(rule), re.MULTILINE | re.DOTALL)
    said = [description_of(rule), *([f"Fix: {' '.join(mend[1].replace('`', '').split())}"] if mend else [])]
    folded = [textwrap.fill(text, 100, initial_indent="  ", subsequent_indent="  ") for text in said]
    return "\n".join([head, *folded, ""])


def _readings(rule: Rule) -> list[str]:
    """What readings of the rule's findings gave, and how sure it may be for that."""
    rows = [row for (code, *_), row in sorted(readings().items()) if code == rule.code]
    return [
        f"{' '.join(filter(None, (row.language, row.mechanism)))}: {row.in_words}: told with {row.most_confident} "
        "confidence at most"
        for row in rows
    ]


README_BEGIN = "<!-- rules:begin -->\n"
README_END = "<!-- rules:end -->"


def rules_as_markdown(rules: Iterable[Rule]) -> str:
    """The README's table."""
    rows = [
        f"| {r.code} | [{r.name}](rules/{r.chapter}/{r.name}.md) | {r.severity} | {r.title}{_MARKS[standing(r)]} |"
        for r in rules
    ]
    head = "| code | name | severity | what it is |\n| --- | --- | --- | --- |"
    return "\n".join([head, *rows, "", f"\\* {_WITH_LOW}: what others read of it was right too seldom.", ""])


def with_rule_table(readme: str, rules: Iterable[Rule]) -> str:
    """The README's text with a fresh table between its two marks."""
    before, _, rest = readme.partition(README_BEGIN)
    _, _, after = rest.partition(README_END)
    return before + README_BEGIN + rules_as_markdown(rules) + README_END + after


if __name__ == "__main__":
    import sys
    from pathlib import Path

    from llmlint.catalogue import load_catalogue

    readme_file = Path(sys.argv[1])
    readme_file.write_text(with_rule_table(readme_file.read_text(encoding="utf-8"), load_catalogue()), encoding="utf-8")
