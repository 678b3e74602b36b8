"""`--diff REF`: only what a change introduced counts, wherever files have moved to."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from serving_code import CLEAN, LEFT, NOOP

from llmlint.cli import main


def git(folder: Path, *arguments: str) -> None:
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, env={**os.environ, **who})


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "state")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "serving").mkdir()
    (tmp_path / "serving" / "pool.py").write_text(NOOP)
    (tmp_path / "serving" / "scheduler.py").write_text(LEFT)
    commit(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scan(*arguments: str) -> Result:
    return CliRunner().invoke(
        main, ["scan", "--format", "json", "--min-confidence", "low", *arguments], catch_exceptions=False
    )


def compared(*arguments: str) -> tuple[int, list[str], list[str], list[str]]:
    """Exit code, and the rules introduced, there before, and fixed."""
    result = scan(*arguments)
    document: dict[str, Any] = json.loads(result.stdout)
    introduced = [f["rule"] for f in document["findings"] if not f["suppressed"]]
    before = [f["rule"] for f in document["findings"] if f["suppressed"]]
    assert document["diff"]["introduced"] == len(introduced)
    assert document["diff"]["pre_existing"] == len(before)
    return result.exit_code, introduced, before, [f["rule"] for f in document["diff"]["fixed"]]


def test_an_unchanged_tree_introduces_nothing(tree: Path) -> None:
    assert compared(".", "--diff", "HEAD") == (0, [], ["LLM802", "LLM801"], [])


def test_a_new_bug_is_introduced_and_an_old_one_fixed(tree: Path) -> None:
    (tree / "serving" / "pool.py").write_text(CLEAN)
    (tree / "serving" / "other.py").write_text(LEFT.replace("Scheduler", "Other"))
    assert compared(".", "--diff", "HEAD") == (1, ["LLM801"], ["LLM801"], ["LLM802"])


def test_a_renamed_and_edited_file_keeps_its_findings(tree: Path) -> None:
    git(tree, "mv", "serving/pool.py", "serving/blocks.py")
    (tree / "serving" / "blocks.py").write_text(f"import os\n\n{NOOP}")
    assert compared(".", "--diff", "HEAD") == (0, [], ["LLM802", "LLM801"], [])


def test_a_renamed_file_and_a_copy_introduce_one(tree: Path) -> None:
    git(tree, "mv", "serving/pool.py", "serving/z_blocks.py")
    (tree / "serving" / "a_copy.py").write_text(NOOP)
    result = json.loads(scan(".", "--diff", "HEAD").stdout)
    assert [f["path"] for f in result["findings"] if not f["suppressed"]] == ["serving/a_copy.py"]


def test_only_the_paths_named_are_compared(tree: Path) -> None:
    (tree / "serving" / "pool.py").write_text(CLEAN)
    assert compared("serving/scheduler.py", "--diff", "HEAD") == (0, [], ["LLM801"], [])


def test_it_works_from_a_folder_below(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "serving" / "pool.py").write_text(CLEAN)
    monkeypatch.chdir(tree / "serving")
    assert compared(".", "--diff", "HEAD") == (0, [], ["LLM801"], ["LLM802"])


def test_settings_of_the_work_tree_hold_for_both_sides(tree: Path) -> None:
    (tree / "llmlint.toml").write_text("exclude = ['pool.py']\nignore = ['LLM801']\n")
    assert compared(".", "--diff", "HEAD") == (0, [], [], [])


def test_an_older_revision_can_be_named(tree: Path) -> None:
    (tree / "serving" / "pool.py").write_text(CLEAN)
    commit(tree)
    assert compared(".", "--diff", "HEAD~1") == (0, [], ["LLM801"], ["LLM802"])
    assert compared(".", "--diff", "HEAD") == (0, [], ["LLM801"], [])


def test_a_suppressed_finding_at_the_base_is_introduced_when_its_comment_goes(tree: Path) -> None:
    line = "    def restore_blocks(self, blocks):"
    (tree / "serving" / "pool.py").write_text(NOOP.replace(line, f"{line}  # llmlint: ignore[LLM802] known"))
    commit(tree)
    (tree / "serving" / "pool.py").write_text(NOOP)
    assert compared(".", "--diff", "HEAD")[:2] == (1, ["LLM802"])


def test_a_revision_that_is_not_there_is_wrong_use(tree: Path) -> None:
    result = scan(".", "--diff", "nowhere")
    assert result.exit_code == 2
    assert "no revision 'nowhere'" in result.stderr


def test_no_repository_is_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    result = scan(".", "--diff", "HEAD")
    assert result.exit_code == 2
    assert "not a git repository" in result.stderr


def test_a_commit_without_files_is_a_state_like_others(tree: Path) -> None:
    git(tree, "checkout", "--quiet", "--orphan", "first")
    git(tree, "rm", "--quiet", "-r", "--cached", ".")
    git(tree, "commit", "--quiet", "--allow-empty", "--message", "nothing yet")
    assert compared(".", "--diff", "HEAD")[:3] == (1, ["LLM802", "LLM801"], [])


def test_links_of_a_commit_cost_nothing_wherever_they_lead(tree: Path) -> None:
    (tree / "absolute").symlink_to("/etc")
    (tree / "outside.py").symlink_to("../../elsewhere.py")
    (tree / "inside.py").symlink_to("serving/pool.py")
    commit(tree)
    assert compared(".", "--diff", "HEAD")[:3] == (0, [], ["LLM802", "LLM801"])


def test_what_is_left_out_of_archives_was_there_all_the_same(tree: Path) -> None:
    (tree / ".gitattributes").write_text("serving export-ignore\n*.py export-subst\n")
    commit(tree)
    assert compared(".", "--diff", "HEAD")[:3] == (0, [], ["LLM802", "LLM801"])


def test_what_a_repository_has_left_out_is_named(tree: Path) -> None:
    """As in a clone with --filter=blob:none, whose server is not asked."""
    named = subprocess.run(["git", "rev-parse", "HEAD:serving/pool.py"], cwd=tree, capture_output=True, text=True)
    blob = named.stdout.strip()
    (tree / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    result = scan(".", "--diff", "HEAD")
    assert result.exit_code == 2
    assert "serving/pool.py at" in result.stderr
    assert "is not in this repository" in result.stderr
