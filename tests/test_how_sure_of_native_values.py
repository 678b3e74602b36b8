"""What makes findings about C and C++ values less likely, so that they are told with low confidence."""

from __future__ import annotations

import pytest

from tests.test_how_sure import how_sure

LOADER = """
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

struct loader {{
    std::vector<int> rows;
    uint32_t most;
}};

bool load(loader * l, FILE * file) {{
    {declared} n = 0;
    if (fread(&n, sizeof(n), 1, file) != 1) {{
        return {refused};
    }}
    {body}
    return true;
}}
"""
FILL = "while (fgetc(file) > 0) { l->rows.push_back(1); } "
ALL = "int * all = (int *) malloc(n * sizeof(int)); all[0] = 1; free(all);"
TESTED = "int * all = (int *) malloc(n * sizeof(int)); if (!all) { return false; } all[0] = 1; free(all);"


@pytest.mark.parametrize(
    ("refused", "body", "confidence"),
    [
        ("false", "MODEL_ASSERT(n <= l->most);", "medium"),
        ("false", "assert(n <= l->most);", "low"),
        ("false", "MODEL_DCHECK(n <= l->most);", "low"),
        ("false", FILL + "MODEL_ASSERT(l->rows.size() == n);", "low"),
        ("true", "MODEL_ASSERT(n <= l->most);", "low"),
    ],
    ids=["an assertion", "left out", "debug only", "a container of its own", "no other way to refuse"],
)
def test_an_assertion_about_a_value_from_outside(refused: str, body: str, confidence: str) -> None:
    text = LOADER.format(declared="uint32_t", refused=refused, body=body)
    assert how_sure("LLM949", {"loader.cpp": text}) == confidence


@pytest.mark.parametrize(
    ("declared", "body", "confidence"),
    [
        ("uint64_t", ALL, "medium"),
        ("uint64_t", TESTED, "medium"),
        ("uint32_t", ALL, "medium"),
        ("uint32_t", TESTED, "low"),
    ],
    ids=["may wrap", "may wrap, tested", "not tested", "tested, and cannot wrap"],
)
def test_memory_for_a_number_from_outside(declared: str, body: str, confidence: str) -> None:
    text = LOADER.format(declared=declared, refused="false", body=body)
    assert how_sure("LLM946", {"loader.cpp": text}) == confidence


@pytest.mark.parametrize(
    ("number", "confidence"),
    [("int n = atoi(text);", "low"), ("int n = 0; fread(&n, sizeof(n), 1, file);", "medium")],
)
def test_a_divisor_out_of_a_text_may_be_the_programs_own(number: str, confidence: str) -> None:
    text = f"#include <cstdio>\nint each(FILE * file, const char * text, int all) {{ {number} return all / n; }}\n"
    assert how_sure("LLM947", {"each.cpp": text}) == confidence


FREEING = """
#include <cstdlib>

struct block {{
    int uses;
    char * bytes;
}};

static void drop(block * b) {{
    {free}
}}

void end(block * b) {{
    drop(b);
    drop(b);
}}
"""


@pytest.mark.parametrize(
    ("free", "confidence"),
    [
        ("free(b->bytes);", "medium"),
        ("if (b->bytes) { free(b->bytes); }", "medium"),
        ("if (--b->uses == 0) { free(b->bytes); }", "low"),
    ],
    ids=["always", "where there is something", "on some ways"],
)
def test_what_is_freed_on_some_ways_only_is_hardly_freed_twice(free: str, confidence: str) -> None:
    assert how_sure("LLM952", {"block.cpp": FREEING.format(free=free)}) == confidence
