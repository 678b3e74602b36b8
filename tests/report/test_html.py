"""The page in a real browser: it opens, filters and steps through without an error, by key and on a phone."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from llmlint.findings import Finding, Step, Verdict
from llmlint.report import Style, render
from llmlint.timelines import COLUMNS, Holder, Sizes, Timeline

from .conftest import SCHEDULER, finding, llmlint, result_of

selenium = pytest.importorskip("selenium", reason="selenium is not installed: pip install -e '.[dev]'")

from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.remote.webelement import WebElement  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
).split()
WIDE, PHONE = (1360, 900), (390, 844)


class Page:
    """What a reader does with the page and sees of it."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, file: Path, anchor: str = "") -> Page:
        self.driver.get("about:blank")
        self.driver.get(file.as_uri() + anchor)
        return self

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        return self.one(selector).text

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def press(self, keys: str) -> None:
        for key in keys:
            self.one("#list").send_keys(key)

    def width(self, size: tuple[int, int]) -> Page:
        wide, high = size
        metrics = {"width": wide, "height": high, "deviceScaleFactor": 1, "mobile": wide < 800}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        return self

    def prefers(self, scheme: str) -> Page:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        return self

    def ground(self) -> str:
        return str(self.run("return getComputedStyle(document.body).backgroundColor"))


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    browser, control = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not control:
        pytest.skip("chromium is not installed: run `make tools` (apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(control))
    yield started
    started.quit()


@pytest.fixture
def page(driver: webdriver.Chrome) -> Iterator[Page]:
    """A page, and after each test the proof that its console stayed silent."""
    page = Page(driver).width(WIDE).prefers("light")
    yield page
    assert driver.get_log("browser") == []


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(*findings: Finding) -> Path:
        source = tmp_path / "engine" / "scheduler.py"
        source.parent.mkdir(exist_ok=True)
        source.write_text(SCHEDULER)
        file = tmp_path / "report.html"
        file.write_text(render("html", result_of(*findings), Style(root=str(tmp_path))))
        return file

    return written


def varied(count: int) -> list[Finding]:
    """Findings that differ in severity, file, verdict and message."""
    verdicts = (None, Verdict("confirmed", "3 entries outlived the reset"), Verdict("not-exercised", "never called"))
    return [
        finding(
            number,
            severity=("P0", "P1", "P2", "P3")[number % 4],
            path=f"engine/part_{number % 7}.py",
            verdict=verdicts[number % 3],
            message=f"reset leaves self.map_{number:04}",
            causes=("leak", "wrong-order")[number % 2 :],
        )
        for number in range(count)
    ]


def test_a_real_scan_opens_with_its_worst_finding_its_code_and_its_evidence(page: Page, project: Path) -> None:
    ran = llmlint("scan", ".", "--no-cache", "-q", "--output", "html:report.html", cwd=project)
    assert ran.returncode == 1, ran.stderr
    page.open(project / "report.html")
    assert page.text("#shown") == "1"
    assert page.text("#project") == "serving"
    made = page.text("#scale")
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d, llmlint scan \. --no-cache -q --output html:report\.html$", made)
    assert "commit" not in made  # there is none yet
    assert "self.prefix_hits" in page.text("#detail h2")
    assert "def reset(self):" in page.text(".lines")
    assert len(page.all(".step")) >= 2


def test_the_head_names_the_commit(page: Page, project: Path) -> None:
    git = ["git", "-c", "user.name=A Tester", "-c", "user.email=tester@example.org", "-C", str(project)]
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "first"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    llmlint("scan", ".", "--no-cache", "-q", "--output", "html:report.html", cwd=project)
    page.open(project / "report.html")
    assert f"commit {commit[:12]}, " in page.text("#scale")


def test_nothing_is_loaded_from_anywhere(page: Page, write: Callable[..., Path]) -> None:
    page.open(write(finding()))
    assert page.run("return performance.getEntriesByType('resource').length") == 0
    assert "default-src 'none'" in page.one("meta[http-equiv]").get_attribute("content")


def test_the_evidence_can_be_stepped_through_by_key_and_by_button(page: Page, write: Callable[..., Path]) -> None:
    page.open(write(finding()))
    assert page.text(".row.current .number") == "15"
    page.press("n")
    assert page.text(".step[aria-current] .said-here") == "cleared"
    assert page.text(".row.current .number") == "16"
    page.one("#next").click()
    assert page.text(".row.current .number") == "13"
    assert not page.one("#next").is_enabled()
    page.press("pp")
    assert page.text(".row.current .number") == "15"


def test_search_narrows_the_list_by_every_word(page: Page, write: Callable[..., Path]) -> None:
    page.open(write(*varied(20)))
    page.one("#search").send_keys("map_0007 part_0")
    assert page.text("#shown") == "1"
    assert page.text(".finding .message") == "reset leaves self.map_0007"
    page.one("#chips .clear").click()
    assert page.text("#shown") == "20"


@pytest.mark.parametrize(
    ("facet", "key", "count"),
    [
        ("severity", "P0", 5),
        ("chapter", "state", 20),
        ("verdict", "confirmed", 7),
        ("file", "engine/part_0.py", 3),
        ("cause", "leak", 10),
    ],
)
def test_a_bar_of_each_chart_filters(page: Page, write: Callable[..., Path], facet: str, key: str, count: int) -> None:
    page.open(write(*varied(20)))
    bar = f".bar[data-facet='{facet}'][data-key='{key}']"
    page.one(bar).click()
    assert page.text("#shown") == str(count)
    assert page.one(bar).get_attribute("aria-pressed") == "true"
    page.press("x")
    assert page.text("#shown") == "20"


def test_filters_of_two_kinds_must_both_hold_and_bars_show_what_the_others_leave(
    page: Page, write: Callable[..., Path]
) -> None:
    page.open(write(*varied(24)))
    page.one(".bar[data-key='P1']").click()
    page.one(".bar[data-key='confirmed']").click()
    assert page.text("#shown") == "2"
    assert page.one(".bar[data-key='P1']").get_attribute("aria-label") == "P1 high: 2 of 6"


def test_findings_are_grouped_by_cause_and_a_group_closes(page: Page, write: Callable[..., Path]) -> None:
    page.open(write(*varied(6)))
    choose(page, "group", "cause")
    assert [head.text.split("\n") for head in page.all(".group")] == [["leak", "3"], ["wrong order", "3"]]
    assert page.all("#rows > *")[0].get_attribute("class") == "group"
    page.all(".group")[0].click()
    assert len(page.all(".finding")) == 3
    assert page.text("#shown") == "6"
    page.press("jjj")
    assert page.one(".finding[aria-selected=true]").get_attribute("aria-posinset") == "3"
    choose(page, "group", "")
    assert page.all(".group") == []
    assert len(page.all(".finding")) == 6


def test_what_the_list_shows_is_saved_as_a_table(page: Page, write: Callable[..., Path], tmp_path: Path) -> None:
    table = tmp_path / "saved" / f"{tmp_path.name}-findings.csv"
    page.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(table.parent)})
    formula = '=HYPERLINK("https://example.org", "say ""hello""")'
    page.open(write(*varied(4), finding(8, severity="P0", message=formula, symbol="a\nb")))
    page.one(".bar[data-key='P0']").click()
    page.one("#csv").click()
    WebDriverWait(page.driver, 20).until(lambda _: table.exists() and table.stat().st_size)
    with table.open(encoding="utf-8", newline="") as opened:
        found = {row["message"]: row for row in csv.DictReader(opened)}
    assert set(found) == {"reset leaves self.map_0000", f"'{formula}"}  # a spreadsheet shows it and computes nothing
    assert found["reset leaves self.map_0000"]["path"] == "engine/part_0.py"
    assert found["reset leaves self.map_0000"]["cause"] == "leak"
    assert found[f"'{formula}"]["symbol"] == "a\\nb"


