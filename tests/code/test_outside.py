"""Values from outside in C and C++: where they arrive, and what bounds them on the way."""

from __future__ import annotations

import pytest

from llmlint.code.facts.effects import facts_of
from llmlint.code.flow.outside import Arrival, arrivals_in
from llmlint.code.syntax.cpp import read_cpp
from llmlint.code.syntax.source import SourceFile
from llmlint.flows import Flow
from llmlint.vocabulary_file import load_vocabulary

VOCABULARY = load_vocabulary(
    flows=[Flow(name="field", gives=(".next_u32",), takes=(("arena_grab", 1),), guards=("require",))]
)


def arrivals(body: str) -> list[Arrival]:
    source = f"int f(FILE * file, const std::vector<uint8_t> & input, char * p, size_t most) {{\n{body}\n}}\n"
    text, module = read_cpp(source.encode(), "cpp")
    return arrivals_in(SourceFile(text, module, facts_of(module, text), VOCABULARY))


READ = "uint32_t n = 0; fread(&n, sizeof(n), 1, file); "


@pytest.mark.parametrize(
    ("body", "how"),
    [
        (READ + "p = malloc(n * 8);", "size"),
        (READ + "uint64_t m = (uint64_t) n + 8; memcpy(p, q, m);", "size"),
        (READ + "return table[n];", "index"),
        (READ + "char * q = p + n;", "pointer"),
        (READ + "return most / n;", "divide"),
        (READ + "assert(n < 4);", "assert"),
        (READ + "if (n == 0) { return 0; } return table[n];", "index"),
        (READ + "if (n < 1) { return 0; } p = malloc(n);", "size"),
        (READ + "if (most > 4 && n > 9) { most = 1; } else { return table[0]; } return most % (n);", "none"),
        ("header h; fread(&h, sizeof(h), 1, file); return table[h.kind];", "index"),
        ("bool ok = true; uint64_t n; ok = ok && fread(&n, 8, 1, file) == 1; p = malloc(n);", "size"),
        ("uint32_t n; memcpy(&n, input.data(), sizeof(n)); return table[n];", "index"),
        ("int n = stream.next_u32(); arena_grab(n);", "size"),
        (READ + "if (n == 0) { return 0; } goto done; done: return table[n];", "index"),
        (READ + "if (n < 1 || most + n < 2) { return 0; } return table[n];", "index"),
        ("auto & bytes = input; uint32_t n; memcpy(&n, bytes.data(), sizeof(n)); return table[n];", "index"),
        ("for (int i = 0; i < 3; i++) { int n = stream.next_u32(); most += table[n]; } return most;", "index"),
        (READ + "char * all = new char[n + 1];", "wrapped"),
        (READ + "std::string text(p, n);", "size"),
    ],
)
def test_a_value_arrives_that_nothing_bounds(body: str, how: str) -> None:
    assert [arrival.how for arrival in arrivals(body)] == ([] if how == "none" else [how])


@pytest.mark.parametrize(
    "body",
    [
        READ + "if (n > most) { return 0; } return table[n];",
        READ + "if (n < most) { return table[n]; } return 0;",
        READ + "n = std::min(n, most); return table[n];",
        READ + "n = 3; return table[n];",
        READ + "return table[n % 4];",
        READ + "if (n > most) { goto fail; } return table[n]; fail: return 0;",
        READ + "again: if (n > 4) { n = next(); goto again; } return table[n];",
        READ + "if (n < 1 || most + n > 64) { return 0; } return table[n];",
        READ + "if (!fits(n)) { return 0; } return table[n];",
        READ + "if (!fits(n)) { return 0; } if (n > 0) { return table[n]; } return 0;",
        READ + "if (n == 4) { p = malloc(n); }",
        READ + "if (n > most) { n = most; } p = malloc(n);",
        READ + "return most / (float) n;",
        READ + "return n ? most / n : 0;",
        "float n; fread(&n, sizeof(n), 1, file); return most / n;",
        "uint32_t n; memcpy(&n, op_params, sizeof(n)); return table[n];",
        "std::map<int, int> table; " + READ + "return table[n];",
        READ + "return items_map_[n];",
        "int n = stream.next_u32(); require(n, most); arena_grab(n);",
        "int n = atoi(argv[1]); return table[n];",
        "try { " + READ + "values.resize(n); } catch (...) { return 0; } return 1;",
    ],
)
def test_a_value_that_is_bounded_or_harmless_does_not_arrive(body: str) -> None:
    assert arrivals(body) == []


