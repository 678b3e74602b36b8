"""For each probe: the switch of `programs/engine.py` that seeds its bug, and the block that a checker would write."""

from llmlint.runtime.block import Block, Target, Watch

PAIRS = (
    Target("Scheduler.add", "scope"),
    Target("BlockPool.allocate", "acquire", entity="return"),
    Target("BlockPool.release", "release", entity="block"),
)

BLOCKS: dict[str, tuple[str, Block]] = {
    "request-state-leak": (
        "abort",
        Block(
            targets=(
                Target("Scheduler.add", "enter", entity="request_id"),
                Target("Scheduler.finish", "leave", entity="request_id", via="finish"),
                Target("Scheduler.abort", "leave", entity="request_ids[]", via="abort"),
            ),
            watch=(Watch("progress", owner="Scheduler"),),
            needs={"settle_ms": 0},
        ),
    ),
    "unbounded-cache": (
        "cache",
        Block(
            targets=(Target("Scheduler.prefix", "insert", entity="prompt"),),
            watch=(Watch("PREFIXES"),),
            needs={"bound": 64},
        ),
    ),
    "restore-leaves-state": (
        "reset",
        Block(targets=(Target("Scheduler.reset", "reset"),), watch=(Watch("progress", owner="Scheduler"),)),
    ),
    "leak-on-error-path": ("error", Block(targets=PAIRS)),
    "float-serialised-int": ("float", Block(targets=(Target("format_id", "format", entity="value"),))),
    "cache-key-omits-input": (
        "key",
        Block(
            targets=(Target("cache_key", "key", entity="return"), Target("look_up", "lookup", entity="key")),
            options={"omitted": ["lora"]},
        ),
    ),
    "offload-drops-state": (
        "sleep",
        Block(
            targets=(Target("Scheduler.sleep", "offload"), Target("Scheduler.wake", "onload")),
            watch=(Watch("progress", owner="Scheduler"),),
        ),
    ),
    "refcount-imbalance": (
        "pin",
        Block(
            targets=(
                Target("Scheduler.touch", "scope"),
                Target("BlockPool.pin", "acquire", entity="block"),
                Target("BlockPool.unpin", "release", entity="block"),
            )
        ),
    ),
    "lock-order": (
        "order",
        Block(
            targets=(Target("Accounts.record", "scope"), Target("Accounts.report", "scope")),
            options={"locks": ["users_lock", "total_lock"]},
        ),
    ),
    "fsm-result-ignored": (
        "fsm",
        Block(targets=(Target("follow", "scope"), Target("Machine.accept", "advance"))),
    ),
    "noop-restore": ("restore", Block(targets=(Target("Scheduler.restore", "restore"),))),
}
