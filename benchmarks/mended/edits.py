"""Small mends in the histories of many projects, and the edit of tokens that each of them is.

A name that few projects have is a name and no more, so that the same mend in two projects is one edit: `+await`,
`+is not None`. Histories that begin with the first commit of vLLM, SGLang or llama.cpp are left out: what those mended
is what the blind score asks for.
"""

from __future__ import annotations

import difflib
import io
import keyword
import os
import re
import subprocess
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from llmlint.fleet.following import is_fix

_KEPT_APART = (
    "e7d9d9c08c79b386f6d0477e87b77a572390317d",
    "f6d40df0ee1e1fc53db3edc04bf90575f221cf23",
    "26c084662903ddaca19bef982831bfb0856e8257",
)
"""The first commits of the three."""
_COMMITS = 2500
_FILES = 3
_LINES = 14
_TOKENS = 14
_COMMON = 14
"""A name that so many projects have stays in an edit."""
_BESIDE = re.compile(r"(?:^|/)(?:tests?|benchmarks?|examples?|docs?)|test_\w*\.py$")
_HUNK = re.compile(r"^@@.*$", re.MULTILINE)


class Mend(NamedTuple):
    """One hunk of a commit that says that it mends something: the lines that it takes and those that it puts."""

    project: str
    commit: str
    subject: str
    path: str
    old: str
    new: str


def projects(histories: Path, without: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """The clones in a folder (`NAME/repo`, `NAME/.git` or bare), but for the three and what grew out of them."""
    for folder in sorted(histories.iterdir()):
        git = next((one for one in (folder / "repo", folder / ".git", folder) if (one / "HEAD").is_file()), None)
        if git is not None and folder.name not in without and not any(_has(git, commit) for commit in _KEPT_APART):
            yield folder.name, git


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(repository), *arguments]
    env = {**os.environ, "GIT_NO_LAZY_FETCH": "1"}
    return subprocess.run(command, capture_output=True, text=True, errors="replace", env=env)


def _has(repository: Path, commit: str) -> bool:
    return _git(repository, "cat-file", "-e", commit).returncode == 0


def mends_of(project: str, repository: Path) -> list[Mend]:
    log = _git(
        repository, "log", "--no-merges", f"--max-count={_COMMITS}", "--format=%x00%H %s", "-p", "-U2", "--no-color",
        "--no-ext-diff", "--", "*.py",
    )  # fmt: skip
    found = []
    for said in log.stdout.split("\0")[1:]:
        head, _, body = said.partition("\n")
        commit, _, subject = head.partition(" ")
        if is_fix(subject):
            found += [Mend(project, commit, subject, *hunk) for hunk in _hunks(body)]
    return found


def _hunks(body: str) -> list[tuple[str, str, str]]:
    files = [text for text in body.split("diff --git ")[1:] if not _BESIDE.search(_path(text))]
    changed = [line for line in body.split("\n") if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    if not files or len(files) > _FILES or len([line for line in changed if line[1:].strip()]) > _LINES:
        return []
    return [(_path(text), *_sides(hunk)) for text in files for hunk in _HUNK.split(text)[1:]]


def _path(file: str) -> str:
    return file.partition("\n")[0].rpartition(" b/")[2]


def _sides(hunk: str) -> tuple[str, str]:
    lines = hunk.split("\n")
    return tuple("\n".join(line[1:] for line in lines if line[:1] == sign) for sign in "-+")  # type: ignore[return-value]


def tokens(code: str) -> list[str]:
    found: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.STRING:
                found.append("F" if token.string[:1] in "fF" else "S")
            elif token.type == tokenize.NUMBER:
                found.append(token.string if token.string in ("0", "1") else "N")
            elif token.type in (tokenize.NAME, tokenize.OP):
                found.append(token.string)
    except (tokenize.TokenError, SyntaxError):
        pass
    return found


def by_edit(mends: Iterable[Mend]) -> dict[str, list[Mend]]:
    """Those whose edit is small, by it."""
    read = [(mend, tokens(mend.old), tokens(mend.new)) for mend in mends]
    having: dict[str, set[str]] = defaultdict(set)
    for mend, old, new in read:
        for token in {*old, *new}:
            having[token].add(mend.project)
    common = {token for token, who in having.items() if len(who) >= _COMMON} | {*keyword.kwlist, "F", "S", "N"}
    found: dict[str, list[Mend]] = defaultdict(list)
    for mend, old, new in read:
        edit = _edit(old, new, common)
        if edit:
            found[edit].append(mend)
    return found


def _edit(old: list[str], new: list[str], common: set[str]) -> str:
    parts, size = set(), 0
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            size += b - a + d - c
            gone, come = _said(old[a:b], common), _said(new[c:d], common)
            parts.add(" ".join(sign + text for sign, text in (("-", gone), ("+", come)) if text))
    return " | ".join(sorted(parts)) if parts and size <= _TOKENS else ""


def _said(part: list[str], common: set[str]) -> str:
    text = " ".join("name" if token.isidentifier() and token not in common else token for token in part)
    while text != (text := text.replace("name . name", "name")):
        pass
    return text
