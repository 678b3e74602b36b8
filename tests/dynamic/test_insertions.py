"""What a rewritten function does by itself before it tells of a call, and what stays the program's own."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from llmlint.dynamic import rewrite, signposts, sources
from llmlint.dynamic.insertions import About
from llmlint.dynamic.plan import Inside

SOURCE = """
def serve(request, found=7):
    request.served += 1
    return found
"""


class Interrupted(Exception):
    """What a signal of the user's raises."""


class Station:
    def __init__(self, known: set[str], plain: type | None, fails: BaseException | None = None) -> None:
        self.key = "a station of the tests"
        self.known, self.plain, self.fails = known, plain, fails
        self.told: list[object] = []

    def enter(self, values: tuple[object, ...]) -> object:
        if self.fails is not None:
            raise self.fails
        self.told.append("enter")
        return values[0]

    def leave(self, token: object, result: object, failed: bool = False) -> None:
        self.told.append((token, result, failed))

    def hold(self, *locks: object) -> None: ...

    let_go = hold

    def touch(self, subject: Any, attribute: str, line: int, writes: bool) -> Any: ...


def watched(station: Station, folder: Path) -> Any:
    file = folder / "served.py"
    file.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("served", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    code, about = module.serve.__code__, About("request", "request_id", asks=True)
    module.serve.__code__ = rewrite.rewrite(code, station, ("request",), Inside(), about)
    sources.forget_sources()
    return module.serve


def request(**more: object) -> SimpleNamespace:
    return SimpleNamespace(served=0, **more)


def test_a_call_about_what_is_known_is_not_told_of(tmp_path: Path) -> None:
    station = Station({"a"}, str)
    assert watched(station, tmp_path)(request(request_id="a")) == 7
    assert station.told == []


def test_of_a_plain_id_only_who_leaves_is_told_with_the_id_and_the_result(tmp_path: Path) -> None:
    station = Station({"a"}, str)
    serve = watched(station, tmp_path)
    assert serve(request(request_id="b"), 8) == 8
    with pytest.raises(AttributeError):
        serve(SimpleNamespace(request_id="c"))
    assert station.told == [("b", 8, False), ("c", None, True)]


def test_anything_else_goes_through_the_station(tmp_path: Path) -> None:
    station, asked = Station(set(), str), request(request_id=5)
    assert watched(station, tmp_path)(asked) == 7
    assert station.told == ["enter", (asked, 7, False)]


def test_what_cannot_be_read_is_told_of_and_the_program_goes_on(tmp_path: Path) -> None:
    station, asked = Station(set(), str), request()
    assert watched(station, tmp_path)(asked) == 7
    assert station.told == ["enter", (asked, 7, False)]


@pytest.mark.parametrize("error", [KeyError("the user's"), NameError("the user's"), Interrupted()])
def test_what_a_signal_raises_in_a_station_goes_on_as_in_the_function(error: Exception, tmp_path: Path) -> None:
    asked = request(request_id=5)
    with pytest.raises(type(error)) as raised:
        watched(Station(set(), str, error), tmp_path)(asked)
    assert raised.value is error
    assert asked.served == 0


def test_without_the_station_the_function_is_what_it_was(tmp_path: Path) -> None:
    station = Station(set(), str)
    serve = watched(station, tmp_path)
    signposts.take_away(station.key)
    assert serve(request(request_id="b")) == 7
    assert station.told == []
