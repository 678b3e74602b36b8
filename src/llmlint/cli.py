"""The command line. Each command lives in its own module, which is imported when the command is called.

Exit codes: 0 clean, 1 findings, 2 wrong use or configuration, 3 something inside failed, 130 and 143 ended by a signal.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import click

from llmlint import __version__
from llmlint.ending import told_endings

COMMANDS = {
    "init": ("llmlint.commands.init_command:init", "Set a project up: settings, pre-commit, workflow, baseline."),
    "scan": ("llmlint.commands.scan_command:scan", "Scan files and folders."),
    "baseline": (
        "llmlint.commands.baseline_command:baseline",
        "Keep a file of known findings: only new ones count.",
    ),
    "trace": ("llmlint.runtime.commands:trace", "Run a program and watch what the findings are about."),
    "attach": ("llmlint.runtime.attach_command:attach", "Watch a program that runs already, for a time."),
    "record": ("llmlint.runtime.record_command:record", "Record the requests of a live server, to drive them again."),
    "confirm": ("llmlint.runtime.commands:confirm", "Write what traced runs showed onto the findings."),
    "verify": ("llmlint.runtime.commands:verify", "Scan, trace and confirm in one go."),
    "rules": ("llmlint.commands.rules:rules", "List all rules."),
    "explain": ("llmlint.commands.explain:explain", "Show the page of a rule."),
    "test-rules": ("llmlint.commands.own_rules_commands:test_rules", "Run the cases of rules of one's own."),
    "trust": ("llmlint.commands.own_rules_commands:trust", "Let a project of yours bring rules of its own."),
    "new-rule": ("llmlint.commands.explain:new_rule", "Write the page, checker and probe of a new rule."),
    "graph": ("llmlint.commands.graph_command:graph", "Show who calls whom, who inherits, which locks nest."),
    "siblings": ("llmlint.commands.siblings_command:siblings", "List the places that look as a fixed one did before."),
    "config": ("llmlint.commands.config_command:config", "Look at settings."),
    "lsp": ("llmlint.commands.lsp:lsp", "Serve an editor over standard input and output."),
    "issues": ("llmlint.commands.issues_command:issues", "Study bug reports: fetch, classify, link, report."),
    "fleet": ("llmlint.commands.fleet_command:fleet", "Scan many revisions of many repositories, and follow findings."),
    "cache": ("llmlint.commands.cache_command:cache", "Look at the cache, or throw it away."),
    "completion": ("llmlint.commands.completion:completion", "Print what makes a shell complete llmlint."),
}
"""Name: (module:command, one line of help)."""

OTHER_NAMES = {"check": "scan", "lint": "scan", "rule": "explain", "server": "lsp"}
"""What other linters call these commands. They work here too, and no help lists them."""


class LazyGroup(click.Group):
    """Knows its commands by name and imports one when it is asked for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`help scan` is `scan --help`."""
        return super().parse_args(ctx, [*args[1:], "--help"] if args[:1] == ["help"] else args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(OTHER_NAMES.get(cmd_name, cmd_name))
        if entry is None:
            return None
        module, _, name = entry[0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        with told_endings():
            _stand_somewhere()
            _take_own_rules()
            return super().invoke(ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            ctx.fail(f"No such command {name!r}.{_hint(name)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in COMMANDS.items()])


def _stand_somewhere() -> None:
    try:
        os.getcwd()
    except OSError as error:
        raise click.UsageError(f"the working directory: {error.strerror}") from error


def _take_own_rules() -> None:
    """Those of installed packages; others when a command or trusted settings name them."""
    from llmlint.own_rules import OwnRulesError, allow_own_rules, installed_folders, use_rules_from

    allow_own_rules()
    try:
        use_rules_from(installed_folders())
    except OwnRulesError as error:
        raise click.UsageError(str(error)) from error


def _hint(name: str) -> str:
    from difflib import get_close_matches

    near = [found for names in (COMMANDS, OTHER_NAMES) for found in get_close_matches(name.lower(), names, n=1)]
    return f" Did you mean {OTHER_NAMES.get(near[0], near[0])!r}?" if near else ""


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="llmlint", message="%(prog)s %(version)s")
def main() -> None:
    """Find the bugs that bring down LLM serving: leaked requests, stale state, ranks that never meet."""
