"""`llmlint siblings`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmlint.commands.common import CLEAN, read_options, request_of, say, wrong_use
from llmlint.plain import counted

if TYPE_CHECKING:
    from llmlint.alike.listing import Start
    from llmlint.alike.lookalikes import Lookalikes
    from llmlint.findings import Finding
    from llmlint.project import Project

_EXAMPLES = """\b
Examples:
  llmlint siblings 1f2e3d4                          # a fix of the repository that the working directory is of
  llmlint siblings main~3..main python/engine       # several commits, and a part of the tree
  llmlint siblings v1.2-fix ../fork --repository .  # where a fork still looks as it did before a fix
  llmlint siblings engine/pool.py:88                # places like this one
  llmlint siblings 3fa9c1d2 --report findings.json  # places like that of a finding"""

_PLACE = re.compile(r"(.+):(\d+)")


@click.command(epilog=_EXAMPLES)
@click.argument("what", metavar="COMMIT|FILE:LINE|FINGERPRINT")
@click.argument("tree", type=click.Path(exists=True), default=".")
@click.option(
    "--repository",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the commit is, bare or not (default: the repository of TREE).",
)
@click.option(
    "--report",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A report in JSON that has the finding.",
)
@click.option("-n", "--most", type=click.IntRange(min=1), default=20, show_default=True, help="So many places at most.")
@click.option("--format", "--output-format", "format_", type=click.Choice(("text", "json")), default="text")
@read_options
def siblings(
    what: str, tree: str, repository: Path | None, report: Path | None, most: int, format_: str, **flags: Any
) -> None:
    """List the places of TREE that look as the one did that a commit fixed, or as that of a finding.

    What the fix added or took out is learnt from the changed functions, in both revisions. A place is listed where the
    rest of it is alike and that step is still to be done.
    """
    from llmlint.alike.listing import as_json, as_text, listing
    from llmlint.alike.lookalikes import Lookalikes
    from llmlint.plain import without_commands
    from llmlint.program_graphs import linked_program
    from llmlint.progress import shown_progress
    from llmlint.project import Project

    project = Project(request_of((tree,), flags))
    named = _PLACE.fullmatch(what)
    is_place = report is None and named is not None and os.path.isfile(named[1])
    start = None if is_place or report is not None else _of_commit(what, repository or Path(tree), project)
    with shown_progress("auto") as tell:
        looked = Lookalikes(linked_program(project, tell))
    if report is not None:
        start = _of_finding(looked, project, report, what)
    elif named is not None and start is None:
        start = _of_place(looked, project, named[1], [int(named[2])], f"places like {what}")
    assert start is not None
    found = listing(looked, start, lambda path: _shown(project, path), most)
    click.echo(without_commands((as_json if format_ == "json" else as_text)(found)), nl=False)


def _of_commit(revision: str, repository: Path, project: Project) -> Start:
    from llmlint.alike.fixes import fix_at
    from llmlint.alike.lessons import merged
    from llmlint.alike.listing import Start
    from llmlint.fleet.git_objects import Git, GitError

    folder = repository if repository.is_dir() else repository.parent
    try:
        with Git(folder) as git:
            fix = fix_at(git, revision, project.options(()).vocabulary)
    except GitError as error:
        wrong_use(f"no fix to learn from: {error}")
    if not fix.lessons:
        say(f"{revision}: {counted(fix.files, 'changed file')} compared: no step was added or taken out")
        sys.exit(CLEAN)
    return Start(f"{fix.commit.sha[:12]} {fix.commit.subject}", merged(fix.lessons))


def _of_finding(looked: Lookalikes, project: Project, report: Path, fingerprint: str) -> Start:
    from llmlint.runtime.commands import document_in

    findings = document_in(report).findings
    named = [finding for finding in findings if finding.fingerprint.startswith(fingerprint)]
    if len({finding.fingerprint for finding in named}) != 1:
        wrong_use(f"{report}: {counted(len(named), 'finding')} with a fingerprint like {fingerprint}")
    finding = named[0]
    lines = [finding.line, *(step.line for step in finding.evidence if step.path == finding.path)]
    told = [other for other in findings if other.rule == finding.rule]
    about = f"places like {finding.path}:{finding.line}, {finding.rule} {finding.name}"
    return _of_place(looked, project, finding.path, lines, about, told)


def _of_place(
    looked: Lookalikes, project: Project, file: str, lines: list[int], about: str, told: Sequence[Finding] = ()
) -> Start:
    from llmlint.alike.listing import start_at

    path = Path(os.path.relpath(os.path.abspath(file), project.base)).as_posix()
    start = start_at(looked, path, lines, about, told)
    if start is None:
        wrong_use(f"{file}:{lines[0]}: no function of the tree stands there")
    return start


def _shown(project: Project, path: str) -> str:
    return Path(os.path.relpath(project.base / path)).as_posix()
