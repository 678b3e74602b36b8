"""Which functions, at which lines, the addresses of a ledger lie in: asked of addr2line, one call a module."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator

from llmlint.dynamic.native.read import Ledger, Site
from llmlint.runtime.frames import Frame

PATIENCE = 120

Places = dict[tuple[str, int], tuple[Frame, ...]]
"""The frames at a call, the innermost first where functions were inlined; none where nothing tells."""


def places_of(ledgers: Iterable[Ledger]) -> Places:
    """An unknown file is "" and an unknown line 0, where the module has names of functions but no debug information."""
    wanted: dict[str, set[int]] = {}
    for ledger in ledgers:
        for site in (*ledger.sites, *ledger.way_out):
            if _is_the_same(site, ledger):
                wanted.setdefault(site.module, set()).add(site.address)
    found: Places = {}
    for module, addresses in wanted.items():
        for address, frames in _asked(module, sorted(addresses)):
            found[module, address] = frames
    return found


def _tool() -> str | None:
    return shutil.which("addr2line") or shutil.which("llvm-addr2line")


def can_ask() -> bool:
    return _tool() is not None


def _is_the_same(site: Site, ledger: Ledger) -> bool:
    """A module that was built anew since the run has other things at these addresses."""
    try:
        return bool(site.module) and os.stat(site.module).st_mtime <= ledger.started + 1
    except OSError:
        return False


def _asked(module: str, addresses: list[int]) -> Iterator[tuple[int, tuple[Frame, ...]]]:
    """The addresses are where calls return to, so the call itself ends one byte before."""
    tool = _tool()
    if tool is None:
        return
    asked = "\n".join(hex(address - 1) for address in addresses)
    command = [tool, "-a", "-f", "-C", "-i", "-e", module]
    try:
        done = subprocess.run(command, input=asked, capture_output=True, text=True, errors="replace", timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return
    groups: list[list[str]] = []
    for line in done.stdout.splitlines():
        if line.startswith("0x"):
            groups.append([line])
        elif groups:
            groups[-1].append(line)
    for group in groups:
        frames = (_frame(name, place) for name, place in zip(group[1::2], group[2::2], strict=False))
        yield int(group[0], 16) + 1, tuple(frame for frame in frames if frame.function)


def _frame(name: str, place: str) -> Frame:
    file, _, line = place.partition(" (discriminator")[0].rpartition(":")
    known = line.isdigit() and not file.startswith("?")
    return Frame("" if name.startswith("?") else name, file if known else "", int(line) if known else 0)
