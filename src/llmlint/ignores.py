"""What a .gitignore leaves out, fast enough to be asked of every file of a large tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pathspec import GitIgnoreSpec


class IgnoreFile:
    """The patterns that hold in one folder and below it."""

    def __init__(self, folder: str, patterns: Iterable[str]) -> None:
        self._prefix = folder.rstrip("/") + "/"
        self._spec = GitIgnoreSpec.from_lines(patterns)
        self._might_match = _any_of(self._spec)

    def verdict(self, file: str, is_folder: bool) -> bool | None:
        """True: left out; False: taken back in (`!pattern`); None: not spoken of."""
        below = file[len(self._prefix) :] if file.startswith(self._prefix) else file.lstrip("/")
        if is_folder:
            below += "/"
        if not self._might_match.match(below):
            return None
        return self._spec.check_file(below).include


def is_ignored(file: str, is_folder: bool, ignores: Sequence[IgnoreFile]) -> bool:
    """The last file that speaks of it decides: `ignores` goes from the top folder down."""
    for rules in reversed(ignores):
        verdict = rules.verdict(file, is_folder)
        if verdict is not None:
            return verdict
    return False


def _any_of(spec: GitIgnoreSpec) -> re.Pattern[str]:
    """One expression for all patterns: most files match none, and then asking once is enough."""
    expressions = [pattern.regex.pattern for pattern in spec.patterns if pattern.include is not None and pattern.regex]
    # Group names would clash; without them the expressions can stand side by side.
    unnamed = [re.sub(r"\(\?P<\w+>", "(?:", str(expression)) for expression in expressions]
    return re.compile("|".join(f"(?:{expression})" for expression in unnamed) if unnamed else r"(?!)")
