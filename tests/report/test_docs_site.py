"""The site builds without a warning, and has a page for each rule where reports link to it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlparse

import pytest

from llmlint import __version__
from llmlint.catalogue import DOCS_URL, load_catalogue

from .conftest import REPOSITORY

pytest.importorskip("material", reason="mkdocs-material is not installed: pip install -e '.[dev]'")


def test_the_site_builds_strictly_with_a_page_for_every_rule(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "src")}
    ran = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert f"llmlint {__version__}" in (tmp_path / "site" / "index.html").read_text()
    for rule in load_catalogue():
        name = urlparse(rule.doc_url.removeprefix(DOCS_URL)).path
        assert "Why it hurts in production" in (tmp_path / "site" / "rules" / name).read_text()


def test_read_the_docs_accepts_the_configuration_that_builds_a_version_for_each_tag() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    if not checker.exists():
        pytest.skip("check-jsonschema is not installed: pip install -e '.[dev]'")
    command = [checker, "--builtin-schema", "vendor.readthedocs", REPOSITORY / ".readthedocs.yaml"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
