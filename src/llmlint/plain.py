"""Text of the scanned tree as plain data: what a terminal, a build server or a reader's eye would obey is spelt out.

A name, a line of code, a message or the reason of a suppression may hold escapes that move the cursor, marks that turn
the direction of writing, line ends that begin a line of their own choice, and words that GitHub, Azure or TeamCity take
for commands. Each report goes through here once, in `llmlint.report.render`.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

_OBEYED = "\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
_UNSEEN = "\U000e0000-\U000e007f"
"""Tags: letters that no font shows."""

_NOT_PLAIN = re.compile(f"[{_OBEYED}{_UNSEEN}]")
_NOT_PLAIN_IN_JSON = re.compile(f"[{_OBEYED}{_UNSEEN}]".replace("\x00-\x08\x0a-\x1f", ""))
_SHORT = {"\n": "\\n", "\r": "\\r"}

_COMMAND = re.compile(r"^(\s*)::", re.MULTILINE)
_SERVICE_COMMAND = re.compile(r"##(?=\w*\[)")


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def one_line(text: str) -> str:
    """The text with everything that is more than text spelt out, so that it stays on the line it is put on."""
    return _NOT_PLAIN.sub(_spelt, text) if _NOT_PLAIN.search(text) else text


def _spelt(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in _SHORT:
        return _SHORT[match[0]]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def plain(value: Any) -> Any:
    """The same structs, lists and tables with every text in them on one line."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **{name: plain(getattr(value, name)) for name in value.__struct_fields__})
    if isinstance(value, dict):
        return {one_line(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(item) for item in value)
    return value


def without_commands(text: str) -> str:
    """Lines of a report that no build server takes for a command."""
    return _SERVICE_COMMAND.sub(r"#\\x23", _COMMAND.sub(r"\1\\x3a:", text))


def plain_json(text: str) -> str:
    """The same JSON document, with what a terminal or a build server would obey as escapes."""
    return _SERVICE_COMMAND.sub(r"#\\u0023", _NOT_PLAIN_IN_JSON.sub(_as_json, text))


def _as_json(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
