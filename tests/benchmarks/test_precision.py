import json
import re

import msgspec
import pytest
from click.testing import CliRunner

from benchmarks.precision.__main__ import main
from benchmarks.precision.earning import as_toml, judged_anew, renewed, rows_of
from benchmarks.precision.noise import alarms_of, noise_of
from benchmarks.precision.targets import LastScan, Sighting, load_targets, sample
from benchmarks.precision.verdicts import (
    SECOND,
    VERDICTS,
    Readings,
    load_readings,
    precision,
    reading_of,
    record,
)
from llmlint.earned import limited, readings
from llmlint.findings import Finding, Step
from llmlint.study.wilson import wilson


def sighting(fingerprint="aaaa", target="vllm", rule="LLM802", confidence="medium", line=2):
    finding = Finding(
        rule=rule,
        name="noop-restore",
        causes=("noop-restore",),
        path="engine/pool.py",
        line=line,
        column=1,
        end_line=line,
        end_column=1,
        symbol="Pool.restore",
        severity="P1",
        confidence=confidence,
        confidence_reason="the body only logs",
        message="it restores nothing",
        evidence=(Step("engine/caller.py", 3, "the engine relies on it here"),),
        fingerprint=fingerprint,
    )
    return Sighting(target, finding)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (81, 90, 0.8208, 0.9465)],
)
def test_the_wilson_interval_gives_the_textbook_figures(successes, trials, low, high):
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_nothing_read_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


def test_what_cannot_be_told_stands_in_no_share():
    seen = [sighting(name, line=number) for number, name in enumerate("abcde", 1)]
    answers = zip(seen, ("real", "not-real", "cannot-tell", "harmless"), strict=False)
    readings = Readings(reading_of(s, answer, "read") for s, answer in answers)

    result = precision(seen, readings)

    assert (result.shown, result.real, result.harmless, result.not_real, result.cannot_tell) == (5, 1, 1, 1, 1)
    assert result.unread == 1
    assert result.share == pytest.approx(1 / 3), "what is true and harms nobody is no real finding"


def test_a_finding_told_in_other_words_at_its_place_keeps_its_verdict():
    readings = Readings([reading_of(sighting("a"), "real", "read")])

    assert readings.of(sighting("told-otherwise")).verdict == "real"
    assert readings.of(sighting("elsewhere", line=3)) is None
    assert readings.of(sighting("of-another-rule", rule="LLM801")) is None


def test_the_second_reading_has_the_last_word(tmp_path):
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    record([reading_of(sighting("a"), "real", "at first sight")], first)
    record([reading_of(sighting("a"), "harmless", "nobody calls it")], second)

    assert load_readings(first, second).of(sighting("a")).verdict == "harmless"


def test_every_committed_verdict_is_about_a_target_and_the_unseen_ones_are_marked():
    targets, read = load_targets(), load_readings(VERDICTS, SECOND).known.values()

    assert {reading.target for reading in read} <= targets.keys()
    assert {"lightllm", "Mooncake", "lmcache"} <= {name for name, target in targets.items() if target.unseen}
    assert not targets["vllm"].unseen


def test_a_verdict_on_a_finding_no_longer_reported_drops_out():
    gone = sighting("gone")

    assert precision([sighting("new", line=9)], Readings([reading_of(gone, "real", "read")])).share is None


def test_a_second_verdict_replaces_the_first_and_lines_stay_sorted(tmp_path):
    file = tmp_path / "verdicts.jsonl"
    record([reading_of(sighting("b"), "real", "first")], file)
    record([reading_of(sighting("a"), "real", "other")], file)
    record([reading_of(sighting("b"), "not-real", "second thoughts")], file)

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(line["fingerprint"], line["verdict"]) for line in lines] == [("a", "real"), ("b", "not-real")]
    assert load_readings(file).known["vllm", "b"].reason == "second thoughts"


def test_a_sample_is_the_same_for_the_same_seed_whatever_the_order():
    seen = [sighting(f"{number:04}") for number in range(50)]

    assert sample(seen, "LLM802", 5, seed=1) == sample(seen[::-1], "LLM802", 5, seed=1)
    assert sample(seen, "LLM802", 5, seed=1) != sample(seen, "LLM802", 5, seed=2)


def test_one_finding_less_changes_the_sample_by_at_most_one():
    seen = [sighting(f"{number:04}") for number in range(50)]
    before = sample(seen, "noop-restore", 10, seed=1)

    after = sample([s for s in seen if s != before[0]], "noop-restore", 10, seed=1)

    assert after[:-1] == before[1:]


def test_the_targets_are_pinned():
    assert {"vllm", "sglang", "llama.cpp"} <= load_targets().keys()
    assert all(target.commit and target.scopes for target in load_targets().values())


