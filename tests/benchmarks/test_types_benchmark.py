"""The benchmark of types: what is known of a call, and what pyrefly's report says of it."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from benchmarks.types.oracle import Oracle
from benchmarks.types.shares import kind_of, linked, read_files, shares_of

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
    }
    assert sum(shares_of(one).counts.values()) == len(one.targets)


def test_a_report_is_read_by_where_calls_stand_and_functions_are_defined(tree: Path, tmp_path: Path) -> None:
    report = tmp_path / "report"
    module = {"module_id": 1, "source_path": {"FileSystem": str((tree / "a.py").resolve())}}
    target = {"target": {"Function": {"module_id": 1, "function_id": "F:0", "function_name": "free"}}}
    for folder, content in {
        "definitions": {"function_definitions": {"F:0": {"name": "free", "name_location": "4:9-4:13"}}},
        "call_graphs": {"call_graphs": {"F:1": {"7:5-7:16": {"Call": {"call_targets": [target]}}}}},
    }.items():
        (report / folder).mkdir(parents=True)
        (report / folder / "a:1.json").write_text(json.dumps({**module, **content}))
    (report / "pyrefly.pysa.json").write_text(json.dumps({"modules": {"1": module}}))
    program = linked(read_files(tree, [tree / "a.py"])).program
    said = Oracle(report, tree, program).of("a.py", 7, 5, "free")
    assert said is not None
    assert [function.full_name for function in said.inside] == ["a.Pool.free"]
    assert not said.outside
