"""Settings: `[tool.llmlint]` of pyproject.toml or llmlint.toml, from a file's folder up to the root.

A nearer file wins key by key; the walk upwards ends at `root = true`, at a repository's top, or at the file system's.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec


class ConfigError(ValueError):
    """A configuration that cannot be read; the message names the file and the key."""


class PathSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[[tool.llmlint.per-path]]`: what differs for files that match `paths` (as in .gitignore)."""

    paths: tuple[str, ...]
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    severity: dict[str, str] = {}


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Every setting with its default."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_confidence: str = "medium"
    min_severity: str = "P3"
    jobs: int = 0
    cache_dir: str = ""
    baseline: str = ""
    respect_gitignore: bool = True
    max_file_mb: float = 10.0
    root: bool = False
    per_path: tuple[PathSettings, ...] = ()
    severity: dict[str, str] = {}
    vocabulary: dict[str, Any] = {}


class Settings(msgspec.Struct, frozen=True):
    """A configuration with the folder it belongs to and where each value came from."""

    config: Config
    root: Path
    origins: dict[str, str] = {}


def load_settings(start: Path) -> Settings:
    """The settings in force for a file or folder."""
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    folder = start if start.is_dir() else start.parent
    folder = folder.resolve()
    root = folder
    for here in (folder, *folder.parents):
        found = _table_in(here)
        if found is not None:
            file, table = found
            for key, value in table.items():
                if key not in merged:
                    merged[key] = value
                    origins[key] = str(file)
            root = here
            if table.get("root"):
                break
        if (here / ".git").exists():
            root = here
            break
    return Settings(_convert(merged, origins), root, origins)


def _table_in(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    own = folder / "llmlint.toml"
    if own.is_file():
        return own, _checked(own, _read(own))
    project = folder / "pyproject.toml"
    if project.is_file():
        table = _read(project).get("tool", {}).get("llmlint")
        if isinstance(table, dict):
            return project, _checked(project, table)
    return None


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{file}: {error}") from None


def _checked(file: Path, table: dict[str, Any]) -> dict[str, Any]:
    known = Config.__struct_encode_fields__
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
            raise ConfigError(f"{file}: unknown key {key!r} in the llmlint settings{hint}")
    return table


def _convert(merged: Mapping[str, Any], origins: Mapping[str, str]) -> Config:
    for key, value in merged.items():
        try:
            msgspec.convert({key: value}, Config)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{origins[key]}: {key}: {error}") from None
    return msgspec.convert(dict(merged), Config)
