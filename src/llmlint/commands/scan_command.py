"""`llmlint scan`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec

from llmlint.catalogue import UnknownRule
from llmlint.commands.common import exit_code, request_of, say, scan_options, tell_problems, wrong_use
from llmlint.commands.completing import complete_output
from llmlint.files import language_of
from llmlint.findings import SEVERITIES
from llmlint.plain import one_line
from llmlint.progress import KINDS, Progress, shown_progress
from llmlint.project import Project, Request, mark_known
from llmlint.project import scan as scan_project
from llmlint.report import FORMATS, Style, render
from llmlint.scan import ScanResult
from llmlint.writing import write_file

_EXAMPLES = """\b
Examples:
  llmlint scan                                      the folder you stand in
  llmlint scan src --select state,LLM204            one chapter and one rule
  llmlint scan . --diff main --fail-on P1           what a branch brings
  llmlint scan . -o sarif:a.sarif -o html:a.html    reports beside the text
  llmlint scan . --unsafe-fixes --diff-fixes        what could be mended, as a patch"""


@click.command(epilog=_EXAMPLES)
@click.argument("paths", nargs=-1)
@click.option(
    "--format",
    "--output-format",
    "format_",
    default="text",
    metavar="FORMAT",
    type=click.Choice(list(FORMATS)),
    help=f"{', '.join(FORMATS)}.",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:FILE",
    shell_complete=complete_output,
    help="Write a report to a file too.",
)
@scan_options
@click.option("--baseline", "baseline_file", metavar="FILE", help="Findings that are known and don't count.")
@click.option("--diff", "revision", metavar="REF", help="Only findings introduced since a git revision count.")
@click.option("--stdin-filename", metavar="FILE", help="Read the content of FILE from standard input.")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, then report what is left.")
@click.option("--unsafe-fixes", is_flag=True, help="Mend also where the fix needs a look: a limit, a bound, a guess.")
@click.option("--diff-fixes", is_flag=True, help="Print the fixes as a patch and change nothing.")
@click.option("--fix-suppressions", is_flag=True, help="Remove suppression comments that cover nothing.")
@click.option("--add-suppressions", metavar="REASON", help="Write a comment that silences it above each finding.")
@click.option("--watch", is_flag=True, help="Scan again whenever something changes, until Ctrl-C.")
@click.option("--show-suppressed", is_flag=True, help="Show suppressed findings too.")
@click.option("--statistics", is_flag=True, help="Always end with counts by rule.")
@click.option("--sarif-category", default="", help="Keep this run's alerts apart from others' on GitHub.")
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), help="Least severity that makes the exit code 1 (default P3: any)."
)
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also when there are findings.")
@click.option(
    "--progress",
    type=click.Choice(KINDS),
    default="auto",
    help="auto: one line on a terminal; plain: lines, for a log; none.",
)
@click.option(
    "--color",
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    help="auto: on a terminal, unless NO_COLOR or FORCE_COLOR say otherwise.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but what was asked for by --output.")
def scan(
    paths: tuple[str, ...],
    format_: str,
    outputs: Sequence[str],
    baseline_file: str | None,
    revision: str | None,
    stdin_filename: str | None,
    fix: bool,
    unsafe_fixes: bool,
    diff_fixes: bool,
    fix_suppressions: bool,
    add_suppressions: str | None,
    watch: bool,
    show_suppressed: bool,
    statistics: bool,
    sarif_category: str,
    fail_on: str | None,
    exit_zero: bool,
    progress: str,
    color: str,
    quiet: bool,
    **flags: Any,
) -> None:
    """Scan files and folders; without PATHS, the folder one stands in."""
    written = [_output_of(text) for text in outputs]
    given = {stdin_filename: sys.stdin.buffer.read()} if stdin_filename else {}
    if "-" in paths and not given:
        wrong_use("what comes from standard input needs a name: --stdin-filename FILE")
    paths = tuple(path for path in paths if path != "-") or tuple(given) or (".",)
    request = request_of(paths, flags, given)
    plain = Style(statistics=statistics, show_suppressed=show_suppressed, sarif_category=sarif_category)

    def judged() -> ScanResult:
        result = _scanned(request, revision, progress)
        mark_known(result, Project(request).settings, baseline_file)
        return result

    def tell(result: ScanResult) -> None:
        _write(result, format_, written, plain, None if quiet else _terminal_style(plain, color))
        tell_problems(result)

    if watch:
        if fix or unsafe_fixes or diff_fixes or fix_suppressions or add_suppressions is not None or given:
            wrong_use("--watch only looks: leave out what changes files, and standard input")
        _watch(request, judged, tell, clears=sys.stdout.isatty() and not quiet)
    if fix_suppressions:
        _fix_suppressions(_scanned(request, revision, progress))
    result = judged()
    if add_suppressions is not None:
        _add_suppressions(result, add_suppressions)
        result = judged()
    if diff_fixes:
        _show_fixes(request, result, unsafe_fixes)
    elif (fix or unsafe_fixes) and _fix(request, result, unsafe_fixes):
        result = judged()
    tell(result)
    sys.exit(exit_code(result, exit_zero, fail_on or Project(request).settings.config.fail_on))


def _watch(
    request: Request, judged: Callable[[], ScanResult], tell: Callable[[ScanResult], None], clears: bool
) -> NoReturn:
    """A report each time something changes; a terminal shows the newest one alone."""
    from llmlint.commands.rescanning import watch

    def look() -> None:
        result = judged()
        if clears:
            sys.stdout.write("\x1b[2J\x1b[H")
        tell(result)

    watch(request, look)


def _scanned(request: Request, revision: str | None, progress: str) -> ScanResult:
    try:
        with shown_progress(progress) as tell:
            return _scanned_against(request, revision, tell) if revision is not None else scan_project(request, tell)
    except UnknownRule as error:
        wrong_use(str(error))


def _scanned_against(request: Request, revision: str, progress: Progress | None) -> ScanResult:
    from llmlint.diff import DiffError, scan_against

    try:
        return scan_against(request, revision, progress)
    except DiffError as error:
        wrong_use(str(error))


def _show_fixes(request: Request, result: ScanResult, unsafe: bool) -> NoReturn:
    from llmlint.fixing import mend

    mended = mend(request, result.findings, unsafe)
    click.echo(mended.diff(), nl=False)
    _tell_fixes(len(mended.fixed), len(mended.unsafe), "would be", "would be")
    sys.exit(1 if mended.fixed else 0)


def _fix(request: Request, result: ScanResult, unsafe: bool) -> bool:
    from llmlint.fixing import mend

    mended = mend(request, result.findings, unsafe)
    for untouched in mended.write():
        say(untouched)
    _tell_fixes(len(mended.fixed), len(mended.unsafe), "is", "are")
    return bool(mended.fixed)


def _tell_fixes(fixed: int, unsafe: int, one: str, several: str) -> None:
    more = f"; {unsafe} more with --unsafe-fixes" if unsafe else ""
    said = f"1 finding {one}" if fixed == 1 else f"{fixed} findings {several}"
    click.echo(f"llmlint: {said} fixed{more}", err=True)


def _fix_suppressions(result: ScanResult) -> None:
    from llmlint.commands.suppressions_command import remove_unused

    for told in remove_unused(result.unused_suppressions):
        say(told)


def _add_suppressions(result: ScanResult, reason: str) -> None:
    from llmlint.commands.suppressions_command import add

    reason = " ".join(reason.split())
    if not reason or reason != one_line(reason) or "*/" in reason:
        wrong_use("--add-suppressions takes a reason, in words for who reads the comment")
    for told in add(result.shown, reason):
        say(told)


def _output_of(text: str) -> tuple[str, Path]:
    name, colon, file = text.partition(":")
    if not colon or not file:
        wrong_use(f"--output takes FORMAT:FILE, not {text!r}")
    if name not in FORMATS:
        wrong_use(f"there is no format {name!r}; there are {', '.join(FORMATS)}")
    if not os.path.lexists(Path(file).parent):  # a slip of the pen, most likely: not made, so that it is seen
        wrong_use(f"cannot write {file}: there is no folder {Path(file).parent}")
    if language_of(file) and os.path.lexists(file):
        wrong_use(f"cannot write {file}: it is source code, and would be lost")
    return name, Path(file)


def _write(
    result: ScanResult, format_: str, written: Sequence[tuple[str, Path]], plain: Style, terminal: Style | None
) -> None:
    for name, file in written:
        try:
            write_file(
                file, render(name, result, _dated(plain) if name == "html" else plain).encode("utf-8", "replace")
            )
        except OSError as error:
            result.errors.append(f"cannot write {file}: {error.strerror}")
    if terminal:
        text = render(format_, result, terminal)
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.flush()


def _dated(plain: Style) -> Style:
    """A page is kept and passed on: it says when it was made, and how."""
    import shlex
    from datetime import datetime

    command = shlex.join(["llmlint", *sys.argv[1:]])
    return msgspec.structs.replace(plain, made=f"{datetime.now():%Y-%m-%d %H:%M}, {command}")


def _terminal_style(plain: Style, wish: str) -> Style:
    """Colour and links where a person looks on, unless told otherwise: by the flag, by FORCE_COLOR, by NO_COLOR."""
    import shutil

    terminal = sys.stdout.isatty()
    forced = os.environ.get("FORCE_COLOR", "") not in ("", "0")
    by_itself = forced or (terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")
    color = wish == "always" or (wish == "auto" and by_itself)
    columns = shutil.get_terminal_size((100, 24)).columns
    return msgspec.structs.replace(plain, width=columns, color=color, links=terminal and color)
