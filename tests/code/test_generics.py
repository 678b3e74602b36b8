"""Type variables stand for what a class, an object's type or an argument says."""

from __future__ import annotations

import pytest
from linking import called, link

from tests.code.test_types import runs

BOX = """
    from typing import Generic, Sequence
    T = TypeVar("T", bound=Pool)
    K = TypeVar("K")
    class Box(Generic[K, T]):
        declared: T
        def __init__(self, item: T, many: list[T] | None):
            self.item = item
            self.many = many
        def taken(self) -> T: ...
        def all(self) -> Sequence[T]: ...
        def key(self) -> K: ...
        @property
        def first(self) -> T: ...
    class PagedBox(Box[int, Paged]): ...
    L = TypeVar("L", bound=Pool)
    class Between(Box[str, L]): ...
    class Far(Between[Paged]): ...
"""
WAYS = ["taken()", "first", "item", "declared"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("box", ["PagedBox", "Far"])
def test_a_class_says_what_the_variables_of_its_base_stand_for(box: str, way: str) -> None:
    assert runs(f"{BOX}    def use(box: {box}): box.{way}.pages()", f"box.{way}.pages") == ["Paged.pages"]


@pytest.mark.parametrize("way", ["first", "item", "declared"])
def test_a_type_with_arguments_says_what_its_variables_stand_for(way: str) -> None:
    assert runs(f"{BOX}    def use(box: Optional[Box[int, Paged]]): box.{way}.pages()", f"box.{way}.pages") == [
        "Paged.pages"
    ]


@pytest.mark.parametrize("way", ["many", "all()"])
def test_what_is_in_a_container_of_a_variable_is_known_too(way: str) -> None:
    body = f"{BOX}    def use(box: PagedBox):\n        for one in box.{way}: one.pages()"
    callee = "one.pages" if "(" in way else "box.many[].pages"
    assert runs(body, callee) == ["Paged.pages"]


def test_without_an_argument_a_variable_is_its_bound() -> None:
    assert runs(f"{BOX}    def use(box: Box): box.item.free()", "box.item.free") == ["Pool.free"]


def test_an_object_of_the_base_itself_is_not_taken_for_a_subclass() -> None:
    assert runs(f"{BOX}    def use(box: Box[int, Pool]): box.item.pages()", "box.item.pages") == ["Paged.pages"]
    assert runs(f"{BOX}    def use(box: PagedBox): box.key().free()", "box.key().free") == []


@pytest.mark.parametrize(
    ("takes", "gives", "handed", "use"),
    [
        ("kind: type[V]", "V", "Paged", "{}.pages()"),
        ("kind: type[V]", "V | None", "Paged", "{}.pages()"),
        ("kind: type[V]", "dict[str, V]", "Paged", "{}['a'].pages()"),
        ("one: V", "V", "paged", "{}.pages()"),
        ("one: V, *, kind: Type[W]", "W", "1, kind=Paged", "{}.pages()"),
    ],
)
def test_a_function_gives_what_its_arguments_say(takes: str, gives: str, handed: str, use: str) -> None:
    body = f"""
        from typing import Type
        V = TypeVar("V")
        W = TypeVar("W")
        def find({takes}) -> {gives}: ...
        def use(paged: Paged):
            found = find({handed})
            {use.format("found")}
    """
    path = "found[].pages" if "[" in use else "found.pages"
    assert runs(body, path) == ["Paged.pages"]


def test_what_a_variable_stands_for_is_read_where_it_is_named() -> None:
    files = {
        "a.py": "from typing import TypeVar\nV = TypeVar('V')\ndef find(kind: type[V]) -> list[V]: ...\n",
        "b.py": "class Pool:\n    def free(self): ...\n",
        "c.py": "from a import find\nfrom b import Pool as P\ndef use():\n    for one in find(P): one.free()\n",
    }
    assert called(link(files), "use", "one.free") == ["b.Pool.free"]
