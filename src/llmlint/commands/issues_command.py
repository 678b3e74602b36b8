"""`llmlint issues fetch|import|classify|link|report`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from llmlint.commands.common import FAILED, say, wrong_use
from llmlint.findings import CONFIDENCES
from llmlint.plain import counted, plain_json, without_commands
from llmlint.progress import KINDS, Progress, Stage, shown_progress

if TYPE_CHECKING:
    from llmlint.config import Confidence
    from llmlint.study.classified import Classified
    from llmlint.study.issue_fetch import Told
    from llmlint.study.study_report import Format

_FORMATS = ("text", "markdown", "html", "json", "csv")

_STORE = click.option(
    "--db",
    "store_file",
    default="issues.sqlite3",
    show_default=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the issues are kept (SQLite).",
)

_SURE = click.option(
    "--min-confidence",
    "least",
    default="medium",
    show_default=True,
    type=click.Choice(CONFIDENCES),
    help="How sure a finding has to be that went away with a fix.",
)


@click.group()
def issues() -> None:
    """What a project's bug reports say: from its issue tracker to a table of causes."""


@issues.command()
@click.option("--repo", "repositories", multiple=True, required=True, metavar="OWNER/NAME", help="May be repeated.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Only what changed since this day.")
@click.option("--state", type=click.Choice(["open", "closed", "all"]), default="all", show_default=True)
@click.option("--labels", default="", metavar="LABELS", help="Only issues that bear all of these; commas between.")
@click.option("--include-prs", is_flag=True, help="Pull requests too: they say which issue they fix.")
@click.option("--base-url", default="https://api.github.com", show_default=True, help="A GitHub server of your own.")
@click.option(
    "--max-wait",
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="The longest wait for a limit of the server; what asks for more ends the fetch.",
)
@click.option("--progress", type=click.Choice(KINDS), default="auto", show_default=True)
@_STORE
def fetch(
    repositories: tuple[str, ...],
    since: datetime | None,
    state: str,
    labels: str,
    include_prs: bool,
    base_url: str,
    max_wait: int,
    progress: str,
    store_file: Path,
) -> None:
    """Fetch issues from GitHub.

    Goes on where an earlier fetch with the same options ended, and brings what has changed since. A token in the
    environment variable GITHUB_TOKEN raises the server's limits.
    """
    from llmlint.study.github_rest import GitHub, GitHubError
    from llmlint.study.issue import NotAnIssue
    from llmlint.study.issue_fetch import Question, fetch
    from llmlint.study.issue_store import IssueStore, StoreError

    named = tuple(label.strip() for label in labels.split(",") if label.strip())
    start = f"{since:%Y-%m-%dT%H:%M:%SZ}" if since else ""
    try:
        github = GitHub(base_url, os.environ.get("GITHUB_TOKEN", "").strip(), max_wait, tell=say)
        with IssueStore(store_file) as store, shown_progress(progress) as show:
            for repository in map(_checked, repositories):
                question = Question(repository, state, start, named, include_prs)  # type: ignore[arg-type]
                tell = _teller(show, repository)
                told = fetch(question, github, store, tell)
                click.echo(f"{repository}: {told.changed:,} new or changed")
    except StoreError as error:
        wrong_use(str(error))
    except (GitHubError, NotAnIssue) as error:
        say(str(error))
        sys.exit(FAILED)


def _checked(repository: str) -> str:
    from llmlint.study.issue import is_repository

    if not is_repository(repository):
        wrong_use(f"{repository!r} is no OWNER/NAME")
    return repository


def _teller(show: Progress | None, repository: str) -> Callable[[Told], None]:
    def tell(told: Told) -> None:
        if show:
            show(Stage(f"fetching {repository}", told.seen, 0, about=told.updated))

    return tell


@issues.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILES...", type=click.Path(exists=True, path_type=Path))
@click.option("--repo", "repository", default="", metavar="OWNER/NAME", help="Of issues that do not say theirs.")
@_STORE
def import_files(files: tuple[Path, ...], repository: str, store_file: Path) -> None:
    """Take issues from JSON files of GitHub's shape; a folder stands for all of them below it."""
    from llmlint.study.issue_import import ImportProblem, issues_in
    from llmlint.study.issue_store import IssueStore, StoreError

    repository = _checked(repository) if repository else ""
    read = 0
    try:
        with IssueStore(store_file) as store:
            for _, found in issues_in(files, repository):
                store.put(found)
                read += bool(found)
            if not read:
                wrong_use("no file among them holds issues")
            for name, (plain_issues, pulls) in store.counts().items():
                click.echo(f"{name}: {counted(plain_issues, 'issue')}, {counted(pulls, 'pull request')}")
    except (ImportProblem, StoreError) as error:
        wrong_use(str(error))
    click.echo(f"read {counted(read, 'file')} into {store_file}")


@issues.command()
@click.option("--repo", "repositories", multiple=True, metavar="OWNER/NAME", help="Only of this repository.")
@click.option("--compat", is_flag=True, help="Count as the study did that llmlint grew from: pieces of text.")
@click.option("--list", "listed", is_flag=True, help="A line for each issue, in JSON, in place of the table.")
@_STORE
def classify(repositories: tuple[str, ...], compat: bool, listed: bool, store_file: Path) -> None:
    """Say what each issue is about.

    One chapter of the bug taxonomy for each fault, the cause where the report names one, the words that say so, and how
    sure that is.
    """
    from llmlint.study.issue_store import IssueStore, StoreError
    from llmlint.study.tables import as_text, compat_table, subject_table

    try:
        with IssueStore(store_file, must_exist=True) as store:
            if compat:
                click.echo(as_text(compat_table(store.issues(repositories))), nl=False)
                return
            from llmlint.study.classified import classified

            found = classified(store, repositories)
    except StoreError as error:
        wrong_use(str(error))
    if listed:
        for one in found:
            click.echo(without_commands(plain_json(_as_json(one))))
    else:
        click.echo(as_text(subject_table(found)), nl=False)


