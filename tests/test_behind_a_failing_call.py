"""A call that fits nothing always raises: what comes behind it on every way is not reached, and is told as such."""

from __future__ import annotations

import pytest

from llmlint.scan import check_sources

PARTS = """
def opened(path, mode):
    return path, mode


def header_of(size, kind):
    return size, kind


"""


def sure_by_line(body: str, files: dict[str, str] | None = None) -> list[tuple[int, str]]:
    """By the line in the function that holds the calls, whatever readers have said of the rule."""
    source = f"from parts import header_of, opened\n{body}"
    given = {"parts.py": PARTS, "main.py": source, **(files or {})}
    found = check_sources({path: text.encode() for path, text in given.items()}, ["LLM901"])
    return [(finding.line, finding.confidence) for finding in found]


def in_function(*lines: str) -> str:
    return "\n".join(["def write(path, size, run):", *(f"    {line}" for line in lines), "", "write('p', 1, print)"])


@pytest.mark.parametrize(
    ("lines", "second"),
    [
        (["out = opened(path)", "out += header_of(size)"], "low"),
        (["try:", "    opened(path)", "finally:", "    run(path)", "header_of(size)"], "low"),
        (["try:", "    opened(path)", "except Exception:", "    run(path)", "header_of(size)"], "high"),
        (["if size:", "    opened(path)", "header_of(size)"], "high"),
        (["if size:", "    opened(path)", "else:", "    header_of(size)"], "high"),
        (["for one in run:", "    opened(one)", "header_of(size)"], "high"),
        (["late = lambda: opened(path)", "header_of(size)", "run(late)"], "high"),
    ],
)
def test_of_two_calls_that_fail_only_the_first_is_sure(lines: list[str], second: str) -> None:
    first, last = sure_by_line(in_function(*lines))
    assert (first[1], last[1]) == ("high", second)


def test_what_a_call_is_given_comes_before_it() -> None:
    assert sure_by_line(in_function("header_of(opened(path))")) == [(3, "low"), (3, "high")]


def test_what_one_of_two_always_fails_before_is_not_reached() -> None:
    told = sure_by_line(in_function("if size:", "    opened(path)", "else:", "    opened(1, 2, 3)", "header_of(size)"))
    assert [sure for _, sure in told] == ["high", "high", "low"]


@pytest.mark.parametrize(
    ("calls", "sure"),
    [
        ("    opened(path)\n    _head(path)\n", "low"),
        ("    _head(path)\n    opened(path)\n", "high"),
        ("    opened(path)\n    _head(path)\n\n\ndef again(path):\n    _head(path)\n", "high"),
        ("    opened(path)\n    path.run(_head)\n    _head(path)\n", "high"),
    ],
)
def test_a_function_is_not_reached_whose_only_callers_fail_before(calls: str, sure: str) -> None:
    body = f"def _head(size):\n    header_of(size)\n\n\ndef write(path):\n{calls}\n\nwrite('p')\n"
    assert dict(sure_by_line(body))[3] == sure


STEPS = """
class Steps:
    def infer(self, weights, grid, text):
        return self.block(weights, grid)

    def block(self, weights, grid):
        return self.missing + self.phase(weights, grid)

    def phase(self, weights):
        return weights
"""


@pytest.mark.parametrize(
    ("user", "sure"),
    [
        ("Steps().infer(1)", "low"),
        ("Steps().infer(1)\nSteps().infer(1, 2, 3)", "high"),
        ("Steps().infer(*read())", "high"),
        ("Steps().infer(1)\nrun(Steps().infer)", "high"),
        ("Steps().infer(1)\nSteps().block(1, 2)", "high"),
        ("Steps().infer(1)\nread().infer(1, 2, 3)", "high"),
        ("Steps().infer(1)\nread().infer(1, 2)", "low"),
        ("Steps().infer(1)\nSteps.infer(Steps(), 1, 2, 3)", "high"),
        ("Steps().infer(1)\nclass Other:\n    def infer(self, one, two, three): ...\nOther().infer(1, 2, 3)", "low"),
    ],
)
def test_what_every_call_on_the_way_hands_too_little_is_not_reached(user: str, sure: str) -> None:
    files = {"steps.py": STEPS, "user.py": f"from steps import Steps\n{user}\n"}
    found = check_sources({path: text.encode() for path, text in files.items()}, ["LLM901"])
    assert [one.confidence for one in found if one.path == "steps.py"] == [sure]
