"""Builds the C programs, scans them, runs them with the ledger, and asks for the verdicts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from llmlint.catalogue import load_catalogue
from llmlint.dynamic.read import read_run
from llmlint.files import discover
from llmlint.findings import Finding, Verdict
from llmlint.runtime.native.build import machine
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare
from llmlint.runtime.verdicts import with_verdicts
from llmlint.scan import Options, scan_files
from llmlint.vocabulary_file import load_vocabulary

PROGRAMS = Path(__file__).parent / "programs" / "native"
COMPILER = shutil.which("cc")
HAS_ALL = COMPILER is not None and shutil.which("c++") is not None and machine() in ("x86_64", "aarch64")
needs_compiler = pytest.mark.skipif(not HAS_ALL, reason="needs cc and c++ (apt-get install g++)")


def compile_c(folder: Path, *arguments: str, compiler: str | None = COMPILER) -> None:
    subprocess.run([str(compiler), *arguments], cwd=folder, check=True)


def build(folder: Path, source: str, *options: str, was: str = "", now: str = "") -> Path:
    """The program of a source, linked with what stands in for libllama; `now` may stand in the place of `was`."""
    src = folder / "src"
    src.mkdir()
    for file in (*PROGRAMS.glob("*.h"), PROGRAMS / "stand_in.c", PROGRAMS / source):
        shutil.copy(file, src)
    text = (src / source).read_text()
    assert was in text
    (src / source).write_text(text.replace(was, now) if was else text)
    compile_c(folder, "-shared", "-fPIC", "-o", "libllama.so", "src/stand_in.c")
    program = folder / Path(source).stem
    linked = ["-L.", "-lllama", f"-Wl,-rpath,{folder}", "-lpthread", "-lstdc++"]
    compile_c(folder, *(options or ("-g", "-O1")), "-o", program.name, f"src/{source}", *linked)
    return program


def findings_in(source: str, tmp_path: Path) -> list[Finding]:
    """What a scan finds in the source as it is."""
    folder = tmp_path / "scanned" / "src"
    folder.mkdir(parents=True)
    for file in (*PROGRAMS.glob("*.h"), PROGRAMS / source):
        shutil.copy(file, folder)
    found = scan_files(
        discover([str(folder)], respect_gitignore=False).sources,
        Options(tuple(load_catalogue().rules), load_vocabulary(None), 1, None),
    ).findings
    return [finding for finding in found if finding.name.startswith(("leak", "forgotten", "member"))]


class Outcome:
    """A program's run, untraced and traced, and what was made of it."""

    def __init__(self, plain: subprocess.CompletedProcess[str], traced: subprocess.CompletedProcess[str]) -> None:
        self.plain = plain
        self.traced = traced
        self.verdicts: dict[str, Verdict] = {}

    @property
    def is_unchanged(self) -> bool:
        told = [(done.returncode, done.stdout, done.stderr) for done in (self.plain, self.traced)]
        return told[0] == told[1]

    def status(self, symbol: str) -> str:
        return self.verdicts[symbol].status


def run(command: Sequence[str | Path], folder: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], cwd=folder, env=env, capture_output=True, text=True, timeout=60)


def outcome(folder: Path, findings: Sequence[Finding], *command: str | Path, path: str = "", **env: str) -> Outcome:
    """Runs the command with and without the ledger; `path` stands for PATH while the ledger is built."""
    base = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "LD_PRELOAD")} | env
    out = folder / "run"
    kept = os.environ["PATH"]
    os.environ["PATH"] = path or kept
    try:
        prepare(out, make_plan(findings, load_catalogue(), folder))
    finally:
        os.environ["PATH"] = kept
    found = Outcome(run(command, folder, base), run(command, folder, environment(out, base=base)))
    for finding in with_verdicts(findings, [read_run(str(out))], load_catalogue()):
        assert finding.verdict is not None
        found.verdicts[finding.symbol] = finding.verdict
    return found
