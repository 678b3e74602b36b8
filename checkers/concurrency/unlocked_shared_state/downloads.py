"""A download into a shared folder, done by each process of a group, that takes a file lock elsewhere and none here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.locks import Locks
from llmlint.code.domain.state import place_of, symbol_of
from llmlint.code.link.program import Call, Program
from llmlint.findings import Report

_LOCKS_ITSELF = "huggingface_hub."
_TOOL = re.compile(r"(^|/|_)(bench\w*|examples?|tools|args?|scripts?|tests?)(/|_|\.py$)")


def unlocked_downloads(program: Program, locks: Locks) -> Iterator[Report]:
    """Only calls of libraries: what the program downloads by a function of its own may take the lock in there."""
    for name in sorted(program.call_names):
        if "download" not in name or not program.asked.calls(name):
            continue
        calls = [call for call in program.calls_named(name) if _library_of(program, call)]
        locked = [call for call in calls if _is_locked(call, locks)]
        for call in calls if locked else ():
            if (
                call.function in program.asked
                and call not in locked
                and not _library_of(program, call).startswith(_LOCKS_ITSELF)
                and not _is_offline(call)
            ):
                yield _report(program, call, name, locked)


def _library_of(program: Program, call: Call) -> str:
    """The full name of what is called, when it is imported from outside of the program."""
    resolved = program.resolve(call.function, call.effect.callee)
    return "" if "." not in resolved or "(" in resolved or program.callees(*call) else resolved


def _is_locked(call: Call, locks: Locks) -> bool:
    return bool(locks.held(*call))


def _is_offline(call: Call) -> bool:
    """Does the function assert that nothing is downloaded, and so only look into the folder?"""
    asserts = (effect for effect in call.function.effects if effect.op == "assert" and effect.line < call.effect.line)
    return any("offline" in path.lower() for effect in asserts for path in effect.reads)


def _is_a_tool(call: Call) -> bool:
    """Is it run by hand or while the arguments are read, by one process?"""
    name = call.function.name
    return name.endswith("main") or name == "<module>" or _TOOL.search(call.function.path.lower()) is not None


def _report(program: Program, call: Call, name: str, locked: list[Call]) -> Report:
    return Report(
        place_of(*call),
        symbol_of(call.function),
        f"{name} is called without the file lock that is taken around it in {locked[0].function.name}: processes that "
        "start together download the same files into the same folder",
        (
            program.step(*call, f"{call.function.name} calls it with no lock"),
            *(program.step(*other, f"{other.function.name} calls it under a lock") for other in locked),
        ),
        confidence="low" if _is_a_tool(call) else "medium",
        reason=f"{len(locked)} of the calls are under a lock",
        subject=name,
        fix="take the same file lock around it, and look inside the lock whether the files are there",
    )
