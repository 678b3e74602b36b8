"""What a program does with its own functions and arguments beside calling them: it marshals, pickles and deletes."""

from __future__ import annotations

import marshal
import sys
import weakref
from collections.abc import Callable
from importlib import util

import cloudpickle


class Tensor:
    """Something big that one wants to be rid of."""


class Cache:
    """Keeps one entry a key; `update` may be traced into a graph."""

    def __init__(self) -> None:
        self.entries: dict[str, int] = {}

    def put(self, key: str, value: int) -> int:
        digest = key.upper()
        self.entries[digest] = value
        return value

    def update(self, x: object) -> object:
        y = x * 2  # type: ignore[operator]
        return y


def offload(tensor: Tensor, is_there: Callable[[], object]) -> str:
    del tensor
    return "kept" if is_there() else "gone"


def dropped() -> str:
    held = [Tensor()]
    is_there = weakref.ref(held[0])
    return offload(held.pop(), is_there)


def elsewhere(pickled: bytes) -> int:
    """As in a process that has no tracer."""
    import builtins

    kept = builtins.__dict__.pop("__llmlint_stations__", None)
    try:
        put = cloudpickle.loads(pickled)
        found: int = put(Cache(), "k", 7)
        return found
    finally:
        if kept is not None:
            builtins.__dict__["__llmlint_stations__"] = kept


def is_lazy() -> str:
    spec = util.find_spec("main_later")
    assert spec is not None and spec.loader is not None
    spec.loader = util.LazyLoader(spec.loader)
    module = util.module_from_spec(spec)
    sys.modules["main_later"] = module
    spec.loader.exec_module(module)
    import time

    time.sleep(0.3)
    print("before its first use")
    return str(module.later(3))


def main() -> None:
    marshal.dumps(Cache.put.__code__)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    print(elsewhere(cloudpickle.dumps(Cache.put)), len(cloudpickle.dumps(Cache)) > 100)
    print(dropped())
    print(is_lazy())
