"""What makes findings about C and C++ values less likely, so that they are told with low confidence."""

from __future__ import annotations

import pytest

from llmlint.scan import check_sources
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
    ("body", "mechanism"),
    [
        ("for (uint64_t i = 0; i < n; i++) { l->rows.push_back(1); }", "rounds"),
        ("int few[4]; for (uint64_t i = 0; i < n; i++) { few[i] = 1; }", "past"),
        ("l->most = 1u << n;", "shift"),
        ("l->most = l->rows.at(n);", "thrown"),
        ("MPI_Bcast(&n, 1, MPI_UINT64_T, 0, comm); l->most = few[n];", "rank"),
        ("header * h = (header *) shmat(3, nullptr, 0); l->most = few[h->n];", "shared"),
        ('json said = json::parse(req.body); int k = said["k"]; l->most = few[k];', "document"),
    ],
)
def test_what_nobody_has_read_yet_is_of_low_confidence(body: str, mechanism: str) -> None:
    text = LOADER.format(declared="uint64_t", refused="false", body=body)
    (finding,) = check_sources({"loader.cpp": text.encode()}, ["LLM946"])
    assert (finding.confidence, finding.mechanism) == ("low", f"unchecked_size.{mechanism}")


def test_each_step_between_is_shown() -> None:
    body = "uint64_t m = n * 4;\n uint64_t k = m + 1;\n int * all = (int *) malloc(k); all[0] = 1;"
    text = LOADER.format(declared="uint64_t", refused="false", body=body)
    (finding,) = check_sources({"loader.cpp": text.encode()}, ["LLM946"])
    told = [step.message for step in finding.evidence]
    assert told[1:3] == ["m is made of n", "k is made of m"]
    assert [step.line for step in finding.evidence] == sorted(step.line for step in finding.evidence)


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


WORK = """
#include <map>
#include <string>

struct table {{
    std::map<std::string, int> rows;
    {work}
}};

int a(table & t, const std::string & s) {{ return t.work(s, 1) ? 1 : 0; }}
int b(table & t, const std::string & s) {{ return t.work(s, 2) ? 2 : 0; }}
int c(table & t, const std::string & s) {{ return t.work(s, 3) ? 3 : 0; }}
int d(table & t, const std::string & s) {{ return t.work(s, 4) ? 4 : 0; }}
int e(table & t, const std::string & s) {{ return t.work(s, 5) ? 5 : 0; }}

void fill(table & t) {{
    t.work("python", 7);
}}
"""
PUT = "bool work(const std::string & name, int n) { if (name.empty()) { return false; } rows[name] = n; return true; }"
FULL = (
    "bool work(const std::string & name, int n) { if (rows.size() > 9) { return false; } rows[name] = n; return true; }"
)
FIND = "int work(const std::string & name, int n) { auto at = rows.find(name); return at->second; }"
LOOK = "bool has(int n) { return n > 3; } bool work(const std::string & name, int n) { return has(n); }"
CODE = (
    "int work(const std::string & name, int n) { int code = -1; if (n < 9) { rows[name] = n; code = 0; } return code; }"
)


@pytest.mark.parametrize(
    ("work", "confidence"),
    [(FULL, "medium"), (CODE, "medium"), (PUT, "low"), (FIND, "low"), (LOOK, "low")],
    ids=["may fail", "a code", "cannot fail with this name", "a number", "only looks"],
)
def test_what_is_dropped_matters_where_it_tells_of_work(work: str, confidence: str) -> None:
    assert how_sure("LLM911", {"table.cpp": WORK.format(work=work)}) == confidence


