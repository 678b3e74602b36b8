"""Issues with their fixes: found, scanned, and as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from llmlint.config import Confidence
from llmlint.fleet.git_objects import GitError
from llmlint.scan import generation
from llmlint.study.charts import percent
from llmlint.study.classified import Classified
from llmlint.study.clone import Clone, Commit
from llmlint.study.fix_scan import seen
from llmlint.study.issue_store import IssueStore
from llmlint.study.link import Link, Seen
from llmlint.study.linking import links
from llmlint.study.outcome import FAULTS, Share
from llmlint.study.tables import Table
from llmlint.vocabulary_file import load_vocabulary


class Linked(msgspec.Struct, frozen=True):
    """A fault with its fix; `seen` is None where the fix was not scanned."""

    fault: Classified
    link: Link
    seen: Seen | None

    @property
    def rules(self) -> list[str]:
        """Whose findings went away with the fix."""
        return sorted({gone.rule for gone in self.seen.gone}) if self.seen else []

    @property
    def named_rules(self) -> list[str]:
        """Those of them whose pages name the cause that the report names."""
        cause = self.fault.verdict.cause
        return sorted({gone.rule for gone in self.seen.gone if cause in gone.causes}) if self.seen and cause else []


def find_links(store: IssueStore, clones: Mapping[str, Clone]) -> dict[str, int]:
    """Links all issues of the store anew; how many of each repository have a fix."""
    found = {}
    for repository in store.counts():
        clone = clones.get(repository)
        commits = clone.commits() if clone else []
        named = [repository]
        linked = links(repository, list(store.issues(named)), store.issues(named, pulls=True), commits)
        store.put_links(repository, linked)
        found[repository] = len(linked)
    return found


def scan_fixes(
    store: IssueStore,
    clones: Mapping[str, Clone],
    faults: Sequence[Classified],
    least: Confidence = "medium",
    cache: str | None = None,
    tell: Callable[[int, int, str], None] = lambda _done, _total, _about: None,
) -> None:
    """Scans the fixes that were not scanned yet for what is told with this confidence, and stores each as it comes."""
    waiting = [one for one in linked(store, faults, least) if one.seen is None and one.link.commit]
    waiting = [one for one in waiting if one.link.repository in clones]
    for done, one in enumerate(waiting):
        link = one.link
        tell(done, len(waiting), f"{link.repository}#{link.issue}")
        fix = Commit(link.commit, link.parent, "", "", "")
        try:
            found = seen(clones[link.repository], fix, least, cache) if link.parent else Seen(problem="has no parent")
        except GitError as error:
            found = Seen(problem=str(error))
        store.put_seen(link.repository, link.commit, _made_with(least), found)


def linked(store: IssueStore, found: Iterable[Classified], least: Confidence) -> list[Linked]:
    by_issue = store.links()
    by_commit = store.seen(_made_with(least)) if by_issue else {}
    return [
        Linked(one, link, by_commit.get((link.repository, link.commit)))
        for one in found
        if one.verdict.kind == "fault" and (link := by_issue.get((one.issue.repository, one.issue.number)))
    ]


def _made_with(least: Confidence) -> str:
    return f"{generation(load_vocabulary())}-{least}"


# ------------------------------------------------------------ tables


def link_tables(found: Sequence[Classified], fixes: Sequence[Linked]) -> list[Table]:
    """Nothing where nothing is linked."""
    tables = [_summary(found, fixes), _told(fixes)] if fixes else []
    return [table for table in tables if table.rows]


def _summary(found: Sequence[Classified], fixes: Sequence[Linked]) -> Table:
    faults = [one for one in found if one.verdict.kind == "fault"]
    rows = [
        _row(
            name,
            [one for one in faults if one.verdict.subject == name],
            [one for one in fixes if one.fault.verdict.subject == name],
        )
        for name in FAULTS
    ]
    head = (
        "",
        "faults",
        "with a fix",
        "with its commit",
        "scanned",
        "a finding goes with the fix",
        "of a rule for the cause",
    )
    return Table("Fixes, and what was seen before them", head, (*rows, _row("all", faults, fixes)), _HOW)


_HOW = (
    "The commit before the fix and the fix are scanned, with the code beside what is touched; a finding counts that "
    "stands where the fix touches the code, is sure enough to be shown, and is gone after it."
)


def _row(name: str, faults: Sequence[Classified], fixes: Sequence[Linked]) -> tuple[str | int, ...]:
    scanned = [one for one in fixes if one.seen and not one.seen.problem]
    gone = Share.counted(sum(bool(one.rules) for one in scanned), len(scanned))
    named = Share.counted(sum(bool(one.named_rules) for one in scanned), len(scanned))
    with_commit = sum(bool(one.link.commit) for one in fixes)
    return (name, len(faults), len(fixes), with_commit, len(scanned), percent(gone), percent(named))


def _told(fixes: Iterable[Linked]) -> Table:
    rows = [
        (
            f"{one.link.repository}#{one.link.issue}",
            one.fault.verdict.subject,
            one.fault.verdict.cause or "-",
            f"#{one.link.pull}" if one.link.pull else "-",
            one.link.commit[:10] or "-",
            ", ".join(one.rules),
        )
        for one in fixes
        if one.rules
    ]
    return Table("Faults that a rule saw", ("", "chapter", "cause", "pull request", "commit", "rules"), tuple(rows))
