"""What was found out about one issue."""

from __future__ import annotations

from typing import Literal

import msgspec

from llmlint.study.issue import Issue
from llmlint.study.issue_words import Chapter, Kind


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`chapter` is "" where no fault is told of or no words say which; `cause` where none is named.

    `start` and `end` are the place of the words in the issue's text.
    """

    kind: Kind
    chapter: Chapter | Literal[""] = ""
    cause: str = ""
    confidence: Literal["low", "medium", "high"] = "low"
    start: int = 0
    end: int = 0

    @property
    def subject(self) -> str:
        """The chapter of a fault; what else it is, where it is none."""
        return self.chapter or ("unclear" if self.kind == "fault" else self.kind)

    def words(self, issue: Issue) -> str:
        """The words it goes by, as they stand in the issue."""
        return issue.text[self.start : self.end]
