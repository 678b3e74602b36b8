"""Programs in which the bug can't happen, one family of near-misses for each oracle: none of them may be confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tracing import finding, run_program, verdicts

from llmlint.findings import Finding
from llmlint.runtime.block import Block, Target, Watch

PROGRAMS = Path(__file__).parent / "not_a_bug"


def grows(owner: str, entity: str) -> Finding:
    block = Block(targets=(Target(f"{owner}.put", "insert", entity=entity),), watch=(Watch("entries", owner=owner),))
    return finding("unbounded-cache", block, path="caches.py", symbol=owner)


def keeps(owner: str, container: str = "running", ends: bool = True) -> Finding:
    enter = Target(f"{owner}.add", "enter" if ends else "insert", entity="request_id")
    leave = Target(f"{owner}.finish", "leave", entity="request_id", via="finish")
    block = Block(targets=(enter, leave) if ends else (enter,), watch=(Watch(container, owner=owner),))
    return finding("request-state-leak", block, path="requests.py", symbol=owner)


def takes_two_locks(owner: str) -> Finding:
    targets = (Target(f"{owner}.there", "scope"), Target(f"{owner}.back", "scope"))
    return finding("lock-order", Block(targets=targets, options={"locks": ["a", "b"]}), path="locks.py", symbol=owner)


def resets(owner: str, holder: str = "") -> Finding:
    block = Block(targets=(Target(f"{owner}.reset", "reset"),), watch=(Watch("entries", owner=holder or owner),))
    return finding("restore-leaves-state", block, path="resets.py", symbol=owner)


def makes_a_group(owner: str) -> Finding:
    block = Block(targets=(Target(f"{owner}.__init__", "group"),))
    return finding("collective-no-timeout", block, path="time_limits.py", symbol=f"{owner}.__init__")


RESTORES = finding("noop-restore", Block(targets=(Target("Restored.restore", "restore"),)), path="resets.py")
OFFLOADS = finding(
    "offload-drops-state",
    Block(
        targets=(Target("Offloaded.sleep", "offload"), Target("Offloaded.wake", "onload")),
        watch=(Watch("entries", owner="Offloaded"),),
    ),
    path="resets.py",
)
PAIRS = (
    finding(
        "leak-on-error-path",
        Block(
            targets=(
                Target("Elsewhere.work", "scope"),
                Target("Elsewhere.take", "acquire", entity="return"),
                Target("Elsewhere.give_back", "release", entity="self"),
            )
        ),
        path="pairs.py",
        symbol="Elsewhere",
    ),
    finding(
        "leak-on-error-path",
        Block(
            targets=(
                Target("Retried.admit", "scope"),
                Target("Pool.allocate", "acquire", entity="return"),
                Target("Pool.release", "release", entity="block"),
            )
        ),
        path="pairs.py",
    ),
    finding(
        "refcount-imbalance",
        Block(
            targets=(
                Target("Kept.admit", "scope"),
                Target("Pool.pin", "acquire", entity="block"),
                Target("Pool.unpin", "release", entity="block"),
            )
        ),
        path="pairs.py",
    ),
)
VALUES = (
    finding("float-serialised-int", Block(targets=(Target("shown", "format", entity="value"),)), path="values.py"),
    finding(
        "cache-key-omits-input",
        Block(
            targets=(Target("cache_key", "key", entity="return"), Target("look_up", "lookup", entity="key")),
            options={"omitted": ["lora"]},
        ),
        path="values.py",
    ),
    finding(
        "fsm-result-ignored",
        Block(targets=(Target("follow", "scope"), Target("Machine.accept", "advance"))),
        path="values.py",
    ),
    finding("blocking-in-async", Block(targets=(Target("rests", "scope"),)), path="values.py", symbol="rests", line=53),
)
FAMILIES = {
    "caches": (grows("OneKey", "digest"), grows("Swept", "text"), grows("Ring", "text"), grows("Lru", "text")),
    "requests": (
        keeps("InFlight", ends=False),
        keeps("InFlight"),
        keeps("Lazy"),
        keeps("Remembered", "recent"),
        keeps("Reused"),
    ),
    "locks": tuple(
        takes_two_locks(owner)
        for owner in (
            "Gated", "GatedGlobally", "GatedByHand", "GatedByCallers", "OneAfterTheOther", "Told", "Alone",
        )
    ),
    "resets": (
        *(resets(owner) for owner in ("Lazily", "Replaced", "Reserved", "Beside")),
        resets("Owner", "Store"),
        RESTORES,
        OFFLOADS,
    ),
    "pairs": PAIRS,
    "values": VALUES,
    "time_limits": tuple(makes_a_group(owner) for owner in ("Waited", "Beside", "SetRight", "Unused")),
}  # fmt: skip

ON_TORCH = ("time_limits",)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_no_near_miss_is_confirmed(family: str, tmp_path: Path) -> None:
    if family in ON_TORCH:
        pytest.importorskip("torch")
    findings = FAMILIES[family]
    done, run = run_program(tmp_path, findings, "-c", f"import {family}; {family}.main()", programs=PROGRAMS)
    assert (done.returncode, done.stderr) == (0, "")
    said = {f"{one.name} {one.symbol}": verdict for one, verdict in zip(findings, verdicts(findings, run), strict=True)}
    assert [name for name, verdict in said.items() if verdict.status == "confirmed"] == [], said
    assert [name for name, verdict in said.items() if "no run was made" in verdict.summary] == [], said
    assert run.processes[0].faults == 0, run.processes[0].tail
