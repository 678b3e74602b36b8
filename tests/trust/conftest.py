"""What these tests share: a tree with one bug, and llmlint run in it as its console script runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from serving_code import ALL_SHOWN, NOOP

COMMAND = [sys.executable, "-P", "-m", "llmlint"]
"""`-P` is what the console script amounts to: its own folder stands on sys.path, not the working directory."""


def llmlint(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=120,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project in a repository: `pool.py` has one finding, LLM802 on its last method."""
    folder = tmp_path / "tree"
    (folder / ".git").mkdir(parents=True)
    (folder / "llmlint.toml").write_text(ALL_SHOWN)
    (folder / "pool.py").write_text(NOOP)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder, empty and apart from everyone else's."""
    folder = tmp_path / "users-cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder
