"""Command lines fit to be kept: what gives access is left out, also within a line that a shell is given."""

from __future__ import annotations

import re

HIDDEN = "***"

_NAMES = r"(?:key|apikey|token|secret|password|passwd|passphrase|credential|auth|authorization)"
"""A flag, variable or field whose last word is one of these has a secret for its value; `--max-tokens` has none."""

_BEGINNINGS = r"(?:sk-|hf_|ghp_|gho_|ghs_|github_pat_|glpat-|xoxb-|xoxp-|AKIA|eyJ)"
"""Of keys that can be told by their looks."""

_FLAG = re.compile(rf"--?(?:\w+[-_])*{_NAMES}", re.IGNORECASE)
_HIDDEN_IN = [
    (re.compile(rf"(?<![\w-]){_BEGINNINGS}[^\s\"']+"), HIDDEN),
    (re.compile(r"\b(bearer|basic)(\s+)[^\s\"']+", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    (re.compile(rf"((?<![^\W_]){_NAMES}[\"']?\s*[=:]\s*[\"']?)(?!bearer|basic)[^\s\"'&;,}}]+", re.I), rf"\1{HIDDEN}"),
    (re.compile(rf"((?<!\S){_FLAG.pattern}\s+[\"']?)[^\s\"';]+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"(://)[^/\s\"']+@"), rf"\1{HIDDEN}@"),
]


def without_secrets(command: list[str]) -> list[str]:
    kept: list[str] = []
    is_value = False
    for part in command:
        kept.append(HIDDEN if is_value else _without_secrets_in(part))
        is_value = _FLAG.fullmatch(part) is not None
    return kept


def _without_secrets_in(part: str) -> str:
    for pattern, instead in _HIDDEN_IN:
        part = pattern.sub(instead, part)
    return part
