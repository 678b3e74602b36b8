"""`llmlint cache info|clear`."""

from __future__ import annotations

import click

from llmlint.local_cache import cache_info, remove_files
from llmlint.project import Project, Request


@click.group()
def cache() -> None:
    """Look at the cache, or throw it away."""


@cache.command()
@click.argument("path", default=".")
@click.option("--cache-dir", metavar="FOLDER", help="Where the cache lies.")
def info(path: str, cache_dir: str | None) -> None:
    """How much the cache of the project at PATH holds."""
    directory = Project(Request((path,), cache_dir=cache_dir)).cache_directory
    held = cache_info(directory)
    click.echo(f"{directory}: {held['records']} files, {held['results']} results, {held['bytes']:,} bytes")


@cache.command()
@click.argument("path", default=".")
@click.option("--cache-dir", metavar="FOLDER", help="Where the cache lies.")
def clear(path: str, cache_dir: str | None) -> None:
    """Throw the cache of the project at PATH away."""
    directory = Project(Request((path,), cache_dir=cache_dir)).cache_directory
    remove_files(directory)
    click.echo(f"{directory}: cleared")
