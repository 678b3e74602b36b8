"""Where control goes: branches, loops, exceptions, finally, with, switch and goto, in both languages."""

from __future__ import annotations

import pytest

from llmlint.code.flow.always import surely
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import ENTRY, EXIT, RAISED
from llmlint.code.flow.paths import ANY, PLAIN
from llmlint.code.flow.summaries import does
from llmlint.code.link.entities import FunctionInfo
from tests.code.linking import link


def python(body: str) -> FunctionInfo:
    lines = "\n".join(f"    {line}" for line in body.strip("\n").split("\n"))
    program = link({"a.py": f"def f(a, b, x, y):\n{lines}\n"})
    return next(f for f in program.functions if f.name == "f")


def cpp(body: str) -> FunctionInfo:
    program = link({"a.cpp": f"int f(int a, int b, int x, int y) {{\n{body}\n}}\n"})
    return next(f for f in program.functions if f.name == "f")


def misses(function: FunctionInfo, start: str, settle: str, goal: int = EXIT, kinds=PLAIN) -> bool:
    """Can control go from the call `start` to the end without passing the call `settle`?"""
    paths = paths_of(function)
    graph = paths.graph

    def nodes(name: str) -> list[int]:
        return [n for n in range(len(graph.nodes)) if (e := graph.effect(n)) is not None and e.callee == name]

    starts = nodes(start) if start else [ENTRY]
    assert starts
    settled = set(nodes(settle))
    return paths.find(starts, {goal}, settled.__contains__, kinds=kinds) is not None


@pytest.mark.parametrize(
    ("body", "escapes"),
    [
        ("take()\ngive()", False),
        ("take()\nif x:\n    return\ngive()", True),
        ("take()\nif x:\n    give()\n    return\ngive()", False),
        ("take()\nif x:\n    if y:\n        give()\n    return\ngive()", True),
        ("take()\nfor i in x:\n    if i:\n        break\nelse:\n    give()", True),
        ("take()\nwhile True:\n    if x:\n        break\ngive()", False),
        ("take()\nwhile True:\n    if x:\n        return\ngive()", True),
        ("take()\ntry:\n    if x:\n        return\nfinally:\n    give()", False),
        ("take()\ntry:\n    work()\nexcept ValueError:\n    return\ngive()", False),
        ("take()\ntry:\n    raise ValueError\nexcept ValueError:\n    return\ngive()", True),
        ("take()\nwith x:\n    if y:\n        return\ngive()", True),
        ("take()\nmatch x:\n    case 1:\n        return\n    case _:\n        pass\ngive()", True),
        ("take()\ndef inner():\n    return\ngive()", False),
        ("take()\ng = lambda: work()\ngive()", False),
        ("for i in x:\n    take()\n    if i:\n        continue\n    give()", True),
    ],
)
def test_ways_out_that_miss_a_call_in_python(body: str, escapes: bool) -> None:
    assert misses(python(body), "take", "give") is escapes


@pytest.mark.parametrize(
    ("body", "escapes"),
    [
        ("take(); if (x) goto fail; give(); return 0; fail: return 1;", True),
        ("take(); if (x) goto fail; give(); return 0; fail: give(); return 1;", False),
        ("take(); switch (x) { case 1: return 1; default: break; } give();", True),
        ("take(); switch (x) { case 1: give(); return 1; default: break; } give();", False),
        ("take(); switch (x) { case 1: case 2: give(); break; default: give(); }", False),
        ("take(); do { if (x) break; } while (y); give();", False),
        ("take(); for (;;) { if (x) return 1; } give();", True),
        ("take(); if (x) { abort(); } give();", False),
        ("take(); if (x) { LOG(FATAL) << x; return 1; } give();", False),
        ("take(); if (x) { LOG(ERROR) << x; return 1; } give();", True),
        ('take(); if (x) { ENGINE_ASSERT(false, "no"); return 1; } give();', False),
        ('take(); if (x) { ENGINE_ASSERT(y, "no"); return 1; } give();', True),
        ("take(); if (x) { CHECK(false) << x; return 1; } give();", False),
        ("take(); auto done = [&]() { return; }; give();", False),
    ],
)
def test_ways_out_that_miss_a_call_in_cpp(body: str, escapes: bool) -> None:
    assert misses(cpp(body), "take", "give") is escapes


