"""The runner, from a made-up history with one bug and its fix to the figures on the scoreboard."""

import json

import msgspec
import pytest
from click.testing import CliRunner

from benchmarks.real_bugs.__main__ import main
from benchmarks.real_bugs.cases import (
    MEDIAN_DATE,
    Case,
    Where,
    chosen,
    load_cases,
    load_causes,
    load_families,
    load_projects,
)
from benchmarks.real_bugs.judge import at_place, judge, within
from benchmarks.real_bugs.run import Outcome, by_mechanism, imported, stretches
from benchmarks.real_bugs.scoreboard import NO_REASON, Mechanism, markdown, summarise
from llmlint.findings import Finding

BROKEN = '''\
import logging

logger = logging.getLogger(__name__)


class BlockPool:
    def __init__(self):
        self.blocks = {}

    def allocate(self, request_id, blocks):
        self.blocks[request_id] = blocks

    def restore_block_allocations(self, allocations):
        """Put the blocks back that a sleeping engine had saved."""
        logger.info("restoring the allocations", len(allocations))
        self.blocks.update(allocations)
'''
"""Its text has no place for the number: of a rule that readings hold up, so that the scan shows it."""
FIXED = BROKEN.replace("the allocations", "%d allocations")


def case(**changes):
    plain = Case(
        id="engine-001",
        project="engine",
        mirror="acme/engine",
        fix="0" * 40,
        parent="1" * 40,
        date="2026-01-01",
        title="Restore the blocks",
        language="python",
        cause="noop-restore",
        where=(Where("engine/pool.py", "BlockPool.restore_block_allocations", (13, 15)),),
        why="The method only logs.",
        scope="function",
        gone=True,
        impact="wrong-output",
    )
    return msgspec.structs.replace(plain, **changes)


def finding(**changes):
    plain = Finding(
        rule="LLM802",
        name="noop-restore",
        causes=("noop-restore",),
        path="engine/pool.py",
        line=13,
        column=5,
        end_line=15,
        end_column=1,
        symbol="BlockPool.restore_block_allocations",
        severity="P1",
        confidence="medium",
        confidence_reason="",
        message="it restores nothing",
        evidence=(),
        fingerprint="aaaa",
        mechanism="noop_restore._hollow",
    )
    return msgspec.structs.replace(plain, **changes)


def outcome(found, **changes):
    one = case(**changes)
    return Outcome(
        case=one,
        judgement=judge(one, [finding()] if found else [], []),
        findings_shown=2,
        shown_by=by_mechanism([finding(), finding(line=90, fingerprint="bbbb"), finding(confidence="low")]),
        lines=1000,
    )


def test_a_finding_at_the_place_that_the_fix_removes_is_found():
    judgement = judge(case(), [finding()], [])

    assert (judgement.pointed, judgement.found) == (True, True)


def test_a_finding_that_survives_the_fix_only_points():
    judgement = judge(case(), [finding()], [finding()])

    assert (judgement.pointed, judgement.found) == (True, False)


def test_reformatting_the_line_does_not_make_a_finding_gone():
    assert not judge(case(), [finding()], [finding(fingerprint="bbbb", line=40)]).found


def test_where_the_pattern_partly_stays_the_finding_may_too():
    assert judge(case(gone=False), [finding()], [finding()]).found


def test_a_rule_for_another_cause_only_points():
    judgement = judge(case(cause="partial-clear"), [finding()], [])

    assert (judgement.pointed, judgement.found) == (True, False)


def test_low_confidence_is_counted_apart():
    judgement = judge(case(), [finding(confidence="low")], [])

    assert (judgement.pointed, judgement.found) == (False, False)
    assert (judgement.pointed_low, judgement.found_low) == (True, True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"line": 10, "symbol": "other"}, True),
        ({"line": 9, "symbol": "other"}, False),
        ({"line": 18, "symbol": "other"}, True),
        ({"line": 19, "symbol": "other"}, False),
        ({"line": 90}, True),
        ({"path": "engine/other.py"}, False),
    ],
)
def test_a_place_is_its_symbol_or_three_lines_around_it(changes, expected):
    assert at_place(case().where[0], finding(**changes)) is expected


