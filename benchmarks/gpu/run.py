"""What llmlint finds, confirms and costs on a device. One command, under ten minutes; the table comes last.

    python -m benchmarks.gpu.run [--device cuda] [--python PYTHON]

The mini engine with a transformer has five bugs of the device, each behind a switch: the scan has to find each and a
traced run to confirm it, and neither may say anything of the variant without it. transformers' continuous batching on a
random Llama runs traced under load. Last comes what each probe costs, in paired runs. `--python` is the interpreter
that has torch, where llmlint's own has not. `--device cpu` is a dry run: everything runs but what only a device can
show, which is marked skipped. Ends with 1 where something that was to hold did not.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.gpu.page import as_markdown, as_table

ROOT = Path(__file__).resolve().parent.parent.parent
ENGINE = ROOT / "examples" / "mini_engine"
PROGRAM = Path(__file__).resolve().parent / "engine_program.py"
BATCHING = ROOT / "benchmarks" / "dynamic" / "engines" / "transformers_program.py"
RESULTS = Path(__file__).resolve().parent / "results"
LLMLINT = [sys.executable, "-m", "llmlint"]
SKIPPED = "skipped: it shows on a GPU alone"
NO_TORCH = "skipped: torch is not installed"
TOO_SHORT = "ran traced; a dry run is too short for a figure"
LATE = "not run: out of time"
PATIENCE = 240
STEP = "mini_engine/transformer.py:Transformer.forward"
WITHOUT_FINDING = ("--syncs", "--memory-timeline")
"""What `trace` watches without a finding."""
WRAPPING, WATCHING = 1.02, 1.10
"""So many times as long a run may take: where places are wrapped, and where waits, memory or copies are watched."""
WATCHED = frozenset({"LLM301", "LLM305", "LLM602", "LLM607", *WITHOUT_FINDING})
BUGS = {"staging": "LLM301", "readout": "LLM602", "head": "LLM305", "recent": "LLM105", "masks": "LLM607"}
"""Each of the engine's parts with a bug of the device, and whose finding it is."""

VERSIONS = """
import json, torch
try:
    import transformers
    more = {"transformers": transformers.__version__}
except ImportError:
    more = {}
gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
print(json.dumps({"torch": torch.__version__, "device": gpu, **more}))
"""