def test_the_comment_that_silences_a_finding_is_copied_with_its_reason(page: Page, write: Callable[..., Path]) -> None:
    page.open(write(finding()))
    page.one("#why").send_keys("hits are counted for good")
    page.one("#copy").click()
    WebDriverWait(page.driver, 20).until(lambda _: page.text("#copy") == "Copied")
    page.one("#search").send_keys(Keys.CONTROL, "v")
    copied = page.one("#search").get_attribute("value")
    assert copied == "# llmlint: ignore[LLM801] hits are counted for good"


def test_a_finding_that_a_search_leaves_out_is_not_shown_beside_the_list(
    page: Page, write: Callable[..., Path]
) -> None:
    page.open(write(*varied(8)))
    page.one("#search").send_keys("map_0007")
    assert page.text("#detail h2") == "reset leaves self.map_0007"
    page.one("#search").send_keys(" and nothing else")
    assert "Choose a finding" in page.text("#detail")
    assert page.one("#search").get_attribute("value") == "map_0007 and nothing else"


def choose(page: Page, name: str, value: str) -> None:
    Select(page.one(f"#{name}")).select_by_value(value)


def test_keys_walk_the_list_and_a_link_leads_back_to_the_finding(page: Page, write: Callable[..., Path]) -> None:
    file = write(*varied(12))
    page.open(file)
    page.press("jj")
    chosen = page.text(".finding[aria-selected=true] .message")
    assert page.text("#detail h2") == chosen
    page.open(file, page.run("return location.hash"))
    assert page.text("#detail h2") == chosen


