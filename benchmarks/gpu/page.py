"""The benchmark's account as a table for a terminal, and as a page."""

from __future__ import annotations

from typing import Any


def as_table(account: dict[str, Any]) -> str:
    lines = [f"{'bug':10} {'rule':7} {'scan':10} {'shows':34} {'seeded':16} clean"]
    lines += [
        f"{row['bug']:10} {row['rule']:7} {row['scan']:10} {row['shows']:34} {row['seeded']:16} {row['clean']}"
        for row in account["bugs"]
    ]
    lines += ["", f"transformers: {in_words(account['batching'])}", ""]
    lines += [f"{row['rule']:18} {cost(row)}" for row in account["probes"]]
    lines += ["", *(f"WRONG: {one}" for one in account["wrong"])]
    return "\n".join(lines + ([] if account["wrong"] else ["All that must hold held."]))


def in_words(batching: dict[str, Any]) -> str:
    if "same" not in batching:
        return str(batching["said"])
    plain, traced = batching["seconds"]
    verdicts = ", ".join(f"{count} {status}" for status, count in batching["verdicts"].items()) or "nothing to ask"
    same = "the same" if batching["same"] else "ANOTHER OUTPUT"
    return f"{batching['said']}; traced {same}; {plain} s untraced, {traced} s traced; {verdicts}"


def cost(row: dict[str, Any]) -> str:
    return f"ratio {row['ratio']:.3f} in {row['pairs']} pairs" if row.get("ratio") else str(row["said"])


def as_markdown(account: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in account["versions"].items() if version)
    device = account["versions"].get("device") or "a CPU: a dry run"
    lines = [
        f"# The device benchmark on {device}",
        "",
        f"`python -m benchmarks.gpu.run {account['asked']}`, {account['date']}: {versions or 'no torch'};",
        f"llmlint under Python {account['python']}, {account['machine']}.",
        "",
    ]
    if not account["versions"].get("device"):
        lines += [
            "Not yet run on a GPU. What only a device can show is marked skipped; nothing here is a figure for one.",
            "Traced runs were told that every tensor stands for one of a device (`trace --device cpu`).",
            "",
        ]
    lines += [
        "| bug | rule | the scan | it shows as | seeded, traced | clean, traced |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['bug']} | {row['rule']} | {row['scan']} | {row['shows']} | {row['seeded']} | {row['clean']} |"
        for row in account["bugs"]
    ]
    said = [f"- {row['bug']}: {row['said']}" for row in account["bugs"] if row.get("said")]
    lines += ["", "What the traced runs said:", "", *said] if said else []
    lines += ["", "## transformers' continuous batching", "", in_words(account["batching"]), ""]
    lines += [
        "## What each probe costs",
        "",
        "| probes of | seconds of the steps, traced against untraced |",
        "| --- | --- |",
    ]
    lines += [f"| {row['rule']} | {cost(row)} |" for row in account["probes"]]
    lines += ["", *(f"WRONG: {one}" for one in account["wrong"])]
    return "\n".join(lines + ([] if account["wrong"] else ["All that must hold held."])) + "\n"
