"""What Python runs where it is not what a name seems to say: each was once told as a bug of a library that works."""

from __future__ import annotations

import pytest

from llmlint.scan import check_sources

BOUND = """
{imports}

class Maker:
    def __init__(self, size):
        self.size = size

{method}

def use(maker: Maker):
    return {call}
"""


def told(rule: str, **files: str) -> int:
    sources = {f"{name}.py": text.encode() for name, text in files.items()}
    return sum(1 for finding in check_sources(sources, [rule]) if finding.confidence != "low")


@pytest.mark.parametrize(
    ("method", "call", "found"),
    [
        ("    @classmethod\n    def make(*_):\n        return 1", "Maker.make(maker)", 0),
        ("    @classmethod\n    def make(cls):\n        return 1", "Maker.make(maker)", 1),
        ("    def make(cls):\n        return 1\n    make = classmethod(make)", "Maker.make()", 0),
        ("    def make(cls):\n        return 1", "Maker.make()", 1),
        ("    def make(self, size):\n        return 1", "maker.__class__.make(maker, 2)", 0),
        ("    def make(self, size):\n        return 1", "maker.make(maker, 2)", 1),
    ],
)
def test_a_method_takes_the_object_as_it_is_bound(method: str, call: str, found: int) -> None:
    assert told("LLM901", maker=BOUND.format(imports="", method=method, call=call)) == found


@pytest.mark.parametrize(
    ("imports", "field", "found"),
    [
        ("from dataclasses import dataclass, field", "field(description='how many')", 1),
        ("from dataclasses import dataclass\nfrom settings import field", "field(2, description='how many')", 0),
        ("from dataclasses import dataclass, field", "field(default=2)", 0),
    ],
)
def test_the_first_value_of_a_field_of_a_library_is_its_default(imports: str, field: str, found: int) -> None:
    source = f"{imports}\n\n@dataclass\nclass Limits:\n    count: int = {field}\n\ndef make():\n    return Limits()\n"
    assert told("LLM901", limits=source) == found


LOCAL = """
from functools import partial


def score(kind, text):
    return kind, text


short = partial(score, "short")
long = partial(score, "long")


def read(texts):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (
            "if texts:\n        score = short\n    else:\n        score = long\n"
            "    return [score(text) for text in texts]",
            0,
        ),
        ("return [score(text) for text in texts]", 1),
    ],
)
def test_a_local_of_the_same_name_is_what_it_was_given(body: str, found: int) -> None:
    assert told("LLM901", scores=LOCAL.format(body=body)) == found


@pytest.mark.parametrize(
    ("patch", "found"),
    [
        ("", 1),
        ("import messages\n\nclass Patched(messages.Message):\n    pass\n\nmessages.Message = Patched", 0),
        ("import messages\n\nsetattr(messages, 'Message', make)", 0),
    ],
)
def test_a_class_that_other_code_replaces_may_take_anything(patch: str, found: int) -> None:
    messages = (
        "class Message:\n    def __init__(self, text, date):\n        self.text = text\n        self.date = date\n"
    )
    use = "import messages\n\ndef send(text):\n    return messages.Message(text)\n"
    assert told("LLM901", messages=messages, patches=patch, use=use) == found


FITTED = """
from abc import ABC, abstractmethod


class Curve(ABC):
    @staticmethod
    @abstractmethod
    def _fit(x, y):
        pass

    def fit(self, x, y):
        return self._fit(x, y, w=1)


{line}


def run():
    return Line().fit(1, 2)
