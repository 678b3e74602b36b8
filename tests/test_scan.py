"""The pipeline: the same findings however the work is cut up, and a fault costs only what it touches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
import pytest
from serving_code import ALL_SHOWN, CLEAN, LEFT, NOOP

from llmlint.catalogue import Catalogue, Checker, load_catalogue
from llmlint.checking import SMALL
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Place, Report
from llmlint.project import Request, scan
from llmlint.reading import Reading, read_batch
from llmlint.report import Style, render
from llmlint.scan import ScanResult
from llmlint.vocabulary_file import load_vocabulary
from llmlint.workers import worker_pool


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty files, two of them with a bug, one bug across files."""
    (tmp_path / "llmlint.toml").write_text(f"root = true\n{ALL_SHOWN}")
    for number in range(36):
        (tmp_path / f"clean_{number:02}.py").write_text(f"{CLEAN}\nNUMBER = {number}\n")
    (tmp_path / "pool.py").write_text(NOOP)
    (tmp_path / "scheduler.py").write_text(LEFT)
    (tmp_path / "base.py").write_text(LEFT.replace("        self.finished.add(request.request_id)\n", ""))
    (tmp_path / "derived.py").write_text(
        "from base import Scheduler\n\n\nclass Derived(Scheduler):\n"
        "    def end(self, request):\n        self.finished.add(request.request_id)\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(**asked: object) -> str:
    """The JSON report without timings and without how much came from the cache."""
    asked.setdefault("paths", (".",))
    asked.setdefault("use_cache", False)
    result = scan(Request(**asked))  # type: ignore[arg-type]
    result.timings = {}
    result.counts.from_cache = 0
    return render("json", result, Style())


def found(result: ScanResult) -> list[tuple[str, str]]:
    return [(finding.path, finding.rule) for finding in result.findings]


def test_the_report_is_the_same_for_any_number_of_jobs(tree: Path) -> None:
    assert report(jobs=1) == report(jobs=3)
    assert '"LLM801"' in report(jobs=1)


def test_the_report_is_the_same_when_checkers_run_side_by_side(tree: Path) -> None:
    for number in range(SMALL):
        (tree / f"tiny_{number}.py").write_text("")
    command = (sys.executable, "-m", "llmlint", "scan", ".", "--no-cache", "--format", "json", "--jobs")
    reports = []
    for jobs in ("1", "3"):
        done = subprocess.run([*command, jobs], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (1, "")
        reports.append({name: part for name, part in json.loads(done.stdout).items() if name != "timings"})
    assert reports[0] == reports[1]
    assert "LLM801" in {finding["rule"] for finding in reports[0]["findings"]}


def test_the_report_is_the_same_for_any_order_of_paths(tree: Path) -> None:
    names = sorted(path.name for path in tree.glob("*.py"))
    assert report(paths=tuple(names)) == report(paths=tuple(reversed(names)))


def test_the_report_is_the_same_cold_and_warm(tree: Path) -> None:
    age(tree)
    cold = report(use_cache=True)
    assert scan(Request((".",))).counts.from_cache == 40
    assert report(use_cache=True) == cold == report()


def test_a_changed_file_is_seen_in_a_warm_tree(tree: Path) -> None:
    age(tree)
    scan(Request((".",)))
    (tree / "pool.py").write_text(CLEAN)
    result = scan(Request((".",)))
    assert ("pool.py", "LLM802") not in found(result)
    assert result.counts.from_cache == 39


def test_a_file_that_goes_is_forgotten_by_a_warm_tree(tree: Path) -> None:
    age(tree)
    before = found(scan(Request((".",))))
    (tree / "pool.py").unlink()
    assert found(scan(Request((".",)))) == [item for item in before if item[0] != "pool.py"]


def test_facts_are_found_by_content_whatever_the_path(tree: Path) -> None:
    scan(Request((".",)))
    (tree / "pool.py").rename(tree / "moved.py")
    result = scan(Request((".",)))
    assert result.counts.from_cache == 40
    assert ("moved.py", "LLM802") in found(result)


def test_files_named_one_by_one_are_judged_with_their_project_around_them(tree: Path) -> None:
    whole = [item for item in found(scan(Request((".",)))) if item[0] == "base.py"]
    assert found(scan(Request(("base.py",)))) == whole


def test_isolated_files_are_judged_alone(tree: Path) -> None:
    result = scan(Request(("base.py",), isolated=True))
    assert result.counts.scanned == 1


def test_the_report_is_the_same_from_another_working_directory_but_for_the_paths(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = scan(Request((".",)))
    monkeypatch.chdir(tree.parent)
    there = scan(Request((tree.name,)))
    assert [f.fingerprint for f in there.findings] == [f.fingerprint for f in here.findings]
    assert [f.path for f in there.findings] == [f"{tree.name}/{f.path}" for f in here.findings]


def test_what_a_finding_asks_to_be_watched_is_named_as_its_reader_names_files(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = "_cache = {}\n\n\ndef keep(prompt):\n    _cache[prompt] = 1\n    return _cache[prompt]\n"
    (tree / "inner").mkdir()
    (tree / "inner" / "keeper.py").write_text(cache)
    monkeypatch.chdir(tree / "inner")
    kept = next(one for one in scan(Request(("keeper.py",))).findings if one.rule == "LLM101")
    assert kept.path == "keeper.py"
    assert kept.runtime is not None
    assert [one["path"] for part in ("targets", "watch") for one in kept.runtime[part]] == ["keeper.py", "keeper.py"]


def test_fingerprints_survive_moving_and_reformatting_the_code(tree: Path) -> None:
    before = {f.fingerprint for f in scan(Request(("pool.py",))).findings}
    spread = NOOP.replace("def restore_blocks(self, blocks)", "def restore_blocks(self,  blocks)")
    (tree / "pool.py").write_text(f"import os\n\n\n{spread}")
    assert {f.fingerprint for f in scan(Request(("pool.py",))).findings} == before


def test_given_content_takes_the_place_of_what_is_on_disk(tree: Path) -> None:
    result = scan(Request(("pool.py",), given={"pool.py": CLEAN.encode()}))
    assert result.findings == []


def test_given_content_of_a_file_that_is_not_there_is_scanned(tree: Path) -> None:
    result = scan(Request(("new.py",), given={"new.py": NOOP.encode()}))
    assert found(result) == [("new.py", "LLM802")]
    assert result.problems == []


def test_a_finding_in_a_region_that_did_not_parse_is_less_sure(tree: Path) -> None:
    broken = NOOP.replace("len(blocks))", "len(blocks)) ) (")
    whole, part = (
        scan(Request(("pool.py",), given={"pool.py": text.encode()}, min_confidence="low")) for text in (NOOP, broken)
    )
    assert part.counts.regions_not_parsed > 0
    for finding in part.findings:
        assert "did not parse" in finding.confidence_reason or finding.confidence == whole.findings[0].confidence


def test_a_checker_that_raises_costs_only_its_own_report(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Catalogue.checker

    def faulty(catalogue: Catalogue, rule: object) -> Checker:
        checker = real(catalogue, rule)  # type: ignore[arg-type]
        if checker.rule.code != "LLM802":
            return checker
        return msgspec.structs.replace(checker, check_program=lambda _program: 1 / 0)

    monkeypatch.setattr(Catalogue, "checker", faulty)
    result = scan(Request((".",), use_cache=False))
    assert "LLM801" in {finding.rule for finding in result.findings}
    assert [fault for fault in result.faults if "LLM802" in fault and "ZeroDivisionError" in fault]


def test_a_file_local_checker_that_raises_is_named_with_the_file(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Catalogue.checker

    def check_file(source: SourceFile) -> Iterator[Report]:
        if "Pool" in source.text:
            raise KeyError("pool")
        yield Report(Place("", 1), "", "every file has a first line", confidence="high", reason="counted")

    def faulty(catalogue: Catalogue, rule: object) -> Checker:
        checker = real(catalogue, rule)  # type: ignore[arg-type]
        return msgspec.structs.replace(checker, check_file=check_file) if checker.rule.code == "LLM802" else checker

    monkeypatch.setattr(Catalogue, "checker", faulty)
    result = scan(Request((".",), use_cache=False, jobs=1))
    assert [fault for fault in result.faults if "LLM802" in fault and "pool.py" in fault and "KeyError" in fault]
    assert ("clean_00.py", "LLM802") in found(result)


def _die_on_pool(batch: list[tuple[str, str, str]], _vocabulary: object, least: str) -> list[Reading]:
    if any("pool" in path for path, _, _ in batch):
        os._exit(1)
    return read_batch(batch, load_vocabulary(), least)


def test_a_worker_that_dies_costs_no_other_file(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmlint.reading_at_once.read_batch", _die_on_pool)
    result = scan(Request((".",), use_cache=False, jobs=2))
    assert [(problem.path, problem.kind) for problem in result.problems] == [("pool.py", "unreadable")]
    assert ("scheduler.py", "LLM801") in found(result)
    assert (result.counts.scanned, result.counts.failed) == (39, 1)


def test_files_that_a_dying_worker_took_along_share_a_process(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    def counted(jobs: int) -> AbstractContextManager[Executor]:
        begun.append(jobs)
        return worker_pool(jobs)

    monkeypatch.setattr("llmlint.reading_at_once.read_batch", _die_on_pool)
    monkeypatch.setattr("llmlint.reading_at_once.worker_pool", counted)
    scan(Request((".",), use_cache=False, jobs=2))
    assert begun == [2, 1, 1, 1], "up to the file, for it alone, and behind it"


def test_every_rule_of_the_catalogue_can_be_selected_alone(tree: Path) -> None:
    for rule in load_catalogue():
        result = scan(Request((".",), select=(rule.code,)))
        assert {finding.rule for finding in result.findings} <= {rule.code}
        assert result.faults == []


def age(tree: Path) -> None:
    """Makes all files old enough that their times can be trusted."""
    for path in tree.glob("*.py"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
