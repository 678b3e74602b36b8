"""`llmlint init` on real folders: what it writes is valid, and what is there stays."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from serving_code import ALL_SHOWN

import llmlint.installed
from llmlint.cli import main

from .conftest import REPOSITORY, SCHEDULER
from .conftest import llmlint as run_llmlint


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "scheduler.py").write_text(SCHEDULER)
    return tmp_path


@pytest.fixture(autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What pip writes of an llmlint that it installed from the index, as the first of its kind on the path."""
    site = tmp_path_factory.mktemp("site-packages")
    record = site / "llmlint_serving-0.1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.4\nName: llmlint-serving\nVersion: 0.1.0\n")
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(llmlint.installed, "__file__", str(site / "llmlint" / "installed.py"))
    return record


def init(folder: Path, *arguments: str, answers: str = "") -> Result:
    return CliRunner().invoke(main, ["init", str(folder), *arguments], input=answers)


def test_all_is_written_and_the_next_scan_is_clean_as_the_baseline_holds_what_was_there(project: Path) -> None:
    """A comment that covers nothing is told whatever readings of other rules say."""
    (project / "scheduler.py").write_text("LIMIT = 3  # llmlint: ignore[LLM401] long gone\n")
    assert init(project, "--yes").exit_code == 0
    assert len(json.loads((project / "llmlint-baseline.json").read_text())["findings"]) == 1
    assert (project / ".github" / "workflows" / "llmlint.yml").exists()
    scan = run_llmlint("scan", ".", "--no-cache", cwd=project)
    assert scan.returncode == 0, scan.stdout


def test_settings_that_were_there_are_to_name_the_baseline_by_hand(project: Path) -> None:
    settings = project / "llmlint.toml"
    settings.write_text(ALL_SHOWN)
    done = init(project, "--yes")
    assert f"{settings} is too much its own to change; add before any table" in done.stderr
    assert run_llmlint("scan", ".", "--no-cache", cwd=project).returncode == 1
    settings.write_text(f"{ALL_SHOWN}{re.search('^baseline = .*$', done.stderr, re.MULTILINE)[0]}\n")
    assert run_llmlint("scan", ".", "--no-cache", cwd=project).returncode == 0
    assert "too much its own" not in init(project, "--yes").stderr


def test_no_baseline_where_there_is_nothing_to_keep(project: Path) -> None:
    (project / "scheduler.py").write_text("LIMIT = 3\n")
    init(project, "--yes")
    assert not (project / "llmlint-baseline.json").exists()
    assert "baseline" not in tomllib.loads((project / "llmlint.toml").read_text())


def test_settings_go_into_an_existing_pyproject(project: Path) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "serving"\n')
    init(project, "--yes")
    table = tomllib.loads((project / "pyproject.toml").read_text())
    assert table["project"]["name"] == "serving"
    assert table["tool"]["llmlint"]["min-confidence"] == "medium"
    assert not (project / "llmlint.toml").exists()


@pytest.mark.parametrize("indent", ["", "  "])
def test_a_hook_is_added_to_those_there_are(project: Path, indent: str) -> None:
    config = project / ".pre-commit-config.yaml"
    config.write_text(f"repos:\n{indent}- repo: meta\n{indent}  hooks:\n{indent}    - id: identity\n")
    init(project, "--yes")
    repositories = yaml.safe_load(config.read_text())["repos"]
    assert [repository["repo"] for repository in repositories] == ["meta", "local"]
    assert repositories[1]["hooks"][0]["id"] == "llmlint"


def test_a_configuration_that_goes_on_after_its_hooks_is_left_for_a_person(project: Path) -> None:
    config = project / ".pre-commit-config.yaml"
    config.write_text("repos:\n- repo: meta\n  hooks:\n  - id: identity\ndefault_stages: [manual]\n")
    before = config.read_text()
    assert "add below `repos:`" in init(project, "--yes").output
    assert config.read_text() == before


