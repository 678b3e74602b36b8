"""The cache may be shared, killed, damaged or forbidden: the findings never change, and the trouble is told once."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from serving_code import ALL_SHOWN, CLEAN, NOOP

from llmlint.local_cache import FILE_NAME, LocalCache, cache_info, remove_files, users_folder
from llmlint.project import Request, scan
from llmlint.vocabulary_file import load_vocabulary


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "llmlint.toml").write_text(f"root = true\n{ALL_SHOWN}")
    (folder / "pool.py").write_text(NOOP)
    for number in range(60):
        (folder / f"clean_{number}.py").write_text(f"{CLEAN}\nNUMBER = {number}\n")
    for path in folder.glob("*.py"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def cache_file(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "users"))
    return users_folder(tree) / FILE_NAME


def findings() -> list[tuple[str, str]]:
    return [(finding.path, finding.rule) for finding in scan(Request((".",))).findings]


EXPECTED = [("pool.py", "LLM802")]


def test_the_cache_lies_with_the_user_and_not_in_the_tree(tree: Path, cache_file: Path) -> None:
    before = sorted(tree.rglob("*"))
    scan(Request((".",)))
    assert sorted(tree.rglob("*")) == before
    assert cache_file.exists()
    assert cache_file.parent.stat().st_mode & 0o777 == 0o700


def test_the_user_may_have_it_elsewhere_where_it_keeps_itself_out_of_git(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMLINT_CACHE_DIR", str(tree / "by-variable"))
    scan(Request((".",)))
    scan(Request((".",), cache_dir=str(tree / "by-flag")))
    for folder in (tree / "by-variable", tree / "by-flag"):
        assert (folder / FILE_NAME).exists()
        assert (folder / ".gitignore").read_text() == "*\n"


def test_caches_of_projects_that_nobody_scans_any_more_go(tree: Path, cache_file: Path) -> None:
    old = users_folder(tree.parent) / FILE_NAME
    old.parent.mkdir(parents=True)
    old.write_bytes(b"")
    os.utime(old, (1_700_000_000, 1_700_000_000))
    scan(Request((".",)))
    assert not old.parent.exists()
    assert cache_file.exists()


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100, os.urandom(8192)])
def test_a_cache_that_is_no_database_is_built_anew_with_one_warning(cache_file: Path, content: bytes) -> None:
    cache_file.parent.mkdir(parents=True)
    cache_file.write_bytes(content)
    result = scan(Request((".",)))
    assert [(f.path, f.rule) for f in result.findings] == EXPECTED
    assert len(result.warnings) == (1 if content else 0)
    again = scan(Request((".",)))
    assert (again.warnings, again.counts.from_cache) == ([], 61)


def test_a_page_damaged_in_the_middle_is_met_with_one_warning(cache_file: Path) -> None:
    scan(Request((".",)))
    data = bytearray(cache_file.read_bytes())
    data[4096:-100] = b"\xff" * len(data[4096:-100])
    for beside in cache_file.parent.glob(f"{FILE_NAME}-*"):
        beside.unlink()
    cache_file.write_bytes(data)
    result = scan(Request((".",)))
    assert [(f.path, f.rule) for f in result.findings] == EXPECTED
    assert len(result.warnings) == 1
    assert scan(Request((".",))).warnings == []


def test_an_entry_that_cannot_be_decoded_is_read_from_the_file_again(tree: Path, cache_file: Path) -> None:
    scan(Request((".",)))
    with sqlite3.connect(cache_file) as database:
        database.execute("UPDATE record SET blob = x'c1'")
        database.execute("UPDATE result SET blob = x'c1'")
    database.close()
    assert findings() == EXPECTED


_SPOILT = {
    "another schema": "DROP TABLE record; CREATE TABLE record (name TEXT, number REAL)",
    "a view that never ends": "DROP TABLE stat; CREATE VIEW stat AS WITH RECURSIVE n(path, stamp, key) AS "
    "(SELECT 'a', 'b', 'c' UNION ALL SELECT path, stamp, key FROM n) SELECT * FROM n",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM result; END",
    "text that is none": "UPDATE stat SET key = CAST(x'ff' AS TEXT); UPDATE stat SET path = CAST(x'ff' AS TEXT)"
    " WHERE path = (SELECT max(path) FROM stat)",
}


@pytest.mark.parametrize("statements", _SPOILT.values(), ids=_SPOILT)
def test_a_cache_of_another_make_is_built_anew_with_one_warning(cache_file: Path, statements: str) -> None:
    scan(Request((".",)))
    database = sqlite3.connect(cache_file)
    database.executescript(statements)
    database.close()
    result = scan(Request((".",)))
    assert [(f.path, f.rule) for f in result.findings] == EXPECTED
    assert len(result.warnings) == 1
    again = scan(Request((".",)))
    assert ([(f.path, f.rule) for f in again.findings], again.warnings) == (EXPECTED, [])
    assert scan(Request((".",))).counts.from_cache == 61


@pytest.mark.parametrize("blob", ["'text'", "12", "x'00'", "zeroblob(4)"])
def test_rows_that_hold_something_else_are_read_from_the_files_again(cache_file: Path, blob: str) -> None:
    scan(Request((".",)))
    database = sqlite3.connect(cache_file)
    database.executescript(f"UPDATE record SET blob = {blob}; UPDATE result SET blob = {blob}")
    database.close()
    assert findings() == EXPECTED
    assert scan(Request((".",))).counts.from_cache == 61


def test_a_flipped_bit_in_a_record_is_noticed(cache_file: Path) -> None:
    scan(Request((".",)))
    database = sqlite3.connect(cache_file)
    for key, blob in database.execute("SELECT key, blob FROM record").fetchall():
        flipped = bytearray(blob)
        flipped[len(blob) // 2] ^= 1
        database.execute("UPDATE record SET blob = ? WHERE key = ?", (bytes(flipped), key))
    database.execute("DELETE FROM result")
    database.commit()
    database.close()
    result = scan(Request((".",)))
    assert ([(f.path, f.rule) for f in result.findings], result.counts.from_cache) == (EXPECTED, 0)


def test_a_cache_folder_that_cannot_be_made_is_one_warning(tree: Path) -> None:
    (tree / "occupied").write_text("")
    result = scan(Request((".",), cache_dir="occupied"))
    assert [(f.path, f.rule) for f in result.findings] == EXPECTED
    assert len(result.warnings) == 1
    assert "occupied" in result.warnings[0]


def test_no_cache_leaves_nothing_behind(tree: Path, cache_file: Path) -> None:
    scan(Request((".",), use_cache=False))
    assert not cache_file.parent.exists()


def test_a_stamp_is_not_trusted_right_after_a_change(tree: Path) -> None:
    scan(Request((".",)))
    stat = (tree / "pool.py").stat()
    same_size = NOOP.replace("logger.info(", "store.take(  ")
    (tree / "pool.py").write_text(same_size[: len(NOOP)])
    assert (tree / "pool.py").stat().st_size == stat.st_size
    assert findings() == []


def test_a_file_that_is_given_its_old_time_again_is_read_all_the_same(tree: Path) -> None:
    """As `rsync --inplace --times` and tools that set all times to one do."""
    scan(Request((".",)))
    before = (tree / "pool.py").stat()
    with (tree / "pool.py").open("r+b") as file:
        file.write(NOOP.replace("logger.info(", "store.take(  ")[: len(NOOP)].encode())
    os.utime(tree / "pool.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    after = (tree / "pool.py").stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert findings() == []


def test_other_words_are_another_generation(tmp_path: Path) -> None:
    first = LocalCache(tmp_path, load_vocabulary().digest)
    first.store_records([("key", b"blob")])
    first.close()
    words = load_vocabulary({"terminal": ["evaporate"]})
    assert LocalCache(tmp_path, words.digest).records(["key"]) == {}
    assert LocalCache(tmp_path, load_vocabulary().digest).records(["key"]) == {"key": b"blob"}


def test_info_and_clear(tree: Path, cache_file: Path) -> None:
    scan(Request((".",)))
    info = cache_info(cache_file.parent)
    assert info["records"] == 61
    assert info["bytes"] > 0
    assert remove_files(cache_file.parent) >= 1
    assert cache_info(cache_file.parent) == {"records": 0, "results": 0, "bytes": 0}


def start_scan(tree: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "llmlint", "scan", ".", "--format", "concise", "-j2"]
    return subprocess.Popen(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def test_scans_that_share_a_cache_all_find_the_same(tree: Path) -> None:
    running = [start_scan(tree) for _ in range(4)]
    told = [process.communicate(timeout=120) for process in running]
    assert {process.returncode for process in running} == {1}
    assert {out for out, _ in told} == {told[0][0]}
    assert {err for _, err in told} == {b""}


@pytest.mark.parametrize("after", [0.15, 0.3, 0.45, 0.6])
def test_a_scan_killed_at_any_moment_leaves_a_cache_that_works(tree: Path, after: float) -> None:
    process = start_scan(tree)
    time.sleep(after)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    result = scan(Request((".",)))
    assert [(f.path, f.rule) for f in result.findings] == EXPECTED
    assert result.warnings == []
