"""Where the host waits for the device: methods of tensors that bring a value to the host, by the line that calls.

The methods are replaced on `torch.Tensor` while somebody watches. A call counts only where the tensor is on the device;
of a finding's own line it is also counted how often the tensor was on the host. Functions of the module `torch` are
left alone, as compilers know them by identity; of those torch's own debug mode tells where there is a device.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from _thread import get_ident
from collections.abc import Callable
from functools import wraps
from types import CodeType, FrameType
from typing import Any

from .steps import STEPS
from .tensors import place_of

VALUE = (
    "item", "tolist", "cpu", "numpy", "nonzero", "unique", "unique_consecutive", "masked_select", "equal", "allclose",
    "is_nonzero", "__bool__", "__int__", "__float__", "__complex__", "__index__", "__contains__", "__repr__",
    "__format__",
)  # fmt: skip
"""The host needs a value, or the size of what comes: it waits whatever else is given."""
MASKS = ("__getitem__", "__setitem__")
"""It waits for how many a mask lets through."""
COPIES = ("to", "cuda", "copy_")
"""It waits where one side is the host, but for copies that are not to be waited for."""
EXPLICIT = {"Event": ("synchronize",), "Stream": ("synchronize",)}

WAIT, UNPINNED = "wait", "unpinned copy"

_NO_MASKS = frozenset((int, slice, type(None), type(...)))
MOST_SITES = 512
CALLERS = 6
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Wait:
    """One line that waits, as one caller reaches it."""

    __slots__ = (
        "callers",
        "count",
        "in_steps",
        "kind",
        "last_step",
        "longest",
        "name",
        "operation",
        "seconds",
        "steps",
    )

    def __init__(self, name: str, callers: list[str], operation: str, kind: str) -> None:
        self.name = name
        self.callers = callers
        self.operation = operation
        self.kind = kind
        self.count = self.in_steps = self.steps = 0
        self.last_step = -1
        self.seconds = self.longest = 0.0

    def add(self, seconds: float) -> None:
        self.count += 1
        self.seconds += seconds
        self.longest = max(self.longest, seconds)
        if STEPS.under_way:
            self.in_steps += 1
            if STEPS.count != self.last_step:
                self.last_step = STEPS.count
                self.steps += 1


class Line:
    """A line that a finding speaks of: what happened at it."""

    def __init__(self, lines: range) -> None:
        self.lines = lines
        self.waits = self.unpinned = self.on_host = 0
        self.seconds = 0.0


Key = tuple[CodeType, int, str, str, "CodeType | None", int]


class Syncs:
    """One for a process."""

    def __init__(self) -> None:
        self.sites: dict[Key, Wait] = {}
        self.lines: dict[int, tuple[CodeType, list[Line]]] = {}
        """By the id of a code object, which is kept so that no other gets its id."""
        self.kind = ""
        self.device_seen = False
        """Whether any tensor of the device came by at all."""
        self.inside: set[int] = set()
        """Threads within a method that is counted: what it calls itself is no wait of its own."""
        self.replaced: list[tuple[type, str, Any, Any]] = []
        self.users = 0
        self.readers: list[Callable[[Any], None]] = []
        """Who wants to be told of tensors of the host whose values are asked for."""
        self.folder = ""
        self.asks_of_the_host = False
        self.mask: Any = None
        """The type of a mask's elements."""
        self.compiling: Callable[[], bool] = lambda: False
        """A compiler that reads a program reads these functions too, and knows the answer to this one question."""
        self.left_out = 0
        self.listening: SyncWarnings | None = None

    # ------------------------------------------------------------ coming and going

    def begin(self, torch: Any, kind: str) -> None:
        """For one more user; only the first has anything to do."""
        self.users += 1
        if self.replaced or torch is None:
            return
        self.kind, self.folder = kind, os.path.dirname(str(torch.__file__))
        self.compiling = getattr(getattr(torch, "compiler", None), "is_dynamo_compiling", None) or self.compiling
        self.mask = getattr(torch, "bool", None)
        tensor = torch.Tensor
        for name in VALUE:
            self._replace(tensor, name, self._always)
        for name in MASKS:
            self._replace(tensor, name, self._masked)
        for name in COPIES:
            self._replace(tensor, name, self._copied)
        for owner, names in EXPLICIT.items():
            for name in names:
                self._replace(getattr(getattr(torch, kind, None), owner, None), name, self._explicit)

    def end(self) -> None:
        self.users -= 1
        if self.users > 0:
            return
        for owner, name, wrapper, own in self.replaced:
            if owner.__dict__.get(name) is wrapper:
                if own is None:
                    delattr(owner, name)
                else:
                    setattr(owner, name, own)
        self.replaced.clear()
        if self.listening is not None:
            self.listening.stop()
            self.listening = None

    def forget(self) -> None:
        """In a forked child: what was seen is the parent's to tell."""
        self.sites.clear()
        self.inside.clear()

    def _replace(self, owner: Any, name: str, made: Callable[[Any, str], Any]) -> None:
        original = getattr(owner, name, None)
        if original is None:
            return
        wrapper = wraps(original)(made(original, name))
        self.replaced.append((owner, name, wrapper, owner.__dict__.get(name)))
        setattr(owner, name, wrapper)

    # ------------------------------------------------------------ in place of the methods

    def _always(self, original: Any, name: str) -> Any:
        compiling, is_there, timed = self.compiling, self.is_there, self._timed

        def called(tensor: Any, /, *args: Any, **kwargs: Any) -> Any:
            if compiling():
                return original(tensor, *args, **kwargs)
            if is_there(tensor):
                return timed(sys._getframe(1), original, name, WAIT, (tensor, *args), kwargs)
            if self.asks_of_the_host:
                self._on_host(sys._getframe(1), tensor)
            return original(tensor, *args, **kwargs)

        return called

    def _masked(self, original: Any, name: str) -> Any:
        compiling, timed, mask = self.compiling, self._timed, self.mask

        def called(tensor: Any, index: Any, /, *value: Any) -> Any:
            if type(index) in _NO_MASKS or compiling():
                return original(tensor, index, *value)
            parts = index if type(index) is tuple else (index,)
            if not any(getattr(part, "dtype", None) is mask and self.is_there(part) for part in parts):
                return original(tensor, index, *value)
            if value and not getattr(value[0], "shape", ()):  # one value for all is filled in by the device
                return original(tensor, index, *value)
            return timed(sys._getframe(1), original, name, WAIT, (tensor, index, *value), {})

        return called

    def _copied(self, original: Any, name: str) -> Any:
        compiling, timed = self.compiling, self._timed

        def called(tensor: Any, /, *args: Any, **kwargs: Any) -> Any:
            if compiling():
                return original(tensor, *args, **kwargs)
            try:
                kind = self._kind_of_copy(tensor, name, args, kwargs)
            except Exception:  # whatever it is given, the call itself has to say what is wrong with it
                self.left_out += 1
                kind = ""
            if kind:
                return timed(sys._getframe(1), original, name, kind, (tensor, *args), kwargs)
            if self.asks_of_the_host:
                self._on_host(sys._getframe(1), None)
            return original(tensor, *args, **kwargs)

        return called

    def _explicit(self, original: Any, name: str) -> Any:
        compiling, timed = self.compiling, self._timed

        def called(subject: Any, /, *args: Any, **kwargs: Any) -> Any:
            if compiling():
                return original(subject, *args, **kwargs)
            return timed(sys._getframe(1), original, name, WAIT, (subject, *args), kwargs)

        return called

    def is_there(self, value: Any) -> bool:
        """Is it a tensor on the device, and not one that only stands for it while a program is read by a compiler?"""
        device = getattr(value, "device", None)
        if device is None or getattr(device, "type", "") != self.kind or type(value).__name__ == "FakeTensor":
            return False
        self.device_seen = True
        return True

    def _kind_of_copy(self, tensor: Any, name: str, args: tuple[Any, ...], kwargs: Any) -> str:
        source, target = (args[0], tensor) if name == "copy_" and args else (tensor, None)
        from_device = self.is_there(source)
        to_device = self.is_there(target) if target is not None else self._target(name, args, kwargs, from_device)
        if from_device == to_device:
            return ""
        waits_not = kwargs.get("non_blocking", any(arg is True for arg in args[1:2]))
        if not waits_not:
            return WAIT
        if from_device or not getattr(source, "numel", lambda: 0)():
            return ""  # what comes to the host is pinned on the way
        return "" if source.is_pinned() else UNPINNED

    def _target(self, name: str, args: tuple[Any, ...], kwargs: Any, from_device: bool) -> bool:
        if name == "cuda":
            return self.kind == "cuda"
        wanted = kwargs.get("device", args[0] if args else None)
        if hasattr(wanted, "device"):  # another tensor, whose place it is to have
            return self.is_there(wanted)
        if isinstance(wanted, int) and not isinstance(wanted, bool):
            return self.kind == "cuda"
        said = str(wanted) if isinstance(wanted, str) or _is_device(wanted) else ""
        return said.partition(":")[0] == self.kind if said else from_device

    # ------------------------------------------------------------ what is counted

    def _timed(self, frame: FrameType, original: Any, name: str, kind: str, args: Any, kwargs: Any) -> Any:
        thread = get_ident()
        if thread in self.inside:
            return original(*args, **kwargs)
        self.inside.add(thread)
        began = time.perf_counter()
        try:
            return original(*args, **kwargs)
        finally:
            self.inside.discard(thread)
            self.note(frame, name, kind, time.perf_counter() - began)

    def note(self, frame: FrameType | None, name: str, kind: str, seconds: float) -> None:
        try:
            self.device_seen = True
            frame = self.outward(frame)
            if frame is None:
                return
            for line in self._lines_at(frame):
                line.waits += kind == WAIT
                line.unpinned += kind == UNPINNED
                line.seconds += seconds
            site = self._site(frame, name, kind)
            if site is not None:
                site.add(seconds)
        except Exception:  # the program's own call has been made, and must end as it did
            self.left_out += 1

    def _site(self, frame: FrameType, name: str, kind: str) -> Wait | None:
        caller = frame.f_back
        key = (frame.f_code, frame.f_lineno, name, kind, caller and caller.f_code, caller.f_lineno if caller else 0)
        found = self.sites.get(key)
        if found is None:
            if len(self.sites) >= MOST_SITES:
                self.left_out += 1
                return None
            found = self.sites[key] = Wait(place_of(frame), list(_callers(caller)), name, kind)
        return found

    def outward(self, frame: FrameType | None) -> FrameType | None:
        """The innermost frame that is neither torch's nor ours."""
        while frame is not None and frame.f_code.co_filename.startswith((self.folder, _OURS)):
            frame = frame.f_back
        return frame

    def _on_host(self, frame: FrameType, tensor: Any) -> None:
        """A value of the host is asked for, or a copy stays where it is: some want to know of that too."""
        try:
            if get_ident() not in self.inside:
                for line in self._lines_at(frame):
                    line.on_host += 1
            for read in self.readers if tensor is not None else ():
                read(tensor)
        except Exception:  # the program's own call is still to be made
            self.left_out += 1

    def tell(self, read: Callable[[Any], None]) -> None:
        self.readers.append(read)
        self.asks_of_the_host = True

    def _lines_at(self, frame: FrameType) -> list[Line]:
        found = self.lines.get(id(frame.f_code))
        return [line for line in found[1] if frame.f_lineno in line.lines] if found is not None else []

    def watch(self, code: CodeType, line: Line) -> None:
        self.asks_of_the_host = True
        found = self.lines.setdefault(id(code), (code, []))[1]
        if line not in found:
            found.append(line)

    # ------------------------------------------------------------ the device's own word

    def listen(self, torch: Any) -> None:
        """Once there is a device: torch itself tells of waits that no method of a tensor stands for."""
        module = getattr(torch, "cuda", None)
        if self.listening is not None or self.kind != "cuda" or module is None or not module.is_initialized():
            return
        self.listening = SyncWarnings(self)
        if int(module.get_sync_debug_mode()) == 0:  # else somebody has it on already, for purposes of their own
            self.listening.begin(module)

    def state(self) -> list[dict[str, Any]]:
        """Of each line that waited, those first that took longest."""
        most = sorted(self.sites.values(), key=lambda site: -site.seconds)[:64]
        return [
            {
                "place": site.name, "callers": site.callers, "operation": site.operation, "kind": site.kind,
                "count": site.count, "in_steps": site.in_steps, "steps": site.steps,
                "milliseconds": round(1000 * site.seconds, 3), "longest": round(1000 * site.longest, 3),
            }
            for site in most
        ]  # fmt: skip


