"""What a traced run keeps is for its user alone, and holds nothing that gives access."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from llmlint.dynamic.secrecy import without_secrets

from .conftest import llmlint


def test_files_of_a_run_are_for_nobody_else(tree: Path) -> None:
    assert llmlint(tree, "scan", ".", "--quiet", "--output", "json:found.json").returncode == 1
    command = [sys.executable, "-c", "import pool", "--api-key", "sk-verysecret", "--token=abc123def"]
    done = llmlint(tree, "trace", "--findings", "found.json", "--out", "run", "--", *command)
    assert done.returncode == 0
    run = tree / "run"
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    kept = [path for path in run.rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    text = b"".join(path.read_bytes() for path in kept)
    assert b"verysecret" not in text
    assert b"abc123def" not in text
    assert json.loads((run / "run.json").read_text())["command"][-2:] == ["***", "--token=***"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["serve", "--api-key", "x", "--port", "80"], ["serve", "--api-key", "***", "--port", "80"]),
        (["--max-tokens", "5", "--tokenizer", "t"], ["--max-tokens", "5", "--tokenizer", "t"]),
        (["env", "HF_TOKEN=hf", "a=b"], ["env", "HF_TOKEN=***", "a=b"]),
        (["curl", "sk-abc", "https://me:word@host/p?a=b"], ["curl", "***", "https://***@host/p?a=b"]),
        (["http://host/a@b", "--ssl-keyfile", "f"], ["http://host/a@b", "--ssl-keyfile", "f"]),
        (["bash", "-c", "HF_TOKEN=hf serve --api-key x -p 1"], ["bash", "-c", "HF_TOKEN=*** serve --api-key *** -p 1"]),
        (["-H", "Authorization: Bearer x", "-H", "a: b"], ["-H", "Authorization: Bearer ***", "-H", "a: b"]),
        (["--config", '{"api_key": "x", "tokens": 3}'], ["--config", '{"api_key": "***", "tokens": 3}']),
        (["http://host/p?token=x&n=1", "monkey=1"], ["http://host/p?token=***&n=1", "monkey=1"]),
    ],
)
def test_command_lines_are_kept_without_what_gives_access(given: list[str], kept: list[str]) -> None:
    assert without_secrets(given) == kept