class Bench:
    def __init__(self, python: str, device: str, workdir: Path, until: float, rounds: int) -> None:
        self.python, self.device, self.workdir, self.until, self.rounds = python, device, workdir, until, rounds
        self.is_gpu = device != "cpu"
        self.versions = self._versions()
        self.wrong: list[str] = []

    def _versions(self) -> dict[str, str]:
        asked = subprocess.run([self.python, "-c", VERSIONS], capture_output=True, text=True, timeout=PATIENCE)
        return json.loads(asked.stdout) if asked.returncode == 0 else {}

    def account(self) -> dict[str, Any]:
        found = self.scan(ENGINE)
        return {
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "asked": f"--device {self.device}",
            "machine": f"{platform.machine()}, {platform.system()}",
            "python": platform.python_version(),
            "versions": self.versions,
            "bugs": list(self.bugs(found)),
            "batching": self.batching(),
            "probes": list(self.probes(found)),
            "wrong": self.wrong,
        }

    def check(self, holds: bool, wrong: str) -> None:
        if not holds:
            self.wrong.append(wrong)

    def is_late(self) -> bool:
        return time.monotonic() > self.until

    # -- llmlint

    def scan(self, tree: Path) -> list[dict[str, Any]]:
        report = self.workdir / f"{tree.name}.json"
        options = ["--quiet", "--exit-zero", "--min-confidence", "low", "--output", f"json:{report}"]
        subprocess.run([*LLMLINT, "scan", str(tree), *options], cwd=ROOT, check=True, timeout=PATIENCE)
        document = json.loads(report.read_text())
        self.head = {key: value for key, value in document.items() if key != "findings"}
        return document["findings"]

    def traced(self, name: str, findings: list[dict[str, Any]], command: list[str]) -> tuple[Any, list[dict[str, Any]]]:
        """How a traced run ended, and the findings with what it saw of them."""
        questions, run = self.workdir / f"{name}.json", self.workdir / name
        questions.write_text(json.dumps({**self.head, "findings": findings}))
        watching = ["--findings", str(questions), "--device", self.device]
        done = self.run([*LLMLINT, "trace", *watching, "--out", str(run), "--", *command])
        verdicts = self.workdir / f"{name}-verdicts.json"
        said = ["--quiet", "--output", f"json:{verdicts}"]
        subprocess.run([*LLMLINT, "confirm", str(questions), str(run), *said], cwd=ROOT, check=True, timeout=PATIENCE)
        return done, json.loads(verdicts.read_text())["findings"]

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)

    # -- the bugs

    def engine(self, bugs: str = "", count: bool = False) -> list[str]:
        load = ["--large"] if self.is_gpu else ["--longest", "64"]
        more = ["--count-waits"] if count else []
        return [self.python, str(PROGRAM), "--device", self.device, "--bugs", bugs, *load, *more]

    def bugs(self, found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        by_place = {(one["path"], one["rule"]): one for one in found}
        here = {bug: f"examples/mini_engine/seeded/{bug}.py" for bug in BUGS}
        seeded = {bug: by_place.get((here[bug], rule)) for bug, rule in BUGS.items()}
        for bug, rule in BUGS.items():
            others = [one for one in found if one["path"] == here[bug].replace("/seeded/", "/clean/")]
            self.check(seeded[bug] is not None, f"{bug}: the scan does not find it by {rule}")
            self.check(not others, f"{bug}: the scan says something of its clean variant")
        told = [one for one in seeded.values() if one is not None]
        clean = self.numbers(self.run(self.engine(count=True))) if self.versions else {}
        of_clean = self.ask_clean(told) if self.versions else {}
        for bug, rule in BUGS.items():
            row = {"bug": bug, "rule": rule, "scan": "found" if seeded[bug] else "not found"}
            yield row | self.ran(bug, seeded[bug], clean, of_clean)

    def ask_clean(self, told: list[dict[str, Any]]) -> dict[str, str]:
        """What a run of the clean engine makes of the findings, put to its parts."""
        text = json.dumps(told).replace("mini_engine/seeded/", "mini_engine/clean/")
        done, verdicts = self.traced("clean", json.loads(text), self.engine())
        self.numbers(done)
        for one in verdicts:
            self.check(one["verdict"]["status"] != "confirmed", f"confirmed where it is not: {one['rule']}")
        return {Path(one["path"]).stem: one["verdict"]["status"] for one in verdicts}

    def ran(
        self, bug: str, finding: dict[str, Any] | None, clean: dict[str, Any], of_clean: dict[str, str]
    ) -> dict[str, Any]:
        if not self.versions:
            return {"shows": NO_TORCH, "seeded": NO_TORCH, "clean": NO_TORCH}
        if self.is_late():
            return {"shows": LATE, "seeded": LATE, "clean": LATE}
        plain = self.numbers(self.run(self.engine(bug, count=True)))
        done, verdicts = self.traced(bug, [finding] if finding else [], self.engine(bug))
        again = self.numbers(done)
        seen = verdicts[0]["verdict"] if verdicts else {"status": "not asked", "summary": ""}
        if not self.is_gpu:
            answers = {said.get("answers") for said in (clean, plain, again)}
            self.check(len(answers) == 1, f"{bug}: on a CPU the answers differ: {answers}")
            return {"shows": SKIPPED, "seeded": seen["status"], "clean": of_clean.get(bug, ""), "said": seen["summary"]}
        shown = symptom(bug, clean, plain)
        self.check(bool(shown), f"{bug}: nothing shows on this device")
        self.check(seen["status"] == "confirmed", f"{bug}: {seen['status']}, {seen['summary']}")
        return {
            "shows": shown or "nothing",
            "seeded": seen["status"],
            "clean": of_clean.get(bug, ""),
            "said": seen["summary"],
        }

    def numbers(self, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
        """The line that the engine's program ends with."""
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not lines:
            last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
            self.wrong.append(f"the engine ended with {done.returncode}: {last[:200]}")
            return {}
        return json.loads(lines[-1])

    # -- transformers

    def batching(self) -> dict[str, Any]:
        if "transformers" not in self.versions:
            return {"said": "skipped: transformers is not installed" if self.versions else NO_TORCH}
        if self.is_late():
            return {"said": LATE}
        where = "import transformers.generation.continuous_batching as b; print(b.__path__[0])"
        folder = Path(self.run([self.python, "-c", where]).stdout.strip())
        command = [self.python, str(BATCHING), "--device", self.device, "--requests", "96" if self.is_gpu else "24"]
        command += ["--large"] if self.is_gpu else []
        found = self.scan(folder)
        start = time.monotonic()
        plain = self.run(command)
        middle = time.monotonic()
        done, verdicts = self.traced("batching", found, command)
        end = time.monotonic()
        self.check(
            plain.returncode == 0 == done.returncode, f"transformers ended with {plain.returncode}, {done.returncode}"
        )
        self.check(plain.stdout == done.stdout, "transformers: another output when traced")
        statuses = [one["verdict"]["status"] for one in verdicts]
        return {
            "said": plain.stdout.strip(),
            "same": plain.stdout == done.stdout,
            "seconds": [round(middle - start, 1), round(end - middle, 1)],
            "verdicts": {status: statuses.count(status) for status in sorted(set(statuses))},
        }

    # -- what probes cost

    def probes(self, found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The clean engine plain, and with what one rule after the other has watched in it, round by round."""
        text = json.dumps([one for one in found if one["runtime"]]).replace("mini_engine/seeded/", "mini_engine/clean/")
        watched = json.loads(text)
        rules = sorted({one["rule"] for one in watched})
        if not self.versions:
            yield from ({"rule": name, "said": NO_TORCH} for name in (*rules, *WITHOUT_FINDING))
            return
        asked = {rule: [one for one in watched if one["rule"] == rule] for rule in rules}
        ratios: dict[str, list[float]] = {name: [] for name in (*rules, *WITHOUT_FINDING)}
        for number in range(self.rounds):
            plain = self.numbers(self.run(self.engine())).get("seconds")
            for name in list(ratios) if number % 2 else reversed(ratios):
                if plain and not self.is_late():
                    taken = self.numbers(self.watched(f"cost{name}-{number}", name, asked)).get("seconds")
                    ratios[name] += [taken / plain] if taken else []
        for name, found_out in ratios.items():
            ratio = round(statistics.median(found_out), 3) if found_out and self.is_gpu else None
            self.check(ratio is None or ratio <= most(name), f"{name}: {ratio} times as long, more than {most(name)}")
            yield {"rule": name, "pairs": len(found_out), "ratio": ratio, "said": TOO_SHORT if found_out else LATE}

    def watched(self, run: str, name: str, asked: dict[str, list[dict[str, Any]]]) -> subprocess.CompletedProcess[str]:
        """The clean engine with what one rule watches, or with what `trace` watches when asked by this option."""
        if name in asked:
            return self.traced(run, asked[name], self.engine())[0]
        watching = [name, "--step", STEP, "--device", self.device, "--out", str(self.workdir / run)]
        return self.run([*LLMLINT, "trace", *watching, "--", *self.engine()])


def most(name: str) -> float:
    """How many times as long a run may take when this is watched."""
    return WATCHING if name in WATCHED else WRAPPING


def symptom(bug: str, clean: dict[str, Any], seeded: dict[str, Any]) -> str:
    """How the bug shows without llmlint, beside the clean engine; "" where it does not."""
    if not clean or not seeded:
        return ""
    if bug in ("staging", "head"):
        return "other answers" if clean["answers"] != seeded["answers"] else ""
    if bug == "readout":
        more = seeded["waits_a_step"] - clean["waits_a_step"]
        return f"{more:.1f} more waits a step" if more > 1 else ""
    kind = "allocated" if bug == "recent" else "reserved"
    grown, usual = (said[kind][1] - said[kind][0] for said in (seeded, clean))
    return f"{kind} memory grows by {(grown - usual) >> 10} KiB more in half of the run" if grown > usual else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", help="cuda, or cpu for a dry run")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has torch")
    parser.add_argument("--rounds", type=int, default=0, help="pairs for each probe; by default 2, on a CPU 1")
    parser.add_argument("--minutes", type=float, default=8.0, help="nothing new is begun after so many")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        until = time.monotonic() + options.minutes * 60
        bench = Bench(
            options.python, options.device, Path(folder), until, options.rounds or 1 + (options.device != "cpu")
        )
        if not bench.versions:
            print(f"torch is not installed for {options.python}: the scan alone is run, and everything else is skipped")
        elif bench.is_gpu and not bench.versions["device"]:
            sys.exit("there is no GPU that torch can use here; --device cpu is a dry run")
        account = bench.account()
    name = account["versions"].get("device", "").replace(" ", "-").lower() if bench.is_gpu else "cpu"
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / f"{name}.json").write_text(json.dumps(account, indent=1) + "\n")
    (options.results / f"{name}.md").write_text(as_markdown(account))
    print(as_table(account))
    sys.exit(int(bool(account["wrong"])))


if __name__ == "__main__":
    main()
