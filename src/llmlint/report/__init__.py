"""One module a format. Each offers `render(result, style) -> str`; the table below finds it by name."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from llmlint.plain import plain, plain_json, without_commands

if TYPE_CHECKING:
    from llmlint.scan import ScanResult


class Style(msgspec.Struct, frozen=True):
    """How to write: where lines end, with colour and links or without."""

    width: int = 100
    color: bool = False
    links: bool = False
    statistics: bool = False
    show_suppressed: bool = False
    root: str = "."
    sarif_category: str = ""
    made: str = ""
    """When and by which command, for reports that are kept."""


class Format(Protocol):
    def render(self, result: ScanResult, style: Style) -> str: ...


FORMATS = {
    "text": "llmlint.report.text",
    "concise": "llmlint.report.concise",
    "json": "llmlint.report.json",
    "jsonl": "llmlint.report.jsonl",
    "sarif": "llmlint.report.sarif",
    "github": "llmlint.report.github",
    "gitlab": "llmlint.report.gitlab",
    "junit": "llmlint.report.junit",
    "html": "llmlint.report.html",
    "markdown": "llmlint.report.markdown",
}


def render(name: str, result: ScanResult, style: Style) -> str:
    """The report, in which what comes from the scanned tree is only ever text."""
    module = cast(Format, importlib.import_module(FORMATS[name]))
    if name in _OF_DATA:
        return plain_json(module.render(result, style))
    if name == "html":
        return module.render(result, style)
    text = module.render(_plain_result(result), style)
    return text if name == "github" else without_commands(text)


_OF_DATA = ("json", "jsonl", "sarif", "gitlab")


def _plain_result(result: ScanResult) -> ScanResult:
    told = ("findings", "problems", "faults", "warnings", "errors", "comparison")
    return msgspec.structs.replace(result, **{name: plain(getattr(result, name)) for name in told})