STATICS = """
#include <cstdlib>
#include <map>
#include <string>
#include <thread>

int known(const std::string & name) {{
    static std::map<std::string, int> all;
    if (all.empty()) {{
        all["root"] = 1;
    }}
    return all[name];
}}

const char * compiler() {{
    static std::string path;
    if (path.empty()) {{
        path = getenv("CXX");
    }}
    return path.c_str();
}}

{more}
"""
MAIN = "int load(const std::string & name) { return known(name) + compiler()[0]; }"
START = "int load(const std::string & name);\nint main(int argc, char ** argv) { return load(argv[1]); }"
THREAD = "#include <thread>\n" + START.replace(
    "{ return load(argv[1]); }", "{ std::thread t(load, argv[1]); t.join(); }"
)
BOUND = """#include <pybind11/pybind11.h>
int load(const std::string & name);
int twice(const std::string & name) {{ {release} return load(name) * 2; }}
PYBIND11_MODULE(names, m) {{ m.def("load", &load); m.def("twice", [](const std::string & n) {{ return twice(n); }}); }}
"""
PYTHON, RELEASED = BOUND.format(release=""), BOUND.format(release="py::gil_scoped_release others;")
LAMBDA = "#include <thread>\n" + START.replace(
    "{ return load(argv[1]); }", "{ std::thread t([&] { load(argv[1]); }); t.join(); }"
)


@pytest.mark.parametrize(
    ("more", "main", "confidence"),
    [
        (MAIN, START, "low"),
        (MAIN, THREAD, "medium"),
        (MAIN, LAMBDA, "medium"),
        (MAIN, "", "medium"),
        ("", START, "low"),
        (MAIN, PYTHON, "low"),
        (MAIN, RELEASED, "medium"),
    ],
    ids=["from main", "a thread's", "a lambda's", "for users of a library", "nobody's", "Python's", "lock let go"],
)
def test_a_static_is_filled_by_several_where_they_come_to_it(more: str, main: str, confidence: str) -> None:
    files = {"names.cpp": STATICS.format(more=more).encode(), "main.cpp": main.encode()}
    told = {finding.symbol: finding.confidence for finding in check_sources(files, ["LLM203"])}
    assert told == {"known": confidence, "compiler": "low"}


PLACES = """
#include <cstdlib>
#include <map>

struct place {{
    int rows;
}};
using all = std::map<int, place>;

place * open_place(int id) {{
    {gives}
}}

int a(int id) {{ place * p = open_place(id); return p ? p->rows : 0; }}
int b(int id) {{ place * p = open_place(id); return p ? p->rows : 0; }}
int c(int id) {{ place * p = open_place(id); return p ? p->rows : 0; }}
{more}
int {name}(int id) {{
    place * p = open_place(id);
    return p->rows;
}}
"""
FOURTH = "int d(int id) { place * p = open_place(id); return p ? p->rows : 0; }"
BY_ID = "static place all[3]; if (id > 3) { return nullptr; } return &all[id];"
BY_FIND = "static all at; auto it = at.find(id); if (it == at.end()) { return nullptr; } return &it->second;"
BY_MEMORY = "place * p = (place *) malloc(sizeof(place)); if (p == nullptr) { return nullptr; } p->rows = id; return p;"


@pytest.mark.parametrize(
    ("gives", "more", "name", "confidence"),
    [
        (BY_ID, FOURTH, "rows", "medium"),
        (BY_FIND, FOURTH + "struct own { int find(int id) { return id; } };", "rows", "medium"),
        (BY_ID, "", "rows", "low"),
        (BY_MEMORY, FOURTH, "rows", "low"),
        (BY_ID, FOURTH, "main", "low"),
    ],
    ids=["a habit", "not in a map", "three are no habit", "for want of memory", "main"],
)
def test_others_ask_for_null(gives: str, more: str, name: str, confidence: str) -> None:
    text = PLACES.format(gives=gives, more=more, name=name)
    assert how_sure("LLM945", {"places.cpp": text}) == confidence


def test_a_macro_that_leaves_where_it_is_null_has_asked() -> None:
    text = PLACES.format(gives=BY_ID, more=FOURTH, name="rows")
    asked = text.replace("    return p->rows;", '    THROW_IF_NULL(p, "no such place");\n    return p->rows;')
    assert asked != text and check_sources({"places.cpp": asked.encode()}, ["LLM945"]) == []
