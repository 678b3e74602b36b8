"""The share of lines that could not be read, as the benchmark counts it."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from benchmarks.unparsed.__main__ import main, shares_of


def test_lines_are_counted_once_and_by_file(tmp_path: Path) -> None:
    (tmp_path / "whole.cpp").write_text("int f() {\n    return 1;\n}\n")
    (tmp_path / "half.cpp").write_text("int f() {\n    return 1;\n}\nint x = (((;\n")
    (tmp_path / "other.py").write_text("def broken(:\n")
    shares = {share.path: share for share in shares_of(tmp_path)}
    assert set(shares) == {"whole.cpp", "half.cpp"}
    assert (shares["whole.cpp"].lost, shares["whole.cpp"].functions) == (0, 1)
    assert 1 <= shares["half.cpp"].lost <= 2


def test_a_branch_that_was_left_out_counts(tmp_path: Path) -> None:
    (tmp_path / "a.cpp").write_text("#ifdef A\nint f(int a) {\n#else\nint f() {\n#endif\n    return 1;\n}\n")
    assert [share.lost > 0 for share in shares_of(tmp_path)] == [True]


def test_files_can_be_skipped_and_the_worst_be_shown(tmp_path: Path) -> None:
    (tmp_path / "mine.cpp").write_text("int x = (((;\n")
    (tmp_path / "theirs.cpp").write_text("int x = (((;\n")
    said = CliRunner().invoke(main, [str(tmp_path), "--skip", "theirs*", "--show", "5"]).output
    assert "1 files" in said and "mine.cpp" in said and "theirs.cpp" not in said
