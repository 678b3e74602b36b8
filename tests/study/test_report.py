"""`llmlint issues report`: the figures, the formats, and the page in a real browser."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from llmlint.cli import main
from llmlint.study.classified import Classified
from llmlint.study.classifying import classify
from llmlint.study.issue import Issue
from llmlint.study.outcome import FAULTS, Outcome, outcome
from llmlint.study.study_report import render_report
from llmlint.study.survival import Stay, curve
from llmlint.study.wilson import wilson

SAMPLE = Path(__file__).parents[2] / "examples" / "issues"


def fault(number: int, created: str, closed: str = "", title: str = "[Bug]: CUDA OOM", **more: object) -> Classified:
    given = {
        "repository": "mini/engine",
        "number": number,
        "title": title,
        "created": created,
        "closed": closed,
        **more,
    }
    issue = Issue(**given)  # type: ignore[arg-type]
    return Classified(issue, classify(issue))


def day(month: int, number: int) -> str:
    return f"2025-{month:02}-{number:02}T00:00:00Z"


def chapter(found: Outcome, name: str = "memory") -> object:
    return next(one for one in found.chapters if one.name == name)


# ------------------------------------------------------------ figures


def test_an_open_issue_counts_for_as_long_as_it_is_known_to_be_open() -> None:
    """Of four, two are closed on day 1 and 3 and two are open on day 2: the median is not 2 but 3."""
    found = curve([Stay(1, False), Stay(2, True), Stay(2, True), Stay(3, False)])
    assert found.steps == ((1, 0.75), (3, 0.0))
    assert (found.after(0.25), found.after(0.5)) == (1, 3)


def test_a_share_that_was_never_closed_has_no_day() -> None:
    found = curve([Stay(1, False), Stay(9, True), Stay(9, True)])
    assert found.after(0.5) is None
    assert curve([]).after(0.5) is None


def test_wilson_s_interval_stays_within_bounds_and_holds_the_share() -> None:
    for of in range(1, 30):
        for hits in range(of + 1):
            low, high = wilson(hits, of)
            assert 0 <= low < high <= 1
            assert low - 1e-12 <= hits / of <= high + 1e-12


def test_time_to_close_by_chapter() -> None:
    found = outcome([fault(1, day(1, 1), day(1, 3)), fault(2, day(1, 1), day(1, 5)), fault(3, day(1, 1), day(1, 21))])
    memory = chapter(found)
    assert memory.quartiles == (2, 4, 20)  # type: ignore[attr-defined]


def test_what_a_bot_closed_is_told_apart() -> None:
    found = outcome(
        [fault(1, day(1, 1), day(1, 3)), fault(2, day(1, 1), day(3, 5), labels=("Stale",)), fault(3, day(1, 9))]
    )
    memory = chapter(found)
    assert (memory.closed.hits, memory.closed.of) == (2, 3)  # type: ignore[attr-defined]
    assert (memory.stale.hits, memory.stale.of) == (1, 2)  # type: ignore[attr-defined]


def test_quarters_without_faults_are_not_left_out() -> None:
    assert outcome([fault(1, day(2, 1)), fault(2, day(11, 1))]).quarters == ("2025 Q1", "2025 Q2", "2025 Q3", "2025 Q4")


def test_shares_are_of_each_project_s_faults() -> None:
    other = [fault(n, day(1, 1), title="[Bug]: deadlock", repository="mini/other") for n in (1, 2)]
    found = outcome([fault(1, day(1, 1)), *other, fault(3, day(1, 1), title="[Feature]: faster")])
    shares = {name: (one.hits, one.of) for name, one in chapter(found).shares.items()}  # type: ignore[attr-defined]
    assert shares == {"mini/engine": (1, 1), "mini/other": (0, 2), "all": (1, 3)}


def test_no_issues_are_no_fault_of_ours() -> None:
    for name in ("text", "markdown", "html", "json", "csv"):
        assert render_report(name, [])  # type: ignore[arg-type]


# ------------------------------------------------------------ formats


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["issues", *arguments])


@pytest.fixture(scope="module")
def store_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = str(tmp_path_factory.mktemp("study") / "issues.sqlite3")
    assert run("import", str(SAMPLE), "--db", file).exit_code == 0
    return file


def test_json_has_all_figures(store_file: str) -> None:
    study = json.loads(run("report", "--format", "json", "--db", store_file).stdout)["study"]
    assert [one["name"] for one in study["chapters"]] == list(FAULTS)
    assert {one["name"]: one["rules"] for one in study["causes"]}["restore-leaves-state"][0] == "LLM801"
    assert study["subjects"]["mini/engine"]["feature"] == 1


def test_csv_is_a_line_for_each_issue_without_text_of_others(store_file: str) -> None:
    rows = list(csv.DictReader(run("report", "--format", "csv", "--db", store_file).stdout.splitlines()))
    assert len(rows) == 28
    assert rows[0]["cause"] == "restore-leaves-state"
    assert "title" not in rows[0]


def test_markdown_tables_are_whole(store_file: str) -> None:
    text = run("report", "--format", "markdown", "--db", store_file).stdout
    tables = [block.split("\n") for block in re.findall(r"(?:^\|.*\|$\n)+", text, re.MULTILINE)]
    assert len(tables) == 5
    for table in tables:
        assert len({line.count(" | ") for line in table if line}) == 1


def test_reports_go_to_files(store_file: str, tmp_path: Path) -> None:
    wanted = [f"{name}:{tmp_path / name}" for name in ("html", "json", "markdown", "csv", "text")]
    result = run("report", "--db", store_file, *(word for one in wanted for word in ("-o", one)))
    assert (result.exit_code, result.stdout) == (0, "")
    assert all((tmp_path / one.partition(":")[0]).stat().st_size > 500 for one in wanted)


@pytest.mark.parametrize("output", ["html", "morse:x", "html:"])
def test_an_output_has_a_format_and_a_file(store_file: str, output: str) -> None:
    result = run("report", "--db", store_file, "-o", output)
    assert result.exit_code == 2 and "FORMAT:FILE" in result.stderr


# ------------------------------------------------------------ the page

HOSTILE = "[Bug]: OOM <script>document.title='taken'</script> \x1b[31m ‮ @@CSS@@"


def test_what_issues_say_is_only_text() -> None:
    bad = fault(1, day(1, 1), title=HOSTILE, repository="a<b/c&d", url="javascript:alert(1)", body="`OOM`")
    page = render_report("html", [bad])
    assert "<script" not in page and "javascript:" not in page
    assert "a&lt;b/c&amp;d" in page
    assert "\\x1b[31m" in page and "‮" not in page
    assert "@@CSS@@" in page, "and no place of ours is filled by it"


def test_the_page_in_a_browser(store_file: str, tmp_path: Path, driver: object) -> None:
    file = tmp_path / "report.html"
    run("report", "--db", store_file, "-o", f"html:{file}")
    driver.get(file.as_uri())  # type: ignore[attr-defined]
    seen = driver.execute_script(  # type: ignore[attr-defined]
        "return [document.querySelectorAll('section').length, document.querySelectorAll('svg circle').length,"
        "getComputedStyle(document.querySelector('.top')).display, document.documentElement.scrollWidth <= innerWidth]"
    )
    assert seen[0] == 8 and seen[1] > 20
    assert seen[2:] == ["flex", True], "the style is not the one that the policy allows, or the page is too wide"
    assert driver.get_log("browser") == []  # type: ignore[attr-defined]


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[object]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install -e '.[dev]'")
    from selenium.webdriver.chrome.service import Service

    browser, control = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not control:
        pytest.skip("chromium is not installed: run `make tools` (apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(control))
    yield started
    started.quit()
