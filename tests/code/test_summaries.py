"""What calling a function may do to an object, and what it does on every way."""

from __future__ import annotations

import pytest
from linking import cls, function, link

from llmlint.code.flow.always import surely
from llmlint.code.flow.summaries import does

RENEWS = frozenset({"assign", "clear"})


def renews(body: str, path: str = "self.a") -> bool:
    """Does `reset` renew the place on every ordinary way?"""
    lines = body.strip("\n").split("\n")
    source = "class Base:\n    def reset(self): self.a.clear()\n    def _init(self): self.a = []\n"
    source += "def empty(queue): queue.clear()\ndef look(queue): print(len(queue))\n"
    source += (
        "class C(Base):\n    def __init__(self): self._init()\n    def maybe(self):\n        if self.on: self.a = []\n"
    )
    source += "    def reset(self, hard=False):\n" + "\n".join(f"        {line}" for line in lines)
    program = link({"a.py": source})
    return surely(program, function(program, "C.reset"), path, RENEWS)


@pytest.mark.parametrize(
    "body",
    [
        "self.a.clear()",
        "self.a = []",
        "super().reset()",
        "Base.reset(self)",
        "self.__init__()",
        "self._init()",
        "empty(self.a)",
        "if hard:\n    self.a = []\nelse:\n    self.a.clear()",
        "if self.a:\n    self.a.clear()",
        "for name in hard:\n    self.a.clear()",
        "try:\n    self.go()\nfinally:\n    self.a.clear()",
        "q = self.a\nq.clear()",
        "self.reset()\nself.a = []",
    ],
)
def test_a_reset_that_renews_on_every_way(body: str) -> None:
    assert renews(body)


@pytest.mark.parametrize(
    "body",
    [
        "print(len(self.a))",
        "look(self.a)",
        "if hard:\n    self.a.clear()",
        "self.maybe()",
        "if hard:\n    return\nself.a.clear()",
        "for name in hard:\n    if name:\n        self.a.clear()",
        "q = self.a if hard else self.b\nq.clear()",
        "if hard:\n    q = self.a\nelse:\n    q = self.b\nq.clear()",
        "def later():\n    self.a.clear()\nself.hook = later",
    ],
)
def test_a_reset_that_leaves_it_on_some_way(body: str) -> None:
    assert not renews(body)


def test_what_an_owned_object_does_to_itself_is_done_to_its_owner() -> None:
    source = """
        class Cache:
            def __init__(self): self.rows = {}
            def reset(self): self.rows.clear()
        class C:
            def __init__(self): self.cache = Cache()
            def reset(self): self.cache.reset()
            def anew(self): self.cache = Cache()
    """
    program = link({"a.py": source})
    assert surely(program, function(program, "C.reset"), "self.cache.rows", RENEWS)
    assert surely(program, function(program, "C.anew"), "self.cache.rows", RENEWS)


def test_a_cycle_of_calls_comes_to_an_end_and_lengthens_a_path_once() -> None:
    source = """
        class Node:
            def __init__(self): self.left = self.right = None
            def visit(self, other):
                self.seen = True
                walk(self.left)
                walk(self.right)
                other.visit(self)
        def walk(node: Node):
            node.count += 1
            node.visit(node)
            walk(node.left)
    """
    program = link({"a.py": source})
    paths = {d.path for d in does(program, function(program, "Node.visit"), cls(program, "Node"))}
    assert {"self.seen", "self.left.count", "self.right.seen"} <= paths
    assert max(path.count(".") for path in paths) == 2


def test_every_deed_is_told_with_the_way_to_it() -> None:
    source = """
        class C:
            def __init__(self): self.a = {}
            def reset(self): self._drop(self.a)
            def _drop(self, table): empty(table)
        def empty(things): things.clear()
    """
    program = link({"a.py": source})
    (cleared,) = [d for d in does(program, function(program, "C.reset")) if d.how == "clear"]
    assert cleared.path == "self.a"
    assert [(f.name, e.callee) for f, e in cleared.chain] == [
        ("reset", "self._drop"),
        ("_drop", "empty"),
        ("empty", "things.clear"),
    ]
