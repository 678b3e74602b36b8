"""Which files a file is judged with while it is typed in."""

from __future__ import annotations

from llmlint.code.facts.facts import ImportFact
from llmlint.editor.neighbours import Neighbours


def imports(*modules: str) -> tuple[ImportFact, ...]:
    return tuple(ImportFact(module, module, "", 0, 1) for module in modules)


CHAIN = {"a.py": imports("b"), "b.py": imports("c"), "c.py": imports("d"), "d.py": (), "x.py": imports("a")}


def test_what_is_imported_and_what_imports_it_come_first() -> None:
    lines = dict.fromkeys(CHAIN, 10)
    assert Neighbours(CHAIN).of("a.py", lines, 1000) == ["a.py", "b.py", "x.py", "c.py", "d.py"]


def test_no_more_lines_are_taken_than_there_is_room_for() -> None:
    lines = {**dict.fromkeys(CHAIN, 10), "b.py": 500}
    assert Neighbours(CHAIN).of("a.py", lines, 35) == ["a.py", "x.py"]


def test_the_module_that_a_name_is_imported_from_counts_and_so_does_a_submodule() -> None:
    files = {
        "pkg/__init__.py": (),
        "pkg/one.py": (ImportFact("two", "", "two", 1, 1),),
        "pkg/two.py": (),
        "main.py": (ImportFact("thing", "pkg.one", "thing", 0, 1),),
    }
    assert Neighbours(files).of("main.py", {}, 1000)[:2] == ["main.py", "pkg/one.py"]
    assert "pkg/two.py" in Neighbours(files).of("pkg/one.py", {}, 1000)


def test_a_cpp_file_stands_with_the_headers_it_includes() -> None:
    files = {"src/kv.cpp": imports("common/kv.h"), "common/kv.h": (), "other/kv.h": ()}
    assert Neighbours(files).of("src/kv.cpp", {}, 1000) == ["src/kv.cpp", "common/kv.h"]


def test_other_imports_make_other_neighbours() -> None:
    near = Neighbours(CHAIN)
    near.change("a.py", imports("d"))
    assert near.of("a.py", {}, 1000)[1] == "d.py"
    assert near.of("b.py", dict.fromkeys(CHAIN, 10), 30) == ["b.py", "c.py", "d.py"]
