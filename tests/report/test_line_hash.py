"""The line hash is GitHub's: known values, and agreement with Microsoft's own implementation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmlint.report.line_hash import line_hashes


def direct(units: list[int]) -> int:
    """The definition, written as a loop: h * 37 + unit over a window of a hundred, in 64 bits."""
    value = 0
    for unit in (units + [0] * 100)[:100]:
        value = (value * 37 + unit) % 2**64
    return value


def test_an_empty_file_has_one_line_which_is_only_its_end() -> None:
    assert line_hashes("") == [f"{direct([65535]):x}:1"]


def test_the_values_that_codeql_action_publishes() -> None:
    assert line_hashes("") == ["c129715d7a2bc9a3:1"]
    expected = ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"]
    assert line_hashes(" a\nb\n  \t\tc\n d") == expected


def test_a_line_takes_in_the_lines_after_it() -> None:
    first, second, end = line_hashes("a\nb\n")
    assert first == f"{direct([97, 10, 98, 10, 65535]):x}:1"
    assert second == f"{direct([98, 10, 65535]):x}:1"
    assert end == f"{direct([65535]):x}:1"


def test_equal_lines_with_equal_followers_are_counted_from_the_top() -> None:
    hashes = line_hashes("x\n" * 200)
    assert [h.partition(":")[2] for h in hashes[:3]] == ["1", "2", "3"]
    assert len({h.partition(":")[0] for h in hashes[:3]}) == 1


def test_blanks_within_lines_do_not_count() -> None:
    assert line_hashes("  x = 1\n\ty\n") == line_hashes("x=1\ny\n")


def test_all_line_ends_are_alike_but_a_blank_between_cr_and_lf_makes_two() -> None:
    assert line_hashes("a\r\nb\rc") == line_hashes("a\nb\nc")
    assert line_hashes("a\r \nb") == line_hashes("a\n\nb")


def test_signs_beyond_the_basic_plane_count_as_two_units() -> None:
    assert line_hashes("\N{GRINNING FACE}") == [f"{direct([0xD83D, 0xDE00, 65535]):x}:1"]


@given(st.text(alphabet="ab \t\r\n\u00e9\N{GRINNING FACE}", max_size=300))
def test_there_is_a_hash_for_every_line_and_none_repeats(text: str) -> None:
    hashes = line_hashes(text)
    assert len(hashes) == len(set(hashes))
    assert len(hashes) >= text.count("\n") + 1
