"""Uses of an attribute, as a rewritten function tells of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from llmlint.dynamic import rewrite, sources
from llmlint.dynamic.plan import Inside


class Noted:
    """A station that only takes notes."""

    key = "boxed"
    plain = None

    def __init__(self) -> None:
        self.touched: list[tuple[str, bool]] = []
        self.known: set[object] = set()

    def enter(self, values: tuple[object, ...]) -> object:
        return None

    def leave(self, call: object, result: Any) -> None:
        return None

    def fail(self, call: object) -> None:
        return None

    def hold(self, *locks: object) -> None:
        return None

    let_go = hold

    def touch(self, subject: Any, attribute: str, line: int, writes: bool) -> Any:
        self.touched.append((attribute, writes))
        return subject


class Box:
    def __init__(self) -> None:
        self.items: Any = [3, 1, 2]
        self.other: Any = []


def run(body: str, folder: Path) -> tuple[object, Box, list[tuple[str, bool]]]:
    file = folder / "boxed.py"
    file.write_text("def use(self):\n" + "".join(f"    {line}\n" for line in dedent(body).strip().splitlines()))
    spec = importlib.util.spec_from_file_location("boxed", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    noted, box = Noted(), Box()
    module.use.__code__ = rewrite.rewrite(module.use.__code__, noted, (), Inside(accesses=frozenset({"items"})))
    sources.forget_sources()
    return module.use(box), box, noted.touched


@pytest.mark.parametrize(
    ("body", "result", "touched"),
    [
        ("return self.items", [3, 1, 2], [("items", False)]),
        ("return len(self.items) + len(self.other)", 3, [("items", False)]),
        ("return [item for item in self.items if item > 1]", [3, 2], [("items", False)]),
        ("return [item for item in range(2) if item in self.items]", [1], []),
        ("for item in self.items:\n    return item", 3, [("items", False)]),
        ("if self.items and not self.other:\n    return 1", 1, [("items", False)]),
        ("return (lambda: self.items)()", [3, 1, 2], []),
    ],
)
def test_reading_is_told_where_it_happens(body: str, result: object, touched: list[Any], tmp_path: Path) -> None:
    assert run(body, tmp_path)[::2] == (result, touched)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("self.items = [1]", [1]),
        ("self.items += [4]", [3, 1, 2, 4]),
        ("self.items.append(4)", [3, 1, 2, 4]),
        ("self.items[0] = 9", [9, 1, 2]),
        ("self.items[0] += 1", [4, 1, 2]),
        ("del self.items[0]", [1, 2]),
        ("self.items, self.other = [7], self.items", [7]),
    ],
)
def test_changing_is_told_as_such_and_still_happens(body: str, left: object, tmp_path: Path) -> None:
    _, box, touched = run(body, tmp_path)
    assert box.items == left
    assert ("items", True) in touched


def test_an_attribute_that_is_not_there_fails_as_before(tmp_path: Path) -> None:
    with pytest.raises(AttributeError, match="'Box' object has no attribute 'items'"):
        run("del self.items\nreturn self.items", tmp_path)
