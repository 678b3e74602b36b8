"""The one command: that every defect has its tests, and that what does not hold is told."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import benchmarks.robustness.__main__ as robustness
from benchmarks.robustness.__main__ import Done, go_on, table_of, wrong_in
from benchmarks.robustness.defects import Tried, of_defect, try_defects
from benchmarks.robustness.growth import Case, Grown, grow
from benchmarks.robustness.rows import DEFECTS, Defect

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_each_defect_has_tests(defect: Defect) -> None:
    for file, beginnings in defect.tests.items():
        names = re.findall(r"^def (test_\w+)", (TESTS / file).read_text(), re.MULTILINE)
        assert [beginning for beginning in beginnings if not any(map(re.compile(beginning).match, names))] == []


def test_tests_are_run_and_told_by_defect() -> None:
    told = try_defects([Defect("one", "", {"test_paths.py": ("test_",)})])
    assert told["one"].tried > 0
    assert told["one"].wrong == []


@pytest.mark.parametrize(
    ("name", "how"), [("test_it", "failure: no"), ("test_it", "skipped: no tool"), ("another", "")]
)
def test_what_failed_was_skipped_or_is_gone_is_wrong(name: str, how: str) -> None:
    told = of_defect(Defect("one", "", {"a.py": ("test_it",)}), {("a.py", name): how})
    assert len(told.wrong) == 1


def test_a_square_is_wrong_and_a_line_is_not() -> None:
    assert Grown("table", [], [], [], power=1.8).wrong
    assert not Grown("table", [], [], [], power=1.2).wrong


def test_a_case_is_scanned_in_three_sizes() -> None:
    grown = grow(Case("lines", 10, lambda count: {"a.py": "x = 1\n" * count}))
    assert grown.sizes == [10, 20, 40]
    assert len(grown.seconds) == len(grown.mib) == 3


def test_what_held_is_not_tried_again_and_what_did_not_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def attempt(name: str, *wrong: str) -> Callable[[object], Tried]:
        def once(_: object) -> Tried:
            tried.append(name)
            return Tried(1, list(wrong))

        return once

    monkeypatch.setattr(robustness, "ROWS", {"a": attempt("a"), "b": attempt("b", "no")})
    monkeypatch.setattr(robustness, "CASES", ())
    monkeypatch.setattr(robustness, "DEFECTS", ())
    done = Done()
    go_on(done, Namespace(state=tmp_path))
    go_on(msgspec.json.decode((tmp_path / "done.json").read_bytes(), type=Done), Namespace(state=tmp_path))
    assert tried == ["a", "b", "b"]


def test_the_table_tells_what_was_wrong() -> None:
    done = Done(rows={"kills": Tried(3, ["a worker lives on"])})
    assert wrong_in(done) == ["a worker lives on"]
    assert "| kills | 3 | 1 |" in table_of(done, "c0de")
    assert "- a worker lives on" in table_of(done, "c0de")
