"""What commands share: exit codes, the flags that say what to scan, and the lines on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from llmlint.commands.completing import complete_rules
from llmlint.findings import as_severe
from llmlint.plain import one_line, without_commands
from llmlint.project import Request
from llmlint.scan import ScanResult

CLEAN, FOUND, WRONG_USE, FAILED = 0, 1, 2, 3

_PARTLY_READ_NAMED = 5
"""So many files with regions that did not parse get a line of their own: C++ macros make them common."""

F = TypeVar("F", bound=Callable[..., Any])

_RULES_FROM = click.option(
    "--rules-from",
    multiple=True,
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    callback=lambda _context, _option, folders: _use(folders),
    expose_value=False,
    help="Use the rules in a folder of yours too; their code runs.",
)

_RULE_OPTIONS = (
    click.option(
        "--select",
        multiple=True,
        metavar="RULES",
        shell_complete=complete_rules,
        help="Only these rules (code, name, LLM8, chapter, ALL).",
    ),
    click.option("--ignore", multiple=True, metavar="RULES", shell_complete=complete_rules, help="Not these rules."),
    click.option("--preview", is_flag=True, help="The rules that are off by default too: they are being tried."),
    click.option(
        "--min-confidence",
        type=click.Choice(["low", "medium", "high", "certain"]),
        help="Least confidence shown (default medium).",
    ),
    click.option(
        "--min-severity", type=click.Choice(["P0", "P1", "P2", "P3"]), help="Least severity shown (default P3: all)."
    ),
    _RULES_FROM,
)

_READ_OPTIONS = (
    click.option("-j", "--jobs", type=click.IntRange(min=1), help="Worker processes (default: one a processor)."),
    click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out what matches, as in .gitignore."),
    click.option("--force-exclude", is_flag=True, help="Apply excludes to files named on the command line too."),
    click.option(
        "--config",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False),
        help="Read the settings of this file, and of no other.",
    ),
    click.option("--no-config", is_flag=True, help="Read no settings."),
    click.option("--isolated", is_flag=True, help="Link files named one by one without the rest of their project."),
    click.option("--no-cache", is_flag=True, help="Neither read nor write the cache."),
    click.option("--cache-dir", metavar="FOLDER", help="Where the cache lies (default: the user's cache folder)."),
)


def _use(folders: Iterable[Path]) -> None:
    """Before anything else is asked of the catalogue."""
    from llmlint.own_rules import OwnRulesError, use_rules_from

    try:
        use_rules_from(folders)
    except OwnRulesError as error:
        wrong_use(str(error))


def rules_option(command: F) -> F:
    """`--rules-from` alone, for commands that only look at rules."""
    return _RULES_FROM(command)


def scan_options(command: F) -> F:
    """The flags of every command that scans; `request_of` reads them."""
    return _with((*_RULE_OPTIONS, *_READ_OPTIONS), command)


def read_options(command: F) -> F:
    """The flags of a command that reads a program and asks no rule; `request_of` reads them too."""
    return _with(_READ_OPTIONS, command)


def _with(options: Sequence[Callable[[F], F]], command: F) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def request_of(paths: tuple[str, ...], flags: dict[str, Any], given: dict[str, bytes] | None = None) -> Request:
    return Request(
        paths=paths,
        select=_split(flags.get("select", ())),
        ignore=_split(flags.get("ignore", ())),
        preview=flags.get("preview", False),
        min_confidence=flags.get("min_confidence"),
        min_severity=flags.get("min_severity"),
        jobs=flags["jobs"],
        exclude=flags["exclude"],
        force_exclude=flags["force_exclude"],
        config=flags["config"],
        no_config=flags["no_config"],
        isolated=flags["isolated"],
        use_cache=not flags["no_cache"],
        cache_dir=flags["cache_dir"],
        given=given or {},
    )


def _split(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def wrong_use(message: str) -> NoReturn:
    say(message)
    sys.exit(WRONG_USE)


def say(message: str) -> None:
    """One line on standard error, whatever the message quotes."""
    click.echo(f"llmlint: {without_commands(one_line(message))}", err=True)


def show_frame(lines: Iterable[str]) -> None:
    """The line that a message is about."""
    for line in lines:
        click.echo(without_commands(line), err=True)


def tell_problems(result: ScanResult) -> None:
    """One line for each file that was not scanned, for the first that were read in part, and for what went wrong."""
    partly = [problem for problem in result.problems if problem.kind == "partly-read"]
    unsaid = {id(problem) for problem in partly[_PARTLY_READ_NAMED:]}
    for problem in result.problems:
        if id(problem) not in unsaid:
            say(f"{problem.path}: {problem.message}")
    if unsaid:
        say(f"{len(unsaid)} more files have regions that did not parse; the rest of them was scanned (--format json)")
    for line in (*result.warnings, *result.errors):
        say(line)
        show_frame(result.frames.get(line, ()))
    for fault in result.faults:
        say(f"internal fault: {fault}; the rest is reported")


def exit_code(result: ScanResult, exit_zero: bool = False, fail_on: str = "P3") -> int:
    if result.errors or any(problem.kind == "missing" for problem in result.problems):
        return WRONG_USE
    if result.faults or result.counts.failed:
        return FAILED
    counting = any(as_severe(finding.severity, fail_on) for finding in result.shown)
    return FOUND if counting and not exit_zero else CLEAN
