"""Which files a scan reads, in which language, and where the comments in them are."""

from __future__ import annotations

import io
import os
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import pathspec

_LANGUAGES = {
    ".py": "python",
    ".c": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".cxx": "cpp",
    ".h": "cpp",
    ".hh": "cpp",
    ".hpp": "cpp",
    ".ipp": "cpp",
    ".cu": "cuda",
    ".cuh": "cuda",
}
_NEVER = frozenset({".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox", ".mypy_cache"})
_LARGEST = 10_000_000


class SourcePath(msgspec.Struct, frozen=True):
    """A file to read: `path` as reports name it (posix, relative to the working directory), `file` to open it."""

    path: str
    file: str
    language: str


class Problem(msgspec.Struct, frozen=True):
    """What became of a file that was not read. `kind`: missing, unreadable, too-large or link-loop."""

    path: str
    kind: str
    message: str


class Found(msgspec.Struct):
    sources: list[SourcePath]
    problems: list[Problem]


def language_of(path: str) -> str:
    """By suffix; "" for what llmlint does not read."""
    return _LANGUAGES.get(os.path.splitext(path)[1].lower(), "")


def discover(
    paths: Iterable[str],
    *,
    exclude: Sequence[str] = (),
    respect_gitignore: bool = True,
    force_exclude: bool = False,
    max_bytes: int = _LARGEST,
) -> Found:
    """The source files under `paths`, each once, in the order of their names whatever the order of `paths`."""
    walk = _Walk(exclude, respect_gitignore, max_bytes)
    for given in sorted(set(map(os.path.normpath, paths))):
        if os.path.isdir(given):
            walk.folder(given, walk.ignores_above(given))
        elif not os.path.lexists(given):
            walk.problems.append(Problem(_shown(given), "missing", "does not exist"))
        elif not (force_exclude and walk.is_excluded(given)):
            walk.file(given, named=True)
    sources = sorted({source.path: source for source in walk.sources}.values(), key=lambda s: s.path)
    return Found(sources, sorted(set(walk.problems), key=lambda p: (p.path, p.kind)))


class _Walk:
    def __init__(self, exclude: Sequence[str], respect_gitignore: bool, max_bytes: int) -> None:
        self.sources: list[SourcePath] = []
        self.problems: list[Problem] = []
        self._exclude = pathspec.GitIgnoreSpec.from_lines(exclude)
        self._respect_gitignore = respect_gitignore
        self._max_bytes = max_bytes
        self._entered: set[tuple[int, int]] = set()

    def is_excluded(self, path: str) -> bool:
        return self._exclude.match_file(_shown(path))

    def ignores_above(self, folder: str) -> list[tuple[str, pathspec.GitIgnoreSpec]]:
        """The .gitignore files from the repository's top down to a folder's parent."""
        if not self._respect_gitignore:
            return []
        above: list[tuple[str, pathspec.GitIgnoreSpec]] = []
        here = Path(folder).resolve()
        while not (here / ".git").exists():
            if here.parent == here:
                return []
            here = here.parent
            above = [*self._ignores_of(str(here)), *above]
        return above

    def _ignores_of(self, folder: str) -> list[tuple[str, pathspec.GitIgnoreSpec]]:
        try:
            text = Path(folder, ".gitignore").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return [(os.path.abspath(folder), pathspec.GitIgnoreSpec.from_lines(text.splitlines()))]

    def folder(self, folder: str, ignores: list[tuple[str, pathspec.GitIgnoreSpec]]) -> None:
        try:
            info = os.stat(folder)
            if (info.st_dev, info.st_ino) in self._entered:
                return
            self._entered.add((info.st_dev, info.st_ino))
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.problems.append(Problem(_shown(folder), "unreadable", f"folder: {error.strerror}"))
            return
        names = {entry.name for entry in entries}
        if "pyvenv.cfg" in names:
            return
        if self._respect_gitignore and ".gitignore" in names:
            ignores = [*ignores, *self._ignores_of(folder)]
        for entry in entries:
            self._entry(entry, ignores)

    def _entry(self, entry: os.DirEntry[str], ignores: list[tuple[str, pathspec.GitIgnoreSpec]]) -> None:
        try:
            is_folder = entry.is_dir()
        except OSError:
            is_folder = False
        if is_folder:
            wanted = entry.name not in _NEVER and not _ignored(entry.path, ignores, True)
            if wanted and not self.is_excluded(entry.path + "/"):
                self.folder(entry.path, ignores)
        elif language_of(entry.name) and not _ignored(entry.path, ignores, False) and not self.is_excluded(entry.path):
            self.file(entry.path, named=False)

    def file(self, path: str, named: bool) -> None:
        language = language_of(path) or (_by_shebang(path) if named else "")
        if not language:
            return
        try:
            size = os.stat(path).st_size
        except OSError as error:
            self.problems.append(Problem(_shown(path), "unreadable", error.strerror or str(error)))
            return
        if size > self._max_bytes:
            why = f"is larger than {self._max_bytes / 1e6:g} MB and was skipped (max-file-mb)"
            self.problems.append(Problem(_shown(path), "too-large", why))
            return
        self.sources.append(SourcePath(_shown(path), os.path.abspath(path), language))


