"""The commands, thin: options in, one call, a report and an exit code out.

Exit codes: 0 clean, 1 findings, 2 wrong use or configuration, 3 something inside failed.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from llmlint import __version__

if TYPE_CHECKING:
    from llmlint.config import Config, Settings
    from llmlint.report import Style
    from llmlint.scan import ScanResult

CLEAN, FOUND, WRONG_USE, FAILED = 0, 1, 2, 3

_CONFIDENCES = click.Choice(["low", "medium", "high", "certain"])
_SEVERITIES = click.Choice(["P0", "P1", "P2", "P3"])


_LATER = dict.fromkeys(("trace", "confirm", "verify"), "llmlint.runtime.commands")
"""Commands whose module is imported when they are asked for."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_LATER])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _LATER:
            found: click.Command = getattr(importlib.import_module(_LATER[cmd_name]), cmd_name)
            return found
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="llmlint")
def main() -> None:
    """Find the bugs that bring down LLM serving: leaked requests, stale state, ranks that never meet."""


def _wrong_use(message: str) -> NoReturn:
    click.echo(f"llmlint: {message}", err=True)
    sys.exit(WRONG_USE)


@main.command()
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--format", "format_", default="text", help="text, concise, json, jsonl, sarif, github, gitlab, junit or html."
)
@click.option("--output", "outputs", multiple=True, metavar="FORMAT:FILE", help="Write a report to a file too.")
@click.option("--select", multiple=True, help="Only these rules (code, name, LLM8, chapter, ALL).")
@click.option("--ignore", multiple=True, help="Not these rules.")
@click.option("--min-confidence", type=_CONFIDENCES, help="Least confidence shown (default medium).")
@click.option("--min-severity", type=_SEVERITIES, help="Least severity shown (default P3: all).")
@click.option("-j", "--jobs", type=click.IntRange(min=0), help="Worker processes (default: one a processor).")
@click.option("--exclude", multiple=True, help="Leave out what matches, as in .gitignore.")
@click.option("--force-exclude", is_flag=True, help="Apply excludes to files named on the command line too.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache.")
@click.option("--cache-dir", type=click.Path(path_type=Path), help="Where the cache lies.")
@click.option("--show-suppressed", is_flag=True, help="Show suppressed findings too.")
@click.option("--statistics", is_flag=True, help="Always end with counts by rule.")
@click.option("--sarif-category", default="", help="Keep this run's alerts apart from others' on GitHub.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also when there are findings.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but what was asked for by --output.")
def scan(
    paths: Sequence[str],
    format_: str,
    outputs: Sequence[str],
    select: Sequence[str],
    ignore: Sequence[str],
    min_confidence: str | None,
    min_severity: str | None,
    jobs: int | None,
    exclude: Sequence[str],
    force_exclude: bool,
    no_cache: bool,
    cache_dir: Path | None,
    show_suppressed: bool,
    statistics: bool,
    sarif_category: str,
    exit_zero: bool,
    quiet: bool,
) -> None:
    """Scan files and folders."""
    from llmlint.files import discover
    from llmlint.report import FORMATS, Style
    from llmlint.scan import Options, scan_files
    from llmlint.vocabulary import VocabularyError, load_vocabulary

    written = [_output_of(text) for text in outputs]
    for name in (format_, *(name for name, _ in written)):
        if name not in FORMATS:
            _wrong_use(f"there is no format {name!r}; there are {', '.join(FORMATS)}")
    settings = _settings(paths)
    config = settings.config
    try:
        vocabulary = load_vocabulary(config.vocabulary)
    except VocabularyError as error:
        _wrong_use(f"{settings.origins.get('vocabulary', 'configuration')}: vocabulary.{error}")
    found = discover(
        paths,
        exclude=(*config.exclude, *exclude),
        respect_gitignore=config.respect_gitignore,
        force_exclude=force_exclude,
        max_bytes=int(config.max_file_mb * 1_000_000),
    )
    missing = [p.path for p in found.problems if p.kind == "missing"]
    if missing:
        _wrong_use(f"no such file or folder: {', '.join(missing)}")
    options = Options(
        rules=_chosen_rules(config, select, ignore),
        vocabulary=vocabulary,
        jobs=jobs or config.jobs or len(os.sched_getaffinity(0)),
        cache_directory=None if no_cache else cache_dir or _cache_directory(settings),
        severity=config.severity,
    )
    result = scan_files(found.sources, options, found.problems)
    result.findings = _wanted(
        result, config, min_confidence or config.min_confidence, min_severity or config.min_severity
    )
    plain = Style(statistics=statistics, show_suppressed=show_suppressed, sarif_category=sarif_category)
    _write(result, format_, written, quiet, plain)
    if result.faults:
        sys.exit(FAILED)
    sys.exit(FOUND if result.shown and not exit_zero else CLEAN)


