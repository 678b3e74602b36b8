"""Which place in the program allocated which tensors, how large, and which of them are still there steps later.

On a device its allocator keeps a history with stacks; elsewhere a dispatch mode is put around some of the steps, and
notes each new storage with a weak reference. Neither keeps anything of the program's alive.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any

from .dispatch import Modes

MOST_SIZES = 64
MOST_SITES = 512
MOST_LIVE = 20_000
"""So many storages of one process are followed; later ones are counted and not followed."""
MOST_ENTRIES = 50_000
"""Of the history that a device's allocator keeps: it has no bound of its own."""
POINTS = 16
SHOWN = 24

BLOCK = 512
"""Bytes in whose multiples a device's allocator hands out memory (kMinBlockSize of torch's)."""

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Site:
    """A line that allocates."""

    __slots__ = ("allocations", "bytes", "live", "name", "sizes")

    def __init__(self, name: str) -> None:
        self.name = name
        self.allocations = 0
        self.bytes = 0
        self.sizes: set[int] = set()
        self.live: list[tuple[Any, int]] = []
        """Weak references to storages, each with its size."""


class Points:
    """What each site held at some quiet points: few, evenly spread over the steps so far, however many these are."""

    def __init__(self) -> None:
        self.every = 1
        self.points: list[tuple[int, dict[str, tuple[int, int]]]] = []

    def is_due(self, step: int) -> bool:
        return not self.points or step >= self.points[-1][0] + self.every

    def add(self, step: int, held: Mapping[str, tuple[int, int]]) -> None:
        self.points.append((step, dict(held)))
        if len(self.points) > POINTS:
            self.points = self.points[::2]
            self.every = max(1, self.points[-1][0] - self.points[-2][0])

    def by_site(self) -> dict[str, list[list[int]]]:
        """Of the sites that hold most at last: after so many steps, how many recorded things and how many bytes."""
        if not self.points:
            return {}
        last = self.points[-1][1]
        largest = sorted(last, key=lambda site: -last[site][1])[:SHOWN]
        return {site: [[step, *held.get(site, (0, 0))] for step, held in self.points] for site in largest}


class Ledger:
    """New storages by the line that made them, in the calls that are recorded."""

    def __init__(self, torch: Any, kinds: Sequence[str]) -> None:
        self.torch = torch
        self.kinds = frozenset(kinds)
        self.sites: dict[tuple[CodeType, int], Site] = {}
        self.new_of: dict[Any, list[bool]] = {}
        """Of each operation that was met, which of its results are new tensors."""
        self.followed = self.unfollowed = self.recorded = 0
        self.modes = Modes(torch, self.note)
        self.folder = os.path.dirname(str(torch.__file__))
        self.weak = sys.modules["torch.multiprocessing.reductions"].StorageWeakRef

    def begin(self) -> None:
        """From here on, what this thread allocates is noted."""
        self.recorded += self.modes.begin()

    def end(self) -> None:
        self.modes.end()

    def note(self, function: Any, args: Any, kwargs: Any, made: Any) -> None:
        new = self.new_of.get(function)
        if new is None:
            new = self.new_of[function] = [one.alias_info is None for one in function._schema.returns]
        if True not in new:  # a view, or something done in place
            return
        values = made if isinstance(made, (tuple, list)) and len(new) != 1 else (made,)
        for is_new, value in zip(new, values, strict=False):
            if is_new:
                for tensor in self._tensors(value):
                    self._note(tensor)

    def _tensors(self, value: Any) -> Iterator[Any]:
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(one, self.torch.Tensor) and one.device.type in self.kinds:
                yield one

    def _note(self, tensor: Any) -> None:
        storage = tensor.untyped_storage()
        size = int(storage.nbytes())
        if not size:
            return
        site = self.site(sys._getframe(3))
        if site is None:
            return
        site.allocations += 1
        site.bytes += size
        if len(site.sizes) < MOST_SIZES:
            site.sizes.add(size)
        if self.followed >= MOST_LIVE:
            self.unfollowed += 1
            return
        self.followed += 1
        site.live.append((self.weak(storage), size))

    def site(self, frame: FrameType | None) -> Site | None:
        """By the innermost frame that is the program's own."""
        while frame is not None and self._is_inner(frame.f_code.co_filename):
            frame = frame.f_back
        if frame is None:
            return None
        key = (frame.f_code, frame.f_lineno)
        found = self.sites.get(key)
        if found is None and len(self.sites) < MOST_SITES:
            found = self.sites[key] = Site(place_of(frame))
        return found

    def _is_inner(self, file: str) -> bool:
        return file.startswith((self.folder, _OURS, "<"))

    def held(self) -> dict[str, tuple[int, int]]:
        """What is still there of all that was followed: by site, how many and how many bytes."""
        found: dict[str, tuple[int, int]] = {}
        self.followed = 0
        for site in list(self.sites.values()):
            site.live = [(weak, size) for weak, size in site.live if not weak.expired()]
            self.followed += len(site.live)
            if site.live:
                found[site.name] = (len(site.live), sum(size for _, size in site.live))
        return found

    def sizes(self) -> dict[str, dict[str, int]]:
        """Of the sites that allocated most bytes: how often, and in how many sizes."""
        most = sorted(self.sites.values(), key=lambda site: -site.bytes)[:SHOWN]
        return {
            site.name: {
                "allocations": site.allocations,
                "bytes": site.bytes,
                "sizes": len(blocks_of(site.sizes)),
                "least": min(site.sizes),
                "most": max(site.sizes),
            }
            for site in most
        }


