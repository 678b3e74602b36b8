"""Which functions and macros of C and C++ never come back, of one file and of a program."""

import pytest
from linking import function, link

from llmlint.code.facts.native_endings import macros_in, native_endings
from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import EXIT, GONE, RAISED
from llmlint.code.syntax.cpp import read_cpp

ENDING = {
    "exits": "void f(int n) { log(n); exit(n); }",
    "either way": "void f(int n) { if (n) { exit(n); } else { abort(); } }",
    "says so": "[[noreturn]] void f(int n);",
    "says so behind": "void f(int n) __attribute__((noreturn, cold));",
    "says so in C": "_Noreturn void f(int n);",
    "by another": "static void last(void) { _exit(2); } void f(int n) { last(); }",
    "macro": "#define f(n) do { log(n); \\\n    exit(n); } while (0)\n",
    "macro of another": "static void last(int n) { exit(n); }\n#define f(n) last(n)\n",
}
RAISING = {
    "throws": "void f(int n) { log(n); throw std::runtime_error(text(n)); }",
    "throws or exits": "void f(int n) { if (n) { throw n; } else { abort(); } }",
    "macro": '#define f(n) throw std::runtime_error( \\\n    "f: " n)\n',
}
COMING_BACK = {
    "returns before": "void f(int n) { if (!n) { return; } exit(n); }",
    "jumps before": "void f(int n) { if (!n) { goto out; } exit(n); out: log(n); }",
    "on one way": "void f(int n) { if (n) { exit(n); } }",
    "a method": "struct s { void f(int n) { throw n; } };",
    "a method outside": "void s::f(int n) { exit(n); }",
    "two of the name": "void f(int n) { exit(n); }\nvoid f(long n) { log(n); }",
    "macro with a test": "#define f(n) do { if (n) exit(n); } while (0)\n",
    "macro of two kinds": "#if DEBUG\n#define f(n) abort()\n#else\n#define f(n) log(n)\n#endif\n",
}
CASES = [
    (text, how) for texts, how in ((ENDING, "exit"), (RAISING, "throw"), (COMING_BACK, "")) for text in texts.values()
]


@pytest.mark.parametrize(("text", "how"), CASES)
def test_what_a_file_tells(text: str, how: str) -> None:
    shown, module = read_cpp(text.encode(), "cpp")
    assert native_endings(module, macros_in(shown)).how("f") == how


@pytest.mark.parametrize(("text", "end"), [("exit(1)", GONE), ("throw 1", RAISED), ("log(1)", EXIT)])
@pytest.mark.parametrize("said", ["void last() {{ {}; }}", "#define last() {}"])
def test_what_another_file_tells(text: str, end: int, said: str) -> None:
    program = link({"last.h": said.format(text) + "\n", "use.cpp": "void use() { last(); }"})
    graph = paths_of(function(program, "use")).graph
    assert {
        edge.to for edges in graph.out for edge in edges if edge.to in (EXIT, RAISED, GONE) and not edge.kind == "throw"
    } == {end}


def test_statics_of_one_name_must_agree() -> None:
    usage = "static void usage() {{ {}; }} void {}() {{ usage(); }}"
    program = link({"a.cpp": usage.format("exit(1)", "one"), "b.cpp": usage.format("log(1)", "two")})
    assert not program.functions[0].endings.how("usage")