@pytest.mark.parametrize(
    ("symbol", "outer", "expected"),
    [
        ("Scheduler.finish", "Scheduler", True),
        ("Scheduler", "Scheduler.finish", False),
        ("llama::server::slot.reset", "slot.reset", True),
        ("SchedulerPool.finish", "Scheduler", False),
        ("outer.<locals>.consumer", "outer.consumer", True),
        ("", "Scheduler", False),
    ],
)
def test_symbols_nest_by_whole_parts(symbol, outer, expected):
    assert within(symbol, outer) is expected


def test_a_case_that_could_not_be_scanned_counts_as_not_found():
    outcomes = [outcome(found=True), Outcome(case=case(id="engine-002"), problem="no such commit")]

    summary = summarise(outcomes, {"noop-restore"})

    assert (summary.with_rule.cases, summary.with_rule.found, summary.problems) == (2, 1, 1)


def test_recall_is_split_by_whether_a_rule_owns_the_cause():
    outcomes = [outcome(found=True), outcome(found=False, id="engine-002", cause="lock-order")]

    summary = summarise(outcomes, {"noop-restore"})

    assert (summary.everything.cases, summary.with_rule.cases) == (2, 1)
    assert summary.noise_per_thousand_lines == {"engine": 2.0}


def test_the_page_explains_misses_and_flags_those_without_a_reason():
    outcomes = [outcome(found=False, id=name) for name in ("engine-001", "engine-002")]

    page = markdown(outcomes, {"noop-restore"}, {"engine-001": "the body is generated"}, {"cases": "2"})

    assert "| engine-001 | noop-restore | the body is generated |" in page
    assert f"| engine-002 | noop-restore | {NO_REASON} |" in page


def test_a_mechanism_is_told_with_what_it_finds_what_only_it_finds_and_what_it_shows():
    both = judge(case(), [finding(), finding(mechanism="noop_restore.other")], [])
    outcomes = [outcome(found=True), outcome(found=False), Outcome(case=case(), judgement=both)]

    rows = summarise(outcomes, {"noop-restore"}).by_mechanism

    assert rows == {"LLM802 noop_restore._hollow": Mechanism(found=2, alone=1, shown=2)}
    assert "| LLM802 | noop_restore._hollow | 2 | 1 | 2 |" in markdown(outcomes, {"noop-restore"}, {}, {})


def test_the_halves_before_and_after_a_day_make_the_whole():
    cases = [case(id=day, date=day) for day in ("2025-11-28", "2025-11-29", "2025-11-30")]

    assert [one.id for one in chosen(cases, before="2025-11-29")] == ["2025-11-28"]
    assert [one.id for one in chosen(cases, after="2025-11-29")] == ["2025-11-29", "2025-11-30"]


def test_recall_is_told_for_the_bugs_learnt_from_and_for_the_later_ones():
    outcomes = [outcome(found=True, date="2025-01-01"), outcome(found=False, date=MEDIAN_DATE)]

    halves = summarise(outcomes, {"noop-restore"}).by_half

    assert [(half.cases, half.found) for half in halves.values()][:2] == [(1, 1), (1, 0)]


def test_recall_is_told_apart_for_bugs_that_came_when_the_rules_were_there():
    rows = summarise([outcome(found=True), outcome(found=False, id="engine-2001")], {"noop-restore"}).by_half

    assert rows["numbered below 2000"].found == 1
    assert (
        rows["numbered from 2000 on: new to the rules"].cases,
        rows["numbered from 2000 on: new to the rules"].found,
    ) == (1, 0)


def test_a_family_of_causes_has_rows_of_its_own_with_both_halves():
    bugs = [
        (True, "divide-by-zero", "2025-01-01"),
        (False, "unhandled-client-input", MEDIAN_DATE),
        (True, "lock-order", ""),
    ]
    outcomes = [
        msgspec.structs.replace(outcome(found), case=case(cause=cause, date=date)) for found, cause, date in bugs
    ]

    rows = summarise(outcomes, set()).by_family

    assert [(name.partition(",")[0], row.cases, row.found) for name, row in rows.items()] == [
        ("input and values", 2, 1),
        ("input and values", 1, 1),
        ("input and values", 1, 0),
    ]
    assert "| input and values | 2 | 1 | 1 | 50 % | 1 |" in markdown(outcomes, set(), {}, {})


