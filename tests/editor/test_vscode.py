"""The extension for VS Code: its manifest says what the server knows, its tests pass, its package is whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from llmlint import __version__
from llmlint.findings import CONFIDENCES, SEVERITIES

pytest.importorskip("pygls", reason="pygls is not installed: pip install -e '.[lsp]'")

from llmlint.editor.client import Wanted

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "editors" / "vscode"
OWN = {"path", "trace.server"}
"""Settings that the server is not told of."""


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return dict(json.loads((EXTENSION / "package.json").read_text(encoding="utf-8")))


def settings_of(manifest: dict[str, Any]) -> dict[str, Any]:
    properties = manifest["contributes"]["configuration"]["properties"]
    return {name.removeprefix("llmlint."): said for name, said in properties.items()}


def test_its_settings_are_what_the_server_takes(manifest: dict[str, Any]) -> None:
    taken = {field.encode_name for field in msgspec.structs.fields(Wanted)}
    assert set(settings_of(manifest)) == taken | OWN


def test_its_lists_of_values_are_those_of_llmlint(manifest: dict[str, Any]) -> None:
    settings = settings_of(manifest)
    assert set(settings["minConfidence"]["enum"]) == {"", *CONFIDENCES}
    assert set(settings["minSeverity"]["enum"]) == {"", *SEVERITIES}


def test_it_has_the_version_of_llmlint(manifest: dict[str, Any]) -> None:
    assert manifest["version"] == __version__


def test_a_workspace_that_is_not_trusted_names_no_program(manifest: dict[str, Any]) -> None:
    assert "llmlint.path" in manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]


def npm(script: str) -> subprocess.CompletedProcess[str]:
    if not (EXTENSION / "node_modules").is_dir():
        pytest.skip("the extension's packages are not installed: run `make tools`")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "src"),
        "LLMLINT": str(Path(sys.executable).with_name("llmlint")),
    }
    command = ["npm", "run", "--silent", script]
    return subprocess.run(
        command, cwd=EXTENSION, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_server_answers_the_extension() -> None:
    ran = npm("test")
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr


def test_the_package_holds_the_program_and_nothing_besides(manifest: dict[str, Any]) -> None:
    ran = npm("package")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with zipfile.ZipFile(EXTENSION / "build" / "llmlint.vsix") as package:
        held = {Path(name).relative_to("extension").as_posix() for name in package.namelist() if "extension/" in name}
    assert held == {"package.json", "readme.md", "LICENSE.txt", Path(manifest["main"]).as_posix()}
