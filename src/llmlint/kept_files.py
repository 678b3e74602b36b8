"""What one scan leaves in memory for the next of nearly the same files: their records and texts, by content.

With a record goes what was worked out of its facts alone (`code/link/once.py`), so a scan that follows pays for that
only where a file is another. Nothing is kept here that depends on a second file: that is worked out anew each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from llmlint.reading import FileRecord


class KeptFiles:
    """`records` are found by content key."""

    def __init__(self) -> None:
        self.records: dict[str, FileRecord] = {}
        self._texts: dict[str, str] = {}
        self._lacking: dict[str, set[str]] = {}

    def text(self, key: str, read: Callable[[], str]) -> str:
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = read()
        return text

    def lacks(self, text: str, part: str) -> bool:
        """Is this part nowhere in the text? Who asks again is told at once."""
        lacking = self._lacking.setdefault(text, set())
        if part not in lacking and part not in text:
            lacking.add(part)
        return part in lacking

    def keep(self, records: Iterable[tuple[str, FileRecord]]) -> None:
        """These are the files now; what else was kept is given up."""
        self.records = dict(records)
        self._texts = {key: text for key, text in self._texts.items() if key in self.records}
        texts = set(self._texts.values())
        self._lacking = {text: parts for text, parts in self._lacking.items() if text in texts}
