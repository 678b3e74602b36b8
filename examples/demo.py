"""The end of `make demo`: scans the mini engine, runs it traced, and prints what became of each seeded bug.

    python examples/demo.py [--out FOLDER] [--device none]

The same questions are put to the clean variant: nothing may be confirmed there. Ends with 1 when a bug was not found,
not confirmed although it ran, or refuted, or when anything was confirmed in the clean variant.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
ENGINE = "mini_engine"
LLMLINT = [sys.executable, "-m", "llmlint"]
NEEDS_TORCH = ("group", "write_back")
RULES = {
    "kv_cache": "LLM805",
    "block_tables": "LLM802",
    "scheduler": "LLM801",
    "caches": "LLM801",
    "prefix_key": "LLM806",
    "outputs": "LLM102",
    "grammars": "LLM101",
    "matching": "LLM501",
    "tool_calls": "LLM401",
    "usage": "LLM201",
    "pictures": "LLM202",
    "thumbnails": "LLM204",
    "group": "LLM701",
    "write_back": "LLM702",
    "staging": "LLM301",
    "readout": "LLM602",
    "head": "LLM305",
    "recent": "LLM105",
    "masks": "LLM607",
}
"""Who finds which bug."""

RANKS = ["--ranks", "2", "--only", "talk", "--for", "20"]
BILLS = ["--only", "count", "--for", "10", "--device", "none"]
"""Runs of their own: should two threads really meet at once, one of them alone is lost."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="keep findings, runs and reports here")
    parser.add_argument("--device", default="auto", help="what the engine computes on; none for its stand-in model")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="llmlint-demo-") as scratch:
        out = (options.out or Path(scratch)).resolve()
        out.mkdir(parents=True, exist_ok=True)
        sys.exit(demo(out, options.device))


def demo(out: Path, device: str) -> int:
    torch = find_spec("torch") is not None
    findings = out / "findings.json"
    show(run([*LLMLINT, "scan", ENGINE, "--quiet", "--exit-zero", "--min-confidence", "low", "--output", f"json:{findings}"]))
    ask_the_clean_variant(findings, out / "clean.json")
    drives = [("seeded", findings, ["--device", device, "--bugs", "all"]), ("clean", out / "clean.json", ["--device", device])]
    drives += [("seeded", findings, [*BILLS, "--bugs", "all"])] * 2 + [("clean", out / "clean.json", BILLS)]
    if torch:
        drives += [("seeded", findings, [*RANKS, "--bugs", "all"]), ("clean", out / "clean.json", RANKS)]
    runs: dict[str, list[Path]] = {"seeded": [], "clean": []}
    started = []
    for variant, questions, arguments in drives:
        folder = out / f"{variant}-{len(runs[variant]) + 1}"
        runs[variant].append(folder)
        engine = [sys.executable, "-m", ENGINE, "drive", *arguments]
        started.append(run([*LLMLINT, "trace", "--findings", str(questions), "--out", str(folder), "--", *engine]))
    for process in started:
        show(process)
    answers = {}
    for variant, questions in (("seeded", findings), ("clean", out / "clean.json")):
        answer = out / f"{variant}-verdicts.json"
        folders = [str(folder) for folder in runs[variant]]
        show(run([*LLMLINT, "confirm", str(questions), *folders, "--quiet", "--output", f"json:{answer}"]))
        answers[variant] = by_part(json.loads(answer.read_text())["findings"])
    known = subprocess.run([*LLMLINT, "rules", "--format", "json"], capture_output=True, check=True).stdout
    rules = {rule["code"] for rule in json.loads(known)}
    return tell(answers["seeded"], answers["clean"], {bug for bug, rule in RULES.items() if rule in rules}, torch)


def run(command: list[str]) -> subprocess.Popen[str]:
    """In the examples' folder, so that `mini_engine` is found and paths are short."""
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(
        command, cwd=EXAMPLES, env=quiet, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace"
    )


def show(process: subprocess.Popen[str]) -> None:
    """The command as a user would type it, and what it printed."""
    try:
        printed, _ = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.terminate()  # which `trace` hands on, so that no engine is left behind
        raise
    typed = shlex.join(str(part) for part in process.args).replace(sys.executable, "python")
    print(f"$ {typed.replace('python -m llmlint', 'llmlint', 1)}")
    print("".join(f"  {line}\n" for line in printed.splitlines()), flush=True)


def ask_the_clean_variant(findings: Path, questions: Path) -> None:
    """The findings of the seeded parts, put to their clean namesakes."""
    questions.write_text(findings.read_text().replace(f"{ENGINE}/seeded/", f"{ENGINE}/clean/"))


def by_part(findings: list[dict]) -> dict[str, dict]:
    """Each finding by the file that it is in."""
    return {finding["path"].removeprefix(f"{ENGINE}/").removesuffix(".py"): finding for finding in findings}


def tell(seeded: dict[str, dict], clean: dict[str, dict], with_rule: set[str], torch: bool) -> int:
    """The table; 1 when something is not as it should be."""
    from mini_engine.parts import BUGS, OF_THE_DEVICE

    wrong = [f"a finding outside of the seeded parts: {part}" for part in seeded if not part.startswith("seeded/")]
    print(f"{'bug':13} {'rule':7} {'seeded':16} {'clean':16} what was seen")
    for bug in BUGS:
        finding, counterpart = seeded.get(f"seeded/{bug}"), clean.get(f"clean/{bug}")
        if finding is None or counterpart is None:
            print(f"{bug:13} {'-':7} {'not found' if bug in with_rule else 'no rule yet'}")
            wrong += [f"{bug} was not found"] if bug in with_rule else []
            continue
        status, other = finding["verdict"]["status"], counterpart["verdict"]["status"]
        ran = bug not in OF_THE_DEVICE and (torch or bug not in NEEDS_TORCH)
        missing = "it shows on a GPU alone" if torch else "its part needs torch, which is not installed"
        said = finding["verdict"]["summary"] if ran else missing
        print(f"{bug:13} {finding['rule']:7} {status:16} {other:16} {said}")
        if ran and status != "confirmed":
            wrong.append(f"{bug} is there and was not confirmed, but {status}")
        if other == "confirmed":
            wrong.append(f"{bug} was confirmed where it is not")
    print("\n".join(wrong) or "Every bug that ran was confirmed, and none where it is not.")
    return int(bool(wrong))


if __name__ == "__main__":
    main()
