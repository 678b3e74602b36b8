"""The action and the workflows: accepted by the schemas and by zizmor, and the action's own script run for real."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from llmlint.init import steps
from llmlint.installed import Source

from .conftest import REPOSITORY, SCHEDULER

ACTION = REPOSITORY / "action.yml"
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


def tool(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed: pip install -e '.[dev]'")
    return found


def checked(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def offered_workflow(tmp_path: Path) -> Path:
    """The workflow that `llmlint init` writes."""
    for step in steps(tmp_path, with_baseline=False, source=Source("==0.1.0")):
        step.take()  # type: ignore[union-attr]
    return tmp_path / ".github" / "workflows" / "llmlint.yml"


def test_the_action_has_the_form_github_asks_for() -> None:
    ran = checked(tool("check-jsonschema"), "--builtin-schema", "vendor.github-actions", ACTION)
    assert ran.returncode == 0, ran.stdout


def test_workflows_have_the_form_github_asks_for(offered_workflow: Path) -> None:
    files = (*WORKFLOWS, offered_workflow)
    ran = checked(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *files)
    assert ran.returncode == 0, ran.stdout


def test_issue_forms_have_the_form_github_asks_for() -> None:
    forms = [form for form in (REPOSITORY / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if form.name != "config.yml"]
    ran = checked(tool("check-jsonschema"), "--builtin-schema", "vendor.github-issue-forms", *forms)
    assert ran.returncode == 0, ran.stdout


def test_a_misspelt_key_of_an_action_is_noticed(tmp_path: Path) -> None:
    bad = tmp_path / "action.yml"
    bad.write_text(ACTION.read_text().replace("shell: bash", "shel: bash"))
    assert checked(tool("check-jsonschema"), "--builtin-schema", "vendor.github-actions", bad).returncode == 1


def test_zizmor_has_nothing_to_say(offered_workflow: Path) -> None:
    ran = checked(tool("zizmor"), "--offline", "--no-progress", ACTION, *WORKFLOWS, offered_workflow)
    assert ran.returncode == 0, ran.stdout


def test_zizmor_notices_an_unpinned_action(tmp_path: Path) -> None:
    bad = tmp_path / "action.yml"
    text = ACTION.read_text()
    assert "@89a39a4e59826350b863aa6b6252a07ad50cf83e" in text
    bad.write_text(text.replace("github/codeql-action/upload-sarif@89a39a4e59826350b863aa6b6252a07ad50cf83e", "a/b@v1"))
    assert checked(tool("zizmor"), "--offline", "--no-progress", bad).returncode != 0


def run_step(name: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A step's script as the runner runs it."""
    [script] = [s["run"] for s in yaml.safe_load(ACTION.read_text())["runs"]["steps"] if s["name"] == name]
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def runner(tmp_path: Path) -> dict[str, str]:
    """What the runner offers a step, with llmlint installed where the action puts it."""
    program = tmp_path / "llmlint" / "bin" / "llmlint"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}/src" exec "{sys.executable}" -m llmlint "$@"\n')
    program.chmod(0o755)
    return {
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }


def test_the_scan_step_annotates_reports_and_sums_up(tmp_path: Path, runner: dict[str, str]) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "scheduler.py").write_text(SCHEDULER)
    ran = run_step(
        "Scan",
        tmp_path / "code",
        **runner,
        SCAN_PATHS=".",
        SCAN_ARGS="--no-cache --min-confidence low",
        SARIF_FILE="out.sarif",
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("::error file=scheduler.py")
    assert (tmp_path / "code" / "out.sarif").exists()
    assert "**1 finding**" in (tmp_path / "summary").read_text()
    assert (tmp_path / "output").read_text() == "exit-code=1\nsarif-file=out.sarif\n"


@pytest.mark.parametrize(
    ("code", "fails", "outcome"), [("0", "true", 0), ("1", "true", 1), ("1", "false", 0), ("2", "false", 2)]
)
def test_findings_fail_the_job_unless_told_not_to_and_failures_always_do(
    tmp_path: Path, code: str, fails: str, outcome: int
) -> None:
    assert run_step("Judge", tmp_path, EXIT_CODE=code, FAIL_ON_FINDINGS=fails).returncode == outcome