def test_what_follows_from_the_first_arrival_is_not_told_again() -> None:
    assert [a.at.line for a in arrivals(READ + "p = malloc(n);\np[n] = 0;\nreturn table[n];")] == [2]


def test_a_helper_of_the_file_is_passed_as_part_of_its_callers() -> None:
    helpers = (
        "static void fill(uint32_t & to, FILE * file) { fread(&to, sizeof(to), 1, file); }\n"
        "static int look(uint32_t at) { return table[at]; }\n"
        "static void refuse(uint32_t at) { if (at > 4) { throw 1; } }\n"
    )

    def told(body: str) -> list[tuple[int, str]]:
        text, module = read_cpp(f"{helpers}int f(FILE * file) {{ uint32_t n = 0; {body} }}".encode(), "cpp")
        found = arrivals_in(SourceFile(text, module, facts_of(module, text), VOCABULARY))
        return [(arrival.at.line, arrival.how) for arrival in found]

    assert told("fill(n, file); return table[n];") == [(4, "index")]
    assert told("fread(&n, sizeof(n), 1, file); return look(n);") == [(2, "index")]
    assert told("fill(n, file); refuse(n); return look(n);") == []
    assert told("fill(n, file); n = 2; return look(n);") == []
    assert told("return look(n);") == []


READERS = """
struct Buffer {
    int ReadInt() { int v; if (fread(&v, 1, 4, file) != 4) { throw 1; } return v; }
    int ReadKind() { return ReadInt(); }
    float ReadScale() { float v; fread(&v, 1, 4, file); return v; }
    template <typename T> bool read(T & to) { return fread(&to, 1, sizeof(to), file) == sizeof(to); }
    bool read(std::string & to) { uint64_t size; return read(size) && size < 9; }
    FILE * file;
};
template <typename T> T consume(std::istream & in) {
    const size_t size = sizeof(T);
    T raw;
    in.read(reinterpret_cast<char *>(&raw), size);
    T value = le32toh(raw);
    return value;
}
template <typename T> T * consume(std::istream & in, size_t n);
"""


def by_readers(body: str) -> list[str]:
    source = f"{READERS}int f(Buffer & buffer, std::istream & in, char * p, size_t most) {{ {body} }}"
    text, module = read_cpp(source.encode(), "cpp")
    found = arrivals_in(SourceFile(text, module, facts_of(module, text), VOCABULARY))
    return [f"{arrival.how} {arrival.source.call}" for arrival in found]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("int n = buffer.ReadInt(); return table[n];", ["index ReadInt"]),
        ("return table[buffer.ReadInt()];", []),
        ("int n = (int) buffer.ReadKind(); return table[n];", ["index ReadKind"]),
        ("auto n = consume<uint32_t>(in); return table[n];", ["index consume"]),
        ("uint32_t n; if (!buffer.read(n)) { return 0; } return table[n];", ["index read"]),
        ("uint32_t n; if (!buffer.read(n) || n > most) { return 0; } return table[n];", []),
        ("int n = buffer.ReadInt(); if (n < 0 || n > most) { return 0; } return table[n];", []),
        ("auto n = buffer.ReadScale(); return table[n];", []),
        ("auto n = consume<std::string>(in); return table[n];", []),
        ("std::string n; buffer.read(n); return table[n];", []),
        ("auto n = consume<uint32_t>(in); auto * all = consume<int>(in, n); return use(all + n);", []),
    ],
)
def test_a_function_that_hands_on_what_it_reads_brings_it_in(body: str, told: list[str]) -> None:
    assert by_readers(body) == told
