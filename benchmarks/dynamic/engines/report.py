"""What a benchmark saw of an engine, as JSON and as a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RUNS = {
    "clean": "The engine as it is, asked about its own findings and about the bugs it does not have",
    "killed": "As it is, with its child killed half-way",
}


def without_paths(account: dict[str, Any], workdir: Path) -> dict[str, Any]:
    """The account with the work directory called DIR, as the pages call it."""
    found: dict[str, Any] = json.loads(json.dumps(account).replace(str(workdir), "DIR"))
    return found


def write(account: dict[str, Any], folder: Path) -> None:
    (folder / f"{account['engine']}.json").write_text(json.dumps(account, indent=1) + "\n")
    (folder / f"{account['engine']}.md").write_text(as_markdown(account))


def as_markdown(account: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in account["versions"].items())
    seconds = account["seconds"]
    lines = [
        f"# {account['engine']}",
        "",
        f"`python -m benchmarks.dynamic.engines {account['engine']} --workdir DIR`, {account['date']}: {versions};",
        f"llmlint under Python {account['python']}, {account['machine']}.",
        "",
        f"The program prints: `{account['printed']}`.",
        "Untraced {untraced} s, traced {traced} s, imports included.".format(**seconds),
        "",
        *_bugs(account["seeds"]),
        *_sameness(account["same"]),
        *(line for run in RUNS if run in account["verdicts"] for line in _table(account, run)),
        "All that must hold held." if not account["wrong"] else "Not as it must be: " + "; ".join(account["wrong"]),
    ]
    return "\n".join(lines) + "\n"


def _bugs(seeds: list[dict[str, Any]]) -> list[str]:
    rows = [
        f"| {seed['rule']} | `{seed['file']}` | {seed['why']} | {'yes' if seed['found_by_the_scan'] else 'no: told'} | "
        f"{_seen(seed['seen'])} |"
        for seed in seeds
    ]
    head = ["| rule | file | the bug | found by the scan | seen in the run |", "| --- | --- | --- | --- | --- |"]
    return [*head, *rows, ""]


def _seen(confirmed: list[dict[str, Any]]) -> str:
    return f"confirmed: {confirmed[0]['summary']}" if confirmed else "not confirmed"


def _sameness(same: dict[str, dict[str, bool]]) -> list[str]:
    lines = []
    for run, said in same.items():
        what = ", ".join(f"{name} {'the same' if equal else 'another'}" for name, equal in said.items())
        lines.append(f"- {run}: {what}")
    return ["Traced against untraced, numbers in stderr aside:", "", *lines, ""]


def _table(account: dict[str, Any], run: str) -> list[str]:
    counts = ", ".join(f"{count} {status}" for status, count in sorted(account["counts"][run].items()))
    rows = [
        f"| {one['rule']} | `{one['path']}:{one['line']}` {one['symbol']} | {one['status']} | {one['summary']} |"
        for one in account["verdicts"][run]
    ]
    head = ["| rule | place | verdict | what was seen |", "| --- | --- | --- | --- |"]
    return [f"## {RUNS[run]}", "", f"{counts or 'no findings'}", "", *([*head, *rows, ""] if rows else [])]
