"""Brings the rule pages into the site: each from `rules/`, under its code, and a table of them all."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from llmlint.catalogue import CHAPTER_TITLES, Rule, load_catalogue
from llmlint.rule_page import prose_of


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Each rule has its place in the navigation, below its chapter."""
    chapters = groupby(load_catalogue(), key=lambda rule: CHAPTER_TITLES[rule.chapter])
    by_chapter: list[Any] = [
        {title: [{f"{rule.code} {rule.name}": f"rules/{rule.code}.md"} for rule in rules]} for title, rules in chapters
    ]
    config.nav = [
        {"Rules": ["rules/index.md", *by_chapter]} if "Rules" in entry else entry for entry in config.nav or ()
    ]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    catalogue = load_catalogue()
    files.append(File.generated(config, "rules/index.md", content=_index(list(catalogue))))
    for rule in catalogue:
        files.append(File.generated(config, f"rules/{rule.code}.md", content=_page(rule)))
    return files


def _page(rule: Rule) -> str:
    facts = [
        CHAPTER_TITLES[rule.chapter],
        f"severity {rule.severity}",
        " and ".join({"python": "Python", "cpp": "C++"}[language] for language in rule.languages),
        f"pylint {rule.pylint_id}",
        "on by default" if rule.default else "off by default",
    ]
    prose = prose_of(rule).replace("](../../docs/", "](../")  # the page lies elsewhere than its source
    return f"# {rule.code} {rule.name}\n\n**{rule.title}.** {' · '.join(facts)}\n\n{prose}"


def _index(rules: list[Rule]) -> str:
    parts = ["# Rules\n"]
    for chapter, group in groupby(sorted(rules, key=lambda rule: rule.code), key=lambda rule: rule.chapter):
        parts.append(
            f"\n## {CHAPTER_TITLES[chapter]}\n\n| code | name | severity | what it is |\n| --- | --- | --- | --- |"
        )
        parts += [f"| [{r.code}]({r.code}.md) | {r.name} | {r.severity} | {r.title} |" for r in group]
    return "\n".join(parts) + "\n"
