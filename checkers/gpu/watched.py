"""What a traced run is asked of a finding about the device: to see what these functions do in their calls."""

from __future__ import annotations

from typing import Any

from llmlint.code.link.program import FunctionInfo
from llmlint.runtime.block import Block, Target


def watched_calls(*functions: FunctionInfo) -> dict[str, Any]:
    """For `Report.data`; nothing for code that the tracer of Python does not see."""
    seen = [function for function in dict.fromkeys(functions) if function.language == "python"]
    targets = tuple(Target(function.facts.qualname, "scope", function.path) for function in seen)
    return {"runtime": Block(targets).plain()} if targets else {}
