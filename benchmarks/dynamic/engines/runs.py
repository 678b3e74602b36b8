"""The runs of one engine: untraced, traced as it is, traced with each bug, traced with its child killed."""

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

import msgspec

from llmlint.catalogue import load_catalogue
from llmlint.findings import Finding

from .engine import Engine, Seed
from .troubles import troubles

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
        seeds = self.engine.seeds
        found = {variant: self.scan(variant) for variant in ("clean", *(seed.name for seed in seeds))}
        by_the_scan = {seed.name: bool(of_the_bug(seed, entries(found[seed.name]))) for seed in seeds}
        asked = self.questions(found)
        plain = self.run("clean")
        traced = self.run("clean", asked)
        seeded = {seed.name: self.run(seed.name, self.told(seed, found[seed.name])) for seed in seeds}
        killed = self.run("clean", asked, killed=True) if self.engine.kill else None
        untraced_kill = self.run("clean", killed=True) if self.engine.kill else None
        verdicts = {"clean": self.confirm(asked, self.runs / "clean")}
        for seed in seeds:
            verdicts[seed.name] = self.confirm(self.told(seed, found[seed.name]), self.runs / seed.name)
        if killed:
            verdicts["killed"] = self.confirm(asked, self.runs / "killed")
        same = {"clean": alike(plain, traced), "killed": alike(untraced_kill, killed)}
        return {
            "engine": self.engine.name,
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "python": platform.python_version(),
            "machine": f"{platform.machine()}, {platform.system()}",
            "versions": self.engine.versions(self.workdir),
            "seeds": [
                {
                    **{name: getattr(seed, name) for name in ("name", "file", "rule", "why")},
                    "found_by_the_scan": by_the_scan[seed.name],
                    "seconds": seeded[seed.name].seconds,
                    "seen": [one for one in of_the_bug(seed, verdicts[seed.name]) if one["status"] == "confirmed"],
                }
                for seed in seeds
            ],
            "printed": plain.stdout.strip(),
            "seconds": {"untraced": plain.seconds, "traced": traced.seconds},
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

    def questions(self, found: dict[str, Path]) -> Path:
        """What the scan found in the engine as it is and what is asked of its bugs: asked of the engine as it is."""
        document = json.loads(found["clean"].read_text())
        known = {finding["fingerprint"] for finding in document["findings"]}
        for seed in self.engine.seeds:
            for finding in entries(self.told(seed, found[seed.name])):
                if finding["fingerprint"] not in known:
                    known.add(finding["fingerprint"])
                    document["findings"].append(finding)
        asked = self.runs / "asked.json"
        asked.write_text(json.dumps(document))
        return asked

    def told(self, seed: Seed, found: Path) -> Path:
        """What the scan found in a seeded tree; where the bug is not among it, what a run is told to watch as well."""
        document = json.loads(found.read_text())
        if seed.told is None or of_the_bug(seed, document["findings"]):
            return found
        document["findings"].append(self.by_hand(seed))
        more = found.with_name(f"{seed.name}-told.json")
        more.write_text(json.dumps(document))
        return more

    def by_hand(self, seed: Seed) -> dict[str, Any]:
        """A finding with the bug's block, where its function stands."""
        text = (self.engine.tree(self.workdir, seed.name) / seed.file).read_text()
        begins = seed.line or f"def {seed.symbol.rpartition('.')[2]}("
        line = next(number for number, row in enumerate(text.splitlines(), 1) if row.strip().startswith(begins))
        rule = next(rule for rule in load_catalogue() if rule.code == seed.rule)
        block = seed.told.plain() if seed.told is not None else {}
        return msgspec.to_builtins(
            Finding(
                rule=rule.code, name=rule.name, causes=rule.causes, path=seed.file, line=line, column=1, end_line=line,
                end_column=1, symbol=seed.symbol, severity=rule.severity, confidence="low", message=seed.why,
                evidence=(), confidence_reason="told by hand", fingerprint=f"told-{seed.name}", runtime=block,
            )
        )  # fmt: skip

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
        found = [
            f"{seed.name} was not confirmed"
            for seed in self.engine.seeds
            if not any(one["status"] == "confirmed" for one in of_the_bug(seed, verdicts[seed.name]))
        ]
        for run in ("clean", "killed"):
            confirmed = [one for one in verdicts.get(run, []) if one["status"] == "confirmed"]
            found += [f"confirmed as it is ({run}): {one['rule']} {one['path']}:{one['line']}" for one in confirmed]
        found += [f"{run}: another {what}" for run, said in same.items() for what, equal in said.items() if not equal]
        for run in verdicts:
            found += [f"{run}: {trouble}" for trouble in troubles(self.runs / run, is_killed=run == "killed")]
        return found


def entries(report: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(report.read_text())["findings"]
    return found


def of_the_bug(seed: Seed, findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the bug's rule in its file, and about what was planted where that is known."""
    here = [one for one in findings if one["path"] == seed.file and one["rule"] == seed.rule]
    attributes = [watched.attribute for watched in seed.told.watch] if seed.told is not None else []
    return [one for one in here if all(name in one["message"] or one["message"] == seed.why for name in attributes)]


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
