"""The proofs as they are written down, and what a sanitizer said of one."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from llmlint.findings import Finding

HERE = Path(__file__).parent

_ERROR = re.compile(r"ERROR: AddressSanitizer: (?P<kind>[\w-]+)(?: on .*)?$", re.M)
_ACCESS = re.compile(r"^(?P<access>(?:READ|WRITE) of size \d+)", re.M)
_RUNTIME_ERROR = re.compile(r"runtime error: (?P<what>.*)$", re.M)
_FRAME = re.compile(r"^ +#\d+ (?P<address>0x[0-9a-f]+) in (?P<function>.*?) (?P<place>\(?/\S+)$", re.M)


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`program` stands under `programs/`; the finding is known by its fingerprint."""

    program: str
    rule: str
    fingerprint: str
    says: str
    """How sanitizers begin to tell of it."""
    put_in: str
    fix: str
    further_down: bool = False
    """The crash comes further down in the function than the finding's line, where the same value is used again."""


class Frame(msgspec.Struct, frozen=True):
    function: str
    path: str
    line: int


class Crash(msgspec.Struct, frozen=True):
    what: str
    frames: tuple[Frame, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What came of a proof: the finding, if llmlint reports it, and the crash, if there was one."""

    proof: Proof
    finding: Finding | None
    crash: Crash | None
    trouble: str = ""

    @property
    def frame(self) -> Frame | None:
        """Where the crash passes the line that the finding is about."""
        finding = self.finding
        if finding is None or self.crash is None:
            return None
        lines = range(finding.line, sys.maxsize if self.proof.further_down else finding.line + 1)
        inside = (frame for frame in self.crash.frames if _is_in(frame, finding))
        return next((frame for frame in inside if frame.line in lines), None)

    @property
    def holds(self) -> bool:
        return self.frame is not None and self.crash is not None and self.crash.what.startswith(self.proof.says)


def load_proofs(file: Path = HERE / "proofs.toml") -> list[Proof]:
    return msgspec.toml.decode(file.read_bytes(), type=dict[str, list[Proof]])["proof"]


def crash_of(said: str, program: Path | None = None) -> Crash | None:
    """The first error that a sanitizer told of; frames that it gives no line for are looked up in `program`."""
    runtime = _RUNTIME_ERROR.search(said)
    error = _ERROR.search(said)
    if runtime is not None and (error is None or runtime.start() < error.start()):
        what = runtime["what"]
    elif error is not None:
        access = _ACCESS.search(said, error.end())
        what = f"{error['kind']}, {access['access']}" if access else error["kind"]
    else:
        return None
    return Crash(what, tuple(_frames(said, program)))


def _frames(said: str, program: Path | None) -> Iterator[Frame]:
    for match in _FRAME.finditer(said):
        path, _, line = match["place"].partition(":")
        if line:
            yield Frame(_named(match["function"]), path, int(line.partition(":")[0]))
        elif program is not None:
            yield from _looked_up(match["address"], program)


def _looked_up(address: str, program: Path) -> Iterator[Frame]:
    """A function and its place by turns: the innermost first, then what it was inlined into."""
    command = ["addr2line", "-f", "-C", "-i", "-e", str(program), address]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    for function, place in zip(lines[::2], lines[1::2], strict=False):
        path, _, line = place.partition(":")
        number = line.split(" ")[0]
        if number.isdigit():
            yield Frame(_named(function), path, int(number))


def _named(function: str) -> str:
    """`ns::reader::read(int)` is `read`."""
    return function.partition("(")[0].rpartition("::")[2]


def _is_in(frame: Frame, finding: Finding) -> bool:
    return frame.path.endswith(f"/{finding.path}") and frame.function == finding.symbol.rpartition(".")[2]


def table(outcomes: Iterable[Outcome]) -> Iterator[str]:
    yield "| finding | what is put in | sanitizer |"
    yield "| --- | --- | --- |"
    for outcome in outcomes:
        yield f"| {_found(outcome)} | {outcome.proof.put_in} (`{outcome.proof.program}`) | {_seen(outcome)} |"


def _found(outcome: Outcome) -> str:
    finding = outcome.finding
    if finding is None:
        return f"{outcome.proof.rule} {outcome.proof.fingerprint}: not reported"
    place = f"`{finding.path}:{finding.line}`"
    return f"{finding.rule} {finding.confidence} {place} ({finding.fingerprint}): {finding.message}"


def _seen(outcome: Outcome) -> str:
    frame = outcome.frame
    if outcome.crash is None:
        return f"**none**: {outcome.trouble or 'the program ended'}"
    if frame is None:
        return f"**elsewhere**: {outcome.crash.what}"
    doubt = "" if outcome.holds else f"**not as expected ({outcome.proof.says})**: "
    return f"{doubt}{outcome.crash.what}, in `{frame.function}` at line {frame.line}"