"""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("class Line(Curve):\n    _fit = staticmethod(least_squares)", 0),
        ("class Line(Curve):\n    @staticmethod\n    def _fit(x, y):\n        return x", 1),
    ],
)
def test_a_name_in_the_body_of_a_class_below_replaces_a_method(line: str, found: int) -> None:
    assert told("LLM901", curves=FITTED.format(line=line)) == found


@pytest.mark.parametrize(
    ("base", "found"),
    [
        ("try:\n    from solver import Solver\nexcept ImportError:\n    class Solver:\n        pass", 0),
        ("class Solver:\n    pass", 1),
    ],
)
def test_a_base_that_is_defined_only_where_its_import_fails_is_not_known(base: str, found: int) -> None:
    source = f"{base}\n\n\nclass Own(Solver):\n    pass\n\n\ndef solve(problem):\n    return Own(problem)\n"
    assert told("LLM901", own=source) == found


@pytest.mark.parametrize(
    ("call", "found"),
    [("G.is_directed(None) if isinstance(G, type) else G.is_directed()", 0), ("G.is_directed()", 1)],
)
def test_who_asks_whether_it_is_a_class_calls_it_as_one_or_as_an_object(call: str, found: int) -> None:
    source = f"""
class Graph:
    def is_directed(self):
        return False


class Edge:
    def is_directed(self, graph):
        return graph.is_directed()


def check(G):
    return {call}


check(Graph)
"""
    assert told("LLM901", graphs=source) == found


@pytest.mark.parametrize(("base", "found"), [("Interface", 0), ("object", 1)])
def test_the_methods_of_an_interface_are_written_without_self(base: str, found: int) -> None:
    source = f"""
from zope.interface import Interface


class Bans({base}):
    def is_banned(email):
        pass


def check(bans: Bans, email):
    return bans.is_banned(email)


check(Bans(), "a@b.c")
"""
    assert told("LLM901", bans=source) == found


@pytest.mark.parametrize("where", ['groups["new"]', "groups['all']"])
def test_a_list_put_into_a_dict_is_no_element_of_the_list(where: str) -> None:
    source = f"""
class Renaming:
    def copy(self, source, target):
        return Renaming()


def build(ids):
    groups = {{}}
    {where} = [Renaming() for _ in ids]
    return {where}.copy()
"""
    assert told("LLM901", build=source) == 0


@pytest.mark.parametrize(
    ("made_from", "found"),
    [("# This file was automatically generated from models/modular_words.py.", 0), ("# Words.", 1)],
)
def test_what_a_file_is_generated_from_does_not_run(made_from: str, found: int) -> None:
    template = "def read(path, size):\n    return path, size\n\n\ndef load(path):\n    return read(path)\n"
    generated = f"{made_from}\ndef read(path, size=1):\n    return path, size\n"
    assert told("LLM901", modular_words=template, modeling_words=generated) == found


CHOICE = """
from enum import Enum
from typing import Optional, TypeVar, Union


class Unset(Enum):
    VALUE = 1


T = TypeVar("T")
Given = Union[Unset, T]


def keep(replicas: Unset):
    return replicas


def scale(replicas: {declared} = Unset.VALUE):
    if replicas == "auto":
        return 0
    return 1
"""


@pytest.mark.parametrize(("declared", "found"), [("Given[Optional[Union[int, str]]]", 0), ("Unset", 1)])
def test_an_alias_with_an_open_variable_is_what_fills_it_too(declared: str, found: int) -> None:
    assert told("LLM903", scale=CHOICE.format(declared=declared)) == found


PATIENT = """
import requests


class Patient(requests.{base}):
    def {method}(self, *args, **kwargs):
        {limit}
        return super().{method}(*args, **kwargs)


def fetch(url):
    {made}
    return session.get(url)
"""
OF_THE_SESSION = ("Session", "request", "session = Patient()")
OF_AN_ADAPTER = (
    "adapters.HTTPAdapter",
    "send",
    'session = requests.Session()\n    session.mount("https://", Patient())',
)


@pytest.mark.parametrize(("base", "method", "made"), [OF_THE_SESSION, OF_AN_ADAPTER])
@pytest.mark.parametrize(("limit", "found"), [('kwargs["timeout"] = 5', 0), ("self.count = 1", 1)])
def test_a_session_may_limit_each_of_its_requests(base: str, method: str, made: str, limit: str, found: int) -> None:
    source = PATIENT.format(base=base, method=method, made=made, limit=limit)
    assert told("LLM204", fetch=source) == found


@pytest.mark.parametrize(
    ("taken", "found"),
    [("del rows[other]", 1), ("del rows[at]", 1), ("del rows[at + 1]", 0), ("rows.pop(behind)", 0)],
)
def test_what_is_taken_out_behind_a_cursor_moves_nothing_past_it(taken: str, found: int) -> None:
    source = f"""
