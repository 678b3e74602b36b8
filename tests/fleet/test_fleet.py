"""`llmlint fleet`: what a revision shows, what a finding lived through, and what a run that was ended costs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from serving_code import ALL_SHOWN, LEFT, NOOP

from llmlint.cli import main
from llmlint.fleet.fleet_file import read_fleet_file
from llmlint.fleet.tasks import InThisProcess
from llmlint.local_cache import cache_info
from llmlint.progress import Stage

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install -e '.[dev]'")

from llmlint.fleet.fleet_run import Running, run_fleet  # noqa: E402

from .conftest import History  # noqa: E402


def fleet(file: Path, *arguments: str) -> Result:
    command = ["fleet", str(file), "--jobs", "1", "--cache-dir", str(file.parent / "cache"), *arguments]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def rows(file: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(file.parent / "fleet-data" / name).to_pylist()
    return found


def lives(file: Path) -> dict[str, dict[str, Any]]:
    return {row["path"]: row for row in rows(file, "findings.parquet")}


def asking(file: Path, *lines: str) -> Path:
    file.write_text("\n".join([f'{ALL_SHOWN}[[repository]]\nname = "engine"\nsource = "engine"', *lines]))
    return file


def chosen(file: Path, history: History) -> list[int]:
    """The numbers of the history's commits that a run scanned."""
    fleet(file)
    return [history.commits.index(row["commit"]) for row in rows(file, "revisions.parquet")]


# ---------------------------------------------------------------- what a revision shows


def scanned_checkout(history: History, commit: str) -> set[tuple[str, str, int, str]]:
    history.git("checkout", "--quiet", commit)
    command = ["scan", str(history.folder), "--format", "json", "--exit-zero", "--min-confidence", "low"]
    document = json.loads(CliRunner().invoke(main, command, catch_exceptions=False).stdout)
    found = (finding for finding in document["findings"] if not finding["suppressed"])
    named = ((f["rule"], os.path.relpath(f["path"], history.folder), f["line"], f["fingerprint"]) for f in found)
    history.git("checkout", "--quiet", "main")
    return set(named)


def test_each_revision_shows_what_a_scan_of_its_checkout_shows(history: History, fleet_file: Path) -> None:
    history.commit("What git leaves out", serving__left=LEFT, build__made=NOOP)
    (history.folder / ".gitignore").write_text("left.py\n/build/\n")
    history.commit("Left out", node_modules__gyp=NOOP)
    fleet(asking(fleet_file, "every = 1"))
    for commit in history.commits:
        stored = rows(fleet_file, f"sightings/project=engine/{commit}.parquet")
        assert {(s["rule"], s["path"], s["line"], s["fingerprint"]) for s in stored} == scanned_checkout(
            history, commit
        )


def test_paths_and_excludes_hold_at_every_revision(history: History, fleet_file: Path) -> None:
    history.commit("Elsewhere", elsewhere__pool=NOOP)
    fleet(asking(fleet_file, "every = 1", 'paths = ["serving/"]', 'exclude = ["scheduler.py"]'))
    assert set(lives(fleet_file)) == {"serving/pool.py", "serving/other.py"}


def test_rules_and_confidence_are_the_fleets(history: History, fleet_file: Path) -> None:
    fleet_file.write_text('select = ["LLM801"]\n' + fleet_file.read_text())
    fleet(fleet_file)
    assert {row["rule"] for row in rows(fleet_file, "findings.parquet")} == {"LLM801"}


# ---------------------------------------------------------------- which revisions


