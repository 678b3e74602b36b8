"""Which files a scan reads, and in which language.

A path that is given by name is read even where a `.gitignore` hides it; what lies below a folder is read unless a
`.gitignore` or an exclude pattern names it. Whatever is wrong with one path becomes a Problem and costs no other path.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from llmlint.ignores import IgnoreFile, is_ignored
from llmlint.opening import read_small

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

NEVER_ENTERED = frozenset(
    ".git .hg .svn .venv venv node_modules __pycache__ .tox .nox .eggs .mypy_cache .ruff_cache .pytest_cache".split()
)

VIRTUAL_ENVIRONMENT = "pyvenv.cfg"
"""A folder that holds this file holds other people's packages, whatever it is called."""

_LARGEST = 10_000_000
_LARGEST_IGNORE_FILE = 1_000_000


class SourcePath(msgspec.Struct, frozen=True):
    """A file to read: `path` as reports name it (posix, relative to the working directory), `file` to open it."""

    path: str
    file: str
    language: str


class Problem(msgspec.Struct, frozen=True):
    """What became of a path not read whole.

    `kind`: missing, unreadable, unsupported, too-large, outside, changed or partly-read.
    """

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
    excluded: Callable[[str, bool], bool] | None = None,
    respect_gitignore: bool = True,
    force_exclude: bool = False,
    max_bytes: int = _LARGEST,
) -> Found:
    """The source files under `paths`, each once, in the order of their names whatever the order of `paths`.

    `exclude` holds patterns as in a .gitignore, relative to the working directory; `excluded(file, is folder)`
    decides besides. `force_exclude` applies both to the given paths too.
    """
    walk = _Walk(exclude, excluded, respect_gitignore, max_bytes)
    for given in sorted({os.path.normpath(path) for path in paths}):
        walk.given(given, force_exclude)
    sources = sorted({source.path: source for source in walk.sources}.values(), key=lambda source: source.path)
    return Found(sources, sorted(set(walk.problems), key=lambda problem: (problem.path, problem.kind)))


class _Place(msgspec.Struct, frozen=True):
    """A file or folder: its absolute path, how reports name it, and the .gitignore files above it."""

    file: str
    path: str
    ignores: tuple[IgnoreFile, ...]

    def below(self, name: str) -> _Place:
        path = name if self.path == "." else f"{self.path.rstrip('/')}/{name}"
        return _Place(f"{self.file.rstrip('/')}/{name}", path, self.ignores)


