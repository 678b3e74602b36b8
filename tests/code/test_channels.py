"""Channels in memory: which end an entry is, and who reads at the other."""

import pytest

from llmlint.code.domain.channels import is_sending_end, reads_the_other_end
from tests.code.linking import cls, link

CHANNELS = """
from anyio.streams.memory import MemoryObjectSendStream
from multiprocessing.connection import Connection

class Sender(MemoryObjectSendStream[str]):
    pass

class Answers:
    def __init__(self):
        self.library: dict[str, MemoryObjectSendStream[str]] = {}
        self.own: dict[str, Sender] = {}
        self.pipes: dict[str, Connection] = {}

    async def read(self, name):
        self.own[name], receiver = channel()
        async for chunk in receiver:
            yield chunk

    def hand_over(self, name):
        self.own[name], receiver = channel()
        return receiver

    def start(self, name):
        self.own[name], receiver = channel()
        self.group.start(self.run, receiver)
"""


@pytest.mark.parametrize(("attribute", "is_end"), [("library", True), ("own", True), ("pipes", False)])
def test_a_sending_end_is_known_by_its_class_and_bases(attribute: str, is_end: bool) -> None:
    program = link({"a.py": CHANNELS})
    answers = cls(program, "Answers")
    assert is_sending_end(program, answers.methods["read"], f"self.{attribute}[]", answers) == is_end


@pytest.mark.parametrize(("name", "is_reader"), [("read", True), ("hand_over", False), ("start", False)])
def test_the_reader_is_who_keeps_the_other_end(name: str, is_reader: bool) -> None:
    assert reads_the_other_end(cls(link({"a.py": CHANNELS}), "Answers").methods[name], "self.own[]") == is_reader
