"""What the pass over a C++ function meets: names without a value, and pointers whose target has gone."""

from __future__ import annotations

import pytest

from llmlint.code.flow.lifetimes import Lifetimes
from llmlint.code.syntax import tree
from llmlint.code.syntax.cpp import read_cpp


def met(body: str, head: str = "int f(int n, const char * s, node * p)") -> list[tuple[str, str, str]]:
    """What is met, of which kind, and at which name."""
    text, module = read_cpp(f"{head} {{ {body} }}".encode(), "cpp")
    function = next(node for node in module.body if isinstance(node, tree.Function))
    return [(seen.how, seen.fate.kind, seen.name) for seen in Lifetimes(function, text.split("\n"), {}).read()]


@pytest.mark.parametrize(
    "body",
    [
        "int a; for (int i = 0; i < n; i++) { a = i; } return a + 1;",
        "int a; if (n) { a = 1; } if (n) { return a + 1; } return 0;",
        "int a; do { a = next(); } while (a > 0); return a + 1;",
        "int a; if (n > 1) { a = 1; } else { exit(1); } return a + 1;",
        "int a; try { a = next(); } catch (...) { return 1; } return a + 1;",
        "int * p; if ((p = next()) != nullptr) { return *p; } return 0;",
        "int a; { int a = 1; use(a + 1); } a = 2; return a + 1;",
    ],
)
def test_a_name_that_has_a_value_is_silent(body: str) -> None:
    assert met(body) == []


@pytest.mark.parametrize(
    "body",
    [
        "int a; use(a + 1); a = 2; return a + 0;",
        "int a; if (n) { a = 1; } return a + 1;",
        "int a; while (n > 0) { a += n; n--; } return 0;",
        "node * a; if (a->next) { a = next(); } return 0;",
    ],
)
def test_a_name_without_a_value_is_met_once(body: str) -> None:
    assert met(body) == [("read", "unset", "a")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("char * p; { std::string t(s); p = t.data(); } return p[0];", ("read", "ended", "p")),
        ("std::string t(s); auto * p = t.c_str(); t += n; t.append(s); return p[0];", ("read", "outgrown", "p")),
        ("auto it = v.begin(); v.erase(it); return *it;", None),
        ("std::vector<int> v(n); auto it = v.begin(); v.erase(it); return *it;", ("read", "outgrown", "it")),
        ("std::vector<int> v(n); for (auto & x : v) { use(x); } v.clear(); return 0;", None),
        ("free(p); free(p); return 0;", ("freed", "freed", "p")),
        ("free(p); p = next(); free(p); return 0;", None),
        ("if (n) { free(p); } else { free(p); } return 0;", None),
        ("free(p); return p->size;", ("read", "freed", "p")),
        ("std::thread([&] { use(n); }).detach(); return 0;", ("detached", "ended", "n")),
        ("std::thread([=] { use(n); }).detach(); return 0;", None),
    ],
)
def test_a_pointer_whose_target_has_gone(body: str, expected: tuple[str, str, str] | None) -> None:
    assert [seen for seen in met(body) if seen[1] != "unset"] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("head", "body", "how"),
    [
        ("const char * f(int n)", "std::string t(n, 'x'); return t.c_str();", "returned"),
        ("std::string f(int n)", "std::string t(n, 'x'); return t.c_str();", ""),
        ("std::string_view f(int n)", "std::string t(n, 'x'); return t;", "returned"),
        ("int * f(int n)", "int all[4]; return all;", "returned"),
        ("int * f(int n)", "static int all[4]; return all;", ""),
        ("int & f(holder * h)", "return h->all[0];", ""),
        ("void f(holder * h)", "int n = 1; h->at = &n; use(h);", "kept"),
        ("void f(holder * h)", "int n = 1; h->at = &n; use(h); h->at = nullptr;", ""),
        ("void f(holder h)", "int n = 1; h.at = &n; use(h);", ""),
    ],
)
def test_what_outlives_a_function(head: str, body: str, how: str) -> None:
    assert [seen[0] for seen in met(body, head)] == ([how] if how else [])
