"""What a scan may ask of a cache: records by content, content by the stamp of a file, whole results by what went in.

`local_cache.py` is the one of this machine, `shared_cache.py` one that several machines have together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol


class Cache(Protocol):
    """Its entries are those of one make of the tool, its rules and its words; of another one's nothing is seen."""

    @property
    def warning(self) -> str:
        """What went wrong, once; a scan goes on without what it could not have."""

    def close(self) -> None: ...

    def records(self, keys: Sequence[str]) -> dict[str, bytes]: ...

    def known_records(self, keys: Sequence[str]) -> set[str]:
        """Those of the keys that there is a record for."""

    def result(self, key: str) -> bytes | None: ...

    def keys_of(self, stamps: Mapping[str, str]) -> dict[str, str]:
        """The content key of each path whose stamp is as it was when the key was taken."""

    def store_records(self, records: Iterable[tuple[str, bytes]]) -> None: ...

    def store_stamps(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Path, stamp and content key."""

    def store_result(self, key: str, blob: bytes) -> None: ...
