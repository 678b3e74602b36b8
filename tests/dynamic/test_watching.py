"""Watching what no scan has found: named by hand, or by what a package's methods say of themselves."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from test_command_line import llmlint

ENGINE = """
class Scheduler:
    def __init__(self):
        self.running = {}
        self.arrivals = {}

    def add_request(self, request_id, prompt):
        self.running[request_id] = prompt
        self.arrivals[request_id] = 1

    def finish_request(self, request_id):
        del self.running[request_id]
        del self.arrivals[request_id]

    def abort_request(self, request_id):
        del self.running[request_id]
"""
DRIVER = """
import time
import engine
scheduler = engine.Scheduler()
for number in range(100):
    scheduler.add_request(f"r{number}", "why")
    (scheduler.finish_request if number % 2 else scheduler.abort_request)(f"r{number}")
time.sleep(1)
for number in range(100, 120):
    scheduler.add_request(f"r{number}", "why")
    scheduler.finish_request(f"r{number}")
time.sleep(0.5)
print("served")
"""
LIFE = "Scheduler.add_request:enter, finish_request:leave, abort_request:leave"


def traced(folder: Path, *options: str) -> tuple[str, list[dict[str, Any]]]:
    (folder / "engine.py").write_text(ENGINE)
    (folder / "driver.py").write_text(DRIVER)
    done = llmlint(folder, "trace", *options, "--out", "run", "--", sys.executable, "driver.py")
    assert (done.returncode, done.stdout) == (0, "served\n"), done.stderr
    file = folder / "run" / "findings.json"
    return done.stderr, json.loads(file.read_text())["findings"] if file.exists() else []


def test_what_is_named_by_hand_becomes_a_finding_with_a_place_and_evidence(tmp_path: Path) -> None:
    said, (found,) = traced(tmp_path, "--watch", LIFE, "--container", "arrivals")
    assert (found["rule"], found["path"], found["line"]) == ("LLM102", "engine.py", 7)
    assert found["verdict"]["status"] == "confirmed", found
    assert "they ended by abort_request 50" in found["verdict"]["summary"]
    assert said == "llmlint: run/findings.json: verdicts: 1 confirmed\n"


def test_what_a_run_found_by_itself_can_be_confirmed_like_any_finding(tmp_path: Path) -> None:
    traced(tmp_path, "--watch", LIFE, "--container", "arrivals")
    done = llmlint(tmp_path, "confirm", "run/findings.json", "run", "--format", "concise")
    assert done.returncode == 0
    assert "engine.py:7:1: LLM102" in done.stdout


def test_a_template_finds_the_life_of_requests_by_its_words(tmp_path: Path) -> None:
    _, found = traced(tmp_path, "--watch-template", "request-lifecycle", ".")
    said = {one["runtime"]["watch"][0]["attribute"]: one["verdict"]["status"] for one in found}
    assert said["arrivals"] == "confirmed"
    assert said["running"] in ("refuted", "exercised-clean")


@pytest.mark.parametrize(
    ("watch", "said"),
    [
        ("Scheduler.add_request", "'Scheduler.add_request': expected NAME:ROLE with one of"),
        ("Scheduler.add:leave", "Scheduler.add is defined 0 times under .; it must be once"),
        ("Scheduler.add_request:enter", "no rule is about enter alone"),
    ],
)
def test_what_cannot_be_watched_is_told_and_the_command_runs(watch: str, said: str, tmp_path: Path) -> None:
    told, found = traced(tmp_path, "--watch", watch)
    assert told.startswith(f"llmlint: the command runs untraced: {said}")
    assert found == []
