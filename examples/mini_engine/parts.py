"""Which variant of each part an engine is built from.

A module in `clean/` and its namesake in `seeded/` define the same names; the second has one bug, at a line marked
`Seeded:`. No part imports another: what a part works with is handed to it.
"""

from collections.abc import Collection
from importlib import import_module
from types import ModuleType

BUGS = {
    "kv_cache": "sleep discards the KV cache, and the requests keep their block tables",
    "block_tables": "the restore of the block tables only logs",
    "scheduler": "the restore of a checkpoint clears five containers and leaves five",
    "caches": "new weights reset two of the caches that depend on them, not the encoder's",
    "prefix_key": "the key of a prefix does not see its images",
    "outputs": "an aborted request leaves its stream behind",
    "grammars": "compiled grammars are kept for ever",
    "matching": "a matcher that rejects a token is not listened to",
    "tool_calls": "integers of a streamed tool call go through %g",
    "usage": "two locks are taken in either order",
    "pictures": "a picture is fetched on the event loop",
    "thumbnails": "a process that makes thumbnails is waited for after its death",
    "group": "the ranks' group has no timeout",
    "write_back": "a rank with nothing to write back skips the collective",
    "staging": "pinned memory is filled again while a copy may still read it",
    "readout": "the host waits for the device after each row of a step",
    "head": "a recorded graph goes on with the memory it was recorded with",
    "recent": "hidden states are kept for ever",
    "masks": "a mask takes memory of the device anew for each row, in ever other sizes",
}
"""Each part, and the bug that its seeded variant has."""

OF_THE_DEVICE = ("staging", "readout", "head", "recent", "masks")
"""Parts of the transformer, whose bugs show on a GPU alone."""


class Parts:
    """`parts.kv_cache.KVCache` is the class of the chosen variant. Imported when asked for: some parts need torch."""

    def __init__(self, bugs: Collection[str] = ()) -> None:
        unknown = set(bugs) - set(BUGS)
        if unknown:
            raise ValueError(f"no such bug: {', '.join(sorted(unknown))}; there are {', '.join(BUGS)}")
        self.bugs = frozenset(bugs)

    def __getattr__(self, name: str) -> ModuleType:
        if name not in BUGS:
            raise AttributeError(name)
        variant = "seeded" if name in self.bugs else "clean"
        return import_module(f".{variant}.{name}", __package__)
