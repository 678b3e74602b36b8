"""Patterns as in a .gitignore, fast enough to be asked of every file of a large tree, and of any tree.

A pattern is somebody else's text, so matching never backtracks over more than one star: what stands between two stars
is taken where it is first found, which is right since the later star can take up whatever is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from llmlint.pattern_index import PatternIndex

_NAMED = {
    "alnum": r"a-zA-Z0-9",
    "alpha": r"a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": r"0-9",
    "graph": r"\x21-\x7e",
    "lower": r"a-z",
    "print": r"\x20-\x7e",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": r"A-Z",
    "xdigit": r"0-9A-Fa-f",
}

_NEVER = "(?!)"
_TOKEN = re.compile(
    r"\\(?P<escaped>.)|(?P<stars>\*+)|(?P<any>\?)|(?P<open>\[)|(?P<plain>[^\\*?\[]+)|(?P<wrong>.)", re.S
)
_IN_BRACKETS = re.compile(r"\[:(?P<named>\w+):\]|\\(?P<escaped>.)|(?P<plain>.)", re.S)


class Patterns:
    """Lines of a .gitignore. The last one that speaks of a path decides."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = [read for read in map(_read, lines) if read is not None]
        self._expressions: dict[int, re.Pattern[str]] = {}
        self._index = PatternIndex()
        for number, pattern in enumerate(self.written):
            self._index.add(number, pattern)

    @property
    def written(self) -> list[str]:
        """The patterns alone: without comments, blanks around them, and the `!` of those that take back."""
        return [pattern for pattern, _ in self._lines]

    def verdict(self, path: str) -> bool | None:
        """True: matches; False: taken back (`!pattern`); None: not spoken of. A folder's path ends with a slash."""
        might_match = reversed(self._index.might_match(path))
        return next(
            (self._lines[number][1] for number in might_match if self._expression(number).fullmatch(path)), None
        )

    def _expression(self, number: int) -> re.Pattern[str]:
        if number not in self._expressions:
            self._expressions[number] = re.compile(_expression(self._lines[number][0]) or _NEVER)
        return self._expressions[number]

    def matches(self, path: str) -> bool:
        """Is this path meant, or a folder that holds it? What is said of the nearest one decides."""
        while path:
            verdict = self.verdict(path)
            if verdict is not None:
                return verdict
            path = path[: path.rstrip("/").rfind("/") + 1]
        return False


class IgnoreFile:
    """The patterns that hold in one folder and below it."""

    def __init__(self, folder: str, lines: Iterable[str]) -> None:
        self._prefix = folder.rstrip("/") + "/"
        self._patterns = Patterns(lines)

    def verdict(self, file: str, is_folder: bool) -> bool | None:
        """As `Patterns.verdict` of the path from this folder on."""
        below = file[len(self._prefix) :] if file.startswith(self._prefix) else file.lstrip("/")
        return self._patterns.verdict(f"{below}/" if is_folder else below)

    def matches(self, file: str, is_folder: bool) -> bool:
        below = file[len(self._prefix) :] if file.startswith(self._prefix) else file.lstrip("/")
        return self._patterns.matches(f"{below}/" if is_folder else below)


def is_ignored(file: str, is_folder: bool, ignores: Sequence[IgnoreFile]) -> bool:
    """The last file that speaks of it decides: `ignores` goes from the top folder down."""
    for rules in reversed(ignores):
        verdict = rules.verdict(file, is_folder)
        if verdict is not None:
            return verdict
    return False


# ---------------------------------------------------------------- from a line to an expression


def _read(line: str) -> tuple[str, bool] | None:
    """The pattern of a line, and whether it leaves out or takes back; None for a line that has none."""
    line = re.sub(r"(?<!\\) +$", "", line.removesuffix("\r"))
    is_taken = not line.startswith("!")
    pattern = line if is_taken else line[1:]
    if not line or line.startswith("#") or not pattern.strip("/"):
        return None
    return pattern, is_taken


def _expression(pattern: str) -> str | None:
    """None where a pattern matches nothing."""
    only_folders = pattern.endswith("/")
    segments = pattern.removesuffix("/").split("/")
    if len(segments) == 1:
        segments.insert(0, "**")
    elif not segments[0]:
        del segments[0]
    end = "/" if only_folders else "/?"
    if segments[-1] == "**":
        del segments[-1]
        end = "/.+" if segments and segments != ["**"] else ".+" + "/" * only_folders
    runs = list(_runs(segments))
    if None in runs:
        return None
    first, *others = runs
    anywhere = [f"(?>(?:[^/]+/)*?{run}/)" for run in others[:-1]]
    last = [f"(?:[^/]+/)*{run}" for run in others[-1:]]
    return f"{first}{'/' if first and others else ''}{''.join(anywhere)}{''.join(last)}{end}"


def _runs(segments: Sequence[str]) -> Iterator[str | None]:
    """What stands between the `**`, the first run being empty where the pattern begins with one."""
    run: list[str | None] = []
    for index, segment in enumerate(segments):
        if segment != "**":
            run.append(_segment(segment))
        elif run or index == 0:
            yield _joined(run)
            run = []
    if run or not segments:
        yield _joined(run)


def _joined(run: Sequence[str | None]) -> str | None:
    return None if None in run else "/".join(part for part in run if part)


def _segment(segment: str) -> str | None:
    """One name; None where it has no meaning, as with a bracket that never closes."""
    if not segment:
        return None
    parts = [""]
    at = 0
    while at < len(segment):
        token = _TOKEN.match(segment, at)
        assert token is not None
        at = token.end()
        if token["stars"]:
            parts.append("")
        elif token["open"]:
            bracket = _bracket(segment, at)
            if bracket is None:
                return None
            expression, at = bracket
            parts[-1] += expression
        elif token["wrong"]:
            return None
        else:
            parts[-1] += "[^/]" if token["any"] else re.escape(token["escaped"] or token["plain"])
    if not any(parts):
        return "[^/]+"  # no name is empty: `sub/*` does not mean `sub/` itself
    first, *others = parts
    atomic = "".join(f"(?>[^/]*?{part})" for part in others[:-1])
    return f"{first}{atomic}[^/]*{others[-1]}" if others else first


def _bracket(segment: str, at: int) -> tuple[str, int] | None:
    """The expression of `[…]` from behind its first bracket on, and where it ends."""
    negated = segment[at : at + 1] in ("!", "^")
    start = at = at + negated
    members: list[str] = []
    while at < len(segment) and (segment[at] != "]" or at == start):
        item = _IN_BRACKETS.match(segment, at)
        if item is None:
            return None
        at = item.end()
        low = item["escaped"] or item["plain"]
        high = _IN_BRACKETS.match(segment, at + 1) if low and segment[at : at + 1] == "-" else None
        if low is None:
            members.append(_NAMED.get(item["named"], ""))
        elif high is not None and not high["named"] and (high["plain"] != "]"):
            at = high.end()
            top = high["escaped"] or high["plain"]
            members.append(f"{re.escape(low)}-{re.escape(top)}" if low <= top else re.escape(low))
        else:
            members.append(re.escape(low))
    if at >= len(segment):
        return None
    inside = "".join(members)
    if negated:
        return f"[^/{inside}]", at + 1
    return f"(?!/)[{inside}]" if inside else _NEVER, at + 1
