"""The page of a fleet: what it tells, that it loads nothing, and how it looks in a real browser."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from serving_code import ALL_SHOWN, NOOP

from llmlint.cli import main

pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install -e '.[dev]'")
pytest.importorskip("duckdb", reason="duckdb is not installed: pip install -e '.[dev]'")

from llmlint.fleet.story import ProjectStory, stories

from .conftest import History


@pytest.fixture
def page(history: History, fleet_file: Path) -> Path:
    history.commit("A pool of <b>tokens</b>", serving__tokens=NOOP.replace("Pool", "Tokens"))
    fleet_file.write_text(f'{ALL_SHOWN}[[repository]]\nname = "engine"\nsource = "engine"\nevery = 1\n')
    file = fleet_file.parent / "page.html"
    command = ["fleet", str(fleet_file), "--jobs", "1", "--cache-dir", str(fleet_file.parent / "cache")]
    assert CliRunner().invoke(main, [*command, "--html", str(file)], catch_exceptions=False).exit_code == 0
    return file


def story(page: Path) -> ProjectStory:
    [told] = stories(page.parent / "fleet-data")
    return told


def test_counts_follow_the_revisions(page: Path) -> None:
    counts = {rule.rule: rule.counts for rule in story(page).rules}
    assert counts == {"LLM801": (1,) * 8, "LLM802": (1, 1, 2, 1, 1, 0, 0, 1)}


def test_each_end_is_counted_once(page: Path) -> None:
    ends = {rule.rule: rule.ends for rule in story(page).rules}
    assert ends["LLM802"] == {"fix": 1, "changed": 0, "removed": 1, "": 1}
    assert ends["LLM801"] == {"fix": 0, "changed": 0, "removed": 0, "": 1}


def test_what_is_there_counts_for_as_long_as_it_is(page: Path) -> None:
    half = {rule.rule: rule.half_life for rule in story(page).rules}
    assert half == {"LLM801": None, "LLM802": 3}


def test_what_was_fixed_and_what_is_new_is_listed(page: Path) -> None:
    told = story(page)
    assert [life.path for life in told.fixed] == ["serving/pool.py"]
    assert [life.path for life in told.new] == ["serving/tokens.py"]


def test_the_page_loads_and_runs_nothing_and_shows_text_as_text(page: Path) -> None:
    text = page.read_text()
    assert "default-src 'none'" in text and "<script" not in text
    assert not re.search(r'(?:src|href)="(?!https://llmlint\.)', text)
    assert "<b>tokens</b>" not in text


# ---------------------------------------------------------------- in a browser


@pytest.fixture
def driver() -> Iterator[object]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install -e '.[dev]'")
    browser, control = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not control:
        pytest.skip("chromium is not installed: run `make tools` (apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        for flag in ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={scratch}"):
            options.add_argument(flag)
        from selenium.webdriver.chrome.service import Service

        opened = webdriver.Chrome(options=options, service=Service(control))
        yield opened
        opened.quit()


def test_a_browser_shows_it_without_a_complaint_wide_and_narrow(page: Path, driver: object) -> None:
    from selenium.webdriver import Chrome

    assert isinstance(driver, Chrome)
    for width in (1360, 390):
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 800}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        driver.get(page.as_uri())
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        drawn = driver.execute_script("return document.querySelector('polygon').getBBox().height")
        coloured = driver.execute_script("return getComputedStyle(document.querySelector('polygon')).fill")
        assert drawn > 50 and coloured != "rgb(0, 0, 0)"
    assert driver.get_log("browser") == []
