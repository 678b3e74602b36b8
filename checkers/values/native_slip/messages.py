"""Messages with more or fewer places than there are values for them.

Compilers count for printf and its like alone; a project's own macros and functions, and fmt where the text is looked at
when the program runs, are told by how they are called.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.checkers.contracts.slips import Slip
from llmlint.checkers.values.native_slip.code import Code
from llmlint.code.syntax import tree

_KNOWN = {
    re.compile(r"(?:fmt|std)\.(?:format|print|println)|SPDLOG_(?:TRACE|DEBUG|INFO|WARN|ERROR|CRITICAL)"): 0,
    re.compile(r"SPDLOG_LOGGER_(?:TRACE|DEBUG|INFO|WARN|ERROR|CRITICAL)|XLOGF"): 1,
}
"""Which argument is a text of fmt's: fmt.dev/latest/api, spdlog's wiki, folly/logging/docs/Usage.md."""
_COUNTED_BY_COMPILERS = re.compile(r"(?:std\.)?(?:v?[fs]?n?w?printf|v?[fs]?w?scanf|sscanf_s|snprintf_s|asprintf)")
_CONVERSION = re.compile(r"%(?:%|[-+ #0']*(\*|\d+)?(?:\.(\*|\d+)?)?(?:hh|h|ll|l|j|z|t|L|q)?([diouxXeEfFgGaAcspn]))")
_WIDTH_MACRO = re.compile(r'"\s*PRI[a-zA-Z0-9]+\s*(?:"|\Z)')
_JOINED = re.compile(r'"\s*"')
_FIELD = re.compile(r"\{([^{}]*)\}")
_FEWEST = 4
_FEWEST_WITH_VALUES = 2
"""So many calls of a name have to fit before it is known what its texts are, and fewer where the call gives values."""
_MOSTLY = 2


class _Message(NamedTuple):
    call: tree.Call
    form: tuple[str, int, str]
    """Who is called, which argument the text is, and how its places are written."""
    places: int
    values: int


class Messages:
    """All calls of a file that are given a text and values for it."""

    def __init__(self, calls: list[tree.Call], code: Code) -> None:
        self._all = [message for call in calls for message in _messages(call, code)]
        self._fits = Counter(one.form for one in self._all if one.places == one.values > 0)
        self._others = Counter(one.form for one in self._all if one.places != one.values)

    def uneven(self) -> Iterator[_Message]:
        return (one for one in self._all if one.places != one.values and (_is_known(one.form) or self._is_learnt(one)))

    def _is_learnt(self, one: _Message) -> bool:
        """Without a place, further values may be joined to the text, or be no values of it."""
        fewest = _FEWEST_WITH_VALUES if one.values else _FEWEST
        return one.places > 0 and self._fits[one.form] >= max(fewest, _MOSTLY * self._others[one.form])


def _is_known(form: tuple[str, int, str]) -> bool:
    name, at, style = form
    return style == "{}" and any(known.fullmatch(name) and at == place for known, place in _KNOWN.items())


def value_missing(messages: Messages) -> Iterator[Slip]:
    """What is printed for the last places lies somewhere in memory, or the formatter throws."""
    for one in messages.uneven():
        if one.places > one.values:
            yield Slip(
                one.call, f"the text has {one.places} places, and {one.values} values are given", "give the rest"
            )


def value_not_shown(messages: Messages) -> Iterator[Slip]:
    for one in messages.uneven():
        if one.places < one.values:
            says = f"{one.values} values are given to a text that has {one.places} places for them"
            yield Slip(one.call, says, "write a place for each")


def _messages(call: tree.Call, code: Code) -> Iterator[_Message]:
    at = next((number for number, given in enumerate(call.args) if _is_text(given)), None)
    name = tree.path_of(call.function) if at is not None else ""
    if at is None or not name or _COUNTED_BY_COMPILERS.fullmatch(name):
        return
    text = call.args[at]
    assert isinstance(text, tree.Literal)
    values = len(call.args) - at - 1
    if "..." in code.text(call)[-5:] or any(map(_may_be_several, call.args[at + 1 :])):
        return
    for style, count in (("%", _conversions(text.text)), ("{}", _fields(text.text))):
        if count is not None and (count or values):
            yield _Message(call, (name, at, style), count, values)


def _may_be_several(argument: tree.Node) -> bool:
    """A macro puts in its place what it likes: `STR_ARGS(s)` may be a length and a pointer."""
    return isinstance(argument, tree.Call) and tree.path_of(argument.function).isupper()


def _is_text(node: tree.Node) -> bool:
    return isinstance(node, tree.Literal) and node.kind == "string" and not node.text.startswith(("R", "L"))


def _conversions(text: str) -> int | None:
    """How many values a text of printf's takes; None where that cannot be told."""
    said = _JOINED.sub("", _WIDTH_MACRO.sub("d", text))
    if '"' in said.replace('\\"', "") or "%" in _CONVERSION.sub("", said) or _FIELD.search(said):
        return None
    found = [match for match in _CONVERSION.finditer(said) if match[3]]
    return sum(1 + (match[1] == "*") + (match[2] == "*") for match in found)


def _fields(text: str) -> int | None:
    """The same of fmt's, where the places bear no numbers and no names."""
    said = _JOINED.sub("", text).replace("{{", "").replace("}}", "")
    if '"' in said.replace('\\"', "") or "{" in _FIELD.sub("", said) or _CONVERSION.search(said):
        return None
    inside = _FIELD.findall(said)
    return len(inside) if all(not one or one.startswith(":") for one in inside) else None
