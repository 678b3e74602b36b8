"""Settings: `[tool.llmlint]` of pyproject.toml, or llmlint.toml, from a file's folder up to the root.

A nearer file wins key by key; the walk upwards ends at `root = true` or at a repository's top. What is wrong in a
file is told once, naming file and key, and left out; the settings that can be read still hold.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from llmlint.ignores import Patterns
from llmlint.opening import read_small
from llmlint.plain import one_line

if TYPE_CHECKING:
    from llmlint.catalogue import Catalogue, Rule
    from llmlint.findings import Finding

_LARGEST = 1_000_000
_MOST_DOTS = 1000

_NOT_FOR_A_TREE = {"cache-dir": "a tree does not say where to write; use --cache-dir or LLMLINT_CACHE_DIR"}

Confidence = Literal["low", "medium", "high", "certain"]
Severity = Literal["P0", "P1", "P2", "P3"]


class PathSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """`[[tool.llmlint.per-path]]`: what differs for files that match `paths` (as in .gitignore)."""

    paths: tuple[str, ...]
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    severity: dict[str, Severity] = {}


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Every setting with its default."""

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    min_confidence: Confidence = "medium"
    min_severity: Severity = "P3"
    severity: dict[str, Severity] = {}
    per_path: tuple[PathSettings, ...] = ()
    exclude: tuple[str, ...] = ()
    respect_gitignore: bool = True
    max_file_mb: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 10.0
    jobs: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    baseline: str = ""
    root: bool = False
    vocabulary: dict[str, Any] = {}

    def rules(self, catalogue: Catalogue) -> tuple[Rule, ...]:
        """The rules these settings choose; raises UnknownRule for a selector that names none."""
        chosen = _codes(catalogue, self.select) if self.select else {rule.code for rule in catalogue.default_rules()}
        chosen |= _codes(catalogue, self.extend_select)
        chosen -= _codes(catalogue, self.ignore)
        return tuple(rule for rule in catalogue if rule.code in chosen)


class Settings(msgspec.Struct, frozen=True, dict=True):
    """A configuration, the folder it belongs to, and the file each value came from.

    `is_project` is False where no settings and no repository were found: `root` is then the folder asked about.
    """

    config: Config
    root: Path
    origins: dict[str, Path] = {}
    is_project: bool = False

    def excludes(self, file: str, is_folder: bool = False) -> bool:
        return self._excluded.matches(self._below(file, "exclude") + "/" * is_folder)

    def wants(self, finding: Finding, file: str, catalogue: Catalogue) -> bool:
        """Do the settings for its path let a finding through?"""
        for index, entry in enumerate(self.config.per_path):
            if self._applies(index, file) and not _lets_through(entry, finding, catalogue):
                return False
        return True

    def severity_of(self, finding: Finding, file: str, catalogue: Catalogue) -> str:
        found = _severity_in(self.config.severity, finding, catalogue) or finding.severity
        for index, entry in enumerate(self.config.per_path):
            if entry.severity and self._applies(index, file):
                found = _severity_in(entry.severity, finding, catalogue) or found
        return found

    def _applies(self, index: int, file: str) -> bool:
        return self._path_specs[index].matches(self._below(file, "per-path"))

    def _below(self, file: str, key: str) -> str:
        """A path as the patterns under `key` see it: from the folder of the file that holds them."""
        origin = self.origins.get(key)
        return os.path.relpath(file, origin.parent if origin else self.root)

    @cached_property
    def _excluded(self) -> Patterns:
        return Patterns(self.config.exclude)

    @cached_property
    def _path_specs(self) -> list[Patterns]:
        return [Patterns(entry.paths) for entry in self.config.per_path]


