"""What a tree's names, lines and comments say is text in every report: nothing obeys it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from serving_code import NOOP

from llmlint.findings import Finding, Step, Suppression
from llmlint.plain import one_line, plain_json, without_commands
from llmlint.report import FORMATS, Style, render
from llmlint.scan import Counts, ScanResult

from .conftest import llmlint

HOSTILE = [
    "\x1b]0;title\x07\x1b[2J",
    "\x9b31m",
    "\u202eevil\u2066",
    "a\rb",
    "a\n::error::pwned",
    "::set-output name=a::pwned",
    "##[error]pwned",
    "##vso[task.setvariable]pwned",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "`</code><b>`",
    "](javascript:alert(1))",
    "@everyone #1 https://evil.example www.evil.example",
    "]]>",
    "\ud800",
    "\x00",
    "\u2028\u2029\x85\x0b\x0c",
    "\U000e0041",
    "=cmd|' /C calc'!A0",
]

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\U000e0041]")


def finding(text: str) -> Finding:
    return Finding(
        rule="LLM802",
        name="noop-restore",
        causes=(),
        path=f"{text}.py",
        line=1,
        column=1,
        end_line=1,
        end_column=2,
        symbol=text,
        severity="P1",
        confidence="high",
        confidence_reason=text,
        message=text,
        evidence=(Step(f"{text}.py", 1, text), Step("other.py", 2, text)),
        fingerprint="0" * 20,
        fix=text,
        suppressed=Suppression("comment", text),
    )


def rendered(name: str, text: str) -> str:
    if name in ("json", "jsonl", "sarif", "gitlab"):  # facts hold no lone surrogates: see test_no_input_ends_the_scan
        text = text.encode("utf-8", "replace").decode()
    result = ScanResult([finding(text)], Counts(scanned=1), faults=[text], warnings=[text])
    return render(name, result, Style(show_suppressed=True))


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
@pytest.mark.parametrize("name", FORMATS)
def test_no_format_lets_through_what_is_obeyed(name: str, text: str) -> None:
    out = rendered(name, text)
    assert _OBEYED.search(out) is None
    if name == "html":  # its own script may hold anything
        out = out[out.index("id=") :]
    own = re.compile(r"^::(error|warning|notice)( file=[^:]*)?::") if name == "github" else re.compile(r"(?!)")
    for line in out.split("\n"):
        if not own.match(line):
            assert not line.lstrip().startswith("::")
            assert "##[" not in line
            assert "##vso[" not in line


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_what_a_parser_makes_of_it_is_the_text_itself(text: str) -> None:
    clean = text.encode("utf-8", "replace").decode()
    assert json.loads(rendered("json", text))["findings"][0]["message"] == clean
    assert json.loads(rendered("jsonl", text))["message"] == clean
    assert json.loads(rendered("gitlab", text))[0]["description"].endswith(clean)
    assert clean in json.loads(rendered("sarif", text))["runs"][0]["results"][0]["message"]["text"] or re.search(
        r"[\[\]]", text
    )
    root = ElementTree.fromstring(rendered("junit", text).replace("\\x3a:", "::"))
    assert len(list(root.iter("testcase"))) == 2  # the finding and the fault, and nothing that the text made


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_markdown_and_html_hold_no_markup_of_the_text(text: str) -> None:
    markdown = rendered("markdown", text)
    assert not re.search(r"<(?!/?(details|summary|b|br|code)>|!-- -->)", markdown)
    assert not re.search(r"@(?!<!-- -->)|(?<!:<!-- -->)//(?!\s)|www\.", markdown)
    page = rendered("html", text)
    assert page.lower().count("<script") == rendered("html", "plain").lower().count("<script")
    assert "<img" not in page


@pytest.mark.parametrize("name", ["text", "concise"])
def test_a_hostile_text_makes_no_line_of_its_own(name: str) -> None:
    lines = rendered(name, "plain").count("\n")
    for text in HOSTILE[:7]:
        assert rendered(name, text).count("\n") == lines


def test_a_tree_of_hostile_names_and_comments(tree: Path) -> None:
    names = [text.replace("/", "") for text in HOSTILE if "\0" not in text and "\ud800" not in text]
    for name in names:
        (tree / f"{name}.py").write_text(f"{NOOP}# {name} llmlint: ignore[{name}] {name}\n")
    (tree / "c.cpp").write_text("/* llmlint: ignore[x\n::error::pwn] */\nint x;\n")
    for name in FORMATS:
        done = llmlint(tree, "scan", ".", "--format", name, "--output", f"{name}:out")
        assert done.returncode == 1
        for told in (done.stdout, done.stderr, (tree / "out").read_text()):
            assert _OBEYED.search(told.replace("\r\n", "\n")) is None
            own = name == "github" and told is not done.stderr
            assert own or not re.search(r"^\s*::", told, re.MULTILINE)


def test_lines_are_counted_as_the_scan_counts_them(tree: Path) -> None:
    """A form feed, a unit separator and U+2028 end no line."""
    signs = "'\u2028 \x1c \x85'"
    (tree / "pool.py").write_text(f"import os\n\x0c\n{signs}\n{NOOP}", encoding="utf-8")
    assert 'logger.info("restoring' in llmlint(tree, "scan", ".").stdout


def test_spelt_out_texts_are_still_told_apart() -> None:
    assert one_line("a\nb\x1b\u202e\U000e0041\ttab") == "a\\nb\\x1b\\u202e\\U000e0041\ttab"
    assert without_commands(" ::error::x\na::b ##[x] ## [y]") == " \\x3a:error::x\na::b #\\x23[x] ## [y]"
    text = msgspec.json.encode({"a": "##[\u202e\U000e0041"}).decode()
    assert json.loads(plain_json(text)) == json.loads(text)
