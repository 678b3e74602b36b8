"""Hostile trees, as many as a test may take, and that harm is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.hostile.__main__ import COMMANDS, attempt
from benchmarks.hostile.trees import MAKERS, make


@pytest.mark.parametrize("name", [*sorted(set(MAKERS) - {"many"}), "names+links", "endless+caches"])
def test_no_tree_gets_what_it_is_after(name: str) -> None:
    assert attempt(name, 100, ["all formats"]).wrong == []


def test_a_tree_is_the_same_for_the_same_number(tmp_path: Path) -> None:
    told = []
    for folder in ("one", "two"):
        tree, _ = make("names+patterns", tmp_path / folder, 3)
        told.append({str(file.relative_to(tree)): file.read_bytes() for file in tree.rglob("*") if file.is_file()})
    assert told[0] == told[1]


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (["scan", ".", "--output", "json:../outside/new"], "outside is not what it was"),
        (["scan", "../outside"], "stdout shows what lies outside"),
        (["scan", "--no-such-flag"], ""),
    ],
)
def test_harm_is_noticed(command: list[str], what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "harm", command)
    wrong = attempt("code", 1, ["harm"]).wrong
    assert [what in one for one in wrong] == ([True] if what else [])
