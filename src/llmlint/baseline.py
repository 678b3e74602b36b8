"""Findings that are known: a file of fingerprints that a project keeps, so that only new ones count.

Fingerprints carry no line numbers and no path, so an entry survives edits around it and a move to another file.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import msgspec

from llmlint.findings import Finding, Suppression, Verdict
from llmlint.opening import read_small
from llmlint.writing import write_file

VERSION = 1
_LARGEST = 100_000_000


class BaselineError(ValueError):
    """A baseline that cannot be read; the message names the file."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One known finding. `path` is relative to the baseline's own folder; `reason` is for people to fill in."""

    fingerprint: str
    rule: str
    path: str
    symbol: str = ""
    message: str = ""
    reason: str = ""
    verdict: Verdict | None = None


class Baseline(msgspec.Struct, frozen=True):
    version: int = VERSION
    findings: tuple[Entry, ...] = ()


def read_baseline(file: Path) -> Baseline:
    try:
        baseline = msgspec.json.decode(read_small(file, _LARGEST), type=Baseline)
    except OSError as error:
        raise BaselineError(f"{file}: {error.strerror or error}") from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BaselineError(f"{file}: not a baseline ({error})") from error
    if baseline.version != VERSION:
        raise BaselineError(f"{file}: baseline version {baseline.version} is not known, only {VERSION} is")
    return baseline


def write_baseline(file: Path, baseline: Baseline) -> None:
    ordered = sorted(baseline.findings, key=lambda entry: (entry.path, entry.rule, entry.fingerprint))
    text = msgspec.json.format(msgspec.json.encode(Baseline(VERSION, tuple(ordered))), indent=2) + b"\n"
    write_file(file, text)


def baseline_of(findings: Iterable[Finding], file: Path) -> Baseline:
    """A baseline to be kept at `file` of the findings that count."""
    return Baseline(VERSION, tuple(_entry(f, file) for f in findings if f.suppressed is None))


def _entry(finding: Finding, file: Path) -> Entry:
    return Entry(
        fingerprint=finding.fingerprint,
        rule=finding.rule,
        path=_path_from(file, finding.path),
        symbol=finding.symbol,
        message=finding.message,
        verdict=finding.verdict,
    )


def _path_from(file: Path, path: str) -> str:
    return Path(os.path.relpath(path, file.absolute().parent)).as_posix()


def apply(
    baseline: Baseline, file: Path, findings: Sequence[Finding], about: Collection[str], rules: Collection[str]
) -> tuple[list[Finding], list[Entry]]:
    """The findings with the known ones marked, and the entries that no finding answers to any more.

    `about` are the files, and `rules` the codes, of which these are all findings: nothing is said of other entries,
    except of those whose file is gone.
    """
    counting = [finding for finding in findings if finding.suppressed is None]
    matched = match(
        [(entry.path, entry.fingerprint) for entry in baseline.findings],
        [(_path_from(file, finding.path), finding.fingerprint) for finding in counting],
    )
    known = {id(counting[new]): baseline.findings[old] for old, new in matched.items()}
    marked = [_marked(finding, known.get(id(finding))) for finding in findings]
    looked_at = {_path_from(file, path) for path in about}
    unanswered = [entry for old, entry in enumerate(baseline.findings) if old not in matched]
    return marked, [entry for entry in unanswered if _is_judged(entry, file, looked_at, rules)]


def _is_judged(entry: Entry, file: Path, paths: Collection[str], rules: Collection[str]) -> bool:
    return (entry.path in paths and entry.rule in rules) or not os.path.exists(file.absolute().parent / entry.path)


_SAYS_NOTHING = ("not-exercised", "untestable")


def with_verdicts(baseline: Baseline, file: Path, findings: Sequence[Finding]) -> Baseline:
    """The entries with what traced runs said of them; a run that never got there takes nothing back."""
    matched = match(
        [(entry.path, entry.fingerprint) for entry in baseline.findings],
        [(_path_from(file, finding.path), finding.fingerprint) for finding in findings],
    )
    entries = list(baseline.findings)
    for old, new in matched.items():
        verdict = findings[new].verdict
        if verdict is not None and (verdict.status not in _SAYS_NOTHING or entries[old].verdict is None):
            entries[old] = msgspec.structs.replace(entries[old], verdict=verdict)
    return Baseline(baseline.version, tuple(entries))


def _marked(finding: Finding, entry: Entry | None) -> Finding:
    if entry is None:
        return finding
    return msgspec.structs.replace(
        finding, suppressed=Suppression("baseline", entry.reason), verdict=finding.verdict or entry.verdict
    )


def match(
    old: Sequence[tuple[str, str]], new: Sequence[tuple[str, str]], moved: Callable[[str], str] = lambda path: path
) -> dict[int, int]:
    """Which old (path, fingerprint) is which new one, by index.

    First in the same file (`moved` gives an old path's new name), then wherever the fingerprint turned up.
    """
    matched: dict[int, int] = {}
    free = set(range(len(new)))
    for key in (lambda path, mark: (path, mark), lambda _path, mark: ("", mark)):
        by_key: dict[tuple[str, str], list[int]] = defaultdict(list)
        for index in sorted(free, reverse=True):
            by_key[key(*new[index])].append(index)
        for index, (path, mark) in enumerate(old):
            candidates = by_key.get(key(moved(path), mark))
            if index not in matched and candidates:
                matched[index] = candidates.pop()
                free.discard(matched[index])
    return matched
