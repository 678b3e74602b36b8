"""What a reset took out wholesale has not left by itself: nothing is refuted by a container that is empty now."""

from __future__ import annotations

from pathlib import Path

import pytest
from tracing import finding, run_program, verdicts

from llmlint.findings import Finding, Verdict
from llmlint.runtime.block import Block, Target, Watch


def keeps(end: str, settle_ms: int = 500) -> Finding:
    targets = (
        Target("Core.add", "enter", entity="request_id"),
        Target(f"Core.{end}", "leave", entity="request_id", via=end),
    )
    block = Block(targets=targets, watch=(Watch("running", owner="Core"),), needs={"settle_ms": settle_ms})
    return finding("request-state-leak", block, path="wiped.py")


def said_of(folder: Path, end: str, call: str, settle_ms: int = 500) -> Verdict:
    one = keeps(end, settle_ms)
    _, run = run_program(folder, [one], "-c", f"import wiped; kept = wiped.work({end!r}, {call})")
    return verdicts([one], run)[0]


@pytest.mark.parametrize("entries", [20, 80, 800])
@pytest.mark.parametrize("pause", [0.0, 0.1, 0.3])
def test_what_was_left_until_a_reset_is_not_refuted(entries: int, pause: float, tmp_path: Path) -> None:
    found = said_of(tmp_path, "forget", f"{entries}, {pause}, True")
    assert found.status == "exercised-clean", found
    assert "gone with all the others when somebody looked again, which tells nothing" in found.summary


def test_what_was_left_for_long_until_a_reset_is_suspicious(tmp_path: Path) -> None:
    found = said_of(tmp_path, "forget", "80, 1.5, True")
    assert found.status == "suspicious", found
    assert "that had ended (by forget" in found.summary
    assert "were still held long after, until all that was held went at once" in found.summary


@pytest.mark.parametrize("pause", [0.0, 0.3])
def test_what_goes_at_its_end_is_refuted_also_beside_resets(pause: float, tmp_path: Path) -> None:
    assert said_of(tmp_path, "finish", f"80, {pause}, True").status == "refuted"


def test_what_a_step_takes_out_while_others_stay_is_refuted(tmp_path: Path) -> None:
    found = said_of(tmp_path, "put_off", "1200, 0.1, False, busy=4", settle_ms=20)
    assert found.status == "refuted", found


def test_what_a_step_takes_out_with_nobody_beside_it_tells_nothing(tmp_path: Path) -> None:
    found = said_of(tmp_path, "put_off", "80, 0.1, False")
    assert found.status == "exercised-clean", found