@pytest.mark.parametrize(
    ("lines", "numbers"),
    [
        ([], [6]),
        (["every = 3"], [0, 3, 6]),
        (["every = 2", "last = 2"], [4, 6]),
        (['dates = ["2025-01-03", "2025-01-05"]'], [1, 3]),
        (["every = 1", 'since = "2025-01-02"', 'until = "2025-01-03"'], [1, 2]),
        (['tags = ["v0.*"]'], [1, 4]),
        (['tags = ["v0.2"]', 'dates = ["2025-01-03"]'], [1, 4]),
        (['range = "v0.1..v0.2"'], [1, 2, 3, 4]),
        (['branch = "v0.2"'], [4]),
    ],
)
def test_revisions_are_chosen_by(lines: Sequence[str], numbers: list[int], history: History, fleet_file: Path) -> None:
    history.git("tag", "v0.1", history.commits[1])
    history.git("tag", "v0.2", history.commits[4])
    history.git("tag", "other", history.commits[5])
    assert chosen(asking(fleet_file, *lines), history) == numbers


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('tags = ["*"]', "engine: no revision is left of what the fleet file asks for"),
        ('branch = "nowhere"', "no revision 'nowhere'"),
        ('range = "HEAD~1..nowhere"', "no revision 'nowhere'"),
        ('dates = ["2025-13-01"]', "Invalid RFC3339 encoded date - at `$.repository[0].dates[0]`"),
        ('paths = ["serve"]', "engine: no revision has a file that llmlint reads"),
    ],
)
def test_revisions_that_are_not_there_are_told_of(line: str, said: str, fleet_file: Path) -> None:
    result = CliRunner().invoke(main, ["fleet", str(asking(fleet_file, line)), "--jobs", "1"])
    assert said in result.output and "fault" not in result.output


def test_days_are_dates_of_toml_too(history: History, fleet_file: Path) -> None:
    assert chosen(asking(fleet_file, "dates = [2025-01-03]", "since = 2025-01-01"), history) == [1]


def test_monthly_takes_the_last_commit_before_each_month(history: History, fleet_file: Path) -> None:
    for month in ("2025-02-03", "2025-04-09"):
        date = f"{month}T12:00:00+00:00"
        history.git("commit", "--allow-empty", "-m", month, GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE=date)
        history.commits.append(history.git("rev-parse", "HEAD"))
    assert chosen(asking(fleet_file, "monthly = true"), history) == [6, 7]


def test_a_bare_clone_will_do(history: History, fleet_file: Path) -> None:
    history.git("clone", "--quiet", "--bare", ".", "../bare.git")
    fleet_file.write_text(fleet_file.read_text().replace('"engine"\nevery', '"bare.git"\nevery'))
    fleet(fleet_file)
    assert len(rows(fleet_file, "revisions.parquet")) == 3


def test_a_url_is_cloned_and_fetched_again(history: History, fleet_file: Path) -> None:
    fleet_file.write_text(f'{ALL_SHOWN}[[repository]]\nname = "engine"\nsource = "{history.folder.as_uri()}"\n')
    assert chosen(fleet_file, history) == [6]
    history.commit("One more")
    assert chosen(fleet_file, history) == [7]


def test_a_clone_that_was_ended_is_begun_anew(history: History, fleet_file: Path) -> None:
    fleet_file.write_text(f'{ALL_SHOWN}[[repository]]\nname = "engine"\nsource = "{history.folder.as_uri()}"\n')
    fleet(fleet_file)
    [clone] = (fleet_file.parent / "cache" / "clones").iterdir()
    (clone / "HEAD").unlink()
    clone.rename(clone.with_name(f"{clone.name}.part"))
    assert chosen(fleet_file, history) == [6]


