"""What the program does to memory on which stream: operations by a dispatch mode, events and waits by torch's hooks.

The hooks are those of `torch.cuda._gpu_trace`, on which torch's sanitizer for CUDA rests too. That one stops at the
first race; here they are noted, and the program goes on. Kernels that no operation of torch stands for are not seen,
and neither is what numpy does to pinned memory.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from .dispatch import Modes
from .streams import MOST_MEMORIES, Access, Streams
from .tensors import place_of

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

_READS_NOTHING = frozenset(("empty", "empty_strided", "set_", "resize_", "is_pinned", "sym_size", "detach", "alias"))
_BY_INDEX = ("index", "gather", "scatter", "embedding", "take", "masked")
"""Operations that touch a part of what they are given, chosen by values that only the device knows."""
_COPIES = frozenset(("copy_", "_to_copy"))
_WAITS = frozenset(("_local_scalar_dense", "nonzero", "_unique2", "unique_dim", "masked_select", "equal"))


class Races:
    """One for a process; `device` is what torch calls the device."""

    def __init__(self, torch: Any, device: str, is_pinned: Callable[[Any], bool] | None = None) -> None:
        self.torch = torch
        self.device = device
        self.module: Any = getattr(torch, device, None)
        self.is_pinned = is_pinned or (lambda tensor: bool(tensor.is_pinned()))
        self.folder = os.path.dirname(str(torch.__file__))
        self.streams = Streams()
        self.modes = Modes(torch, self.see)
        self.places: dict[tuple[CodeType, int], str] = {}
        self.lives: dict[int, tuple[Any, int]] = {}
        """Storages of the host, each with a number of its own below 0: above are the addresses of the device."""
        self.count = 0
        self.weak = sys.modules["torch.multiprocessing.reductions"].StorageWeakRef
        self.hooked: list[tuple[Any, Any]] = []
        self.query: Any = None
        self._hook()

    def begin(self) -> bool:
        capturing = getattr(self.module, "is_current_stream_capturing", None)
        if capturing is not None and self.module.is_initialized() and capturing():
            return False
        return self.modes.begin()

    def end(self) -> None:
        self.modes.end()

    # ------------------------------------------------------------ torch's hooks

    def _hook(self) -> None:
        trace = importlib.import_module("torch.cuda._gpu_trace")
        streams = self.streams
        wanted = {
            "EventCreationCallbacks": streams.forget_event,
            "EventDeletionCallbacks": streams.forget_event,
            "EventRecordCallbacks": streams.record,
            "EventWaitCallbacks": streams.wait,
            "MemoryAllocationCallbacks": lambda place: streams.allocated(place, self.current()),
            "MemoryDeallocationCallbacks": streams.freed,
            "DeviceSynchronizationCallbacks": streams.host_waits_for_all,
            "StreamSynchronizationCallbacks": streams.host_waits_for_stream,
            "EventSynchronizationCallbacks": streams.host_waits_for_event,
        }
        for name, told in wanted.items():
            registry = getattr(trace, name, None)
            if registry is not None:
                registry.add_callback(told)
                self.hooked.append((registry, told))
        self.torch._C._activate_gpu_trace()
        self._listen_to_queries()

    def _listen_to_queries(self) -> None:
        """Of an event that was asked and is done, the host knows it as if it had waited: torch has no hook for that."""
        event = getattr(self.module, "Event", None)
        if event is None or not hasattr(event, "cuda_event"):
            return
        asked = self.query = event.query

        def query(one: Any) -> bool:
            done = bool(asked(one))
            if done:
                self.streams.host_waits_for_event(one.cuda_event)
            return done

        event.query = query

    def stop(self) -> None:
        for registry, told in self.hooked:
            callbacks = getattr(registry, "callback_list", [])
            if told in callbacks:
                callbacks.remove(told)
        self.hooked.clear()
        if self.query is not None:
            self.module.Event.query = self.query
            self.query = None

    # ------------------------------------------------------------ operations

    def current(self) -> int:
        """The stream of this thread, by the handle that the hooks give it."""
        asked = getattr(self.module, "current_stream", None)
        stream = asked() if asked is not None else None
        handle = getattr(stream, "cuda_stream", None)
        return int(handle) if handle is not None else id(stream) if stream is not None else 0

    def see(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], made: Any) -> None:
        schema = function._schema
        name = schema.name.partition("::")[2]
        if name == "record_stream":
            return self.streams.recorded(self._place(args[0]), self._handle(args[1]))
        uses = list(self._uses(schema, name, args, kwargs, made))
        there = [(tensor, access) for tensor, access in uses if tensor.device.type == self.device]
        host = [(tensor, access) for tensor, access in uses if tensor.device.type != self.device]
        if there:
            self._on_a_stream(name, args, kwargs, there, host)
        else:
            for tensor, access in host:
                self._on_the_host(tensor, access, name)
        return None

    def _on_a_stream(self, name: str, args: Any, kwargs: Any, there: list[Any], host: list[Any]) -> None:
        stream = self.current()
        is_copy = name in _COPIES and bool(host)
        asynchronous = is_copy and bool(kwargs.get("non_blocking") or (name == "copy_" and args[2:3] == (True,)))
        if asynchronous:
            there = there + [(tensor, access) for tensor, access in host if access.writes or self.is_pinned(tensor)]
        accesses = [(self._place(tensor), access) for tensor, access in there]
        self.streams.run(stream, accesses, self._site(), name)
        if name in _WAITS or (is_copy and not asynchronous):
            self.streams.host_waits_for_stream(stream)

    def _on_the_host(self, tensor: Any, access: Access, name: str) -> None:
        place = self._place(tensor)
        if self.streams.is_used_by_streams(place):
            self.streams.look_at(place, access, self._site(), name)

    def read_by_host(self, tensor: Any) -> None:
        """Without an operation: `tolist`, `numpy`."""
        access = _access(tensor, writes=False, is_partial=False)
        if access is not None and tensor.device.type != self.device:
            self._on_the_host(tensor, access, "read by the host")

    def _uses(self, schema: Any, name: str, args: Any, kwargs: Any, made: Any) -> Iterator[tuple[Any, Access]]:
        partial = name.startswith(_BY_INDEX)
        reads = not (name in _READS_NOTHING or name.startswith("new_") or name.endswith("_like"))
        named = [(argument, kwargs[argument.name]) for argument in schema.arguments if argument.name in kwargs]
        for argument, value in [*zip(schema.arguments, args, strict=False), *named]:
            alias = argument.alias_info
            writes = alias is not None and alias.is_write
            if writes or (reads and alias is None):
                yield from self._accesses(value, writes, partial)
        results = made if isinstance(made, (tuple, list)) and len(schema.returns) != 1 else (made,)
        for declared, value in zip(schema.returns, results, strict=False):
            if declared.alias_info is None and name not in _READS_NOTHING:
                yield from self._accesses(value, True, False)

    def _accesses(self, value: Any, writes: bool, partial: bool) -> Iterator[tuple[Any, Access]]:
        for tensor in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(tensor, self.torch.Tensor):
                access = _access(tensor, writes, partial)
                if access is not None:
                    yield tensor, access

    def _handle(self, stream: Any) -> int:
        if hasattr(stream, "cuda_stream") or self.module is None or not hasattr(stream, "stream_id"):
            return int(getattr(stream, "cuda_stream", id(stream)))
        whole = self.module.Stream(
            stream_id=stream.stream_id, device_index=stream.device_index, device_type=stream.device_type
        )
        return int(whole.cuda_stream)

    def _place(self, tensor: Any) -> int:
        """On a device whose allocator tells of what is given back: where it begins. Else which of all storages it is:
        another may come to lie at the same place."""
        storage = tensor.untyped_storage()
        if tensor.device.type == "cuda":
            return int(storage.data_ptr())
        number = int(storage._cdata)
        known = self.lives.get(number)
        if known is None or known[0].expired():
            if len(self.lives) > MOST_MEMORIES:
                self.lives.clear()
            self.count -= 1
            known = self.lives[number] = (self.weak(storage), self.count)
        return known[1]

    def _site(self) -> str:
        frame: Any = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename.startswith((self.folder, _OURS, "<")):
            frame = frame.f_back
        if frame is None:
            return "?"
        key = (frame.f_code, frame.f_lineno)
        if key not in self.places:
            self.places[key] = place_of(frame)
        return self.places[key]

    def state(self) -> list[dict[str, Any]]:
        return [
            {
                "earlier": race.earlier.site, "later": race.later.site, "freed": race.freed, "sure": race.is_sure,
                "host": race.is_of_the_host, "earlier_writes": race.earlier.access.writes,
                "later_writes": race.later.access.writes,
                "operations": [race.earlier.operation, race.later.operation],
            }
            for race in list(self.streams.races.values())
        ]  # fmt: skip


def _access(tensor: Any, writes: bool, is_partial: bool) -> Access | None:
    """The bytes of its storage from the first to the last of its own; None for an empty one."""
    if not tensor.numel():
        return None
    size = int(tensor.element_size())
    begin = int(tensor.storage_offset()) * size
    last = sum((int(length) - 1) * int(step) for length, step in zip(tensor.shape, tensor.stride(), strict=True))
    spread = [(int(length), int(step)) for length, step in zip(tensor.shape, tensor.stride(), strict=True) if step]
    is_dense = math.prod(length for length, _ in spread) == last + 1
    layout = () if is_dense else tuple(number for pair in spread for number in pair)
    return Access(begin, begin + (last + 1) * size, writes, is_partial, layout)
