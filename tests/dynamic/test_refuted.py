"""Nothing is refuted by a run in which the case that the finding tells of did not come up."""

from __future__ import annotations

from pathlib import Path

import pytest
from tracing import finding, run_program, verdicts

from llmlint.findings import Finding
from llmlint.runtime.block import Block, Target, Watch

PROGRAM = """
class Pool:
    def take(self):
        return object()

    def give(self, thing):
        return None

POOL = Pool()

def admit(how):
    thing = POOL.take()
    if how == "refused":
        return None  # the exit
    POOL.give(thing)
    if how == "broken":
        raise ValueError
    return thing

def mended(how):
    thing = POOL.take()
    if how == "refused":
        POOL.give(thing)
        return None  # mended
    POOL.give(thing)
    return thing

def count(how):
    thing = POOL.take()
    POOL.give(thing)
    if how == "refused":
        return False
    return True

def key(prompt, adapter):
    return hash(prompt) * 31 + len(adapter) * 0

def whole_key(prompt, adapter):
    return hash((prompt, adapter))

def look_up(key):
    return None

class Machine:
    def accept(self, token):
        return token > 0

def follow(machine, tokens):
    for token in tokens:
        machine.accept(token)

def stops(machine, tokens):
    for token in tokens:
        if not machine.accept(token):
            break

class Cache:
    def __init__(self):
        self.entries = {}

    def put(self, text):
        self.entries[text] = 1

CACHE = Cache()

def times(count, what, *arguments):
    for _ in range(count):
        try:
            what(*arguments)
        except ValueError:
            pass
"""


def line_of(text: str) -> int:
    return PROGRAM.count("\n", 0, PROGRAM.index(text)) + 1


def held_by(function: str, exit_: str, name: str = "leak-on-error-path") -> Finding:
    block = Block(
        targets=(
            Target(function, "scope"),
            Target("Pool.take", "acquire", entity="return"),
            Target("Pool.give", "release", entity="thing"),
        )
    )
    return finding(name, block, "program.py", function, line_of(exit_))


def omits_the_adapter(function: str) -> Finding:
    block = Block(
        targets=(Target(function, "key", entity="return"), Target("look_up", "lookup", entity="key")),
        options={"omitted": ["adapter"]},
    )
    return finding("cache-key-omits-input", block, "program.py", function)


def ignores(function: str) -> Finding:
    block = Block(targets=(Target(function, "scope"), Target("Machine.accept", "advance")))
    return finding("fsm-result-ignored", block, "program.py", function)


GROWS = finding(
    "unbounded-cache",
    Block(targets=(Target("Cache.put", "insert", entity="text"),), watch=(Watch("entries", owner="Cache"),)),
    "program.py",
)
COUNTS = held_by("count", "def count", "refcount-imbalance")
EXIT, MENDED = "return None  # the exit", "return None  # mended"


@pytest.mark.parametrize(
    ("one", "run", "status"),
    [
        (held_by("admit", EXIT), "times(40, admit, 'broken')", "exercised-clean"),
        (held_by("admit", EXIT), "times(40, admit, 'refused')", "confirmed"),
        (held_by("mended", MENDED), "times(40, mended, 'refused')", "refuted"),
        (COUNTS, "times(40, count, '')", "exercised-clean"),
        (COUNTS, "[times(40, count, how) for how in ('refused', '')]", "refuted"),
        (omits_the_adapter("key"), "[key(str(n), 'a' * n) for n in range(20)]", "exercised-clean"),
        (omits_the_adapter("whole_key"), "[whole_key('p', 'a' * n) for n in range(20)]", "refuted"),
        (ignores("follow"), "[follow(Machine(), (1, 2, -1)) for _ in range(20)]", "exercised-clean"),
        (ignores("stops"), "[stops(Machine(), tokens) for tokens in ((1, 2, 3), (-1, 2, 3)) * 5]", "refuted"),
        (GROWS, "[CACHE.put(str(n)) for n in range(200)]; time.sleep(0.1); CACHE.entries.clear()", "exercised-clean"),
    ],
)  # fmt: skip
def test_what_refutes_is_the_case_itself(one: Finding, run: str, status: str, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "program.py").write_text(PROGRAM)
    code = f"import time; from program import *; {run}; time.sleep(0.2)"
    done, seen = run_program(tmp_path / "run", [one], "-c", code, programs=programs)
    assert done.stderr == ""
    found = verdicts([one], seen)[0]
    assert found.status == status, found
