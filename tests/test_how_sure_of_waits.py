"""How sure a request without a time limit is, and one on the event loop: by who comes to it, and for how long."""

from __future__ import annotations

import pytest

from llmlint.scan import check_sources


def how_sure(rule: str, files: dict[str, str]) -> str:
    (told,) = check_sources({name: text.encode() for name, text in files.items()}, [rule])
    return told.confidence


INTERFACE = """
from abc import ABC, abstractmethod

import requests


class Scores(ABC):
    @abstractmethod
    def ask(self, text): ...


class RemoteScores(Scores):
    def __init__(self, url):
        self.url = url

    def ask(self, text):
        return requests.get(f"{{self.url}}/scores?text={{text}}").json()


class Judge:
    def __init__(self, url):
        self.scores: Scores = RemoteScores(url)

    def first(self, texts):
        return {first}
"""
TESTED = (
    "from judging import RemoteScores\n\n\ndef test_scores():\n    assert RemoteScores('http://localhost').ask('a')\n"
)


@pytest.mark.parametrize(("first", "confidence"), [("self.scores.ask(texts[0])", "medium"), ("texts[0]", "low")])
def test_what_only_tests_ask_of_an_interface_is_less_sure(first: str, confidence: str) -> None:
    files = {"judging.py": INTERFACE.format(first=first), "tests/test_judging.py": TESTED}
    assert how_sure("LLM204", files) == confidence


def test_what_a_class_offers_by_itself_may_be_called_by_users() -> None:
    alone = INTERFACE.replace("(Scores)", "").format(first="texts[0]")
    assert how_sure("LLM204", {"judging.py": alone, "tests/test_judging.py": TESTED}) == "medium"


CHAIN = """
import warnings

import requests


class Pages:
    def fetch(self, url):
        return requests.get(url).text

    def read(self, url):
        {before}
        return self.fetch(url)

    {kind} page(self, url):
        return self.read(url)

    async def answer(self, url):
        {call}
        return url
"""


@pytest.mark.parametrize(
    ("before", "kind", "call", "confidence"),
    [
        ("pass", "def", "self.page(url)", "medium"),
        ('warnings.warn("take answer", DeprecationWarning, stacklevel=2)', "def", "self.page(url)", "low"),
        ("pass", "async def", "await self.page(url)", "medium"),
        ("pass", "async def", "self.page(url)", "low"),
    ],
)
def test_a_deprecated_way_and_a_coroutine_that_nobody_awaits_are_less_sure(
    before: str, kind: str, call: str, confidence: str
) -> None:
    assert how_sure("LLM204", {"pages.py": CHAIN.format(before=before, kind=kind, call=call)}) == confidence


PREFIX = """
import requests


class Pages:
    def read(self, source):
        if source.startswith({prefix}):
            return None
        {between}
        return requests.get({given}).text
"""


@pytest.mark.parametrize(
    ("prefix", "between", "given", "count"),
    [
        ('("http://", "https://")', "pass", "source", 0),
        ('"http"', "pass", "source", 0),
        ('"http://"', "pass", "source", 1),
        ('"http"', 'source = "https://" + source', "source", 1),
        ('"http"', "pass", 'f"https://{source}"', 1),
    ],
)
def test_what_a_test_of_the_address_leaves_waits_for_no_server(
    prefix: str, between: str, given: str, count: int
) -> None:
    source = PREFIX.format(prefix=prefix, between=between, given=given)
    assert len(check_sources({"pages.py": source.encode()}, ["LLM204"])) == count


KEPT = """
import requests


class Attachment:
    def content(self):
        if isinstance(self.source, str) and self.source.startswith(("http://", "https://")) and not self.{asked}:
            return self.source
        else:
            if not self.kept:
                self.kept = requests.get(str(self.source)).content
            return self.kept
"""


@pytest.mark.parametrize(("asked", "count"), [("kept", 0), ("is_private", 1)])
def test_what_was_asked_beside_the_address_has_to_hold_there_too(asked: str, count: int) -> None:
    assert len(check_sources({"attachment.py": KEPT.format(asked=asked).encode()}, ["LLM204"])) == count


SERVED = """
import requests
from fastapi import FastAPI

app = FastAPI()


@app.get("/{name}")
async def {name}():
    return requests.get("http://engine:8000", timeout={timeout}).text
"""


@pytest.mark.parametrize(
    ("name", "timeout", "confidence"), [("answer", 30, "high"), ("answer", 5, "low"), ("engine_health", 30, "low")]
)
def test_a_brief_request_and_a_probe_are_less_sure_on_the_loop(name: str, timeout: int, confidence: str) -> None:
    assert how_sure("LLM202", {"serve.py": SERVED.format(name=name, timeout=timeout)}) == confidence


THREAD = """
import threading

import requests


def tell(url):
    {within}requests.post(url, json={{"up": True}})


class Answers:
    def answer(self, url, threads):
        {start}
        return self.weights(url)
"""
LEFT = "thread = threading.Thread(target=tell, args=(url,), daemon=True)\n        thread.start()"


@pytest.mark.parametrize(
    ("start", "within", "confidence"),
    [
        (LEFT, "", "low"),
        ("threading.Thread(target=tell, args=(url,)).start()", "", "low"),
        (f"{LEFT}\n        thread.join()", "", "medium"),
        (f"{LEFT}\n        threads.append(thread)", "", "medium"),
        (LEFT.replace("thread ", "self.thread ").replace("thread.s", "self.thread.s"), "", "medium"),
        (LEFT, "while True:\n        ", "medium"),
        ("tell(url)", "", "medium"),
    ],
)
def test_what_a_thread_does_once_that_nobody_waits_for_is_less_sure(start: str, within: str, confidence: str) -> None:
    assert how_sure("LLM204", {"loader.py": THREAD.format(start=start, within=within)}) == confidence
