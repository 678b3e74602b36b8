"""Runs the tests of the defects, once all together, and tells each defect its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import msgspec

from benchmarks.robustness.rows import Defect

_ROOT = Path(__file__).resolve().parents[2]


class Tried(msgspec.Struct):
    """How often something was tried, and what did not hold."""

    tried: int = 0
    wrong: list[str] = []


def try_defects(defects: Sequence[Defect]) -> dict[str, Tried]:
    results = _results(sorted({file for defect in defects for file in defect.tests}))
    return {defect.name: of_defect(defect, results) for defect in defects}


def of_defect(defect: Defect, results: Mapping[tuple[str, str], str]) -> Tried:
    told = Tried()
    for file, beginnings in defect.tests.items():
        for beginning in beginnings:
            own = {name: how for (at, name), how in results.items() if at == file and name.startswith(beginning)}
            told.tried += len(own)
            told.wrong += [f"{file}: {name}: {how}" for name, how in own.items() if how]
            told.wrong += [] if own else [f"{file}: no test begins with {beginning}"]
    return told


def _results(files: Sequence[str]) -> dict[tuple[str, str], str]:
    """File and name of each test, with what was wrong; a test that was skipped was not tried and counts as wrong."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "tests.xml")
        command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1"]
        paths = [str(_ROOT / "tests" / file) for file in files]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(_ROOT), str(_ROOT / "src")))}
        subprocess.run([*command, f"--junitxml={report}", *paths], cwd=_ROOT, env=env, stdout=subprocess.DEVNULL)
        cases = list(ElementTree.parse(report).iter("testcase"))
    return {(case.get("file", "").removeprefix("tests/"), case.get("name", "")): _wrong(case) for case in cases}


def _wrong(case: ElementTree.Element) -> str:
    """ "" for a test that has passed."""
    for kind in ("failure", "error", "skipped"):
        found = case.find(kind)
        if found is not None:
            return f"{kind}: {(found.get('message') or '').strip()[:160]}"
    return ""
