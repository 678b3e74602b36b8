"""When what one leaves out is told, and when it is taken for a choice."""

from llmlint.code.flow.siblings import FEWEST, dissent

GROUP = tuple("abcdefgh")


def test_what_nearly_all_of_a_group_are_given_and_one_is_not() -> None:
    odd = dissent(GROUP, set("abcdefg"))
    assert odd is not None and (odd.left_out, odd.support, odd.group) == (("h",), 7, 8)


def test_nothing_left_out_is_no_dissent() -> None:
    assert dissent(GROUP, set(GROUP)) is None


def test_half_of_a_group_is_a_choice() -> None:
    assert dissent(GROUP, set("abcd")) is None


def test_more_than_three_left_out_are_a_choice_in_any_group() -> None:
    group = tuple(map(str, range(40)))
    assert dissent(group, set(group[3:])) is not None
    assert dissent(group, set(group[4:])) is None


def test_small_groups_differ_by_chance() -> None:
    small = GROUP[: FEWEST - 1]
    assert dissent(small, set(small[1:])) is None