class Configuration:
    """All settings of one run: each file read once, each complaint made once."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._settings: dict[Path, Settings] = {}

    def of(self, path: Path) -> Settings:
        """The settings in force for a file or folder."""
        path = path.absolute()
        return self.of_folder(path if path.is_dir() else path.parent)

    def of_folder(self, folder: Path) -> Settings:
        """One object for all folders with the same settings."""
        if folder not in self._settings:
            self._settings[folder] = self._found_at(folder)
        return self._settings[folder]

    def _found_at(self, folder: Path) -> Settings:
        found = self._read_folder(folder)
        is_top = (folder / ".git").exists() or (found is not None and bool(found[1].get("root")))
        above = Settings(Config(), folder)
        if not is_top and folder.parent != folder:
            above = self.of_folder(folder.parent)
        if found is None and not is_top:
            return above if above.is_project else Settings(Config(), folder)
        file, table = found or (folder, {})
        values = {key: getattr(above.config, key.replace("-", "_")) for key in above.origins} | table
        origins = above.origins | dict.fromkeys(table, file)
        config = msgspec.convert(msgspec.to_builtins(values), Config)
        return Settings(config, above.root if above.is_project else folder, origins, is_project=True)

    def _read_folder(self, folder: Path) -> tuple[Path, dict[str, Any]] | None:
        own, project = folder / "llmlint.toml", folder / "pyproject.toml"
        if _is_there(own):
            table = self._read(own)
            return own, dict(self._valid(own, table))
        if _is_there(project):
            tool = self._read(project).get("tool", {})
            if isinstance(tool, dict) and "llmlint" in tool:
                return project, dict(self._valid(project, tool["llmlint"]))
        return None

    def _read(self, file: Path) -> dict[str, Any]:
        try:
            text = read_small(file, _LARGEST).decode()
            if max(line.count(".") for line in text.split("\n")) > _MOST_DOTS:
                raise ValueError("a key of too many parts")  # the library would take hours
            return tomllib.loads(text)
        except RecursionError:
            error = "nested too deep"
        except (OSError, ValueError) as why:
            error = getattr(why, "strerror", None) or str(why)
        self.problems.append(f"{_shown(file)}: {one_line(error)}; its settings are left out")
        return {}

    def _valid(self, file: Path, table: object) -> Iterator[tuple[str, Any]]:
        if not isinstance(table, Mapping):
            self.problems.append(f"{_shown(file)}: tool.llmlint is not a table; left out")
            return
        for key, value in table.items():
            problem = _problem_with(key, value)
            if problem:
                self.problems.append(f"{_shown(file)}: {problem}; left out")
            else:
                yield key, value


def _is_there(file: Path) -> bool:
    """Also as what is no file: that is told when it is read."""
    return os.path.lexists(file) and not file.is_dir()


def _problem_with(key: str, value: object) -> str:
    known = Config.__struct_encode_fields__
    if key in _NOT_FOR_A_TREE:
        return f"{key}: {_NOT_FOR_A_TREE[key]}"
    if key not in known:
        return f"unknown key {key!r}{_nearest(key, known)}"
    try:
        config = msgspec.convert({key: value}, Config)
    except msgspec.ValidationError as error:
        text = str(error).replace("Object contains unknown field", "unknown key")
        return f"{key}: {text}"
    if b"\\u0000" in msgspec.json.encode(config):
        return f"{key}: a NUL character"
    return "; ".join(_unknown_rules(config)) or (_vocabulary_problem(value) if key == "vocabulary" else "")


def _unknown_rules(config: Config) -> Iterator[str]:
    """Selectors that name no rule, wherever they stand."""
    from llmlint.catalogue import UnknownRule, load_catalogue

    tables: list[Config | PathSettings] = [config, *config.per_path]
    selectors = [*config.extend_select]
    for table in tables:
        selectors += [*(table.select or ()), *table.ignore, *table.severity]
    for selector in selectors:
        try:
            load_catalogue().matching(selector)
        except UnknownRule as error:
            yield str(error)


def _vocabulary_problem(value: object) -> str:
    from llmlint.vocabulary import VocabularyError, load_vocabulary

    try:
        load_vocabulary(value if isinstance(value, Mapping) else None)
    except VocabularyError as error:
        return f"vocabulary: {error}"
    return ""


def _nearest(key: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(key.replace("_", "-"), known, n=1, cutoff=0.0)
    return f"; nearest: {near[0]!r}" if near else ""


def _codes(catalogue: Catalogue, selectors: tuple[str, ...]) -> set[str]:
    return {rule.code for selector in selectors for rule in catalogue.matching(selector)}


def _lets_through(entry: PathSettings, finding: Finding, catalogue: Catalogue) -> bool:
    if finding.rule in _codes(catalogue, entry.ignore):
        return False
    return entry.select is None or finding.rule in _codes(catalogue, entry.select)


def _severity_in(table: Mapping[str, Severity], finding: Finding, catalogue: Catalogue) -> str:
    """The severity a table gives to a rule; the last selector that matches wins."""
    matching = [severity for selector, severity in table.items() if finding.rule in _codes(catalogue, (selector,))]
    return matching[-1] if matching else ""


def _shown(file: Path) -> str:
    relative = os.path.relpath(file)
    return str(file) if relative.startswith("..") else relative
