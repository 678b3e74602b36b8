"""What is wrong with a settings file, said in its own words, with the line it stands on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

import msgspec

from llmlint.findings import CONFIDENCES, SEVERITIES
from llmlint.plain import one_line

_LONGEST = 100
_BEFORE = 40
"""So much of a long line is shown, and so much of that before the mark."""

_MOST_PROBLEMS = 100
"""Of one file: what has more mistakes is not a settings file, and nobody reads on."""
_MOST_SAID = 500

_OTHERS_NAMES = {
    "per-file-ignores": "per-path",
    "overrides": "per-path",
    "extend-exclude": "exclude",
    "ignore-paths": "exclude",
    "ignore-patterns": "exclude",
    "skip": "exclude",
    "extend-ignore": "ignore",
    "disable": "ignore",
    "enable": "extend-select",
    "rules": "select",
    "load-plugins": "rule-paths",
    "fail-under": "fail-on",
    "output-format": "",
    "line-length": "",
    "target-version": "",
}
"""What ruff, pylint and mypy call a setting, and what it is called here; "" where there is none."""

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}

_LIMITS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}


class SettingsProblem(msgspec.Struct, frozen=True):
    """One complaint. `line` is 0 where it is about no line in particular; `code` is that line's text."""

    file: str
    message: str
    line: int = 0
    column: int = 1
    width: int = 1
    code: str = ""

    @property
    def text(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"

    @property
    def frame(self) -> tuple[str, ...]:
        """The line with a mark below what is wrong."""
        if not self.line:
            return ()
        first = max(0, self.column - _BEFORE) if self.column > _LONGEST // 2 else 0
        code = one_line(self.code[first : first + _LONGEST])
        before = len(one_line(self.code[first : self.column - 1]))
        gutter = " " * len(str(self.line))
        mark = "^" * min(self.width, _LONGEST)
        return (f"  {gutter} |", f"  {self.line} | {code}", f"  {gutter} | {' ' * before}{mark}")


class SettingsText:
    """A settings file's lines, and where in them a key stands."""

    def __init__(self, file: str, text: str, table: str) -> None:
        """`table` is the one that holds the settings: "tool.llmlint", or "" for the whole file."""
        self.file = file
        self._lines = text.split("\n")
        self._table = table
        self._told = 0

    @property
    def has_too_many_problems(self) -> bool:
        return self._told >= _MOST_PROBLEMS

    def may_speak_of(self, word: str) -> bool:
        """False for what is no settings file at all: a template of one, before its blanks are filled."""
        return self._lines == [""] or any(word in line for line in self._lines)

    def problem(self, message: str, key: str, word: str = "") -> SettingsProblem:
        """A complaint about `word` in the value of `key`, or about the key itself."""
        self._told += 1
        message = message if len(message) <= _MOST_SAID else f"{message[:_MOST_SAID]} …"
        at = self._line_of(key)
        place = self._find(word, at) if word and at else None
        line, column, width = place or self._key_at(at, key)
        code = self._lines[line - 1].rstrip("\r") if line else ""
        return SettingsProblem(self.file, message, line, column, width, code)

    def unreadable(self, error: Exception) -> SettingsProblem:
        """What the TOML reader says; it names the place in its message."""
        said = getattr(error, "strerror", None) or str(error)
        said = "nested too deep" if isinstance(error, RecursionError) else one_line(said)
        place = re.search(r" \(at line (\d+), column (\d+)\)$", said)
        line, column = (int(place[1]), int(place[2])) if place else (0, 1)
        if place is None or line > len(self._lines):
            return SettingsProblem(self.file, f"{said}; its settings are left out")
        said = f"{said[: place.start()]}; its settings are left out"
        return SettingsProblem(self.file, said, line, column, 1, self._lines[line - 1].rstrip("\r"))

    def _line_of(self, key: str) -> int:
        """The line on which a key of our table is first written; 0 when it can't be told."""
        return self._written.get(key, 0)

    @cached_property
    def _written(self) -> dict[str, int]:
        """Each key of our table with its line: one pass, as a file may hold very many that are wrong."""
        found: dict[str, int] = {}
        inside = not self._table
        below = f"{self._table}." if self._table else ""
        for number, line in enumerate(self._lines, 1):
            if line.lstrip().startswith("["):
                name = _unquoted(line.partition("#")[0]).strip("[] \t\r")
                inside = name == self._table
                if name.startswith(below):
                    found.setdefault(name.removeprefix(below).partition(".")[0], number)
            elif inside and "=" in line:
                name = _unquoted(line.partition("=")[0]).strip()
                found.setdefault(name, number)
                found.setdefault(name.partition(".")[0], number)
        return found

    def _find(self, word: str, start: int) -> tuple[int, int, int] | None:
        pattern = re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])")
        for number in range(start, len(self._lines) + 1):
            found = pattern.search(self._lines[number - 1])
            if found:
                return number, found.start() + 1, len(word)
        return None

    def _key_at(self, line: int, key: str) -> tuple[int, int, int]:
        if not line:
            return 0, 1, 1
        return line, self._lines[line - 1].find(key) + 1 or 1, len(key)


def says(description: str) -> msgspec.Meta:
    """What an editor shows beside the key: it is part of the settings' schema."""
    return msgspec.Meta(description=description)


def _unquoted(text: str) -> str:
    return text.replace('"', "").replace("'", "")


def unknown_setting(key: str, known: Sequence[str]) -> str:
    ours = _OTHERS_NAMES.get(key.replace("_", "-"))
    if ours is None:
        from difflib import get_close_matches

        near = get_close_matches(key.replace("_", "-"), known, n=1, cutoff=0.6)
        ours = near[0] if near else ""
    return f"unknown setting {key!r}" + (f"; did you mean {ours!r}" if ours else "")


def invalid_value(key: str, error: msgspec.ValidationError) -> tuple[str, str]:
    """What is wrong with a value, and the word in it that is."""
    said, _, path = str(error).partition(" - at `")
    path = path.rstrip("`").removeprefix("$").strip(".")
    inner = path.partition(".")[2] if path else ""
    wrong = re.match(r"Invalid enum value '(.*)'$", said)
    if wrong and "confidence" not in key and "severity" not in key:
        return f"{path}: {wrong[1]!r} is not known here", wrong[1]
    if wrong:
        kind = "confidence" if "confidence" in key else "severity"
        return f"{key}: {wrong[1]!r} is no {kind}: {_listed(kind)}", wrong[1]
    mistaken = re.match(r"Expected `(.*)`, got `(.*)`$", said)
    if mistaken:
        wanted = " or ".join(_KINDS.get(kind.strip(), kind) for kind in mistaken[1].split("|"))
        return f"{path or key} must be {wanted}, not {_KINDS.get(mistaken[2], mistaken[2])}", ""
    limit = re.match(r"Expected `.*` (>=|<=|>|<) (\S+)$", said)
    if limit:
        return f"{path or key} must be {_LIMITS[limit[1]]} {limit[2].removesuffix('.0')}", ""
    unknown = re.match(r"Object contains unknown field `(.*)`$", said)
    if unknown:
        return f"{key}: unknown key {unknown[1]!r}", unknown[1]
    missing = re.match(r"Object missing required field `(.*)`$", said)
    if missing:
        return f"{path or key}: {missing[1]!r} is missing", ""
    return f"{key}: {said}" + (f" ({inner})" if inner else ""), ""


def _listed(kind: str) -> str:
    return ", ".join(CONFIDENCES if kind == "confidence" else SEVERITIES)
