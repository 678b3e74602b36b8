"""The names that tables spell out, with what a table is kept as."""

from llmlint.code.facts.facts import Table
from tests.code.linking import facts

SOURCE = """
class Space:
    makers: ClassVar = {"count": lambda space: space.make_count(), "not a name": None}

    def __init__(self):
        self.extra = {"shape": int, **more}
        for name, value in {"width": 1}.items():
            setattr(self, name, value)
        for name in ("left", "right"):
            setattr(self, name, None)

    def told(self):
        send({"argument": 1}, ["other"])
        return {"returned": 1}
"""


def test_names_in_tables_that_are_kept_or_gone_over():
    assert facts("a.py", SOURCE).tables == (
        Table("makers", ("count",)),
        Table("extra", ("shape",)),
        Table("", ("width",)),
        Table("", ("left", "right")),
    )


def test_native_code_has_no_tables_of_names():
    assert facts("a.cpp", 'const char* names[] = {"a", "b"};').tables == ()
