"""What may be shown: by how readings foretell the next ones, and by what stands behind each mechanism."""

import re
import subprocess

import msgspec
import pytest
from click.testing import CliRunner

from benchmarks.precision.__main__ import main
from benchmarks.precision.foretold import foretold, rounds_of
from benchmarks.precision.noise import MOST
from benchmarks.precision.quiet import shown, standings
from benchmarks.precision.targets import HERE
from benchmarks.precision.verdicts import Reading, Readings, record


def reading(name, verdict, rule="LLM802", target="engine"):
    return Reading(fingerprint=name, target=target, rule=rule, path="a.py", mechanism="noop.check", verdict=verdict)


@pytest.fixture
def verdicts(tmp_path):
    """A file of verdicts in a repository, and how to commit it."""

    def git(*asked):
        named = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
        subprocess.run(["git", "-C", str(tmp_path), *named, *asked], check=True, capture_output=True)

    git("init")

    def commit(*readings):
        record(readings, tmp_path / "verdicts.jsonl")
        git("add", "verdicts.jsonl")
        git("commit", "-m", "read")

    return tmp_path / "verdicts.jsonl", commit


def test_a_finding_belongs_to_the_round_in_which_it_was_read_first(verdicts):
    file, commit = verdicts
    commit(reading("a", "real"))
    commit(reading("a", "harmless"), reading("b", "real"))
    assert rounds_of(file) == {("engine", "a"): 0, ("engine", "b"): 1}


def test_what_is_read_is_foretold_by_the_rounds_before_it():
    before = [reading(f"old{number}", "real", target=f"p{number}") for number in range(6)]
    new = [reading("new", "not-real", target="next"), reading("other", "real", "LLM801", target="next")]
    rounds = {one.key: 0 for one in before} | {one.key: 1 for one in new}
    found = foretold([*before, *new], rounds, {one.target for one in (*before, *new)}, first_rounds=1)
    assert [one.was_right for one in found] == [False, True]
    assert all(one.promised > 0.9 for one in found), "six of six, and the language's average is the same"


def test_what_one_project_repeats_counts_four_times_at_most():
    new = [reading(str(number), "real") for number in range(8)]
    found = foretold(new, {one.key: 1 for one in new}, {"engine"}, first_rounds=1)
    assert sum(one.counts for one in found) == pytest.approx(4)


def test_readings_at_home_and_what_a_checker_doubts_foretell_nothing():
    new = [reading("a", "real", target="vllm"), msgspec.structs.replace(reading("b", "real"), doubted=True)]
    assert foretold(new, {one.key: 1 for one in new}, {"engine"}, first_rounds=1) == []


def test_real_bugs_of_a_mechanism_are_those_read_and_those_of_the_manifest():
    rule, mechanism = shown()[0]
    read = msgspec.structs.replace(reading("a", "real", rule), mechanism=mechanism)
    known = f"| vllm-127 | unbounded-wait | {rule} {mechanism} | 1 | a title |\n"
    first = next(iter(standings([], {"engine": 1000}, Readings([read]), known)))
    assert (first.bugs, first.projects, first.noise.false_alarms) == (2, 2, 0)


def test_the_noise_of_what_is_shown_is_told_as_a_table(tmp_path):
    tree = tmp_path / "trees" / "engine"
    tree.mkdir(parents=True)
    (tree / "loop.py").write_text("import requests\n\n\ndef ask(url):\n    return requests.get(url)\n")
    (tmp_path / "targets.toml").write_text(
        '[engine]\nfolder = "engine"\nrepository = "a/engine"\ncommit = "1"\nscopes = ["."]\nunseen = true\n'
    )
    options = ["--trees", str(tmp_path / "trees"), "--targets", str(tmp_path / "targets.toml"), "--jobs", "1"]
    options += ["--cache", str(tmp_path / "cache"), "--verdicts", str(tmp_path / "verdicts.jsonl")]
    ran = CliRunner().invoke(main, ["quiet", *options])
    assert ran.exit_code == 1, "one false alarm in five lines is too loud"
    assert re.search(r"\| LLM204 \| unbounded_wait.network.without_timeout \| 1 \|", ran.output), ran.output


def test_each_mechanism_that_is_shown_is_quiet_where_nobody_tuned_to():
    page = (HERE / "results" / "noise.md").read_text("utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| LLM")]
    quiet = {(row[0], row[1]) for row in rows if float(row[8]) <= MOST}
    assert set(shown()) <= quiet, "write results/noise.md anew: python -m benchmarks.precision quiet --page"
