"""Each probe on a program that has its bug and on the same program without it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from blocks import BLOCKS
from tracing import finding, run_program, verdict, verdicts

from llmlint.findings import Finding
from llmlint.runtime.block import Block, Target, Watch


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_a_seeded_bug_is_confirmed(name: str, tmp_path: Path) -> None:
    bug, block = BLOCKS[name]
    found = verdict(tmp_path, finding(name, block), bugs=bug)
    assert found.status == "confirmed", found


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_the_same_program_without_the_bug_is_not_confirmed(name: str, tmp_path: Path) -> None:
    _, block = BLOCKS[name]
    found = verdict(tmp_path, finding(name, block))
    assert found.status in ("refuted", "exercised-clean"), found


def test_a_leave_that_names_no_entity_takes_those_of_its_arguments(tmp_path: Path) -> None:
    block = Block(
        targets=(Target("Scheduler.add", "insert", entity="request_id"), Target("Scheduler.abort", "leave")),
        watch=(Watch("progress", owner="Scheduler"),),
        needs={"settle_ms": 0},
    )
    one = finding("request-state-leak", block)
    assert verdict(tmp_path / "seeded", one, bugs="abort").status == "confirmed"
    assert verdict(tmp_path / "clean", one).status in ("refuted", "exercised-clean")


LAZY = finding(
    "request-state-leak",
    Block(
        targets=(
            Target("Server.add", "insert", entity="request_id"),
            Target("Server.abort", "leave", entity="request_id", via="abort"),
        ),
        watch=(Watch("requests", owner="Server"),),
    ),
    path="lazy.py",
)


def test_a_storm_of_aborts_that_the_next_step_removes_is_no_leak(tmp_path: Path) -> None:
    assert verdict(tmp_path / "lazy", LAZY, "lazy.py").status in ("exercised-clean", "refuted")
    assert verdict(tmp_path / "seeded", LAZY, "lazy.py", bugs="forget").status == "confirmed"


def test_a_finding_that_names_no_end_is_never_confirmed_as_all_may_be_under_way(tmp_path: Path) -> None:
    def kept_in(attribute: str) -> Finding:
        targets = (Target("Scheduler.add", "insert", entity="request_id"),)
        return finding("request-state-leak", Block(targets=targets, watch=(Watch(attribute, owner="Scheduler"),)))

    assert verdict(tmp_path / "kept", kept_in("history")).status == "suspicious"
    assert verdict(tmp_path / "removed", kept_in("requests")).status == "exercised-clean"


BESIDE = finding(
    "cache-key-omits-input",
    Block(
        targets=(Target("block_key", "key", entity="return"), Target("look_up", "lookup", entity="key")),
        options={"omitted": ["lora"], "beside": True},
    ),
)


def test_an_input_stored_beside_the_key_is_no_part_of_it(tmp_path: Path) -> None:
    found = verdict(tmp_path / "seeded", BESIDE, bugs="beside")
    assert found.status == "confirmed", found
    assert verdict(tmp_path / "clean", BESIDE).status == "exercised-clean"


def test_what_a_restore_is_given_it_has_not_left_behind(tmp_path: Path) -> None:
    block = Block(
        targets=(Target("Scheduler.restore_progress", "reset"),), watch=(Watch("progress", owner="Scheduler"),)
    )
    one = finding("restore-leaves-state", block)
    assert verdict(tmp_path / "seeded", one, bugs="rollback").status == "confirmed"
    assert verdict(tmp_path / "clean", one).status in ("refuted", "exercised-clean")


def test_what_an_offload_puts_away_its_onload_may_bring_back(tmp_path: Path) -> None:
    block = Block(
        targets=(Target("Scheduler.doze", "offload"), Target("Scheduler.rouse", "onload")),
        watch=(Watch("progress", owner="Scheduler"),),
    )
    one = finding("offload-drops-state", block)
    assert verdict(tmp_path / "seeded", one, bugs="doze").status == "confirmed"
    assert verdict(tmp_path / "clean", one).status == "refuted"


def test_what_never_ran_is_not_exercised_and_says_what_was_missing(tmp_path: Path) -> None:
    block = Block(
        targets=(
            Target("Scheduler.add", "enter", entity="request_id"),
            Target("Scheduler.preempt", "leave", entity="request_id", via="preempt"),
        ),
        watch=(Watch("progress", owner="Scheduler"),),
    )
    found = verdict(tmp_path, finding("request-state-leak", block))
    assert found.status == "not-exercised"
    assert found.summary.startswith("no request ended by preempt; Scheduler.preempt could not be watched")


SLOTTED = """
from dataclasses import dataclass, field

@dataclass(slots=True)
class Scheduler:
    running: dict = field(default_factory=dict)

    def add(self, request_id):
        self.running[request_id] = 1

    def finish(self, request_id):
        return None

