"""Command lines fit to be kept: what gives access is left out."""

from __future__ import annotations

HIDDEN = "***"

_NAMES = frozenset({"key", "apikey", "token", "secret", "password", "passwd", "passphrase", "credential", "auth"})
"""A flag or variable whose last word is one of these has a secret for its value; `--max-tokens` has none."""

_BEGINNINGS = (
    "sk-",
    "hf_",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "eyJ",
    "Bearer ",
)
"""Of keys that can be told by their looks."""


def without_secrets(command: list[str]) -> list[str]:
    kept: list[str] = []
    is_value = False
    for part in command:
        name, equals, _ = part.partition("=")
        if is_value or part.startswith(_BEGINNINGS):
            kept.append(HIDDEN)
        elif equals and _names_a_secret(name):
            kept.append(f"{name}={HIDDEN}")
        else:
            kept.append(_without_login(part))
        is_value = part.startswith("-") and not equals and _names_a_secret(name)
    return kept


def _names_a_secret(name: str) -> bool:
    return name.lower().replace("_", "-").rpartition("-")[2] in _NAMES


def _without_login(part: str) -> str:
    """`https://user:word@host/` without its user and word."""
    scheme, mark, rest = part.partition("://")
    login, at, host = rest.partition("@")
    return f"{scheme}{mark}{HIDDEN}{at}{host}" if mark and at and "/" not in login else part
