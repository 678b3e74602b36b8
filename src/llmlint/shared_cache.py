"""What several machines know together: packs of entries in a folder or an object store, behind the cache of each.

A pack is what one call stored, under the hash of its content: it is written once and never changed, and one that is not
what its name says counts for nothing, so that a writer who was killed harms nobody. Each machine takes each pack into
its own cache once. Packs hold plain data, decoded and never run. A store that cannot be reached is one warning, and a
scan with what this machine knows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from llmlint.local_cache import LocalCache

_MARK = "pack:"
"""Among the local cache's stamps: the packs that it holds."""

T = TypeVar("T")


class Pack(msgspec.Struct, frozen=True, omit_defaults=True):
    records: tuple[tuple[str, bytes], ...] = ()
    results: tuple[tuple[str, bytes], ...] = ()
    stamps: tuple[tuple[str, str, str], ...] = ()


class PackStore:
    """A folder of packs wherever fsspec reaches: `/mnt/shared/llmlint`, `s3://bucket/llmlint`."""

    def __init__(self, url: str, generation: str) -> None:
        from fsspec.core import url_to_fs

        self._files: Any
        self._files, root = url_to_fs(url)
        self._folder = f"{root.rstrip('/')}/{generation}"

    def names(self) -> set[str]:
        self._files.invalidate_cache()  # others write there too
        try:
            return {path.rpartition("/")[2] for path in self._files.ls(self._folder, detail=False)}
        except FileNotFoundError:
            return set()

    def read(self, name: str) -> Pack | None:
        """None for one that is not, or not yet, what its name says."""
        data = self._files.cat_file(f"{self._folder}/{name}")
        return msgspec.msgpack.decode(data, type=Pack) if _name_of(data) == name else None

    def write(self, pack: Pack) -> str:
        data = msgspec.msgpack.encode(pack)
        name = _name_of(data)
        self._files.makedirs(self._folder, exist_ok=True)
        self._files.pipe_file(f"{self._folder}/{name}", data)
        return name


def _name_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class SharedCache:
    """A machine's cache that asks the store for what it lacks, and tells it what is new."""

    def __init__(self, local: LocalCache, url: str) -> None:
        self._local = local
        self._url = url
        self._warning = ""
        self._store = self._guarded(lambda: PackStore(url, local.generation), None)

    @property
    def warning(self) -> str:
        return self._warning or self._local.warning

    def close(self) -> None:
        self._local.close()

    def _guarded(self, action: Callable[[], T], otherwise: T) -> T:
        """A store's library raises whatever it likes: the store is done without from there on."""
        try:
            return action()
        except Exception as error:
            self._warning = f"shared cache {self._url}: {error}; going on without it"
            self._store = None
            return otherwise

    # ------------------------------------------------------------ reading

    def records(self, keys: Sequence[str]) -> dict[str, bytes]:
        found = self._local.records(keys)
        return found if len(found) == len(set(keys)) or not self._catch_up() else self._local.records(keys)

    def known_records(self, keys: Sequence[str]) -> set[str]:
        found = self._local.known_records(keys)
        return found if len(found) == len(set(keys)) or not self._catch_up() else self._local.known_records(keys)

    def result(self, key: str) -> bytes | None:
        found = self._local.result(key)
        return found if found is not None or not self._catch_up() else self._local.result(key)

    def keys_of(self, stamps: Mapping[str, str]) -> dict[str, str]:
        found = self._local.keys_of(stamps)
        return found if len(found) == len(stamps) or not self._catch_up() else self._local.keys_of(stamps)

    def _catch_up(self) -> bool:
        """Takes in the packs that others wrote; answers whether there were any."""
        return self._guarded(self._take_in, False)

    def _take_in(self) -> bool:
        if self._store is None:
            return False
        names = self._store.names()
        held = self._local.keys_of({f"{_MARK}{name}": name for name in names})
        new = sorted(name for name in names if f"{_MARK}{name}" not in held)
        for name in new:
            pack = self._store.read(name)
            if pack is not None:
                self._keep(pack, name)
        return bool(new)

    def _keep(self, pack: Pack, name: str) -> None:
        self._local.store_records(pack.records)
        for key, blob in pack.results:
            self._local.store_result(key, blob)
        mark = [(f"{_MARK}{name}", name, "")] if name else []
        self._local.store_stamps([*pack.stamps, *mark])

    # ------------------------------------------------------------ writing

    def store_records(self, records: Iterable[tuple[str, bytes]]) -> None:
        self._tell(Pack(records=tuple(records)))

    def store_stamps(self, rows: Iterable[tuple[str, str, str]]) -> None:
        self._tell(Pack(stamps=tuple(rows)))

    def store_result(self, key: str, blob: bytes) -> None:
        self._tell(Pack(results=((key, blob),)))

    def _tell(self, pack: Pack) -> None:
        """To the store first, so that this machine need not take it in again."""
        store = self._store
        if pack != Pack():
            self._keep(pack, self._guarded(lambda: store.write(pack), "") if store is not None else "")
