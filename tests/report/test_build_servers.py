"""What build servers read: GitHub annotations, GitLab code quality, JUnit."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from llmlint.findings import Suppression
from llmlint.report import Style, render
from llmlint.scan import ScanResult

from .conftest import finding, llmlint, result_of


def written(name: str, result: ScanResult) -> str:
    return render(name, result, Style())


def test_annotations_come_worst_first_as_github_shows_only_ten() -> None:
    found = [finding(1, severity="P3", line=1), finding(2, severity="P2", line=2), finding(3, severity="P0", line=3)]
    commands = [line.partition(" ")[0] for line in written("github", result_of(*found)).splitlines()]
    assert commands == ["::error", "::warning", "::notice"]


def test_an_annotation_stays_one_line_and_its_properties_are_escaped() -> None:
    line = written("github", result_of(finding(path="a,b:c.py", message="100% of\nthem")))
    assert line.count("\n") == 1
    assert "file=a%2Cb%3Ac.py,line=15," in line
    assert "100%25 of\\nthem" in line


def test_a_real_scan_annotates_the_path_within_the_repository(project: Path) -> None:
    ran = llmlint("scan", ".", "--no-cache", "--format", "github", cwd=project / "engine")
    assert ran.stdout.startswith("::error file=engine/scheduler.py,line=15,")
    assert ran.returncode == 1


def test_a_clean_run_annotates_nothing() -> None:
    assert written("github", result_of()) == ""


def test_gitlab_gets_every_key_it_requires() -> None:
    [issue] = json.loads(written("gitlab", result_of(finding())))
    assert issue["check_name"] == "LLM801"
    assert issue["severity"] == "critical"
    assert issue["location"] == {"path": "engine/scheduler.py", "lines": {"begin": 15, "end": 15}}
    assert issue["description"].startswith("LLM801 restore-leaves-state: reset clears")


def test_gitlab_fingerprints_differ_for_the_same_code_in_two_files() -> None:
    issues = json.loads(written("gitlab", result_of(finding(path="a.py"), finding(path="b.py"))))
    assert len({issue["fingerprint"] for issue in issues}) == 2


def test_junit_has_a_suite_a_file_and_a_failure_a_finding() -> None:
    root = ElementTree.fromstring(written("junit", result_of(finding(1), finding(2, path="engine/pool.py"))))
    assert root.attrib["failures"] == "2"
    assert [suite.attrib["name"] for suite in root] == ["engine/pool.py", "engine/scheduler.py"]
    assert "1. engine/scheduler.py:16: cleared" in (root.findtext(".//failure") or "")


def test_junit_of_a_clean_run_is_one_passing_case() -> None:
    root = ElementTree.fromstring(written("junit", result_of()))
    assert root.attrib["failures"] == "0"
    assert len(root.findall(".//testcase")) == 1


def test_junit_survives_signs_that_xml_cannot_hold() -> None:
    root = ElementTree.fromstring(written("junit", result_of(finding(message="bell \x07 <b>&</b>"))))
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.attrib["message"] == r"bell \x07 <b>&</b>"


def test_suppressed_findings_are_in_none_of_them() -> None:
    hidden = result_of(finding(suppressed=Suppression("comment", "known")))
    assert written("github", hidden) == ""
    assert json.loads(written("gitlab", hidden)) == []
    assert ElementTree.fromstring(written("junit", hidden)).find(".//failure") is None
