"""The prose of a rule's page, for reports that show it."""

from __future__ import annotations

import re

from llmlint.catalogue import Rule, split_page


def prose_of(rule: Rule) -> str:
    """The page's Markdown below its front matter."""
    return split_page(rule.path.read_text(encoding="utf-8"), rule.path)[1].strip() + "\n"


def description_of(rule: Rule) -> str:
    """What the rule catches, in one paragraph without markup."""
    section = re.search(r"^## What it catches\n+(.+?)(?:\n\n|\Z)", prose_of(rule), re.MULTILINE | re.DOTALL)
    text = section[1] if section else rule.title
    return " ".join(text.replace("`", "").split())
