"""Code and objects of the traced program go where they go untraced: by value, into graphs, out of memory."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from test_unchanged import same, untraced
from tracing import finding, run_program, verdicts

from llmlint.runtime.block import Block, Target, Watch

THOROUGH = finding(
    "unbounded-cache",
    Block(
        targets=(
            Target("Cache.put", "insert", entity="digest"),
            Target("offload", "insert", entity="return"),
            Target("later", "insert", entity="return", path="main_later.py"),
        ),
        watch=(Watch("entries", owner="Cache"),),
    ),
    path="carried.py",
)


def test_functions_are_carried_by_value_arguments_go_and_lazy_modules_stay_lazy(tmp_path: Path) -> None:
    command = ("-c", "import carried; carried.main()")
    done, run = run_program(tmp_path, [THOROUGH], *command)
    assert done.stdout == "7 True\ngone\nbefore its first use\nits body runs\n4\n", done.stderr
    assert same(done, untraced(*command))
    assert {"Cache.put", "offload"} <= {record["qualname"] for record in run.processes[0].patched}
    assert run.processes[0].faults == 0


@pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")
@pytest.mark.parametrize("thorough", [True, False])
def test_what_a_graph_inlines_is_what_it_was(thorough: bool, tmp_path: Path) -> None:
    entity = "return" if thorough else "request_id"
    targets = tuple(Target(name, "enter", entity=entity) for name in ("Cache.update", "helped"))
    watched = finding("request-state-leak", Block(targets=targets), path="graphs.py")
    command = ("-c", "import graphs; graphs.main()")
    done, run = run_program(tmp_path, [watched], *command)
    assert same(done, untraced(*command)), done.stderr
    assert done.stdout == "[5.0, 5.0]\n[5.0, 5.0]\n0 [2.0, 2.0]\n", done.stdout
    told = {record["qualname"]: run.processes[0].counters[record["slot"]] for record in run.processes[0].patched}
    assert told["Cache.update"] == 2, told  # before and after, but not from inside the graph


@pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")
def test_the_first_graph_may_be_one_that_is_exported(tmp_path: Path) -> None:
    targets = tuple(Target(name, "enter", entity="request_id") for name in ("Cache.update", "helped"))
    watched = finding("request-state-leak", Block(targets=targets), path="graphs.py")
    command = ("-c", "import graphs; graphs.export()")
    done, run = run_program(tmp_path, [watched], *command)
    assert same(done, untraced(*command)), done.stderr
    assert done.stdout == "[3.0, 3.0] [2.0, 2.0]\n", done.stderr
    told = {record["qualname"]: run.processes[0].counters[record["slot"]] for record in run.processes[0].patched}
    assert told["Cache.update"] == 2, told


def test_local_variables_are_those_of_the_watched_function(tmp_path: Path) -> None:
    (tmp_path / "locals.py").write_text(
        "class Cache:\n    def __init__(self):\n        self.entries = {}\n"
        "    def put(self, text):\n        digest = text.upper()\n        self.entries[digest] = 1\n"
        "CACHE = Cache()\ndef main():\n    for number in range(100):\n        digest = 'of the caller'\n"
        "        CACHE.put(str(number) + 'a')\n"
    )
    block = Block(targets=(Target("Cache.put", "insert", entity="digest"),), watch=(Watch("entries", owner="Cache"),))
    watched = [finding("unbounded-cache", block, path="locals.py")]
    _, run = run_program(tmp_path / "run", watched, "-c", "import locals; locals.main()", programs=tmp_path)
    assert "100 inserts of 100 different keys" in verdicts(watched, run)[0].summary
