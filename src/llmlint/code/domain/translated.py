"""Functions whose text Python does not run as it stands: it is translated for a device, or its calls are kept as a
configuration. There a name may stand for something else than Python finds, and a call be given the rest later."""

from __future__ import annotations

from collections.abc import Collection

from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.program import Program


def why_translated(program: Program, function: FunctionInfo) -> str:
    """Which decorator, of the function or of one around it, makes code of a device of it; "" where none is known to."""
    decorator = _decorator(program, function, program.vocabulary.translates)
    return f"@{decorator} makes something else of this body than Python runs" if decorator else ""


def why_given_later(program: Program, function: FunctionInfo, missing: Collection[str]) -> str:
    """Who gives a configuration, which the calls of the function only make, what they leave out."""
    decorator = _decorator(program, function, program.vocabulary.configures) if missing else ""
    if not decorator or not all(_is_set_on_another(program, name) for name in missing):
        return ""
    return f"@{decorator} only keeps the call, and others set {', '.join(missing)} before it is made"


def _decorator(program: Program, function: FunctionInfo, words: Collection[str]) -> str:
    named = (d.partition("(")[0] for around in program.functions_around(function) for d in around.facts.decorators)
    lasts = ((decorator, decorator.rpartition(".")[2]) for decorator in named)
    return next((d for d, last in lasts if any(last == word or last.endswith(f"_{word}") for word in words)), "")


def _is_set_on_another(program: Program, name: str) -> bool:
    return any(not path.startswith("self.") for _, _, path in program.changes_named(name))
