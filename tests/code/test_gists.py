"""A gist names all that its function's body has: what it leaves out, no checker would ever look for there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from linking import function, link

from llmlint.catalogue import load_catalogue
from llmlint.code.domain.counting import counts_asked
from llmlint.code.domain.pools import may_take_next, takes_next
from llmlint.code.facts.facts import FileFacts
from llmlint.code.facts.gists import CHANGING, NAMES, changed_name, name_called
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.files import language_of
from llmlint.reading import FileRecord, decode_record, encode_record, read_facts
from llmlint.rule_cases import cases
from llmlint.vocabulary_file import load_vocabulary


@pytest.fixture(scope="module")
def programs() -> list[Program]:
    """The code of all rules' pages, a program for each case."""
    return [Program(files, load_vocabulary()) for files in _cases()]


def _cases() -> Iterator[dict[str, FileFacts]]:
    for rule in load_catalogue().rules:
        for heading in ("Bad", "Good"):
            for case in cases(rule, heading):
                yield {name: read_facts(text.encode(), language_of(name) or "python") for name, text in case.items()}


def _functions(programs: list[Program]) -> Iterator[FunctionInfo]:
    found = [function for program in programs for function in program.functions]
    assert len(found) > 1000
    yield from found


def test_it_names_every_call(programs: list[Program]) -> None:
    for one in _functions(programs):
        assert {name_called(effect.callee) for effect in one.effects if effect.callee} <= set(one.facts.gist.calls)


def test_it_names_everything_that_is_changed_and_read(programs: list[Program]) -> None:
    for one in _functions(programs):
        changed = (path for e in one.effects if e.op in CHANGING for path in (e.path, *e.maybe) if "." in path)
        assert set(map(changed_name, changed)) <= set(one.facts.gist.changes)
        assert {name for path, _ in one.reads for name in NAMES.findall(path)[1:]} <= set(one.facts.gist.reads)


def test_it_names_every_keyword_that_is_given_as_true(programs: list[Program]) -> None:
    for one in _functions(programs):
        given = (argument for effect in one.effects for argument in effect.args)
        assert {a.keyword for a in given if a.keyword and a.literal == "True"} <= set(one.facts.gist.flags)


def test_it_tells_which_functions_may_take_what_comes_next(programs: list[Program]) -> None:
    for one in _functions(programs):
        assert may_take_next(one) or not any(map(takes_next, one.effects))


def test_a_bare_name_of_cpp_counts_as_the_member_and_as_the_global() -> None:
    program = link({"a.cpp": "struct pool { int free; void take() { free -= 1; drop(free); } void drop(int n); };"})
    gist = function(program, "pool.take").facts.gist
    assert gist.calls == ("drop",)
    assert gist.changes == ("free",)


def test_counts_are_found_by_what_is_done() -> None:
    source = """
    def pin(block):
        block.users += 1

    def unpin(block):
        block.users -= 1
    """
    counts = counts_asked(link({"a.py": source}))
    assert {f.name for f in counts.raising} == {"pin"}


def test_a_body_that_is_kept_is_the_one_that_was_read() -> None:
    facts = read_facts(b"def f(a):\n    if a:\n        return a.b\n    g(a, '\\ud800')\n", "python")
    kept = decode_record(encode_record(FileRecord(facts))).facts
    assert [function.body.regions for function in kept.functions] == [f.body.regions for f in facts.functions]
    assert encode_record(FileRecord(kept)) == encode_record(FileRecord(facts))
    assert kept.functions[1].gist == facts.functions[1].gist
