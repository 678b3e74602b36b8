"""The labels that the classifier is measured on, and the measure."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.study.__main__ import main
from benchmarks.study.agreement import CHAPTERS, NONE, UNCLEAR, Read, kappa, labels, per_chapter
from llmlint.study.issue import Issue
from llmlint.study.issue_store import IssueStore


def test_each_issue_is_labelled_once_and_is_of_one_set() -> None:
    found = labels()
    assert len({(label.repository, label.number) for label in found}) == len(found)
    assert {label.chapter for label in found} <= {*CHAPTERS, NONE, UNCLEAR}
    assert Counter(label.set for label in found) == {"learn": 294, "blind": 94, "second": 84}


def test_agreement_is_counted_by_chapter() -> None:
    reads = [Read("gpu", "gpu", ("api", "gpu")), Read("gpu", "api", ("api",)), Read("none", "gpu", ("gpu",))]
    gpu = next(row for row in per_chapter(reads, lambda one, chapter: one.ours == chapter) if row.chapter == "gpu")
    assert (gpu.labelled, gpu.said, gpu.both) == (2, 2, 1)


def test_kappa_is_nothing_for_lots_and_one_for_full_agreement() -> None:
    same = [Read("gpu", "gpu", ()), Read("api", "api", ())]
    lots = [Read("gpu", "gpu", ()), Read("gpu", "api", ()), Read("api", "gpu", ()), Read("api", "api", ())]
    assert (kappa(same), kappa(lots)) == (1, 0)


def test_a_draw_is_the_same_every_time_and_fair_to_each_repository(tmp_path: Path) -> None:
    file = tmp_path / "issues.sqlite3"
    with IssueStore(file) as store:
        store.put(Issue(repository=name, number=n, title="x") for name in ("a/a", "b/b", "c/c") for n in range(1, 50))
    runs = [CliRunner().invoke(main, ["draw", "--db", str(file), "--count", "20"]).stdout for _ in range(2)]
    assert runs[0] == runs[1]
    assert Counter(line.split("\t")[0] for line in runs[0].splitlines()) == {"a/a": 7, "b/b": 6, "c/c": 7}


@pytest.mark.parametrize("of", ["learn", "blind", "second"])
def test_agreement_needs_the_issues_and_only_their_numbers_are_here(tmp_path: Path, of: str) -> None:
    file = tmp_path / "issues.sqlite3"
    with IssueStore(file) as store:
        store.put(Issue(repository=one.repository, number=one.number, title="[Bug]: CUDA OOM") for one in labels())
    result = CliRunner().invoke(main, ["agreement", "--db", str(file), "--set", of])
    assert result.exit_code == 0
    assert "classify --compat" in result.stdout
