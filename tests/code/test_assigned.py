"""Which names a target binds, and which it is only reached by."""

import pytest

from llmlint.code.flow.assigned import names_in, unsure_reads
from llmlint.code.syntax import tree
from llmlint.code.syntax.python import read_python


def unsure(source: str) -> list[tuple[str, int]]:
    read = read_python(source.encode())[1]
    function = next(node for node in tree.walk(read) if isinstance(node, tree.Function))
    return [(one.name.id, one.name.line) for one in unsure_reads(function, source.splitlines())]


@pytest.mark.parametrize(
    ("target", "bound"),
    [
        ("one", {"one"}),
        ("one, (two, *rest)", {"one", "two", "rest"}),
        ("[one, table[at]]", {"one"}),
        ("table.rows[at], table.rows[other]", set()),
        ("one, *table.rest", {"one"}),
        ("self.one, two", {"two"}),
    ],
)
def test_a_target_binds_its_names_alone(target: str, bound: set[str]) -> None:
    (assigned,) = read_python(f"{target} = given".encode())[1].body
    assert isinstance(assigned, tree.Assign)
    assert names_in(assigned.targets[0]) == bound


@pytest.mark.parametrize(
    "statement",
    [
        "table[a], table[b] = b, a",
        "table.head, *table.rest = a",
        "for table[a] in b: pass",
        "for a, table.last in b: pass",
        "with b as table[a]: pass",
        "with b as (a, table.held): pass",
        "del table[a], table.rest",
    ],
)
def test_what_a_target_is_reached_by_is_read_and_not_bound(statement: str) -> None:
    """Bound nowhere here, the name is the module's; bound on one way only, it is read where it may have no value."""
    assert unsure(f"def f(a, b):\n    if a:\n        {statement}\n    return table") == []
    assert unsure(f"def f(a, b):\n    if a:\n        table = b\n    {statement}\n") == [("table", 4)]


@pytest.mark.parametrize(
    "statement",
    ["one, *two = b", "one = two = b", "[one, two] = b", "with b as (one, two): pass", "print(one := b, two := a)"],
)
def test_every_kind_of_target_binds(statement: str) -> None:
    assert unsure(f"def f(a, b):\n    {statement}\n    return one, two") == []
    assert unsure(f"def f(a, b):\n    if a:\n        {statement}\n    return one, two") == [("one", 4), ("two", 4)]
