"""SARIF as GitHub takes it, judged by the standard's schema and by Microsoft's validator."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from llmlint.catalogue import load_catalogue
from llmlint.earned import most_confident
from llmlint.findings import Step, Suppression, Verdict
from llmlint.report import Style, render, sarif
from llmlint.scan import ScanResult

from .conftest import finding, llmlint, needs_npm, result_of


def log_of(result: ScanResult, **style: Any) -> dict[str, Any]:
    return json.loads(render("sarif", result, Style(**style)))


def run_of(result: ScanResult, **style: Any) -> dict[str, Any]:
    return log_of(result, **style)["runs"][0]


@cache
def schema() -> dict[str, Any]:
    folder = needs_npm("@microsoft/jest-sarif")
    return json.loads((folder / "lib/schemas/sarif-2.1.0-rtm.5.json").read_text())


def multitool(*arguments: str) -> None:
    program = needs_npm("@microsoft/sarif-multitool-linux") / "Sarif.Multitool"
    program.chmod(program.stat().st_mode | 0o100)
    subprocess.run([program, *arguments], check=True, capture_output=True, timeout=120)


def complaints(log: Path, folder: Path) -> list[str]:
    """What the validator says; its exit code is 0 whatever it finds."""
    out = folder / "validated.sarif"
    rules = ("--rule-kind", "Sarif;GHAS", "--level", "Error;Warning")
    multitool("validate", str(log), *rules, "--output", str(out), "--log", "ForceOverwrite")
    [run] = json.loads(out.read_text(encoding="utf-8-sig"))["runs"]
    return [f"{r['ruleId']} {r.get('level', '')} {r['message']}" for r in run["results"] if r.get("kind") != "pass"]


@pytest.fixture
def scanned(project: Path) -> Path:
    """The report of a real scan of the project."""
    ran = llmlint("scan", ".", "--no-cache", "-q", "--output", "sarif:out.sarif", cwd=project)
    assert ran.returncode == 1, ran.stderr
    return project / "out.sarif"


def test_a_scan_gives_a_log_that_schema_and_validator_accept(scanned: Path, tmp_path: Path) -> None:
    log = json.loads(scanned.read_text())
    assert len(log["runs"][0]["results"]) == 1
    jsonschema.validate(log, schema())
    assert complaints(scanned, tmp_path) == []


def test_a_clean_run_is_valid_and_has_an_empty_list_so_that_old_alerts_close(tmp_path: Path) -> None:
    log = log_of(result_of())
    assert log["runs"][0]["results"] == []
    jsonschema.validate(log, schema())
    file = tmp_path / "clean.sarif"
    file.write_text(json.dumps(log))
    assert complaints(file, tmp_path) == []


def test_the_validator_refuses_a_log_known_to_be_bad(scanned: Path, tmp_path: Path) -> None:
    log = json.loads(scanned.read_text())
    del log["runs"][0]["tool"]["driver"]["rules"][0]["help"]
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = "/engine/x.py"
    bad = tmp_path / "bad.sarif"
    bad.write_text(json.dumps(log))
    found = " ".join(complaints(bad, tmp_path))
    assert "GH2012" in found and "SARIF1004" in found


def test_the_schema_refuses_a_level_that_does_not_exist(scanned: Path) -> None:
    log = json.loads(scanned.read_text())
    log["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(log, schema())


def test_the_line_hash_is_the_one_the_multitool_computes(scanned: Path, tmp_path: Path) -> None:
    log = json.loads(scanned.read_text())
    [result] = log["runs"][0]["results"]
    ours = result["partialFingerprints"].pop("primaryLocationLineHash")
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    artifact["uri"] = (scanned.parent / artifact["uri"]).as_uri()
    del artifact["uriBaseId"]
    bare, hashed = tmp_path / "bare.sarif", tmp_path / "hashed.sarif"
    bare.write_text(json.dumps(log))
    multitool("rewrite", str(bare), "--insert", "RollingHashPartialFingerprints", "--output", str(hashed))
    [theirs] = json.loads(hashed.read_text(encoding="utf-8-sig"))["runs"][0]["results"]
    assert theirs["partialFingerprints"]["primaryLocationLineHash"] == ours


def test_paths_are_relative_to_the_repository_wherever_the_scan_was_started(project: Path) -> None:
    ran = llmlint("scan", ".", "--no-cache", "--format", "sarif", cwd=project / "engine")
    [result] = json.loads(ran.stdout)["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "engine/scheduler.py"


def test_no_absolute_path_appears_anywhere(project: Path) -> None:
    ran = llmlint("scan", str(project / "engine"), "--no-cache", "--format", "sarif", cwd=project)
    assert json.loads(ran.stdout)["runs"][0]["results"]
    assert str(project.parent) not in ran.stdout


def test_a_path_with_blanks_and_signs_is_percent_encoded() -> None:
    [result] = run_of(result_of(finding(path="kv cache/größe#1.py")))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "kv%20cache/gr%C3%B6%C3%9Fe%231.py"


def test_every_result_says_its_level_also_where_it_is_the_default() -> None:
    run = run_of(result_of(*(finding(severity=s) for s in ("P0", "P1", "P2", "P3"))))
    assert [r["level"] for r in run["results"]] == ["error", "error", "warning", "note"]


def test_rules_carry_their_page_and_what_github_sorts_by() -> None:
    run = run_of(result_of())
    rule = next(r for r in run["tool"]["driver"]["rules"] if r["id"] == "LLM801")
    assert "## Why it hurts in production" in rule["help"]["markdown"]
    assert rule["name"] == "RestoreLeavesState"
    assert rule["properties"]["problem.severity"] == "error"
    assert {"state", "restore-leaves-state"} <= set(rule["properties"]["tags"])


def test_a_rule_is_as_precise_as_its_findings_were_when_they_were_read() -> None:
    rules = run_of(result_of())["tool"]["driver"]["rules"]
    told = {rule["id"]: rule["properties"]["precision"] for rule in rules}
    assert told["LLM002"] == "very-high"  # a comment is wrong or it is not
    assert {told[code] for code in told if not code.startswith("LLM00")} <= {"low", "medium", "high"}
    assert all(
        told[code] == most_confident(code, load_catalogue().rule(code).languages)
        for code in told
        if not code.startswith("LLM00")
    )


def test_only_rules_about_security_have_a_security_severity() -> None:
    for rule in run_of(result_of())["tool"]["driver"]["rules"]:
        assert ("security-severity" in rule["properties"]) == ("security" in rule["properties"]["tags"])


def test_the_evidence_is_a_code_flow_and_linked_from_the_message() -> None:
    [result] = run_of(result_of(finding()))["results"]
    steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [s["location"]["physicalLocation"]["region"]["startLine"] for s in steps] == [16, 13]
    assert [r["id"] for r in result["relatedLocations"]] == [1, 2]
    assert "[scheduler.py:16](1): cleared" in result["message"]["text"]
    assert "[scheduler.py:13](2): filled" in result["message"]["text"]


def test_brackets_in_code_make_no_link() -> None:
    [result] = run_of(result_of(finding(message="slots[0](x) is kept")))["results"]
    assert r"slots\[0\](x) is kept" in result["message"]["text"]


def test_the_verdict_of_a_traced_run_is_in_properties_and_message() -> None:
    verdict = Verdict("confirmed", "3 entries outlived the reset", runs=("run-1",))
    [result] = run_of(result_of(finding(verdict=verdict)))["results"]
    assert result["properties"]["verdict"] == {
        "status": "confirmed",
        "summary": "3 entries outlived the reset",
        "runs": ["run-1"],
    }
    assert "Traced run: confirmed: 3 entries outlived the reset" in result["message"]["text"]


def test_suppressed_findings_stay_out_unless_asked_for() -> None:
    hidden = result_of(finding(suppressed=Suppression("comment", "drained by the owner", 14)))
    assert run_of(hidden)["results"] == []
    log = log_of(hidden, show_suppressed=True)
    [result] = log["runs"][0]["results"]
    assert result["suppressions"] == [
        {"kind": "inSource", "status": "accepted", "justification": "drained by the owner"}
    ]
    jsonschema.validate(log, schema())


def test_a_category_keeps_runs_apart_and_none_is_written_unasked() -> None:
    assert "automationDetails" not in run_of(result_of())
    assert run_of(result_of(), sarif_category="linux/py312")["automationDetails"] == {"id": "linux/py312/"}


def test_what_github_would_refuse_is_cut_to_the_worst_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sarif, "MOST_RESULTS", 2)
    found = [finding(1, severity="P3"), finding(2, severity="P0"), finding(3, severity="P1", confidence="low")]
    run = run_of(result_of(*found))
    assert [r["properties"]["severity"] for r in run["results"]] == ["P0", "P1"]
    [note] = run["invocations"][0]["toolExecutionNotifications"]
    assert "the worst 2 of 3 findings" in note["message"]["text"]
    assert "the worst 2 of 3 findings" in capsys.readouterr().err


def test_a_log_too_large_when_packed_is_cut_until_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = len(gzip.compress(json.dumps(log_of(result_of())).encode()))
    monkeypatch.setattr(sarif, "MOST_BYTES", bare + 20_000)
    noise = random.Random(7)
    found = [finding(n, message=noise.randbytes(200).hex()) for n in range(200)]
    results = run_of(result_of(*found))["results"]
    assert 0 < len(results) < 200


def test_a_file_that_could_not_be_read_is_told() -> None:
    result = result_of()
    result.faults.append("LLM801 failed on engine/scheduler.py: KeyError")
    run = run_of(result)
    assert run["invocations"][0]["executionSuccessful"] is False
    assert "KeyError" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_steps_in_files_that_are_gone_are_still_valid(tmp_path: Path) -> None:
    log = log_of(result_of(finding(evidence=(Step("gone/away.py", 900, "filled"),))))
    jsonschema.validate(log, schema())
    file = tmp_path / "gone.sarif"
    file.write_text(json.dumps(log))
    assert complaints(file, tmp_path) == []
