"""LLM303: a kernel that is launched without a stream, in code of torch, where work belongs on the current stream.

Told on the text, since half of such launches stand in macros.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.whereabouts import qualname_at
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Place, Report, Step

_LAUNCH = re.compile(r"<<<(?P<asked>(?:[^<>;{}]|<[^<>;{}]*>|->|<<(?!<)|>>(?!>))*?)>>>")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TEMPLATE = re.compile(r"<[^<>()]*>")
_NO_BRACKET = re.compile(r"->|<<|>>")
_OF_TORCH = re.compile(r"\b(?:torch|at)::Tensor\b")
_STREAM = 4
"""The stream is the fourth thing that a launch is told."""


def check_file(file: SourceFile) -> Iterator[Report]:
    if file.facts.language == "python" or "<<<" not in file.text or not _OF_TORCH.search(file.text):
        return
    text = _COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), file.text)
    for launch in _LAUNCH.finditer(text):
        if _parts(_TEMPLATE.sub("", _NO_BRACKET.sub(" ", launch["asked"]))) < _STREAM:
            yield _report(file, text, launch.start())


def _parts(text: str) -> int:
    """How many things stand between the commas that are in no brackets."""
    depth, parts = 0, 1
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        parts += character == "," and depth == 0
    return parts


def _report(file: SourceFile, text: str, at: int) -> Report:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return Report(
        Place("", line, column, line),
        qualname_at(file.facts, line),
        "a kernel on torch's tensors is launched without a stream: it runs on the default one, whichever is current",
        (Step("", line, "the launch names no stream"),),
        confidence="low",
        reason="it does harm only where another stream is current: while a graph is recorded, or beside a side stream",
        subject="launch",
        fix="launch it on at::cuda::getCurrentCUDAStream()",
    )