def test_pre_commit_accepts_the_hook(project: Path) -> None:
    pytest.importorskip("pre_commit", reason="pre-commit is not installed: pip install -e '.[dev]'")
    init(project, "--yes")
    command = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    assert subprocess.run(command, cwd=project, check=False).returncode == 0


COMMIT = "0123456789abcdef0123456789abcdef01234567"

SOURCES = [
    ("", "llmlint-serving==0.1.0"),
    (
        f'{{"url": "https://example.org/llmlint.git", "vcs_info": {{"vcs": "git", "commit_id": "{COMMIT}"}}}}',
        f"llmlint-serving @ git+https://example.org/llmlint.git@{COMMIT}",
    ),
    (
        f'{{"url": "https://me:secret@example.org/l.git", "vcs_info": {{"vcs": "git", "commit_id": "{COMMIT}"}}}}',
        f"llmlint-serving @ git+https://example.org/l.git@{COMMIT}",
    ),
    (
        '{"url": "https://example.org/llmlint_serving.whl", "archive_info": {"hashes": {"sha256": "abc"}}}',
        "llmlint-serving @ https://example.org/llmlint_serving.whl#sha256=abc",
    ),
]
FOLDER = ('{"url": "file:///srv/llm lint", "dir_info": {"editable": true}}', "llmlint-serving @ file:///srv/llm lint")


@pytest.mark.parametrize(("told", "requirement"), [*SOURCES, FOLDER])
def test_the_hook_installs_what_is_running(project: Path, installed: Path, told: str, requirement: str) -> None:
    if told:
        (installed / "direct_url.json").write_text(told)
    init(project, "--yes")
    hook = yaml.safe_load((project / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"][0]
    assert hook["additional_dependencies"] == [requirement]


@pytest.mark.parametrize(("told", "requirement"), SOURCES)
def test_the_workflow_installs_what_is_running(project: Path, installed: Path, told: str, requirement: str) -> None:
    if told:
        (installed / "direct_url.json").write_text(told)
    init(project, "--yes")
    steps = yaml.safe_load((project / ".github" / "workflows" / "llmlint.yml").read_text())["jobs"]["llmlint"]["steps"]
    [command] = [step["run"] for step in steps if "pipx" in step.get("run", "")]
    assert shlex.split(command) == ["pipx", "install", requirement]


def test_no_workflow_for_what_only_this_machine_has(project: Path, installed: Path) -> None:
    (installed / "direct_url.json").write_text(FOLDER[0])
    assert "a server cannot install llmlint from file:///srv/llm lint" in init(project, "--yes").output
    assert not (project / ".github").exists()


def test_run_from_a_clone_it_is_the_clone_that_is_installed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llmlint.installed, "__file__", str(REPOSITORY / "src" / "llmlint" / "installed.py"))
    init(project, "--yes")
    hook = yaml.safe_load((project / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"][0]
    assert hook["additional_dependencies"] == [f"llmlint-serving @ {REPOSITORY.as_uri()}"]


def test_nothing_is_written_against_a_no(project: Path) -> None:
    before = sorted(project.iterdir())
    assert init(project, answers="n\n" * 4).exit_code == 0
    assert sorted(project.iterdir()) == before


def test_a_second_time_there_is_nothing_to_add(project: Path) -> None:
    init(project, "--yes")
    files = {file: file.read_bytes() for file in project.rglob("*") if file.suffix in (".toml", ".yml", ".yaml")}
    assert "nothing to add" in init(project, "--yes").output
    assert {file: file.read_bytes() for file in files} == files


def test_bash_completes_commands_once_the_printed_lines_are_read(project: Path) -> None:
    script = CliRunner().invoke(main, ["completion", "bash"]).output
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    asked = {"_LLMLINT_COMPLETE": "bash_complete", "COMP_WORDS": "llmlint base", "COMP_CWORD": "1"}
    completed = CliRunner().invoke(main, [], prog_name="llmlint", env=asked)
    assert completed.output == "plain,baseline\n"
