"""`llmlint issues import`, and the file that issues are kept in."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llmlint.cli import main
from llmlint.study.issue import Issue
from llmlint.study.issue_store import IssueStore, Reached, StoreError

from .tracker import entry


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["issues", "import", *arguments, "--db", str(folder / "issues.sqlite3")])


def write(folder: Path, name: str, document: Any) -> str:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(document))
    return str(folder / name)


def stored(folder: Path) -> list[Issue]:
    with IssueStore(folder / "issues.sqlite3", must_exist=True) as store:
        return list(store.issues())


@pytest.mark.parametrize("document", [[entry(1)], {"items": [entry(1)]}, {"metadata": {}, "issues": [entry(1)]}])
def test_shapes_that_scrapers_write(tmp_path: Path, document: Any) -> None:
    result = run(tmp_path, write(tmp_path, "kept.json", document))
    assert result.exit_code == 0
    assert "mini/engine: 1 issue, 0 pull requests" in result.stdout
    assert [issue.number for issue in stored(tmp_path)] == [1]


def test_a_folder_is_all_that_is_below_it(tmp_path: Path) -> None:
    write(tmp_path, "samples/a/issues.json", [entry(1), entry(2)])
    write(tmp_path, "samples/b/issues.json", [entry(2), entry(3)])
    write(tmp_path, "samples/b/metadata.json", {"count": 2})
    result = run(tmp_path, str(tmp_path / "samples"))
    assert "read 2 files" in result.stdout
    assert [issue.number for issue in stored(tmp_path)] == [3, 2, 1]


def test_times_of_both_spellings_are_kept_in_one(tmp_path: Path) -> None:
    run(tmp_path, write(tmp_path, "kept.json", [entry(1, created_at="2025-07-18T10:59:17+00:00")]))
    assert stored(tmp_path)[0].created == "2025-07-18T10:59:17Z"


def test_a_named_file_of_something_else_is_wrong_use(tmp_path: Path) -> None:
    result = run(tmp_path, write(tmp_path, "other.json", {"count": 2}))
    assert result.exit_code == 2 and "holds no list of issues" in result.stderr


def test_issues_that_do_not_say_their_repository_need_it_named(tmp_path: Path) -> None:
    nameless = entry(1)
    del nameless["html_url"]
    file = write(tmp_path, "kept.json", [nameless])
    assert "does not say which repository" in run(tmp_path, file).stderr
    assert run(tmp_path, file, "--repo", "mini/engine").exit_code == 0


def test_what_is_older_never_takes_the_place_of_what_is_newer(tmp_path: Path) -> None:
    newer = write(tmp_path, "newer.json", [entry(1, updated="2025-05-01T00:00:00Z", title="newer")])
    older = write(tmp_path, "older.json", [entry(1, updated="2025-04-01T00:00:00Z", title="older")])
    undated = write(tmp_path, "undated.json", [entry(1, title="undated") | {"updated_at": None}])
    run(tmp_path, older, newer, undated, older)
    assert [issue.title for issue in stored(tmp_path)] == ["newer"]


def test_half_a_surrogate_pair_does_not_stop_an_import(tmp_path: Path) -> None:
    run(tmp_path, write(tmp_path, "kept.json", [entry(1, title="cut \ud83d")]))
    assert [issue.title for issue in stored(tmp_path)] == ["cut ?"]


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "issues.sqlite3")
    other.execute("CREATE TABLE customer (name)")
    other.close()
    result = run(tmp_path, write(tmp_path, "kept.json", [entry(1)]))
    assert result.exit_code == 2 and "database of something else" in result.stderr


def test_a_page_and_how_far_it_got_are_stored_together(tmp_path: Path) -> None:
    class Fault(Exception): ...

    def page() -> Any:
        yield Issue(repository="mini/engine", number=1, title="one")
        raise Fault

    with IssueStore(tmp_path / "issues.sqlite3") as store:
        with pytest.raises(Fault):
            store.put(page(), "question", Reached("2025-01-01T00:00:00Z"))
        assert (list(store.issues()), store.reached("question")) == ([], Reached())


def test_reading_needs_a_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="fetch or import issues first"):
        IssueStore(tmp_path / "none.sqlite3", must_exist=True)
