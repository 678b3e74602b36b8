"""llmlint as it is run at a terminal: its output goes to a pseudo-terminal of a given width."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "llmlint"]


def on_a_terminal(folder: Path, *arguments: str, columns: int = 80, stream: str = "stdout", **environment: str) -> str:
    """What the command prints to one stream that is a terminal of so many columns; line ends are a terminal's."""
    leader, follower = pty.openpty()
    size = {"COLUMNS": str(columns), "LINES": "40", "TERM": "xterm-256color"}
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: follower}
    process = subprocess.Popen([*COMMAND, *arguments], cwd=folder, env={**kept, **size, **environment}, **streams)
    os.close(follower)
    parts = []
    try:
        while part := os.read(leader, 65536):
            parts.append(part)
    except OSError:  # the terminal is gone: the end
        pass
    process.wait(timeout=60)
    os.close(leader)
    return b"".join(parts).decode()
