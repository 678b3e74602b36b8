"""Types as written, Python annotations and C++ declarations alike: which class names may be meant."""

from __future__ import annotations

import re
from functools import lru_cache

_NAME = re.compile(r"[A-Za-z_][\w.]*")
_WRAPPERS = frozenset(
    "Optional Union ClassVar Final Annotated Type type const volatile static mutable struct class unique_ptr "
    "shared_ptr weak_ptr optional std reference_wrapper None atomic".split()
)
_CONTAINERS = frozenset(
    "list List dict Dict set Set deque Deque tuple Tuple Sequence Iterable Mapping MutableMapping defaultdict "
    "OrderedDict Iterator AsyncGenerator vector map unordered_map queue array pair Callable".split()
)


@lru_cache(maxsize=65536)
def type_names(text: str) -> tuple[str, ...]:
    """`Optional["Pool"]` and `std::unique_ptr<Pool>` as ("Pool",); a container's element is not its type."""
    found = []
    for match in _NAME.finditer(text.replace("::", ".").replace("std.", "")):
        name = match[0]
        if name.rsplit(".", 1)[-1] in _CONTAINERS:
            break
        if name.rsplit(".", 1)[-1] not in _WRAPPERS:
            found.append(name)
    return tuple(found)


@lru_cache(maxsize=65536)
def element_type(text: str) -> str:
    """The type of what a container holds: the last argument of `dict[str, Slot]` or `std::vector<Slot>`."""
    opening = min((at for at in (text.find("["), text.find("<")) if at >= 0), default=-1)
    inner = text[opening + 1 :].rstrip(" ]>*&") if opening >= 0 else ""
    depth, start = 0, 0
    for at, character in enumerate(inner):
        if character in "[<(":
            depth += 1
        elif character in "]>)":
            depth -= 1
        elif character == "," and depth == 0:
            start = at + 1
    return inner[start:].strip()