def blocks_of(sizes: Iterable[int]) -> set[int]:
    """The sizes of the blocks that are handed out for these."""
    return {-(-size // BLOCK) * BLOCK for size in sizes}


def place_of(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} {qualname_of(frame.f_code)}"


def qualname_of(code: CodeType) -> str:
    return getattr(code, "co_qualname", code.co_name)


class History:
    """The same of a device, from the history that its allocator keeps."""

    def __init__(self, torch: Any, kind: str) -> None:
        self.torch = torch
        self.memory = sys.modules[f"torch.{kind}.memory"]
        self.folder = os.path.dirname(str(torch.__file__))
        kept = getattr(torch._C, "_cuda_isHistoryEnabled", None)
        self.is_ours = kept is None or not kept()
        if self.is_ours:  # else somebody has it kept already, and may want all of it
            self.memory._record_memory_history("all", "alloc", "python", max_entries=MOST_ENTRIES)

    @staticmethod
    def can_be_kept(torch: Any, kind: str) -> bool:
        module = getattr(torch, kind, None)
        is_up = getattr(module, "is_initialized", None)
        return kind == "cuda" and is_up is not None and bool(is_up())

    def stop(self) -> None:
        if self.is_ours:
            self.memory._record_memory_history(enabled=None)

    def look(self) -> tuple[dict[str, tuple[int, int]], dict[str, dict[str, int]]]:
        """What is held, and in which sizes was allocated, by site."""
        snapshot = self.memory._snapshot()
        return held_in(snapshot["segments"], self.folder), sizes_in(snapshot["device_traces"], self.folder)


def held_in(segments: Iterable[Any], folder: str) -> dict[str, tuple[int, int]]:
    """Of a snapshot of torch's: the blocks that are allocated, by the line that asked for them."""
    found: dict[str, tuple[int, int]] = {}
    for block in (block for segment in segments for block in segment["blocks"]):
        site = site_in(block.get("frames", ()), folder) if block["state"] == "active_allocated" else ""
        if site:
            count, size = found.get(site, (0, 0))
            found[site] = (count + 1, size + int(block["size"]))
    return found


def sizes_in(traces: Iterable[Iterable[Any]], folder: str) -> dict[str, dict[str, int]]:
    sizes: dict[str, list[int]] = {}
    for entry in (entry for trace in traces for entry in trace):
        site = site_in(entry.get("frames", ()), folder) if entry["action"] == "alloc" else ""
        if site:
            sizes.setdefault(site, []).append(int(entry["size"]))
    most = sorted(sizes.items(), key=lambda one: -sum(one[1]))[:SHOWN]
    return {
        site: {
            "allocations": len(those),
            "bytes": sum(those),
            "sizes": len(blocks_of(those)),
            "least": min(those),
            "most": max(those),
        }
        for site, those in most
    }


def site_in(frames: Iterable[Any], folder: str) -> str:
    """The innermost frame of a recorded stack that is the program's own, as `place_of` writes it."""
    for frame in frames:
        file = str(frame["filename"])
        if file.endswith(".py") and not (folder and file.startswith(folder)) and "/torch/" not in file:
            return f"{file}:{frame['line']} {frame['name']}"
    return ""


def grows(points: Sequence[Sequence[int]]) -> tuple[int, int, int] | None:
    """Steps, things and bytes by which a site grew without ever giving anything back; None where it did not.

    What is there before a quarter of the steps has gone is set-up. A cache that fills and then stays is no growth.
    """
    if not points:
        return None
    last = points[-1][0]
    later = [point for point in points if 4 * point[0] >= last]
    counts = [point[1] for point in later]
    if len(later) < 5 or any(after <= before for before, after in pairwise(counts)):
        return None
    return later[-1][0] - later[0][0], counts[-1] - counts[0], later[-1][2] - later[0][2]