def _as_json(one: Classified) -> str:
    import msgspec

    issue, verdict = one.issue, one.verdict
    named = {"repository": issue.repository, "number": issue.number, "title": issue.title}
    said = msgspec.to_builtins(verdict) | {"words": verdict.words(issue)}
    return msgspec.json.encode(named | said).decode()


@issues.command()
@click.option(
    "--clone",
    "clones",
    multiple=True,
    metavar="OWNER/NAME=FOLDER",
    help="A clone of the repository, bare or not: which commits fix what. May be repeated.",
)
@click.option("--scan", is_flag=True, help="Scan each fix and the commit before it: which findings went away.")
@click.option("--no-cache", is_flag=True, help="Neither read nor write the cache of scans.")
@click.option("--progress", type=click.Choice(KINDS), default="auto", show_default=True)
@_SURE
@_STORE
def link(
    clones: tuple[str, ...], scan: bool, no_cache: bool, progress: str, least: Confidence, store_file: Path
) -> None:
    """Find the fix of each issue: the pull request that closes it, and its commit.

    Pull requests are known where `fetch --include-prs` brought them; what commits say is read from clones. Scans that
    were ended go on where they were.
    """
    from llmlint.fleet.git_objects import GitError
    from llmlint.study.classified import classified
    from llmlint.study.clone import Clone
    from llmlint.study.issue_store import IssueStore, StoreError
    from llmlint.study.linked import find_links, link_tables, linked, scan_fixes
    from llmlint.study.tables import as_text

    known = {name: Clone(folder) for name, folder in map(_clone, clones)}
    try:
        with IssueStore(store_file, must_exist=True) as store, shown_progress(progress) as show:
            found = classified(store, (), _counting(show))
            counts = find_links(store, known)
            if scan:
                scan_fixes(store, known, found, least, None if no_cache else _cache_of_fixes(), _scanning(show))
            tables = link_tables(found, linked(store, found, least))
    except StoreError as error:
        wrong_use(str(error))
    except GitError as error:
        say(str(error))
        sys.exit(FAILED)
    for repository, number in counts.items():
        click.echo(f"{repository}: {counted(number, 'issue')} with a fix")
    if tables:
        click.echo("\n" + without_commands(as_text(*tables)), nl=False)


def _clone(text: str) -> tuple[str, Path]:
    name, _, folder = text.partition("=")
    if not Path(folder).is_dir() or not folder:
        wrong_use(f"--clone takes OWNER/NAME=FOLDER, not {text!r}")
    return _checked(name), Path(folder)


def _cache_of_fixes() -> str:
    """Of their own: what is scanned is blobs of any clone, and no project's folder."""
    from platformdirs import user_cache_path

    return os.environ.get("LLMLINT_CACHE_DIR") or str(user_cache_path("llmlint") / "fixes")


def _scanning(show: Progress | None) -> Callable[[int, int, str], None]:
    def tell(done: int, total: int, about: str) -> None:
        if show:
            show(Stage("scanning", done, total, "fixes", about))

    return tell


@issues.command()
@click.option("--repo", "repositories", multiple=True, metavar="OWNER/NAME", help="Only of this repository.")
@click.option("--format", "format_", default="text", show_default=True, type=click.Choice(_FORMATS))
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:FILE",
    help="Write a report to a file, and none to standard output.",
)
@click.option("--progress", type=click.Choice(KINDS), default="auto", show_default=True)
@_SURE
@_STORE
def report(
    repositories: tuple[str, ...],
    format_: Format,
    outputs: tuple[str, ...],
    progress: str,
    least: Confidence,
    store_file: Path,
) -> None:
    """Tables and charts: chapters, causes, trends, and how long faults stay open.

    csv is a line for each issue; all else is figures.
    """
    from llmlint.study.classified import classified
    from llmlint.study.issue_store import IssueStore, StoreError
    from llmlint.study.linked import link_tables, linked
    from llmlint.study.study_report import render_report
    from llmlint.writing import write_file

    wanted = [_output(text) for text in outputs]
    try:
        with IssueStore(store_file, must_exist=True) as store, shown_progress(progress) as show:
            found = classified(store, repositories, _counting(show))
            more = link_tables(found, linked(store, found, least))
    except StoreError as error:
        wrong_use(str(error))
    if not wanted:
        click.echo(render_report(format_, found, more), nl=False)
    for name, file in wanted:
        try:
            write_file(file, render_report(name, found, more).encode())
        except OSError as error:
            wrong_use(f"cannot write {file}: {error.strerror or error}")


def _counting(show: Progress | None) -> Callable[[int, int], None]:
    def tell(done: int, total: int) -> None:
        if show:
            show(Stage("classifying", done, total, "issues"))

    return tell


def _output(text: str) -> tuple[Format, Path]:
    name, _, file = text.partition(":")
    if name not in _FORMATS or not file:
        wrong_use(f"--output takes FORMAT:FILE with one of {', '.join(_FORMATS)}, not {text!r}")
    return cast("Format", name), Path(file)
