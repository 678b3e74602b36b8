"""The tools that llmlint is compared with: how each is asked about a few files, and how its answer is read."""

from __future__ import annotations

import json
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

PYTHON, NATIVE = "python", "native"
LONGEST = 60
"""CPU seconds for one tool and the files of one bug; who needs more has said nothing."""
MOST = 3 << 30
"""Bytes for a compiler: `gcc -fanalyzer` takes 19 GB for one file of llama.cpp's server, and has not ended then."""

_GNU_LINE = re.compile(
    r"^(?P<path>[^:\n]+):(?P<line>\d+):\d+: (?:warning|error): (?P<text>.*) \[(?P<code>[\w.,-]+)\]$", re.M
)
_CPPCHECK_LINE = re.compile(r"^(?P<path>[^:\n]+):(?P<line>\d+):(?P<code>\w+):(?P<text>.*)$", re.M)
_INCLUDES = (
    "include",
    "src",
    "common",
    "ggml/include",
    "ggml/src",
    "vendor",
    "tools/server",
    "tools/mtmd",
    "examples/llava",
    ".",
)


class Alarm(msgspec.Struct, frozen=True):
    path: str
    line: int
    code: str
    text: str


class Tool(msgspec.Struct, frozen=True):
    """`command` is asked with the files after it; `reads` takes what it printed apart."""

    name: str
    speaks: str
    command: tuple[str, ...]
    reads: str
    before_flags: tuple[str, ...] = ()
    memory: int = 0

    @property
    def is_here(self) -> bool:
        return shutil.which(self.command[0]) is not None

    def version_text(self) -> str:
        said = subprocess.run([self.command[0], "--version"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"\d+(?:\.\d+)+", said)
        return found[0] if found else "?"

    def limit(self) -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST + 5))
        if self.memory:
            resource.setrlimit(resource.RLIMIT_AS, (self.memory, self.memory))

    def alarms(self, folder: Path, files: Sequence[str]) -> list[Alarm]:
        """What it says of these files of the tree in `folder`; nothing when it takes too long."""
        command = [*self.command, *files, *self.before_flags, *(_includes(folder) if self.reads == "gnu" else ())]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, preexec_fn=self.limit)
        if done.returncode == -signal.SIGXCPU:
            return []
        asked = set(files)
        found = _READERS[self.reads](done.stdout + (done.stderr if self.speaks == NATIVE else ""))
        return [alarm for alarm in (_inside(a, folder) for a in found) if alarm.path in asked]


TOOLS = (
    Tool("pyright", PYTHON, ("basedpyright", "--level", "error", "--outputjson"), "pyright"),
    Tool(
        "ruff",
        PYTHON,
        (
            "ruff",
            "check",
            "--isolated",
            "--no-cache",
            "--select",
            "E9,F,B,PLE,PLW,ASYNC,RUF,BLE,LOG",
            "--output-format",
            "json",
        ),
        "ruff",
    ),
    Tool(
        "pylint",
        PYTHON,
        ("pylint", "--disable=all", "--enable=E,W", "--disable=import-error", "--output-format=json"),
        "pylint",
    ),
    Tool(
        "cppcheck",
        NATIVE,
        ("cppcheck", "--quiet", "--enable=warning,portability", "--template={file}:{line}:{id}:{message}"),
        "cppcheck",
        memory=MOST,
    ),
    Tool(
        "clang-tidy",
        NATIVE,
        ("clang-tidy", "--quiet", "--checks=-*,bugprone-*,clang-analyzer-*"),
        "gnu",
        ("--",),
        memory=MOST,
    ),
    Tool("gcc -fanalyzer", NATIVE, ("gcc", "-fanalyzer", "-c", "-o", "/dev/null"), "gnu", memory=MOST),
)


def semgrep_with(rules: Sequence[Path]) -> Iterator[Tool]:
    """Semgrep brings no rules along: each of `rules` is a folder of them, with `c` and `python` in it."""
    quiet = ("semgrep", "scan", "--metrics=off", "--disable-version-check", "--quiet", "--json", "--jobs=1")
    for speaks, inner in ((NATIVE, "c"), (PYTHON, "python")):
        configs = tuple(f"--config={folder / inner}" for folder in rules if (folder / inner).is_dir())
        if configs:
            yield Tool("semgrep", speaks, (*quiet, "--no-git-ignore", *configs), "semgrep")


def _includes(folder: Path) -> list[str]:
    return [f"-I{name}" for name in _INCLUDES if (folder / name).is_dir()]


def _inside(alarm: Alarm, folder: Path) -> Alarm:
    path = Path(alarm.path)
    inside = path.relative_to(folder) if path.is_absolute() and path.is_relative_to(folder) else path
    return msgspec.structs.replace(alarm, path=inside.as_posix().removeprefix("./"))


def _pyright(text: str) -> Iterator[Alarm]:
    for said in json.loads(text)["generalDiagnostics"] if text else ():
        line = said["range"]["start"]["line"] + 1 if "range" in said else 1  # of a file as a whole
        yield Alarm(said["file"], line, said.get("rule", "syntax"), said["message"].split("\n")[0])


def _ruff(text: str) -> Iterator[Alarm]:
    for said in json.loads(text or "[]"):
        yield Alarm(said["filename"], said["location"]["row"], said["code"] or "syntax", said["message"])


def _pylint(text: str) -> Iterator[Alarm]:
    for said in json.loads(text or "[]"):
        yield Alarm(said["path"], said["line"], said["symbol"], said["message"].split("\n")[0])


def _gnu(text: str) -> Iterator[Alarm]:
    for match in _GNU_LINE.finditer(text):
        yield Alarm(match["path"], int(match["line"]), match["code"], match["text"])


def _cppcheck(text: str) -> Iterator[Alarm]:
    for match in _CPPCHECK_LINE.finditer(text):
        yield Alarm(match["path"], int(match["line"]), match["code"], match["text"])


def _semgrep(text: str) -> Iterator[Alarm]:
    for said in json.loads(text)["results"] if text else ():
        rule = said["check_id"].rpartition(".")[2]
        yield Alarm(said["path"], said["start"]["line"], rule, said["extra"]["message"].split("\n")[0])


_READERS = {
    "pyright": _pyright,
    "ruff": _ruff,
    "pylint": _pylint,
    "gnu": _gnu,
    "cppcheck": _cppcheck,
    "semgrep": _semgrep,
}
