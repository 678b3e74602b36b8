"""Scans both commits of every case and judges the findings."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path, PurePosixPath

import msgspec

from benchmarks.histories import History, WorkTree, existing, sources
from benchmarks.real_bugs.cases import Case, Project
from benchmarks.real_bugs.judge import Judgement, judge, mechanism, shown
from benchmarks.real_bugs.options import open_history
from benchmarks.scanning import Scan, scan
from llmlint.findings import Finding


class Plan(msgspec.Struct, frozen=True):
    """How a run is done: the same for all its cases."""

    projects: dict[str, Project]
    cache: Path
    histories: Path | None = None
    rules: tuple[str, ...] = ()
    quick: bool = False
    jobs: int = 1
    scan_jobs: int = 1


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One case's result. `problem` says why it could not be judged, and then the rest is empty."""

    case: Case
    judgement: Judgement | None = None
    findings_shown: int = 0
    shown_by: dict[str, tuple[str, ...]] = {}
    """Fingerprints of what is shown by default before the fix, by mechanism."""
    lines: int = 0
    seconds_parent: float = 0.0
    seconds_fix: float = 0.0
    problem: str = ""

    @property
    def found(self) -> bool:
        return self.judgement is not None and self.judgement.found

    @property
    def pointed(self) -> bool:
        return self.judgement is not None and self.judgement.pointed


def run(cases: Sequence[Case], plan: Plan, tell: Callable[[Outcome], None] = lambda _: None) -> list[Outcome]:
    """Judge all cases, `plan.jobs` stretches of neighbouring cases at a time; the order of results is the cases'."""
    with ThreadPoolExecutor(plan.jobs) as pool:
        done = pool.map(lambda stretch: run_stretch(stretch, plan, tell), stretches(cases, plan.jobs))
        return [outcome for outcomes in done for outcome in outcomes]


def stretches(cases: Sequence[Case], jobs: int) -> list[list[Case]]:
    """Each project's cases, in the order given, cut into up to `jobs` parts that share a work tree."""
    parts = []
    for _, group in groupby(cases, key=lambda case: case.project):
        together = list(group)
        size = -(-len(together) // jobs)
        parts += [together[start : start + size] for start in range(0, len(together), size)]
    return parts


def run_stretch(cases: Sequence[Case], plan: Plan, tell: Callable[[Outcome], None]) -> list[Outcome]:
    outcomes = []
    plan.cache.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="tree-", dir=plan.cache))
    (folder / "llmlint.toml").write_text("root = true\n")  # no settings from whatever lies above
    try:
        with open_history(cases[0], plan.histories, plan.cache) as history:
            tree = WorkTree(history, folder)
            for case in cases:
                outcomes.append(run_case(case, tree, plan))
                tell(outcomes[-1])
    except Exception as problem:  # the history itself: every case left of this stretch is lost, the others are not
        for case in cases[len(outcomes) :]:
            outcomes.append(Outcome(case=case, problem=_said(problem)))
            tell(outcomes[-1])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return outcomes


def run_case(case: Case, tree: WorkTree, plan: Plan) -> Outcome:
    try:
        before = scan_commit(case, case.parent, tree, plan)
        lines = tree.lines
        after = scan_commit(case, case.fix, tree, plan)
    except Exception as problem:  # one bad case must not end a run of hours
        return Outcome(case=case, problem=_said(problem))
    return Outcome(
        case=case,
        judgement=judge(case, before.findings, after.findings),
        findings_shown=sum(map(shown, before.findings)),
        shown_by=by_mechanism(before.findings),
        lines=lines,
        seconds_parent=round(before.seconds, 2),
        seconds_fix=round(after.seconds, 2),
    )


def by_mechanism(findings: Iterable[Finding]) -> dict[str, tuple[str, ...]]:
    by_name: dict[str, list[str]] = {}
    for finding in filter(shown, findings):
        by_name.setdefault(mechanism(finding), []).append(finding.fingerprint)
    return {name: tuple(fingerprints) for name, fingerprints in sorted(by_name.items())}


def scan_commit(case: Case, commit: str, tree: WorkTree, plan: Plan) -> Scan:
    scopes = plan.projects[case.project].scopes
    files = sources(tree.history.files(commit), scopes)
    tree.lay(neighbourhood(case, files, tree.history) if plan.quick else files)
    return scan(
        tree.folder,
        list(existing(tree.folder, scopes)),
        cache=plan.cache / "llmlint" / case.project,
        jobs=plan.scan_jobs,
        rules=plan.rules,
    )


def neighbourhood(case: Case, files: dict[str, str], history: History) -> dict[str, str]:
    """What `--quick` lays out: the case's files, the files beside them, and what they import or include directly."""
    near = {path for path in files if any(_folder(path) == _folder(named) for named in case.files)}
    for named in case.files:
        data = history.blob(files[named]) if named in files else None
        near |= imported((data or b"").decode("utf-8", "replace"), files)
    return {path: blob_id for path, blob_id in files.items() if path in near}


_IMPORT = re.compile(r"^\s*(?:from|import)\s+([\w.]+)", re.MULTILINE)
_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def imported(text: str, files: Iterable[str]) -> set[str]:
    """Files of the project that a source text names; relative Python imports are beside it anyway."""
    modules = [name.replace(".", "/") for name in _IMPORT.findall(text) if "." in name.strip(".")]
    ends = {end for module in modules for end in (f"{module}.py", f"{module}/__init__.py")}
    ends |= {name.removeprefix("../") for name in _INCLUDE.findall(text)}
    return {path for path in files if any(path == end or path.endswith("/" + end) for end in ends)}


def _folder(path: str) -> str:
    return str(PurePosixPath(path).parent)


def _said(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"