KEPT = Scheduler()

def main():
    for number in range(100):
        KEPT.add(f"r{number}")
        KEPT.finish(f"r{number}")
"""


def test_objects_that_no_weak_reference_can_hold_are_told_of(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.mkdir()
    (program / "slotted.py").write_text(SLOTTED)
    block = Block(
        targets=(Target("Scheduler.add", "enter", entity="request_id"), Target("Scheduler.finish", "leave")),
        watch=(Watch("running", owner="Scheduler"),),
    )
    one = finding("request-state-leak", block, path="slotted.py")
    _, run = run_program(tmp_path / "run", [one], "-c", "import slotted; slotted.main()", programs=program)
    found = verdicts([one], run)[0]
    assert found.status == "not-exercised"
    assert "objects of Scheduler can't be watched: its __slots__ leave no room for weak references" in found.summary


def test_the_code_of_a_module_itself_is_untestable(tmp_path: Path) -> None:
    one = finding("collective-no-timeout", Block(targets=(Target("<module>", "group"),)), symbol="<module>")
    assert verdict(tmp_path, one).status == "untestable"


SLEEPER = """
class Cache:
    def reset_prefix_cache(self, busy):
        return not busy

class Drops:
    def sleep(self, cache, busy):
        cache.reset_prefix_cache(busy)

class PassesOn:
    def sleep(self, cache, busy):
        return cache.reset_prefix_cache(busy)

def main():
    for busy in (False, True, True, True):
        Drops().sleep(Cache(), busy)
        PassesOn().sleep(Cache(), busy)
"""


@pytest.mark.parametrize(("kind", "status"), [("Drops", "confirmed"), ("PassesOn", "refuted")])
def test_a_refusal_counts_only_where_nobody_is_told_of_it(kind: str, status: str, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.mkdir()
    (program / "sleeper.py").write_text(SLEEPER)
    block = Block(targets=(Target(f"{kind}.sleep", "scope"), Target("Cache.reset_prefix_cache", "answer")))
    one = finding("noop-restore", block, path="sleeper.py")
    _, run = run_program(tmp_path / "run", [one], "-c", "import sleeper; sleeper.main()", programs=program)
    assert verdicts([one], run)[0].status == status


KEEPER = """
class Keeper:
    def __init__(self):
        self.running = {}

    def add(self, request_id):
        self.running[request_id] = 1

    def finish(self, request_id):
        pass
"""


def test_what_had_only_just_ended_when_the_program_did_refutes_nothing(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.mkdir()
    (program / "keeper.py").write_text(KEEPER)
    block = Block(
        targets=(
            Target("Keeper.add", "enter", entity="request_id"),
            Target("Keeper.finish", "leave", entity="request_id", via="finish"),
        ),
        watch=(Watch("running", owner="Keeper"),),
        needs={"settle_ms": 60_000},
    )
    one = finding("request-state-leak", block, path="keeper.py")
    play = "import keeper; it = keeper.Keeper(); [(it.add(n), it.finish(n)) for n in range(80)]"
    _, run = run_program(tmp_path / "run", [one], "-c", play, programs=program)
    found = verdicts([one], run)[0]
    assert found.status == "exercised-clean"
    assert "80 that had only just ended were still held at the last look" in found.summary


SHORT_LIVED = finding(
    "request-state-leak",
    Block(
        targets=(
            Target("Core.add", "enter", entity="request_id"),
            Target("Core.finish", "leave", entity="request_id", via="finish"),
            Target("Core.abort", "leave", entity="request_id", via="abort"),
        ),
        watch=(Watch("prefixes", owner="Core"),),
    ),
    path="short_lived.py",
)


@pytest.mark.parametrize(
    ("requests", "pause", "status", "said"),
    [
        (3, 0.0, "not-exercised|exercised-clean", "no object that holds|gone before anybody looked|too soon to tell"),
        (3, 1.5, "not-exercised", "the container was gone before anybody looked into it"),
        (150, 0.0, "exercised-clean", "no object that holds the container was there to look into|too soon to tell"),
    ],
)
def test_what_was_gone_before_it_was_looked_into_is_not_said_to_be_clean(
    requests: int, pause: float, status: str, said: str, tmp_path: Path
) -> None:
    """The program leaves a third of them behind; the tracer's own thread looks in the pause or not at all."""
    program = f"import short_lived; short_lived.work({requests}, {pause})"
    tick = "0.02" if pause else "5"
    done, run = run_program(tmp_path, [SHORT_LIVED], "-c", program, env={"LLMLINT_TICK": tick})
    assert done.stdout == f"{requests // 3} left\n"
    found = verdicts([SHORT_LIVED], run)[0]
    assert re.fullmatch(status, found.status) and re.search(said, found.summary), found
    assert "nothing was left behind (" not in found.summary
