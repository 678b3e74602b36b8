"""LLM303: a kernel that is launched without a stream, where there is one that it belongs on.

Two mechanisms. The function has a stream at hand, as it is given one or has asked for the current one, and launches
beside it. And in code of torch work belongs on the current stream, whichever that is. Told on the text, since half of
such launches stand in macros.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.whereabouts import innermost_at, qualname_at
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Place, Report, Step

_LAUNCH = re.compile(r"<<<(?P<asked>(?:[^<>;{}]|<[^<>;{}]*>|->|<<(?!<)|>>(?!>))*?)>>>")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_TEMPLATE = re.compile(r"<[^<>()]*>")
_NO_BRACKET = re.compile(r"->|<<|>>")
_OF_TORCH = re.compile(r"\b(?:torch|at)::Tensor\b")
_A_STREAM = re.compile(
    r"(?:const )?(?:\w+::)*(?:(?:cuda|hip|musa|gpu)Stream_t|CUstream|(?:CUDA|HIP)Stream)(?: const)? ?&?"
)
"""A parameter's type: one stream, and no array of some."""
_ASKED = re.compile(r"\b(?P<name>\w+)\s*(?:=[^;]*?)?\bgetCurrent(?:CUDA|HIP)Stream\w*\s*\(")
_WAITS = ("cudaDeviceSynchronize", "hipDeviceSynchronize", "musaDeviceSynchronize")
_STREAM = 4
"""The stream is the fourth thing that a launch is told."""


def check_file(file: SourceFile) -> Iterator[Report]:
    if file.facts.language == "python" or "<<<" not in file.text:
        return
    is_of_torch = _OF_TORCH.search(file.text) is not None
    text = _COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), file.text)
    beside: dict[tuple[str, str], list[Place]] = {}
    for launch in _LAUNCH.finditer(text):
        if _parts(_TEMPLATE.sub("", _NO_BRACKET.sub(" ", launch["asked"]))) >= _STREAM:
            continue
        place = _place(text, launch.start())
        stream = _stream_at_hand(file, text, launch.start(), place.line)
        if stream and _is_waited_for(file, text, launch, place.line, stream):
            continue
        if stream:
            beside.setdefault((qualname_at(file.facts, place.line), stream), []).append(place)
        elif is_of_torch:
            yield _off_current(file, place)
    for (symbol, stream), places in beside.items():
        yield _beside(symbol, stream, places)


def _place(text: str, at: int) -> Place:
    line = text.count("\n", 0, at) + 1
    return Place("", line, at - (text.rfind("\n", 0, at) + 1) + 1, line)


def _stream_at_hand(file: SourceFile, text: str, at: int, line: int) -> str:
    """The stream that the function around a launch is given, or has asked for by then; by its name."""
    function = innermost_at(file.facts, line)
    if function is None:
        return ""
    given = next((param.name for param in function.params if param.name and _A_STREAM.fullmatch(param.annotation)), "")
    begins = sum(len(one) for one in text.splitlines(keepends=True)[: function.line - 1])
    asked = _ASKED.search(text, begins, at)
    return given or (asked["name"] if asked is not None else "")


def _is_waited_for(file: SourceFile, text: str, launch: re.Match[str], line: int, stream: str) -> bool:
    """Does the function wait for the whole device behind the launch, and put nothing on the stream before that?"""
    function = innermost_at(file.facts, line)
    rows = text.splitlines(keepends=True)
    if function is None:
        return False
    begins, ends = (sum(map(len, rows[:row])) for row in (function.body_line - 1, function.end_line))
    waits = re.compile(rf"\b(?:{'|'.join(_waiting(file))})\s*\(").search(text, launch.end(), ends)
    return waits is not None and re.search(rf"\b{stream}\b", text[begins : waits.start()]) is None


def _waiting(file: SourceFile) -> Iterator[str]:
    """The names of what waits for the whole device whatever it does else: the library's calls, and functions around."""
    yield from _WAITS
    for function in file.facts.functions:
        if any(effect.callee.lstrip("~") in _WAITS and not effect.region for effect in function.effects):
            yield re.escape(function.name)


def _parts(text: str) -> int:
    """How many things stand between the commas that are in no brackets."""
    depth, parts = 0, 1
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        parts += character == "," and depth == 0
    return parts


def _beside(symbol: str, stream: str, places: list[Place]) -> Report:
    return Report(
        places[0],
        symbol,
        f"a kernel is launched without {stream}, which is at hand: it runs on the default stream, and "
        f"{stream} does not wait for it",
        tuple(Step("", place.line, "the launch names no stream") for place in places[:4]),
        confidence="high",
        reason=f"whoever goes on with {stream}, or waits for it, takes this kernel to be a part of it",
        subject="launch",
        fix=f"name {stream} as the fourth thing of the launch",
    )


def _off_current(file: SourceFile, place: Place) -> Report:
    return Report(
        place,
        qualname_at(file.facts, place.line),
        "a kernel on torch's tensors is launched without a stream: it runs on the default one, whichever is current",
        (Step("", place.line, "the launch names no stream"),),
        confidence="low",
        reason="it does harm only where another stream is current: while a graph is recorded, or beside a side stream",
        subject="launch",
        fix="launch it on at::cuda::getCurrentCUDAStream()",
    )
