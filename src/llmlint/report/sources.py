"""The scanned files as reports need them: their text, and their path as the repository's hosts know it."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path

from llmlint.opening import read_file, read_small

_COMMIT = re.compile("[0-9a-f]{40,64}")
_REF = re.compile(r"refs/heads/[\w][\w./-]*")
_LONGEST = 1000


def _line_of(file: Path) -> str:
    try:
        return read_small(file, _LONGEST, follow=False).decode("ascii", "replace").strip()
    except OSError:
        return ""


class Sources:
    """Findings name files relative to `root`, the folder the scan was started in."""

    def __init__(self, root: str = ".") -> None:
        self._root = Path(root)
        self._texts: dict[str, str] = {}
        self._lines: dict[str, list[str]] = {}
        self._shown: dict[str, str] = {}

    def text(self, path: str) -> str:
        """A file's text, lines ending as they do in the file; empty when it can no longer be read."""
        if path not in self._texts:
            try:
                data = read_file(self._root / path)
            except (OSError, ValueError):  # a name that no system takes
                data = b""
            self._texts[path] = data.decode("utf-8", "replace")
        return self._texts[path]

    def lines(self, path: str) -> list[str]:
        """A file's lines as llmlint counts them."""
        if path not in self._lines:
            self._lines[path] = self.text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return self._lines[path]

    @cached_property
    def repository(self) -> Path:
        """The folder that holds `.git`, or the folder of the scan where there is none."""
        start = self._root.resolve()
        for folder in (start, *start.parents):
            if os.path.exists(folder / ".git"):
                return folder
        return start

    @cached_property
    def commit(self) -> str:
        """The commit that is checked out, read without asking git; "" where that is not plain to see."""
        git = self.repository / ".git"
        head = _line_of(git / "HEAD")
        name = head.removeprefix("ref: ")
        if name != head:
            head = _line_of(git / name) if _REF.fullmatch(name) else ""
        return head[:12] if _COMMIT.fullmatch(head) else ""

    def in_repository(self, path: str) -> str:
        """Relative to the repository's top, links followed, and never a path of this machine."""
        if path not in self._shown:
            self._shown[path] = self._relative(path)
        return self._shown[path]

    def _relative(self, path: str) -> str:
        try:
            file = Path(os.path.realpath(self._root / path))
        except ValueError:
            return path
        if file.is_relative_to(self.repository):
            return file.relative_to(self.repository).as_posix()
        inside = [part for part in Path(path).parts if part not in ("..", "/")]
        return "/".join(inside) if not Path(path).is_absolute() else file.name
