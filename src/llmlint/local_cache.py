"""The cache of this machine: one SQLite file, safe under concurrent scans and `kill -9`.

SQLite's own journal gives the safety. A file that is no database any more, or one of another make, is thrown away and
begun anew, with one warning; a folder that cannot be written is one warning and a scan without a cache. The folder is
the user's own: what a scanned tree brings is never taken for a cache.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

FILE_NAME = "cache-1.sqlite3"
_CHUNK = 500
_KEPT_DAYS = 30
_SCHEMA = """
CREATE TABLE IF NOT EXISTS record (key TEXT PRIMARY KEY, blob BLOB NOT NULL, day INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS result (key TEXT PRIMARY KEY, blob BLOB NOT NULL, day INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS record_by_day ON record (day);
CREATE INDEX IF NOT EXISTS result_by_day ON result (day);
CREATE TABLE IF NOT EXISTS stat (path TEXT PRIMARY KEY, stamp TEXT NOT NULL, key TEXT NOT NULL) WITHOUT ROWID;
"""
_OF_THE_MACHINE = frozenset(
    getattr(sqlite3, f"SQLITE_{name}") for name in "PERM BUSY LOCKED NOMEM READONLY IOERR FULL CANTOPEN".split()
)
"""Errors that a new file would meet again; after any other the file itself is at fault."""

T = TypeVar("T")


def users_folder(project: Path) -> Path:
    """The folder of a project's cache, in the cache folder of the user who scans."""
    from platformdirs import user_cache_path

    real = os.path.realpath(project)
    name = re.sub(r"[^\w.-]", "_", os.path.basename(real)) or "root"
    try:
        caches = user_cache_path("llmlint")
    except RuntimeError:  # no home: that nothing can be kept there is told, and done without
        caches = Path(os.devnull)
    return caches / f"{name}-{hashlib.sha256(os.fsencode(real)).hexdigest()[:12]}"


class LocalCache:
    """Records by content key, content keys by file stamp, whole results by what went into them.

    `generation` stands for the tool, its rules and its words: entries of another one are never seen.
    """

    def __init__(self, directory: Path | None, generation: str) -> None:
        self.generation = generation
        self.warning = ""
        self._directory = directory
        self._database: sqlite3.Connection | None = None
        if directory is not None:
            self._guarded(self._open, None)

    @property
    def _file(self) -> Path:
        assert self._directory is not None
        return self._directory / FILE_NAME

    def _open(self) -> None:
        _make_folder(self._file.parent)
        _refuse_links(self._file.parent)
        database = sqlite3.connect(self._file, timeout=10)
        self._database = database
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.executescript(_SCHEMA)
        if _make_of(database) != _our_make():
            raise sqlite3.DatabaseError("its tables are not those of this version")

    def close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _guarded(self, action: Callable[[], T], otherwise: T) -> T:
        """Does something with the database; when that fails, says so once and goes on without the cache."""
        try:
            return action()
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            if isinstance(error, OSError) or getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_THE_MACHINE:
                self._give_up(f"cache {self._directory}: {error}; going on without it")
            else:
                self._give_up(f"cache {self._file}: {error}; it is thrown away and built anew")
                self._rebuild()
        return otherwise

    def _give_up(self, warning: str) -> None:
        self.warning = self.warning or warning
        self.close()

    def _rebuild(self) -> None:
        try:
            remove_files(self._file.parent)
            self._open()
        except (OSError, sqlite3.Error, UnicodeDecodeError):
            self.close()

    # ------------------------------------------------------------ reading

    def records(self, keys: Sequence[str]) -> dict[str, bytes]:
        return self._guarded(lambda: self._select("SELECT key, blob FROM record WHERE key IN", keys), {})

    def known_records(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that there is a record for."""
        return self._guarded(lambda: self._select_known(keys), set())

    def result(self, key: str) -> bytes | None:
        found: dict[str, bytes] = {}
        return self._guarded(lambda: self._select("SELECT key, blob FROM result WHERE key IN", [key]), found).get(key)

    def keys_of(self, stamps: Mapping[str, str]) -> dict[str, str]:
        """The content key of each path whose stamp is as it was when the key was taken."""
        return self._guarded(lambda: self._select_keys(stamps), {})

    def _select_keys(self, stamps: Mapping[str, str]) -> dict[str, str]:
        if self._database is None:
            return {}
        rows = self._database.execute("SELECT path, stamp, key FROM stat")
        return {path: key for path, stamp, key in rows if stamps.get(path) == stamp}

    def _select_known(self, keys: Sequence[str]) -> set[str]:
        if self._database is None:
            return set()
        prefix = f"{self.generation}:"
        begins_so = "SELECT substr(key, ?) FROM record WHERE key > ? AND key < ?"
        known = {key for (key,) in self._database.execute(begins_so, (len(prefix) + 1, prefix, f"{self.generation};"))}
        return known.intersection(keys)

    def _select(self, query: str, keys: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        if self._database is None:
            return found
        prefix = f"{self.generation}:"
        for start in range(0, len(keys), _CHUNK):
            chunk = [prefix + key for key in keys[start : start + _CHUNK]]
            marks = ",".join("?" * len(chunk))
            for key, sealed in self._database.execute(f"{query} ({marks})", chunk):
                blob = _unsealed(key, sealed)
                if blob is not None:
                    found[key[len(prefix) :]] = blob
        return found

    # ------------------------------------------------------------ writing

    def store_records(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Entries that nobody wrote for a month go at the same time."""
        today = _today()
        rows = [(full, _sealed(full, blob), today) for full, blob in self._full(records)]
        if rows:
            self._write("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", rows)
            self._write("DELETE FROM record WHERE day < ?", [(today - _KEPT_DAYS,)])
            self._write("DELETE FROM result WHERE day < ?", [(today - _KEPT_DAYS,)])

    def store_stamps(self, rows: Iterable[tuple[str, str, str]]) -> None:
        self._write("INSERT OR REPLACE INTO stat VALUES (?, ?, ?)", list(rows))

    def store_result(self, key: str, blob: bytes) -> None:
        rows = [(full, _sealed(full, blob), _today()) for full, blob in self._full([(key, blob)])]
        self._write("INSERT OR REPLACE INTO result VALUES (?, ?, ?)", rows)

    def _full(self, entries: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        return ((f"{self.generation}:{key}", blob) for key, blob in entries)

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        def write() -> None:
            if self._database is not None and rows:
                with self._database:
                    self._database.executemany(statement, rows)

        self._guarded(write, None)


def _sealed(key: str, blob: bytes) -> bytes:
    return _seal(key, blob) + blob


def _unsealed(key: object, sealed: object) -> bytes | None:
    """None for an entry that is not as it was written: what it stands for is read and written again."""
    if not isinstance(key, str) or not isinstance(sealed, bytes) or _seal(key, sealed[4:]) != sealed[:4]:
        return None
    return sealed[4:]


def _seal(key: str, blob: bytes) -> bytes:
    return zlib.crc32(blob, zlib.crc32(key.encode("utf-8", "replace"))).to_bytes(4, "big")


def _make_folder(folder: Path) -> None:
    """Nobody else's to read; out of git where it was asked for within a repository."""
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    _forget_old(folder.parent)
    with suppress(FileExistsError):  # by a scan that began at the same moment
        folder.mkdir(mode=0o700)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")


def _forget_old(caches: Path) -> None:
    """Projects that nobody scanned for a month."""
    oldest = time.time() - _KEPT_DAYS * 86_400
    for file in caches.glob(f"*/{FILE_NAME}"):
        with suppress(OSError):
            if file.stat().st_mtime < oldest and not file.parent.is_symlink():
                remove_files(file.parent)
                (file.parent / ".gitignore").unlink(missing_ok=True)
                file.parent.rmdir()


def _refuse_links(folder: Path) -> None:
    """A link in the cache's place is somebody's try to have another file written."""
    for path in (folder, *folder.glob(f"{FILE_NAME}*")):
        if path.is_symlink():
            raise OSError(f"{path.name} is a link")


def _make_of(database: sqlite3.Connection) -> list[tuple[str, str, str]]:
    kept = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    return database.execute(kept).fetchall()


@cache
def _our_make() -> list[tuple[str, str, str]]:
    database = sqlite3.connect(":memory:")
    try:
        database.executescript(_SCHEMA)
        return _make_of(database)
    finally:
        database.close()


def _today() -> int:
    return int(time.time() // 86_400)


def cache_info(directory: Path) -> dict[str, int]:
    """Entries and bytes, for `llmlint cache info`."""
    info = {"records": 0, "results": 0, "bytes": 0}
    file = directory / FILE_NAME
    if file.exists():
        info["bytes"] = sum(part.stat().st_size for part in directory.glob(f"{FILE_NAME}*"))
        database = sqlite3.connect(file)
        try:
            for kind in ("record", "result"):
                info[f"{kind}s"] = database.execute(f"SELECT count(*) FROM {kind}").fetchone()[0]
        except sqlite3.Error:
            pass
        finally:
            database.close()
    return info


def remove_files(directory: Path) -> int:
    """Removes the cache's files; answers how many there were."""
    files = [file for file in directory.glob(f"{FILE_NAME}*") if file.is_file()]
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)