def _ignored(path: str, ignores: list[tuple[str, pathspec.GitIgnoreSpec]], is_folder: bool) -> bool:
    absolute = os.path.abspath(path)
    for folder, spec in reversed(ignores):
        relative = os.path.relpath(absolute, folder) + ("/" if is_folder else "")
        verdict = spec.check_file(relative).include
        if verdict is not None:
            return verdict
    return False


def _shown(path: str) -> str:
    """Relative to the working directory where it lies below it, else absolute; always with forward slashes."""
    relative = os.path.relpath(path)
    return Path(os.path.abspath(path) if relative.startswith("..") else relative).as_posix()


def _by_shebang(path: str) -> str:
    try:
        with open(path, "rb") as file:
            first = file.readline(200)
    except OSError:
        return ""
    return "python" if first.startswith(b"#!") and b"python" in first else ""


def comments_of(text: str, language: str) -> Iterator[tuple[int, int, str, bool]]:
    """(line, column, comment, alone on its line) of each comment; strings that look like comments are none."""
    return _python_comments(text) if language == "python" else _cpp_comments(text)


def _python_comments(text: str) -> Iterator[tuple[int, int, str, bool]]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                line, column = token.start
                yield line, column + 1, token.string, not token.line[:column].strip()
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return


def _cpp_comments(text: str) -> Iterator[tuple[int, int, str, bool]]:
    at, line, line_start, size = 0, 1, 0, len(text)
    while at < size:
        character = text[at]
        if character == "\n":
            line, line_start = line + 1, at + 1
            at += 1
        elif text.startswith("//", at) or text.startswith("/*", at):
            block = text[at + 1] == "*"
            end = text.find("*/" if block else "\n", at + 2)
            end = size if end < 0 else end + 2 * block
            comment = text[at:end]
            yield line, at - line_start + 1, comment, not text[line_start:at].strip()
            if "\n" in comment:
                line += comment.count("\n")
                line_start = at + comment.rindex("\n") + 1
            at = end
        elif text.startswith('R"', at):
            at = _after_raw_string(text, at)
            line, line_start = text.count("\n", 0, at) + 1, text.rfind("\n", 0, at) + 1
        elif character in "\"'":
            at = _after_quoted(text, at)
        else:
            at += 1


def _after_quoted(text: str, at: int) -> int:
    quote, at = text[at], at + 1
    while at < len(text) and text[at] not in (quote, "\n"):
        at += 2 if text[at] == "\\" else 1
    return at + 1 if at < len(text) and text[at] == quote else at


def _after_raw_string(text: str, at: int) -> int:
    opening = text.find("(", at)
    if opening < 0 or opening - at > 20:
        return at + 2
    end = text.find(f'){text[at + 2 : opening]}"', opening)
    return len(text) if end < 0 else end + opening - at
