"""A rule of which nothing can be told in one language, or by one mechanism, does not look for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from linking import link

from llmlint.catalogue import RULES_DIRECTORY, load_catalogue
from llmlint.checking import answers
from llmlint.code.domain.collectives import meetings_of
from llmlint.code.link.program import Program
from llmlint.earned import readings_of
from llmlint.rule_cases import cases
from llmlint.scan import check_sources

CHECKERS = RULES_DIRECTORY.parent / "checkers"
POOL = """
class Pool:
    def take(self):
        return self.free.pop()
"""
NATIVE = """
struct Pool { std::vector<int> free; int take() { int last = free.back(); free.pop_back(); return last; } };
"""
PYTHON = frozenset({"python"})


def both() -> Program:
    return link({"pool.py": POOL, "pool.cpp": NATIVE})


def test_what_is_asked_in_one_language_leaves_out_the_other() -> None:
    program = both()
    assert {f.path for f in program.asked.functions} == {"pool.py", "pool.cpp"}
    with program.asking(PYTHON, lambda _: True):
        asked = program.asked
        assert {f.path for f in asked.functions} == {c.path for c in asked.classes} == asked.files.keys() == {"pool.py"}
        assert set(asked.call_names) == {"pop"} and [c.function.path for c in asked.calls("pop")] == ["pool.py"]
        assert (asked.speaks("python"), asked.speaks("cpp")) == (True, False)
        assert {f.path for f in program.functions} == {"pool.py", "pool.cpp"}, "what is known of others stays"
    assert {f.path for f in program.asked.functions} == {"pool.py", "pool.cpp"}


def test_a_program_in_one_language_is_asked_as_a_whole() -> None:
    program = link({"pool.py": POOL})
    with program.asking(PYTHON, lambda _: True):
        assert program.asked.is_all


def test_what_was_worked_out_for_one_language_answers_nobody_who_asks_for_both() -> None:
    program = link(
        {
            "a.py": "import torch.distributed as dist\n\ndef meet(x):\n    dist.all_reduce(x)\n",
            "a.cpp": "void meet(ncclComm_t c) { ncclAllReduce(a, b, n, t, op, c, s); }\n",
        }
    )
    with program.asking(PYTHON, lambda _: True):
        assert not meetings_of(program, 1, language="cpp") and meetings_of(program, 1)
    assert [f.path for f in meetings_of(program, 1, language="cpp")] == ["a.cpp"]


def heard() -> Iterator[tuple[str, str]]:
    """The mechanisms that checkers name when they ask whether anybody hears them, each with its rule's code."""
    for file in sorted(CHECKERS.rglob("*.py")):
        text = file.read_text("utf-8")
        code = text[3:9]  # a checker's first words are the code of its rule
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "hears":
                yield from ((code, argument.value) for argument in node.args if isinstance(argument, ast.Constant))


def test_each_mechanism_that_a_checker_asks_about_makes_findings_of_its_page() -> None:
    told = {
        (code, finding.mechanism)
        for code in {code for code, _ in heard()}
        for case in cases(load_catalogue().rule(code), "Bad")
        for finding in check_sources({name: text.encode() for name, text in case.items()}, [code])
    }
    assert set(heard()) and set(heard()) <= told


def test_a_mechanism_that_nobody_hears_is_not_looked_for() -> None:
    rule = load_catalogue().rule("LLM103")
    assert readings_of(rule.code, "python", "leak_on_error_path._early_exits").most_confident == "low"
    bad = {
        f"{number}/{name}": text
        for number, case in enumerate(cases(rule, "Bad"))
        for name, text in case.items()
        if name.endswith(".py")
    }
    (whole,) = answers(link(bad), [rule], 1)
    (some,) = answers(link(bad), [rule], 1, least="medium")
    quiet = {report.mechanism for report in whole.reports} - {report.mechanism for report in some.reports}
    assert "leak_on_error_path._early_exits" in quiet
    assert {r.mechanism for r in some.reports} < {r.mechanism for r in whole.reports}