def test_five_thousand_findings_put_only_the_rows_in_sight_on_the_page(page: Page, write: Callable[..., Path]) -> None:
    page.open(write(*varied(5000)))
    assert page.text("#shown") == "5,000"
    assert len(page.all(".finding")) < 40
    page.driver.execute_async_script(
        "const done = arguments[0]; document.getElementById('list').scrollTop = 1e9; setTimeout(done, 100)"
    )
    assert page.all(".finding")[-1].get_attribute("aria-posinset") == "5000"
    assert len(page.all(".finding")) < 40


def test_what_findings_say_is_shown_and_never_run(page: Page, write: Callable[..., Path]) -> None:
    attack = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 2'>@@SCRIPT@@"
    file = write(finding(message=attack, symbol=attack, fix=attack, evidence=(Step(f"{attack}.py", 3, attack),)))
    page.open(file)
    assert page.text("#detail h2") == attack
    assert page.run("return window.broken") is None
    assert page.all("#detail img") == []


def test_light_and_dark_follow_the_reader_and_the_button(page: Page, write: Callable[..., Path]) -> None:
    file = write(finding())
    light = page.open(file).ground()
    dark = page.prefers("dark").open(file).ground()
    assert light != dark
    page.one("#theme").click()
    assert page.ground() == light
    page.run("localStorage.clear()")


def test_on_a_phone_nothing_is_wider_than_the_screen_and_a_finding_opens_and_closes(
    page: Page, write: Callable[..., Path]
) -> None:
    page.width(PHONE).open(write(*varied(30)))
    assert page.run("return document.documentElement.scrollWidth") <= PHONE[0]
    assert not page.one("#detail").is_displayed()
    page.all(".finding")[1].click()
    assert page.one("#detail").is_displayed()
    assert page.run("const d = document.getElementById('detail'); return d.scrollWidth - d.clientWidth") <= 0
    page.one(".back").click()
    assert not page.one("#detail").is_displayed()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, (820, 1180), WIDE], ids=lambda size: str(size[0]))
def test_nothing_in_a_row_lies_over_something_else(
    page: Page, write: Callable[..., Path], size: tuple[int, int], scheme: str
) -> None:
    names = {"name": "collective-skipped-on-error", "rule": "LLM703"}
    path = "engine/models/flux3_image_weights_loader_of_the_distributed_worker.py"
    rows = [finding(number, path=path, line=437, **names, verdict=Verdict("confirmed", "seen")) for number in range(3)]
    page.width(size).prefers(scheme).open(write(*rows, *varied(9)))
    choose(page, "group", "rule")
    if page.one("#overview").is_displayed():
        assert not page.one("#aside").is_displayed()  # the list comes first
        page.one("#overview").click()
    assert page.one("#aside").is_displayed()
    assert page.run(OVERLAPS) == []
    assert page.run("return document.documentElement.scrollWidth") <= size[0]
    page.all(".finding")[1].click()
    assert page.run(OVERLAPS) == []


