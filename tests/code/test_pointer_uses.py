"""Pointers that may be null in C and C++: where they are reached through, and what was asked before and after."""

from __future__ import annotations

import pytest

from llmlint.code.facts.facts import PointerUse
from tests.code.linking import link


def use_of(body: str, callee: str = "lookup") -> PointerUse | None:
    program = link({"a.cpp": f"int f(node * n, int k, bool ok) {{\n{body}\n}}\n"})
    function = next(f for f in program.functions if f.name == "f")
    return next((use for use in function.facts.pointers if use.callee == callee), None)


@pytest.mark.parametrize(
    "body",
    [
        "node * p = lookup(k); return p->x;",
        "node * p = lookup(k); return (*p).x;",
        "return lookup(k)->x;",
        "auto p = (node *) lookup(k); if (k > 0) { return p->x; } return 0;",
        "n->next = lookup(k); return n->next->x;",
        "*n->slot = lookup(k); node * p = *n->slot; return p->x;",
        "node * p; p = lookup(k); for (int i = 0; i < k; i++) { k += p->x; } return k;",
        "node * p = lookup(k); int r = ok || p->x; return r;",
        "node * p = lookup(k); auto l = [&]() { return 1; }; return p->x + l();",
    ],
)
def test_a_result_is_reached_through_before_anybody_asks(body: str) -> None:
    use = use_of(body)
    assert use is not None
    assert [reach.how for reach in use.reaches][:1] in (["->"], ["*"])


@pytest.mark.parametrize(
    "body",
    [
        "node * p = lookup(k); if (!p) { return 0; } return p->x;",
        "node * p = lookup(k); if (p == nullptr) return 0; return p->x;",
        "node * p = lookup(k); if (ok && NULL != p) { return p->x; } return 0;",
        "node * p = lookup(k); return p ? p->x : 0;",
        "if (node * p = lookup(k)) { return p->x; } return 0;",
        "node * p; if ((p = lookup(k)) == nullptr) { return 0; } return p->x;",
        "node * p = lookup(k); while (p) { k += p->x; } return k;",
        "node * p = lookup(k); GGML_ASSERT(p != nullptr); return p->x;",
        "node * p = lookup(k); bool there = p != nullptr; return there ? p->x : 0;",
        "auto p = lookup(k); if (p == all.end()) { return 0; } return p->x;",
        "node * p = lookup(k); if (!p) { abort(); } return p->x;",
        "node * p = lookup(k); if (!is_good(p)) { return 0; } return p->x;",
        "node * p = lookup(k); p = n; return p->x;",
        "node * p = lookup(k); node * q = p; if (!p) { return 0; } return q->x;",
        "node * p = lookup(k); node * q = p; if (!q) { return 0; } return p->x;",
        "node * p = lookup(k); return sizeof(p->x);",
        "for (int i = 0; i < k; i++) { node * p = lookup(i); k += p->x; } return k;",
        "int p = lookup(k); return n[p].x;",
    ],
)
def test_a_result_that_was_asked_about_is_not_reached_through(body: str) -> None:
    use = use_of(body)
    assert use is None or not use.reaches or use.reaches[0].how.endswith("#0")


def test_what_it_is_given_to_is_remembered_with_the_argument() -> None:
    use = use_of("node * p = lookup(k); return take(k, p);")
    assert use is not None
    assert [reach.how for reach in use.reaches] == ["take#1"]


@pytest.mark.parametrize(
    ("body", "late"),
    [
        ("node * p = lookup(k);\nk = p->x;\nif (!p) { return 0; }\nreturn k;", 4),
        ("node * p = lookup(k);\nif (ok) { k = p->x; }\nif (!p) { return 0; }\nreturn k;", 0),
        ("node * p = lookup(k);\nk = p->x;\np = n;\nif (!p) { return 0; }\nreturn k;", 0),
        ("node * p = lookup(k);\nif (!p) { return 0; }\nreturn p->x;", 0),
        ("node * p = lookup(k);\nk = p->x;\nif (!p->next) { return 0; }\nreturn k;", 0),
        ("node * p = lookup(k);\nk = p->x;\nif (nullptr == p->next) { return 0; }\nreturn k;", 0),
        ("node * p = lookup(k);\nk = p->x;\nif (ok) { n->next = p; }\nif (!n->next) { return 0; }\nreturn k;", 0),
        ("node * p = lookup(k);\nk = p->x;\nif (ok) { p = n; }\nif (!p) { return 0; }\nreturn k;", 0),
        ("node * p = lookup(k);\nk = p->x;\nn->next = p;\nif (!n->next) { return 0; }\nreturn k;", 5),
        ("node * p = lookup(k);\nk = p->x;\nassert(p);\nreturn k;", 4),
        ("node * p = lookup(k);\nk = p->x;\nTORCH_CHECK(p, k);\nreturn k;", 4),
        ("node * p = lookup(k);\nk = p->x;\ncheck_order(p);\nreturn k;", 0),
        ("node * p = lookup(k);\nk = p->x;\nupdate_checksum(p, k);\nreturn k;", 0),
        ("node * p = lookup(k);\nk = p->x;\nUPDATE_CHECKSUM(p, k);\nreturn k;", 0),
    ],
)
def test_a_question_is_late_where_every_way_to_it_has_used_the_pointer(body: str, late: int) -> None:
    use = use_of(body)
    assert use is not None
    assert use.late == late


def test_a_parameter_is_known_by_an_empty_callee() -> None:
    use = use_of("return n->x;", callee="")
    assert use is not None
    assert (use.place, use.reaches[0].how) == ("n", "->")


@pytest.mark.parametrize(
    ("body", "always"),
    [
        ("return n->x;", True),
        ("if (k) { k++; } return n->x;", True),
        ("do { k += n->x; } while (k < 9); return k;", True),
        ("if (k) { return n->x; } return 0;", False),
        ("if (k) { return 0; } return n->x;", False),
        ("return k && n->x;", False),
        ("return k ? n->x : 0;", False),
        ("for (int i = 0; i < k; i++) { k += n->x; } return k;", False),
    ],
)
def test_a_pointer_is_reached_through_on_every_way_or_on_some(body: str, always: bool) -> None:
    use = use_of(body, callee="")
    assert use is not None
    assert use.reaches[0].always == always
