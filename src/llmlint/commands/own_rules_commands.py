"""`llmlint test-rules` and `llmlint trust`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from llmlint.catalogue import Rule, load_catalogue
from llmlint.commands.common import CLEAN, FOUND, say, wrong_use
from llmlint.own_rules import OwnRulesError, distrust, use_rules_from
from llmlint.own_rules import trust as trust_folder
from llmlint.plain import counted


@click.command("test-rules")
@click.argument("folder", default="lint", type=click.Path(exists=True, file_okay=False, path_type=Path))
def test_rules(folder: Path) -> None:
    """Run the cases of the rules in FOLDER: their code runs.

    Each Bad block of a page must give exactly the findings marked in it (`# expect: ACME101`), each Good block none.
    """
    try:
        use_rules_from([folder])
    except OwnRulesError as error:
        wrong_use(str(error))
    own = [rule for rule in load_catalogue() if rule.is_own and Path(rule.folder) == folder.resolve()]
    wrong = [line for rule in own for line in _tried(rule)]
    for line in wrong:
        say(line)
    sys.exit(FOUND if wrong else CLEAN)


def _tried(rule: Rule) -> Iterator[str]:
    """What is wrong with the cases of a rule; tells how many were right."""
    from llmlint.rule_cases import cases, expected, found

    right = 0
    for heading in ("Bad", "Good"):
        try:
            blocks = list(cases(rule, heading))
        except LookupError:
            blocks = []
        if not blocks:
            yield f"{rule.path.name}: no block of code under {heading}"
        for number, case in enumerate(blocks, 1):
            wanted, got = expected(case), found(rule, case)
            right += wanted == got and (heading == "Good" or bool(wanted))
            where = f"{rule.path.name}: {heading} block {number}"
            if heading == "Bad" and not wanted:
                yield f"{where}: no line of it is marked with `expect: {rule.code}`"
            yield from (f"{where}: {file}:{line}: not found" for file, line, _ in sorted(wanted - got))
            yield from (f"{where}: {file}:{line}: found, and not expected" for file, line, _ in sorted(got - wanted))
    click.echo(f"{rule.code} {rule.name}: {counted(right, 'case')} right")


@click.command()
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--revoke", is_flag=True, help="No longer.")
def trust(folder: Path, revoke: bool) -> None:
    """Use the rules that the settings in FOLDER name (`rule-paths`).

    Rules are code, and it runs with your rights whenever you scan this folder: also the code that a later checkout of
    another branch brings. Trust what you would run the tests of. It is kept for you alone and for this one folder.
    """
    try:
        file = distrust(folder) if revoke else trust_folder(folder)
    except (OSError, OwnRulesError) as error:
        wrong_use(str(error))
    say(f"{folder.resolve()} is {'no longer ' if revoke else ''}trusted: written to {file}")
