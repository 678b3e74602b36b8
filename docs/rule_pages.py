"""Brings into the site what is made from elsewhere: the rules' pages, the help of every command, the change log."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from llmlint import __version__
from llmlint.catalogue import CHAPTER_TITLES, Rule, load_catalogue
from llmlint.cli import main
from llmlint.rule_page import prose_of, standing

CHANGES = Path(__file__).parent.parent / "CHANGELOG.md"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Each rule has its place in the navigation, below its chapter; each page says which version it is about."""
    config.copyright = f"llmlint {__version__}"
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
    files.append(File.generated(config, "command-line.md", content=_command_line()))
    files.append(File.generated(config, "changes.md", content=CHANGES.read_text(encoding="utf-8")))
    for rule in catalogue:
        files.append(File.generated(config, f"rules/{rule.code}.md", content=_page(rule)))
    return files


def _command_line() -> str:
    """What `--help` says of each command."""
    with click.Context(main, info_name="llmlint") as top:
        parts = ["# Every command", _help(main, top)]
        for name in main.list_commands(top):
            command = main.get_command(top, name)
            if command is not None:
                parts += list(_with_its_own(command, top, name))
    return "\n\n".join(parts) + "\n"


def _with_its_own(command: click.Command, above: click.Context, name: str) -> Iterator[str]:
    with click.Context(command, info_name=name, parent=above) as context:
        yield f"## {context.command_path}\n\n{_help(command, context)}"
        for inner, found in getattr(command, "commands", {}).items():
            yield from _with_its_own(found, context, inner)


def _help(command: click.Command, context: click.Context) -> str:
    return f"```text\n{command.get_help(context)}\n```"


def _page(rule: Rule) -> str:
    facts = [
        CHAPTER_TITLES[rule.chapter],
        f"severity {rule.severity}",
        " and ".join({"python": "Python", "cpp": "C++"}[language] for language in rule.languages),
        f"pylint {rule.pylint_id}",
        standing(rule),
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
