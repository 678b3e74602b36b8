"""`llmlint rules`."""

from __future__ import annotations

import click
import msgspec

from llmlint.catalogue import UnknownRule, load_catalogue, rule_table
from llmlint.commands.common import rules_option, wrong_use
from llmlint.commands.completing import complete_rules


@click.command()
@click.option("--format", "format_", default="text", type=click.Choice(["text", "json"]))
@click.argument("chosen", metavar="[RULES]...", nargs=-1, shell_complete=complete_rules)
@click.option("--fixable", is_flag=True, help="Only those that `scan --fix` or `--unsafe-fixes` can mend.")
@rules_option
def rules(chosen: tuple[str, ...], fixable: bool, format_: str) -> None:
    """List all rules, or those that RULES name: a code, a name, LLM8, a chapter."""
    catalogue = load_catalogue()
    try:
        wanted = {rule.code for name in chosen or ("ALL",) for rule in catalogue.matching(name)}
    except UnknownRule as error:
        wrong_use(str(error))
    listed = [rule for rule in catalogue if rule.code in wanted and (rule.fix or not fixable)]
    if format_ == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rule_table(listed)), indent=2).decode())
        return
    for rule in listed:
        told = f"  ({', '.join(rule.remarks)})" if rule.remarks else ""
        click.echo(f"{rule.code}  {rule.severity}  {rule.name:<28} {rule.title}{told}")
