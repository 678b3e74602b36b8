"""Options the commands of this folder share: where histories are and what is kept between runs."""

from __future__ import annotations

from pathlib import Path

import click
import platformdirs

from benchmarks.histories import History, clone_history, find_history
from benchmarks.real_bugs.cases import Case, upstream_url

histories_option = click.option(
    "--histories",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="LLMLINT_HISTORIES",
    help="Folder with clones of the projects, bare or not. Without it they are cloned from upstream.",
)
cache_option = click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(platformdirs.user_cache_dir("llmlint-benchmarks")),
    show_default="the user's cache folder",
    help="Where clones, work trees and the linter's cache are kept.",
)


def open_history(case: Case, histories: Path | None, cache: Path) -> History:
    found = find_history(histories, case.mirror) if histories is not None else None
    return found or clone_history(cache / "histories", case.mirror, upstream_url(case.mirror))


def listed(text: str) -> list[str]:
    """The parts of what is given with commas between."""
    return [part.strip() for part in text.split(",") if part.strip()]
