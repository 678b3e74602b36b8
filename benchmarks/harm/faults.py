"""Each system call of each writing command fails once, with a full disk, a broken one, and as the last thing done.

`strace` injects. Afterwards every file of the tree must be what it was or what an undisturbed run makes of it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec

_CALLS = "write,writev,pwrite64,fsync,fdatasync,fchmod,fchown,rename,renameat,renameat2,mkdir,unlink,ftruncate"
_HARMS = ("error=ENOSPC", "error=EIO", "signal=SIGKILL")

_LEFT = """class Scheduler:
    def __init__(self):
        self.waiting = []
        self.running = []
        self.finished = set()

    def add(self, request):
        self.waiting.append(request)
        self.running.append(request)
        self.finished.add(request.request_id)

    def finish(self, request):
        self.waiting.remove(request)
        self.running.remove(request)
        self.finished.discard(request.request_id)

    def reset(self):
        self.waiting.clear()
        self.running.clear()
"""

_TREE = {
    "pyproject.toml": '[project]\nname = "x"\n',
    "scheduler.py": _LEFT,
    "other.py": "x = 1  # llmlint: ignore[LLM801] none\n" + _LEFT,
    "known.json": '{"version": 1, "findings": []}\n',
}

COMMANDS = {
    "--fix": ["scan", ".", "--unsafe-fixes", "--quiet"],
    "--fix-suppressions": ["scan", ".", "--fix-suppressions", "--quiet"],
    "--output": ["scan", ".", "--quiet", "--output", "json:known.json", "--output", "html:out/page.html"],
    "baseline": ["baseline", "write", ".", "--file", "known.json"],
    "init": ["init", "--yes"],
}


class Tally(msgspec.Struct):
    """What was tried with one command, and what went wrong."""

    tried: int = 0
    wrong: list[str] = []


def try_all(command: str) -> Tally:
    tally = Tally()
    wanted, calls = _undisturbed(command)
    for kind, times in sorted(calls.items()):
        for number in range(1, times + 1):
            for harm in _HARMS:
                tally.tried += 1
                wrong = _try(command, kind, f"{harm}:when={number}", wanted)
                tally.wrong += [f"{command}, {kind} {number}, {harm}: {what}" for what in wrong]
    return tally


def _undisturbed(command: str) -> tuple[dict[str, bytes], Counter[str]]:
    """What the files become, and how often each call is made."""
    with tempfile.TemporaryDirectory() as folder:
        tree, log = _tree(Path(folder)), Path(folder, "log")
        strace = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={_CALLS}"]
        subprocess.run([*strace, *_llmlint(command)], cwd=tree, capture_output=True, env=_environment(folder))
        made = (re.match(r"\d+ +(\w+)\(", line) for line in log.read_text(errors="replace").splitlines())
        return _content(tree), Counter(call[1] for call in made if call)


def _try(command: str, kind: str, harm: str, wanted: Mapping[str, bytes]) -> list[str]:
    """What is wrong after one call of a kind was harmed."""
    with tempfile.TemporaryDirectory() as folder:
        tree = _tree(Path(folder))
        strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={kind}", "-e", f"inject={kind}:{harm}"]
        done = subprocess.run([*strace, *_llmlint(command)], cwd=tree, capture_output=True, env=_environment(folder))
        wrong = _damaged(_content(tree), wanted, killed="SIGKILL" in harm)
        wrong += ["a traceback"] * (b"Traceback" in done.stderr)
        return wrong + ["exit code 1 without a report"] * (done.returncode == 1 and command in ("baseline", "init"))


def _damaged(now: Mapping[str, bytes], wanted: Mapping[str, bytes], killed: bool) -> list[str]:
    before = {name: text.encode() for name, text in _TREE.items()}
    wrong = [f"{name} is gone" for name in before if name not in now]
    for name, data in now.items():
        if name.endswith(".llmlint"):
            wrong += [] if killed else [f"{name} was left behind"]
        elif data not in (before.get(name), wanted.get(name)) and not _timed(name, data):
            wrong.append(f"{name} is neither what it was nor what it should be")
    return wrong


def _timed(name: str, data: bytes) -> bool:
    """Reports say how long they took, so that no two are alike: here it is enough that they end as they should."""
    ends = {"known.json": b"}\n", "out/page.html": b"</html>\n"}
    return name in ends and data.endswith(ends[name]) and len(data) > 100


def _tree(folder: Path) -> Path:
    tree = folder / "tree"
    (tree / ".git").mkdir(parents=True)
    for name, text in _TREE.items():
        (tree / name).write_text(text)
    return tree


def _content(tree: Path) -> dict[str, bytes]:
    return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def _llmlint(command: str) -> list[str]:
    flags = [] if command == "init" else ["-j1"]
    return [sys.executable, "-P", "-m", "llmlint", *COMMANDS[command], *flags]


def _environment(folder: str) -> dict[str, str]:
    """Without a cache: its writes are many, and `kills.py` is about them."""
    return {
        **os.environ,
        "LLMLINT_CACHE_DIR": str(Path(folder, "tree", "scheduler.py")),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
