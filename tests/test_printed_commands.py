"""Every llmlint command that the README and the docs print is run, page by page, in the order in which it is printed.

What needs more than there is here (a server to drive, an engine's binary) is at least read by the command it is for.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from llmlint.cli import main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

BEYOND = (
    "--drive",
    "--fault",
    "./llama-server",
    "--sanitizer-log",
    "--sync-log",
    "--flight-recorder",
    "--nccl-ras",
    "--memory-snapshot",
    "issues fetch",
    "--clone",
    "attach ",
)
"""What only a running engine, another tool's files or a tracker far away can answer."""

FAILS_ON_PURPOSE = {
    "test-rules lint": 1,  # the rule that was just begun has no checker yet
    "new-rule late-free": 2,  # for a clone of llmlint
    "siblings ": 2,  # commits of another repository
    "scna": 2,
    "scan examples --select noop-restor": 2,
    "scan exmaples": 2,
}

LLMLINT = [sys.executable, "-P", "-m", "llmlint"]

SERVER = "class Engine:\n    def step(self):\n        return 0\n\n\nif __name__ == '__main__':\n    Engine().step()\n"


def printed(page: Path) -> list[str]:
    """The commands of a page, without prompts, comments and what shells do with the output."""
    found = []
    for block in re.finditer(r"^( *)```\w*\n(.*?)^\1```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        lines = block[2].replace("\\\n", " ").split("\n")
        begun = (re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?llmlint (.*)", line) for line in lines)
        found += [re.sub(r"\s+#.*$|\s+> .*$", "", match[1]).strip() for match in begun if match]
    return found


COMMANDS = [(page, printed(page)) for page in PAGES if printed(page)]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the examples, and trees and a server under the names that the docs give them."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for name in ("vllm", "my_engine"):
        shutil.copytree(ROOT / "examples" / "mini_engine" / "seeded", tmp_path / name)
    (tmp_path / "my_server.py").write_text(SERVER)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "fleet.toml").write_text('[[repository]]\nname = "my_engine"\nsource = "."\nevery = 50\n')
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, "commit", "--quiet", "--allow-empty", "-m", "begun"], cwd=tmp_path, check=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def every_command() -> Iterator[str]:
    yield from dict.fromkeys(command for _, commands in COMMANDS for command in commands)


@pytest.mark.parametrize("command", list(every_command()))
def test_a_printed_command_is_one_that_there_is(command: str) -> None:
    name, *arguments = shlex.split(command)
    if name == "scna":  # the page on mistyped commands
        return
    with click.Context(main) as above:
        found = main.get_command(above, name)
        assert found is not None
        try:
            found.make_context(name, arguments, parent=above)
        except click.BadParameter as wrong:  # a folder that the reader has and this test has not
            assert "does not exist" in str(wrong)


@pytest.mark.parametrize(
    ("page", "commands"), COMMANDS, ids=lambda value: value.stem if isinstance(value, Path) else ""
)
def test_what_a_page_prints_runs_as_it_is_printed(desk: Path, page: Path, commands: list[str]) -> None:
    for command in commands:
        if any(word in command for word in BEYOND):
            continue
        words = shlex.split(command)
        if words[0] == "init":
            words.append("--yes")
        done = subprocess.run([*LLMLINT, *words], cwd=desk, capture_output=True, text=True, timeout=300, check=False)
        expected = next((code for start, code in FAILS_ON_PURPOSE.items() if command.startswith(start)), None)
        allowed = (0, 1) if expected is None else (expected,)
        assert done.returncode in allowed, f"{command}\n{done.stdout[-2000:]}{done.stderr}"
