"""The comparison of scans, on a small tree and with the running Python alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from serving_code import NOOP

from benchmarks.determinism import __main__ as determinism


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    for number in range(5):
        (folder / f"pool_{number}.py").write_text(NOOP)
    (folder / "says.py").write_text('def number(value: int | float) -> str:\n    return "n: " f"{value:g}"\n')
    return folder


def test_however_a_tree_is_scanned_the_findings_are_the_same_bytes(tree: Path) -> None:
    found, told = determinism.compare(sys.executable, "running", tree, None, seed=7)
    assert found.wrong == []
    assert (found.files, found.scans) == (6, 15)
    assert found.findings == told.count(b"\n") >= 6


def test_a_scan_that_finds_something_else_is_told(tree: Path) -> None:
    found, _ = determinism.compare(sys.executable, "running", tree, b"another\n", seed=7)
    assert len(found.wrong) == 13
    assert "1 and" in found.wrong[0]