@pytest.fixture
def precision_command(tmp_path):
    """The command over one kept scan whose tree lies on disk, of a rule that no readings lower."""
    (tmp_path / "tree" / "engine").mkdir(parents=True)
    (tmp_path / "tree" / "engine" / "pool.py").write_text("def restore(self):\n    log('restoring')\n")
    (tmp_path / "tree" / "engine" / "caller.py").write_text(
        "def wake(pool):\n    pool.sleeping = False\n    pool.restore()\n"
    )
    seen = (sighting("abc123", rule="ACME802"), sighting("abd456", rule="ACME802", confidence="low", line=1))
    kept = LastScan({"vllm": str(tmp_path / "tree")}, seen)
    (tmp_path / "precision.json").write_bytes(msgspec.json.encode(kept))

    def run(*arguments):
        options = ["--cache", str(tmp_path), "--verdicts", str(tmp_path / "verdicts.jsonl")]
        return CliRunner().invoke(main, [*arguments, *options])

    return run


def test_a_listed_finding_shows_the_code_at_every_step(precision_command):
    shown = precision_command("list", "--rule", "ACME802").output

    assert ">     2      log('restoring')" in shown
    assert ">     3      pool.restore()" in shown
    assert "abd456" not in shown, "low confidence is not shown by default"


def test_verdicts_recorded_by_fingerprint_become_precision(precision_command):
    assert precision_command("record", "abc", "real", "nothing is restored").exit_code == 0

    tables = json.loads(precision_command("report", "--json").output)
    assert tables["rule"]["ACME802"]["share"] == 1.0
    listed = json.loads(precision_command("list", "--rule", "ACME802", "--json").output)
    assert listed["reading"]["reason"] == "nothing is restored"
    assert precision_command("list", "--rule", "ACME802", "--unread").output == ""


def test_the_page_says_what_is_known_of_each_finding_and_lists_what_is_new(precision_command, tmp_path):
    page = tmp_path / "page.md"
    precision_command("report", "--page", str(page))
    assert "| ACME802 | 1 | 1 | 0 | 0 | 0 | 0 | not read |" in page.read_text()
    assert "| ACME802 | medium | vllm | engine/pool.py:2 | abc123 |" in page.read_text()

    precision_command("record", "abc", "real", "nothing is restored")
    precision_command("report", "--page", str(page))
    assert "| ACME802 medium | 1 | 0 | 1 | 0 | 0 | 0 | 100% (21% to 100%) |" in page.read_text()
    assert "abc123" not in page.read_text()


@pytest.mark.parametrize("fingerprint", ["ab", "ffff"])
def test_a_verdict_must_name_exactly_one_finding(precision_command, fingerprint):
    result = precision_command("record", fingerprint, "real", "because")

    assert result.exit_code == 2
    assert fingerprint in result.output


def test_what_readers_said_becomes_rows_of_what_a_rule_has_earned(tmp_path):
    seen = [sighting(name, line=number) for number, name in enumerate("abcde", 1)]
    answers = ("real", "not-real", "cannot-tell", "real", "harmless")
    readings = [reading_of(s, answer, "read") for s, answer in zip(seen, answers, strict=True)]
    (row,) = rows_of(readings, {seen[0].target})
    assert (row.rule, row.language, row.real, row.harmless, row.not_real) == ("LLM802", "python", 2, 1, 1)
    assert not rows_of(readings, {"another engine"}), "rules were tuned on the others"
    at_home = [msgspec.structs.replace(reading, mechanism="a.mechanism") for reading in readings]
    (of_home,) = rows_of(at_home, {"another engine"})
    assert (of_home.mechanism, of_home.real, of_home.at_home) == ("a.mechanism", 2, True), "better than nothing"
    elsewhere = [msgspec.structs.replace(reading, target="another engine", fingerprint="x") for reading in at_home]
    assert [r.at_home for r in rows_of([*at_home, *elsewhere], {"another engine"})] == [False, False]

    doubted = [msgspec.structs.replace(reading, doubted=True) for reading in readings]
    assert not rows_of(doubted, {seen[0].target}), "what its checker doubts is not shown, and counts for nothing shown"

    file = tmp_path / "earned.toml"
    file.write_text('# head\n\n[[read]]\nrule = "LLM801"\n')
    written = as_toml([row], file)
    assert written.startswith('# head\n\n[[read]]\nrule = "LLM802"\nlanguage = "python"\nreal = 2\n')


# ---------------------------------------------------------------- how loud one rule is


def noise(alarms, answers=(), lines=100_000):
    readings = Readings(reading_of(s, answer, "read") for s, answer in zip(alarms, answers, strict=False))
    return noise_of(alarms, {"vllm": lines}, readings)


def alarms(count):
    return [sighting(f"{number:04}", line=number) for number in range(1, count + 1)]


def test_alarms_are_counted_per_thousand_lines():
    assert noise(alarms(3)).alarms == pytest.approx(0.03)


