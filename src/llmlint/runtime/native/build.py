"""Builds the ledger's library for a run, and puts it into the environment of the command.

Nothing is built for a plan without C functions. Where it cannot be built, the run goes on without it, and `native.json`
in the run's folder says why, for the verdicts to repeat.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llmlint.dynamic.native.read import word_of
from llmlint.runtime.native.native_block import is_watchable
from llmlint.runtime.private import write_private

SOURCES = Path(__file__).resolve().parents[2] / "dynamic" / "native"
ACCOUNT = "native.json"
FAULTS = "faults.so"
MOST = 256
PATIENCE = 60
_OPTIONS = ("-std=gnu11", "-shared", "-fPIC", "-O2", "-fexceptions", "-fvisibility=hidden", "-w")


def prepare_ledger(folder: Path, findings: Sequence[Mapping[str, Any]], run: str = "") -> None:
    """`findings` are the plan's entries for the ledger, `run` its word for this run."""
    watched = watched_functions(findings)
    if not watched:
        return
    library = folder.resolve() / "ledger.so"
    problem = obstacle(library) or _built(folder, library, watched, word_of(run))
    account = {"functions": list(watched), "library": "" if problem else str(library), "problem": problem}
    write_private(folder / ACCOUNT, json.dumps(account, indent=1))


def watched_functions(findings: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, int, int]]:
    """For each C function of the plan its way, which argument it takes back, and where within a struct by value."""
    found: dict[str, tuple[str, int, int]] = {}
    for finding in findings:
        within = finding.get("options", {}).get("within", 0)
        within = within if isinstance(within, int) and 0 <= within < 4096 else 0
        for target in finding["targets"]:
            if target["role"] in ("acquire", "release") and is_watchable(target["qualname"]):
                way = "lend" if target["role"] == "acquire" else "take_back"
                at = target.get("entity", "").removeprefix("arg")
                argument = int(at) if at in ("1", "2", "3", "4", "5", "6") else int(way == "take_back")
                found.setdefault(target["qualname"], (way, argument, within))
    return dict(list(found.items())[:MOST])


def machine() -> str:
    name = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(name, name)


def obstacle(library: Path) -> str:
    """Why nothing can be preloaded from there, or nothing."""
    if not sys.platform.startswith("linux") or machine() not in ("x86_64", "aarch64"):
        return "nothing is preloaded but on Linux, on x86-64 and AArch64"
    if any(sign in str(library) for sign in " :;\t"):
        return f"no library can be preloaded from {library.parent}, whose name has a blank or a colon in it"
    if os.statvfs(library.parent).f_flag & os.ST_NOEXEC:
        return f"no library can be preloaded from {library.parent}, whose file system allows no programs"
    return ""


def _built(folder: Path, library: Path, watched: Mapping[str, tuple[str, int, int]], run: int) -> str:
    """Builds the library; what hindered it, or nothing."""
    write_private(folder / "watched.h", listed(watched))
    return compile_library(library, ledger_sources(machine(), folder, run), "the ledger")


def compile_library(library: Path, arguments: Sequence[str], what: str) -> str:
    """Why it could not be built, or nothing."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return f"there is no C compiler (cc) to build {what} with"
    try:
        done = subprocess.run(
            compilation(compiler, library, arguments),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{what} could not be built: {error}"
    if not done.returncode:
        library.chmod(0o700)
    else:
        first = next((line for line in done.stderr.splitlines() if "error" in line), f"status {done.returncode}")
        return f"{what} could not be built: {first}"
    return ""


def listed(watched: Mapping[str, tuple[str, int, int]]) -> str:
    """What `watched.h` holds."""
    lines = (
        f"WATCH({number}, {name}, {way}, {argument}, {within})\n"
        for number, (name, (way, argument, within)) in enumerate(watched.items())
    )
    return "".join(lines)


def compilation(compiler: str, library: Path, arguments: Sequence[str]) -> list[str]:
    return [compiler, *_OPTIONS, "-o", str(library), *arguments, "-ldl", "-lpthread"]


def ledger_sources(kind: str, folder: Path, run: int = 0) -> list[str]:
    """What makes the ledger for a kind of machine; `folder` has the `watched.h`."""
    sources = (str(SOURCES / name) for name in ("ledger.c", "calls.c", f"forward_{kind}.S"))
    return [f"-DRUN={run}ull", "-I", str(folder), *sources]


def preloaded(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """What has to be set for the command, so that what was built is in each process of it."""
    built = [library for library in (account_of(folder).get("library"), _faults_of(folder)) if library]
    if not built:
        return {}
    first = environment.get("LD_PRELOAD", "")
    asan = environment.get("ASAN_OPTIONS", "")  # it would refuse to come second
    return {
        "LD_PRELOAD": ":".join([first, *built] if first else built),
        "ASAN_OPTIONS": f"{asan}:verify_asan_link_order=0".lstrip(":"),
    }


def _faults_of(folder: Path) -> str:
    library = folder.resolve() / FAULTS
    return str(library) if library.is_file() else ""


def account_of(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """What was built for a run; empty when nothing was to be."""
    try:
        found: dict[str, Any] = json.loads((Path(folder) / ACCOUNT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found
