"""Locksets: which attributes are kept apart by a lock or by an order, in programs of two threads."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tracing import PROGRAMS, finding, run_program, verdict, verdicts

from llmlint.findings import Finding
from llmlint.project import Request, scan
from llmlint.runtime.block import Block, Target, with_paths

FUNCTIONS = ("add", "drop", "drop_by_hand", "remove", "reap")


def sessions(symbol: str, attribute: str = "sessions") -> Finding:
    block = Block(
        targets=tuple(Target(f"Sessions.{name}", "scope") for name in FUNCTIONS),
        options={"owner": "Sessions", "accesses": [attribute], "locks": ["lock"]},
    )
    return finding("unlocked-shared-state", block, path="sharing.py", symbol=f"Sessions.{symbol}")


@pytest.mark.parametrize("how", ["bare", "bare-plain"])
def test_one_place_without_the_lock_is_confirmed_with_both_places(how: str, tmp_path: Path) -> None:
    found = verdict(tmp_path, sessions("reap"), "sharing.py", how)
    assert found.status == "confirmed", found
    evidence = " ".join(found.evidence)
    assert "Sessions.reap:" in evidence and "under no lock" in evidence
    assert "Sessions.add:" in evidence and "under lock" in evidence


def scanned() -> Finding:
    """What a scan of the program says of the place, with its files as the traced run names them."""
    found = scan(Request((str(PROGRAMS / "sharing.py"),), select=("LLM203",), min_confidence="low")).findings
    one = next(one for one in found if one.symbol == "Sessions.reap")
    return msgspec.structs.replace(
        one, path="sharing.py", runtime=with_paths(one.runtime or {}, {one.path: "sharing.py"})
    )


def test_what_a_scan_finds_can_be_confirmed_as_it_is(tmp_path: Path) -> None:
    one = scanned()
    assert verdict(tmp_path / "bare", one, "sharing.py", "bare").status == "confirmed"
    assert verdict(tmp_path / "alone", one, "sharing.py", "alone").status == "not-exercised"


@pytest.mark.parametrize("how", ["locked", "by_hand", "by_hand-plain"])
def test_a_lock_at_every_place_is_not_confirmed(how: str, tmp_path: Path) -> None:
    for symbol in ("drop", "remove"):
        found = verdict(tmp_path / symbol, sessions(symbol), "sharing.py", how)
        assert found.status in ("not-exercised", "exercised-clean"), found


@pytest.mark.parametrize("how", ["published", "handed_over", "in_a_pool", "joined"])
def test_one_thread_after_the_other_needs_no_lock(how: str, tmp_path: Path) -> None:
    done, run = run_program(tmp_path, found := [sessions("reap"), sessions("remove")], "sharing.py", how)
    assert done.returncode == 0, done.stderr
    assert {verdict.status for verdict in verdicts(found, run)} <= {"not-exercised", "exercised-clean"}
    assert all(verdict.status != "confirmed" for verdict in verdicts(found, run))


def test_one_thread_alone_says_so(tmp_path: Path) -> None:
    found = verdict(tmp_path, sessions("reap"), "sharing.py", "alone")
    assert found.status == "not-exercised"
    assert "one thread alone" in found.summary


def test_another_place_without_a_lock_does_not_confirm_this_one(tmp_path: Path) -> None:
    found = verdict(tmp_path, sessions("remove"), "sharing.py", "bare")
    assert found.status == "not-exercised"
    assert "Sessions.remove did not use it without a lock" in found.summary
