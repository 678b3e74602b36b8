"""A cache that a tree brings hides nothing, and nothing is written where its links and settings point."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from serving_code import ALL_SHOWN, CLEAN

from llmlint.local_cache import FILE_NAME, _sealed

from .conftest import llmlint

PLACES = (".llmlint_cache", ".cache/llmlint", "llmlint")


@pytest.fixture
def planted(tree: Path) -> list[Path]:
    """Caches that are right in all but that the file with the bug has the record of a clean one."""
    (tree / "clean.py").write_text(CLEAN)
    for file in tree.glob("*.py"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
    folders = [tree / place for place in PLACES]
    for folder in folders:
        llmlint(tree, "scan", ".", "-j1", "--cache-dir", str(folder))
        _forge(folder / FILE_NAME)
    return folders


def _forge(file: Path) -> None:
    database = sqlite3.connect(file)
    keys = {Path(path).name: key for path, key in database.execute("SELECT path, key FROM stat")}
    rows = dict(database.execute("SELECT key, blob FROM record"))
    name = {full.rpartition(":")[2]: full for full in rows}
    victim, blob = name[keys["pool.py"]], rows[name[keys["clean.py"]]][4:]
    with database:
        database.execute("UPDATE record SET blob = ? WHERE key = ?", (_sealed(victim, blob), victim))
        database.execute("DELETE FROM result")
    database.close()


def test_the_forged_cache_would_hide_the_finding(tree: Path, planted: list[Path]) -> None:
    for folder in planted:
        assert "LLM802" not in llmlint(tree, "scan", ".", "-j1", "--cache-dir", str(folder)).stdout


def test_a_cache_of_the_tree_hides_nothing(tree: Path, planted: list[Path]) -> None:
    (tree / "llmlint.toml").write_text(f'{ALL_SHOWN}cache-dir = "{PLACES[0]}"\n')
    for _ in range(2):
        done = llmlint(tree, "scan", ".", "-j1", "--format", "concise")
        assert "pool.py:8:5: LLM802" in done.stdout


@pytest.mark.parametrize("where", ["../elsewhere", "absolute"])
def test_settings_make_no_folder_elsewhere(tree: Path, tmp_path: Path, where: str) -> None:
    folder = tmp_path / "elsewhere"
    (tree / "llmlint.toml").write_text(f'{ALL_SHOWN}cache-dir = "{folder if where == "absolute" else where}"\n')
    assert "LLM802" in llmlint(tree, "scan", ".", "-j1").stdout
    assert not folder.exists()


@pytest.mark.parametrize("named", [False, True], ids=["by nobody", "by the user"])
def test_no_file_is_written_through_the_links_of_a_cache_folder(tree: Path, tmp_path: Path, named: bool) -> None:
    """Whether a user names the folder or not: the links in it are the tree's."""
    text, database = tmp_path / "text", tmp_path / "database"
    text.write_text("mine\n")
    with sqlite3.connect(database) as another:
        another.execute("CREATE TABLE record (key, blob, day)")
        another.execute("INSERT INTO record VALUES ('a', 'b', 0)")
    another.close()
    before = database.read_bytes()
    folder = tree / ".llmlint_cache"
    folder.mkdir()
    for name, target in ((FILE_NAME, database), (f"{FILE_NAME}-wal", text), ("pylint.lock", text), (".gitignore", "x")):
        (folder / name).symlink_to(target)
    cache = ("--cache-dir", ".llmlint_cache") if named else ()
    assert "pool.py:8:5: LLM802" in llmlint(tree, "scan", ".", "-j1", "--format", "concise", *cache).stdout
    where = {"LLMLINT_CACHE_DIR": ".llmlint_cache"} if named else {}
    command = [sys.executable, "-P", "-m", "pylint", "--load-plugins=llmlint.pylint_plugin", "pool.py"]
    done = subprocess.run(command, cwd=tree, env={**os.environ, **where}, capture_output=True, text=True, timeout=120)
    assert "noop-restore" in done.stdout
    assert (text.read_text(), database.read_bytes()) == ("mine\n", before)
    assert sorted(file.name for file in tmp_path.iterdir() if not file.is_dir()) == ["database", "text"]