def _settings(paths: Sequence[str]) -> Settings:
    from llmlint.config import ConfigError, load_settings

    first = Path(paths[0])
    try:
        return load_settings(first if first.exists() else Path())
    except ConfigError as error:
        _wrong_use(str(error))


def _output_of(text: str) -> tuple[str, Path]:
    name, colon, file = text.partition(":")
    if not colon or not file:
        _wrong_use(f"--output takes FORMAT:FILE, not {text!r}")
    return name, Path(file)


def _cache_directory(settings: Settings) -> Path:
    return Path(settings.config.cache_dir) if settings.config.cache_dir else settings.root / ".llmlint_cache"


def _chosen_rules(config: Config, select: Sequence[str], ignore: Sequence[str]):  # type: ignore[no-untyped-def]
    from llmlint.catalogue import UnknownRule, load_catalogue

    catalogue = load_catalogue()
    wanted = _split(select) or list(config.select)
    try:
        chosen = {r.code for s in wanted for r in catalogue.matching(s)}
        if not wanted:
            chosen = {rule.code for rule in catalogue.default_rules()}
        chosen |= {r.code for s in config.extend_select for r in catalogue.matching(s)}
        chosen -= {r.code for s in (*config.ignore, *_split(ignore)) for r in catalogue.matching(s)}
    except UnknownRule as error:
        _wrong_use(str(error))
    return tuple(rule for rule in catalogue if rule.code in chosen)


def _split(values: Sequence[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _wanted(result: ScanResult, config: Config, confidence: str, severity: str):  # type: ignore[no-untyped-def]
    """The findings sure and severe enough, as the settings for their paths have it."""
    import pathspec

    from llmlint.findings import as_severe, at_least

    kept = [f for f in result.findings if at_least(f.confidence, confidence) and as_severe(f.severity, severity)]
    for rule in config.per_path:
        spec = pathspec.GitIgnoreSpec.from_lines(rule.paths)
        ignored = {name.lower() for name in rule.ignore}
        only = {name.lower() for name in rule.select} if rule.select is not None else None
        kept = [
            f
            for f in kept
            if not spec.match_file(f.path)
            or not ({f.rule.lower(), f.name} & ignored or (only is not None and not {f.rule.lower(), f.name} & only))
        ]
    return kept


def _write(
    result: ScanResult,
    format_: str,
    written: Sequence[tuple[str, Path]],
    quiet: bool,
    plain: Style,
) -> None:
    import msgspec

    from llmlint.report import render

    for name, file in written:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(render(name, result, plain), encoding="utf-8")
        except OSError as error:
            _wrong_use(f"cannot write {file}: {error.strerror}")
    if not quiet:
        terminal = sys.stdout.isatty()
        color = bool(os.environ.get("FORCE_COLOR")) or (terminal and not os.environ.get("NO_COLOR"))
        width = min(160, shutil.get_terminal_size((100, 24)).columns)
        style = msgspec.structs.replace(plain, width=width, color=color, links=terminal and color)
        sys.stdout.write(render(format_, result, style))
        sys.stdout.flush()


@main.group()
def cache() -> None:
    """Look at the cache, or throw it away."""


@cache.command("info")
@click.argument("path", default=".", type=click.Path(path_type=Path))
def cache_info_command(path: Path) -> None:
    """How much the cache of the project at PATH holds."""
    from llmlint.cache import cache_info

    directory = _cache_directory(_settings([str(path)]))
    info = cache_info(directory)
    click.echo(f"{directory}: {info['records']} files, {info['results']} results, {info['bytes']:,} bytes")


@cache.command("clear")
@click.argument("path", default=".", type=click.Path(path_type=Path))
def cache_clear_command(path: Path) -> None:
    """Throw the cache of the project at PATH away."""
    from llmlint.cache import clear_cache

    directory = _cache_directory(_settings([str(path)]))
    clear_cache(directory)
    click.echo(f"{directory}: cleared")


@main.group("config")
def config_group() -> None:
    """Look at settings."""


@config_group.command("show")
@click.argument("file", default=".", type=click.Path(path_type=Path))
def config_show(file: Path) -> None:
    """Each setting in force for FILE, with where it comes from."""
    import msgspec

    settings = _settings([str(file)])
    for key, value in msgspec.to_builtins(settings.config).items():
        origin = settings.origins.get(key, "default")
        click.echo(f"{key} = {msgspec.json.encode(value).decode()}  # {origin}")


@main.command("rules")
@click.option("--format", "format_", default="text", type=click.Choice(["text", "json"]))
def rules_command(format_: str) -> None:
    """All rules."""
    import msgspec

    from llmlint.catalogue import load_catalogue, rule_table

    catalogue = load_catalogue()
    if format_ == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rule_table(catalogue)), indent=2).decode())
        return
    for rule in catalogue:
        state = "" if rule.default else "  (off by default)"
        click.echo(f"{rule.code}  {rule.severity}  {rule.name:<28} {rule.title}{state}")
