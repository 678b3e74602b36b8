"""What the templates ask of a package, and what a run answers: the bug where it is, and none where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_not_a_bug import PROGRAMS
from tracing import run_program, verdicts

from llmlint.catalogue import load_catalogue
from llmlint.findings import Finding, Verdict
from llmlint.runtime.templates import TEMPLATES, by_template
from llmlint.vocabulary_file import load_vocabulary


def asked_of(path: Path, *templates: str) -> list[Finding]:
    root = path if path.is_dir() else path.parent
    catalogue, vocabulary = load_catalogue(), load_vocabulary()
    return [one for name in templates for one in by_template(name, path, root, catalogue, vocabulary)]


def parts(one: Finding) -> list[tuple[str, str, str]]:
    return [(part["qualname"], part["role"], part.get("entity", "")) for part in one.runtime["targets"]]


def answers(folder: Path, template: str, source: str) -> dict[str, Verdict]:
    """By the watched container, or else by the function, what a run of the module's `main` said."""
    (folder / "asked.py").write_text(source)
    asked = asked_of(folder / "asked.py", template)
    done, run = run_program(folder / "run", asked, "-c", "import asked; asked.main()", programs=folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    names = [one.runtime["watch"][0]["attribute"] if one.runtime.get("watch") else one.symbol for one in asked]
    return dict(zip(names, verdicts(asked, run), strict=True))


@pytest.mark.parametrize("family", sorted(file.stem for file in PROGRAMS.glob("*.py")))
def test_no_template_confirms_a_near_miss(family: str, tmp_path: Path) -> None:
    if "import torch" in (PROGRAMS / f"{family}.py").read_text():
        pytest.importorskip("torch")
    asked = asked_of(PROGRAMS / f"{family}.py", *TEMPLATES)
    done, run = run_program(tmp_path, asked, "-c", f"import {family}; {family}.main()", programs=PROGRAMS)
    assert (done.returncode, done.stderr) == (0, "")
    said = [(one.message, verdict) for one, verdict in zip(asked, verdicts(asked, run), strict=True)]
    assert [one for one in said if one[1].status == "confirmed"] == []


STREAMS = """
import time

streams, jobs = {}, {}

def begin_stream(stream_id):
    streams[stream_id] = 1

def begin_job(task_id):
    jobs[task_id] = 1

def end_stream(stream_id):
    del streams[stream_id]

def leave_stream(stream_id):
    pass

def local(stream_id):
    streams = {}
    streams[stream_id] = 1

def main():
    for number in range(60):
        begin_stream(f"s{number}")
        (leave_stream if number % 2 else end_stream)(f"s{number}")
    time.sleep(1)
    for number in range(60, 90):
        begin_stream(f"s{number}")
        end_stream(f"s{number}")
    time.sleep(0.5)
"""


def test_what_functions_of_a_module_keep_for_requests_is_asked_about_by_the_name_of_the_id(tmp_path: Path) -> None:
    (tmp_path / "served.py").write_text(STREAMS)
    (found,) = asked_of(tmp_path, "request-lifecycle")
    assert found.runtime["watch"] == ({"attribute": "streams", "path": "served.py"},)
    assert parts(found) == [
        ("begin_stream", "enter", "stream_id"),
        ("end_stream", "leave", "stream_id"),
        ("leave_stream", "leave", "stream_id"),
    ]


def test_what_a_module_keeps_of_a_stream_that_its_client_left_is_confirmed(tmp_path: Path) -> None:
    found = answers(tmp_path, "request-lifecycle", STREAMS)["streams"]
    assert found.status == "confirmed", found
    assert "they ended by leave_stream 30" in found.summary


SERVER = """
import asyncio
import time

async def complete(prompt):
    await asyncio.sleep(0)
    %s
    return prompt

async def pass_on(prompt):
    str(prompt)
    return await complete(prompt)

async def only_waits(prompt):
    await asyncio.sleep(0)

async def serve():
    for number in range(5):
        await asyncio.gather(pass_on(number), asyncio.sleep(0.01))

def main():
    asyncio.run(serve())
"""


def test_a_coroutine_that_calls_what_it_does_not_await_is_asked_whether_the_loop_stands_still(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(SERVER % "time.sleep(0.09)")
    assert [one.symbol for one in asked_of(tmp_path, "blocking")] == ["complete", "pass_on", "serve"]


def test_the_coroutine_that_keeps_the_loop_is_confirmed_and_not_who_awaits_it(tmp_path: Path) -> None:
    found = answers(tmp_path, "blocking", SERVER % "time.sleep(0.09)")
    assert found["complete"].status == "confirmed", found
    assert " in complete" in found["complete"].summary
    assert found["pass_on"].status == "exercised-clean", found


def test_a_coroutine_that_rests_keeps_no_loop(tmp_path: Path) -> None:
    found = answers(tmp_path, "blocking", SERVER % "await asyncio.sleep(0.09); str(prompt)")
    assert found["complete"].status == "exercised-clean", found


BUSY = """
import threading

def computes(is_over):
    while not is_over.is_set():
        sum(range(1000))

def main():
    is_over = threading.Event()
    thread = threading.Thread(target=computes, args=(is_over,))
    thread.start()
    asyncio.run(serve())
    is_over.set()
    thread.join()
"""


def test_a_coroutine_that_keeps_the_loop_is_confirmed_also_where_another_thread_computes_meanwhile(
    tmp_path: Path,
) -> None:
    found = answers(tmp_path, "blocking", SERVER % "time.sleep(0.3)" + BUSY)
    assert found["complete"].status == "confirmed", found


TREE = """
import time

class Node:
    def __init__(self, parent=None):
        self.parent, self.children = parent, []

class Tree:
    def __init__(self):
        self.leaves = set()
        self.reset()

    def insert(self):
        node = Node(self.root)
        self.root.children.append(node)
        self.size += 1
        self.note(node)

    def note(self, node):
        self.leaves.add(node)

    def evict(self, node):
        node.parent.children.remove(node)
        self.size -= 1
        self.leaves.discard(node)

    def reset(self):
        self.root = Node()
        self.size = 0
        %s

def main():
    tree = Tree()
    for _ in range(5):
        for _ in range(8):
            tree.insert()
        tree.reset()
        time.sleep(0.1)
"""


def test_what_a_helper_keeps_in_step_with_what_a_reset_clears_is_asked_about(tmp_path: Path) -> None:
    (tmp_path / "tree.py").write_text(TREE % "pass")
    (found,) = asked_of(tmp_path, "resets")
    assert (found.runtime["watch"][0]["attribute"], parts(found)) == ("leaves", [("Tree.reset", "reset", "")])
    assert found.runtime["options"] == {"beside": ["root", "size"]}


def test_what_only_a_forgotten_container_holds_from_one_reset_to_the_next_is_confirmed(tmp_path: Path) -> None:
    found = answers(tmp_path, "resets", TREE % "pass")["leaves"]
    assert found.status == "confirmed", found
    assert "held alone, until the next, what had lain in root and size as well" in found.summary


def test_the_near_misses_of_trees_are_asked_about_but_where_nothing_is_taken_out_by_name() -> None:
    asked = asked_of(PROGRAMS / "trees.py", "resets")
    assert [one.symbol for one in asked] == ["Cleared.reset", "InUse.reset", "Deferred.reset", "Listeners.reset"]
