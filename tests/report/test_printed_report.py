"""What a scan prints, as people see it: runs of the command, at a terminal and in a pipe, kept in `printed/`.

`LLMLINT_UPDATE=1 pytest tests/report/test_printed_report.py` writes the files anew, to be read before they are kept.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from serving_code import ALL_SHOWN, CLEAN, LEFT, NOOP
from terminal import COMMAND, on_a_terminal

PRINTED = Path(__file__).parent / "printed"

WAITS = '''"""Asks other nodes."""

import requests

LIMITS = {"名前": 1}


class Peer:
\tdef fetch(self, url):
\t\t# answered by whoever serves the model's files, in another data centre and through two proxies, which is slow
\t\treturn requests.get(url, headers={"accept": "application/json", "x-model": "a name"}, allow_redirects=False).json()
'''

SELECT = ("--select", "LLM204,LLM701,LLM801,LLM802")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Code of a benchmark: told with low confidence whatever readings of the rules say, so that the words stay."""
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "llmlint.toml").write_text(f'root = true\n{ALL_SHOWN}severity = {{ LLM802 = "P0", LLM204 = "P2" }}\n')
    for name, text in {"pool": NOOP, "scheduler": LEFT, "clean": CLEAN, "peer": WAITS}.items():
        (tmp_path / "benchmarks" / f"{name}.py").write_text(text)
    return tmp_path


def piped(folder: Path, *arguments: str, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env={**kept, **environment}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout


def kept_as(name: str, text: str) -> None:
    """Seconds differ, and escapes are written so that they can be read."""
    text = re.sub(r"\d+\.\d s\.", "0.1 s.", text.replace("\r\n", "\n")).replace("\x1b", "␛")
    file = PRINTED / f"{name}.txt"
    if os.environ.get("LLMLINT_UPDATE"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_in_a_pipe(tree: Path) -> None:
    kept_as("pipe", piped(tree, "scan", *SELECT))


@pytest.mark.parametrize("columns", [80, 200])
def test_at_a_terminal(tree: Path, columns: int) -> None:
    kept_as(f"terminal-{columns}", on_a_terminal(tree, "scan", *SELECT, columns=columns, NO_COLOR="1"))


def test_in_colour(tree: Path) -> None:
    kept_as("colour", on_a_terminal(tree, "scan", *SELECT))


def test_nothing_found(tree: Path) -> None:
    kept_as("clean", piped(tree, "scan", "benchmarks/clean.py", *SELECT))


def test_what_is_known_and_what_is_silenced_are_counted_apart(tree: Path) -> None:
    (tree / "benchmarks" / "pool.py").write_text(f"# llmlint: ignore-file[LLM802] blocks are counted\n{NOOP}")
    subprocess.run([*COMMAND, "baseline", "write", "benchmarks/peer.py"], cwd=tree, check=True, capture_output=True)
    kept_as("known", piped(tree, "scan", *SELECT, "--baseline", "llmlint-baseline.json"))


def test_the_worst_comes_first(tree: Path) -> None:
    heads = re.findall(r"^(LLM\d+) ", piped(tree, "scan", *SELECT), re.MULTILINE)
    assert heads == ["LLM802", "LLM801", "LLM204"]


def test_what_is_said_of_one_line_in_many_files_is_printed_once(tree: Path) -> None:
    for at in range(6):
        (tree / "benchmarks" / f"peer_{at}.py").write_text(WAITS)
    printed = piped(tree, "scan", "--select", "LLM204")
    assert printed.count("LLM204 unbounded-wait:") == 1 and "7 findings" in printed
    assert "also: benchmarks/peer_0.py:11, benchmarks/peer_1.py:11, benchmarks/peer_2.py:11 and 3 places more" in (
        " ".join(printed.split())
    )
    assert piped(tree, "scan", "--select", "LLM204", "--format", "concise").count("LLM204") == 7


def test_what_is_said_of_many_functions_of_one_name_is_printed_once(tree: Path) -> None:
    for at in range(6):
        (tree / "benchmarks" / f"peer_{at}.py").write_text(WAITS.replace("(url,", f"('http://node-{at}' + url,"))
    printed = piped(tree, "scan", "--select", "LLM204")
    assert printed.count("LLM204 unbounded-wait:") == 1 and "7 findings" in printed


def test_a_few_functions_of_one_name_are_printed_one_by_one(tree: Path) -> None:
    for at in range(2):
        (tree / "benchmarks" / f"peer_{at}.py").write_text(WAITS.replace("(url,", f"('http://node-{at}' + url,"))
    assert piped(tree, "scan", "--select", "LLM204").count("LLM204 unbounded-wait:") == 3
