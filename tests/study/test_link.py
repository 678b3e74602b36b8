"""`llmlint issues link`: from an issue to its fix, and to the rule that fires before it and not after."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llmlint.cli import main
from llmlint.fleet.git_objects import GitError
from llmlint.study.clone import Clone, Commit, ranges_of
from llmlint.study.issue import Issue
from llmlint.study.link import Link
from llmlint.study.linking import closed_by, links

SAMPLE = Path(__file__).parents[2] / "examples" / "issues"
REPOSITORY = "mini/engine"
LOW = ("--min-confidence", "low")
"""Whatever readings of its rule say: the finding that goes with the fix is to be told."""


def issue(number: int, closed: str = "", **more: object) -> Issue:
    given = {"repository": REPOSITORY, "number": number, "title": "one", "closed": closed, **more}
    return Issue(**given)  # type: ignore[arg-type]


def pull(number: int, body: str, merged: str = "2025-01-02T00:00:00Z") -> Issue:
    return issue(number, body=body, is_pull=True, merged=merged)


def commit(subject: str, body: str = "", when: str = "2025-01-02T00:00:00+00:00", name: str = "c1") -> Commit:
    return Commit(name, f"{name}^", when, subject, body)


# ------------------------------------------------------------ who closes what


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Fixes #5", [5]),
        ("closes: #5, and resolves #6.", [5, 6]),
        ("FIX mini/engine#5", [5]),
        ("fixed https://github.com/mini/engine/issues/5", [5]),
        ("fix issue #5", [5]),
        ("fixes other/engine#5", []),
        ("see #5", []),
        ("prefixes #5", []),
        ("fixes #5th", []),
    ],
)
def test_the_words_that_close_an_issue(text: str, numbers: list[int]) -> None:
    assert list(closed_by(text, REPOSITORY)) == numbers


def test_a_merged_pull_request_leads_to_its_squashed_commit() -> None:
    found = links(REPOSITORY, [issue(5)], [pull(6, "Fixes #5")], [commit("Free the blocks (#6)")])
    assert found == [Link(REPOSITORY, 5, 6, "c1", "c1^", "pull")]


def test_without_a_clone_the_pull_request_is_known_and_no_commit() -> None:
    assert links(REPOSITORY, [issue(5)], [pull(6, "Fixes #5")], []) == [Link(REPOSITORY, 5, 6, "", "", "pull")]


def test_a_pull_request_that_was_not_merged_fixed_nothing() -> None:
    assert links(REPOSITORY, [issue(5)], [pull(6, "Fixes #5", merged="")], []) == []


def test_a_commit_can_close_an_issue_by_itself() -> None:
    found = links(REPOSITORY, [issue(5)], [], [commit("Free the blocks (#6)", "This resolves #5.")])
    assert found == [Link(REPOSITORY, 5, 6, "c1", "c1^", "commit")]


def test_a_commit_that_names_an_issue_counts_when_it_was_closed_about_then() -> None:
    named = [commit("Free the blocks (#5) (#6)")]
    assert [one.how for one in links(REPOSITORY, [issue(5, "2025-01-03T00:00:00Z")], [], named)] == ["named"]
    assert links(REPOSITORY, [issue(5, "2025-06-03T00:00:00Z")], [], named) == []
    assert links(REPOSITORY, [issue(5)], [], named) == []


def test_of_two_fixes_the_later_one_counts() -> None:
    pulls = [pull(6, "Fixes #5"), pull(9, "Really fixes #5")]
    assert [one.pull for one in links(REPOSITORY, [issue(5)], pulls, [])] == [9]


def test_what_is_no_issue_of_the_store_is_not_linked() -> None:
    assert links(REPOSITORY, [issue(5)], [pull(6, "Fixes #4")], [commit("Fix #7 (#8)")]) == []


# ------------------------------------------------------------ a clone

BEFORE = """class Scheduler:
    def __init__(self):
        self.waiting = []
        self.running = {}
        self.finished = set()

    def add(self, request):
        self.waiting.append(request)
        self.running[request.request_id] = request
        self.finished.add(request.request_id)

    def end(self, request):
        self.finished.discard(request.request_id)

    def reset(self):
        self.waiting.clear()
        self.running.clear()
