"""Whatever is in a file or on the command line: one clear line that names it, the right exit code, and the findings of
everything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BUG = """
class Cache:
    def __init__(self):
        self.blocks = {}

    def add(self, key, block):
        self.blocks[key] = block

    def restore_blocks(self, blocks):
        logger.info("restoring %d blocks", len(blocks))
"""

CPP_BUG = """
struct slot_cache {
    std::vector<int> tokens;
    void add(int token) { tokens.push_back(token); }
    void restore_tokens(const std::vector<int> & saved) { LOG_INF("restoring %zu", saved.size()); }
};
"""


LOW = ("--min-confidence", "low")
"""Whatever readings of its rule say: the bug is to be shown."""


class Ran:
    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8")
        self.err = done.stderr.decode("utf-8")
        self.lines = [line for line in self.err.splitlines() if line]

    @property
    def found(self) -> list[str]:
        return [f"{f['path']}:{f['rule']}" for f in json.loads(self.out)["findings"]]


def scan(folder: Path, *arguments: str) -> Ran:
    command = [sys.executable, "-m", "llmlint", "scan", "--no-cache", "--format", "json", *LOW, *(arguments or (".",))]
    return Ran(subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=120))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with one file that has a bug; the rest of a test puts something bad beside it."""
    (tmp_path / "good.py").write_text(BUG)
    return tmp_path


def said_once(ran: Ran, name: str) -> str:
    """The one line about a file."""
    about = [line for line in ran.lines if name in line]
    assert len(about) == 1, ran.err
    assert "Traceback" not in ran.err
    return about[0]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("latin.py", "# caf\xe9\nx = 1\n".encode("latin-1"), "is not text in the encoding"),
        ("cookie.py", b"# -*- coding: klingon -*-\nx = 1\n", "klingon"),
        ("nul.py", b"x = 1\0\ny = 2\n", "NUL"),
        ("nul.cpp", b"int x = 1;\0\n", "NUL"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_the_rest_is_found(
    tree: Path, name: str, content: bytes, complaint: str
) -> None:
    (tree / name).write_bytes(content)
    ran = scan(tree)
    assert complaint in said_once(ran, name)
    assert ran.found == ["good.py:LLM802"]
    assert ran.code == 3


@pytest.mark.parametrize(
    ("name", "good", "broken"),
    [
        ("half.py", BUG, "def broken(:\n    pass\n"),
        ("half.py", BUG, "x = f" + "()" * 100_000),
        ("half.py", BUG, "x = " + "-" * 100_000 + "1"),
        ("half.py", BUG, "x = 1" + " + 1" * 100_000),
        ("half.py", BUG, "x = " + "(" * 100_000 + "1" + ")" * 100_000),
        ("half.cpp", CPP_BUG, "void f() " + "{" * 100_000 + "}" * 100_000),
        ("half.cpp", CPP_BUG, "struct a { int x = 1 2; void g() { if ( } };"),
    ],
    ids=["syntax error", "calls", "signs", "sum", "parentheses", "C++ braces", "C++ syntax error"],
)
def test_what_does_not_parse_is_read_around_and_counted(tree: Path, name: str, good: str, broken: str) -> None:
    (tree / name).write_text(f"{good}\n{broken}\n")
    ran = scan(tree)
    assert "did not parse" in said_once(ran, name)
    assert sorted(ran.found) == ["good.py:LLM802", f"{name}:LLM802"]
    assert json.loads(ran.out)["files"]["regions_not_parsed"] >= 1
    assert ran.code == 1


def test_a_file_of_20_mb_is_skipped_with_the_setting_that_would_allow_it(tree: Path) -> None:
    (tree / "huge.py").write_bytes(b"x = 1\n" * 3_400_000)
    ran = scan(tree)
    assert "max-file-mb" in said_once(ran, "huge.py")
    assert (ran.found, ran.code) == (["good.py:LLM802"], 1)
    assert json.loads(ran.out)["files"]["skipped"] == 1


def test_a_link_loop_is_entered_once(tree: Path) -> None:
    (tree / "loop").symlink_to(tree, target_is_directory=True)
    (tree / "self.py").symlink_to(tree / "self.py")
    ran = scan(tree)
    said_once(ran, "self.py")
    assert (ran.found, ran.code) == (["good.py:LLM802"], 3)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing can be denied to root")
def test_an_unreadable_file_is_named(tree: Path) -> None:
    (tree / "secret.py").write_text("x = 1\n")
    (tree / "secret.py").chmod(0)
    ran = scan(tree)
    assert "ermission" in said_once(ran, "secret.py")
    assert (ran.found, ran.code) == (["good.py:LLM802"], 3)


def test_an_empty_folder_is_clean(tmp_path: Path) -> None:
    ran = scan(tmp_path)
    assert (ran.found, ran.code, ran.err) == ([], 0, "")


def test_a_path_that_does_not_exist_is_wrong_use_and_the_others_are_scanned(tree: Path) -> None:
    ran = scan(tree, "good.py", "nowhere")
    assert "does not exist" in said_once(ran, "nowhere")
    assert (ran.found, ran.code) == (["good.py:LLM802"], 2)


def test_where_no_path_exists_nothing_is_scanned_in_their_place(tree: Path) -> None:
    (tree / "llmlint.toml").write_text("root = true\n")
    ran = scan(tree, "nowhere")
    assert (json.loads(ran.out)["files"]["scanned"], ran.code) == (0, 2)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"version": 99, "findings": []}', b"\xff\xfe"])
def test_a_broken_baseline_is_named_and_all_findings_are_shown(tree: Path, content: bytes) -> None:
    (tree / "known.json").write_bytes(content)
    ran = scan(tree, ".", "--baseline", "known.json")
    assert "all findings are shown" in said_once(ran, "known.json")
    assert (ran.found, ran.code) == (["good.py:LLM802"], 2)


def test_a_baseline_that_is_not_there_is_named(tree: Path) -> None:
    ran = scan(tree, ".", "--baseline", "nowhere.json")
    said_once(ran, "nowhere.json")
    assert (ran.found, ran.code) == (["good.py:LLM802"], 2)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("select = [", "nvalid"),
        ("min-confidense = 'high'", "did you mean 'min-confidence'"),
        ("min-confidence = 'sure'", "min-confidence"),
        ("ignore = ['LLM999']", "LLM999"),
        ("[vocabulary]\nterminall = ['stop']", "terminal"),
    ],
)
def test_a_broken_configuration_is_named_and_the_rest_is_scanned(tree: Path, content: str, complaint: str) -> None:
    (tree / "llmlint.toml").write_text(content)
    ran = scan(tree)
    assert complaint in said_once(ran, "llmlint.toml")
    assert (ran.found, ran.code) == (["good.py:LLM802"], 2)


def test_an_output_that_cannot_be_written_costs_only_itself(tree: Path) -> None:
    (tree / "file").write_text("")
    ran = scan(tree, ".", "--output", "json:file/report.json")
    said_once(ran, "file/report.json")
    assert (ran.found, ran.code) == (["good.py:LLM802"], 2)


def test_the_code_that_is_read_is_never_run(tree: Path) -> None:
    marker = tree / "was-run"
    code = f"from pathlib import Path\nPath({str(marker)!r}).touch()\n"
    for name in ("conftest.py", "setup.py", "sitecustomize.py", "llmlint_plugin.py"):
        (tree / name).write_text(code)
    assert scan(tree).code == 1
    assert not marker.exists()
