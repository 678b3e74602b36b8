"""What a warm cache answers after a change is what a scan without a cache finds, also in files that did not change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from serving_code import NOOP

from llmlint.findings import Finding
from llmlint.project import Request, scan

_FILES = {
    "llmlint.toml": "root = true\n",
    "noop.py": NOOP,
    "pool.py": """
class Base:
    def __init__(self):
        self.limit = 4


class Pool(Base):
    def __init__(self):
        super().__init__()
        self.free = list(range(8))

    def take(self, count):
        return self.free.pop()

    def state(self):
        return (1, 2)
""",
    "engine.py": """
from pool import Pool


class Engine:
    def __init__(self):
        self.pool = Pool()

    def step(self):
        block = self.pool.take(self.pool.limit)
        one, two = self.pool.state()
        return block, one, two


class Small(Pool):
    def room(self):
        return self.limit - len(self.free)
""",
    "slot.h": """
struct slot {
    int * row = nullptr;
    void fill(int n);
};
slot * find_slot(int id);
""",
    "slot.cpp": """
#include "slot.h"
slot * find_slot(int id) {
    if (id < 0) { return nullptr; }
    return new slot();
}
void use(int id) {
    slot * found = find_slot(id);
    found->fill(1);
}
""",
}


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, text in _FILES.items():
        _write(folder / name, text)
    return folder


def _write(file: Path, text: str) -> None:
    file.write_text(text)
    os.utime(file, (1_700_000_000, 1_700_000_000))


def _replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        before = (folder / name).read_text()
        assert old in before
        _write(folder / name, before.replace(old, new))

    return change


def _found(cache: Path | None, *paths: str) -> list[Finding]:
    cached = {"cache_dir": str(cache)} if cache is not None else {"use_cache": False}
    result = scan(Request(paths or (".",), min_confidence="low", jobs=1, **cached))
    assert not result.faults
    return result.findings


_CHANGES: dict[str, tuple[Callable[[Path], None], set[tuple[str, str]], set[tuple[str, str]]]] = {
    "a parameter is added": (
        _replace("pool.py", "def take(self, count)", "def take(self, count, owner)"),
        {("engine.py", "LLM901")},
        set(),
    ),
    "a base class is renamed": (
        _replace("pool.py", "class Base:", "class Root:"),
        set(),
        set(),
    ),
    "a base class keeps its name and loses an attribute": (
        _replace("pool.py", "self.limit = 4", "self.bound = 4"),
        {("engine.py", "LLM902")},
        set(),
    ),
    "a method returns nothing more": (
        _replace("pool.py", "return (1, 2)", "self.free.sort()"),
        {("engine.py", "LLM903")},
        set(),
    ),
    "a function of C++ returns null no more": (
        _replace("slot.cpp", "if (id < 0) { return nullptr; }", ""),
        set(),
        {("slot.cpp", "LLM945")},
    ),
    "lines move": (_replace("pool.py", "\nclass Base:", "# one\n# two\n\n\nclass Base:"), set(), set()),
    "a file goes": (lambda folder: (folder / "pool.py").unlink(), set(), set()),
    "a file comes": (
        lambda folder: _write(folder / "more.py", "from pool import Pool\n\nPool().take(1, 2, 3)\n"),
        {("more.py", "LLM901")},
        set(),
    ),
}
"""By what is done: the change, and the findings that come and go by it."""


@pytest.mark.parametrize("what", _CHANGES)
def test_a_warm_scan_finds_what_a_cold_one_finds(tree: Path, tmp_path: Path, what: str) -> None:
    cache = tmp_path / "cache"
    before = {(f.path, f.rule) for f in _found(cache)}
    change, come, gone = _CHANGES[what]
    change(tree)
    warm = _found(cache)
    assert warm == _found(None)
    after = {(f.path, f.rule) for f in warm}
    assert come <= after - before
    assert gone <= before - after


@pytest.mark.parametrize("what", _CHANGES)
def test_a_file_named_alone_is_told_of_as_in_a_cold_scan_of_all(tree: Path, tmp_path: Path, what: str) -> None:
    cache = tmp_path / "cache"
    _found(cache)
    _CHANGES[what][0](tree)
    whole = _found(None)
    for file in sorted(path.name for path in tree.iterdir() if path.suffix != ".toml"):
        assert _found(cache, file) == [finding for finding in whole if finding.path == file]


def test_a_tree_that_is_laid_out_anew_is_told_of_from_the_cache(tree: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    request = Request((".",), cache_dir=str(cache), min_confidence="low", jobs=1)
    before = scan(request)
    for file in tree.iterdir():
        os.utime(file, (1_600_000_000, 1_600_000_000))
    again = scan(request)
    assert again.findings == before.findings
    assert "check" not in again.timings


def test_what_was_asked_of_several_files_answers_for_some_of_them(tree: Path, tmp_path: Path) -> None:
    for number in range(20):  # so that three files are few, and only they are looked at
        _write(tree / f"more_{number}.py", f"NUMBER = {number}\n")
    _replace("pool.py", "def take(self, count)", "def take(self, count, owner)")(tree)
    (tree / "slot.cpp").write_text(
        "int unused;  // llmlint: ignore[LLM945] long gone\n" + (tree / "slot.cpp").read_text()
    )
    _found(tmp_path / "cache", "engine.py", "noop.py", "slot.cpp")
    for some in (("engine.py",), ("slot.cpp",), ("engine.py", "noop.py")):
        request = Request(some, cache_dir=str(tmp_path / "cache"), min_confidence="low", jobs=1)
        known, anew = scan(request), scan(Request(some, use_cache=False, min_confidence="low", jobs=1))
        assert "check" not in known.timings
        assert known.findings == anew.findings != []
        assert known.unused_suppressions == anew.unused_suppressions
    assert "check" in scan(Request(("engine.py", "pool.py"), cache_dir=str(tmp_path / "cache"), jobs=1)).timings
