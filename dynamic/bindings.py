"""What the names of a plan are bound to in a process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any


def resolve(module: ModuleType, qualname: str) -> tuple[type | None, object] | None:
    """What a qualname is bound to, and the class that it is bound in."""
    owner: Any = None
    place: Any = module.__dict__
    found: object = None
    for part in qualname.split("."):
        if part in place:
            found = place[part]
        elif owner is not None:
            base = next((base for base in owner.__mro__ if part in base.__dict__), None)
            if base is None or base is object:
                return None
            found = base.__dict__[part]
        else:
            return None
        last_owner = owner
        owner = found if isinstance(found, type) else None
        place = found.__dict__ if isinstance(found, type) else {}
    return last_owner, found


def subclasses(base: type) -> Iterator[type]:
    direct: list[type] = type.__subclasses__(base)
    for sub in direct:
        yield sub
        yield from subclasses(sub)


def waits_for_its_first_use(module: ModuleType) -> bool:
    """Any look at an attribute of such a module would load it."""
    util = sys.modules.get("importlib.util")
    return util is not None and issubclass(type(module), util._LazyModule)


def may_be_compiled(holder: object, owner: type | None, name: str) -> bool:
    """Whether torch may make a graph of the function, or of what calls it: a call of ours would break the graph."""
    if hasattr(holder, "_torchdynamo_orig_callable"):
        return True
    of_a_module = owner is not None and any(base.__module__ == "torch.nn.modules.module" for base in owner.__mro__)
    return of_a_module and name != "__init__"
