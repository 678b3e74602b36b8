"""`llmlint issues fetch` against a tracker on loopback: pages, limits, broken connections, going on after an end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llmlint.cli import main
from llmlint.study.github_rest import GitHub, GitHubError
from llmlint.study.issue_fetch import Question, Told, fetch
from llmlint.study.issue_store import IssueStore

from .tracker import Tracker, breaks_off, entry, leads_to, refusing, says, serving

REPOSITORY = "mini/engine"


@pytest.fixture
def tracker() -> Iterator[Tracker]:
    with serving(Tracker([entry(number) for number in range(1, 8)], page=3)) as one:
        yield one


@pytest.fixture
def store(tmp_path: Path) -> Iterator[IssueStore]:
    with IssueStore(tmp_path / "issues.sqlite3") as one:
        yield one


class Waits(list[float]):
    """Takes the place of sleeping; the clock of the tests is patience."""

    def github(self, tracker: Tracker, **options: object) -> GitHub:
        return GitHub(tracker.url, sleep=self.append, **options)  # type: ignore[arg-type]


def fetched(tracker: Tracker, store: IssueStore, waits: Waits | None = None, **wanted: object) -> Told:
    question = Question(REPOSITORY, **wanted)  # type: ignore[arg-type]
    return fetch(question, (waits if waits is not None else Waits()).github(tracker), store)


def numbers(store: IssueStore) -> list[int]:
    return [issue.number for issue in store.issues()]


def test_all_pages_are_stored_newest_first(tracker: Tracker, store: IssueStore) -> None:
    assert fetched(tracker, store).changed == 7
    assert numbers(store) == [7, 6, 5, 4, 3, 2, 1]


def test_what_is_kept_of_an_issue(tracker: Tracker, store: IssueStore) -> None:
    fetched(tracker, store)
    issue = next(store.issues())
    assert (issue.repository, issue.number, issue.title) == (REPOSITORY, 7, "Engine stops after 7 requests")
    assert (issue.labels, issue.comments, issue.reactions) == (("bug",), 2, 1)
    assert (issue.state, issue.closed, issue.created) == ("open", "", "2025-01-01T00:00:07Z")


def test_an_issue_that_changes_meanwhile_costs_no_other(tracker: Tracker, store: IssueStore) -> None:
    """Number 1 moves behind all others after the first page, and with page numbers 4 would never be seen."""

    def change() -> None:
        if len(tracker.asked) == 2:
            tracker.entries[0]["updated_at"] = "2025-02-01T00:00:00Z"

    tracker.before = change
    fetched(tracker, store)
    assert numbers(store) == [7, 6, 5, 4, 3, 2, 1]


def test_more_changes_in_one_second_than_a_page_holds(store: IssueStore) -> None:
    at_once = [entry(number, updated="2025-01-01T00:00:00Z") for number in range(1, 9)]
    with serving(Tracker([*at_once, entry(90)], page=3)) as tracker:
        fetched(tracker, store)
    assert numbers(store) == [90, 8, 7, 6, 5, 4, 3, 2, 1]


def test_a_broken_connection_is_tried_again(tracker: Tracker, store: IssueStore) -> None:
    tracker.troubles = {2: breaks_off, 3: says(b'[{"number":'), 4: refusing(502)}
    waits = Waits()
    fetched(tracker, store, waits)
    assert numbers(store) == [7, 6, 5, 4, 3, 2, 1]
    assert waits == [1, 2, 4]


def test_it_goes_on_where_an_ended_fetch_was(tracker: Tracker, store: IssueStore) -> None:
    tracker.troubles = dict.fromkeys(range(2, 8), breaks_off)
    with pytest.raises(GitHubError, match="6 times in a row; what came before is stored"):
        fetched(tracker, store)
    assert numbers(store) == [3, 2, 1]
    fetched(tracker, store)
    assert numbers(store) == [7, 6, 5, 4, 3, 2, 1]
    assert "since=2025-01-01T00%3A00%3A02Z" in tracker.asked[7], "it began anew"


def test_a_second_limit_says_how_long_to_wait(tracker: Tracker, store: IssueStore) -> None:
    tracker.troubles = {1: refusing(403, Retry_After="17"), 2: refusing(429, Retry_After="3")}
    waits = Waits()
    fetched(tracker, store, waits)
    assert waits == [17, 3]


def test_the_hourly_limit_says_when_it_ends(tracker: Tracker, store: IssueStore) -> None:
    reset = str(int(time.time()) + 600)
    tracker.troubles = {1: refusing(403, X_RateLimit_Remaining="0", X_RateLimit_Reset=reset)}
    waits = Waits()
    fetched(tracker, store, waits)
    assert len(waits) == 1 and 0 < waits[0] <= 601


def test_a_limit_beyond_patience_ends_the_fetch_and_says_when_to_come_back(tracker: Tracker, store: IssueStore) -> None:
    tracker.troubles = {2: refusing(429, Retry_After="4000")}
    with pytest.raises(GitHubError, match=r"come back at \d\d:\d\d; what came before is stored"):
        fetched(tracker, store)
    assert numbers(store) == [3, 2, 1]


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_refusal_for_good_is_not_tried_again(tracker: Tracker, store: IssueStore, code: int) -> None:
    tracker.troubles = {1: refusing(code)}
    with pytest.raises(GitHubError, match=rf"{code} .*GITHUB_TOKEN is not set"):
        fetched(tracker, store)
    assert len(tracker.asked) == 1


def test_a_later_fetch_brings_only_what_changed(tracker: Tracker, store: IssueStore) -> None:
    fetched(tracker, store)
    tracker.entries[2] |= {"updated_at": "2025-03-01T00:00:00Z", "state": "closed", "closed_at": "2025-03-01T00:00:00Z"}
    told = fetched(tracker, store)
    assert (told.changed, told.seen) == (1, 3), "the last two of before are asked for again"
    assert {issue.number for issue in store.issues() if issue.state == "closed"} == {3}


def test_an_answer_known_by_its_tag_is_not_sent_again(tracker: Tracker, store: IssueStore) -> None:
    for _ in range(2):
        fetched(tracker, store)
    assert fetched(tracker, store) == Told(0, 0, "2025-01-01T00:00:07Z", False)


def test_pull_requests_are_left_out_unless_asked_for(tracker: Tracker, store: IssueStore) -> None:
    tracker.entries.append(entry(8, pull_request={"merged_at": "2025-01-09T00:00:00Z"}))
    fetched(tracker, store)
    assert not list(store.issues(pulls=True))
    fetched(tracker, store, pulls=True)
    assert [pull.merged for pull in store.issues(pulls=True)] == ["2025-01-09T00:00:00Z"]


def test_state_labels_and_since_are_asked_of_the_server(tracker: Tracker, store: IssueStore) -> None:
    tracker.entries[4] |= {"state": "closed", "labels": [{"name": "bug"}, {"name": "stale"}]}
    tracker.entries[5] |= {"state": "closed"}
    fetched(tracker, store, state="closed", labels=("bug", "stale"), since="2025-01-01T00:00:02Z")
    assert numbers(store) == [5]


def test_the_token_is_sent_to_its_server_and_to_no_other(tracker: Tracker, store: IssueStore) -> None:
    with serving(Tracker([entry(1)])) as other:
        elsewhere = f"{other.url}/repos/mini/engine/issues?state=all&per_page=100"
        tracker.troubles = {1: leads_to(elsewhere), 2: says(b"[]", Link=f'<{elsewhere}>; rel="next"')}
        for _ in range(2):
            with pytest.raises(GitHubError, match="another server"):
                fetch(Question(REPOSITORY), Waits().github(tracker, token="secret"), store)
        assert tracker.tokens == ["Bearer secret"] * 2
        assert other.asked == []


def test_a_token_is_not_sent_in_the_clear() -> None:
    with pytest.raises(GitHubError, match="in the clear"):
        GitHub("http://github.example", token="secret")
    assert GitHub("http://github.example").base_url == "http://github.example"
    assert GitHub("https://github.example/api/v3/", token="secret").base_url == "https://github.example/api/v3"


@pytest.mark.parametrize("url", ["file:///etc/passwd", "github.example", "ftp://a"])
def test_a_server_is_asked_over_http(url: str) -> None:
    with pytest.raises(GitHubError, match="no http or https address"):
        GitHub(url)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["issues", *arguments])


def test_the_command_fetches_into_a_file(tracker: Tracker, tmp_path: Path) -> None:
    file = tmp_path / "issues.sqlite3"
    result = run("fetch", "--repo", REPOSITORY, "--base-url", tracker.url, "--db", str(file))
    assert (result.exit_code, result.stdout) == (0, "mini/engine: 7 new or changed\n")
    with IssueStore(file, must_exist=True) as store:
        assert store.counts() == {REPOSITORY: (7, 0)}


def test_the_command_says_what_the_server_refuses(tracker: Tracker, tmp_path: Path) -> None:
    tracker.troubles = {1: refusing(404)}
    result = run("fetch", "--repo", REPOSITORY, "--base-url", tracker.url, "--db", str(tmp_path / "x"))
    assert result.exit_code == 3 and "404 Not Found" in result.stderr


def test_a_repository_has_an_owner(tmp_path: Path) -> None:
    result = run("fetch", "--repo", "engine", "--db", str(tmp_path / "x"))
    assert result.exit_code == 2 and "no OWNER/NAME" in result.stderr


def test_a_fetch_that_is_killed_goes_on_where_it_was(tracker: Tracker, tmp_path: Path) -> None:
    """SIGKILL while the third page is on its way: two are there, and a new process brings the rest."""
    file = tmp_path / "issues.sqlite3"
    waiting, answered = threading.Event(), threading.Event()

    def hold() -> None:
        if len(tracker.asked) == 3:
            waiting.set()
            answered.wait(60)

    tracker.before = hold
    command = ["issues", "fetch", "--repo", REPOSITORY, "--base-url", tracker.url, "--db", str(file)]
    started = subprocess.Popen([sys.executable, "-m", "llmlint", *command], stdout=subprocess.DEVNULL)
    try:
        assert waiting.wait(60)
    finally:
        started.kill()
        started.wait()
        answered.set()
    with IssueStore(file, must_exist=True) as store:
        before = numbers(store)
    assert before and set(before) < set(range(1, 8))
    assert run(*command[1:]).exit_code == 0
    with IssueStore(file, must_exist=True) as store:
        assert numbers(store) == [7, 6, 5, 4, 3, 2, 1]
