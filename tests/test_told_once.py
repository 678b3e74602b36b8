"""One cause, one finding: what a single mend puts right at several places of a file is told once, with all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmlint.findings import Finding
from llmlint.fixing import mend
from llmlint.project import Request, scan

MAKE = """
def make(kind, *, size):
    return kind, size
"""

CALLS = """
from slabs import make


def first():
    return make("slab", depth=1)


def second():
    return make("slab", depth=2){comment}
"""

TWICE_BLOCKED = """
import requests


class Client:
    def submit(self, body):
        answer = requests.post("http://engine:8000/jobs", json=body, timeout=30)
        requests.delete("http://engine:8000/stale", timeout=30)
        return answer

    async def handle(self, body):
        return self.submit(body)
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("llmlint.toml").write_text("root = true\n")
    Path("slabs.py").write_text(MAKE)


def found(**files: str) -> list[Finding]:
    for name, text in files.items():
        Path(f"{name}.py").write_text(text)
    return list(scan(Request(paths=(".",), select=("LLM901",), min_confidence="low")).findings)


def test_two_calls_that_fit_no_definition_for_the_same_reason_are_one_finding() -> None:
    (told,) = found(calls=CALLS.format(comment=""))
    assert told.line == 6
    assert [(step.path, step.line) for step in told.evidence] == [("slabs.py", 2), ("calls.py", 10)]


def test_each_file_tells_its_own() -> None:
    told = found(calls=CALLS.format(comment=""), others=CALLS.format(comment=""))
    assert [(finding.path, finding.line) for finding in told] == [("calls.py", 6), ("others.py", 6)]


def test_a_place_that_is_ignored_stays_apart() -> None:
    told = found(calls=CALLS.format(comment="  # llmlint: ignore[LLM901] on its way out"))
    assert [(finding.line, finding.suppressed is not None) for finding in told] == [(6, False), (10, True)]


def test_the_finding_keeps_its_fingerprint_when_the_first_place_is_mended() -> None:
    (before,) = found(calls=CALLS.format(comment=""))
    (after,) = found(calls=CALLS.format(comment="").replace("depth=1", "size=1"))
    assert (before.line, after.line) == (6, 10)
    assert before.fingerprint == after.fingerprint


def test_of_several_blocking_calls_in_one_helper_the_first_is_named() -> None:
    Path("client.py").write_text(TWICE_BLOCKED)
    (told,) = scan(Request(paths=(".",), select=("LLM202",), min_confidence="low")).findings
    assert told.line == 12
    assert "requests.post waits for the network" in told.message


CLIENT = """
import requests


class Hub:
    def models(self, address):
        return requests.get(f"{address}/models")

    def load(self, address, name):
        return requests.post(f"{address}/load", json={"name": name})


class Store:
    def keys(self, address):
        return requests.get(f"{address}/keys")
"""


def test_the_calls_of_one_client_without_a_time_limit_are_one_finding() -> None:
    Path("client.py").write_text(CLIENT)
    told = scan(Request(paths=("client.py",), select=("LLM204",), min_confidence="low")).findings
    assert [(finding.line, [step.line for step in finding.evidence]) for finding in told] == [(7, [7, 10]), (15, [15])]


def test_its_fix_mends_them_all() -> None:
    Path("client.py").write_text(CLIENT)
    request = Request(paths=("client.py",), select=("LLM204",), min_confidence="low")
    mended = mend(request, scan(request).findings, unsafe=True)
    ((_, after),) = mended.files.values()
    assert after.count(b"timeout=60") == 3 and len(mended.fixed) == 2
