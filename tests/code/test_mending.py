"""C++ that is written with macros and conditional groups, and read all the same."""

from __future__ import annotations

import pytest

from llmlint.code.syntax import tree
from llmlint.code.syntax.cpp import read_cpp

CALLS = {
    "a macro's statement without a semicolon": """
void f() {
    CASE(1, values[A], 3)
    CASE(2, values[B], 4)
    g(x);
}
""",
    "types among a macro's arguments": "void f() {\n    LOCALS(int64_t, ne0, source(x), ne);\n    g(x);\n}\n",
    "a declaration among a macro's arguments": "void f() {\n    TRY(auto x, source());\n    g(x);\n}\n",
    "nothing among a macro's arguments": "void f() {\n    MAKE(a, , name, 3, , 0);\n    g(x);\n}\n",
    "a macro alone on its line": "void f() {\n    LOCALS_OF_ALL\n\n    float eps;\n    g(eps);\n}\n",
    "a mark before a loop": "void f() {\n    UNROLL\n    for (int i = 0; i < n; ++i) {\n        g(i);\n    }\n}\n",
    "a mark behind a string": 'void f() {\n    log("a" MARK);\n    g(x);\n}\n',
    "a mark between strings": 'void f() {\n    log("%" PRIu64 " of %" PRIu64 "\\n", x);\n    g(x);\n}\n',
    "a comma behind an assignment": "void f() {\n    CHECK((x->k = make(&error), error));\n    g(x);\n}\n",
    "an array of pointers": "void f() {\n    auto p = new T *[n];\n    g(p);\n}\n",
    "brackets behind `delete`": "void f() {\n    delete[] (x);\n    delete[](char *)(p->x);\n    g(x);\n}\n",
    "a list in brackets among a macro's arguments": "void f() {\n    MAKE(a, ({n, 3}, type));\n    g(x);\n}\n",
    "a lambda for the device": "void f() {\n    run([&] __device__(const int & x) { g(x); });\n}\n",
    "an attribute with brackets inside": (
        "typedef __attribute__((vector_size((N / 2) * sizeof(float)))) float wide;\nvoid f() { g(x); }\n"
    ),
    "a vector type": "void f() {\n    vector signed int x = splat(0);\n    __vector float y;\n    g(x);\n}\n",
    "an `else` that only one branch has": """
void f() {
#if FAST
    if (x) {
        g(x);
    } else
#endif
    {
        h(x);
    }
}
""",
    "a condition that goes on in a branch": "void f() {\n    if (a\n#if WIDE\n        && b\n#endif\n    ) { g(x); }\n}",
    "elements in a branch": "void f() {\n    int all[] = {\n#ifdef A\n        1,\n#endif\n        g(x) };\n}\n",
}


@pytest.mark.parametrize("what", CALLS)
def test_is_read_whole(what: str) -> None:
    _, module = read_cpp(CALLS[what].encode(), "cpp")
    assert module.broken == []
    function = next(n for n in tree.walk(module) if isinstance(n, tree.Function) and n.name == "f")
    called = [tree.path_of(n.function) for n in tree.walk(function) if isinstance(n, tree.Call)]
    assert "g" in called


@pytest.mark.parametrize(("brackets", "is_array"), [("[] ", True), ("[]", True), ("", False)])
def test_an_array_is_deleted_as_one_though_its_brackets_are_mended_away(brackets: str, is_array: bool) -> None:
    _, module = read_cpp(f"void f() {{\n    delete{brackets}(x);\n}}\n".encode(), "cpp")
    assert [n.is_array for n in tree.walk(module) if isinstance(n, tree.Delete)] == [is_array]


@pytest.mark.parametrize(
    "source",
    [
        "struct cache {\n    int size GUARDED_BY(lock);\n    void add() REQUIRES(lock) { grow(); }\n};\n",
        "struct cache {\n    int size;\n    void add(std::function<void()> done = {}, int count = 2);\n};\n",
        'class __attribute__((visibility("hidden"))) cache {\n    int size;\n    void add() {}\n};\n',
        "struct cache {\n    int size;\n    static __force_inline__ void add() {}\n};\n",
    ],
)
def test_marks_of_members_and_classes_are_no_part_of_them(source: str) -> None:
    _, module = read_cpp(source.encode(), "cpp")
    cache = next(node for node in tree.walk(module) if isinstance(node, tree.Class))
    assert module.broken == []
    assert cache.name == "cache"
    assert {"size", "add"} == {m.name for m in cache.body if isinstance(m, tree.Field | tree.Function)}


def test_of_branches_that_cannot_both_be_read_the_second_is_told_as_not_read() -> None:
    source = "#ifdef FAST\nint run(int a) {\n#else\nint run(int a, int b) {\n#endif\n    return a;\n}\n"
    _, module = read_cpp(source.encode(), "cpp")
    assert {line for broken in module.broken for line in range(broken.line, broken.end_line + 1)} >= {4}
    run = next(node for node in module.body if isinstance(node, tree.Function))
    assert [parameter.name for parameter in run.params] == ["a"]


def test_branches_with_whole_statements_are_both_read() -> None:
    source = "void f() {\n#ifdef FAST\n    fast();\n#else\n    slow();\n#endif\n}\n"
    _, module = read_cpp(source.encode(), "cpp")
    assert [tree.path_of(n.function) for n in tree.walk(module) if isinstance(n, tree.Call)] == ["fast", "slow"]


def test_code_for_the_device_in_a_header_is_read_as_cuda() -> None:
    source = "template <typename T>\n__global__ void k(T * x) { x[0] = 1; }\nvoid f() { k<<<1, 32, 0, s>>>(x); }\n"
    _, module = read_cpp(source.encode(), "cpp")
    launch = next(node for node in tree.walk(module) if isinstance(node, tree.Call))
    assert module.broken == []
    assert len(launch.launch) == 4


@pytest.mark.parametrize(
    "macro",
    [
        "TRY(\n        auto x,\n        source());",
        "MAKE(a,\n, name);",
    ],
)
def test_a_mended_line_stays_a_line(macro: str) -> None:
    """What the arguments of a macro become must not move what stands below them."""
    text = f"void f() {{\n    {macro}\n}}\nvoid below() {{ g(x); }}\n"
    _, module = read_cpp(text.encode(), "cpp")
    line = next(n.line for n in tree.walk(module) if isinstance(n, tree.Function) and n.name == "below")
    assert "below" in text.split("\n")[line - 1]
