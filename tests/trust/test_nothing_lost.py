"""No file of a user is lost: it is whole or untouched, whatever happens while llmlint writes."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from encodings.aliases import aliases
from pathlib import Path

import pytest
from serving_code import ALL_SHOWN, LEFT, NOOP

from llmlint.commands.suppressions_command import remove_unused
from llmlint.fixing import Mended
from llmlint.project import Request, scan
from llmlint.writing import Changed, write_file

from .conftest import llmlint

NEW = b"new\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "file.py"
    file.write_bytes(b"old\n")
    return file


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------- the one way to write


def test_mode_is_kept(file: Path) -> None:
    for mode in (0o600, 0o644, 0o755):
        file.chmod(mode)
        write_file(file, NEW)
        assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (NEW, mode)


def test_a_new_file_has_the_mode_that_the_user_gives_new_files(tmp_path: Path) -> None:
    (tmp_path / "by hand").touch()
    write_file(tmp_path / "new", NEW)
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "by hand").stat().st_mode


def test_a_link_stays_a_link(file: Path) -> None:
    link = file.with_name("link.py")
    link.symlink_to("file.py")
    write_file(link, NEW)
    assert (link.is_symlink(), file.read_bytes()) == (True, NEW)


@pytest.mark.parametrize("through", ["file", "folder"])
def test_a_link_out_of_the_tree_is_not_written_through(tree: Path, tmp_path: Path, through: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"mine")
    target = tree / "file"
    if through == "file":
        target.symlink_to(outside / "file")
    else:
        (tree / "folder").symlink_to(outside)
        target = tree / "folder" / "file"
    with pytest.raises(OSError, match="leads out of its tree"):
        write_file(target, NEW)
    assert (outside / "file").read_bytes() == b"mine"
    assert left_in(outside) == ["file"]


def test_what_changed_meanwhile_is_left_alone(file: Path) -> None:
    with pytest.raises(Changed):
        write_file(file, NEW, expected=b"as it was read\n")
    assert (file.read_bytes(), left_in(file.parent)) == (b"old\n", ["file.py"])


@pytest.mark.parametrize("step", ["fsync", "fchmod", "open"])
def test_whatever_step_fails_the_file_is_as_it_was(file: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        write_file(file, NEW)
    monkeypatch.undo()
    assert (file.read_bytes(), left_in(file.parent)) == (b"old\n", ["file.py"])


def test_a_pipe_that_nobody_reads_is_no_place_to_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError):
        write_file(tmp_path / "pipe", NEW)


# ---------------------------------------------------------------- who writes


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="there is no memory that is a folder")
def test_memory_that_is_a_folder_is_no_device() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        write_file(Path(folder, "report"), b"whole")
        assert Path(folder, "report").read_bytes() == b"whole"


def test_a_fix_never_takes_the_place_of_what_was_written_meanwhile(file: Path) -> None:
    mended = Mended({str(file): (b"as it was read\n", NEW)}, [], [])
    assert list(mended.write()) == [f"{file}: not mended: has changed since it was read and was left alone"]
    assert file.read_bytes() == b"old\n"


def test_what_cannot_be_mended_is_told_and_the_rest_is_mended_and_reported(tree: Path, tmp_path: Path) -> None:
    """A link out of the tree stands in for a file that may not be written: these tests may run as root."""
    outside = tmp_path / "outside.py"
    outside.write_text(LEFT)
    (tree / "linked.py").symlink_to(outside)
    (tree / "left.py").write_text(LEFT)
    before = outside.read_bytes()
    done = llmlint(tree, "scan", ".", "linked.py", "--unsafe-fixes", "--format", "concise")
    assert "linked.py: not mended: is a link that leads out of its tree" in done.stderr
    assert outside.read_bytes() == before
    assert "self.finished.clear()" in (tree / "left.py").read_text()
    assert "linked.py" in done.stdout
    assert "left.py" not in done.stdout


_COMMENT = b"x = 1  # llmlint: ignore[LLM401] none"
_ENDS = {
    "lone CR after it": (b"a = 0\r\n" + _COMMENT + b"\ry = 2\r\nz = 3\r\n", b"a = 0\r\nx = 1\ry = 2\r\nz = 3\r\n"),
    "CR only": (b"a = 0\r" + _COMMENT + b"\ry = 2\r", b"a = 0\rx = 1\ry = 2\r"),
    "alone on a CR line": (b"a = 0\r# llmlint: ignore[LLM401] none\ry = 2\r", b"a = 0\ry = 2\r"),
    "mixed": (b"a = 0\n" + _COMMENT + b"\r\ny = 2\rz = 3", b"a = 0\nx = 1\r\ny = 2\rz = 3"),
    "form feed": (b"a = 0\n\x0c\n" + _COMMENT + b"\ny = '\x0c\x1c\xe2\x80\xa8'\n", None),
    "no end": (_COMMENT, b"x = 1"),
}


@pytest.mark.parametrize(("before", "after"), _ENDS.values(), ids=_ENDS)
def test_removing_a_suppression_takes_nothing_else(tree: Path, before: bytes, after: bytes | None) -> None:
    (tree / "a.py").write_bytes(before)
    done = llmlint(tree, "scan", "a.py", "--fix-suppressions")
    assert "1 unused suppression removed" in done.stderr
    assert (tree / "a.py").read_bytes() == (after or before.replace(b"  # llmlint: ignore[LLM401] none", b""))


def test_files_are_told_one_by_one_when_they_cannot_be_rewritten(tmp_path: Path) -> None:
    told = list(remove_unused({str(tmp_path / "gone.py"): [(1, 1, ("LLM401",))]}))
    assert told == [f"{tmp_path / 'gone.py'}: unused suppressions not removed: No such file or directory"]


@pytest.mark.parametrize("command", ["baseline", "report", "init"])
def test_no_command_writes_through_a_link_that_a_tree_brings(tree: Path, tmp_path: Path, command: str) -> None:
    outside = tmp_path / "mine"
    outside.mkdir()
    (outside / "file").write_bytes(b"mine")
    if command == "baseline":
        (tree / "llmlint-baseline.json").symlink_to(outside / "file")
        done = llmlint(tree, "baseline", "update", ".")
        done = llmlint(tree, "scan", ".", "--output", "json:llmlint-baseline.json")
    elif command == "report":
        (tree / "report.sarif").symlink_to(outside / "file")
        done = llmlint(tree, "scan", ".", "--output", "sarif:report.sarif")
    else:
        (tree / ".pre-commit-config.yaml").symlink_to(outside / "hooks.yaml")
        done = llmlint(tree, "init", "--yes")
    assert "leads out of its tree" in done.stderr
    assert done.returncode == 2
    assert (outside / "file").read_bytes() == b"mine"
    assert left_in(outside) == ["file"]


def test_the_report_is_written_where_a_file_of_it_cannot_be(tree: Path) -> None:
    (tree / "occupied").write_text("")
    done = llmlint(tree, "scan", ".", "--output", "json:occupied/report.json", "--format", "concise")
    assert "LLM802" in done.stdout
    assert "cannot write occupied/report.json" in done.stderr
    assert done.returncode == 2


def test_init_keeps_the_line_ends_of_what_it_adds_to(tree: Path) -> None:
    (tree / "llmlint.toml").unlink()
    (tree / "pyproject.toml").write_bytes(b'[project]\r\nname = "x"\r\n')
    llmlint(tree, "init", "--yes")
    data = (tree / "pyproject.toml").read_bytes()
    assert data.startswith(b'[project]\r\nname = "x"\r\n')
    assert data.count(b"\n") == data.count(b"\r\n") > 4


def test_a_baseline_keeps_mode_and_link(tree: Path) -> None:
    real = tree / "kept.json"
    real.write_text('{"version": 1, "findings": []}')
    real.chmod(0o600)
    (tree / "llmlint-baseline.json").symlink_to("kept.json")
    assert llmlint(tree, "baseline", "write", ".").returncode == 0
    assert (tree / "llmlint-baseline.json").is_symlink()
    assert "LLM802" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


@pytest.mark.parametrize("make", [lambda file: os.mkfifo(file), lambda file: file.symlink_to("/dev/zero")])
def test_a_baseline_that_has_no_end_is_named(tree: Path, make: Callable[[Path], None]) -> None:
    (tree / "llmlint.toml").write_text(f'{ALL_SHOWN}baseline = "known.json"\n')
    make(tree / "known.json")
    done = llmlint(tree, "scan", ".", "--format", "concise")
    assert "LLM802" in done.stdout
    assert "known.json: is not a regular file; all findings are shown" in done.stderr
    assert done.returncode == 2


def test_a_scan_from_within_reads_what_it_wrote(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    (tree / "left.py").write_text(LEFT)
    assert llmlint(tree, "scan", "left.py", "--unsafe-fixes").returncode == 0
    assert scan(Request(("left.py",))).shown == []


def test_whatever_encoding_a_file_names_it_is_mended_or_left_as_it_was(tree: Path) -> None:
    """Python has codecs that are none of text, and one that reads what it cannot write."""
    before = {f"{name}.py": f"# coding: {name}\n{LEFT}".encode() for name in set(aliases.values())}
    for name, data in before.items():
        (tree / name).write_bytes(data)
    done = llmlint(tree, "scan", ".", "--unsafe-fixes", "--format", "concise", "--no-cache")
    assert "internal fault" not in done.stderr
    assert done.returncode in (1, 3)
    after = {name: (tree / name).read_bytes() for name in before}
    assert after["utf_8.py"] != before["utf_8.py"]
    assert all(set(before[name].split(b"\n")) <= set(data.split(b"\n")) for name, data in after.items())


def test_a_report_does_not_take_the_place_of_source_code(tree: Path) -> None:
    done = llmlint(tree, "scan", ".", "--output", "json:pool.py")
    assert done.returncode == 2
    assert "pool.py: it is source code" in done.stderr
    assert (tree / "pool.py").read_text() == NOOP