class _Walk:
    def __init__(
        self,
        exclude: Sequence[str],
        excluded: Callable[[str, bool], bool] | None,
        respect_gitignore: bool,
        max_bytes: int,
    ) -> None:
        self.sources: list[SourcePath] = []
        self.problems: list[Problem] = []
        self._exclude = (IgnoreFile(os.getcwd(), exclude),) if exclude else ()
        self._excluded = excluded
        self._respect_gitignore = respect_gitignore
        self._max_bytes = max_bytes
        self._seen: set[tuple[int, int]] = set()
        self._top = ""

    # ------------------------------------------------------------ what was asked for

    def given(self, path: str, force_exclude: bool) -> None:
        place = _Place(os.path.abspath(path), _shown(path), ())
        is_folder = os.path.isdir(place.file)
        if not os.path.lexists(place.file):
            self._problem(place, "missing", "does not exist")
        elif force_exclude and self._is_excluded(place, is_folder):
            return
        elif is_folder:
            self._all_below(_Place(place.file, place.path, self._ignores_above(place.file)))
        elif language := language_of(path) or _by_shebang(place.file):
            self._file(place, language)
        elif not path.endswith(".pyi"):
            self._problem(place, "unsupported", "is in no language that llmlint reads")

    def _ignores_above(self, folder: str) -> tuple[IgnoreFile, ...]:
        """From the repository's top down to the folder's parent; none where they hide the folder itself."""
        above = [Path(folder), *Path(folder).parents] if self._respect_gitignore else []
        top = next((at for at, here in enumerate(above) if os.path.exists(here / ".git")), 0)
        found: tuple[IgnoreFile, ...] = ()
        for here in reversed(above[1 : top + 1]):
            found += tuple(self._ignore_files(str(here), _shown(str(here))))
        hidden = any(is_ignored(str(here), True, found) for here in above[:top])
        return () if hidden else found

    def _ignore_files(self, folder: str, path: str) -> Iterator[IgnoreFile]:
        """What git leaves out of this folder; a later one overrules an earlier one. As in git, links are none."""
        for name in (".git/info/exclude", ".gitignore"):
            try:
                data = read_small(f"{folder}/{name}", _LARGEST_IGNORE_FILE, follow=False)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                message = f"was left unread: {error.strerror}"
                self.problems.append(Problem(name if path == "." else f"{path}/{name}", "partly-read", message))
                continue
            yield IgnoreFile(folder, data.decode("utf-8", "replace").removeprefix("\ufeff").split("\n"))

    # ------------------------------------------------------------ walking

    def _all_below(self, top: _Place) -> None:
        """Links are followed last, so that a file is named by its real place wherever that is below `top`."""
        links: list[_Place] = []
        self._top = _tree_around(top.file)
        self._folders([top], links)
        while links:
            links.sort(key=lambda link: link.path, reverse=True)
            self._link(links.pop(), links)

    def _folders(self, waiting: list[_Place], links: list[_Place]) -> None:
        while waiting:
            folder = waiting.pop()
            try:
                if not self._is_new(os.stat(folder.file)):
                    continue
                with os.scandir(folder.file) as found:
                    entries = list(found)
            except OSError as error:
                self._problem(folder, "unreadable", f"could not be entered: {error.strerror}")
                continue
            names = {entry.name for entry in entries}
            if VIRTUAL_ENVIRONMENT in names:
                continue
            if self._respect_gitignore and not names.isdisjoint((".gitignore", ".git")):
                ignores = (*folder.ignores, *self._ignore_files(folder.file, folder.path))
                folder = _Place(folder.file, folder.path, ignores)
            for entry in entries:
                try:
                    self._entry(entry, folder, waiting, links)
                except OSError as error:  # of some file systems one has to ask what a name stands for
                    self._problem(folder.below(entry.name), "unreadable", error.strerror or str(error))

    def _entry(self, entry: os.DirEntry[str], folder: _Place, waiting: list[_Place], links: list[_Place]) -> None:
        name = entry.name
        language = language_of(name)
        if entry.is_symlink():
            if name not in NEVER_ENTERED:
                links.append(folder.below(name))
        elif entry.is_dir():
            place = folder.below(name)
            if name not in NEVER_ENTERED and not self._is_hidden(place, True):
                waiting.append(place)
        elif language:
            place = folder.below(name)
            if not self._is_hidden(place, False):
                self._file(place, language)

    def _link(self, link: _Place, links: list[_Place]) -> None:
        """A link up to a folder that holds it is a loop and leads nowhere new."""
        real = os.path.realpath(link.file)
        is_folder = os.path.isdir(real)
        if self._is_hidden(link, is_folder):
            return
        if not f"{real}/".startswith(self._top):
            if is_folder or language_of(link.file):
                self._problem(link, "outside", "leads out of the tree and was not followed")
        elif is_folder:
            if not os.path.realpath(os.path.dirname(link.file)).startswith(real.rstrip("/") + "/"):
                self._folders([link], links)
        elif language := language_of(link.file):
            try:
                known = _identity(os.stat(real)) in self._seen
            except OSError:
                known = False
            if not known:
                self._file(link, language)

    def _is_hidden(self, place: _Place, is_folder: bool) -> bool:
        return is_ignored(place.file, is_folder, place.ignores) or self._is_excluded(place, is_folder)

    def _is_excluded(self, place: _Place, is_folder: bool) -> bool:
        if any(patterns.matches(place.file, is_folder) for patterns in self._exclude):
            return True
        return self._excluded is not None and self._excluded(place.file, is_folder)

    def _is_new(self, info: os.stat_result) -> bool:
        before = len(self._seen)
        self._seen.add(_identity(info))
        return len(self._seen) > before

    # ------------------------------------------------------------ files

    def _file(self, place: _Place, language: str) -> None:
        try:
            place.file.encode()
            info = os.stat(place.file)
        except UnicodeEncodeError:
            printable = os.fsencode(place.path).decode("utf-8", "backslashreplace")
            self.problems.append(Problem(printable, "unreadable", "has a name that is not UTF-8"))
            return
        except OSError as error:
            self._problem(place, "unreadable", error.strerror or str(error))
            return
        self._is_new(info)
        if not stat.S_ISREG(info.st_mode):
            self._problem(place, "unreadable", "is not a regular file")
        elif info.st_size > self._max_bytes:
            size = f"{self._max_bytes / 1e6:g} MB"
            self._problem(place, "too-large", f"is larger than {size} and was skipped (max-file-mb)")
        else:
            self.sources.append(SourcePath(place.path, place.file, language))

    def _problem(self, place: _Place, kind: str, message: str) -> None:
        self.problems.append(Problem(place.path, kind, message))


def _identity(info: os.stat_result) -> tuple[int, int]:
    return info.st_dev, info.st_ino


def _tree_around(folder: str) -> str:
    """The repository a folder lies in, or the folder itself: links are followed that far. Ends with a slash."""
    real = Path(os.path.realpath(folder))
    top = next((str(here) for here in (real, *real.parents) if os.path.exists(here / ".git")), str(real))
    return top.rstrip("/") + "/"


def _shown(path: str) -> str:
    """Relative to the working directory where it lies below it, else absolute; always with forward slashes."""
    relative = os.path.relpath(path)
    is_outside = relative == os.pardir or relative.startswith(os.pardir + os.sep)
    return Path(os.path.abspath(path) if is_outside else relative).as_posix()


def _by_shebang(file: str) -> str:
    """Only asked of files given by name; a pipe is not read, as that would wait for its writer."""
    try:
        if not stat.S_ISREG(os.stat(file).st_mode) or os.path.splitext(file)[1]:
            return ""
        with open(file, "rb") as opened:
            first = opened.readline(200)
    except OSError:
        return ""
    return "python" if first.startswith(b"#!") and b"python" in first else ""
