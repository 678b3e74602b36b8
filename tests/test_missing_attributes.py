"""LLM902 asks what an object lacks, and not what else is handed to a function that stands in its class."""

import pytest

from llmlint.scan import check_sources

CALLBACK = """
class Prompt:
    bindings = make_bindings()

    @bindings.add("escape")
    def _(event):
        event.app.exit()
"""
PLAIN = """
class Pool:
    tasks = []

    def add(task):
        Pool.tasks.append(task.task_id)
"""
METHOD = """
class Pool:
    def add(self, task):
        self.tasks.append(task)
"""


@pytest.mark.parametrize(("source", "found"), [(CALLBACK, 0), (PLAIN, 0), (METHOD, 1)])
def test_only_self_is_the_object(source: str, found: int) -> None:
    assert len(check_sources({"engine/a.py": source.encode()}, ["LLM902"])) == found


KINDS = """
class Frame:
    def __init__(self):
        self.rows = 0


class Part(Frame):
    pass


class Stranger:
    pass


def count(frame: Frame):
    if {test}:
        raise TypeError(frame)
    return frame.row_count
"""


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("isinstance(frame, Frame)", 0),
        ("isinstance(frame, Part)", 1),
        ("isinstance(frame, Stranger)", 1),
        ("not isinstance(frame, Stranger)", 0),
        ("not isinstance(frame, Frame)", 1),
        ("frame is None", 1),
    ],
)
def test_a_test_that_leaves_says_what_the_object_is_behind_it(test: str, found: int) -> None:
    assert len(check_sources({"engine/a.py": KINDS.format(test=test).encode()}, ["LLM902"])) == found


FILLED = """
class Cache:
    def __init__(self):
        self.rows = 0
        self.extra = {"hits": int, "misses": int}

    def rate(self):
        return self.hits


"""
FROM_THE_TABLE = FILLED + "def fill(cache, made):\n    for name in cache.extra:\n        setattr(cache, name, made)\n"
FROM_ANOTHER = FILLED + "def fill(cache, given):\n    for name in given:\n        setattr(cache, name, given[name])\n"
IN_A_TEST = FILLED + "def test(patch, cache):\n    for name in cache.extra:\n        patch.setattr(cache, name, 1)\n"


@pytest.mark.parametrize(("source", "found"), [(FROM_THE_TABLE, 0), (FROM_ANOTHER, 1), (IN_A_TEST, 1), (FILLED, 1)])
def test_a_table_counts_that_somebody_sets_from(source: str, found: int) -> None:
    assert len(check_sources({"engine/a.py": source.encode()}, ["LLM902"])) == found