def merge(rows, other):
    at = 0
    while at < len(rows):
        for behind in range(at + 1, len(rows)):
            if rows[behind] == rows[at]:
                break
        if rows[at].full:
            {taken}
        at += 1
"""
    assert told("LLM207", merge=source) == found


@pytest.mark.parametrize(
    ("imports", "messages", "found"),
    [
        ("import logging\n\nlog = logging.getLogger(__name__)", 2, 2),
        ("import logging\n\nlog = logging.getLogger(__name__)", 3, 0),
        ("from own import logging\n\nlog = logging.getLogger(__name__)", 1, 0),
        ("import logging\nfrom own.console import cli_logger as log", 1, 0),
    ],
)
def test_a_logger_that_may_fill_braces_is_no_slip(imports: str, messages: int, found: int) -> None:
    lines = "".join(f'    log.info("took {{}} of {at}", name)\n' for at in range(messages))
    assert told("LLM910", own_log=f"{imports}\n\n\ndef say(name):\n{lines}") == found


@pytest.mark.parametrize(
    ("written", "found"),
    [('f"{count:g}"', 1), ('f"{count:.2g}"', 0), ('"%g left" % count', 1), ('"fd %s added twice" % count', 0)],
)
def test_only_what_says_no_digits_keeps_six_by_accident(written: str, found: int) -> None:
    assert told("LLM401", said=f"def said(count: int) -> str:\n    return {written}\n") == found


def test_a_method_that_calls_its_object_otherwise_means_the_one_around() -> None:
    source = """
class Writer:
    def __init__(self):
        self.depth = 0

    def indent(self):
        class Indenter:
            def __enter__({first}):
                return self.depth

        return Indenter()


Writer().indent()
"""
    found = [check_sources({"w.py": source.format(first=first).encode()}, ["LLM902"]) for first in ("_", "self")]
    assert [len(one) for one in found] == [0, 1]


@pytest.mark.parametrize("imports", ["from transformers.utils import logging", "import logging"])
def test_a_missing_f_is_one_whatever_the_logger_does(imports: str) -> None:
    source = f"""
{imports}

log = logging.get_logger(__name__)


def say(name):
    log.warning("no {{name}} here")
"""
    assert told("LLM910", own_log=source) == 1


@pytest.mark.parametrize(("functions", "found"), [(1, 1), (4, 0)])
def test_what_all_take_for_a_handle_may_be_one(functions: int, found: int) -> None:
    workers = "class Worker:\n    async def start(self):\n        pass\n\n    async def stop(self):\n        pass\n"
    runs = "".join(f"    def run_{at}(self):\n        self.worker.start().wait()\n\n" for at in range(functions))
    source = f"""
{workers}

class Runner:
    def __init__(self, worker: Worker):
        self.worker = worker

{runs}
"""
    assert told("LLM903", runner=source) == found


@pytest.mark.parametrize(("taken", "found"), [("work, event = self.queue.get()", 0), ("event = self.queue.get()", 1)])
def test_what_is_taken_apart_is_not_what_its_type_says(taken: str, found: int) -> None:
    source = f"""
from queue import Queue


class Work:
    def wait(self):
        pass


class Runner:
    def __init__(self):
        self.queue: Queue[Work] = Queue()

    def run(self):
        {taken}
        event.wait(5)


Runner().run()
"""
    assert len(check_sources({"runner.py": source.encode()}, ["LLM901"])) == found
