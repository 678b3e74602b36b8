"""`llmlint rules`."""

from __future__ import annotations

import click
import msgspec

from llmlint.catalogue import load_catalogue, rule_table
from llmlint.commands.common import rules_option


@click.command()
@click.option("--format", "format_", default="text", type=click.Choice(["text", "json"]))
@rules_option
def rules(format_: str) -> None:
    """List all rules."""
    catalogue = load_catalogue()
    if format_ == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rule_table(catalogue)), indent=2).decode())
        return
    for rule in catalogue:
        state = "" if rule.default else "  (off by default)"
        click.echo(f"{rule.code}  {rule.severity}  {rule.name:<28} {rule.title}{state}")
