"""The command line: quick to start, exact in its exit codes, plain in a pipe."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from queue import Queue
from threading import Thread

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner, Result
from serving_code import ALL_SHOWN, CLEAN, LEFT, NOOP
from terminal import on_a_terminal

from llmlint.catalogue import load_catalogue
from llmlint.cli import COMMANDS, main
from llmlint.report.json import json_schema

SCHEMA = Path(__file__).parent.parent / "docs" / "finding.schema.json"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "llmlint.toml").write_text(f"root = true\n{ALL_SHOWN}")
    (tmp_path / "pool.py").write_text(NOOP)
    (tmp_path / "scheduler.py").write_text(LEFT)
    (tmp_path / "clean.py").write_text(CLEAN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, given: bytes | None = None, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, [*arguments], input=given, catch_exceptions=False)


def codes(result: Result) -> list[str]:
    return [finding["rule"] for finding in json.loads(result.stdout)["findings"]]


def test_starting_up_imports_nothing_heavy() -> None:
    heavy = "libcst astroid pylint networkx sarif_om attr rich tree_sitter tree_sitter_cpp pygments".split()
    code = f"import sys, llmlint.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_scan_of_nothing_imports_no_checker_and_nothing_that_starts_processes(tmp_path: Path) -> None:
    (tmp_path / "llmlint.toml").write_text(f"root = true\n{ALL_SHOWN}")
    code = (
        "import sys\nfrom llmlint.cli import main\n"
        "try: main(['scan', '.', '-q', '--no-cache'])\nexcept SystemExit: pass\n"
        "heavy = ('llmlint.checkers.', 'llmlint.code.link', 'multiprocessing', 'concurrent', 'tree_sitter')\n"
        "print([m for m in sys.modules if m.startswith(heavy)])\n"
        "print(len(sys.modules) < 250)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["[]", "True", ""]


def test_a_python_scan_never_imports_what_only_other_surfaces_need(tree: Path) -> None:
    heavy = "libcst astroid pylint networkx sarif_om rich".split()
    code = (
        "import sys\nfrom llmlint.cli import main\n"
        "try: main(['scan', '.', '-q'])\nexcept SystemExit: pass\n"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage:")


def test_help_lists_every_command_without_importing_it() -> None:
    result = run("--help")
    assert all(name in result.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["scan", "clean.py"], 0),
        (["scan", "pool.py"], 1),
        (["scan", "pool.py", "--exit-zero"], 0),
        (["scan", "pool.py", "--ignore", "LLM802"], 0),
        (["scan", "."], 1),
        (["scan"], 1),
        (["check", "clean.py"], 0),
        (["help", "scan"], 0),
        (["-V"], 0),
        (["scan", "-"], 2),
        (["scan", ".", "-o", "json:nowhere/a.json"], 2),
        (["scan", "nowhere"], 2),
        (["scan", ".", "--format", "morse"], 2),
        (["scan", ".", "--select", "LLM999"], 2),
        (["scan", ".", "--output", "json"], 2),
        (["scan", ".", "--min-severity", "P9"], 2),
        (["nonsense"], 2),
    ],
)
def test_exit_codes(tree: Path, arguments: list[str], code: int) -> None:
    assert run(*arguments).exit_code == code


def test_a_folder_that_a_report_is_to_lie_in_is_not_made(tree: Path) -> None:
    assert "there is no folder nowhere" in run("scan", ".", "-o", "json:nowhere/a.json").stderr
    assert not (tree / "nowhere").exists()


@pytest.mark.parametrize(("typed", "meant"), [("scna", "scan"), ("explian", "explain"), ("rulse", "rules")])
def test_a_mistyped_command_is_answered_with_the_nearest(typed: str, meant: str) -> None:
    result = run(typed)
    assert result.exit_code == 2
    assert f"Did you mean '{meant}'?" in result.stderr


def test_an_unknown_rule_is_answered_with_the_nearest(tree: Path) -> None:
    assert "noop-restore" in run("scan", ".", "--select", "noop-restor").stderr


def test_select_and_ignore_take_codes_names_prefixes_and_chapters(tree: Path) -> None:
    for chosen in ("LLM802", "noop-restore", "NOOP-RESTORE"):
        assert codes(run("scan", ".", "--format", "json", "--select", chosen)) == ["LLM802"]
    for chosen in ("LLM8", "state", "LLM801,LLM802"):
        assert codes(run("scan", ".", "--format", "json", "--select", chosen)) == ["LLM802", "LLM801"]
    assert codes(run("scan", ".", "--format", "json", "--ignore", "noop-restore")) == ["LLM801"]


def test_least_confidence(tree: Path) -> None:
    assert codes(run("scan", ".", "--format", "json", "--min-confidence", "certain")) == []


def test_several_reports_are_written_at_once(tree: Path) -> None:
    (tree / "out").mkdir()
    result = run("scan", ".", "-q", "--output", "json:out/a.json", "--output", "concise:out/b.txt")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert len(json.loads((tree / "out" / "a.json").read_text())["findings"]) == 2
    assert len((tree / "out" / "b.txt").read_text().splitlines()) == 2


def test_jsonl_is_one_finding_a_line(tree: Path) -> None:
    lines = run("scan", ".", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["rule"] for line in lines] == ["LLM802", "LLM801"]


def test_content_comes_from_standard_input(tree: Path) -> None:
    result = run("scan", "--stdin-filename", "clean.py", "-", "--format", "json", given=NOOP.encode())
    assert [(f["path"], f["rule"]) for f in json.loads(result.stdout)["findings"]] == [("clean.py", "LLM802")]
    assert run("scan", "--stdin-filename", "pool.py", given=CLEAN.encode()).exit_code == 0


def test_unused_suppressions_are_removed(tree: Path) -> None:
    (tree / "clean.py").write_text("x = 1  # llmlint: ignore[LLM802] long gone\n")
    assert "LLM001" in run("scan", "clean.py", "--format", "concise").stdout
    result = run("scan", "clean.py", "--fix-suppressions")
    assert (tree / "clean.py").read_text() == "x = 1\n"
    assert (result.exit_code, "clean.py" in result.stderr) == (0, True)


def test_suppressed_findings_are_shown_when_asked_for(tree: Path) -> None:
    (tree / "pool.py").write_text(f"# llmlint: ignore-file[LLM802] blocks are counted\n{NOOP}")
    assert "LLM802" not in run("scan", "pool.py").stdout
    result = run("scan", "pool.py", "--show-suppressed")
    assert "blocks are counted" in result.stdout
    assert result.exit_code == 0


def test_statistics_count_by_rule_and_say_what_the_time_went_to(tree: Path) -> None:
    printed = run("scan", "pool.py", "--statistics", "--no-cache").stdout
    assert "1  LLM802 noop-restore" in printed
    assert re.search(r"lines, [\d.]+ s \([\d.]+ s to read, [\d.]+ s to link and check\)\.$", printed, re.MULTILINE)


def test_what_is_not_shown_as_it_is_not_sure_enough_is_spoken_of_and_counted_where_rules_are_named(tree: Path) -> None:
    hidden = run("scan", ".", "--min-confidence", "certain")
    assert hidden.exit_code == 0
    assert hidden.stdout.startswith("No findings (less sure ones with --min-confidence low) in 3 files")
    assert "with --min-confidence" not in run("scan", ".", "--min-confidence", "low").stdout
    assert "(1 more" in run("scan", ".", "--min-confidence", "certain", "--select", "LLM801").stdout


def test_of_one_file_it_is_counted_where_rules_are_named(tree: Path) -> None:
    for name in "abcd":
        (tree / f"{name}.py").write_text("x = 1\n")
    (tree / "llmlint.toml").write_text("root = true\n")
    assert "more with" not in run("scan", "pool.py", "--min-confidence", "certain").stdout
    assert "(1 more" in run("scan", "pool.py", "--min-confidence", "certain", "--select", "LLM802").stdout


def test_a_pipe_gets_neither_colour_nor_links(tree: Path) -> None:
    assert "\x1b" not in run("scan", ".").stdout


def test_force_color_gives_colour_but_no_links_in_a_pipe(tree: Path) -> None:
    assert "\x1b" in run("scan", ".", "--color", "always").stdout
    assert "\x1b" not in run("scan", ".", "--color", "never", FORCE_COLOR="1").stdout
    text = run("scan", ".", FORCE_COLOR="1").stdout
    assert "\x1b[" in text
    assert "\x1b]8;" not in text


def test_a_terminal_gets_colour_and_links_to_the_rules_pages(tree: Path) -> None:
    text = on_a_terminal(tree, "scan")
    assert "\x1b]8;;https://" in text
    assert "LLM802.html" in text


def test_no_color_means_no_escape_at_all(tree: Path) -> None:
    assert "\x1b" not in on_a_terminal(tree, "scan", NO_COLOR="1")


@pytest.mark.parametrize("columns", [80, 200])
def test_no_line_is_wider_than_the_terminal(tree: Path, columns: int) -> None:
    long = LEFT.replace("self.finished", "self.finished_request_identifiers_of_this_step")
    (tree / "scheduler.py").write_text(long.replace("(request.request_id)", f"(request.{'very_' * 20}id)"))
    lines = on_a_terminal(tree, "scan", columns=columns, NO_COLOR="1").splitlines()
    assert max(map(len, lines)) <= columns


def test_rules_as_json_name_their_pages() -> None:
    rules = json.loads(run("rules", "--format", "json").stdout)
    assert {rule["code"] for rule in rules} >= {"LLM001", "LLM002", "LLM801", "LLM802"}
    assert all(rule["url"].startswith("https://") for rule in rules)


def test_cache_info_and_clear(tree: Path) -> None:
    run("scan", ".")
    assert "3 files" in run("cache", "info").stdout
    assert "cleared" in run("cache", "clear").stdout
    assert "0 files" in run("cache", "info").stdout


def test_the_json_report_keeps_its_schema(tree: Path) -> None:
    (tree / "pool.py").write_text(f"# llmlint: ignore-file[LLM802] blocks are counted\n{NOOP}")
    document = json.loads(run("scan", ".", "--format", "json").stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    (suppressed, shown) = document["findings"]
    assert document["schema_version"] == 1
    assert document["files"]["scanned"] == 3
    assert suppressed["suppressed"] == {"kind": "comment", "reason": "blocks are counted", "line": 1}
    assert shown["suppressed"] is None
    assert shown["verdict"] is None
    assert (shown["path"], shown["symbol"], shown["causes"]) == (
        "scheduler.py",
        "Scheduler.reset",
        list(load_catalogue().rule("LLM801").causes),
    )
    assert all(step.keys() == {"path", "line", "message"} for step in shown["evidence"])


def test_the_published_schema_is_the_one_the_code_makes() -> None:
    assert json.loads(SCHEMA.read_text()) == json.loads(json.dumps(json_schema())), (
        "run: python -m llmlint.report.json_schema"
    )


def test_the_schema_refuses_a_finding_without_a_fingerprint(tree: Path) -> None:
    document = json.loads(run("scan", ".", "--format", "json").stdout)
    del document["findings"][0]["fingerprint"]
    with pytest.raises(jsonschema.ValidationError, match="fingerprint"):
        jsonschema.validate(document, msgspec.to_builtins(json_schema()))


def test_explain_tells_of_several_rules_in_short() -> None:
    one, several = run("explain", "LLM802", "--short").stdout, run("explain", "LLM8").stdout
    assert one.startswith("LLM802 noop-restore (P1): ")
    assert "  Fix: " in one
    assert len(one.splitlines()) < 12
    assert one in several
    assert "LLM801 restore-leaves-state (P1, safe fix)" in several
    assert "## Bad" in run("explain", "LLM802").stdout


def test_no_short_explanation_breaks_off_in_a_sentence() -> None:
    for told in run("explain", "ALL", "--short").stdout.split("\n\n"):
        said = " ".join(told.split())
        assert said.partition(" Fix: ")[0].endswith("."), said
        assert said.endswith((".", ")")), said


def test_rules_are_listed_by_selector_and_by_whether_they_can_be_mended() -> None:
    assert [line.split()[0] for line in run("rules", "LLM802", "LLM801").stdout.splitlines()] == ["LLM801", "LLM802"]
    fixable = [rule["code"] for rule in json.loads(run("rules", "--fixable", "--format", "json").stdout)]
    assert "LLM801" in fixable
    assert "LLM802" not in fixable
    assert run("rules", "LLM999").exit_code == 2


@pytest.mark.parametrize(
    ("words", "number", "offered"),
    [
        ("llmlint explain noop", 2, "noop-restore"),
        ("llmlint scan --select LLM80", 3, "LLM802"),
        ("llmlint scan --select LLM801,noop", 3, "LLM801,noop-restore"),
        ("llmlint scan --ignore mem", 3, "memory"),
        ("llmlint scan --format sar", 3, "sarif"),
        ("llmlint scan -o sar", 3, "sarif:"),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_values(shell: str, words: str, number: int, offered: str) -> None:
    asked = {"_LLMLINT_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(number)}
    if shell == "fish":
        asked["COMP_CWORD"] = words.split()[-1]
    printed = CliRunner().invoke(main, [], prog_name="llmlint", env=asked).stdout
    assert any(offered in line.replace("plain,", "", 1).split("\t")[0].split("\n")[0] for line in printed.splitlines())


def test_a_comment_is_added_above_each_finding_and_the_next_scan_is_content(tree: Path) -> None:
    done = run("scan", ".", "--add-suppressions", "kept until the pool is rewritten")
    assert done.exit_code == 0
    assert "pool.py: 1 suppression added" in done.stderr
    assert (
        "    # llmlint: ignore[LLM802] kept until the pool is rewritten\n    def restore_blocks"
        in (tree / "pool.py").read_text()
    )
    assert run("scan", ".").exit_code == 0


def test_a_suppression_needs_a_reason_that_is_text(tree: Path) -> None:
    before = (tree / "pool.py").read_bytes()
    for reason in ("", "  ", "a */ b", "a \u202e b"):
        assert run("scan", ".", "--add-suppressions", reason).exit_code == 2
    assert (tree / "pool.py").read_bytes() == before


def test_no_comment_goes_where_it_would_be_none(tree: Path) -> None:
    (tree / "scheduler.py").unlink()
    text = "import requests\n\n\ndef fetch(url):\n    return 1 + \\\n        requests.get(url).status\n"
    (tree / "pool.py").write_text(text)
    done = run("scan", "pool.py", "--add-suppressions", "known")
    assert "pool.py: 0 suppressions added" in done.stderr
    assert done.exit_code == 1
    assert (tree / "pool.py").read_text() == text


def test_watching_reports_again_after_a_change_and_ends_with_the_interrupt(tree: Path) -> None:
    command = [sys.executable, "-m", "llmlint", "scan", ".", "--watch", "--format", "concise", "--no-cache"]
    process = subprocess.Popen(
        command,
        cwd=tree,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    lines: Queue[str] = Queue()
    Thread(target=lambda printed: [lines.put(line) for line in printed], args=[process.stdout], daemon=True).start()
    try:
        first = [lines.get(timeout=60), lines.get(timeout=60)]
        assert ["LLM802" in first[0], "LLM801" in first[1]] == [True, True]
        (tree / "pool.py").write_text(CLEAN)
        assert "LLM801" in lines.get(timeout=60)
        (tree / "new.py").write_text(NOOP)
        assert "new.py" in lines.get(timeout=60)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_what_a_rule_was_called_still_means_it(tmp_path: Path) -> None:
    page = tmp_path / "state" / "noop-restore.md"
    page.parent.mkdir()
    text = (SCHEMA.parent.parent / "rules" / "state" / "noop-restore.md").read_text()
    page.write_text(text.replace("severity =", 'former = ["LLM899", "empty-restore"]\nseverity =', 1))
    catalogue = load_catalogue(tmp_path)
    assert [catalogue.rule(name).code for name in ("LLM899", "empty-restore", "LLM802")] == ["LLM802"] * 3
    assert [rule.code for rule in catalogue.matching("empty-restore")] == ["LLM802"]
