"""Where code runs: tests, benchmarks, set-up and scripts are told from what serves."""

from __future__ import annotations

import pytest
from linking import facts

from llmlint.code.domain.roots import Roots
from llmlint.vocabulary_file import load_vocabulary

SCRIPT = """
def main():
    work()

if __name__ == "__main__":
    main()
"""
SERVER = SCRIPT.replace("work()", "uvicorn.run(app)")
NATIVE = "int main() { return convert(); }"


def kind(path: str, **files: str) -> str:
    sources = {
        name.replace("__", "/") + (".cpp" if "int main" in code else ".py"): code for name, code in files.items()
    }
    return Roots({at: facts(at, code) for at, code in sources.items()}, load_vocabulary()).kind(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("engine/core.py", ""),
        ("tests/core.py", "test"),
        ("engine/test/core.py", "test"),
        ("engine/test_core.py", "test"),
        ("engine/core_test.py", "test"),
        ("engine/latest_core.py", ""),
        ("benchmarks/run.py", "benchmark"),
        ("engine/bench_serving.py", "benchmark"),
        ("setup.py", "setup"),
        ("3rdparty/protobuf/message.cc", "copy"),
        ("engine/vendor/json.hpp", "copy"),
        ("engine/vendor.py", ""),
        ("3rd_party/flatbuffers/idl.cpp", "copy"),
        ("examples/chat/cpp/wave.py", "example"),
        ("frameworks/python-api-examples/client.py", "example"),
        ("engine/example.py", "example"),
        ("engine/cli/files.py", "command line tool"),
        ("engine/cli_of_files.py", "command line tool"),
        ("engine/client.py", ""),
    ],
)
def test_places_that_are_not_the_service(path: str, expected: str) -> None:
    files = {at: facts(at, "x = 1") for at in (path, "engine/other.py", "README.py")}
    assert Roots(files, load_vocabulary()).kind(path) == expected


@pytest.mark.parametrize("place", ["examples/engine", "engine/cli"])
def test_where_nothing_but_examples_is_looked_at_they_are_what_is_meant(place: str) -> None:
    files = {at: facts(at, "x = 1") for at in (f"{place}/slots.py", f"{place}/waits.py")}
    assert Roots(files, load_vocabulary()).kind(f"{place}/slots.py") == ""


def test_a_script_stands_alone_and_serves_nobody() -> None:
    assert kind("convert.py", convert=SCRIPT) == "script"
    assert kind("serve.py", serve=SERVER) == ""
    assert kind("convert.py", convert=SCRIPT, user="import convert") == ""
    assert kind("convert.cpp", convert=NATIVE) == "script"
    assert kind("convert.py", convert="def ask():\n    return PARSER.parse_args()\nargs = ask()\n") == "script"
    assert kind("convert.py", convert="def ask():\n    return PARSER.parse_args()\n") == ""


def test_what_only_a_script_beside_it_uses_is_part_of_the_script() -> None:
    reading = "import urllib.request\n"
    script = SCRIPT + "from utils import vision\n"
    assert kind("export/utils/vision.py", export__run=script, export__utils__vision=reading) == "script"
    assert kind("engine/utils/vision.py", export__run=script, engine__utils__vision=reading) == ""
    also = {"engine__core": "from export.utils import vision\n"}
    assert kind("export/utils/vision.py", export__run=script, export__utils__vision=reading, **also) == ""


def test_a_long_chain_of_imports_leads_to_the_script_and_a_circle_to_none() -> None:
    chain = {f"export__part{n}": f"from export import part{n + 1}\n" for n in range(1200)}
    script = SCRIPT + "from export import part0\n"
    assert kind("export/part1200.py", export__run=script, export__part1200="", **chain) == "script"
    circle = {"export__one": "from export import two\n", "export__two": "from export import one\n"}
    assert kind("export/one.py", export__run=SCRIPT + "from export import one\n", **circle) == ""


def test_an_example_that_serves_is_a_service_and_its_neighbour_is_not() -> None:
    assert kind("examples/server/slots.py", examples__server__main=SERVER, examples__server__slots="x = 1") == ""
    beside = {"engine__core": "x = 1", "examples__server__main": SERVER}
    assert kind("examples/chat/talk.py", examples__chat__talk="x = 1", **beside) == "example"
    assert kind("examples/talk.py", examples__talk="x = 1", **beside) == "example"
    assert kind("examples/serve.py", examples__serve=SERVER, examples__talk="x = 1") == ""


def test_a_command_line_that_starts_the_service_is_one() -> None:
    assert kind("engine/cli/models.py", engine__cli__serve=SERVER, engine__cli__models="x = 1") == ""
    assert kind("engine/cli/models.py", engine__serve=SERVER, engine__cli__models="x = 1") == "command line tool"


def test_what_all_paths_share_outside_of_the_working_directory_says_nothing() -> None:
    files = {f"/tmp/tests/run0/{name}": facts(name, "x = 1") for name in ("a.py", "tests/b.py")}
    roots = Roots(files, load_vocabulary())
    assert (roots.kind("/tmp/tests/run0/a.py"), roots.kind("/tmp/tests/run0/tests/b.py")) == ("", "test")
