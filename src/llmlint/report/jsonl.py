"""One finding a line, in the published form."""

from __future__ import annotations

import msgspec

from llmlint.report import Style
from llmlint.scan import ScanResult


def render(result: ScanResult, style: Style) -> str:
    return "".join(msgspec.json.encode(finding).decode() + "\n" for finding in result.findings)