OVERLAPS = """
const pairs = [];
for (const row of document.querySelectorAll(".finding, .group, .bar, .top, .tools, .comment, .facts, .kind")) {
  const outer = row.getBoundingClientRect();
  if (!outer.width) continue;
  const isText = (part) => !part.children.length && part.textContent && part.tagName !== "OPTION";
  const texts = [...row.querySelectorAll("*")].filter((part) => isText(part) || part.tagName === "SELECT");
  const parts = texts.map((part) => [part.className, part.getBoundingClientRect()]).filter(([, box]) => box.width);
  for (const [name, box] of parts) {
    if (box.bottom > outer.bottom + 1 || box.right > outer.right + 1) pairs.push([name, "out of its row"]);
    for (const [other, its] of parts) {
      const beside = box.right <= its.left || its.right <= box.left;
      const apart = beside || box.bottom <= its.top + 0.5 || its.bottom <= box.top + 0.5;
      if (name < other && !apart) pairs.push([name, other]);
    }
  }
}
return pairs;
"""


def test_a_division_of_python_is_no_comment_and_a_comment_of_cpp_is_one(page: Page, write: Callable[..., Path]) -> None:
    file = write(finding())
    (file.parent / "engine" / "scheduler.py").write_text("half = a // b\n" * 15 + "half = a // b  # by two\n" * 9)
    (file.parent / "engine" / "pool.cpp").write_text("#include <a>\nint half = a / b; // by two\n")
    of_cpp = finding(1, path="engine/pool.cpp", line=2, evidence=())
    file.write_text(render("html", result_of(finding(), of_cpp), Style(root=str(file.parent))))
    page.open(file)
    assert [part.text for part in page.all(".lines .is-comment")] == ["// by two"]
    assert page.text("#comment") == "// llmlint: ignore[LLM801] why"
    page.press("j")
    assert {part.text for part in page.all(".lines .is-comment")} == {"# by two"}
    assert page.text("#comment") == "# llmlint: ignore[LLM801] why"


def test_a_clean_report_says_so(page: Page, write: Callable[..., Path]) -> None:
    page.open(write())
    assert "came back clean" in page.text("#rows")


def test_memory_of_a_traced_run_is_drawn_with_the_figures_of_a_moment(page: Page, write: Callable[..., Path]) -> None:
    samples = [[float(at), at, 1 << 34, 1 << 33, (64 + at) << 20, 32 << 20, 8 << 20] for at in range(10)]
    holder = Holder("engine/model.py:31 Model.step", [[8, 8, 64], [64, 64, 512]], True)
    timeline = Timeline(
        "process 7", "cuda:0", COLUMNS, samples, [holder], [Sizes("engine/model.py:9 f", 4, 10, 2, 2, 3)]
    )
    file = write()
    result = msgspec.structs.replace(result_of(), memory=[timeline])
    file.write_text(render("html", result, Style(root=str(file.parent))))
    page.open(file)
    assert page.one("#memory").is_displayed(), "a report of nothing but memory opens with it"
    assert (
        "16.0 GiB" in page.text(".figures")
        and "8.0 GiB" in page.text(".figures")
        and "8.0 MiB" in page.text(".figures")
    )
    assert len(page.all("#memory path.line")) == 3, (
        "what the machine has is not drawn where it would press all else flat"
    )
    page.one(".series-total").click()
    assert len(page.all("#memory path.line")) == 4
    page.one("#memory-at").send_keys(Keys.ARROW_LEFT)
    assert "8 steps" in page.text(".figures")
    assert "Model.step" in page.text("#memory tr.grows")


def test_a_report_without_a_traced_run_speaks_of_no_memory(page: Page, write: Callable[..., Path]) -> None:
    page.open(write(*varied(3)))
    assert not page.one("#measured").is_displayed() and not page.one("#memory").is_displayed()
