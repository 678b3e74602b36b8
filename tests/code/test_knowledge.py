"""What is known of a value where an expression of Python is evaluated."""

from __future__ import annotations

import pytest

from llmlint.code.flow.knowledge import read
from llmlint.code.flow.known import Known
from llmlint.code.syntax import tree
from llmlint.code.syntax.python import read_python


def known_at_use(body: str) -> Known:
    """What is known where the function calls `use`."""
    lines = "\n".join(f"    {line}" for line in body.strip("\n").split("\n"))
    _, module = read_python(f"def f(x, y, data, items):\n{lines}\n".encode())
    function = module.body[0]
    assert isinstance(function, tree.Function)
    seen: list[Known] = []

    def see(node: tree.Node, known: Known) -> None:
        if isinstance(node, tree.Call) and tree.path_of(node.function) == "use":
            seen.append(known.copy())

    read(function, see)
    assert len(seen) == 1, f"use is evaluated {len(seen)} times"
    return seen[0]


@pytest.mark.parametrize(
    ("body", "is_some"),
    [
        ("use(x)", False),
        ("if x is None:\n    return\nuse(x)", True),
        ("if x is None or y:\n    return\nuse(x)", True),
        ("if x is None and y:\n    return\nuse(x)", False),
        ("if not x:\n    raise ValueError\nuse(x)", True),
        ("assert x is not None\nuse(x)", True),
        ("if x is None:\n    x = 3\nuse(x)", True),
        ("if x is None:\n    import json as x\nuse(x)", True),
        ("if y:\n    assert x is not None\nuse(x)", False),
        ("given = x is not None\nif given:\n    use(x)", True),
        ("given = x is not None\nx = y.x\nif given:\n    use(x)", False),
        ("x is not None and use(x)", True),
        ("y = 0 if x is None else use(x)", True),
        ("while x is None:\n    x = y()\nuse(x)", True),
        ("for i in items:\n    if x is None:\n        continue\n    use(x)", True),
        ("try:\n    y()\nexcept ValueError:\n    return\nif x is None:\n    return\nuse(x)", True),
    ],
)
def test_is_it_known_not_to_be_none(body: str, is_some: bool) -> None:
    assert known_at_use(body).knows("x", "some") is is_some


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("tools = data.get('tools')\nuse(tools)", "data['tools']"),
        ("for tool in data['tools']:\n    use(tool['name'])", "data['tools'][]['name']"),
        ("tools = data.get('tools')\ndata['tools'] = 3\nuse(tools)", "tools"),
        ("x = x.next\nuse(x)", "x"),
    ],
)
def test_names_stand_for_what_they_were_given(body: str, place: str) -> None:
    lines = "\n".join(f"    {line}" for line in body.split("\n"))
    _, module = read_python(f"def f(x, data):\n{lines}\n".encode())
    places: list[str] = []

    def see(node: tree.Node, known: Known) -> None:
        if isinstance(node, tree.Call) and tree.path_of(node.function) == "use":
            places.append(known.place(node.args[0]))

    function = module.body[0]
    assert isinstance(function, tree.Function)
    read(function, see)
    assert places == [place]


def test_a_try_around_takes_what_its_handlers_name() -> None:
    known = known_at_use("try:\n    use(x)\nexcept (KeyError, TypeError):\n    pass")
    assert known.is_caught("KeyError")
    assert not known.is_caught("ValueError")