def test_a_subject_may_be_of_any_bytes(history: History, fleet_file: Path) -> None:
    mended = f"{LEFT}        self.finished.clear()\n"
    ended = history.commit("Fix \x01 \x1b[31m\udcff", serving__scheduler=mended)
    fleet(asking(fleet_file, "every = 1"))
    left = lives(fleet_file)["serving/scheduler.py"]
    assert (left["gone"], left["gone_by"]) == ("fix", ended)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "repository"),
        ('[[repository]]\nname = "a"\n', "source"),
        ('[[repository]]\nname = "../a"\nsource = "a"\n', "name"),
        ('[[repository]]\nname = "a"\nsource = "a"\nweekly = true\n', "weekly"),
        ('[[repository]]\nname = "a"\nsource = "a"\n' * 2, "two repositories are called a"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text(text)
    result = CliRunner().invoke(main, ["fleet", str(tmp_path / "fleet.toml")])
    assert result.exit_code == 2 and said in result.output


def test_results_that_cannot_be_written_are_wrong_use(history: History, fleet_file: Path) -> None:
    (fleet_file.parent / "taken").write_text("")
    fleet_file.write_text(f'data = "taken/data"\n{fleet_file.read_text()}')
    result = CliRunner().invoke(main, ["fleet", str(fleet_file), "--jobs", "1"])
    assert result.exit_code == 2 and f"cannot write to {fleet_file.parent / 'taken/data'}: " in result.output


def test_a_repository_that_cannot_be_read_costs_no_other(history: History, fleet_file: Path) -> None:
    fleet_file.write_text(fleet_file.read_text() + '[[repository]]\nname = "gone"\nsource = "nowhere"\n')
    result = CliRunner().invoke(main, ["fleet", str(fleet_file), "--cache-dir", str(fleet_file.parent / "cache")])
    assert result.exit_code == 3 and "nowhere" in result.output
    assert len(rows(fleet_file, "revisions.parquet")) == 3


# ---------------------------------------------------------------- the life of a finding


def test_a_finding_lives_until_the_commit_that_ended_it(history: History, fleet_file: Path) -> None:
    fleet(fleet_file)
    pool = lives(fleet_file)["serving/pool.py"]
    assert (pool["first_seen"], pool["last_seen"]) == (history.commits[0], history.commits[0])
    assert (pool["gone"], pool["gone_by"], pool["gone_subject"]) == (
        "fix",
        history.commits[3],
        "Fix the pool's reset (#12)",
    )
    assert pool["from_the_start"]


def test_a_finding_that_moved_and_was_mended_there_ended_where_it_was_mended(
    history: History, fleet_file: Path
) -> None:
    history.commit("Moved", serving__scheduler=None, serving__planner=LEFT)
    mended = history.commit("Fix it", serving__planner=f"{LEFT}        self.finished.clear()\n")
    history.commit("Words again", serving__words="WORDS = 3\n")
    fleet(asking(fleet_file, "every = 3"))
    left = lives(fleet_file)["serving/scheduler.py"]
    assert left["last_seen"] == history.commits[6]
    assert (left["gone_by"], left["gone_subject"]) == (mended, "Fix it")


def test_a_finding_that_is_still_there_has_no_end(history: History, fleet_file: Path) -> None:
    fleet(fleet_file)
    left = lives(fleet_file)["serving/scheduler.py"]
    assert (left["gone"], left["gone_by"], left["last_seen"]) == ("", "", history.commits[6])


def test_what_went_with_its_file_was_not_mended(history: History, fleet_file: Path) -> None:
    fleet(fleet_file)
    other = lives(fleet_file)["serving/other.py"]
    assert (other["gone"], other["gone_by"], other["first_seen"]) == ("removed", history.commits[5], history.commits[3])


def test_without_following_it_is_told_whether_the_function_is_still_there(history: History, fleet_file: Path) -> None:
    fleet(fleet_file, "--no-follow")
    ends = {path: (life["gone"], life["gone_by"], life["gone_after"]) for path, life in lives(fleet_file).items()}
    assert ends == {
        "serving/pool.py": ("changed", "", history.commits[3]),
        "serving/other.py": ("removed", "", history.commits[6]),
        "serving/scheduler.py": ("", "", ""),
    }


def test_a_finding_whose_line_was_edited_goes_on(history: History, fleet_file: Path) -> None:
    edited = LEFT.replace("def reset(self)", "def reset(self, hard=False)")
    assert edited != LEFT
    history.commit("A parameter more", serving__scheduler=edited)
    fleet(asking(fleet_file, "every = 1"))
    found = [row for row in rows(fleet_file, "findings.parquet") if row["path"] == "serving/scheduler.py"]
    assert [row["gone"] for row in found] == [""]


def test_a_finding_whose_class_was_renamed_goes_on(history: History, fleet_file: Path) -> None:
    history.commit("Another name", serving__scheduler=LEFT.replace("Scheduler", "Planner"))
    fleet(asking(fleet_file, "every = 1"))
    left = [row for row in rows(fleet_file, "findings.parquet") if row["path"] == "serving/scheduler.py"]
    assert [(row["symbol"], row["gone"], row["gaps"]) for row in left] == [("Planner.reset", "", 0)]


def test_a_finding_that_moved_with_its_file_goes_on(history: History, fleet_file: Path) -> None:
    history.commit("Moved", serving__scheduler=None, serving__planner=LEFT)
    fleet(asking(fleet_file, "every = 1"))
    assert lives(fleet_file)["serving/planner.py"]["first_seen"] == history.commits[0]


def test_a_finding_that_came_back_has_a_gap(history: History, fleet_file: Path) -> None:
    history.commit("The pool as it was", serving__pool=NOOP)
    fleet(asking(fleet_file, "every = 1"))
    pool = lives(fleet_file)["serving/pool.py"]
    assert (pool["gaps"], pool["gone"], pool["first_seen"]) == (1, "", history.commits[0])


# ---------------------------------------------------------------- what is not done twice


def test_a_blob_is_read_once_however_many_revisions_hold_it(history: History, fleet_file: Path) -> None:
    fleet(asking(fleet_file, "every = 1"))
    blobs = history.git("rev-list", "--objects", "--all", "--filter=object:type=blob").split("\n")
    sources = {row.split()[0] for row in blobs if row.endswith(".py")}
    assert cache_info(fleet_file.parent / "cache")["records"] == len(sources)


def test_revisions_with_the_same_sources_are_scanned_once(history: History, fleet_file: Path) -> None:
    asking(fleet_file, "every = 1", 'paths = ["serving"]')
    history.git("revert", "--no-edit", history.commits[3])
    history.git("revert", "--no-edit", "HEAD")
    done = fleet(fleet_file, "--progress", "plain")
    assert "scanning 0/7 revisions" in done.stderr  # of nine: two change nothing in the end
    assert len(rows(fleet_file, "revisions.parquet")) == 9
    assert [row["revisions"] for row in rows(fleet_file, "findings.parquet") if row["rule"] == "LLM801"] == [9]


def test_a_second_run_finds_its_revisions_done(history: History, fleet_file: Path) -> None:
    fleet(fleet_file)
    before = rows(fleet_file, "findings.parquet")
    history.commit("More words", serving__words="WORDS = 3\n")
    result = fleet(asking(fleet_file, 'range = "main~7..main"', "every = 1"))
    assert "3 from an earlier run" in result.stdout
    assert [row["gone_by"] for row in rows(fleet_file, "findings.parquet")] == [row["gone_by"] for row in before]


def test_how_findings_ended_is_not_looked_for_twice_also_when_that_was_ended(
    history: History, fleet_file: Path
) -> None:
    class Ended(Exception): ...

    def end(stage: Stage) -> None:
        if stage.name == "following" and stage.done == 2:
            raise Ended

    asked = read_fleet_file(asking(fleet_file, "every = 1"))
    cache = fleet_file.parent / "cache"
    with pytest.raises(Ended):
        run_fleet(asked, fleet_file, Running(InThisProcess, 1, cache, progress=end))
    assert "following 0/1" in fleet(fleet_file, "--progress", "plain").stderr
    assert "following" not in fleet(fleet_file, "--progress", "plain").stderr
    assert lives(fleet_file)["serving/pool.py"]["gone_by"] == history.commits[3]


def test_other_rules_are_another_scan(history: History, fleet_file: Path) -> None:
    fleet(fleet_file)
    fleet_file.write_text('select = ["LLM801"]\n' + fleet_file.read_text())
    assert "earlier run" not in fleet(fleet_file).stdout


@pytest.mark.parametrize("how", ["processes", "threads"])
def test_executors_give_the_same_data(how: str, history: History, fleet_file: Path) -> None:
    asking(fleet_file, "every = 1")
    fleet(fleet_file)
    alone = [rows(fleet_file, name) for name in ("findings.parquet", "revisions.parquet")]
    for file in (fleet_file.parent / "fleet-data").rglob("*.parquet"):
        file.unlink()
    shutil.rmtree(fleet_file.parent / "cache")  # so that they scan, and are not only told
    fleet(fleet_file, "--executor", how, "--jobs", "2")
    assert [rows(fleet_file, name) for name in ("findings.parquet", "revisions.parquet")] == alone


def test_a_run_killed_in_the_middle_goes_on_where_it_was(history: History, fleet_file: Path) -> None:
    asking(fleet_file, "every = 1")
    command = [sys.executable, "-P", "-m", "llmlint", "fleet", str(fleet_file), "--jobs", "1"]
    command += ["--cache-dir", str(fleet_file.parent / "cache")]
    sightings = fleet_file.parent / "fleet-data" / "sightings" / "project=engine"
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while run.poll() is None and not list(sightings.glob("[!.]*.parquet")):
        time.sleep(0.001)
    run.send_signal(signal.SIGKILL)
    run.wait()
    stored = len(list(sightings.glob("[!.]*.parquet")))
    assert stored
    assert f"{stored} from an earlier run" in fleet(fleet_file).stdout
    assert lives(fleet_file)["serving/pool.py"]["gone_by"] == history.commits[3]
