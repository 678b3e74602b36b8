"""Plants bugs into a copy of an engine's tree, scans it before and after, and says which of them are found."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from benchmarks.histories import SOURCE_SUFFIXES, existing, in_scopes
from benchmarks.mutants import (
    call_mutators,
    contract_mutators,
    course_mutators,
    cpp_mutators,
    cpp_value_mutators,
    device_mutators,
    input_mutators,
    lifetime_mutators,
    python_mutators,
    sibling_mutators,
    slip_mutators,
    step_mutators,
    value_mutators,
)
from benchmarks.mutants.cpp_mutators import CppFile
from benchmarks.mutants.sites import Mutator, PythonFile, Site, parses, sites
from benchmarks.precision.targets import Target
from benchmarks.real_bugs.judge import shown
from benchmarks.scanning import scan
from llmlint.findings import Finding

_OF_PYTHON = (
    python_mutators,
    lifetime_mutators,
    course_mutators,
    contract_mutators,
    call_mutators,
    slip_mutators,
    sibling_mutators,
    value_mutators,
    input_mutators,
    device_mutators,
    step_mutators,
)
PYTHON = tuple(mutator for module in _OF_PYTHON for mutator in module.MUTATORS)
ALL = (*PYTHON, *cpp_mutators.MUTATORS, *cpp_value_mutators.MUTATORS)
_TESTS = re.compile(r"(^|/)(tests?|testing|autotest|unit_tests|benchmarks?|examples?|docs)(/|$)|(^|/)(test_|conftest)")


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One planted bug. *found*: a new finding of a rule for it, shown by default; *told*: of any rule at all."""

    engine: str
    mutator: str
    rules: tuple[str, ...]
    path: str
    line: int
    symbol: str
    what: str
    found: bool
    found_low: bool
    told: bool
    by: tuple[str, ...]


class EngineResult(msgspec.Struct, frozen=True, kw_only=True):
    """`suspected` counts sites, by mutator, where a rule for the bug speaks of the code as it was. `astray` are new
    findings, shown by default, that rest on no changed file."""

    engine: str
    tree: str
    lines: int
    candidates: dict[str, int]
    suspected: dict[str, int]
    results: tuple[Result, ...]
    astray: tuple[str, ...]


def run_engine(
    name: str,
    target: Target,
    tree: Path,
    cache: Path,
    seed: int,
    each: int,
    jobs: int,
    mutators: Sequence[Mutator] = ALL,
) -> EngineResult:
    folder = Path(tempfile.mkdtemp(prefix=f"mutants-{name}-", dir=cache))
    try:
        (folder / "llmlint.toml").write_text("root = true\n")  # no settings from whatever lies above
        texts = copied(tree, folder, target.scopes)
        paths = list(existing(folder, target.scopes))
        before = scan(folder, paths, cache=cache / "llmlint" / f"mutants-{name}", jobs=jobs).findings
        found_sites = list(every_site(texts, mutators))
        fit, suspected = unsuspected(found_sites, before)
        chosen = drawn(fit, texts, seed, each)
        for site in chosen:
            (folder / site.path).write_text(site.planted(texts[site.path]), "utf-8")
        after = scan(folder, paths, cache=cache / "llmlint" / f"mutants-{name}", jobs=jobs).findings
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    new = fresh(before, after)
    return EngineResult(
        engine=name,
        tree=target.package or f"{target.repository} {target.commit}",
        lines=sum(text.count("\n") for text in texts.values()),
        candidates=dict(Counter(site.mutator.name for site in found_sites)),
        suspected=suspected,
        results=tuple(judged(name, site, new) for site in chosen),
        astray=tuple(_described(f) for f in new if shown(f) and not any(rests_on(f, site.path) for site in chosen)),
    )


