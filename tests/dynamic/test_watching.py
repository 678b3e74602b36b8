"""Watching what no scan has found: named by hand, or by what a package's methods say of themselves."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from test_command_line import llmlint
from tracing import run_program, verdicts

from llmlint.catalogue import load_catalogue
from llmlint.findings import Finding
from llmlint.runtime.templates import by_template
from llmlint.vocabulary_file import load_vocabulary

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


OTHERS = """
class Pool:
    def __init__(self):
        self.blocks = {}
        self.cached_at = {}
        self.order = []

    def cache_block(self, key):
        self.blocks[key] = 1
        self.cached_at[key] = 2

    def note(self, step):
        self.order.append(step)

    def reset_cache(self):
        self.blocks.clear()

    def clear_stale(self, key):
        del self.blocks[key]


class Keys:
    def __init__(self):
        self.made = {}
        self.bounded = {}

    def make(self, text):
        self.made[text] = 1
        self.bounded[text] = 1

    def evict(self):
        self.bounded.popitem()

    def reset(self):
        self.made.clear()


class Streams:
    def __init__(self):
        self.arrivals = {}

    def start(self, state):
        self.arrivals[state.request_id] = 1

    def abort_request(self, request_id):
        pass

    def set_request_cancellation(self, request_id):
        pass

    def request_is_finished(self, request_id):
        return request_id not in self.arrivals

    def cleanup_waiting_queue(self, request_ids):
        pass


class Rank:
    def step(self, scores):
        dist.all_reduce(scores)

    def alone(self, scores):
        return scores.sum()
"""


def findings_of(template: str, folder: Path) -> list[Finding]:
    (folder / "others.py").write_text(OTHERS)
    return by_template(template, folder, folder, load_catalogue(), load_vocabulary())


def asked_by(template: str, folder: Path) -> list[tuple[str, str, str]]:
    """Rule, container, and who is watched in which role about what."""
    told = []
    for one in findings_of(template, folder):
        targets = one.runtime["targets"]
        parts = ", ".join(f"{part['qualname']}:{part['role']}:{part.get('entity', '')}" for part in targets)
        told.append((one.rule, one.runtime["watch"][0]["attribute"], parts))
    return told


def test_a_template_of_resets_asks_about_what_is_filled_beside_what_they_clear(tmp_path: Path) -> None:
    asked = asked_by("resets", tmp_path)
    assert [one for one in asked if one[2].startswith("Pool")] == [
        ("LLM801", "blocks", "Pool.reset_cache:reset:"),
        ("LLM801", "cached_at", "Pool.reset_cache:reset:"),
    ]


def test_a_template_of_caches_asks_about_what_no_method_empties_but_a_reset(tmp_path: Path) -> None:
    assert [one for one in asked_by("caches", tmp_path) if one[2].startswith("Keys")] == [
        ("LLM101", "made", "Keys.make:insert:text")
    ]


def test_who_enters_is_told_by_the_key_and_neither_a_question_nor_a_queue_is_an_end(tmp_path: Path) -> None:
    (asked,) = [one for one in asked_by("request-lifecycle", tmp_path) if one[1] == "arrivals"]
    assert asked[2].split(", ") == [
        "Streams.start:enter:state.request_id",
        "Streams.abort_request:leave:request_id",
        "Streams.set_request_cancellation:leave:request_id",
    ]


def test_a_template_of_collectives_asks_about_who_calls_them(tmp_path: Path) -> None:
    (found,) = findings_of("collectives", tmp_path)
    assert (found.rule, found.message) == ("LLM702", "what it does was watched through Rank.step (scope)")
    assert "watch" not in found.runtime


LOCKS = """
import threading
import time

class Engine:
    def __init__(self):
        self.queue_lock, self.stats_lock, self.other_lock = (threading.Lock() for _ in range(3))
    def admit(self):
        with self.queue_lock:
            self.count()
    def count(self):
        with self.stats_lock:
            pass
    def report(self):
        with self.%s, self.%s:
            pass
    def peek(self):
        with self.other_lock:
            pass

class Alone:
    def take(self):
        with self.queue_lock:
            pass
    def ask(self):
        with self.stats_lock:
            pass

def now_and_then(work, first):
    time.sleep(first)
    for _ in range(6):
        work()
        time.sleep(0.06)

def main():
    engine = Engine()
    threads = [
        threading.Thread(target=now_and_then, args=args) for args in ((engine.admit, 0.01), (engine.report, 0.04))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_a_template_of_locks_asks_about_who_takes_them_where_one_is_held_beside_another(tmp_path: Path) -> None:
    (tmp_path / "locked.py").write_text(LOCKS % ("stats_lock", "queue_lock"))
    (found,) = by_template("locks", tmp_path, tmp_path, load_catalogue(), load_vocabulary())
    names = ["Engine.admit", "Engine.count", "Engine.report", "Engine.peek"]
    assert (found.rule, [one["qualname"] for one in found.runtime["targets"]]) == ("LLM201", names)
    assert found.runtime["options"] == {"locks": ["other_lock", "queue_lock", "stats_lock"]}


@pytest.mark.parametrize(
    ("first", "second", "bug"), [("stats_lock", "queue_lock", True), ("queue_lock", "stats_lock", False)]
)
def test_locks_that_a_template_asked_about_are_judged_by_their_order(
    first: str, second: str, bug: bool, tmp_path: Path
) -> None:
    (tmp_path / "locked.py").write_text(LOCKS % (first, second))
    asked = by_template("locks", tmp_path, tmp_path, load_catalogue(), load_vocabulary())
    _, run = run_program(tmp_path / "run", asked, "-c", "import locked; locked.main()", programs=tmp_path)
    (verdict,) = verdicts(asked, run)
    assert (verdict.status == "confirmed") == bug, verdict
    assert verdict.status in ("confirmed", "exercised-clean"), verdict
