"""Whether `trace --watch-template` finds the seeded bugs that the scan missed, with nothing told by hand.

    python -m benchmarks.dynamic.engines.templates --workdir DIR [ENGINE ...]

The work directory is that of `python -m benchmarks.dynamic.engines`. Each engine runs as it is and with each of its
bugs, watched by all templates over the folder that is scanned. Ends with 1 when fewer than four of five bugs of the
templates' rules are found, when anything is confirmed about an engine as it is, or when the tracer itself failed at
anything.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from llmlint.catalogue import load_catalogue
from llmlint.runtime.own_findings import FILE
from llmlint.runtime.templates import TEMPLATES

from .__main__ import RESULTS
from .catalogue import ENGINES
from .engine import Engine, Seed, set_up
from .runs import LLMLINT, PATIENCE
from .troubles import troubles

RULES = {rule.code for rule in load_catalogue() for template in TEMPLATES.values() if rule.name == template.rule}
PARTING = {"LLM702", "LLM703"}
"""Both are seen in what the ranks of a group called; the template asks in the name of the first."""
ENOUGH = 0.8


def folder(engine: Engine, workdir: Path, variant: str) -> Path:
    """Where a run is recorded."""
    return workdir / engine.name / "templates" / variant


def run(engine: Engine, workdir: Path, variant: str) -> list[dict[str, Any]]:
    """What a run with all templates has found by itself."""
    tree, out = engine.tree(workdir, variant), folder(engine, workdir, variant)
    shutil.rmtree(out, ignore_errors=True)
    asked = [part for name in TEMPLATES for part in ("--watch-template", name, str(tree / engine.scanned))]
    command = [*LLMLINT, "trace", *asked, "--out", str(out), "--root", str(tree), "--", *engine.command(workdir)]
    done = subprocess.run(
        command, cwd=workdir / engine.name, env=engine.surroundings(workdir, variant), capture_output=True, text=True,
        timeout=PATIENCE,
    )  # fmt: skip
    if not (out / FILE).exists():
        raise RuntimeError(done.stderr[-2000:])
    found: list[dict[str, Any]] = json.loads((out / FILE).read_text())["findings"]
    return found


def missed_by_the_scan(engine: Engine, seed: Seed) -> bool:
    """As the engine's own result says."""
    account = json.loads((RESULTS / f"{engine.name}.json").read_text())
    return not next(one for one in account["seeds"] if one["name"] == seed.name)["found_by_the_scan"]


def confirmed(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in findings if one["verdict"]["status"] == "confirmed"]


def seen(seed: Seed, found: list[dict[str, Any]]) -> str:
    """What was confirmed of the bug: of its container, or of ranks that part in its function; "" where nothing was."""
    if seed.told is None:
        return ""
    watched = {watch.attribute for watch in seed.told.watch}
    for one in confirmed(found):
        same_rule = one["rule"] == seed.rule or {one["rule"], seed.rule} == PARTING
        about = watched & {watch["attribute"] for watch in one["runtime"].get("watch", ())}
        if one["path"] == seed.file and same_rule and (about or (not watched and one["symbol"] == seed.symbol)):
            return str(one["verdict"]["summary"])
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "engines", nargs="*", default=["vllm_core", "sglang_core", "transformers", "torchrun", "llama_server"]
    )
    parser.add_argument("--workdir", type=Path, required=True)
    parser.add_argument("--python", default="python3.11")
    options = parser.parse_args()
    workdir, rows, wrong = options.workdir.resolve(), [], []
    found = 0
    said = []
    for name in options.engines:
        engine = ENGINES[name]
        set_up(engine, workdir, options.python)
        clean = run(engine, workdir, "clean")
        counts = ", ".join(f"{count} {status}" for status, count in sorted(Counter(status_of(clean)).items()))
        said.append(f"- {name}: {len(clean)} findings asked about, {counts}")
        wrong += [f"{name}: confirmed as it is: {one['rule']} {one['path']}:{one['line']}" for one in confirmed(clean)]
        wrong += [f"{name}: {trouble}" for trouble in troubles(folder(engine, workdir, "clean"))]
        for seed in engine.seeds:
            if not missed_by_the_scan(engine, seed):
                continue
            is_asked = seed.rule in RULES | PARTING
            summary = seen(seed, run(engine, workdir, seed.name)) if is_asked else ""
            if is_asked:
                wrong += [f"{name}, {seed.name}: {trouble}" for trouble in troubles(folder(engine, workdir, seed.name))]
            found += bool(summary)
            otherwise = "not confirmed" if is_asked else f"no template asks about {seed.rule}"
            rows.append(f"| {name} | {seed.rule} | {seed.why} | {f'confirmed: {summary}' if summary else otherwise} |")
            print(rows[-1], flush=True)
    held = found >= ENOUGH * len(rows) and not wrong
    engines = "" if options.engines == parser.get_default("engines") else f" {' '.join(options.engines)}"
    page = [
        "# Seeded bugs that the scan missed, watched by templates\n",
        f"`python -m benchmarks.dynamic.engines.templates --workdir DIR{engines}`, "
        f"{datetime.datetime.now(datetime.UTC).date().isoformat()}: {found} of {len(rows)} bugs were found, "
        f"with nothing told by hand; the templates ask about {', '.join(sorted(RULES))}.\n",
        "| engine | rule | the bug, which the scan missed | with `--watch-template` |\n| --- | --- | --- | --- |",
        *rows,
        "\nThe engines as they are:\n",
        *said,
        *(f"\nNot as it must be: {text}" for text in wrong),
        f"\n{'All that must hold held.' if held else 'What must hold did not hold.'}",
    ]
    (RESULTS / "watch_template.md").write_text("\n".join(page).replace(str(workdir), "DIR") + "\n")
    print("\n".join(page))
    sys.exit(int(not held))


def status_of(findings: list[dict[str, Any]]) -> list[str]:
    return [one["verdict"]["status"] for one in findings]


if __name__ == "__main__":
    main()
