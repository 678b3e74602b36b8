"""What a finding about a C function that lends asks a traced run to watch.

The block names the finding's function (`scope`), the function that lends (`acquire`, with `return` or the argument that
points to where it writes, `arg1`, `arg2` …), those that take back (`release`, with the argument) and, for a member, the
owner's clean-up (`leave`) and, after the first, who lends its siblings. The options say that it is for the ledger
(`native`), on which `line` the loan is made, and where `within` a struct lent by value its pointer stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from llmlint.calls import call_path
from llmlint.protocols import Protocol
from llmlint.runtime.block import Block, Target

_NAME = re.compile(r"[A-Za-z]\w{0,127}", re.ASCII)
_NEEDED_BY_THE_LEDGER = frozenset(
    "malloc calloc realloc aligned_alloc posix_memalign strdup free mmap munmap open close unlink readlink realpath "
    "access write fstat posix_fallocate dlopen dlsym dlclose dlerror dladdr dladdr1 dl_iterate_phdr getenv getpid "
    "getrlimit clock_gettime sched_yield syscall snprintf strcpy stpcpy strcmp strlen memcpy memset "
    "pthread_atfork fork exit".split()
)
"""What it calls itself, or what is called so often that a sanitizer is the better witness."""

_OPERATORS = frozenset({"new", "delete"})


def is_watchable(name: str) -> bool:
    """A plain C function that a library may stand in for."""
    return _NAME.fullmatch(name) is not None and name not in _NEEDED_BY_THE_LEDGER | _OPERATORS


def native_block(
    scope: Target,
    callee: str,
    protocol: Protocol,
    line: int,
    clean_up: Target | None = None,
    siblings: Iterable[tuple[str, Protocol]] = (),
    held: int = 1,
) -> dict[str, Any]:
    """The runtime block as data, empty where the ledger cannot watch the call. `held` is how many make a leak: one
    that is never given back may also be kept for as long as the program runs."""
    lending = _lending(callee, protocol)
    if not lending:
        return {}
    beside = [target for name, kind in siblings if kind.within == protocol.within for target in _lending(name, kind)]
    targets = tuple(dict.fromkeys((scope, *lending, *beside, *([clean_up] if clean_up else []))))
    options: dict[str, str | int | bool | list[str]] = {"native": True, "line": line}
    if protocol.within:
        options["within"] = protocol.within
    needs = {"held": held} if held > 1 else {}
    return {"runtime": Block(targets, needs=needs, options=options).plain()}


def _lending(callee: str, protocol: Protocol) -> list[Target]:
    """Who lends and who takes back; nothing where a library cannot stand in for both."""
    lends = call_path(callee).removeprefix("std.")
    plain = dict.fromkeys(call.lstrip("=").removeprefix("std.") for call in protocol.leave)
    at, takes = dict(protocol.taken_at), [name for name in plain if is_watchable(name)]
    by_result, by_argument = (
        protocol.held == "result" and not protocol.out,
        protocol.held == "argument" and protocol.out,
    )
    if not (by_result or by_argument) or protocol.collected or not is_watchable(lends) or not takes:
        return []
    given = [Target(name, "release", entity=f"arg{at.get(name, 1)}") for name in takes]
    return [Target(lends, "acquire", entity=f"arg{protocol.out}" if protocol.out else "return"), *given]
