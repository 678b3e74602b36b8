"""A small history of a serving engine, whose bugs come and go at known commits."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from serving_code import ALL_SHOWN, LEFT, NOOP

MENDED = NOOP.replace('logger.info("restoring %d blocks", len(blocks))', "self.blocks = dict(blocks)")
WHO = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class History:
    """A repository that grows by one commit a day, from 2025-01-01 on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commits: list[str] = []
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, **environment: str) -> str:
        env = {**os.environ, **WHO, **environment}
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, env=env, text=True).stdout.strip()

    def commit(self, subject: str, **files: str | None) -> str:
        for name, content in files.items():
            file = self.folder / f"{name.replace('__', '/')}.py"
            file.parent.mkdir(exist_ok=True)
            if content is None:
                file.unlink()
            else:
                file.write_text(content)
        day = f"2025-01-{len(self.commits) + 1:02}T12:00:00+00:00"
        self.git("add", "--all", "--force")
        dated = {"GIT_AUTHOR_DATE": day, "GIT_COMMITTER_DATE": day}
        self.git("commit", "--quiet", "--allow-empty", "--message", subject, **dated)
        self.commits.append(self.git("rev-parse", "HEAD"))
        return self.commits[-1]


@pytest.fixture
def history(tmp_path: Path) -> History:
    engine = History(tmp_path / "engine")
    engine.commit("A pool and a scheduler", serving__pool=NOOP, serving__scheduler=LEFT)
    engine.commit("Say more", serving__words="WORDS = 1\n")
    engine.commit("Another pool", serving__other=NOOP.replace("Pool", "Other"))
    engine.commit("Fix the pool's reset (#12)", serving__pool=MENDED)
    engine.commit("Words", serving__words="WORDS = 2\n")
    engine.commit("Fix the build by dropping the other pool", serving__other=None)
    engine.commit("The end")
    return engine


@pytest.fixture
def fleet_file(history: History, tmp_path: Path) -> Path:
    file = tmp_path / "fleet.toml"
    file.write_text(f'{ALL_SHOWN}[[repository]]\nname = "engine"\nsource = "engine"\nevery = 3\n')
    return file
