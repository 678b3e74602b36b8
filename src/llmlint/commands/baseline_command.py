"""`llmlint baseline write|update|check`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from llmlint.baseline import Baseline, BaselineError, Entry, apply, baseline_of, read_baseline, write_baseline
from llmlint.catalogue import UnknownRule
from llmlint.commands.common import (
    CLEAN,
    FAILED,
    FOUND,
    WRONG_USE,
    exit_code,
    request_of,
    say,
    scan_options,
    tell_problems,
    wrong_use,
)
from llmlint.plain import counted, one_line, without_commands
from llmlint.project import scan
from llmlint.scan import ScanResult

DEFAULT = "llmlint-baseline.json"


@click.group()
def baseline() -> None:
    """Keep a file of known findings, so that only new ones count."""


def _file_option(command: Any) -> Any:
    return click.option("--file", "file", default=DEFAULT, show_default=True, type=click.Path(path_type=Path))(command)


@baseline.command()
@click.argument("paths", nargs=-1)
@_file_option
@scan_options
def write(paths: tuple[str, ...], file: Path, **flags: Any) -> None:
    """Write all findings of PATHS to the baseline; reasons given in an old one are kept."""
    result = _scanned(paths, flags)
    new = baseline_of(result.findings, file)
    if file.exists():
        reasons = {entry.fingerprint: entry.reason for entry in _read(file).findings if entry.reason}
        new = Baseline(new.version, tuple(_with_reason(entry, reasons) for entry in new.findings))
    _store(file, new)
    say(f"{file}: {counted(len(new.findings), 'finding')} written")
    sys.exit(_code(result, CLEAN))


@baseline.command()
@click.argument("paths", nargs=-1)
@_file_option
@scan_options
def update(paths: tuple[str, ...], file: Path, **flags: Any) -> None:
    """Remove entries that no finding answers to any more. Nothing is ever added."""
    known = _read(file)
    result = _scanned(paths, flags)
    _, stale = apply(known, file, result.findings, result.about, result.codes)
    _store(file, Baseline(known.version, tuple(entry for entry in known.findings if entry not in stale)))
    say(f"{file}: {len(stale)} removed, {len(known.findings) - len(stale)} kept")
    sys.exit(_code(result, CLEAN))


@baseline.command()
@click.argument("paths", nargs=-1)
@_file_option
@scan_options
def check(paths: tuple[str, ...], file: Path, **flags: Any) -> None:
    """Report entries that no finding answers to; exit with 1 when there are any."""
    known = _read(file)
    result = _scanned(paths, flags)
    _, stale = apply(known, file, result.findings, result.about, result.codes)
    for entry in stale:
        stale_one = f"{entry.path}: {entry.rule} {entry.symbol}: no finding answers to it ({entry.fingerprint})"
        click.echo(without_commands(one_line(stale_one)))
    say(f"{file}: {len(stale)} stale of {len(known.findings)}")
    sys.exit(_code(result, FOUND if stale else CLEAN))


def _with_reason(entry: Entry, reasons: dict[str, str]) -> Entry:
    import msgspec

    return msgspec.structs.replace(entry, reason=reasons.get(entry.fingerprint, ""))


def _read(file: Path) -> Baseline:
    try:
        return read_baseline(file)
    except BaselineError as error:
        wrong_use(str(error))


def _store(file: Path, known: Baseline) -> None:
    try:
        write_baseline(file, known)
    except OSError as error:
        wrong_use(f"cannot write {file}: {error.strerror}")


def _scanned(paths: tuple[str, ...], flags: dict[str, Any]) -> ScanResult:
    try:
        result = scan(request_of(paths or (".",), flags))
    except UnknownRule as error:
        wrong_use(str(error))
    tell_problems(result)
    return result


def _code(result: ScanResult, otherwise: int) -> int:
    """Wrong use and failures come before what the command itself has to say."""
    code = exit_code(result, exit_zero=True)
    return code if code in (WRONG_USE, FAILED) else otherwise
