"""Each system call of each writing command fails once, with a full disk, a broken one, and as the last thing done.

`strace` injects. Afterwards every file of the tree must be what it was or what an undisturbed run makes of it. A scan
must find the same whatever becomes of its cache, and the next one too; a traced command must end as it does alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

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
    "other.py": "x = 1  # llmlint: ignore[LLM801] none\n" + _LEFT.replace("Scheduler", "Queue"),
    "known.json": '{"version": 1, "findings": []}\n',
}

COMMANDS = {
    "--fix": ["scan", ".", "--unsafe-fixes", "--quiet"],
    "--fix-suppressions": ["scan", ".", "--fix-suppressions", "--quiet"],
    "--output": ["scan", ".", "--quiet", "--output", "json:known.json", "--output", "html:out/page.html"],
    "baseline": ["baseline", "write", ".", "--file", "known.json"],
    "init": ["init", "--yes"],
    "cache": ["scan", ".", "--format", "concise"],
    "trace": [
        *("trace", "--watch", "Scheduler.add:enter, finish:leave", "--container", "waiting", "--out", "../run", "--"),
        *(sys.executable, "-c", "from scheduler import Scheduler; Scheduler().reset(); raise SystemExit(7)"),
    ],
}
_WITHOUT_JOBS = ("init", "trace")


class Tally(msgspec.Struct):
    """What was tried with one command, and what went wrong."""

    tried: int = 0
    wrong: list[str] = []


_Done = subprocess.CompletedProcess[bytes]


class _Undisturbed(NamedTuple):
    """What the files become, what is said, and how often each call is made."""

    files: dict[str, bytes]
    out: bytes
    code: int
    calls: Counter[str]


def try_all(command: str) -> Tally:
    tally = Tally()
    wanted = _undisturbed(command)
    for kind, times in sorted(wanted.calls.items()):
        for number in range(1, times + 1):
            for harm in _HARMS:
                tally.tried += 1
                wrong = _try(command, kind, f"{harm}:when={number}", wanted)
                tally.wrong += [f"{command}, {kind} {number}, {harm}: {what}" for what in wrong]
    return tally


def _undisturbed(command: str) -> _Undisturbed:
    with tempfile.TemporaryDirectory() as folder:
        _run(command, Path(folder, "first"))  # compiles the tracer, which is done once
        done = _run(command, Path(folder), "-o", f"{folder}/log", "-e", f"trace={_CALLS}")
        log = Path(folder, "log").read_text(errors="replace")
        made = (re.match(r"\d+ +(\w+)\(", line) for line in log.splitlines())
        calls = Counter(call[1] for call in made if call)
        return _Undisturbed(_content(Path(folder, "tree")), done.stdout, done.returncode, calls)


def _try(command: str, kind: str, harm: str, wanted: _Undisturbed) -> list[str]:
    """What is wrong after one call of a kind was harmed."""
    with tempfile.TemporaryDirectory() as name:
        folder, killed = Path(name), "SIGKILL" in harm
        done = _run(command, folder, "-o", "/dev/null", "-e", f"trace={kind}", "-e", f"inject={kind}:{harm}")
        wrong = _damaged(_content(folder / "tree"), wanted.files, killed)
        wrong += ["a traceback"] * (b"Traceback" in done.stderr)
        look = _LOOKS.get(command)
        return wrong + (look(folder, done, wanted, killed) if look else [])


def _says_why(folder: Path, done: _Done, wanted: _Undisturbed, killed: bool) -> list[str]:
    return ["exit code 1 without a report"] * (done.returncode == 1)


def _finds_the_same(folder: Path, done: _Done, wanted: _Undisturbed, killed: bool) -> list[str]:
    told = done.returncode in (0, 1)  # otherwise it was the report that could not be written
    wrong = ["other findings"] * (told and not killed and done.stdout != wanted.out)
    again = subprocess.run(
        _llmlint("cache"), cwd=folder / "tree", capture_output=True, env=_environment("cache", folder)
    )
    return wrong + ["other findings in the next scan"] * ((again.stdout, again.returncode) != (wanted.out, wanted.code))


def _ends_as_alone(folder: Path, done: _Done, wanted: _Undisturbed, killed: bool) -> list[str]:
    return [f"the traced command ended with {done.returncode}"] * (not killed and done.returncode != wanted.code)


_LOOKS: dict[str, Callable[[Path, _Done, _Undisturbed, bool], list[str]]] = {
    "baseline": _says_why,
    "init": _says_why,
    "cache": _finds_the_same,
    "trace": _ends_as_alone,
}


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


def _run(command: str, folder: Path, *strace: str) -> _Done:
    """The command in a tree made for it; under `strace` where that is told what to do."""
    tree = folder / "tree"
    (tree / ".git").mkdir(parents=True)
    (tree / "out").mkdir()
    for name, text in _TREE.items():
        (tree / name).write_text(text)
    before = ["strace", "-f", "-qq", *strace] if strace else []
    return subprocess.run(
        [*before, *_llmlint(command)], cwd=tree, capture_output=True, env=_environment(command, folder)
    )


def _content(tree: Path) -> dict[str, bytes]:
    return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def _llmlint(command: str) -> list[str]:
    jobs = [] if command in _WITHOUT_JOBS else ["-j1"]
    return [sys.executable, "-P", "-m", "llmlint", *COMMANDS[command], *jobs]


def _environment(command: str, folder: Path) -> dict[str, str]:
    """With a cache only where that is what is looked at: its writes are many."""
    where = folder / "cache" if command == "cache" else folder / "tree" / "scheduler.py"
    return {**os.environ, "LLMLINT_CACHE_DIR": str(where), "PYTHONDONTWRITEBYTECODE": "1"}
