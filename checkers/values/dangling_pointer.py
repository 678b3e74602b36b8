"""LLM961: a pointer, reference, view or iterator that is used after what it leads to has gone.

What goes: a local at the end of its scope, a temporary at the end of its statement, the elements of a container that
may have grown or shrunk, an object that was moved from, and what was freed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.code.domain.lifetimes_of_file import Met, met_in
from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Place, Report, Step

_IS_ITS_END = re.compile(
    r"free|destr|~|__del__|delete|dealloc|deinit|deconstruct|release|clean_?up|unload|tear_?down|shutdown|exit",
    re.IGNORECASE,
)
_SAYS = {
    "ended": "{owner} ends here, and what leads into it stays",
    "outgrown": "{owner} may have moved its elements here",
    "temporary": "the string that it leads into ends with this statement",
    "moved": "it is moved from here",
    "freed": "it is freed here",
}
_MEETS = {
    "read": "it is used here",
    "returned": "it is returned",
    "kept": "the function ends here, and it is still kept",
    "detached": "the thread goes on by itself from here",
}


def check_file(file: SourceFile) -> Iterator[Report]:
    for met in met_in(file):
        if met.seen.fate.kind != "unset" and met.seen.how in _MEETS and not _ends_by_name(met):
            yield _report(file, met)


def _ends_by_name(met: Met) -> bool:
    """Who ends an object may leave freed pointers in it."""
    seen = met.seen
    if seen.how != "kept" or seen.fate.kind != "freed":
        return False
    owner = met.function.owner.rpartition(".")[2]
    return bool(_IS_ITS_END.search(met.function.name)) or met.function.name == f"~{owner}"


def _report(file: SourceFile, met: Met) -> Report:
    seen, fate = met.seen, met.seen.fate
    name = seen.name if not seen.name.isdigit() else fate.owner
    what = _SAYS[fate.kind].format(owner=fate.owner or "what it leads to")
    at = place_of(seen.node) if seen.how != "kept" else Place("", fate.line, fate.column)
    steps = [Step("", fate.line, what)]
    if fate.lent and fate.lent != fate.line:
        steps.insert(0, Step("", fate.lent, f"from here {name} leads into {fate.owner}"))
    end = seen.node.end_line if seen.how == "kept" and seen.node is met.function else seen.node.line
    steps.append(Step("", end, _MEETS[seen.how]))
    return Report(
        at,
        qualname_at(file.facts, fate.line),
        _message(name, met),
        tuple(steps),
        confidence="medium",
        reason="on every way that leads there" if fate.sure else "on some of the ways that lead there",
        subject=f"{met.function.name}.{name}",
        mechanism=f"dangling_pointer.{fate.kind}",
    )


def _message(name: str, met: Met) -> str:
    seen, fate = met.seen, met.seen.fate
    match seen.how, fate.kind:
        case "returned", _:
            return f"what is returned leads into {fate.owner or 'a temporary'}, which ends with the function"
        case "kept", "freed":
            return f"{name} keeps a pointer that was freed"
        case "kept", _:
            return f"{name} keeps the address of {fate.owner}, which ends with the function"
        case "detached", _:
            return f"a thread that was let go refers to {fate.owner}, which ends with the function"
        case _, "moved":
            return f"{name} is used after it was moved from"
        case _, "freed":
            return f"{name} is used after it was freed"
        case _, "temporary":
            return f"{name} leads into a temporary that is gone"
        case _, "outgrown":
            return f"{name} leads into {fate.owner}, which has changed since"
    return f"{name} leads into {fate.owner}, which has ended"
