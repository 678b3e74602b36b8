"""`llmlint explain` and `llmlint new-rule`."""

from __future__ import annotations

from pathlib import Path

import click

from llmlint.commands.common import rules_option, wrong_use


@click.command()
@click.argument("rule")
@rules_option
def explain(rule: str) -> None:
    """Show the page of a rule, given by its code or name."""
    from llmlint.catalogue import UnknownRule, load_catalogue
    from llmlint.rule_page import as_text

    try:
        found = load_catalogue().rule(rule)
    except UnknownRule as error:
        wrong_use(str(error))
    click.echo(as_text(found), nl=False)


@click.command("new-rule")
@click.argument("name")
@click.option("--code", required=True, help="LLM and three digits that begin as a chapter's do; or a prefix of yours.")
@click.option("--title", required=True, help="What it is, in one line.")
@click.option(
    "--root",
    default=".",
    type=click.Path(path_type=Path, file_okay=False),
    help="A clone of llmlint; or the folder of your rules.",
)
def new_rule(name: str, code: str, title: str, root: Path) -> None:
    """Write the page, the checker and the probe of a rule called NAME; a rule of your own has no probe."""
    from llmlint.new_rule import NewRuleError, write_rule

    try:
        for path in write_rule(root, name, code, title):
            click.echo(f"wrote {path}")
    except NewRuleError as error:
        wrong_use(str(error))
    click.echo("fill in the page first: its Bad and Good blocks are the tests")
