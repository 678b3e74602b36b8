"""`llmlint explain` and `llmlint new-rule`."""

from __future__ import annotations

from pathlib import Path

import click

from llmlint.commands.common import rules_option, wrong_use
from llmlint.commands.completing import complete_rule


@click.command()
@click.argument("rule", shell_complete=complete_rule)
@click.option("--short", is_flag=True, help="A few lines: what it catches and how to mend it.")
@rules_option
def explain(rule: str, short: bool) -> None:
    """Show the page of a rule, given by its code or name; of several (LLM8, a chapter) a few lines each."""
    from llmlint.catalogue import UnknownRule, load_catalogue
    from llmlint.rule_page import as_text, in_short

    try:
        found = load_catalogue().matching(rule)
    except UnknownRule as error:
        wrong_use(str(error))
    if short or len(found) > 1:
        click.echo("\n".join(map(in_short, found)), nl=False)
    else:
        click.echo(as_text(found[0]), nl=False)


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
