"""Rules' pages to be read in an editor: Markdown without the table that llmlint reads, in a folder of the server's."""

from __future__ import annotations

import shutil
import tempfile
from functools import cached_property
from pathlib import Path

from llmlint.catalogue import Rule, split_page


class Pages:
    @cached_property
    def _folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="llmlint-pages-"))

    def write(self, rule: Rule) -> Path:
        """The page's file; the same one each time."""
        file = self._folder / rule.path.name
        _, body = split_page(rule.path.read_text(encoding="utf-8"), rule.path)
        file.write_text(f"# {rule.code} {rule.name}\n\n{rule.title}\n{body}", encoding="utf-8")
        return file

    def remove(self) -> None:
        if "_folder" in self.__dict__:
            shutil.rmtree(self._folder, ignore_errors=True)
