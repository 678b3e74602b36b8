"""What the runs never reached: findings, and the watched functions that were found and never called."""

from __future__ import annotations

from collections.abc import Sequence

from llmlint.dynamic.read import Run
from llmlint.findings import Finding


def coverage_of(findings: Sequence[Finding], runs: Sequence[Run]) -> str:
    """Lines for people: first the functions, then the findings with what was missing."""
    hits: dict[tuple[str, str], int] = {}
    for run in runs:
        for process in run.processes:
            for record in process.patched:
                place = (f"{record['file']}:{record['line']}", record["qualname"])
                slot = int(record["slot"])
                count = process.counters[slot] if slot < len(process.counters) else 0
                hits[place] = hits.get(place, 0) + count
    reached = sum(1 for count in hits.values() if count)
    lines = [f"reached {reached} of {len(hits)} watched functions"]
    lines += [f"  never called: {name} ({place})" for (place, name), count in sorted(hits.items()) if not count]
    lines += _never_imported(runs)
    for finding in findings:
        verdict = finding.verdict
        if verdict is not None and verdict.status == "not-exercised":
            lines.append(f"{finding.path}:{finding.line}: {finding.rule} not exercised: {verdict.summary}")
    return "\n".join(lines) + "\n"


def _never_imported(runs: Sequence[Run]) -> list[str]:
    """Files of the plan that no process ever loaded, with how many functions of theirs were to be watched."""
    wanted: dict[str, set[str]] = {}
    loaded: set[str] = set()
    for run in runs:
        loaded |= {path for process in run.processes for path in process.loaded}
        for entry in run.plan.get("findings", []):
            for target in entry["targets"]:
                wanted.setdefault(target["path"], set()).add(target["qualname"])
    missing = sorted(path for path in wanted if path not in loaded)
    return [f"  never imported: {path} ({len(wanted[path])} functions to watch)" for path in missing]
