"""Takes the docs' pictures: `python docs/pictures.py [ISSUES]` (needs chromium, selenium and Graphviz).

Those of the study of bug reports only where ISSUES is given, a file that `llmlint issues` made.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

DOCS = Path(__file__).parent
IMAGES = DOCS / "images"
WIDE, TALL, PHONE = (1360, 900), (1360, 1345), (390, 844)

COLOURS = {
    "1": "font-weight:600",
    "2": "color:#8a94a6",
    "1;31": "color:#ff6b6b;font-weight:600",
    "1;33": "color:#e5c07b;font-weight:600",
    "1;36": "color:#56b6c2;font-weight:600",
    "31": "color:#ff6b6b",
    "32": "color:#98c379",
    "34": "color:#61afef",
    "35": "color:#c678dd",
    "36": "color:#56b6c2",
}
SCREEN = """<!doctype html><meta charset=utf-8><style>body { margin: 0; background: #1f2430 }
pre { display: inline-block; margin: 0; padding: 20px 26px; color: #d7dce5;
  font: 15px/1.35 "DejaVu Sans Mono", monospace }
</style><pre>%s</pre>"""


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "mini_engine"
        shutil.copytree(DOCS.parent / "examples" / "mini_engine" / "seeded", tree)
        (tree / "llmlint.toml").write_text("root = true\n")
        _graph(tree)
        browser = _browser(scratch)
        try:
            _terminal(browser, tree)
            _page(browser, tree)
            _fleet(browser, Path(scratch))
            if sys.argv[1:]:
                _study(browser, Path(sys.argv[1]).resolve(), Path(scratch) / "issues.html")
        finally:
            browser.quit()


def _graph(tree: Path) -> None:
    command = [sys.executable, "-P", "-m", "llmlint", "graph", "locks", "--no-cache"]
    graph = subprocess.run(command, cwd=tree, capture_output=True, check=True).stdout
    subprocess.run(["dot", "-Tsvg", "-o", str(IMAGES / "locks.svg")], input=graph, check=True)


def _browser(scratch: str) -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={scratch}/browser"):
        options.add_argument(flag)
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


def _scan(tree: Path, *arguments: str) -> str:
    command = [sys.executable, "-P", "-m", "llmlint", "scan", *arguments]
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": "92"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False).stdout


def _terminal(browser: webdriver.Chrome, tree: Path) -> None:
    arguments = ["thumbnails.py", "tool_calls.py"]
    text = html.escape(f"$ llmlint scan {' '.join(arguments)}\n{_scan(tree, *arguments)}")
    marked = re.sub(r"\x1b\[([\d;]+)m(.*?)\x1b\[0m", _span, text, flags=re.DOTALL)
    screen = tree.parent / "screen.html"
    screen.write_text(SCREEN % marked, encoding="utf-8")
    _resize(browser, (1100, 1000))
    browser.get(screen.as_uri())
    browser.find_element(By.TAG_NAME, "pre").screenshot(str(IMAGES / "terminal.png"))


def _span(painted: re.Match[str]) -> str:
    return f'<span style="{COLOURS[painted[1]]}">{painted[2]}</span>'


def _page(browser: webdriver.Chrome, tree: Path) -> None:
    _scan(tree, "-q", "--min-confidence", "low", "--output", "html:report.html")
    for name, size, scheme in (("page", WIDE, "light"), ("page-dark", WIDE, "dark"), ("page-phone", PHONE, "light")):
        _resize(browser, size)
        _prefer(browser, scheme)
        browser.get((tree / "report.html").as_uri())
        browser.save_screenshot(str(IMAGES / f"{name}.png"))


def _study(browser: webdriver.Chrome, store: Path, page: Path) -> None:
    command = [sys.executable, "-P", "-m", "llmlint", "issues", "report", "--db", str(store), "-o", f"html:{page}"]
    subprocess.run(command, check=True)
    for name, scheme in (("issues", "light"), ("issues-dark", "dark")):
        _resize(browser, TALL)
        _prefer(browser, scheme)
        browser.get(page.as_uri())
        browser.save_screenshot(str(IMAGES / f"{name}.png"))


def _prefer(browser: webdriver.Chrome, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


HISTORY = (
    ("seeded", "block_tables caches grammars kv_cache group scheduler", "An engine"),
    ("seeded", "outputs pictures prefix_key", "Outputs, pictures and a prefix cache"),
    ("clean", "kv_cache", "Fix blocks that a failed allocation kept"),
    ("seeded", "thumbnails tool_calls usage", "Tool calls"),
    ("clean", "caches", "Caches have a bound"),
    ("clean", "grammars", "[Bugfix] A grammar that refuses a token ends its request"),
    ("clean", "group", "Fix a hang at start-up when a rank is gone"),
    ("clean", "scheduler", "Fix requests left behind by a reset"),
    ("", "pictures", "Pictures have gone to a service of their own"),
    ("clean", "usage", "Fix usage of long answers"),
    ("seeded", "write_back matching", "Write back"),
)
"""Of a small engine: whose state of which files, and what the commit says. One every nine days."""


def _fleet(browser: webdriver.Chrome, scratch: Path) -> None:
    engine = scratch / "engine"
    engine.mkdir()
    _git(engine, "init", "--quiet")
    for number, (state, names, subject) in enumerate(HISTORY):
        for name in names.split():
            file = DOCS.parent / "examples" / "mini_engine" / (state or ".") / f"{name}.py"
            shutil.copy(file, engine) if state else (engine / file.name).unlink()
        day = f"{date(2025, 1, 6) + timedelta(days=9 * number)}T12:00:00+00:00"
        _git(engine, "add", "--all")
        _git(engine, "commit", "--quiet", "--message", subject, GIT_COMMITTER_DATE=day, GIT_AUTHOR_DATE=day)
    fleet = scratch / "fleet.toml"
    fleet.write_text('min-confidence = "low"\n\n[[repository]]\nname = "mini-engine"\nsource = "engine"\nevery = 1\n')
    command = [sys.executable, "-P", "-m", "llmlint", "fleet", str(fleet), "--html", str(scratch / "fleet.html")]
    subprocess.run([*command, "--jobs", "1", "--cache-dir", str(scratch / "fleet-cache")], check=True)
    for name, size, scheme in (("fleet", WIDE, "light"), ("fleet-dark", WIDE, "dark")):
        _resize(browser, (size[0], 1250))
        _prefer(browser, scheme)
        browser.get((scratch / "fleet.html").as_uri())
        browser.save_screenshot(str(IMAGES / f"{name}.png"))


def _git(folder: Path, *arguments: str, **environment: str) -> None:
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, env={**os.environ, **who, **environment})


def _resize(browser: webdriver.Chrome, size: tuple[int, int]) -> None:
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


if __name__ == "__main__":
    main()
