"""The hooks, run by pre-commit itself from a clone of this repository."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from serving_code import ALL_SHOWN

from .conftest import REPOSITORY, SCHEDULER

pytestmark = pytest.mark.slow

pytest.importorskip("pre_commit", reason="pre-commit is not installed: pip install -e '.[dev]'")

MENDED = SCHEDULER.replace("self.running.clear()", "self.running.clear()\n        self.prefix_hits.clear()")


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    who = ("-c", "user.name=A Tester", "-c", "user.email=tester@example.org")
    return subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This working tree as a repository of its own, one commit deep."""
    copy = tmp_path_factory.mktemp("llmlint-hooks")
    listed = git(REPOSITORY, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_symlink() or (REPOSITORY / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, copy / name, follow_symlinks=False)
    git(copy, "init", "--quiet")
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "as it stands")
    return copy


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pre-commit-home")


@pytest.fixture
def project(tmp_path: Path, hooks: Path) -> Path:
    revision = git(hooks, "rev-parse", "HEAD").stdout.strip()
    (tmp_path / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: file://{hooks}\n    rev: {revision}\n    hooks:\n      - id: llmlint\n"
        "      - id: llmlint-project\n        stages: [manual]\n"
    )
    (tmp_path / ".gitignore").write_text(".llmlint_cache/\n")
    (tmp_path / "pyproject.toml").write_text(f"[tool.llmlint]\n{ALL_SHOWN}")
    git(tmp_path, "init", "--quiet")
    return tmp_path


def pre_commit(project: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", *arguments],
        cwd=project,
        env={**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, "PRE_COMMIT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def passes_mended_and_fails_seeded(project: Path, home: Path) -> str:
    """What is said of the bug, once the mended file has gone through."""
    (project / "scheduler.py").write_text(MENDED)
    git(project, "add", "--all")
    clean = pre_commit(project, home)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert "Passed" in clean.stdout

    (project / "scheduler.py").write_text(SCHEDULER)
    git(project, "add", "--all")
    failed = pre_commit(project, home)
    assert failed.returncode == 1
    return failed.stdout


def test_a_clean_commit_passes_and_one_that_adds_a_bug_fails_with_the_finding(project: Path, home: Path) -> None:
    told = passes_mended_and_fails_seeded(project, home)
    assert "scheduler.py:15" in told
    assert "restore-leaves-state" in told


def test_a_change_elsewhere_does_not_bring_up_old_findings_but_the_project_hook_does(project: Path, home: Path) -> None:
    (project / "scheduler.py").write_text(SCHEDULER)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "the bug is old")
    (project / "other.py").write_text("LIMIT = 3\n")
    git(project, "add", "--all")
    assert pre_commit(project, home).returncode == 0
    whole = pre_commit(project, home, "--hook-stage", "manual", "llmlint-project")
    assert whole.returncode == 1
    assert "restore-leaves-state" in whole.stdout


def test_the_variant_through_pylint_fails_on_the_same_bug(project: Path, hooks: Path, home: Path) -> None:
    """As docs/pre-commit.md has it, with this working tree in the place of the released package."""
    documented = (REPOSITORY / "docs" / "pre-commit.md").read_text().partition("## Through pylint")[2]
    config = documented.partition("```yaml\n")[2].partition("```")[0]
    assert '"llmlint-serving==' in config
    config = re.sub(r'"llmlint-serving==[^"]*"', f'"llmlint-serving @ file://{hooks}"', config)
    (project / ".pre-commit-config.yaml").write_text(config)
    (project / "pyproject.toml").write_text(f'[tool.llmlint]\n{ALL_SHOWN}[tool.pylint]\ndisable = ["C", "R"]\n')
    told = passes_mended_and_fails_seeded(project, home)
    assert "(restore-leaves-state)" in told


def test_what_init_writes_installs_the_llmlint_that_wrote_it_and_runs(project: Path, home: Path) -> None:
    for settings in (".pre-commit-config.yaml", "pyproject.toml"):
        (project / settings).unlink()
    (project / "scheduler.py").write_text(MENDED)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    command = [sys.executable, "-m", "llmlint", "init", "--yes"]
    subprocess.run(command, cwd=project, env=environment, check=True)
    assert f'"llmlint-serving @ {REPOSITORY.as_uri()}"' in (project / ".pre-commit-config.yaml").read_text()
    written = project / "llmlint.toml"
    written.write_text(written.read_text().replace('min-confidence = "medium"\n', ALL_SHOWN))
    told = passes_mended_and_fails_seeded(project, home)
    assert "restore-leaves-state" in told


def test_the_manifest_is_one_pre_commit_accepts() -> None:
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml"]
    assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == 0
