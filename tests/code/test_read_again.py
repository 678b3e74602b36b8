"""What can be gone through once is told where a second reading finds it gone, and only there."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from llmlint.code.facts.effects import facts_of
from llmlint.code.flow.one_shots import OneShots
from llmlint.code.flow.read_again import read_again
from llmlint.code.syntax import tree
from llmlint.code.syntax.python import read_python

MADE = "it = (row.size for row in rows)\n"


def read_twice(source: str) -> list[tuple[int, str]]:
    text, module = read_python(dedent(source).lstrip("\n").encode())
    shots = OneShots(module, facts_of(module, text))
    functions = [node for node in tree.walk(module) if isinstance(node, tree.Function)]
    return [(a.second.node.line, a.second.how) for f in functions for a in read_again(f, shots, text.split("\n"))]


def in_function(body: str) -> str:
    return "def f(rows, x, y):\n" + indent(MADE + body, "    ")


@pytest.mark.parametrize(
    ("body", "again"),
    [
        ("a = sum(it)\nb = max(it)", [(4, "max")]),
        ("a, b = it\nreturn [a, *it]", [(4, "*")]),
        ("for i, r in enumerate(it):\n    x(r)\nyield from it", [(5, "yield from")]),
        ("a = sorted(it, key=x)\nreturn sum(r for r in it)", [(4, "sum")]),
        ("if any(it):\n    return list(it)", [(4, "list")]),
        ("try:\n    a = [x(r) for r in it]\nexcept ValueError:\n    a = [y(r) for r in it]", [(6, "a comprehension")]),
        ("for r in x:\n    y.append(sum(it))", [(4, "sum")]),
        ("return [[r for r in it] for c in x]", [(3, "a comprehension")]),
        ("if x:\n    a = sum(it)\nif y:\n    a = max(it)", [(6, "max")]),
    ],
)
def test_a_second_reading_is_told(body: str, again: list[tuple[int, str]]) -> None:
    assert read_twice(in_function(body)) == again


@pytest.mark.parametrize(
    "body",
    [
        "a = sum(it)\nit = iter(x)\nb = max(it)",
        "a = sum(it) if x else max(it)",
        "a = sum(it) or max(it)",
        "if x:\n    a = sum(it)\nelse:\n    a = max(it)",
        "if x:\n    a = sum(it)\nif not x:\n    a = max(it)",
        "if x:\n    return sum(it)\nreturn max(it)",
        "a = next(it)\nb = list(it)\nc = sum(it)",
        "for r in it:\n    if r:\n        break\nfor r in it:\n    y(r)",
        "for r in it:\n    for other in it:\n        x(r, other)\n    return r",
        "for r in it:\n    if r:\n        x(list(it))\ny(list(it))",
        "for r in x:\n    y.append(sum(it))\n    break",
        "for r in x:\n    if y is None:\n        y = sum(it)",
        "x.run(it)\na = sum(it)\nb = max(it)",
        "def later():\n    return sum(it)\na = max(it)\nreturn later, list(it)",
        "a = list(zip(it, it))",
        "print(it)\nif it is not None:\n    return list(it)",
        "try:\n    x.check()\n    a = sum(it)\nexcept ValueError:\n    a = max(it)",
    ],
)
def test_one_reading_on_each_way_is_not(body: str) -> None:
    assert read_twice(in_function(body)) == []


def test_a_map_is_pythons_own_where_the_file_calls_nothing_else_so() -> None:
    twice = "def f(rows):\n    it = map(int, rows)\n    return sum(it), max(it)\n"
    assert read_twice(twice) == [(3, "max")]
    assert read_twice("from tools import map\n" + twice) == []
    assert read_twice("from tools import *\n" + twice) == []


def test_a_reader_is_known_by_the_files_imports() -> None:
    twice = "def f(file):\n    it = reader(file)\n    return list(it), len(list(it))\n"
    assert read_twice("from csv import reader\n" + twice) == [(4, "list")]
    assert read_twice("from tools import reader\n" + twice) == []


def test_a_function_of_the_file_reads_what_it_is_given_to_the_end() -> None:
    helper = "def count(rows):\n    return len([row for row in rows])\n"
    source = helper + "def f(rows):\n    it = filter(None, rows)\n    return count(it), list(it)\n"
    assert read_twice(source) == [(5, "list")]
    assert read_twice(source.replace("return len", "if not rows:\n        return 0\n    return len")) == []
