"""What a rule's confidence and severity have been worth: given by readings of its findings, not by its author.

`rules/earned.toml` says how often findings were right when somebody who did not write the rule read them with the code
open, on trees that nobody tuned to. A rule, or one mechanism of it, that was wrong more often than right is told with
low confidence; high confidence and P0 are for what was nearly always right.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache

import msgspec

from llmlint.catalogue import RULES_DIRECTORY
from llmlint.findings import CONFIDENCES, Finding

READINGS_FILE = RULES_DIRECTORY / "earned.toml"
_ENOUGH = 5
_FEW = 3
_MOSTLY = 0.5
_NEARLY_ALWAYS = 0.75


class Readings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`harmless` is true, and nobody would act on it: it counts as wrong."""

    rule: str
    real: int
    harmless: int
    not_real: int
    source: str
    mechanism: str = ""

    @property
    def read(self) -> int:
        return self.real + self.harmless + self.not_real

    @property
    def share(self) -> float:
        return self.real / self.read if self.read else 0.0

    @property
    def most_confident(self) -> str:
        if self.read >= _FEW and self.share < _MOSTLY:
            return "low"
        return "high" if self.read >= _ENOUGH and self.share >= _NEARLY_ALWAYS else "medium"


@lru_cache(maxsize=1)
def readings() -> dict[tuple[str, str], Readings]:
    """By rule and mechanism; the mechanism "" speaks for what has no reading of its own."""
    rows = msgspec.convert(tomllib.loads(READINGS_FILE.read_text("utf-8")).get("read", []), list[Readings])
    return {(row.rule, row.mechanism): row for row in rows}


def readings_of(rule: str, mechanism: str = "") -> Readings:
    known = readings()
    nothing = Readings(rule, 0, 0, 0, "nobody yet")
    return known.get((rule, mechanism)) or known.get((rule, "")) or nothing


def limited(finding: Finding) -> Finding:
    """The finding with no more confidence and severity than its rule has earned; rules of one's own are left alone."""
    if finding.confidence == "certain" or not finding.rule.startswith("LLM"):
        return finding
    told = readings_of(finding.rule, finding.mechanism)
    most = told.most_confident
    changes: dict[str, str] = {}
    if CONFIDENCES.index(finding.confidence) > CONFIDENCES.index(most):
        how_often = f"read {told.read} times on engines nobody tuned to, right {told.real} times" if told.read else ""
        why = how_often or "nobody has read this rule's findings on other engines yet"
        changes = {"confidence": most, "confidence_reason": f"{finding.confidence_reason}; {why}".lstrip("; ")}
    if finding.severity == "P0" and most != "high":
        changes["severity"] = "P1"
    return msgspec.structs.replace(finding, **changes) if changes else finding
