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
