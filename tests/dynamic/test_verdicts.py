"""Each probe on a program that has its bug and on the same program without it."""

from __future__ import annotations

from pathlib import Path

import pytest
from blocks import BLOCKS
from tracing import finding, verdict


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_a_seeded_bug_is_confirmed(name: str, tmp_path: Path) -> None:
    bug, block = BLOCKS[name]
    found = verdict(tmp_path, finding(name, block), bugs=bug)
    assert found.status == "confirmed", found


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_the_same_program_without_the_bug_is_not_confirmed(name: str, tmp_path: Path) -> None:
    _, block = BLOCKS[name]
    found = verdict(tmp_path, finding(name, block))
    assert found.status in ("refuted", "exercised-clean"), found
