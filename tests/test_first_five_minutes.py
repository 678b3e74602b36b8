"""docs/first-five-minutes.md shows what a user sees: each command below a `$` is run, and prints what stands below it.

`LLMLINT_UPDATE=1 pytest tests/test_first_five_minutes.py` writes the page anew, to be read before it is kept.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "first-five-minutes.md"


def shown(folder: Path, command: str) -> str:
    """What a terminal of 80 columns shows of a command; seconds differ."""
    words = shlex.split(command)
    assert words[0] == "llmlint"
    done = subprocess.run(
        [sys.executable, "-P", "-m", *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    printed = re.sub(r"\d+\.\d s\.", "0.4 s.", done.stdout).replace("python -m llmlint", "llmlint")
    return f"$ {command}\n{printed}"


def test_each_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "llmlint.toml").write_text("root = true\n")

    def as_run(block: re.Match[str]) -> str:
        commands = re.findall(r"^\$ (.*)$", block[1], re.MULTILINE)
        assert commands
        return f"```console\n{chr(10).join(shown(tmp_path, command) for command in commands)}```"

    page = PAGE.read_text(encoding="utf-8")
    fresh = re.sub(r"```console\n(.*?)```", as_run, page, flags=re.DOTALL)
    if os.environ.get("LLMLINT_UPDATE"):
        PAGE.write_text(fresh, encoding="utf-8")
    assert fresh == PAGE.read_text(encoding="utf-8"), "write it anew with LLMLINT_UPDATE=1, and read it"
