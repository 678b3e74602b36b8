"""How long calls of a process group may wait: what its back ends were told, less what the environment takes back.

Gloo keeps its own limit. NCCL has none: torch's watchdog ends its calls, or `wait` does, and both can be switched off
(torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp says by which variables). Of other back ends nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ENDLESS = 86_400.0
"""Seconds from which on a limit is none: nobody waits for a day."""

_BLOCKING_WAIT = ("TORCH_NCCL_BLOCKING_WAIT", "NCCL_BLOCKING_WAIT")
_ERROR_HANDLING = ("TORCH_NCCL_ASYNC_ERROR_HANDLING", "NCCL_ASYNC_ERROR_HANDLING")
_DESYNC_DEBUG = ("TORCH_NCCL_DESYNC_DEBUG", "NCCL_DESYNC_DEBUG")
_YES = frozenset(("y", "yes", "1", "t", "true"))

Limit = dict[str, Any]
"""`backend`; `seconds`, None where nothing ends a call; `why` that is so."""


def limits_of(group: Any, environ: Mapping[str, str]) -> list[Limit]:
    """One for each back end of a group of torch's; none for what is no such group."""
    found: list[Limit] = []
    for device in getattr(group, "_device_types", ()):
        backend = group._get_backend(device)
        backend = getattr(backend, "wrapped_pg", backend)  # as TORCH_DISTRIBUTED_DEBUG=DETAIL has it
        timeout = getattr(getattr(backend, "options", None), "_timeout", None)
        limit = limit_of(str(backend.name()).lower(), timeout, environ)
        if limit is not None and limit not in found:
            found.append(limit)
    return found


def limit_of(backend: str, timeout: Any, environ: Mapping[str, str]) -> Limit | None:
    """None where it is not known whether the back end keeps to a limit."""
    if timeout is None or backend not in ("gloo", "nccl"):
        return None
    seconds, off = timeout.total_seconds(), ""
    if backend == "nccl":
        off = _switched_off(environ)
    if not off and seconds >= ENDLESS:
        off = f"its limit is {said(seconds)}"
    return {"backend": backend, "seconds": None if off else seconds, "why": off}


def said(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < ENDLESS else f"{seconds / ENDLESS:g} days"


def _switched_off(environ: Mapping[str, str]) -> str:
    """The variable by which nothing ends a call of NCCL, "" where something does."""
    if _asked(environ, _BLOCKING_WAIT).lower() in _YES:
        return ""  # `wait` keeps to the limit, in the thread that calls it
    desync = _asked(environ, _DESYNC_DEBUG).lower() in _YES
    if desync or environ.get("TORCH_DISTRIBUTED_DEBUG", "").upper() == "DETAIL":
        return ""  # both of which switch the handling of errors on again
    name = next((name for name in _ERROR_HANDLING if name in environ), "")
    return f"{name}=0 lets no call be ended" if name and environ[name].strip() == "0" else ""


def _asked(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environ[name] for name in names if name in environ), "")
