"""What a rule's confidence and severity have been worth: given by readings of its findings, not by its author.

`rules/earned.toml` says how often findings were right when somebody who did not write the rule read them with the code
open, on engines that nobody had tuned to: all that was ever read, also of what has been mended since. Counted so, it
tells on the next engine what is right there and what is not; counted by what is still reported, it does not.

What was read little is judged by its like: a mechanism by its rule, a rule by its language. When it was shown because
nobody had yet spoken against it, it was right once in four times.

What is shown because it was right is right less often when it is read next: benchmarks/precision/results/foretold.md.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache

import msgspec

from llmlint.catalogue import RULES_DIRECTORY, Rule, load_catalogue
from llmlint.files import language_of
from llmlint.findings import CONFIDENCES, Finding
from llmlint.plain import counted

LANGUAGES = ("python", "cpp")
READINGS_FILE = RULES_DIRECTORY / "earned.toml"
_AVERAGE_COUNTS = 2
"""So many readings of the average rule of the language count beside a rule's own: a few say little by themselves."""
_RULE_COUNTS = 4
"""And so many of the rule beside those of one of its mechanisms: forms of one rule may have little in common."""
_ELSEWHERE = "engines nobody tuned to"
_NOWHERE = "nobody has read this rule's findings on other engines yet"
FEW = 3
"""What was read less often on other engines is judged by what was read on vLLM and SGLang as well."""
_ENOUGH = 5
_WORTH_SHOWING = 0.55
"""What promises less than this was not right every second time where it was read next."""
_MOSTLY = 0.65


class Readings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one rule in one language, or of one mechanism of it. `harmless` is true, and nobody would act on it: it counts
    as wrong."""

    rule: str
    language: str
    real: int = 0
    harmless: int = 0
    not_real: int = 0
    mechanism: str = ""
    at_home: bool = False
    """Whether findings on vLLM and SGLang are counted too."""

    @property
    def read(self) -> int:
        return self.real + self.harmless + self.not_real

    @property
    def worth(self) -> float:
        return _worth(self)

    @property
    def most_confident(self) -> str:
        if self.worth < _WORTH_SHOWING:
            return "low"
        return "high" if self.read >= _ENOUGH and self.worth >= _MOSTLY else "medium"

    @property
    def in_words(self) -> str:
        if not self.read:
            return ""
        where = f"vLLM, SGLang and {_ELSEWHERE}" if self.at_home else _ELSEWHERE
        return f"read {counted(self.read, 'time')} on {where}, right {counted(self.real, 'time')}"


Said = Mapping[tuple[str, str, str], Readings]
"""By rule, language and mechanism; the mechanism "" counts all of the rule."""


@lru_cache(maxsize=1)
def readings() -> Said:
    rows = msgspec.convert(tomllib.loads(READINGS_FILE.read_text("utf-8")).get("read", []), list[Readings])
    return {(row.rule, row.language, row.mechanism): row for row in rows}


@lru_cache
def _worth(row: Readings) -> float:
    return worth(row, readings())


def worth(row: Readings, said: Said) -> float:
    """How often a finding is right, as far as these readings and what was said of its like tell."""
    if row.mechanism:
        of_rule = said.get((row.rule, row.language, "")) or Readings(row.rule, row.language)
        return (row.real + _RULE_COUNTS * worth(of_rule, said)) / (row.read + _RULE_COUNTS)
    alike = [other for other in said.values() if other.language == row.language and not other.mechanism]
    average = sum(other.real for other in alike) / (sum(other.read for other in alike) or 1)
    return (row.real + _AVERAGE_COUNTS * average) / (row.read + _AVERAGE_COUNTS)


def kind_of(path: str) -> str:
    """The language as rules name it: C and CUDA are read as C++ is."""
    return "python" if language_of(path) == "python" else "cpp"


def readings_of(rule: str, language: str, mechanism: str = "") -> Readings:
    key = (rule, language, mechanism)
    return readings().get(key) or Readings(rule, language, mechanism=mechanism)


def most_confident(rule: str, languages: Iterable[str]) -> str:
    """The best that a rule has earned in any of its languages."""
    return max((readings_of(rule, language).most_confident for language in languages), key=CONFIDENCES.index)


def may_be(rule: Rule, least: str, language: str = "") -> bool:
    """Do readings let any finding of a rule be as sure as this, in one language or in any?"""
    return least == "low" or _may_be(rule.code, (language,) if language else rule.languages, least)


def may_tell(rule: Rule, least: str, mechanism: str) -> bool:
    """Do readings let what one mechanism of a rule tells be as sure as this, in any of its languages?"""
    if least == "low" or not _is_judged(rule.code):
        return True
    told = (readings_of(rule.code, language, mechanism) for language in rule.languages)
    return any(CONFIDENCES.index(row.most_confident) >= CONFIDENCES.index(least) for row in told)


@cache
def _may_be(code: str, languages: tuple[str, ...], least: str) -> bool:
    if not _is_judged(code):
        return True
    told = [row for (of, language, _), row in readings().items() if of == code and language in languages]
    rows = told or [readings_of(code, language) for language in languages]
    return any(CONFIDENCES.index(row.most_confident) >= CONFIDENCES.index(least) for row in rows)


def limited(finding: Finding) -> Finding:
    """The finding with no more confidence and severity than its rule has earned."""
    if finding.confidence == "certain" or not _is_judged(finding.rule):
        return finding
    told = readings_of(finding.rule, kind_of(finding.path), finding.mechanism)
    most = told.most_confident
    changes: dict[str, str] = {}
    if CONFIDENCES.index(finding.confidence) > CONFIDENCES.index(most):
        of_rule = readings_of(finding.rule, told.language)
        why = (told if told.read >= FEW else of_rule).in_words or told.in_words or _NOWHERE
        changes = {"confidence": most, "confidence_reason": f"{finding.confidence_reason}; {why}".lstrip("; ")}
    if finding.severity == "P0" and most != "high":
        changes["severity"] = "P1"
    return msgspec.structs.replace(finding, **changes) if changes else finding


def was_limited(finding: Finding) -> bool:
    """Did readings lower it, and not its checker?"""
    return f"{_ELSEWHERE}, right" in finding.confidence_reason or _NOWHERE in finding.confidence_reason


@lru_cache
def _is_judged(rule: str) -> bool:
    """Not a rule of one's own, which nobody else reads, nor what is no guess: a comment covers something, or not."""
    known = load_catalogue().get(rule)
    return rule.startswith("LLM") and not (known is not None and known.reported_by_engine)