"""
AFTER = BEFORE + "        self.finished.clear()\n"


def git(folder: Path, *arguments: str) -> None:
    settings = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *settings, *arguments], check=True, capture_output=True)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """An engine whose reset leaves something behind until pull request 53."""
    folder = tmp_path / "clone"
    (folder / "engine").mkdir(parents=True)
    git(folder, "init", "--quiet")
    for source, message in ((BEFORE, "Begin"), (AFTER, "Reset what was finished too (#53)")):
        (folder / "engine" / "scheduler.py").write_text(source)
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", message)
    return folder


def test_what_a_commit_touches_are_lines_of_its_parent(history: Path) -> None:
    clone = Clone(history)
    fix, begin = clone.commits()
    assert (fix.subject, fix.parent) == ("Reset what was finished too (#53)", begin.id)
    assert clone.changed(fix) == {"engine/scheduler.py": [(17, 18)]}


DIFF = """--- /dev/null
+++ b/new.py
@@ -0,0 +1,2 @@
+a
+b
--- a/old.py
+++ b/old.py
@@ -3,2 +3 @@ def f():
--- a/no_file.py
-b
+c
\\ No newline at end of file
@@ -9 +8,0 @@
-d
"""


def test_what_a_diff_touches_whatever_its_lines_look_like() -> None:
    assert ranges_of(DIFF) == {"old.py": [(3, 4), (9, 9)]}


def test_a_folder_that_is_no_clone_is_told(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        Clone(tmp_path).commits()


# ------------------------------------------------------------ the command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["issues", *arguments])


@pytest.fixture
def store_file(tmp_path: Path) -> str:
    file = str(tmp_path / "issues.sqlite3")
    assert run("import", str(SAMPLE), "--db", file).exit_code == 0
    return file


def test_the_rule_that_fires_before_the_fix_and_not_after_is_named(store_file: str, history: Path) -> None:
    result = run("link", "--scan", *LOW, "--clone", f"{REPOSITORY}={history}", "--db", store_file)
    assert result.exit_code == 0
    assert "mini/engine: 3 issues with a fix" in result.stdout
    told = next(line for line in result.stdout.splitlines() if line.startswith("mini/engine#52"))
    assert told.split()[1:4] == ["state", "restore-leaves-state", "#53"]
    assert told.endswith("LLM801")


def test_without_a_cache_it_finds_the_same(store_file: str, history: Path) -> None:
    result = run("link", "--scan", *LOW, "--no-cache", "--clone", f"{REPOSITORY}={history}", "--db", store_file)
    assert "LLM801" in result.stdout


def test_a_report_tells_of_what_was_linked(store_file: str, history: Path) -> None:
    run("link", "--scan", *LOW, "--clone", f"{REPOSITORY}={history}", "--db", store_file)
    text = run("report", *LOW, "--format", "markdown", "--db", store_file).stdout
    assert "| mini/engine\\#52 |" in text or "| mini/engine#52 |" in text
    assert "Fixes, and what was seen before them" in run("report", *LOW, "--format", "html", "--db", store_file).stdout


def test_scans_are_kept(store_file: str, history: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("link", "--scan", *LOW, "--clone", f"{REPOSITORY}={history}", "--db", store_file)
    before = run(*arguments).stdout
    monkeypatch.setattr("llmlint.study.linked.seen", lambda *_: pytest.fail("scanned again"))
    assert run(*arguments).stdout == before


def test_pull_requests_alone_link_too(store_file: str) -> None:
    result = run("link", "--db", store_file)
    assert "mini/engine: 3 issues with a fix\nmini/ggengine: 1 issue with a fix" in result.stdout


@pytest.mark.parametrize("clone", ["mini/engine", "mini/engine=nowhere", "=."])
def test_a_clone_is_named_with_its_folder(store_file: str, clone: str) -> None:
    assert run("link", "--clone", clone, "--db", store_file).exit_code == 2


def test_a_fix_that_takes_the_whole_folder_away_is_scanned_as_one(store_file: str, history: Path) -> None:
    """What is left after it is nothing, and not the rest of the repository."""
    for file in ("other.py", "engine/scheduler.py"):
        (history / file).write_text(BEFORE)
    git(history, "add", ".")
    git(history, "commit", "--quiet", "-m", "Back again")
    git(history, "rm", "-r", "--quiet", "engine")
    git(history, "commit", "--quiet", "-m", "Do without an engine, fixes #27 (#54)")
    result = run("link", "--scan", *LOW, "--clone", f"{REPOSITORY}={history}", "--db", store_file)
    told = next(line for line in result.stdout.splitlines() if line.startswith("mini/engine#27"))
    assert told.endswith("LLM801")
