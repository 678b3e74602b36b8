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


def accumulates(owner: str) -> Finding:
    block = Block(targets=(Target(f"{owner}.put", "insert"),), watch=(Watch("entries", owner=owner),))
    return finding("accumulating-buffer", block, path="buffers.py", symbol=owner)


def shares(owner: str) -> Finding:
    block = Block(
        targets=(Target(f"{owner}.bump", "scope"), Target(f"{owner}.drop", "scope")),
        options={"owner": owner, "accesses": ["count"], "locks": ["lock"]},
    )
    return finding("unlocked-shared-state", block, path="shared.py", symbol=f"{owner}.drop")


def line_of(path: str, function: str, text: str) -> int:
    """Where a text stands first behind the head of a function."""
    source = (PROGRAMS / path).read_text()
    *classes, name = function.split(".")
    begin = source.index(f"class {classes[0]}") if classes else 0
    return source.count("\n", 0, source.index(text, source.index(f"def {name}(", begin))) + 1


def waits(function: str, text: str) -> Finding:
    block = Block(targets=(Target(function, "wait"),), needs={"pending": 1})
    return finding("unbounded-wait", block, "peers.py", function, line_of("peers.py", function, text))


def calls_together(name: str, owner: str) -> Finding:
    return finding(name, Block(targets=(Target(f"{owner}.step", "scope"),)), path="ranks.py", symbol=f"{owner}.step")


def on_a_device(name: str, function: str, text: str, *others: Target, watch: str = "") -> Finding:
    owner = function.partition(".")[0]
    block = Block(targets=(Target(function, "scope"), *others), watch=(Watch(watch, owner=owner),) if watch else ())
    return finding(name, block, "devices.py", function, line_of("devices.py", function, text))


def replays(owner: str, binds: str = "run") -> Finding:
    return on_a_device(
        "graph-unsafe-op", f"{owner}.{binds}", "self.", Target(f"{owner}.record", "save"), watch="hidden"
    )


COLLECTIVES = ("rank-divergent-collective", "collective-skipped-on-error")
RACES = ("pending-copy-reuse", "stream-not-ordered", "event-nobody-waits-for")
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
    "buffers": tuple(accumulates(owner) for owner in ("Ring", "Pruned", "Drained", "Registered", "Sampled")),
    "shared": tuple(shares(owner) for owner in ("Turns", "Told", "Outside", "Part", "Own", "Baton")),
    "peers": (
        waits("next_job", "jobs.get()"),
        waits("answer_of", "reader.recv()"),
        waits("with_a_deadline", "jobs.get("),
        waits("joined", "thread.join("),
    ),
    "ranks": tuple(
        calls_together(name, owner)
        for name in COLLECTIVES
        for owner in ("Exchange", "Roles", "Parts", "Gathers", "Replicas")
    ),
    "races": tuple(
        on_a_device(name, function, "self.")
        for name in RACES
        for function in ("Columns.left", "Columns.right", "Halves.second", "Readers.look", "ByWay.use", "Once.fill")
    ),
    "graphs": (replays("Buffered"), replays("Several", "bind"), replays("Again")),
    "waits": (
        on_a_device("sync-in-hot-path", "Warmed.measure", "return float("),
        on_a_device("sync-in-hot-path", "Logged.log", "return float("),
    ),
    "copies": (on_a_device("unpinned-async-copy", "ToTheSame.move", "return there.to("),),
    "rooms": (
        on_a_device("hot-path-allocation", "Small.make", "return torch.zeros("),
        on_a_device("hot-path-allocation", "AtFirst.make", "self.made[length] ="),
    ),
}  # fmt: skip

OF_A_DEVICE = {"races": "cpu", "graphs": "cpu", "waits": "cpu", "rooms": "cpu", "copies": "meta"}
"""Families of `devices.py`, each a function of it, and what stands for the device."""
ON_TORCH = ("time_limits", "ranks", *OF_A_DEVICE)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_no_near_miss_is_confirmed(family: str, tmp_path: Path) -> None:
    if family in ON_TORCH:
        pytest.importorskip("torch")
    findings = FAMILIES[family]
    call = f"import devices; devices.{family}()" if family in OF_A_DEVICE else f"import {family}; {family}.main()"
    device = OF_A_DEVICE.get(family, "cuda")
    done, run = run_program(tmp_path, findings, "-c", call, programs=PROGRAMS, device=device)
    assert (done.returncode, done.stderr) == (0, "")
    said = {f"{one.name} {one.symbol}": verdict for one, verdict in zip(findings, verdicts(findings, run), strict=True)}
    assert [name for name, verdict in said.items() if verdict.status == "confirmed"] == [], said
    assert [name for name, verdict in said.items() if "no run was made" in verdict.summary] == [], said
    assert run.processes[0].faults == 0, run.processes[0].tail
