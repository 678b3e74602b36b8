"""Logs of torch's check for waits (`torch.cuda.set_sync_debug_mode`), read as evidence that a step waits for a device.

vLLM's `VLLM_GPU_SYNC_CHECK` arms it around each step, once the engine is warm, and raises where something waits. Where
torch alone warns, nothing says in what the wait stood, and Python prints one warning of a line however often it came.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from llmlint.findings import Finding, Verdict
from llmlint.plain import counted
from llmlint.runtime.frames import same_file

_WAITED = "called a synchronizing CUDA operation"
_REFUSED = "GPU<->CPU sync detected"
"""What vLLM's check makes of it, and says of copies from pageable memory, which torch's own does not see."""
_WARNED = re.compile(rf"(?P<file>[^\s:]+\.py):(?P<line>\d+): UserWarning: {_WAITED}")
_FRAME = re.compile(r"\bFile \"(?P<file>[^\"]+)\", line (?P<line>\d+), in ")
_BEGINS = "Traceback (most recent call last)"
_CHAINED = "direct cause of the following exception"
_OF_TORCH = re.compile(r"(?:site|dist)-packages/torch/|/warnings\.py$")
_OFTEN = 8
"""As many calls that wait make the probe of LLM602 sure."""
_CAUSE = "sync-in-hot-path"


class Wait(msgspec.Struct, frozen=True):
    """A line that waited for the device. `stopped`: a check that a step ran under has raised there."""

    file: str
    line: int
    stopped: bool


def read_log(text: str) -> list[Wait]:
    """All waits that a log tells of, whatever a logger has put before its lines."""
    found: list[Wait] = []
    frames: list[tuple[str, int]] = []
    is_chained = False
    for line in text.splitlines():
        warned, frame = _WARNED.search(line), _FRAME.search(line)
        if warned is not None:
            found.append(Wait(warned["file"], int(warned["line"]), False))
        elif frame is not None:
            frames.append((frame["file"], int(frame["line"])))
        elif _BEGINS in line:
            frames = []
        elif _CHAINED in line:
            is_chained = True
        elif "Error: " in line:
            if _WAITED in line or (_REFUSED in line and not is_chained):
                found.extend(Wait(*at, True) for at in _own(frames, _REFUSED in line)[-1:])
            frames, is_chained = [], False
    return found


def _own(frames: list[tuple[str, int]], is_of_check: bool) -> list[tuple[str, int]]:
    """Those outside of torch, and of the check itself, which raises where it is told of the wait."""
    check = frames[-1][0] if frames and is_of_check else ""
    return [at for at in frames if at[0] != check and not _OF_TORCH.search(at[0])]


def with_waits(
    findings: Sequence[Finding], waits: Sequence[Wait], logs: Sequence[str]
) -> tuple[list[Finding], list[str]]:
    """The findings with what the logs show of them, and the lines that waited and that none of them is about."""
    judged = [_judged(finding, [w for w in waits if _is_at(finding, w)], logs) for finding in findings]
    unknown = (w for w in waits if not any(_is_at(finding, w) for finding in findings))
    return judged, list(dict.fromkeys(f"{wait.file}:{wait.line}" for wait in unknown))


def _is_at(finding: Finding, wait: Wait) -> bool:
    is_in_it = finding.line <= wait.line <= max(finding.line, finding.end_line)
    return _CAUSE in finding.causes and is_in_it and same_file(finding.path, wait.file)


def _judged(finding: Finding, seen: Sequence[Wait], logs: Sequence[str]) -> Finding:
    if not seen:
        return finding
    is_sure = any(wait.stopped for wait in seen) or len(seen) >= _OFTEN
    summary = (
        f"torch's check for waits saw this line wait for the device, {counted(len(seen), 'time')}"
        if is_sure
        else "torch warned of a wait here; in what it stood, and how often it came, the log does not say"
    )
    verdict = Verdict("confirmed" if is_sure else "suspicious", summary, _told(seen), tuple(logs))
    if not is_sure:
        return msgspec.structs.replace(finding, verdict=verdict)
    reason = "seen by torch's check for waits"
    return msgspec.structs.replace(finding, verdict=verdict, confidence="certain", confidence_reason=reason)


def _told(seen: Iterable[Wait]) -> tuple[str, ...]:
    places = Counter(f"{wait.file}:{wait.line}" for wait in seen)
    return tuple(f"{place} waited, {counted(times, 'time')}" for place, times in places.items())
