"""The recall set of waits that vLLM took out: its file, what counts as told, and its table."""

from __future__ import annotations

from pathlib import Path

from benchmarks.gpu.sync_fixes import HERE, Fix, Place, judged, load_fixes, table
from llmlint.findings import Finding
from llmlint.scan import check_sources

SOURCE = b"""import torch


class Builder:
    def forward(self, lengths: list[int], device):
        return torch.tensor(lengths, device=device)
"""
PLACE = Place("builder.py", "Builder.forward", (6, 6), "list sent", "a list becomes a tensor")


def findings() -> list[Finding]:
    return check_sources({"builder.py": SOURCE}, ["LLM602"])


def test_the_file_names_fifteen_fixes_with_places_where_the_history_is_known() -> None:
    fixes = load_fixes(Path(HERE / "sync_fixes.toml").read_text("utf-8"))
    assert len({fix.number for fix in fixes}) == len(fixes) == 15
    assert all(bool(fix.commit) == bool(fix.places) == bool(fix.parts) for fix in fixes)
    assert all(place.file.startswith(fix.parts) for fix in fixes for place in fix.places)


def test_a_place_is_told_by_a_finding_in_its_function_on_its_lines() -> None:
    other = Place("builder.py", "Builder.forward", (1, 5), "list sent", "lines before it")
    elsewhere = Place("builder.py", "Builder.build", (6, 6), "list sent", "another function")
    fix = Fix(1, "abc", "2026-05-04", ("vllm",), (PLACE, other, elsewhere))
    assert judged(fix, findings()).mechanisms == ("waits_unsaid.sent", "", "")


def test_the_table_says_which_fixes_are_not_at_hand() -> None:
    text = table([judged(Fix(1, "abc", "2026-05-04", ("vllm",), (PLACE,)), findings()), judged(Fix(2), [])])
    assert "| #1 | 2026-05-04 | 1 | 1 |" in text
    assert "| #2 | not in the history at hand | | |" in text
    assert "| together | | 1 | 1 |" in text
