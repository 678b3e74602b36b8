"""Neighbouring clones: which blocks pair up, and which name the second one kept."""

from llmlint.code.flow.clones import Kept, Pair, kept_name, pairs_in, parts_of


def pairs(text: str) -> list[Pair]:
    return list(pairs_in(text.split("\n"), text))


def kept(text: str) -> list[Kept]:
    lines = text.split("\n")
    return [found for pair in pairs_in(lines, text) if (found := kept_name(lines, pair)) is not None]


def test_names_are_read_in_their_parts() -> None:
    assert parts_of("get_add_bos") == parts_of("GetAddBOS") == ["get", "add", "bos"]


def test_a_block_and_its_copy_right_below_are_a_pair() -> None:
    text = "load(k_cache, k_scale)\nif k_cache is None:\n    k_cache = empty(k_size)\n"
    assert pairs(text + text.replace("k_", "v_")) == [Pair(0, 3)]


def test_a_row_of_equal_lines_is_compared_line_by_line() -> None:
    assert {pair.height for pair in pairs("\n".join(f"stride_{n} = cache.stride({n}, rows)" for n in range(6)))} == {1}


def test_a_block_that_leaves_a_bracket_open_is_none() -> None:
    text = "call(first_argument,\ncall(second_argument,\n"
    assert pairs(text) == []


def test_the_name_that_was_not_renamed_is_told_with_the_one_that_would_stand_there() -> None:
    first = "k_out = scale(k_cache, k_scale, k_zero)\n"
    (found,) = kept(first + first.replace("k_", "v_").replace("v_zero", "k_zero"))
    assert (found.name, found.expected, found.mapped) == ("k_zero", "v_zero", 3)


def test_two_kept_names_are_meant() -> None:
    first = "k_out = scale(k_cache, k_scale, k_zero, k_one)\n"
    assert kept(first + first.replace("k_", "v_").replace("v_zero, v_one", "k_zero, k_one")) == []


def test_a_renamed_word_that_the_first_block_knows_too_is_a_combination() -> None:
    assert kept("mul(lo(a), lo(b), lo(c), hi(d))\nmul(hi(a), hi(b), lo(c), hi(d))\n") == []


def test_a_copy_whose_first_line_changed_its_shape_still_pairs() -> None:
    first = "if add_bos() and out[1] == bos():\n    warn(\n        1,\n        bos_text(bos_name),\n    )\n"
    second = "if add_bos() and last(out) == eos():\n    warn(\n        1,\n        eos_text(eos_name),\n    )\n"
    (found,) = kept(first + second)
    assert (found.line, found.name, found.expected) == (5, "add_bos", "add_eos")


def test_rows_of_numbers_are_no_clones_of_each_other() -> None:
    row = "0x{:02x}, 0x7f, 12, 255, 3.5e-4f, 0x00,\n"
    assert pairs("".join(row.format(number) for number in range(40))) == []
