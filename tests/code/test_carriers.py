"""Classes whose methods run on objects of others: carriers, and those that are mixed in while the program runs."""

from __future__ import annotations

import pytest
from linking import cls, link

from llmlint.code.domain.carriers import is_carrier, is_mixed_in
from llmlint.code.domain.members import Members

CARRIED = """
    import engine

    class Runner:
        def step(self): ...

    class Other:
        def step(self): ...

    def install(mod):
        engine.patch(mod.Runner, "step", Runner.step)
"""


@pytest.mark.parametrize(
    ("use", "carries"),
    [
        ("", True),
        ("import a\na.Runner.step(None)\n", True),
        ("import a\nmod.Runner.step = a.Runner.step\n", True),
        ("import a\nmade = a.Runner()\n", False),
        ("from a import Runner as Own\nkinds = {'own': Own}\n", False),
        ("import a\nclass Below(a.Runner): ...\n", False),
        ("class Runner: ...\nmade = Runner()\n", True),
    ],
)
def test_who_only_brings_methods_along(use: str, carries: bool) -> None:
    program = link({"a.py": CARRIED, "use.py": use})
    assert is_carrier(program, cls(program, "a.Runner")) is carries
    assert not is_carrier(program, cls(program, "a.Other"))


MIXED = """
    class Linear: ...
    class Angular(Linear): ...
    class Apart: ...
    class Sampler: ...

    def make(kind, table):
        chosen = Linear if kind else Angular
        class Made(Sampler, chosen): ...
        return Made()
"""


@pytest.mark.parametrize(
    ("more", "mixed"),
    [
        ("", {"Linear", "Angular", "Sampler"}),
        ("kind = type('Kind', (Apart, dict), {})", {"Linear", "Angular", "Sampler", "Apart"}),
        ("kind = type(Apart)", {"Linear", "Angular", "Sampler"}),
    ],
)
def test_who_is_mixed_in(more: str, mixed: set[str]) -> None:
    program = link({"a.py": MIXED + f"\n    {more}\n"})
    named = {name for name in ("Linear", "Angular", "Apart", "Sampler") if is_mixed_in(program, cls(program, name))}
    assert named == mixed


ASKED = """
    from dataclasses import dataclass

    @dataclass
    class Options:
        model: str

    class Plain:
        label: str
        kind = "plain"
        def __init__(self): self.size = 1

    def name(plain: Plain):
        return hasattr(plain, "title") and getattr(plain, "label")

    def fill(plain): setattr(plain, "weight", 1)
"""


def test_what_each_object_has_and_what_none_can_have() -> None:
    program = link({"a.py": ASKED})
    members, plain = Members(program), cls(program, "Plain")
    assert members.surely_has(cls(program, "Options"), "model")
    assert members.surely_has(plain, "kind") and not members.surely_has(plain, "label")
    assert members.surely_lacks(plain, "title")
    assert not any(members.surely_lacks(plain, name) for name in ("weight", "size", "label", "kind"))
