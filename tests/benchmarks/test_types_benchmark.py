"""The benchmark of types: what is known of a call, and what pyrefly's report says of it."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from benchmarks.types.__main__ import edges_of
from benchmarks.types.oracle import Oracle
from benchmarks.types.shares import Linked, kind_of, linked, read_files, shares_of

SOURCE = """
    import torch
    class Pool:
        def free(self): ...
    class Plain: ...
    def use(pool: Pool, anything):
        pool.free()
        Plain()
        len(pool)
        torch.empty(1)
        torch.empty(1).fill_(0)
        pool.missing()
        anything.free()
        (anything or pool)
    def call(run: "Callable[[], None]", kind: type):
        run()
        kind()
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text(dedent(SOURCE))
    return tmp_path


def test_every_call_is_of_one_kind(tree: Path) -> None:
    one = linked(read_files(tree, [tree / "a.py"]))
    assert {call.effect.callee: kind_of(one, call) for call in one.targets} == {
        "pool.free": "resolved",
        "Plain": "made",
        "len": "builtin",
        "torch.empty": "library",
        "torch.empty().fill_": "from a library",
        "pool.missing": "no such method",
        "anything.free": "unknown receiver",
        "run": "unknown function",
        "kind": "unknown function",
    }
    assert shares_of(one).may_run_ours == 5
    assert sum(shares_of(one).counts.values()) == len(one.targets)


OVERRIDES = """
    class Pool:
        def free(self): ...
    class Paged(Pool):
        def free(self): ...
    def other(): ...
    def use(pool: Pool):
        pool.free()
        other()
"""


def reported(tree: Path, source: str, calls: dict[str, list[str]]) -> tuple[Linked, Oracle]:
    """A tree of one file, and a report of it: functions by the line they are defined in, calls by `line:column`."""
    (tree / "a.py").write_text(dedent(source))
    lines = dedent(source).split("\n")
    module = {"module_id": 1, "source_path": {"FileSystem": str((tree / "a.py").resolve())}}
    defined = {
        f"F:{at}": {"name": line.split("def ")[1].partition("(")[0], "name_location": f"{at}:9-{at}:13"}
        for at, line in enumerate(lines, 1)
        if "def " in line
    }
    graph = {
        f"{place}-{place}": {
            "Call": {
                "call_targets": [
                    {
                        "target": {
                            "Function": {"module_id": 1, "function_id": one, "function_name": defined[one]["name"]}
                        }
                    }
                    for one in targets
                ]
            }
        }
        for place, targets in calls.items()
    }
    report = tree / "report"
    for folder, content in {
        "definitions": {"function_definitions": defined},
        "call_graphs": {"call_graphs": {"F:0": graph}},
    }.items():
        (report / folder).mkdir(parents=True)
        (report / folder / "a:1.json").write_text(json.dumps({**module, **content}))
    (report / "pyrefly.pysa.json").write_text(json.dumps({"modules": {"1": module}}))
    one = linked(read_files(tree, [tree / "a.py"]))
    return one, Oracle(report, tree, one.program)


def test_a_report_is_read_by_where_calls_stand_and_functions_are_defined(tmp_path: Path) -> None:
    _, oracle = reported(tmp_path, OVERRIDES, {"8:5": ["F:3"]})
    said = oracle.of("a.py", 8, 5, "free")
    assert said is not None
    assert [function.full_name for function in said.inside] == ["a.Pool.free"]
    assert not said.outside


@pytest.mark.parametrize(
    ("said", "edges"),
    [
        ({"8:5": ["F:3"], "9:5": ["F:6"]}, {"same": 2}),
        ({"8:5": ["F:5"], "9:5": []}, {"override": 1, "missing": 1}),
        ({"8:5": ["F:3"], "9:5": ["F:3"]}, {"same": 1, "other": 1, "missing": 1}),
    ],
)
def test_edges_agree_or_lead_to_an_override_or_elsewhere(
    tmp_path: Path, said: dict[str, list[str]], edges: dict[str, int]
) -> None:
    found = edges_of(*reported(tmp_path, OVERRIDES, said))
    assert {kind: count for kind, count in found.items() if count} == edges
