"""LLM971 in C++: what a client or a peer sent as text, used as if it said what is expected of it.

`parse`: what reads it throws, and nothing here catches that. `pattern`: std::regex is made of it, which goes as deep as
the text it is asked about is long. `path`: it names the file that is opened, and nobody looked at it.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.flow.arrivals import Arrival, way_of
from llmlint.code.flow.outside import arrivals_in
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report, Step

_DOES = {
    "parse": "throws where it says something else, and nothing here catches that",
    "pattern": "makes a pattern of what somebody else wrote",
    "path": "opens the file that somebody else names, and nobody looked at the name",
}
_FIXES = {
    "parse": "catch what it throws, and answer that the text is wrong",
    "pattern": "take a library whose patterns need no stack (RE2), and catch the error of a pattern that is none",
    "path": "refuse names with a separator or `..` in them, or compare the whole path with the folder",
}
_REASONS = {
    "parse": "what calls this function may catch it",
    "pattern": "a client may only slow down or end what serves it",
    "path": "who sends the text may be trusted with any file",
}


def of_texts(file: SourceFile) -> Iterator[Report]:
    for arrival in arrivals_in(file):
        if arrival.how in _DOES and not (arrival.how == "parse" and _is_caught_above(file, arrival)):
            yield _report(file, arrival)


def _is_caught_above(file: SourceFile, arrival: Arrival) -> bool:
    """Is the function called under a handler in this file?"""
    name = arrival.function.name
    tried = (
        inner for one in nodes(file.tree, tree.Try) if one.handlers for part in one.body for inner in tree.walk(part)
    )
    return any(isinstance(n, tree.Call) and tree.path_of(n.function).rpartition(".")[2] == name for n in tried)


def _report(file: SourceFile, arrival: Arrival) -> Report:
    how, source = arrival.how, arrival.source
    return Report(
        place_of(arrival.at),
        qualname_at(file.facts, arrival.at.line),
        f"{arrival.by} of {arrival.place} ({source.what}) {_DOES[how]}",
        (
            Step("", source.at.line, f"it comes in by {source.call}"),
            *way_of(arrival),
            Step("", arrival.at.line, f"{arrival.by} {_DOES[how]}"),
        ),
        confidence="low",
        reason=_REASONS[how],
        subject=f"{arrival.place}:{how}",
        fix=_FIXES[how],
        mechanism=f"unhandled_client_input.{how}",
    )
