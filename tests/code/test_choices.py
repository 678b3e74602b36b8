"""What stands in the place of a value that is not there, as facts of a function."""

from __future__ import annotations

from linking import function, link

from llmlint.code.facts.facts import Choice


def choices(code: str) -> tuple[Choice, ...]:
    return function(link({"a.py": f"def f(x, d, y):\n    {code}\n"}), "f").facts.choices


def test_a_default_behind_an_or() -> None:
    (choice,) = choices("return x.n or 1")
    assert (choice.place, choice.name, choice.by, choice.given, choice.other) == ("x.n", "n", "truth", "", "1")


def test_of_several_each_has_the_next_in_its_stead() -> None:
    assert [(c.place, c.other) for c in choices("return x or y or 2")] == [("x", "y"), ("y", "2")]


def test_a_conditional_either_way_round() -> None:
    (plain,) = choices("return x if x else 1")
    (turned,) = choices("return 1 if not x else x")
    assert (plain.given, plain.other) == (turned.given, turned.other) == ("", "1")


def test_what_is_made_of_the_place() -> None:
    (choice,) = choices("return seeded(x) if x else None")
    assert (choice.given, choice.other) == ("seeded(x)", "None")


def test_asked_for_none() -> None:
    (choice,) = choices("return 1 if x is None else x")
    assert (choice.by, choice.given, choice.other) == ("none", "", "1")


def test_what_is_looked_up_by_a_string() -> None:
    for written in ('d.get("n")', 'd.pop("n", None)', 'd["n"]', 'getattr(d, "n", None)'):
        (choice,) = choices(f"return {written} or 1")
        assert (choice.place, choice.name) == (written, "n")
    assert not choices('return d.get("n", 3) or 1')


def test_tests_and_texts_take_nothing() -> None:
    assert not choices("return 1 if (x or y) else 2")
    assert not choices("return not (x or y)")
    assert not choices('return f"{x or 1}"')
    assert not choices('return x or "none"')
    assert not choices("return x or [y]")
