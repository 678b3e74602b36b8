"""The command line. Each command lives in its own module, which is imported when the command is called.

Exit codes: 0 clean, 1 findings, 2 wrong use or configuration, 3 something inside failed, 130 and 143 ended by a signal.
"""

from __future__ import annotations

import importlib
from typing import Any

import click

from llmlint import __version__
from llmlint.ending import told_endings

COMMANDS = {
    "init": ("llmlint.commands.init:init", "Set a project up: settings, pre-commit, workflow, baseline."),
    "scan": ("llmlint.commands.scan:scan", "Scan files and folders."),
    "baseline": ("llmlint.commands.baseline:baseline", "Keep a file of known findings, so that only new ones count."),
    "trace": ("llmlint.runtime.commands:trace", "Run a program and watch what the findings are about."),
    "confirm": ("llmlint.runtime.commands:confirm", "Write what traced runs showed onto the findings."),
    "verify": ("llmlint.runtime.commands:verify", "Scan, trace and confirm in one go."),
    "rules": ("llmlint.commands.rules:rules", "List all rules."),
    "explain": ("llmlint.commands.explain:explain", "Show the page of a rule."),
    "new-rule": ("llmlint.commands.explain:new_rule", "Write the page, checker and probe of a new rule."),
    "config": ("llmlint.commands.config:config", "Look at settings."),
    "lsp": ("llmlint.commands.lsp:lsp", "Serve an editor over standard input and output."),
    "cache": ("llmlint.commands.cache:cache", "Look at the cache, or throw it away."),
    "completion": ("llmlint.commands.completion:completion", "Print what makes a shell complete llmlint."),
}
"""Name: (module:command, one line of help)."""


class LazyGroup(click.Group):
    """Knows its commands by name and imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        with told_endings():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="llmlint")
def main() -> None:
    """Find the bugs that bring down LLM serving: leaked requests, stale state, ranks that never meet."""
