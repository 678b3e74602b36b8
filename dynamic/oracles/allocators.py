"""How much memory a process has, by the allocator that is there: torch's own on a device, the C library's on the host.

Nothing here waits for the device, and nothing is asked of it before the program itself has set it up.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple


class Reading(NamedTuple):
    """Bytes at one moment. -1 is what this allocator does not tell."""

    place: str
    total: int
    """All that the device, or this process by its limits, could have."""
    used: int
    """What of it is taken, by whomever."""
    reserved: int
    """What this process's allocator has taken from the system."""
    allocated: int
    """What of it the program holds."""
    largest: int
    """The largest free block within what is reserved: what the next allocation may have without the system."""

    def plain(self) -> dict[str, Any]:
        return self._asdict()


def readings(torch: Any, kind: str, quiet: bool) -> list[Reading]:
    """Of each device in use; of the host where there is none. The driver is asked only at a quiet point: at the end
    of a step, on the program's own thread."""
    found = _of_devices(torch, kind, quiet) if torch is not None else []
    return found or _of_host()


# ------------------------------------------------------------ a device


def _of_devices(torch: Any, kind: str, quiet: bool) -> list[Reading]:
    module = getattr(torch, kind, None)
    is_up = getattr(module, "is_initialized", None)
    if module is None or is_up is None or not is_up() or not hasattr(module, "memory_stats"):
        return []
    return [_of_device(module, kind, index, quiet) for index in range(module.device_count()) if _is_used(module, index)]


def _is_used(module: Any, index: int) -> bool:
    return bool(module.memory_reserved(index))


def _of_device(module: Any, kind: str, index: int, quiet: bool) -> Reading:
    stats = module.memory_stats(index)
    reserved = int(stats.get("reserved_bytes.all.current", 0))
    total = int(module.get_device_properties(index).total_memory)
    return Reading(
        place=f"{kind}:{index}",
        total=total,
        used=_used(module, index, total) if quiet else -1,
        reserved=reserved,
        allocated=int(stats.get("allocated_bytes.all.current", 0)),
        largest=largest_free(_snapshot(module), index),
    )


def _snapshot(module: Any) -> Any:
    """Without the history, where this torch can leave it out: that is the larger part by far."""
    try:
        return module.memory_snapshot(include_traces=False)
    except TypeError:
        return module.memory_snapshot()


def _used(module: Any, index: int, total: int) -> int:
    """The driver's answer, which counts other processes too. While a graph is recorded it is not to be disturbed."""
    capturing = getattr(module, "is_current_stream_capturing", None)
    if capturing is None or capturing():
        return -1
    free, _ = module.mem_get_info(index)
    return total - int(free)


def largest_free(segments: Iterable[Any], device: int) -> int:
    """Of a snapshot of the caching allocator. Blocks of one segment that lie side by side are one block already."""
    return max(
        (
            int(block["size"])
            for segment in segments
            if segment.get("device") == device
            for block in segment["blocks"]
            if block["state"] == "inactive"
        ),
        default=0,
    )


# ------------------------------------------------------------ the host


def _of_host() -> list[Reading]:
    heap = _heap()
    resident = _resident()
    total, free = _of_machine()
    if heap is None:
        return [Reading("host", total, total - free, resident, -1, -1)]
    return [Reading("host", total, total - free, *heap)]


_FREE = re.compile(rb'<(?:size|unsorted) from="\d+" to="(\d+)"')
_REST = re.compile(rb'<total type="(?:fast|rest)" count="\d+" size="(\d+)"/>')
_MAPPED = re.compile(rb'<total type="mmap" count="\d+" size="(\d+)"/>')
_SYSTEM = re.compile(rb'<system type="current" size="(\d+)"/>')


def _heap() -> tuple[int, int, int] | None:
    """Reserved, allocated, and the largest free block of glibc's heaps, by its own account; None elsewhere."""
    account = _malloc_info()
    if account is None:
        return None
    own = account.rpartition(b"</heap>")[2]  # the sums over all heaps stand behind them
    mapped = sum(map(int, _MAPPED.findall(own)))
    reserved = sum(map(int, _SYSTEM.findall(own))) + mapped
    free = sum(map(int, _REST.findall(own)))
    largest = max([*map(int, _FREE.findall(account)), _top()])
    return reserved, reserved - free, min(largest, free)


_library: list[Any] = []


def _libc() -> Any:
    """The C library with what is asked of it, or None; looked for once."""
    if not _library:
        _library.append(_load())
    return _library[0]


def _load() -> Any:
    try:
        import ctypes  # only where the host's memory is watched

        libc = ctypes.CDLL(None)
        libc.open_memstream.restype = ctypes.c_void_p
        libc.open_memstream.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_size_t)]
        libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
        libc.fclose.argtypes = libc.free.argtypes = [ctypes.c_void_p]
        libc.mallinfo2.restype = type(
            "_Info", (ctypes.Structure,), {"_fields_": [(f"f{at}", ctypes.c_size_t) for at in range(10)]}
        )
        return libc
    except (ImportError, OSError, AttributeError):  # no glibc, or one older than 2.33
        return None


def _malloc_info() -> bytes | None:
    libc = _libc()
    if libc is None:
        return None
    import ctypes

    text, size = ctypes.c_void_p(), ctypes.c_size_t()
    stream = libc.open_memstream(ctypes.byref(text), ctypes.byref(size))
    if not stream:
        return None
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    try:
        return ctypes.string_at(text, size.value) if text.value else None
    finally:
        libc.free(text)


def _top() -> int:
    """What is free at the end of the main heap, which its lists of free blocks leave out."""
    return int(_libc().mallinfo2().f9)


def _resident() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return -1


_CGROUP = "/sys/fs/cgroup"


def _of_machine() -> tuple[int, int]:
    """What there is for this process and what is left of it: of its control group where that has a limit."""
    total, free = _of_proc()
    limit, taken = _number(f"{_CGROUP}/memory.max"), _number(f"{_CGROUP}/memory.current")
    if 0 < limit < total and taken >= 0:
        return limit, max(0, limit - taken)
    return total, free


def _of_proc() -> tuple[int, int]:
    try:
        with open("/proc/meminfo", "rb") as file:
            lines = dict(line.split(b":") for line in file.read().splitlines() if b":" in line)
        return tuple(int(lines[name].split()[0]) * 1024 for name in (b"MemTotal", b"MemAvailable"))  # type: ignore[return-value]
    except (OSError, KeyError, ValueError):
        return -1, -1


def _number(path: str) -> int:
    try:
        with open(path, "rb") as file:
            return int(file.read())
    except (OSError, ValueError):  # "max" is no number
        return -1


def loaded_torch() -> Any:
    """torch, once its import is done; it is never imported on our account."""
    torch = sys.modules.get("torch")
    is_there = torch is not None and not getattr(getattr(torch, "__spec__", None), "_initializing", False)
    return torch if is_there and hasattr(torch, "Tensor") else None
