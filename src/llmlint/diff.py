"""What changed since a git revision: findings introduced, fixed, and there before.

The tree at the revision is laid out in a temporary folder and scanned like the work tree, with the same settings and
the same cache, so that only files that differ are read. Renames are git's to tell.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from llmlint.baseline import match
from llmlint.findings import Finding, Suppression
from llmlint.progress import Progress
from llmlint.project import Copy, Project, Request, scan, scan_sources
from llmlint.scan import Comparison, ScanResult


class DiffError(ValueError):
    """No comparison is possible; the message says why."""


def scan_against(request: Request, revision: str, progress: Progress | None = None) -> ScanResult:
    """Scans, and marks what was there at the revision as suppressed; `comparison` tells what is fixed."""
    project = Project(request)
    top = Path(_git(project.settings.root, "rev-parse", "--show-toplevel").strip())
    commit = _git(top, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", what=f"no revision {revision!r}")
    with tempfile.TemporaryDirectory(prefix="llmlint-base-") as folder:
        try:
            _lay_out(top, commit.strip(), Path(folder))
        except OSError as error:
            raise DiffError(f"--diff: cannot write to {folder}: {error.strerror}") from error
        before = _scan_base(request, top, Path(folder), progress)
    result = scan(request, progress)
    _compare(result, before, _renames(top, commit.strip()), revision)
    return result


def _git(folder: Path, *arguments: str, what: str = "") -> str:
    return _git_bytes(folder, *arguments, what=what).decode("utf-8", "surrogateescape")


def _git_bytes(folder: Path, *arguments: str, what: str = "", given: bytes = b"") -> bytes:
    command = ["git", "-C", str(folder), *arguments]
    patience = _FOR_AN_ANSWER if arguments[0] == "rev-parse" else _FOR_A_TREE
    try:
        env = harmless_environment(str(folder))
        done = subprocess.run(command, input=given, capture_output=True, env=env, timeout=patience)
    except OSError as error:
        raise DiffError(f"--diff needs git: {error}") from error
    except subprocess.TimeoutExpired as late:
        raise DiffError(f"--diff: git did not answer within {late.timeout:g} seconds: {arguments[0]}") from late
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise DiffError(f"--diff: {what or said or 'git ' + arguments[0] + ' failed'}")
    return done.stdout


_FOR_AN_ANSWER, _FOR_A_TREE = 20, 600
"""Seconds. An archive may bring a repository with a pipe in it, on which git would wait for ever."""
_RUN_BY_GIT = r"^filter\..*\.(clean|smudge|process|required)$"


@cache
def harmless_environment(folder: str) -> dict[str, str]:
    """An environment in which git runs none of the programs that a repository's own settings name."""
    asked = ["git", "-C", folder, "config", "--null", "--name-only", "--get-regexp", _RUN_BY_GIT]
    asking = subprocess.run(asked, capture_output=True, check=False, timeout=_FOR_AN_ANSWER)
    named = asking.stdout.decode("utf-8", "surrogateescape")
    settings = {"core.fsmonitor": "false", "core.hooksPath": os.devnull, "protocol.allow": "never"}
    settings |= {key: "false" if key.endswith(".required") else "" for key in named.split("\0") if key}
    told = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        told |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {**os.environ, **told}


def _lay_out(top: Path, commit: str, folder: Path) -> None:
    """The tree of a commit, without running filters or hooks and without touching the repository."""
    entries = list(_entries(_git_bytes(top, "ls-tree", "-r", "-z", "--full-tree", commit)))
    asked = "".join(f"{entry.blob}\n" for entry in entries).encode()
    contents = dict(_contents(_git_bytes(top, "cat-file", "--batch", given=asked))) if entries else {}
    for entry in sorted(entries, key=lambda entry: entry.is_link):  # nothing is written through a link
        if entry.blob not in contents:
            raise DiffError(f"--diff: {entry.path} at {commit[:12]} is not in this repository")
        place = folder / entry.path
        with suppress(FileExistsError, NotADirectoryError):  # a tree that nobody but a forger makes
            place.parent.mkdir(parents=True, exist_ok=True)
            if entry.is_link:
                place.symlink_to(os.fsdecode(contents[entry.blob]))
            else:
                place.write_bytes(contents[entry.blob])


class _Entry(NamedTuple):
    path: str
    blob: str
    is_link: bool


def _entries(listed: bytes) -> Iterator[_Entry]:
    """The files and links of a tree; other repositories within it have no content here."""
    for line in listed.split(b"\0")[:-1]:
        about, _, path = line.partition(b"\t")
        mode, kind, blob = about.decode().split()
        if kind == "blob" and {b"", b".", b"..", b".git"}.isdisjoint(path.split(b"/")):
            yield _Entry(os.fsdecode(path), blob, mode == "120000")


def _contents(told: bytes) -> Iterator[tuple[str, bytes]]:
    """What `git cat-file --batch` tells: a line that names a blob and its size, and its content."""
    at = 0
    while at < len(told):
        end = told.index(b"\n", at)
        blob, *kind = told[at:end].decode().split()
        at = end + 1
        if kind[0] != "missing":
            size = int(kind[1])
            yield blob, told[at : at + size]
            at += size + 1


def _scan_base(request: Request, top: Path, folder: Path, progress: Progress | None) -> list[Finding]:
    """The findings that count at the base, under the paths the work tree has for them."""
    copy = Copy(work_tree=os.path.realpath(top), folder=os.path.realpath(folder))
    project = Project(msgspec.structs.replace(request, given={}), copy)
    found = project.discover([path for path in map(copy.inside, request.paths) if os.path.lexists(path)])
    result = scan_sources(project, found, found.sources, project.around(found.sources), {}, progress)
    return [msgspec.structs.replace(f, path=_from_here(copy.home(f.path))) for f in result.shown]


def _from_here(path: str) -> str:
    return Path(os.path.relpath(path)).as_posix()


def _renames(top: Path, commit: str) -> dict[str, str]:
    """The new name of each file that was renamed, both from here."""
    fields = _git(
        top, "diff", "--no-ext-diff", "--no-textconv", "--name-status", "-z", "-M", "--diff-filter=R", commit
    ).split("\0")
    named = [_from_here(str(top / name)) for name in fields]
    return {named[at + 1]: named[at + 2] for at in range(0, len(fields) - 2, 3)}


def _compare(result: ScanResult, before: Sequence[Finding], renames: dict[str, str], revision: str) -> None:
    counting = result.shown
    matched = match(
        [(finding.path, finding.fingerprint) for finding in before],
        [(_from_here(finding.path), finding.fingerprint) for finding in counting],
        moved=lambda path: renames.get(path, path),
    )
    known = {id(counting[new]) for new in matched.values()}
    there_before = Suppression("pre-existing", f"there at {revision}")
    result.findings = [
        msgspec.structs.replace(f, suppressed=there_before) if id(f) in known else f for f in result.findings
    ]
    fixed = [finding for old, finding in enumerate(before) if old not in matched]
    result.comparison = Comparison(revision, len(counting) - len(matched), len(matched), fixed)
