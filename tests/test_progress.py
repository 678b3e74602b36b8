"""What a scan is doing is told on standard error while it does it, and only where somebody looks on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from serving_code import ALL_SHOWN, LEFT
from terminal import COMMAND, on_a_terminal

SLOW = "def f(x):\n" + "    x = x.get([y for y in x if y], {'a': 1}[x])\n" * 400


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A tree that takes some seconds."""
    (tmp_path / "llmlint.toml").write_text(f"root = true\n{ALL_SHOWN}")
    (tmp_path / "scheduler.py").write_text(LEFT)
    for number in range(60):
        (tmp_path / f"slow_{number}.py").write_text(f"{SLOW}NUMBER = {number}\n")
    return tmp_path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "llmlint.toml").write_text(f"root = true\n{ALL_SHOWN}")
    (tmp_path / "scheduler.py").write_text(LEFT)
    return tmp_path


def errors_in_a_pipe(folder: Path, *arguments: str) -> str:
    command = [*COMMAND, "scan", "--no-cache", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False).stderr


def test_a_terminal_shows_reading_linking_and_checking_on_one_line_and_then_clears_it(large: Path) -> None:
    shown = on_a_terminal(large, "scan", "--no-cache", "-j1", stream="stderr")
    drawn = shown.split("\r\x1b[2K")
    assert drawn[0] == drawn[-1] == ""  # every drawing begins by clearing the line, and the last one is cleared
    assert "\n" not in shown
    stages = list(dict.fromkeys(line.split()[0] for line in drawn if line))
    assert stages == ["reading", "linking", "checking"]
    assert any(re.match(r"reading  \[=+ +\] \d+/61 files$", line) for line in drawn)
    assert any(re.match(r"checking \[=* *\] \d+/\d+ rules  LLM\d+ [a-z-]+", line) for line in drawn)
    assert max(map(len, drawn)) < 80


def test_a_pipe_is_told_nothing(small: Path) -> None:
    assert errors_in_a_pipe(small) == ""


def test_plain_lines_say_what_begins_also_in_a_pipe(small: Path) -> None:
    first, second, third = errors_in_a_pipe(small, "--progress", "plain").splitlines()
    assert first == "llmlint: reading 0/1 files"
    assert second == "llmlint: linking"
    assert re.match(r"llmlint: checking 0/\d+ rules", third)


def test_a_terminal_is_told_nothing_where_none_is_wanted(large: Path) -> None:
    assert on_a_terminal(large, "scan", "--no-cache", "--progress", "none", stream="stderr") == ""
