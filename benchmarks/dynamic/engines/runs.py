"""The runs of one engine: untraced, traced as it is, traced with its leak, traced with its child killed."""

from __future__ import annotations

import datetime
import json
import platform
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from .engine import Engine

LLMLINT = [sys.executable, "-m", "llmlint"]
PATIENCE = 400


class Ended(NamedTuple):
    """How a program ended and what it said."""

    status: int
    stdout: str
    stderr: list[str]
    """Its lines in order of the alphabet, as threads and processes mix theirs; numbers are left out."""
    seconds: float


class Benchmark:
    def __init__(self, engine: Engine, workdir: Path) -> None:
        self.engine = engine
        self.workdir = workdir
        self.runs = workdir / engine.name / "runs"
        self.runs.mkdir(parents=True)

    def account(self) -> dict[str, Any]:
        """Everything that was done and seen."""
        found = {variant: self.scan(variant) for variant in ("clean", "seeded")}
        asked = self.questions(found["clean"], found["seeded"])
        plain = self.run("clean")
        traced = self.run("clean", asked)
        seeded = self.run("seeded", found["seeded"])
        killed = self.run("clean", asked, killed=True) if self.engine.kill else None
        untraced_kill = self.run("clean", killed=True) if self.engine.kill else None
        verdicts = {
            "clean": self.confirm(asked, self.runs / "clean"),
            "seeded": self.confirm(found["seeded"], self.runs / "seeded"),
        }
        if killed:
            verdicts["killed"] = self.confirm(asked, self.runs / "killed")
        same = {"clean": alike(plain, traced), "killed": alike(untraced_kill, killed)}
        return {
            "engine": self.engine.name,
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "python": platform.python_version(),
            "machine": f"{platform.machine()}, {platform.system()}",
            "versions": self.engine.versions(self.workdir),
            "seed": self.engine.seed._asdict(),
            "printed": plain.stdout.strip(),
            "seconds": {"untraced": plain.seconds, "traced": traced.seconds, "seeded": seeded.seconds},
            "same": {run: said for run, said in same.items() if said},
            "verdicts": verdicts,
            "counts": {run: dict(Counter(one["status"] for one in listed)) for run, listed in verdicts.items()},
            "wrong": self.wrong(verdicts, same),
        }

    def scan(self, variant: str) -> Path:
        report = self.runs / f"{variant}.json"
        subprocess.run(
            [*LLMLINT, "scan", self.engine.scanned, "--quiet", "--exit-zero", "--output", f"json:{report}"],
            cwd=self.engine.tree(self.workdir, variant),
            check=True,
        )
        return report

    def questions(self, clean: Path, seeded: Path) -> Path:
        """What the scan found in the engine as it is, and what it found of the leak: asked of the engine as it is."""
        document = json.loads(clean.read_text())
        known = {finding["fingerprint"] for finding in document["findings"]}
        more = json.loads(seeded.read_text())["findings"]
        document["findings"] += [finding for finding in more if finding["fingerprint"] not in known]
        asked = self.runs / "asked.json"
        asked.write_text(json.dumps(document))
        return asked

    def run(self, variant: str, findings: Path | None = None, killed: bool = False) -> Ended:
        """The program on one of the trees, traced when there are findings to ask about."""
        tree = self.engine.tree(self.workdir, variant)
        command = self.engine.command(self.workdir, self.engine.kill if killed else ())
        if findings is not None:
            out = self.runs / ("killed" if killed else variant)
            tracing = ["trace", "--findings", str(findings), "--out", str(out), "--root", str(tree)]
            command = [*LLMLINT, *tracing, "--", *command]
        start = time.monotonic()
        done = subprocess.run(
            command, cwd=self.workdir / self.engine.name, env=self.engine.surroundings(self.workdir, variant),
            capture_output=True, text=True, timeout=PATIENCE,
        )  # fmt: skip
        (self.runs / f"{variant}{'-killed' * killed}{'-traced' * bool(findings)}.stderr").write_text(done.stderr)
        said = sorted(re.sub(r"0x[0-9a-f]+|\d+", "N", line) for line in done.stderr.splitlines())
        return Ended(done.returncode, done.stdout, said, round(time.monotonic() - start, 1))

    def confirm(self, findings: Path, run: Path) -> list[dict[str, Any]]:
        """Each finding with what the run made of it."""
        report = run.with_name(f"{run.name}-verdicts.json")
        subprocess.run([*LLMLINT, "confirm", findings, run, "--quiet", "--output", f"json:{report}"], check=True)
        return [told(finding) for finding in json.loads(report.read_text())["findings"]]

    def wrong(self, verdicts: dict[str, list[dict[str, Any]]], same: dict[str, dict[str, bool]]) -> list[str]:
        """What is not as it must be."""
        seed = self.engine.seed
        of_the_leak = [one for one in verdicts["seeded"] if one["path"] == seed.file and one["rule"] == seed.rule]
        found = [] if any(one["status"] == "confirmed" for one in of_the_leak) else ["the leak was not confirmed"]
        for run in ("clean", "killed"):
            confirmed = [one for one in verdicts.get(run, []) if one["status"] == "confirmed"]
            found += [f"confirmed as it is ({run}): {one['rule']} {one['path']}:{one['line']}" for one in confirmed]
        found += [f"{run}: another {what}" for run, said in same.items() for what, equal in said.items() if not equal]
        return found


def alike(plain: Ended | None, traced: Ended | None) -> dict[str, bool]:
    """Whether the traced program ended and spoke as the untraced one."""
    if plain is None or traced is None:
        return {}
    return {
        "exit status": plain.status == traced.status,
        "stdout": plain.stdout == traced.stdout,
        "stderr": plain.stderr == traced.stderr,
    }


def told(finding: dict[str, Any]) -> dict[str, Any]:
    verdict = finding["verdict"]
    kept = {key: finding[key] for key in ("rule", "path", "line", "symbol", "message")}
    return {**kept, **{key: verdict[key] for key in ("status", "summary", "evidence")}}