def test_a_family_is_made_of_known_causes():
    assert {cause for causes in load_families().values() for cause in causes} <= load_causes().keys()


def test_stretches_never_mix_projects_and_keep_the_order():
    cases = [case(id=f"{project}-{n}", project=project) for project in "ab" for n in range(3)]

    cut = stretches(cases, 2)

    assert [[one.id for one in part] for part in cut] == [["a-0", "a-1"], ["a-2"], ["b-0", "b-1"], ["b-2"]]


def test_imports_and_includes_name_files_of_the_project():
    files = ["engine/core/pool.py", "engine/core/__init__.py", "src/llama-kv.h", "src/llama.cpp"]

    assert imported("from engine.core.pool import Pool\nimport os\n", files) == {"engine/core/pool.py"}
    assert imported('#include "llama-kv.h"\n#include <vector>\n', files) == {"src/llama-kv.h"}


def test_the_manifest_is_whole():
    cases, causes, projects = load_cases(), load_causes(), load_projects()

    assert len({one.id for one in cases}) == len(cases) == 517
    assert {one.cause for one in cases} <= causes.keys()
    assert {one.project for one in cases} == projects.keys()
    assert abs(len(chosen(cases, before=MEDIAN_DATE)) - len(chosen(cases, after=MEDIAN_DATE))) <= 3
    assert all(one.where and len(one.fix) == len(one.parent) == 40 for one in cases)


@pytest.fixture
def bench(tmp_path, repository):
    """Runs the command over a history with one bug, its fix, and whatever cases the test names."""
    parent = repository.commit({"engine/pool.py": BROKEN, "engine/__init__.py": ""})
    fix = repository.commit({"engine/pool.py": FIXED})
    (tmp_path / "projects.toml").write_text('[engine]\nscopes = ["engine"]\n')

    def run(*arguments, **changes):
        one = case(parent=parent, fix=fix, cause="syntax-slip")
        cases = [one, msgspec.structs.replace(one, **{"id": "engine-002", **changes})]
        (tmp_path / "cases.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, cases)))
        options = {
            "--histories": tmp_path / "histories",
            "--cache": tmp_path / "cache",
            "--manifest": tmp_path / "cases.jsonl",
            "--projects": tmp_path / "projects.toml",
            "--json": tmp_path / "result.json",
            "--scoreboard": tmp_path / "scoreboard.md",
        }
        given = [str(part) for option in options.items() for part in option]
        result = CliRunner().invoke(main, [*given, *arguments], catch_exceptions=False)
        return result, json.loads((tmp_path / "result.json").read_text())

    return run


@pytest.mark.parametrize("mode", [(), ("--quick",)])
def test_a_real_scan_finds_the_bug_before_the_fix_and_not_after_it(bench, mode):
    result, document = bench("--ids", "engine-001", *mode)

    assert result.exit_code == 0, result.output
    assert document["summary"]["with_rule"] == {"cases": 1, "pointed": 1, "found": 1, "pointed_low": 1, "found_low": 1}
    assert "FOUND  engine-001" in result.output
    assert document["outcomes"][0]["judgement"]["found_by"] == ["LLM910 text_without_values.logged"]


def test_only_the_bugs_of_one_half_are_scanned_when_asked(bench):
    result, document = bench("--before", "2026-01-02", date="2026-01-02")

    assert result.exit_code == 0, result.output
    assert [one["case"]["id"] for one in document["outcomes"]] == ["engine-001"]


def test_a_case_that_fails_is_reported_and_the_others_are_judged(bench, tmp_path):
    result, document = bench(parent="f" * 40)

    assert result.exit_code == 3
    assert document["summary"]["everything"]["found"] == 1
    assert "f" * 40 in document["outcomes"][1]["problem"]
    assert "## Not scanned" in (tmp_path / "scoreboard.md").read_text()
