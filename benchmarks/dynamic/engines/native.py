"""The ledger of C functions on the real libllama: a leak of one line, what it costs, and what it sees under ctypes.

    python -m benchmarks.dynamic.engines.native --workdir DIR [--python python3.11] [--pairs 20]

The work directory is that of `python -m benchmarks.dynamic.engines llama_cpp`, whose package brings libllama and its
headers. `llama_cpp_answers.c` is built as it is and with its leak, scanned, run traced, and confirmed. Ends with 1 when
the leak was not confirmed, anything was confirmed or left over in the program as it is, or a traced program did not
behave as the untraced one.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from llmlint.calls import call_path
from llmlint.catalogue import load_catalogue
from llmlint.dynamic.native.read import read_ledgers
from llmlint.findings import Finding
from llmlint.runtime.block import Target
from llmlint.runtime.native.build import account_of
from llmlint.runtime.native.native_block import native_block
from llmlint.runtime.plan import make_plan
from llmlint.runtime.trace import environment, prepare
from llmlint.vocabulary_file import load_vocabulary

from .__main__ import RESULTS
from .catalogue import LLAMA_CPP
from .engine import HERE, Seed, set_up
from .native_report import as_markdown, wrong
from .report import without_paths
from .runs import LLMLINT, alike
from .runs import Ended as Run

SOURCE = "llama_cpp_answers.c"
SEED = Seed(
    SOURCE,
    "        llama_sampler_free(sampler);\n        return -1;\n",
    "        return -1;\n",
    "LLM103",
    "a prompt that is too long is refused, and its sampler stays",
)
REQUESTS, MANY_REQUESTS, PATIENCE = 110, 2200, 300


class Program(NamedTuple):
    """The C program as it is, or with its leak: where it was built, scanned, and what was found."""

    folder: Path
    command: list[str]

    @property
    def findings(self) -> Path:
        return self.folder / "findings.json"

    def found(self) -> int:
        return len(json.loads(self.findings.read_text())["findings"])


def build(workdir: Path, variant: str) -> Program:
    """A folder with the source, the program and the findings of the scan."""
    folder = workdir / LLAMA_CPP.name / "native" / variant
    folder.mkdir(parents=True)
    text = (HERE / SOURCE).read_text()
    if text.count(SEED.was) != 1:
        raise ValueError(f"{SOURCE} holds {text.count(SEED.was)} times {SEED.was!r}")
    (folder / SOURCE).write_text(text.replace(SEED.was, SEED.now) if variant == "seeded" else text)
    site = next((workdir / LLAMA_CPP.name / "venv" / "lib").glob("python*/site-packages"))
    libraries = ["-L", str(site / "lib"), f"-Wl,-rpath,{site / 'lib'}", "-lllama", "-lggml", "-lggml-base"]
    compile_c = ["cc", "-g", "-O2", "-I", str(site / "include"), "-o", "answers", SOURCE, *libraries]
    subprocess.run(compile_c, cwd=folder, check=True)
    scan = ["scan", SOURCE, "--no-cache", "--quiet", "--exit-zero", "--output", "json:findings.json"]
    subprocess.run([*LLMLINT, *scan], cwd=folder, check=True)
    return Program(folder, ["./answers", str(workdir / LLAMA_CPP.name / "tiny.gguf"), str(REQUESTS)])


def run(folder: Path, command: list[str], env: Mapping[str, str] | None = None) -> Run:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=PATIENCE)
    return Run(done.returncode, done.stdout, done.stderr.splitlines(), time.perf_counter() - start)


def judged(program: Program, findings: Path) -> tuple[list[dict[str, Any]], dict[str, bool]]:
    """The verdicts of a traced run, and whether the program did as it does untraced."""
    out = program.folder / "run"
    trace = ["trace", "--findings", str(findings), "--out", str(out), "--", *program.command]
    same = alike(run(program.folder, program.command), run(program.folder, [*LLMLINT, *trace]))
    subprocess.run(
        [*LLMLINT, "confirm", findings, out, "--quiet", "--output", f"json:{program.folder / 'verdicts.json'}"],
        check=True,
    )
    listed = json.loads((program.folder / "verdicts.json").read_text())["findings"]
    kept = ("rule", "path", "line", "symbol", "confidence", "verdict")
    return [{key: finding[key] for key in kept} for finding in listed], same


# ---------------------------------------------------------------- every protocol at once


def everything() -> list[Finding]:
    """Findings that have each C function watched which the protocols name: more than any scan would ask for."""
    return [
        Finding(
            rule="", name="leak-on-error-path", causes=(), path=SOURCE, line=1, column=1, end_line=1, end_column=1,
            symbol="answer", severity="P1", confidence="high", confidence_reason="", message="", evidence=(),
            fingerprint=f"{protocol.name}:{call}", runtime=block["runtime"],
        )
        for protocol in load_vocabulary(None).protocols
        for call in protocol.entering_calls
        if (block := native_block(Target("answer", "scope"), call_path(call).lstrip("="), protocol, 1))
    ]  # fmt: skip


def watching_everything(out: Path) -> tuple[dict[str, str], float]:
    """The environment of runs that watch every pair, and how long it took to build the ledger."""
    start = time.perf_counter()
    shutil.rmtree(out, ignore_errors=True)
    prepare(out, make_plan(everything(), load_catalogue(), HERE))
    return environment(out), round(time.perf_counter() - start, 2)


def calls_seen(out: Path) -> dict[str, Any]:
    """How much was lent and is still held, and for each module that called, how often each function was seen."""
    sites = [site for ledger in read_ledgers(str(out), account_of(out)["functions"]) for site in ledger.sites]
    held, given_back = sum(site.held for site in sites), sum(site.given_back for site in sites)
    found: dict[str, Counter[str]] = {}
    for site in sites:
        found.setdefault(Path(site.module).name, Counter())[site.function] += site.calls
    calls = {module: dict(sorted(counts.items())) for module, counts in sorted(found.items())}
    return {"lent": held + given_back, "held": held, "calls": calls}


def cost(program: Program, out: Path, pairs: int) -> dict[str, Any]:
    """Pairs of runs with and without the ledger, and the median of their ratios."""
    env, built = watching_everything(out)
    command = [*program.command[:2], str(MANY_REQUESTS)]
    ratios = []
    for number in range(pairs):
        timed = dict.fromkeys(("plain", "traced") if number % 2 else ("traced", "plain"), 0.0)
        for name in timed:
            timed[name] = run(program.folder, command, env if name == "traced" else None).seconds
        ratios.append(timed["traced"] / timed["plain"])
    quartiles = statistics.quantiles(ratios, n=4)
    return {
        "pairs": pairs, "requests": MANY_REQUESTS, "watched": len(account_of(out)["functions"]), "built": built,
        "median": round(statistics.median(ratios), 3), "quartiles": [round(quartiles[0], 3), round(quartiles[2], 3)],
    }  # fmt: skip


def under_ctypes(workdir: Path, out: Path) -> dict[str, Any]:
    """What of the same functions is seen when Python calls them through ctypes."""
    env, _ = watching_everything(out)
    env["PYTHONPATH"] = str(LLAMA_CPP.tree(workdir, "clean"))
    done = run(workdir / LLAMA_CPP.name, LLAMA_CPP.command(workdir), env)
    if done.status:
        raise RuntimeError(done.stderr[-1])
    return calls_seen(out)


# ---------------------------------------------------------------- the account


def account(workdir: Path, pairs: int) -> dict[str, Any]:
    folder = workdir / LLAMA_CPP.name / "native"
    shutil.rmtree(folder, ignore_errors=True)
    seeded, clean = build(workdir, "seeded"), build(workdir, "clean")
    verdicts, same = {}, {}
    verdicts["seeded"], same["seeded"] = judged(seeded, seeded.findings)
    verdicts["clean"], same["clean"] = judged(clean, seeded.findings)
    env, _ = watching_everything(folder / "native")
    run(clean.folder, clean.command, env)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {platform.system()}, {os.cpu_count()} cores",
        "compiler": subprocess.run(["cc", "--version"], capture_output=True, text=True).stdout.splitlines()[0],
        "versions": LLAMA_CPP.versions(workdir),
        "python": platform.python_version(),
        "seed": SEED._asdict(),
        "printed": run(clean.folder, clean.command).stdout.strip(),
        "found": {"seeded": seeded.found(), "clean": clean.found()},
        "verdicts": verdicts,
        "same": same,
        "cost": cost(clean, folder / "cost", pairs),
        "seen": {"native": calls_seen(folder / "native"), "ctypes": under_ctypes(workdir, folder / "ctypes")},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workdir", type=Path, required=True, help="that of the llama_cpp benchmark; made if need be")
    parser.add_argument("--python", default="python3.11", help="what makes the virtual environment")
    parser.add_argument("--pairs", type=int, default=20, help="of runs, to tell the cost by")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    workdir = options.workdir.resolve()
    set_up(LLAMA_CPP, workdir, options.python)
    told = without_paths(account(workdir, options.pairs), workdir)
    (options.results / "llama_cpp_native.json").write_text(json.dumps(told, indent=1) + "\n")
    (options.results / "llama_cpp_native.md").write_text(as_markdown(told))
    print(as_markdown(told))
    sys.exit(int(bool(wrong(told))))


if __name__ == "__main__":
    main()
