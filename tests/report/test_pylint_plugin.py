"""The plugin, loaded by real pylint in processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from serving_code import ALL_SHOWN

from .conftest import REPOSITORY, SCHEDULER, llmlint

FORGETFUL = '''"""What the scheduler asks of others."""


class Streams:
    """One queue for each request that is under way."""

    def __init__(self):
        self.streams = {}

    def open(self, request_id):
        """Begins to listen."""
        self.streams[request_id] = []

    def finish(self, request_id):
        """The request is over."""
        self.streams.pop(request_id, None)
'''

GATEWAY = '''"""Streams that remember what they sent."""

from streams import Streams


class Gateway(Streams):
    """The streams are those of another file."""

    def __init__(self):
        super().__init__()
        self.sent = {}
        self.seen = {}

    def send(self, request_id, text):
        """Hands text to a client."""
        self.sent[request_id] = text
        self.seen[request_id] = True

    def reset(self):
        """Forgets what it sent, and not the streams."""
        self.sent.clear()
        self.seen.clear()
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(f"[tool.llmlint]\n{ALL_SHOWN}")
    (tmp_path / "scheduler.py").write_text(SCHEDULER)
    (tmp_path / "streams.py").write_text(FORGETFUL)
    (tmp_path / "gateway.py").write_text(GATEWAY)
    (tmp_path / "quiet.py").write_text('"""Nothing to say."""\n')
    return tmp_path


def pylint(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pylint", "--load-plugins=llmlint.pylint_plugin", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def told(project: Path, *arguments: str) -> set[tuple[str, int, str]]:
    """(file, line, rule) of llmlint's messages in a run of pylint."""
    run = pylint(project, "--output-format=json", *arguments)
    assert "Traceback" not in run.stderr, run.stderr
    messages = json.loads(run.stdout or "[]")
    return {(Path(m["path"]).name, m["line"], m["symbol"]) for m in messages if m["message-id"][1] == "5"}


def scanned(project: Path, *paths: str) -> set[tuple[str, int, str]]:
    findings = json.loads(llmlint("scan", "--format", "json", "--exit-zero", *paths, cwd=project).stdout)["findings"]
    return {(Path(f["path"]).name, f["line"], f["name"]) for f in findings}


def files(project: Path) -> list[str]:
    return sorted(path.name for path in project.glob("*.py"))


def test_pylint_says_what_a_scan_says_with_any_number_of_jobs_and_one_file_at_a_time(project: Path) -> None:
    expected = scanned(project, ".")
    assert {name for _, _, name in expected} == {"restore-leaves-state"} and len(expected) == 2
    assert told(project, "-j1", *files(project)) == expected
    assert told(project, "-j4", *files(project)) == expected
    assert set().union(*(told(project, name) for name in files(project))) == expected


def test_a_finding_that_needs_another_file_is_told_when_only_its_own_is_handed_over(project: Path) -> None:
    assert ("gateway.py", 19, "restore-leaves-state") in told(project, "gateway.py")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    def reset(self):", "    def reset(self):  # pylint: disable=restore-leaves-state"),
        ("    def reset(self):\n", "    def reset(self):\n        # pylint: disable=restore-leaves-state\n"),
        ('"""Hands requests', '# pylint: disable=restore-leaves-state\n"""Hands requests'),
        ("    def reset(self):", "    def reset(self):  # pylint: disable=W5801,E5801"),
        ("    def reset(self):", "    def reset(self):  # llmlint: ignore[LLM801] the hits are kept for statistics"),
    ],
    ids=["line", "block", "file", "by id", "llmlint's own comment"],
)
def test_a_comment_silences_the_message(project: Path, old: str, new: str) -> None:
    assert "restore-leaves-state" in {name for _, _, name in told(project, "scheduler.py")}
    (project / "scheduler.py").write_text(SCHEDULER.replace(old, new))
    assert "restore-leaves-state" not in {name for _, _, name in told(project, "scheduler.py")}


def test_a_comment_silences_a_finding_that_only_the_whole_program_shows(project: Path) -> None:
    (project / "gateway.py").write_text(
        GATEWAY.replace("def reset(self):", "def reset(self):  # pylint: disable=restore-leaves-state")
    )
    assert told(project, "gateway.py") == set()


def test_findings_of_the_baseline_are_not_told(project: Path) -> None:
    llmlint("baseline", "write", ".", cwd=project)
    (project / "pyproject.toml").write_text('[tool.llmlint]\nbaseline = "llmlint-baseline.json"\n')
    assert told(project, *files(project)) == set()


def test_options_are_read_from_pylints_own_configuration(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.llmlint]\n[tool.pylint.main]\nload-plugins = ["llmlint.pylint_plugin"]\n'
        '[tool.pylint.llmlint]\nllmlint-min-confidence = "certain"\n'
    )
    assert told(project, *files(project)) == set()


def test_every_rule_is_a_message_with_its_page(project: Path) -> None:
    listed = pylint(project, "--help-msg=restore-leaves-state").stdout
    assert "restore-leaves-state (" in listed
    assert "rules/LLM801.html" in listed


def test_the_target_is_never_imported(project: Path) -> None:
    (project / "scheduler.py").write_text(SCHEDULER + '\n\nraise SystemExit("imported")\n')
    assert "restore-leaves-state" in {name for _, _, name in told(project, "scheduler.py")}
