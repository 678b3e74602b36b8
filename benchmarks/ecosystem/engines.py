"""llmlint as it was at a revision, or as it is in a folder, to be run beside another."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import click

_PARTS = ("src", "rules", "checkers", "dynamic")
"""What a checkout needs to run."""


def engine_of(revision: str, repository: Path, scratch: Path) -> Path:
    """The folder to import llmlint from: that of a checkout, where `revision` is one, else laid out under `scratch`."""
    checkout = Path(revision)
    if (checkout / "src" / "llmlint").is_dir():
        return (checkout / "src").resolve()
    folder = scratch / _git(repository, "rev-parse", "--verify", f"{revision}^{{commit}}").decode().strip()
    if not folder.exists():
        with tarfile.open(fileobj=io.BytesIO(_git(repository, "archive", revision, *_PARTS))) as archive:
            archive.extractall(folder, filter="data")
    return folder / "src"


def _git(repository: Path, *arguments: str) -> bytes:
    done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=False)
    if done.returncode:
        raise click.ClickException(done.stderr.decode("utf-8", "replace").strip())
    return done.stdout
