"""Functions as debuggers tell them, and as the facts call them."""

from __future__ import annotations

import pytest

from llmlint.runtime.frames import bare_name, is_called, same_file


@pytest.mark.parametrize(
    ("told", "bare"),
    [
        ("answer", "answer"),
        ("answer.part.0", "answer"),
        ("pool::admit(int) [clone .isra.0]", "pool::admit"),
        ("std::vector<int, std::allocator<int> > pool::take<char>(int)", "pool::take"),
        ("(anonymous namespace)::reader::open(char const*)", "reader::open"),
    ],
)
def test_a_function_is_told_with_more_than_its_name(told: str, bare: str) -> None:
    assert bare_name(told) == bare


def test_constructors_and_destructors_go_by_the_name_of_their_class() -> None:
    assert is_called("engine::pool::pool(int)", "pool.__init__")
    assert is_called("pool::~pool()", "pool.__del__")
    assert not is_called("pool::~pool()", "pool.__init__")


def test_the_owner_decides_where_both_tell_one() -> None:
    assert is_called("ns::pool::admit(int)", "ns.pool.admit")
    assert is_called("admit", "pool.admit")
    assert is_called("ns::admit(int)", "admit")
    assert not is_called("cache::admit(int)", "pool.admit")
    assert not is_called("", "pool.admit")


def test_a_file_is_known_by_the_end_of_its_path() -> None:
    assert same_file("src/pool.cpp", "/home/me/llama.cpp/src/pool.cpp")
    assert same_file("pool.cpp", "/home/me/src/pool.cpp")
    assert not same_file("src/pool.cpp", "/home/me/tools/pool.cpp")
