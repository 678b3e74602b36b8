"""Settings: `[tool.llmlint]` of pyproject.toml, or llmlint.toml, from a file's folder up to the root.

A nearer file wins key by key; the walk upwards ends at `root = true` or at a repository's top. What is wrong in a
file is told once, naming file and key, and left out; the settings that can be read still hold.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from llmlint.flows import Flow
from llmlint.ignores import Patterns
from llmlint.opening import read_small
from llmlint.own_rules import OwnRulesError, are_allowed, is_trusted, use_rules_from
from llmlint.pattern_index import PatternIndex
from llmlint.protocols import Protocol
from llmlint.settings_problems import SettingsProblem, SettingsText, invalid_value, says, unknown_setting

if TYPE_CHECKING:
    from llmlint.catalogue import Catalogue, Rule
    from llmlint.findings import Finding

_LARGEST = 1_000_000
_MOST_DOTS = 1000

_NOT_FOR_A_TREE = {"cache-dir": "a tree does not say where to write; use --cache-dir or LLMLINT_CACHE_DIR"}

_NOT_TRUSTED = "rules are code, and you have not said that you trust this tree (`llmlint trust --help`)"

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

    select: Annotated[tuple[str, ...], says("Only these rules: a code, a name, LLM8, a chapter, or ALL.")] = ()
    extend_select: Annotated[tuple[str, ...], says("These rules too.")] = ()
    ignore: Annotated[tuple[str, ...], says("Not these rules.")] = ()
    preview: Annotated[bool, says("The rules that are off by default too: they are being tried.")] = False
    min_confidence: Annotated[Confidence, says("Least confidence shown.")] = "medium"
    min_severity: Annotated[Severity, says("Least severity shown; P0 is the worst.")] = "P3"
    fail_on: Annotated[Severity, says("Least severity that makes a scan exit with 1.")] = "P3"
    severity: Annotated[dict[str, Severity], says("Another severity for a rule.")] = {}
    per_path: Annotated[tuple[PathSettings, ...], says("What differs for files that match patterns.")] = ()
    rule_paths: Annotated[tuple[str, ...], says("Folders of rules of one's own, if this tree is trusted.")] = ()
    exclude: Annotated[tuple[str, ...], says("Left out: patterns as in .gitignore.")] = ()
    respect_gitignore: Annotated[bool, says("Leave out what git leaves out.")] = True
    max_file_mb: Annotated[float, says("Larger files are skipped, and named."), msgspec.Meta(gt=0, le=1000)] = 10.0
    jobs: Annotated[int, says("Worker processes; 0 is one a processor."), msgspec.Meta(ge=0, le=256)] = 0
    baseline: Annotated[str, says("The file of known findings.")] = ""
    root: Annotated[bool, says("The way up ends here.")] = False
    vocabulary: Annotated[dict[str, Any], says("Words and calls of the project.")] = {}
    protocol: Annotated[tuple[Protocol, ...], says("What is entered and must be left again.")] = ()
    flow: Annotated[tuple[Flow, ...], says("Where values come in from outside and must not arrive unchecked.")] = ()

    def rules(self, catalogue: Catalogue) -> tuple[Rule, ...]:
        """The rules these settings choose; raises UnknownRule for a selector that names none."""
        chosen = {rule.code for rule in (catalogue.rules if self.preview else catalogue.default_rules())}
        chosen = _codes(catalogue, self.select) if self.select else chosen
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
        return all(_lets_through(entry, finding, catalogue) for entry in self._entries_for(file))

    def severity_of(self, finding: Finding, file: str, catalogue: Catalogue) -> str:
        found = _severity_in(self.config.severity, finding, catalogue) or finding.severity
        for entry in self._entries_for(file):
            found = _severity_in(entry.severity, finding, catalogue) or found
        return found

    def _entries_for(self, file: str) -> list[PathSettings]:
        path, specs = self._below(file, "per-path"), self._path_specs
        might_match = self._path_index.might_match(path)
        return [self.config.per_path[number] for number in might_match if specs[number].matches(path)]

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

    @cached_property
    def _path_index(self) -> PatternIndex:
        index = PatternIndex()
        for number, patterns in enumerate(self._path_specs):
            for pattern in patterns.written:
                index.add(number, pattern)
        return index


class Configuration:
    """All settings of one run: each file read once, each complaint made once."""

    def __init__(self, only: Path | None = None, without: bool = False) -> None:
        """`only`: the one file to read, in the place of those that lie around. `without`: none is read."""
        self.problems: list[SettingsProblem] = []
        self._settings: dict[Path, Settings] = {}
        self._looks = only is None and not without
        self._only = (only.absolute(), self._read_file(only.absolute()) or {}) if only is not None else None

    def of(self, path: Path) -> Settings:
        """The settings in force for a file or folder."""
        path = path.absolute()
        return self.of_folder(path if os.path.isdir(path) else path.parent)

    def of_folder(self, folder: Path) -> Settings:
        """One object for all folders with the same settings."""
        if folder not in self._settings:
            self._settings[folder] = self._found_at(folder)
        return self._settings[folder]

    def _found_at(self, folder: Path) -> Settings:
        found = self._read_folder(folder) if self._looks else None
        is_top = os.path.exists(folder / ".git") or (found is not None and bool(found[1].get("root")))
        above = self._outermost(folder)
        if not is_top and folder.parent != folder:
            above = self.of_folder(folder.parent)
        if found is None and not is_top:
            return above if above.is_project else self._outermost(folder)
        file, table = found or (folder, {})
        values = {key: getattr(above.config, key.replace("-", "_")) for key in above.origins} | table
        origins = above.origins | dict.fromkeys(table, file)
        config = msgspec.convert(msgspec.to_builtins(values), Config)
        return Settings(config, above.root if above.is_project else folder, origins, is_project=True)

    def _outermost(self, folder: Path) -> Settings:
        """What holds where nothing was found: the defaults, or the one file that was named."""
        if self._only is None:
            return Settings(Config(), folder)
        file, table = self._only
        return Settings(msgspec.convert(table, Config), folder, dict.fromkeys(table, file))

    def _read_folder(self, folder: Path) -> tuple[Path, dict[str, Any]] | None:
        for file in (folder / "llmlint.toml", folder / "pyproject.toml"):
            if _is_there(file):
                table = self._read_file(file)
                if table is not None:
                    return file, table
        return None

    def _read_file(self, file: Path) -> dict[str, Any] | None:
        """A file's settings that can be read; None for a pyproject.toml that has none."""
        is_shared = file.name == "pyproject.toml"
        table: Any = {}
        text = SettingsText(_shown(file), "", "")
        try:
            written = read_small(file, _LARGEST).decode()
            text = SettingsText(_shown(file), written, "tool.llmlint" if is_shared else "")
            if max(line.count(".") for line in written.split("\n")) > _MOST_DOTS:
                raise ValueError("a key of too many parts")  # the library would take hours
            table = tomllib.loads(written)
        except (OSError, ValueError, RecursionError) as error:
            if not is_shared or text.may_speak_of("llmlint"):
                self.problems.append(text.unreadable(error))
            return None if is_shared else {}
        if is_shared:
            tools = table.get("tool", {})
            table = tools.get("llmlint") if isinstance(tools, dict) else None
        return None if table is None else dict(self._valid(text, table))

    def _valid(self, text: SettingsText, table: object) -> Iterator[tuple[str, Any]]:
        if not isinstance(table, Mapping):
            self.problems.append(text.problem("tool.llmlint is not a table; left out", "tool.llmlint"))
            return
        self._take_rules(text, table)
        yield from self._valid_keys(text, table)
        if text.has_too_many_problems:
            self.problems.append(text.problem("so many mistakes that the rest of the file is left out", ""))

    def _valid_keys(self, text: SettingsText, table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for key, value in table.items():
            if text.has_too_many_problems:
                return
            if key == "vocabulary" and isinstance(value, Mapping):
                yield key, dict(self._valid_words(text, value))
                continue
            wrong = _problem_with(key, value)
            if wrong is None:
                yield key, value
            else:
                self.problems.append(text.problem(f"{wrong[0]}; left out", key, wrong[1]))

    def _take_rules(self, text: SettingsText, table: Mapping[str, Any]) -> None:
        """Rules of one's own that the settings name: first of all, since other settings may speak of them."""
        paths = table.get("rule-paths")
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths) or not are_allowed():
            return
        home = Path(text.file).absolute().parent
        try:
            if not is_trusted(home):
                raise OwnRulesError(f"rule-paths: {', '.join(paths)} not used: {_NOT_TRUSTED}")
            folders = [home / path for path in paths]
            outside = [folder for folder in folders if not folder.resolve().is_relative_to(home.resolve())]
            if outside:
                raise OwnRulesError(f"rule-paths: {outside[0]} lies outside of the tree")
            use_rules_from(folders)
        except OwnRulesError as error:
            self.problems.append(text.problem(str(error), "rule-paths"))

    def _valid_words(self, text: SettingsText, groups: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The groups of words that can be read: one that can't be costs only itself."""
        from llmlint.vocabulary_file import VocabularyError, load_vocabulary

        for name, words in groups.items():
            if text.has_too_many_problems:
                return
            try:
                if b"\\u0000" in msgspec.json.encode(words):
                    raise VocabularyError(name, "a NUL character")
                load_vocabulary({name: words})
            except VocabularyError as error:
                self.problems.append(text.problem(f"vocabulary: {error}; left out", "vocabulary", name))
            else:
                yield name, words


def _is_there(file: Path) -> bool:
    """Also as what is no file: that is told when it is read."""
    return os.path.lexists(file) and not os.path.isdir(file)


def _problem_with(key: str, value: object) -> tuple[str, str] | None:
    """What is wrong with a setting, and the word in it that is."""
    known = Config.__struct_encode_fields__
    if key in _NOT_FOR_A_TREE:
        return f"{key}: {_NOT_FOR_A_TREE[key]}", ""
    if key not in known:
        return unknown_setting(key, known), ""
    try:
        config = msgspec.convert({key: value}, Config)
    except msgspec.ValidationError as error:
        return invalid_value(key, error)
    if b"\\u0000" in msgspec.json.encode(config):
        return f"{key}: a NUL character", ""
    return next(_unknown_rules(config), None)


def _unknown_rules(config: Config) -> Iterator[tuple[str, str]]:
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
            yield str(error), selector


def settings_schema() -> dict[str, Any]:
    """The JSON schema of llmlint.toml and of `[tool.llmlint]`, for editors."""
    schema = msgspec.json.schema(Config)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Settings of llmlint", **schema}


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
