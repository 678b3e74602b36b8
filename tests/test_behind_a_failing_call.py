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
        (["try:", "    opened(path)", "except Exception:", "    pass", "header_of(size)"], "high"),
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


STORE = """
class Store:
    def find(self, text):
        return text


class OpenStore(library.Base):
    def find(self, text):
        return text


"""


@pytest.mark.parametrize(("made", "sure"), [("Store", "low"), ("OpenStore", "high")])
def test_behind_a_method_that_no_object_of_the_class_has_nothing_is_reached(made: str, sure: str) -> None:
    body = f"{STORE}def search(text):\n    store = {made}()\n    store.load_all()\n    header_of(text)\n\n\nsearch(1)\n"
    assert [confidence for _, confidence in sure_by_line(body)] == [sure]


@pytest.mark.parametrize(
    ("handler", "sure"),
    [
        (["except Exception:", "    return run(path)"], "low"),
        (["except:", "    run(path)"], "low"),
        (["except Exception:", "    pass"], "high"),
        (["except ValueError:", "    run(path)"], "high"),
        (["except Exception as error:", "    run(path, str(error))"], "high"),
        (["except Exception:", "    run(path, exc_info=True)"], "high"),
        (["except Exception:", "    run(path)", "    raise"], "high"),
        (["except Exception:", "    raise RuntimeError(run(path))"], "high"),
    ],
)
def test_what_a_handler_does_in_another_way_is_less_sure(handler: list[str], sure: str) -> None:
    assert [confidence for _, confidence in sure_by_line(in_function("try:", "    opened(path)", *handler))] == [sure]


@pytest.mark.parametrize(
    ("decorator", "sure"), [("@wp.kernel", "low"), ("@cache.dynamic_kernel(size)", "low"), ("@no_grad()", "high")]
)
def test_what_is_translated_for_a_device_finds_names_by_other_rules(decorator: str, sure: str) -> None:
    lines = ("def launch(size):", f"    {decorator}", "    def add(path):", "        opened(path)", "    return add")
    body = "\n".join((*lines, "", "launch(1)"))
    assert [confidence for _, confidence in sure_by_line(body)] == [sure]


@pytest.mark.parametrize(
    ("decorator", "later", "sure"),
    [
        ("@run.autoconvert", "made.kind = 1", "low"),
        ("@run.autoconvert", "made.size = 1", "high"),
        ("@run.cached", "made.kind = 1", "high"),
    ],
)
def test_a_call_that_is_kept_as_a_configuration_may_be_given_the_rest_later(
    decorator: str, later: str, sure: str
) -> None:
    body = f"{decorator}\ndef recipe():\n    return header_of(1)\n\n\ndef main():\n    made = recipe()\n    {later}\n"
    assert [confidence for _, confidence in sure_by_line(body)] == [sure]


GUARDS = """
import torch


class Encoder:
    def forward(self, tokens, lengths):
        return tokens, lengths

    def is_paged(self):
        return False

    def run(self, batch):
        if {asked}:
            return self.forward(tokens=batch, lengths=1)
        return batch


class SpeechEncoder(Encoder):
    def forward(self, audio):
        return audio


class PagedEncoder({base}):
    def is_paged(self):
        return {paged}


SpeechEncoder().run(1)
"""


@pytest.mark.parametrize(
    ("asked", "base", "paged", "sure"),
    [
        ("torch.jit.is_scripting()", "Encoder", False, "low"),
        ("not torch.jit.is_scripting()", "Encoder", False, "high"),
        ("self.is_paged() and batch", "SpeechEncoder", False, "low"),
        ("self.is_paged() and batch", "SpeechEncoder", True, "high"),
        ("self.is_paged() and batch", "Encoder", True, "low"),
        ("batch", "Encoder", False, "high"),
    ],
)
def test_under_a_guard_that_knows_one_answer_no_override_is_called(
    asked: str, base: str, paged: bool, sure: str
) -> None:
    source = GUARDS.format(asked=asked, base=base, paged=paged)
    found = check_sources({"main.py": source.encode()}, ["LLM913"])
    assert [one.confidence for one in found] == [sure]


@pytest.mark.parametrize(
    ("loop", "asked", "sure"),
    [
        ("for one in states.items()", "torch.Tensor", "low"),
        ("for one in states.items()", "State", "low"),
        ("for one in states.items()", "tuple", "high"),
        ("for name, one in states.items()", "State", "high"),
        ("for one in states.values()", "State", "high"),
    ],
)
def test_a_pair_is_an_object_of_no_class(loop: str, asked: str, sure: str) -> None:
    lines = (
        "import torch",
        "class State: ...",
        "def save(states):",
        f"    {loop}:",
        f"        if isinstance(one, {asked}):",
    )
    body = "\n".join((*lines, "            header_of(one)", "", "save({})"))
    assert [confidence for _, confidence in sure_by_line(body)] == [sure]


@pytest.mark.parametrize(("here", "sure"), [("True", "low"), ("False", "high"), ("self.config.timed", "high")])
def test_a_guard_is_asked_of_the_class_that_overrides(here: str, sure: str) -> None:
    source = f"""
class Punctuation:
    def timed(self): return False
    def forward(self, text): return text
    def loss(self, text):
        if self.timed():
            return text
        else:
            return self.forward(text)


class TimedPunctuation(Punctuation):
    def timed(self): return {here}
    def forward(self, text, times): return text, times


TimedPunctuation().loss(1)
"""
    found = check_sources({"main.py": source.encode()}, ["LLM913"])
    assert [one.confidence for one in found] == [sure]


@pytest.mark.parametrize(("otherwise", "told"), [("self.transform(block)", 0), ("self.refuse(block)", 1)])
def test_a_caller_with_a_way_for_each_kind_of_method_suits_either(otherwise: str, told: int) -> None:
    source = f"""
class Compressor:
    def transform(self, block, samples):
        return block

    def refuse(self, block):
        raise ValueError(block)

    def run(self, blocks):
        for block in blocks:
            if self.has_samples:
                self.transform(block, self.samples)
            else:
                {otherwise}


class Plain(Compressor):
    def transform(self, block):
        return [block]


print(Plain().run([1]))
"""
    assert len(check_sources({"main.py": source.encode()}, ["LLM913"])) == told
