"""What `llmlint issues classify` says of an issue, and by which words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llmlint.catalogue import CHAPTERS, load_catalogue
from llmlint.cli import main
from llmlint.study.classified import classified
from llmlint.study.classifying import classify, kind_of
from llmlint.study.compat import categories, count
from llmlint.study.issue import Issue
from llmlint.study.issue_store import IssueStore
from llmlint.study.issue_text import said
from llmlint.study.issue_words import Phrases, issue_words
from llmlint.study.verdict import Verdict

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "issues"


def issue(title: str, body: str = "", *labels: str, number: int = 1) -> Issue:
    return Issue(repository="mini/engine", number=number, title=title, body=body, labels=labels)


# ------------------------------------------------------------ a fault, or what else


@pytest.mark.parametrize(
    ("title", "labels", "kind"),
    [
        ("[Bug]: it stops", (), "fault"),
        ("Eval bug: wrong answers", ("bug-unconfirmed",), "fault"),
        ("Answers are garbage since yesterday", (), "fault"),
        ("[Feature]: support for a new model", (), "feature"),
        ("Faster kernels", ("enhancement",), "feature"),
        ("How do I set the cache size?", (), "question"),
        ("[Usage]: embeddings", (), "question"),
        ("[Installation]: no wheel", (), "build"),
        ("Bug: cannot build with CUDA", ("bug-unconfirmed",), "build"),
        ("[Doc]: options of the server", (), "upkeep"),
    ],
)
def test_kinds(title: str, labels: tuple[str, ...], kind: str) -> None:
    assert kind_of(issue(title, "", *labels)) == kind


def test_without_tag_and_label_an_error_in_the_body_tells_of_a_fault() -> None:
    assert kind_of(issue("Mixtral on two cards", "```\nRuntimeError: expected scalar type Half\n```")) == "fault"
    assert kind_of(issue("Mixtral on two cards", "I would like to know more.")) == "question"


def test_what_is_no_fault_has_no_chapter() -> None:
    assert classify(issue("[Feature]: less memory, no more OOM")) == Verdict(kind="feature")


# ------------------------------------------------------------ chapters and causes


def test_a_verdict_points_at_the_words_it_goes_by() -> None:
    one = issue("[Bug]: a request is lost", "When a **client disconnects** the blocks stay.")
    verdict = classify(one)
    assert (verdict.chapter, verdict.cause) == ("api", "stream-no-cleanup")
    assert verdict.words(one) == "client disconnects"


def test_an_error_text_tells_of_a_cause_in_any_chapter() -> None:
    one = issue("[Bug]: guided decoding stops", "```\nAttributeError: 'NoneType' object has no attribute 'vocab'\n```")
    verdict = classify(one)
    assert (verdict.chapter, verdict.cause) == ("model", "unchecked-null")
    assert verdict.words(one) == "NoneType' object has no attribute"


def test_words_are_whole_words() -> None:
    verdict = classify(issue("[Bug]: rapid restarts", "The bathroom is broken."))
    assert (verdict.chapter, verdict.words(issue("[Bug]: rapid restarts"))) == ("", "")


@pytest.mark.parametrize("written", ["illegal memory access", "illegal_memory_access", "Illegal Memory-Access"])
def test_words_are_the_same_however_they_are_joined(written: str) -> None:
    assert classify(issue(f"[Bug]: {written}")).chapter == "gpu"


def test_a_star_stands_for_the_rest_of_a_word() -> None:
    found = Phrases([("memory leak*", 1), ("free*", 2)]).hits("A memory leaking; freed? Unfree.")
    assert [(hit.value, hit.start, hit.end) for hit in found] == [(1, 2, 16), (2, 18, 23)]


def test_the_title_outweighs_a_body_that_mentions_all_and_everything() -> None:
    body = "Seen with NCCL, tensor parallel, ray, prefix caching, guided decoding and tool calls."
    assert classify(issue("[Bug]: CUDA out of memory, OOM killed", body)).chapter == "memory"


def test_a_fault_that_no_words_name_is_unclear() -> None:
    verdict = classify(issue("[Bug]: it stops"))
    assert (verdict.subject, verdict.confidence) == ("unclear", "low")


def test_sure_is_what_one_chapter_alone_says() -> None:
    assert classify(issue("[Bug]: memory leak", "OOM after a day")).confidence == "high"
    assert classify(issue("[Bug]: wrong", "slow, and NCCL too")).confidence == "low"


# ------------------------------------------------------------ what an author says


def test_the_environment_that_a_template_asks_for_is_not_read() -> None:
    body = "### Your current environment\n\nNCCL 2.18\n\n### 🐛 Describe the bug\n\nIt is slow.\n"
    assert said(body).split() == ["It", "is", "slow."]


def test_of_a_log_only_the_lines_that_tell_of_an_error_are_read() -> None:
    body = 'It stops.\n```\nINFO loading NCCL\n  File "nccl_error.py", line 3\nRuntimeError: no\n```\n'
    assert said(body).split() == ["It", "stops.", "RuntimeError:", "no"]


def test_addresses_comments_and_folded_logs_are_not_read() -> None:
    body = "See https://a.org/nccl-error <!-- nccl --> now<details><summary>log</summary>\nnccl\n</details>"
    assert said(body).split() == ["See", "now"]


def test_a_comment_of_a_shell_is_no_heading() -> None:
    assert "later" in said("```sh\n# environment\nexport A=1\n```\nlater\n")


@pytest.mark.parametrize(
    "body", ["", "#", "```", "<details>", "<!-- x", "# Environment", "**Environment**\nx", "\r\n# a\r\nb"]
)
def test_places_stay_what_they_are(body: str) -> None:
    assert len(said(body)) == len(body)


# ------------------------------------------------------------ the words


def test_every_cause_is_one_that_the_benchmark_of_real_bugs_knows() -> None:
    with (ROOT / "benchmarks" / "real_bugs" / "causes.tsv").open(encoding="utf-8") as rows:
        known = {row["cause"] for row in csv.DictReader(rows, delimiter="\t")}
    assert {clue.cause for clue in issue_words().clue if clue.cause} <= known


def test_most_causes_are_what_a_rule_is_about() -> None:
    ours = {cause for rule in load_catalogue() for cause in rule.causes}
    named = {clue.cause for clue in issue_words().clue if clue.cause}
    assert len(named & ours) > 0.6 * len(named)


def test_the_chapters_are_those_of_the_rules() -> None:
    taxonomy = {chapter for digits, chapter in CHAPTERS.items() if digits in "12345678"}
    assert {clue.chapter for clue in issue_words().clue if clue.chapter} == taxonomy
    assert all(clue.cause for clue in issue_words().clue if not clue.chapter)


def test_words_are_written_as_they_are_compared() -> None:
    for clue in issue_words().clue:
        for word in clue.words:
            assert word == word.lower() and "_" not in word and "-" not in word, word
            assert len(word) > 1, word


# ------------------------------------------------------------ as the study counted


def test_the_study_looked_for_pieces_of_text() -> None:
    assert categories(issue("Rapid restarts")) == ["api"]
    assert categories(issue("Tensorboard in a multiplex")) == ["concurrency", "gpu"]
    assert categories(issue("Nothing of it")) == ["other"]


def test_the_study_counted_the_first_500_bugs() -> None:
    bugs = [issue("GPU error", "", "Bug", number=number) for number in range(700, 0, -1)]
    counted = count("mini/engine", [*bugs, issue("GPU error"), issue("Nothing of it", "", "bug")])
    assert (counted.production, counted.bugs) == (701, 700)
    assert (counted.over_all["gpu"], counted.over_first["gpu"]) == (700, 500)


# ------------------------------------------------------------ the command


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["issues", *arguments])


@pytest.fixture
def store_file(tmp_path: Path) -> str:
    file = str(tmp_path / "issues.sqlite3")
    assert run("import", str(SAMPLE), "--db", file).exit_code == 0
    return file


def test_the_table_counts_every_issue_once(store_file: str) -> None:
    result = run("classify", "--db", store_file)
    rows = {words[0]: words[1:] for words in (line.split() for line in result.stdout.split("\n")[3:]) if words}
    assert rows["memory"] == ["2", "3", "5"]
    assert rows["all"] == ["18", "10", "28"]
    assert sum(int(cells[-1]) for name, cells in rows.items() if name != "all") == 28


def test_the_list_is_a_line_of_json_for_each_issue(store_file: str) -> None:
    lines = run("classify", "--list", "--repo", "mini/ggengine", "--db", store_file).stdout.splitlines()
    last = json.loads(lines[-1])
    assert len(lines) == 10
    assert (last["number"], last["chapter"], last["words"]) == (2, "memory", "past the end")


def test_the_study_s_table(store_file: str) -> None:
    result = run("classify", "--compat", "--db", store_file)
    assert "over all and over the first 500" in result.stdout
    assert "production issues" in result.stdout


def test_verdicts_are_kept_until_an_issue_changes(store_file: str) -> None:
    with IssueStore(Path(store_file)) as store:
        before = {one.issue.number: one.verdict.subject for one in classified(store, ["mini/engine"])}
        assert before[52] == "state"
        changed = next(one for one in store.issues() if one.number == 52)
        store.put(
            [
                Issue(
                    repository=changed.repository,
                    number=52,
                    title="[Feature]: a new one",
                    updated="2026-01-01T00:00:00Z",
                )
            ]
        )
        after = {one.issue.number: one.verdict.subject for one in classified(store, ["mini/engine"])}
    assert {number for number in before if before[number] != after[number]} == {52}


def test_there_must_be_something_to_classify(tmp_path: Path) -> None:
    result = run("classify", "--db", str(tmp_path / "none.sqlite3"))
    assert result.exit_code == 2 and "fetch or import issues first" in result.stderr
