"""What a shell offers for values: rules and chapters, and formats before a file's name."""

from __future__ import annotations

from collections.abc import Iterator

import click
from click.shell_completion import CompletionItem


def complete_rule(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """One rule, by its code or its name."""
    return list(_rules(incomplete, ""))


def complete_rules(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The last of several selectors with commas between them; chapters are selectors too."""
    from llmlint.catalogue import CHAPTER_TITLES

    before, comma, last = incomplete.rpartition(",")
    chapters = [(name, title) for name, title in [*CHAPTER_TITLES.items(), ("ALL", "all rules")]]
    begun = [CompletionItem(f"{before}{comma}{name}", help=title) for name, title in chapters if name.startswith(last)]
    return [*_rules(last, before + comma), *begun]


def complete_output(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """FORMAT: and then a file."""
    from llmlint.report import FORMATS

    if ":" in incomplete:
        return [CompletionItem(incomplete.partition(":")[2], type="file")]
    return [CompletionItem(f"{name}:") for name in FORMATS if name.startswith(incomplete)]


def _rules(incomplete: str, before: str) -> Iterator[CompletionItem]:
    from llmlint.catalogue import load_catalogue

    for rule in load_catalogue():
        for name in (rule.code, rule.name):
            if name.lower().startswith(incomplete.lower()):
                yield CompletionItem(before + name, help=rule.title)
