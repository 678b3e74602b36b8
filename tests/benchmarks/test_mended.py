"""Small mends in histories: which edit each is, and whether the old file was told of."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.mended.__main__ import main
from benchmarks.mended.edits import by_edit, mends_of, projects

BEFORE = """\
async def load(name):
    return name


async def serve(name):
    {call}
    return {size}
"""


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def commit(folder: Path, subject: str, **values: str) -> None:
    (folder / "engine.py").write_text(BEFORE.format(**values))
    git(folder, "add", ".")
    git(folder, "commit", "-qm", subject)


@pytest.fixture
def histories(tmp_path: Path) -> Path:
    folder = tmp_path / "clones" / "engine"
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    commit(folder, "An engine", call="load(name)", size="len(name)")
    commit(folder, "Fix: wait until it is loaded", call="await load(name)", size="len(name)")
    commit(folder, "Count from one", call="await load(name)", size="len(name) + 1")
    return tmp_path / "clones"


def test_only_what_says_that_it_mends_counts_and_the_edit_is_what_went_and_came(histories: Path) -> None:
    ((name, folder),) = projects(histories, ())
    mends = mends_of(name, folder)
    assert {edit: [mend.subject for mend in told] for edit, told in by_edit(mends).items()} == {
        "+await": ["Fix: wait until it is loaded"]
    }


def test_a_clone_may_be_left_out(histories: Path) -> None:
    assert list(projects(histories, ("engine",))) == []


def test_the_file_before_the_mend_is_read_for_what_is_told_of_the_line(histories: Path) -> None:
    done = CliRunner().invoke(main, ["--histories", str(histories), "--edit", "+await", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == "+await: 1 mends, 0 shown, 1 told with low confidence"


def test_the_table_names_the_edits_that_enough_projects_share(histories: Path) -> None:
    for least, lines in ((1, ["       1      1  +await"]), (2, [])):
        done = CliRunner().invoke(main, ["--histories", str(histories), "--least", str(least), "--jobs", "1"])
        assert done.output.splitlines()[3:] == lines
