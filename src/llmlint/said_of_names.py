"""What the text around a name says of it, where the name is looked for as a word."""

from __future__ import annotations

import re

SETS = re.compile(r"\s*=(?!=)")
"""Behind a name: it is given a value."""
DOCUMENTS = '"""'


def is_remark(path: str, text: str, at: int) -> bool:
    """Is this in a comment, or in the documentation of a module, a class or a function?"""
    before = text[text.rfind("\n", 0, at) + 1 : at]
    if not path.endswith(".py"):
        return "//" in before or text.rfind("/*", 0, at) > text.rfind("*/", 0, at)
    sign = before.find("#")
    if sign >= 0 and not before.count('"', 0, sign) % 2 and not before.count("'", 0, sign) % 2:
        return True
    if text.count(DOCUMENTS, 0, at) % 2 == 0:
        return False
    opened = text.rfind(DOCUMENTS, 0, at)
    lines = text[: text.rfind("\n", 0, opened) + 1].rstrip().split("\n")
    above = next((line for line in reversed(lines) if line.strip() and not line.lstrip().startswith("#")), "")
    return not text[text.rfind("\n", 0, opened) + 1 : opened].strip(" \trR") and above.rstrip()[-1:] in ("", ":")
