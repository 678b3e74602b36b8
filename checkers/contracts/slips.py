"""What a slip is, and how one is told: of Python (LLM905) and of C++ (LLM957) alike."""

from __future__ import annotations

from typing import NamedTuple

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Report, Step


class Slip(NamedTuple):
    """`doubts` says why the confidence is low."""

    at: tree.Node
    message: str
    fix: str
    confidence: str = ""
    doubts: str = "one of the two is idle, and may be all that is wrong"
    read_as: str = ""
    """Harms nobody where no code reads this name."""


def told(file: SourceFile, slip: Slip, mechanism: str, sure: str) -> Report:
    """`sure` is the confidence of what the checker says nothing else of."""
    confidence = slip.confidence or sure
    return Report(
        place_of(slip.at),
        qualname_at(file.facts, slip.at.line),
        slip.message,
        (Step("", slip.at.line, slip.message),),
        confidence=confidence,
        reason=slip.doubts if confidence == "low" else "nobody writes this for what it does",
        subject=slip.message,
        fix=slip.fix,
        read_as=slip.read_as,
        mechanism=mechanism,
    )
