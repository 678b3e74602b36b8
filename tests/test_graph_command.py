"""`llmlint graph`: the linked program as text that other tools draw."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from click.testing import CliRunner, Result

from llmlint.cli import main
from llmlint.graph_formats import dot, mermaid

ENGINE = """\
import threading


class Base:
    def reset(self):
        self.clear()

    def clear(self):
        pass


class Engine(Base):
    def __init__(self):
        self.state_lock = threading.Lock()
        self.io_lock = threading.Lock()

    def clear(self):
        with self.state_lock:
            self.write()

    def write(self):
        with self.io_lock:
            pass
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "llmlint.toml").write_text("root = true\n")
    (tmp_path / "engine.py").write_text(ENGINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["graph", *arguments], catch_exceptions=False)


def edges(*arguments: str) -> list[tuple[str, str, int | None]]:
    ran = run(*arguments, "--format", "json")
    assert ran.exit_code == 0, ran.stderr
    found: list[dict[str, Any]] = json.loads(ran.stdout)["edges"]
    return [(edge["from"], edge["to"], edge.get("line")) for edge in found]


def test_calls_lead_to_overrides_too_and_say_where(tree: Path) -> None:
    assert edges("calls") == [
        ("engine.Base.reset", "engine.Base.clear", 6),
        ("engine.Base.reset", "engine.Engine.clear", 6),
        ("engine.Engine.clear", "engine.Engine.write", 19),
    ]


def test_classes_lead_to_their_bases(tree: Path) -> None:
    assert edges("hierarchy") == [("engine.Engine", "engine.Base", None)]


def test_a_lock_leads_to_what_is_taken_under_it_by_way_of_a_call(tree: Path) -> None:
    assert edges("locks") == [("Engine.state_lock", "Engine.io_lock", 19)]


def test_around_keeps_what_is_near_in_either_direction(tree: Path) -> None:
    near = edges("calls", "--around", "Engine.clear")
    assert [edge[:2] for edge in near] == [
        ("engine.Base.reset", "engine.Engine.clear"),
        ("engine.Engine.clear", "engine.Engine.write"),
    ]
    assert edges("calls", "--around", "write", "--depth", "0") == []


def test_a_name_that_nothing_has_is_wrong_use_with_the_nearest(tree: Path) -> None:
    ran = run("calls", "--around", "resett")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "did you mean reset or Base.reset?" in ran.stderr


def test_functions_of_one_name_in_one_file_stay_two(tree: Path) -> None:
    (tree / "twice.py").write_text("def go():\n    pass\n\n\ndef go():\n    pass\n")
    (tree / "engine.py").unlink()
    nodes = json.loads(run("calls", "--format", "json").stdout)["nodes"]
    assert [node["name"] for node in nodes] == ["twice.<module>", "twice.go", "twice.go (twice.py:5)"]


def test_names_are_only_ever_text() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edge('operator"<"', "a\\b")
    assert '  "operator\\"<\\"" -> "a\\\\b";' in dot(graph)
    graph.add_node("go", path="a\x1b[2J\nb.py")
    assert "\x1b" not in dot(graph) and "\nb.py" not in dot(graph)
    assert '["operator#34;#60;#34;"]' in mermaid(graph)


def test_dot_and_mermaid_have_every_node_and_edge(tree: Path) -> None:
    assert '"engine.Engine" -> "engine.Base";' in run("hierarchy").stdout
    assert run("hierarchy", "--format", "mermaid").stdout == (
        'flowchart LR\n  n0["engine.Base"]\n  n1["engine.Engine"]\n  n1 --> n0\n'
    )
