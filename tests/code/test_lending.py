"""What a call lends to a function: who holds it, who only borrows it, who gives it back."""

from __future__ import annotations

import pytest
from linking import link

from llmlint.code.domain.duties import owed
from llmlint.code.domain.lending import Fate, Held, Lending, mentions
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


def held_in(program: Program, function: str) -> tuple[Lending, Held]:
    lending = Lending(program)
    return lending, next(held for held in lending.asked if held.function.name == function)


def fates(program: Program, function: str) -> dict[str, Fate]:
    """What each effect that does more than use the thing does with it, by callee or op."""
    lending, held = held_in(program, function)
    effects = held.function.effects
    return {effects[at].callee or effects[at].op: fate for at, fate in lending.fates(held).items()}


def test_a_call_that_gets_what_is_released_later_only_borrows_it() -> None:
    assert fates(link({"reader.cpp": READER}), "lines_of") == {"fclose": Fate.GIVEN_BACK}


def test_a_call_that_is_never_seen_with_a_released_one_may_keep_it() -> None:
    assert fates(link({"reader.cpp": READER}), "adopt") == {"all.take": Fate.UNKNOWN}


def test_an_object_made_around_a_thing_may_keep_it() -> None:
    source = "holder * f() { FILE * file = fopen(0, 0); return new holder { file }; }"
    assert Fate.UNKNOWN in fates(link({"reader.cpp": READER, "a.cpp": source}), "f").values()


def test_a_helper_is_known_for_what_it_does_with_what_it_is_given() -> None:
    program = link(
        {
            "a.py": """
def drop(pool, blocks):
    pool.free(blocks)

def look(blocks):
    print(len(blocks))

class Owner:
    def keep(self, blocks):
        self.all.append(blocks)

    def gives(self, pool):
        b = pool.alloc(1)
        drop(pool, b)

    def looks(self, pool):
        b = pool.alloc(2)
        look(b)

    def keeps(self, pool):
        b = pool.alloc(3)
        self.keep(b)

    def takes_another_name(self, pool):
        b = pool.alloc(4)
        mine = b
        pool.free(mine)
"""
        }
    )
    assert fates(program, "gives") == {"drop": Fate.GIVEN_BACK}
    assert fates(program, "looks") == {}
    assert fates(program, "keeps") == {"self.keep": Fate.KEPT}
    assert fates(program, "takes_another_name") == {"pool.free": Fate.GIVEN_BACK}


def test_what_a_function_was_lent_and_answers_it_lends_on() -> None:
    program = link(
        {
            "a.py": """
def take(pool):
    blocks = pool.alloc(1)
    return blocks

def use(pool):
    mine = take(pool)
    work(mine)
"""
        }
    )
    things = Lending(program).asked
    assert [(held.function.name, held.name) for held in things] == [("take", "blocks"), ("use", "mine")]


@pytest.mark.parametrize(
    ("declared", "via", "owed_for"), [("ptrdiff_t left = n;", "-=", []), ("float * left;", "=", ["left"])]
)
def test_what_is_counted_down_by_an_answer_is_a_number(declared: str, via: str, owed_for: list[str]) -> None:
    program = link({"fill.cpp": f"void fill(Pool & pool, int n) {{ {declared} left {via} pool.alloc(n); use(left); }}"})
    assert [held.name for held in owed(Lending(program))] == owed_for


def test_of_very_many_things_of_one_function_the_first_hundred_are_followed() -> None:
    takes = "".join(f"    b{n} = open('{n}')\n" for n in range(300))
    program = link({"a.py": f"def f():\n{takes}\n\ndef g():\n    a = open('a')\n"})
    names = [held.name for held in owed(Lending(program))]
    assert names == [f"b{n}" for n in range(100)] + ["a"]


def test_effects_that_speak_of_none_of_its_names_are_not_asked_about_a_thing() -> None:
    takes = "".join(f"    b{n} = open('{n}')\n    b{n}.close()\n" for n in range(50))
    program = link({"a.py": f"def f():\n{takes}"})
    function = next(function for function in program.functions if function.name == "f")
    spoken_of = [function.effects[at] for at in mentions(function, {"b7"})]
    assert 0 < len(spoken_of) < 5
    assert all("b7" in (e.path, e.result, e.callee.partition(".")[0]) for e in spoken_of)
