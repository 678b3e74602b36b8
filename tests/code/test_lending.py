"""What a call lends to a function: who holds it, who only borrows it, who gives it back."""

from __future__ import annotations

from linking import link

from llmlint.code.domain.lending import Held, borrowers, gives_back, lent, settles, takers
from llmlint.code.link.program import Program

READER = """
static int count_lines(FILE * file);

static int lines_of(const char * path) {
    FILE * file = fopen(path, "r");
    int lines = count_lines(file);
    fclose(file);
    return lines;
}

static void adopt(library & all, const char * path) {
    FILE * file = fopen(path, "r");
    all.take(file);
}
"""


def held_in(program: Program, function: str) -> Held:
    return next(held for held in lent(program) if held.function.name == function)


def test_a_call_that_gets_what_is_released_later_only_borrows_it() -> None:
    program = link({"reader.cpp": READER})
    borrowing = borrowers(program, lent(program))
    held = held_in(program, "lines_of")
    assert "count_lines" in borrowing[held.pair]
    assert not list(takers(held, borrowing[held.pair]))


def test_a_call_that_is_never_seen_with_a_released_one_may_keep_it() -> None:
    program = link({"reader.cpp": READER})
    held = held_in(program, "adopt")
    assert [e.callee for e in takers(held, borrowers(program, lent(program))[held.pair])] == ["all.take"]


def test_an_object_made_around_a_thing_keeps_it() -> None:
    source = "holder * f() { FILE * file = fopen(0, 0); return new holder { file }; }"
    program = link({"reader.cpp": READER, "a.cpp": source})
    held = held_in(program, "f")
    assert [e.via for e in takers(held, borrowers(program, lent(program))[held.pair])] == ["new"]


def test_an_owner_that_is_reset_to_a_thing_has_taken_it() -> None:
    program = link({"a.cpp": "void f(box & b) { FILE * file = fopen(b.path, 0); b.owner.reset(file); }"})
    held = held_in(program, "f")
    assert any(settles(program, held, effect) for effect in held.after)
    assert not any(gives_back(program, held, effect) for effect in held.after)


def test_what_a_cast_covers_is_lent_all_the_same() -> None:
    program = link({"a.cpp": "void f() { char * text = (char *) malloc(12); free(text); }"})
    assert held_in(program, "f").name == "text"
