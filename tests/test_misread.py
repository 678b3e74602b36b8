"""LLM901 and LLM903 where what is given, or taken, makes no difference."""

from __future__ import annotations

import pytest

from llmlint.scan import check_sources

ANSWERS = """
def answer(question):
    question.send()


def ask(questions, decode):
    {body}
"""


def told(source: str, rule: str) -> int:
    return len(check_sources({"case.py": source.encode()}, [rule]))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("kept = []\n    for one in questions:\n        kept.append(answer(one))", 0),
        ("kept = []\n    for one in questions:\n        kept.append(answer(one))\n    return kept", 1),
        ("kept = []\n    for one in questions:\n        kept.append(answer(one))\n    print(len(kept))", 1),
        ("kept = decode()\n    for one in questions:\n        kept.append(answer(one))", 1),
    ],
)
def test_what_goes_into_a_list_that_everybody_only_fills_is_used_by_nobody(body: str, found: int) -> None:
    assert told(ANSWERS.format(body=body), "LLM903") == found


@pytest.mark.parametrize(
    ("other", "behind", "found"),
    [
        ("text = decode(questions)\n        print(text)", "return 0", 0),
        ("text = decode(questions)\n        print(text)", "return text", 1),
        ("print(text)", "return 0", 0),
        ("print(questions)", "return text", 1),
        ("text = decode(questions)", "text = 1\n    return text", 0),
    ],
)
def test_another_value_takes_its_place_before_it_is_read(other: str, behind: str, found: int) -> None:
    body = f"if questions:\n        text = answer(questions)\n    else:\n        {other}\n    {behind}"
    assert told(ANSWERS.format(body=body), "LLM903") == found


@pytest.mark.parametrize(("behind", "found"), [("", 0), ("    return model", 1), ("        print(model)", 1)])
def test_the_next_round_of_a_loop_sets_it_anew(behind: str, found: int) -> None:
    body = f"for model in questions:\n        if model is not None:\n            model = answer(model)\n{behind}"
    assert told(ANSWERS.format(body=body), "LLM903") == found


@pytest.mark.parametrize(("body", "found"), [("raise NotImplementedError('not here')", 0), ("return tokens", 1)])
def test_what_does_nothing_but_raise_does_so_whatever_it_is_given(body: str, found: int) -> None:
    source = f"""
class Kernels:
    def combine(self, tokens, weights):
        {body}

    def run(self, tokens):
        return self.combine(tokens)
"""
    assert told(source, "LLM901") == found


@pytest.mark.parametrize(
    ("package", "module", "found"),
    [
        ("from .log import Ranked\n", "class Ranked:\n    pass\n", 1),
        ("from .log import Ranked\nlog = Ranked()\n", "class Ranked:\n    pass\n", 0),
        (
            "from .log import Ranked\n",
            "import lazy\n__getattr__, __all__ = lazy.extras(1)\nclass Ranked:\n    pass\n",
            0,
        ),
    ],
)
def test_an_attribute_is_asked_of_a_module_only_where_the_name_means_it(package: str, module: str, found: int) -> None:
    user = "from engine import log\n\n\ndef use():\n    log.warning(1)\n\n\nuse()\n"
    files = {"engine/__init__.py": package, "engine/log.py": module, "engine/user.py": user}
    assert len(check_sources({path: text.encode() for path, text in files.items()}, ["LLM912"])) == found


def test_a_module_that_lacks_all_that_is_asked_of_it_is_called_like_a_library() -> None:
    files = {"kernels/torch/__init__.py": "", "kernels/torch/act.py": "x = 1\n"}
    for names in ("zeros", "zeros ones cat stack"):
        lines = [f"def use_{name}():\n    return torch.{name}(1)\n" for name in names.split()]
        files["kernels/user.py"] = "import torch\n" + "\n".join(lines)
        found = check_sources({path: text.encode() for path, text in files.items()}, ["LLM912"])
        assert len(found) == (names == "zeros")
