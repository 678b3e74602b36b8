"""What the ledger's benchmark saw of llama.cpp, as a page, and what of it is not as it must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def wrong(told: Mapping[str, Any]) -> list[str]:
    """What is not as it must be."""
    statuses = {run: [one["verdict"]["status"] for one in listed] for run, listed in told["verdicts"].items()}
    found = [] if statuses["seeded"] == ["confirmed"] else [f"the leak was not confirmed: {statuses['seeded']}"]
    found += ["something was confirmed of the program as it is"] if "confirmed" in statuses["clean"] else []
    found += [f"findings in the program as it is: {told['found']['clean']}"] if told["found"]["clean"] else []
    left = {run: seen["held"] for run, seen in told["seen"].items() if seen["held"]}
    found += [f"still held with every pair watched: {left}"] if left else []
    differ = [f"{run}: another {what}" for run, said in told["same"].items() for what, ok in said.items() if not ok]
    return found + differ


def as_markdown(told: Mapping[str, Any]) -> str:
    spent, failures = told["cost"], wrong(told)
    lines = [
        "# llama.cpp's C functions, with the ledger",
        "",
        f"`python -m benchmarks.dynamic.engines.native --workdir DIR --pairs {spent['pairs']}`, {told['date']}:",
        f"libllama of llama_cpp_python {told['versions']['llama_cpp_python']}, {told['compiler']};",
        f"llmlint under Python {told['python']}, {told['machine']}.",
        "",
        f"The program (`{told['seed']['file']}`) prints: `{told['printed']}`. The leak: {told['seed']['why']}.",
        "",
        "| program | finding | verdict | what was seen |",
        "| --- | --- | --- | --- |",
    ]
    for variant, what in (("seeded", "with the leak"), ("clean", "as it is, asked about the leak it does not have")):
        for one in told["verdicts"][variant]:
            seen = "; ".join((one["verdict"]["summary"], *one["verdict"]["evidence"]))
            finding = f"{one['rule']} `{one['path']}:{one['line']}` {one['symbol']}"
            lines.append(f"| {what} | {finding} | {one['verdict']['status']} | {seen} |")
    lines += [
        "",
        f"The scan finds {told['found']['seeded']} in the first and {told['found']['clean']} in the second. "
        + "Exit status, stdout and stderr of the traced programs are "
        + ("those of the untraced." if all(all(said.values()) for said in told["same"].values()) else "not the same."),
        "",
        "## What it costs",
        "",
        f"{spent['pairs']} pairs of runs of {spent['requests']} requests with and without the ledger, all",
        f"{spent['watched']} functions of the vocabulary watched: median ratio {spent['median']}, quartiles "
        + "{} and {}.".format(*spent["quartiles"]),
        f"Building the ledger took {spent['built']} s.",
        "",
        "## Which calls are seen",
        "",
        "By the module that makes them, with every pair of the vocabulary watched. Under ctypes, what Python calls is",
        "not seen (the ordinary tracer watches Python); what the libraries call of each other is. A module `ledger.so`",
        "stands for calls by a jump out of a function that was called through it.",
    ]
    for run_, what in (("native", "The C program"), ("ctypes", "llama-cpp-python (`llama_cpp_program.py`)")):
        seen = told["seen"][run_]
        lines += ["", f"{what}: {seen['lent']} lent, {seen['held']} held at the end.", ""]
        lines += ["| module | calls |", "| --- | --- |"]
        for module, calls in seen["calls"].items():
            lines.append(f"| {module} | {', '.join(f'{name} {count}' for name, count in calls.items())} |")
    lines += ["", "All that must hold held." if not failures else "Not as it must be: " + "; ".join(failures)]
    return "\n".join(lines) + "\n"