@pytest.mark.parametrize(
    ("body", "escapes"),
    [
        # The same test twice decides the second.
        ("if x:\n    take()\nwork(y)\nif x:\n    give()", False),
        ("if x:\n    take()\nx = y\nif x:\n    give()", True),
        ("if x is None:\n    return\ntake()\nif x is not None:\n    give()", False),
        ("if not x:\n    take()\n    if x:\n        return\n    give()", False),
        ("if x == 1:\n    take()\nif x == 2:\n    return\nif x == 1:\n    give()", False),
        ("if x or y:\n    take()\nif x:\n    give()", True),
        ("if x and y:\n    take()\nif x:\n    give()", False),
    ],
)
def test_tests_that_cannot_hold_together_bar_a_way(body: str, escapes: bool) -> None:
    assert misses(python(body), "take", "give") is escapes


@pytest.mark.parametrize(
    ("refuse", "escapes"),
    [
        ("[[noreturn]] void refuse(const char * why);", False),
        ("static void refuse(const char * why) __attribute__((noreturn));", False),
        ("void refuse(const char * why) { puts(why); std::abort(); }", False),
        ("void refuse(const char * why) { if (!why) { return; } std::abort(); }", True),
        ("[[noreturn]] void refuse(const char * why);\nvoid other::refuse(const char * why) { puts(why); }", True),
        ("void refuse(const char * why);", True),
    ],
)
def test_a_function_of_the_program_that_never_returns_ends_the_way(refuse: str, escapes: bool) -> None:
    body = 'int f(int x) { take(); if (x) { refuse("why"); return 1; } give(); return 0; }'
    program = link({"a.cpp": body, "b.h": refuse})
    assert misses(next(f for f in program.functions if f.name == "f"), "take", "give") is escapes


def test_a_python_function_that_is_said_to_never_return_ends_the_way() -> None:
    for returns, escapes in (("NoReturn", False), ("None", True)):
        refuse = f"from typing import NoReturn\n\n\ndef refuse(why) -> {returns}:\n    raise_it(why)\n"
        lines = ["from b import refuse", "def f(x):", "    take()", "    if x:", "        refuse(x)"]
        lines += ["        return", "    give()"]
        program = link({"a.py": "\n".join(lines), "b.py": refuse})
        assert misses(next(f for f in program.functions if f.name == "f"), "take", "give") is escapes


def test_a_call_may_throw_and_an_await_may_be_the_last() -> None:
    function = python("take()\nwork()\ngive()")
    assert not misses(function, "take", "give", RAISED)
    assert misses(function, "take", "give", RAISED, ANY)
    guarded = python("take()\ntry:\n    work()\nfinally:\n    give()")
    assert not misses(guarded, "take", "give", RAISED, ANY - {"throw"})


def test_cancellation_passes_handlers_of_errors() -> None:
    source = """
async def f(x):
    take()
    try:
        await x.work()
    except {}:
        give()
        raise
    give()
"""
    kinds = {"", "cancel", "uncaught", "raise"}
    for caught, escapes in (("Exception", True), ("BaseException", False), ("asyncio.CancelledError", False)):
        program = link({"a.py": source.format(caught)})
        function = next(f for f in program.functions if f.name == "f")
        assert misses(function, "take", "give", RAISED, kinds) is escapes, caught


def test_a_handler_that_catches_all_lets_nothing_out() -> None:
    assert not misses(python("take()\ntry:\n    raise x\nexcept Exception:\n    give()"), "take", "give", RAISED)
    assert misses(python("take()\ntry:\n    raise x\nexcept KeyError:\n    give()"), "take", "give", RAISED)


def test_branches_that_meet_leave_a_name_with_several_meanings() -> None:
    program = link(
        {
            "a.py": """
class C:
    def __init__(self):
        self.a, self.b = [], []

    def both(self, x):
        if x:
            q = self.a
        else:
            q = self.b
        q.clear()

    def walk(self):
        node = self.head
        while node:
            node.count += 1
            node = node.next
"""
        }
    )
    cls = program.class_named("C")
    assert cls is not None
    both = cls.methods["both"]
    assert next(e for e in both.effects if e.op == "clear" and e.path == "q").maybe == ("self.a", "self.b")
    assert {d.path for d in does(program, both) if d.how == "clear"} == {"self.a", "self.b"}
    assert not any(surely(program, both, path, frozenset({"clear"})) for path in ("self.a", "self.b"))
    assert "self.head.count" in {d.path for d in does(program, cls.methods["walk"])}
