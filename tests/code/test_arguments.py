"""Which parameter takes which argument of a call."""

from __future__ import annotations

import pytest

from llmlint.code.link.program import arguments_by_parameter
from tests.code.linking import function, link

CODE = """
    class Base:
        def load(self, name, revision=None): ...

    class Held(Base): ...

    HELD = Held()

    def run(held: Held, name):
        {call}
"""


@pytest.mark.parametrize(
    "call",
    [
        "held.load(name)",
        "Base.load(held, name)",
        "Held.load(held, name)",
        "HELD.load(name)",
        "Held().load(name)",
    ],
)
def test_only_a_method_that_is_asked_of_its_class_is_handed_the_object(call: str) -> None:
    program = link({"held.py": CODE.format(call=call)})
    effect = next(e for e in function(program, "run").effects if e.callee.endswith(".load"))
    taken = arguments_by_parameter(function(program, "load"), effect)
    assert taken["name"].path == "name"
