"""Classes that a program never makes an object of, and what rules say of the code in them."""

from __future__ import annotations

import pytest
from linking import cls, link

from llmlint.checkers.contracts import attribute_nobody_sets, call_fits_no_definition
from llmlint.code.domain.made import is_never_made

IDLE = """
    from abc import ABC

    __all__ = ["Idle"]

    class Model(ABC):
        def run(self):
            return 1

    class Idle(Model):
        def run(self, size):
            return self.take(size, size) + self.missing

        def take(self, size):
            return size

    def describe(model: Idle):
        return model.run(1)
"""


@pytest.mark.parametrize(
    "use",
    [
        "made = Idle()",
        "table = {'idle': Idle}",
        "def of_kind(x):\n    return isinstance(x, Idle)",
        "def make(factory=Idle):\n    return factory()",
        "class Below(idle.Idle):\n    pass\n\nmade = Below()",
        "def load(module):\n    return getattr(module, 'Idle')()",
    ],
)
def test_named_in_code(use: str) -> None:
    program = link({"idle.py": IDLE, "use.py": "import idle\n" + f"{use}\n"})
    assert not is_never_made(program, cls(program, "Idle"))


def test_imported_by_another_module() -> None:
    program = link({"idle.py": IDLE, "api.py": "from idle import Idle\n"})
    assert not is_never_made(program, cls(program, "Idle"))


def test_named_in_a_list_of_exports_and_in_annotations_only() -> None:
    program = link({"idle.py": IDLE})
    assert is_never_made(program, cls(program, "Idle"))


@pytest.mark.parametrize("opened", ["class Idle(torch.nn.Module):", "@register\n    class Idle(Model):"])
def test_who_may_be_found_by_a_name(opened: str) -> None:
    program = link({"idle.py": IDLE.replace("class Idle(Model):", opened)})
    assert not is_never_made(program, cls(program, "Idle"))


@pytest.mark.parametrize("checker", [attribute_nobody_sets, call_fits_no_definition])
def test_what_stands_in_them_is_told_with_low_confidence(checker: object) -> None:
    check = checker.check_program  # type: ignore[attr-defined]
    idle, made = link({"idle.py": IDLE}), link({"idle.py": IDLE, "use.py": "from idle import Idle\nIdle().run(1)\n"})
    assert [(r.confidence, "no code makes a Idle" in r.reason) for r in check(idle)] == [("low", True)]
    assert [r.confidence for r in check(made)] != ["low"]


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("wrapper = wrapper or self.missing", "low"),
        ("wrapper = self.missing if wrapper is None else wrapper", "low"),
        ("wrapper = [wrapper, self.missing]", "medium"),
        ("try:\n            self.missing()\n        except Exception:\n            pass", "low"),
        ("try:\n            self.missing()\n        except Exception:\n            raise", "medium"),
        ("try:\n            self.missing()\n        except OSError:\n            pass", "medium"),
    ],
)
def test_a_missing_attribute_that_no_run_stumbles_over(read: str, expected: str) -> None:
    source = f"""
class Updater:
    def update(self, wrapper=None):
        {read}
        return wrapper

def run(given):
    return Updater().update(given), Updater().update(wrapper=given)
"""
    found = attribute_nobody_sets.check_program(link({"updater.py": source}))
    assert [report.confidence for report in found] == [expected]


def test_one_caller_gives_nothing() -> None:
    source = """
class Updater:
    def update(self, wrapper=None):
        wrapper = wrapper or self.missing
        return wrapper

def run(given):
    return Updater().update(given), Updater().update()
"""
    found = attribute_nobody_sets.check_program(link({"updater.py": source}))
    assert [report.confidence for report in found] == ["medium"]
