"""Which scalar locals of C++ have a value where they are read."""

import pytest

from llmlint.code.facts.native_endings import NO_ENDINGS
from llmlint.code.flow.assigned_native import unsure_native_reads
from llmlint.code.syntax.cpp import read_cpp
from llmlint.code.syntax.tree_index import functions_of


def unsure(body: str) -> list[str]:
    text, module = read_cpp(f"int f(bool b, int n) {{\nint x;\n{body}\n}}\n".encode(), "cuda")
    (function,) = functions_of(module)
    return [one.name.id for one in unsure_native_reads(function, text.split("\n"), NO_ENDINGS)]


@pytest.mark.parametrize(
    "body",
    [
        "if (b) { x = 1; } return x;",
        "if (b) { x = 1; } else { n = 2; } return n + x;",
        "if (b) { x = 1; } x += 2; return n;",
        "if (b) { x = 1; } x++; return n;",
        "if (b) { x = 1; } return (long) x;",
        "if (b) { x = 1; } std::cout << x; return n;",
        "if (b) { x = 1; } goto end; end: return x;",
        "if (b) { take(&x); } return x;",
        "for (int i = 0; i < n; i++) { int y; if (i > 3) { y = i; } n += y; } return n;",
        "while (n > 0) { if (b) { x = 1; } n -= x; } return n;",
    ],
)
def test_a_way_has_not_assigned_it(body: str) -> None:
    assert len(unsure(body)) == 1


@pytest.mark.parametrize(
    "body",
    [
        "x = 1; return x;",
        "if (b) { x = 1; } if (b) { return x; } return 0;",
        "if (b) { x = 1; } return b ? x : 0;",
        "if (b) { x = 1; } return b && x;",
        "if (b) { x = 1; } else { throw n; } return x;",
        'if (b) { x = 1; } else { assert(false && "no x"); } return x;',
        "if (b) { x = 1; } take(x); return x;",
        "if (b) { x = 1; } in >> x; return x;",
        "if (b) { x = 1; } if (!take(&x)) { return 0; } return x;",
        "if (b) { x = 1; } auto set = [&x] { x = 2; }; set(); return x;",
        "if (b) { x = 1; } GGML_ASSERT(b); return x;",
        "if (b) { x = 1; } n = sizeof(x); return n;",
        "if (b) { x = 1; } else { goto end; } return x; end: return 0;",
        "again: if (b) { x = 1; } if (n > 2) { goto again; } return x;",
        "for (int i = 0; i < n; i++) { take(&x); } return x;",
        'std::string y; if (b) { y = "a"; } return y.size();',
        "__shared__ int y; if (b) { y = 1; } return y;",
        "static int y; if (b) { y = 1; } return y;",
        "{ x = 2; } return x;",
    ],
)
def test_it_has_a_value_or_somebody_else_may_have_set_it(body: str) -> None:
    assert unsure(body) == []
