"""Where the running llmlint was installed from, as pip is told it: what we write for others must install the same."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec

from llmlint import __version__

DISTRIBUTION = "llmlint-serving"
"""The name in the package index, which takes `llmlint` for a project that exists, `llm-lint`."""


class Source(msgspec.Struct, frozen=True):
    """`place` is what pip takes behind the name; `elsewhere` says whether other machines can reach it."""

    place: str
    elsewhere: bool = True

    def requirement(self, extra: str = "") -> str:
        return f"{DISTRIBUTION}{f'[{extra}]' if extra else ''}{self.place}"


def installed_from() -> Source:
    """A commit of a repository, a file, a folder, or the index with its version."""
    told = _told_by_pip()
    if isinstance(told.get("url"), str):
        return _of_url(told)
    clone = Path(__file__).parents[2]
    if (clone / "pyproject.toml").exists():  # run from there, without being installed
        return Source(f" @ {clone.as_uri()}", elsewhere=False)
    return Source(f"=={__version__}")


def _told_by_pip() -> dict[str, Any]:
    """What pip wrote of an installation that was not from the index."""
    try:
        written = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
        return msgspec.json.decode(written, type=dict[str, Any]) if written else {}
    except (metadata.PackageNotFoundError, msgspec.DecodeError):
        return {}


def _of_url(told: dict[str, Any]) -> Source:
    url = re.sub(r"(?<=//)[^/@]*:[^/@]*@", "", told["url"])  # a password is nobody else's
    elsewhere = not url.startswith("file:")
    version_control = told.get("vcs_info")
    if version_control:
        return Source(f" @ {version_control['vcs']}+{url}@{version_control['commit_id']}", elsewhere)
    digests = (told.get("archive_info") or {}).get("hashes") or {}
    return Source(f" @ {url}" + (f"#sha256={digests['sha256']}" if "sha256" in digests else ""), elsewhere)