def _is_device(value: Any) -> bool:
    return hasattr(value, "index") and hasattr(value, "type")


def _callers(frame: FrameType | None) -> Any:
    for _ in range(CALLERS):
        if frame is None:
            return
        yield place_of(frame)
        frame = frame.f_back


class SyncWarnings:
    """torch's debug mode for waits warns of each; the warnings are taken as records, and shown to nobody."""

    MESSAGE = "called a synchronizing CUDA operation"

    def __init__(self, syncs: Syncs) -> None:
        self.syncs = syncs
        self.module: Any = None
        self.previous: Any = None
        self.filter: Any = None

    def begin(self, module: Any) -> None:
        self.module = module
        self.listen()
        module.set_sync_debug_mode("warn")

    def listen(self) -> None:
        self.previous = warnings.showwarning
        warnings.showwarning = self._show
        warnings.filterwarnings("always", message=self.MESSAGE)
        self.filter = warnings.filters[0]

    def stop(self) -> None:
        if self.module is not None:
            self.module.set_sync_debug_mode("default")
        if warnings.showwarning == self._show:
            warnings.showwarning = self.previous
        if self.filter in warnings.filters:
            warnings.filters.remove(self.filter)  # type: ignore[attr-defined]

    def _show(
        self, message: Any, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None
    ) -> None:
        if self.MESSAGE not in str(message):
            self.previous(message, category, filename, lineno, file, line)
        elif get_ident() not in self.syncs.inside:
            frame: FrameType | None = sys._getframe(1)
            while frame is not None and frame.f_code.co_filename == warnings.__file__:
                frame = frame.f_back
            self.syncs.note(frame, "torch's debug mode", WAIT, 0.0)


SYNCS = Syncs()


_CANARY = """
class Tensor:
    def __init__(self, place):
        self.device = type("Device", (), {"type": place})()
    def item(self):
        return int(self)
    def __int__(self):
        return 7
class Torch:
    __file__ = "/nowhere/torch/__init__.py"
    Tensor = Tensor
def ask():
    return [Tensor("cuda").item(), Tensor("cpu").item()]
"""


def sees_a_wait() -> bool:
    """One value is asked of what looks like a tensor on the device, and one of what looks like one on the host."""
    names: dict[str, Any] = {"__name__": "canary"}
    exec(compile(_CANARY, "<canary>", "exec"), names)
    syncs = Syncs()
    syncs.begin(names["Torch"], "cuda")
    try:
        answers = names["ask"]()
    finally:
        syncs.end()
    found = [(site.operation, site.count) for site in syncs.sites.values()]
    return bool(answers == [7, 7] and found == [("item", 1)] and names["ask"]() == [7, 7] and syncs.device_seen)