def test_what_nobody_has_read_counts_as_false_until_enough_were_read():
    assert noise(alarms(20)).false_alarms == pytest.approx(0.2)
    assert noise(alarms(20), ["real"] * 5).false_alarms == pytest.approx(0.15)
    assert noise(alarms(20), ["real"] * 9 + ["harmless"]).false_alarms == pytest.approx(0.01 + 0.1 * 0.1)


def test_a_rule_is_quiet_up_to_five_false_alarms_in_a_hundred_thousand_lines():
    assert noise(alarms(5)).is_quiet
    assert not noise(alarms(6)).is_quiet
    assert noise(alarms(6), ["real"]).is_quiet


def test_an_alarm_is_what_the_checker_means_to_show_also_where_readings_made_it_low():
    doubted = sighting("doubted", confidence="low")
    lowered = msgspec.structs.replace(
        doubted.finding, confidence_reason="read 9 times on engines nobody tuned to, right 1 time"
    )
    assert alarms_of([doubted]) == []
    assert len(alarms_of([Sighting("vllm", lowered)])) == 1


ENGINE = '[engine]\nfolder = "engine"\nrepository = "a/engine"\ncommit = "1"\nscopes = ["."]\nunseen = true\n'


@pytest.fixture
def engine(tmp_path):
    """A tree of one file whose lock order is right and whose route sleeps."""
    (tmp_path / "trees" / "engine").mkdir(parents=True)
    file = tmp_path / "trees" / "engine" / "loop.py"
    file.write_text(
        "import time\n\n\n@app.get('/poll')\nasync def poll():\n    time.sleep(1)\n    return await polled()\n"
    )
    (tmp_path / "targets.toml").write_text(ENGINE)
    options = ["--trees", str(tmp_path / "trees"), "--targets", str(tmp_path / "targets.toml"), "--jobs", "1"]
    options += ["--cache", str(tmp_path / "cache"), "--verdicts", str(tmp_path / "verdicts.jsonl")]
    return file, lambda rule: CliRunner().invoke(main, ["noise", rule, *options])


def test_a_rule_without_alarms_may_be_on(engine):
    _, run = engine
    ran = run("LLM201")
    assert ran.exit_code == 0, ran.output
    assert "LLM201: 0.0000 false alarms per 1,000 lines as read: quiet enough to be on by default" in ran.output


def test_a_loud_rule_is_refused_and_its_alarms_are_shown_with_their_code(engine):
    _, run = engine
    ran = run("blocking-in-async")
    assert ran.exit_code == 1, ran.output
    assert ">     6      time.sleep(1)" in ran.output
    assert "1 that nobody has read among them: above 0.05, not to be on by default" in ran.output


def test_what_a_reader_says_of_a_shown_alarm_counts_the_next_time(engine, tmp_path):
    _, run = engine
    shown = run("LLM202").output
    fingerprint = re.search(r"== (\w+)", shown)[1]
    kept = ["--cache", str(tmp_path / "cache"), "--verdicts", str(tmp_path / "verdicts.jsonl")]
    assert CliRunner().invoke(main, ["record", fingerprint, "real", "it blocks", *kept]).exit_code == 0
    again = run("LLM202")
    assert again.exit_code == 0, again.output
    assert "time.sleep" not in again.output, "what was read is not shown again"


def test_a_rule_that_nobody_knows_is_wrong_use(engine):
    _, run = engine
    assert run("LLM999").exit_code == 2


@pytest.mark.parametrize(
    ("real", "wrong", "counted"), [(4, 0, (4, 0)), (0, 60, (0, 4)), (15, 15, (2, 2)), (1, 9, (0, 4)), (9, 3, (3, 1))]
)
def test_one_project_says_a_thing_a_few_times_only(real, wrong, counted):
    seen = [sighting(f"f{number}", line=number) for number in range(1, real + wrong + 1)]
    answers = ["real"] * real + ["not-real"] * wrong
    (row,) = rows_of([reading_of(s, answer, "read") for s, answer in zip(seen, answers, strict=True)], {seen[0].target})
    assert (row.real, row.not_real) == counted


def test_readings_follow_what_a_scan_says_of_their_findings():
    kept = sighting("kept", confidence="high")
    doubted, gone = sighting("doubted", line=2, confidence="low"), sighting("gone", line=3)
    said = Readings([reading_of(s, "real", "read") for s in (kept, doubted, gone)])
    now = {reading.fingerprint: reading.doubted for reading in renewed(said, [kept, doubted])}
    assert now == {"kept": False, "doubted": True}


def test_what_readings_lowered_at_a_scan_is_judged_by_those_there_are_now():
    wrong = next(r for r in readings().values() if not r.mechanism and r.language == "python" and r.worth < 0.2)
    kept = limited(sighting("kept", rule=wrong.rule).finding)
    by_itself = sighting("doubted", rule="LLM910", confidence="low")
    raised = msgspec.structs.replace(kept, rule="LLM910", mechanism="")
    now = [judged_anew(Sighting("vllm", finding)).finding.confidence for finding in (kept, by_itself.finding, raised)]
    assert now == ["low", "low", "medium"]
