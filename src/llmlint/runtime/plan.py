"""From findings to the plan that a traced run reads: every runtime block, with the hash of every file it speaks of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from llmlint.catalogue import Catalogue
from llmlint.dynamic.plan import SCHEMA
from llmlint.findings import Finding
from llmlint.runtime.block import read_block

PROBES = Path(__file__).parent.parent / "dynamic" / "probes"


def probe_of(finding: Finding, catalogue: Catalogue) -> str:
    """The name of the finding's probe, "" when its rule has none."""
    rule = catalogue.get(finding.rule)
    name = rule.probe if rule is not None else finding.name
    file = PROBES / f"{name.replace('-', '_')}.py"
    return name.replace("_", "-") if name and file.is_file() else ""


def can_be_watched(finding: Finding, catalogue: Catalogue) -> bool:
    watchable = finding.path.endswith(".py") and finding.runtime and not is_of_a_module(finding)
    return bool(watchable and probe_of(finding, catalogue))


def is_of_a_module(finding: Finding) -> bool:
    """Is all that it asks about the code of modules themselves, which runs once and is no function?"""
    targets = (finding.runtime or {}).get("targets", ())
    return bool(targets) and all(target.get("qualname") == "<module>" for target in targets)


def is_for_the_ledger(finding: Finding) -> bool:
    """Does it ask for the ledger of C functions, which needs no probe?"""
    block = finding.runtime or {}
    roles = {target.get("role") for target in block.get("targets", ())}
    return bool(block.get("options", {}).get("native")) and {"scope", "acquire"} <= roles


def make_plan(findings: Iterable[Finding], catalogue: Catalogue, root: Path) -> dict[str, Any]:
    """What `plan.json` holds. `root` is the directory that the findings' paths are relative to."""
    findings = list(findings)
    watched = [_watched(finding, catalogue) for finding in findings if can_be_watched(finding, catalogue)]
    paths = {one["path"] for finding in watched for one in (finding, *finding["targets"], *finding["watch"])}
    plan: dict[str, Any] = {
        "schema": SCHEMA,
        "findings": watched,
        "native": [_watched(finding, catalogue) for finding in findings if is_for_the_ledger(finding)],
        "files": {path: file_of(root, path) for path in sorted(paths)},
    }
    plan["hash"] = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:16]
    return plan


def _watched(finding: Finding, catalogue: Catalogue) -> dict[str, Any]:
    block = read_block(finding.runtime or {}).plain()
    for one in (*block.get("targets", ()), *block.get("watch", ())):
        one["path"] = one.get("path") or finding.path
    return {
        "targets": [],
        "watch": [],
        **block,
        "key": finding.fingerprint,
        "rule": finding.rule,
        "probe": probe_of(finding, catalogue),
        "path": finding.path,
        "symbol": finding.symbol,
        "line": finding.line,
        "end_line": finding.end_line,
    }


def file_of(root: Path, path: str) -> dict[str, str]:
    """Where a file of the plan is, and what is in it."""
    file = root / path
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        digest = ""
    return {"absolute": str(file.absolute()), "sha256": digest}
