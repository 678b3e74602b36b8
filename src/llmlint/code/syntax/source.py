"""One file as a file-local checker sees it."""

from __future__ import annotations

import msgspec

from llmlint.code.facts.facts import FileFacts
from llmlint.code.syntax.tree import Module
from llmlint.vocabulary import Vocabulary


class SourceFile(msgspec.Struct, frozen=True):
    """`text` is the decoded content; the file's name is not known here (equal bytes give equal reports)."""

    text: str
    tree: Module
    facts: FileFacts
    vocabulary: Vocabulary
