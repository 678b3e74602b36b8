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
        ),
    ),
    "unbounded-cache": (
        "cache",
        Block(targets=(Target("Scheduler.prefix", "insert", entity="prompt"),), watch=(Watch("PREFIXES"),)),
    ),
    "restore-leaves-state": (
        "reset",
        Block(targets=(Target("Scheduler.reset", "reset"),), watch=(Watch("progress", owner="Scheduler"),)),
    ),
    "noop-restore": ("restore", Block(targets=(Target("Scheduler.restore", "restore"),))),
}
