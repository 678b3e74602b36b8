"""What a change of llmlint does to findings: two revisions of it, laid out from git, scan the same tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from serving_code import UNSAID

from benchmarks.ecosystem.comparing import Difference, compared
from benchmarks.ecosystem.engines import engine_of
from benchmarks.ecosystem.report import markdown
from llmlint.findings import Finding

ROOT = Path(__file__).parents[2]


def finding(line: int = 3, **changes: object) -> Finding:
    given = {
        "rule": "LLM802",
        "name": "noop-restore",
        "causes": ("noop-restore",),
        "path": "pool.py",
        "line": line,
        "column": 1,
        "end_line": line,
        "end_column": 9,
        "symbol": "Pool.restore",
        "severity": "P1",
        "confidence": "medium",
        "confidence_reason": "the body is empty",
        "message": "restore does nothing",
        "evidence": (),
        "fingerprint": f"{line:020}",
        **changes,
    }
    return Finding(**given)  # type: ignore[arg-type]


def test_what_one_side_alone_finds_is_added_or_removed() -> None:
    both, old, new = finding(1), finding(2), finding(3)
    assert compared([both, old], [new, both]) == ([new], [old], [])


def test_the_same_place_in_other_words_is_a_change_and_nothing_new() -> None:
    before = finding(message="restore does nothing", fingerprint="a")
    after = finding(message="restore is empty", fingerprint="b")
    assert compared([before], [after]) == ([], [], [(before, after)])


def test_less_sure_is_a_change_and_moved_lines_are_none() -> None:
    before, lower, moved = finding(), finding(confidence="low"), finding(line=9, fingerprint=finding().fingerprint)
    assert compared([before], [lower]) == ([], [], [(before, lower)])
    assert compared([before], [moved]) == ([], [], [])


def test_two_findings_of_one_fingerprint_are_two() -> None:
    one, other = finding(1, fingerprint="same"), finding(9, fingerprint="same")
    assert compared([one], [one, other]) == ([other], [], [])


def test_the_report_counts_what_is_shown_apart_and_shows_new_code_as_text(tmp_path: Path) -> None:
    (tmp_path / "pool.py").write_text("class Pool:\n    # <b>no</b>\n    def restore(self): ...\n")
    added = (finding(message="<img> does *nothing*"), finding(2, confidence="low"))
    text = markdown([Difference("engine", 3, added, (), (), (4, 5), (1.0, 2.0))], {"engine": tmp_path})
    assert "| engine | 3 | 4 | 5 | 1 (+1) | 0 (+0) | 0 | 1.0 → 2.0 |" in text
    assert "LLM802 P1 medium `pool.py:3` &lt;img&gt; does \\*nothing\\*" in text
    assert "    >     3      def restore(self): ..." in text
    assert "<img>" not in text


def test_nothing_is_said_to_be_nothing(tmp_path: Path) -> None:
    text = markdown([Difference("engine", 3, (), (), (), (4, 4), (1.0, 1.0))], {"engine": tmp_path})
    assert "Nothing: each tree has the same findings" in text
    assert "###" not in text


def test_a_revision_is_laid_out_once_and_a_checkout_is_taken_as_it_is(tmp_path: Path, repository) -> None:
    parts = ("rules", "checkers", "dynamic")
    commit = repository.commit({"src/llmlint/__init__.py": "", **{f"{part}/a.py": "" for part in parts}})
    engine = engine_of("HEAD", repository.folder, tmp_path)
    assert engine == tmp_path / commit / "src"
    assert engine_of(commit, repository.folder, tmp_path) == engine
    assert engine_of(str(repository.folder), ROOT, tmp_path) == repository.folder / "src"


def test_the_command_scans_with_both_and_writes_what_it_prints(tmp_path: Path) -> None:
    tree = tmp_path / "engine"
    tree.mkdir()
    (tree / "pool.py").write_text(UNSAID)
    report = tmp_path / "report.md"
    command = [sys.executable, "-m", "benchmarks.ecosystem", ".", ".", str(tree), "--report", str(report)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "| engine | " in ran.stdout and "| 1 | 1 | 0 (+0) | 0 (+0) | 0 |" in ran.stdout
    assert report.read_text() == ran.stdout


@pytest.mark.parametrize("wrong", ["no-such-revision", "--unknown"])
def test_what_is_no_revision_is_named(tmp_path: Path, wrong: str) -> None:
    command = [sys.executable, "-m", "benchmarks.ecosystem", "--", wrong, ".", str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert "fatal" in ran.stderr
