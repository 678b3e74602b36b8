"""A baseline holds what is known: it survives edits and moves, never grows by itself, and tells what is stale."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from serving_code import ALL_SHOWN, CLEAN, LEFT, NOOP

from llmlint.baseline import match
from llmlint.cli import main


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "llmlint.toml").write_text(f"root = true\n{ALL_SHOWN}")
    (tmp_path / "pool.py").write_text(NOOP)
    monkeypatch.chdir(tmp_path)
    assert run("baseline", "write", ".").exit_code == 0
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments], catch_exceptions=False)


def scan(*arguments: str) -> Result:
    return run("scan", ".", "--format", "concise", "--baseline", "llmlint-baseline.json", *arguments)


def entries(tree: Path) -> list[dict[str, str]]:
    return json.loads((tree / "llmlint-baseline.json").read_text())["findings"]


def test_known_findings_do_not_count(tree: Path) -> None:
    result = scan()
    assert (result.exit_code, result.stdout) == (0, "")


def test_known_findings_stay_in_the_json_report(tree: Path) -> None:
    result = run("scan", ".", "--format", "json", "--baseline", "llmlint-baseline.json")
    (finding,) = json.loads(result.stdout)["findings"]
    assert finding["suppressed"]["kind"] == "baseline"


def test_a_new_finding_counts(tree: Path) -> None:
    (tree / "scheduler.py").write_text(LEFT)
    result = scan()
    assert result.exit_code == 1
    assert "LLM801" in result.stdout
    assert "LLM802" not in result.stdout


def test_an_entry_survives_edits_above_and_a_move_to_another_file(tree: Path) -> None:
    (tree / "pool.py").unlink()
    (tree / "moved.py").write_text(f"import logging\n\nlogger = logging.getLogger()\n\n\n{NOOP}")
    assert scan().exit_code == 0


def test_a_second_copy_of_a_known_finding_counts(tree: Path) -> None:
    (tree / "copy.py").write_text(NOOP)
    result = scan()
    assert result.exit_code == 1
    assert result.stdout.startswith("copy.py:")


def test_update_removes_what_is_mended_and_adds_nothing(tree: Path) -> None:
    (tree / "pool.py").write_text(CLEAN)
    (tree / "scheduler.py").write_text(LEFT)
    assert run("baseline", "update", ".").exit_code == 0
    assert entries(tree) == []


def test_update_keeps_what_is_still_there_with_its_reason(tree: Path) -> None:
    file = tree / "llmlint-baseline.json"
    file.write_text(file.read_text().replace('"rule"', '"reason": "planned", "rule"'))
    assert run("baseline", "update", ".").exit_code == 0
    assert [entry["reason"] for entry in entries(tree)] == ["planned"]


def test_writing_again_keeps_reasons(tree: Path) -> None:
    file = tree / "llmlint-baseline.json"
    file.write_text(file.read_text().replace('"rule"', '"reason": "planned", "rule"'))
    (tree / "scheduler.py").write_text(LEFT)
    assert run("baseline", "write", ".").exit_code == 0
    assert {entry["rule"]: entry.get("reason") for entry in entries(tree)} == {"LLM801": None, "LLM802": "planned"}


def test_check_reports_stale_entries(tree: Path) -> None:
    assert run("baseline", "check", ".").exit_code == 0
    (tree / "pool.py").write_text(CLEAN)
    result = run("baseline", "check", ".")
    assert result.exit_code == 1
    assert "pool.py: LLM802 Pool.restore_blocks" in result.stdout
    assert len(entries(tree)) == 1


def test_a_scan_tells_of_stale_entries_and_does_not_fail_for_them(tree: Path) -> None:
    (tree / "pool.py").write_text(CLEAN)
    result = scan()
    assert result.exit_code == 0
    assert "stale entries: 1" in result.stderr


def test_nothing_is_said_of_entries_that_a_scan_does_not_look_for(tree: Path) -> None:
    (tree / "clean.py").write_text(CLEAN)
    for only in (["clean.py"], [".", "--select", "LLM801"], [".", "--min-severity", "P0"]):
        result = run("scan", *only, "--baseline", "llmlint-baseline.json")
        assert "stale" not in result.stderr
        assert run("baseline", "update", *only).exit_code == 0
        assert len(entries(tree)) == 1


def test_an_entry_whose_file_is_gone_is_stale_whatever_is_scanned(tree: Path) -> None:
    (tree / "clean.py").write_text(CLEAN)
    (tree / "pool.py").unlink()
    assert run("baseline", "update", "clean.py").exit_code == 0
    assert entries(tree) == []


def test_the_configuration_may_name_the_baseline(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "llmlint.toml").write_text(f"root = true\n{ALL_SHOWN}baseline = 'llmlint-baseline.json'\n")
    (tree / "sub").mkdir()
    monkeypatch.chdir(tree / "sub")
    assert run("scan", "..").exit_code == 0


def test_writing_over_something_else_is_refused(tree: Path) -> None:
    result = run("baseline", "write", ".", "--file", "pool.py")
    assert result.exit_code == 2
    assert (tree / "pool.py").read_text() == NOOP


def test_a_baseline_reads_well_in_a_diff(tree: Path) -> None:
    (tree / "scheduler.py").write_text(LEFT)
    before = (tree / "llmlint-baseline.json").read_text().splitlines()
    run("baseline", "write", ".")
    after = (tree / "llmlint-baseline.json").read_text().splitlines()
    assert set(before) - set(after) <= {"    }"}


def test_equal_fingerprints_are_matched_in_their_own_file_first() -> None:
    old = [("a.py", "x"), ("b.py", "x")]
    assert match(old, [("c.py", "x"), ("b.py", "x")]) == {1: 1, 0: 0}


def test_a_moved_file_is_matched_before_a_copy() -> None:
    old = [("a.py", "x")]
    moved = {"a.py": "z.py"}
    assert match(old, [("b.py", "x"), ("z.py", "x")], lambda path: moved.get(path, path)) == {0: 1}