def copied(tree: Path, folder: Path, scopes: Sequence[str]) -> dict[str, str]:
    """The scopes' source files, laid out in the folder; those that can be read as text, by path."""
    texts = {}
    for file in sorted(tree.rglob("*")):
        path = file.relative_to(tree).as_posix()
        if file.suffix not in SOURCE_SUFFIXES or not in_scopes(path, scopes) or not file.is_file():
            continue
        data = file.read_bytes()
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
        if b"\r" not in data and len(data) < 500_000:
            texts[path] = data.decode("utf-8", "replace")
    return texts


def every_site(texts: dict[str, str], mutators: Sequence[Mutator] = ALL) -> Iterator[Site]:
    for path, text in texts.items():
        if _TESTS.search(path):
            continue
        is_python = path.endswith(".py")
        fitting = [m for m in mutators if (m in PYTHON) == is_python]
        try:
            file = PythonFile(text) if is_python else CppFile(text)
        except (SyntaxError, ValueError, RecursionError):
            continue
        yield from sites(file, path, fitting)


def unsuspected(found: Iterable[Site], before: Sequence[Finding]) -> tuple[list[Site], dict[str, int]]:
    """The sites in files of which no rule for the bug says anything, and how many others there are by mutator.

    A mutator takes correct code: what a rule for the bug says of a site before anything is planted is a false alarm, or
    the code is not as correct as it looks. Either way the site proves nothing.
    """
    told = {(finding.path, finding.rule, finding.symbol) for finding in before}
    fit, suspected = [], Counter[str]()
    for site in found:
        if any((site.path, rule, site.symbol) in told for rule in site.mutator.rules):
            suspected[site.mutator.name] += 1
        else:
            fit.append(site)
    return fit, dict(suspected)


def drawn(found: Sequence[Site], texts: dict[str, str], seed: int, each: int) -> list[Site]:
    """Up to `each` sites of every mutator by the seed's lot, the rarest mutators first, and one to a file."""
    by_mutator: dict[str, list[Site]] = {}
    for site in found:
        by_mutator.setdefault(site.mutator.name, []).append(site)
    chosen: list[Site] = []
    taken: set[str] = set()
    for name in sorted(by_mutator, key=lambda name: (len(by_mutator[name]), name)):
        lot = sorted(by_mutator[name], key=lambda site: sha256(f"{seed}:{site.key}".encode()).hexdigest())
        count = 0
        for site in lot:
            if count < each and site.path not in taken and _holds(site, texts[site.path]):
                chosen.append(site)
                taken.add(site.path)
                count += 1
    return chosen


def _holds(site: Site, text: str) -> bool:
    planted = site.planted(text)
    return planted != text and (not site.path.endswith(".py") or parses(planted))


def fresh(before: Sequence[Finding], after: Sequence[Finding]) -> list[Finding]:
    """Findings that were not there: neither by fingerprint nor by what is said of the same symbol."""
    known = {finding.fingerprint for finding in before}
    said = {(f.rule, f.path, f.symbol, f.message) for f in before}
    return [f for f in after if f.fingerprint not in known and (f.rule, f.path, f.symbol, f.message) not in said]


def rests_on(finding: Finding, path: str) -> bool:
    return finding.path == path or any(step.path == path for step in finding.evidence)


def judged(engine: str, site: Site, new: Sequence[Finding]) -> Result:
    about = [finding for finding in new if rests_on(finding, site.path)]
    fitting = [finding for finding in about if finding.rule in site.mutator.rules]
    return Result(
        engine=engine,
        mutator=site.mutator.name,
        rules=site.mutator.rules,
        path=site.path,
        line=site.line,
        symbol=site.symbol,
        what=site.what,
        found=any(map(shown, fitting)),
        found_low=bool(fitting),
        told=any(map(shown, about)),
        by=tuple(sorted({f"{finding.rule} {finding.mechanism}" for finding in about if shown(finding)})),
    )


def _described(finding: Finding) -> str:
    return f"{finding.rule} {finding.path}:{finding.line} {finding.symbol}"
