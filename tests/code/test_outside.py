"""Values from outside in C and C++: where they arrive, and what bounds them on the way."""

from __future__ import annotations

import pytest

from llmlint.code.facts.effects import facts_of
from llmlint.code.flow.arrivals import Arrival, Passing
from llmlint.code.flow.outside import arrivals_in
from llmlint.code.syntax.cpp import read_cpp
from llmlint.code.syntax.source import SourceFile
from llmlint.flows import Flow
from llmlint.vocabulary_file import load_vocabulary

VOCABULARY = load_vocabulary(
    flows=[Flow(name="field", gives=(".next_u32",), takes=(("arena_grab", 1),), guards=("require",))]
)


def arrivals(body: str, before: str = "") -> list[Arrival]:
    source = f"{before}int f(FILE * file, const std::vector<uint8_t> & input, char * p, size_t most) {{\n{body}\n}}\n"
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
        (READ + "for (uint32_t i = 0; i < n; i++) { all.push_back(p[i]); }", "rounds"),
        (READ + "for (uint32_t i = 0; i < n; i++) { most += p[i]; }", "rounds"),
        (READ + "most = most >> n; return table[n];", "index"),
        ("int ne[4]; " + READ + "for (uint32_t i = 0; i < n; i++) { ne[i] = 1; }", "past"),
        ("int ne[4]; " + READ + "for (uint32_t i = 0; i < n; i++) { if (!more()) { break; } ne[i] = 1; }", "past"),
        (READ + "return 1u << n;", "shift"),
        (READ + "return most >> (n + 1);", "shift"),
        (READ + "return all.at(n);", "thrown"),
        ("MPI_Bcast(&most, 1, MPI_UINT64_T, 0, MPI_COMM_WORLD); return table[most];", "index"),
        ("head * h = (head *) shmat(id, nullptr, 0); uint32_t n = h->n; return table[n];", "index"),
        ('auto body = json::parse(req.body); auto n = body.value("n", 0); return table[n];', "index"),
        ("char line[9]; recv(3, line, 9, 0); std::string s(line); return std::stoi(s);", "parse"),
        ("auto path = base / req->body; std::filesystem::remove_all(path);", "path"),
    ],
)
def test_a_value_arrives_that_nothing_bounds(body: str, how: str) -> None:
    assert [arrival.how for arrival in arrivals(body)] == ([] if how == "none" else how.split())


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
        READ + "for (uint32_t i = 0; i < n; i++) { if (!more()) { break; } all.push_back(0); }",
        READ + "for (uint32_t i = 0; i < n; i++) { if (!more()) { exit(1); } all.push_back(0); }",
        READ + "try { for (uint32_t i = 0; i < n; i++) { all.push_back(next()); } } catch (...) { return 0; }",
        "int n = atoi(text); for (int i = 0; i < n; i++) { all.push_back(0); }",
        "int ne[4]; " + READ + "for (uint32_t i = 0; i < n; i++) { if (i < 4) { ne[i] = 1; } }",
        READ + "for (uint32_t i = 0; i < n && i < most; i++) { all.push_back(0); }",
        READ + "for (uint32_t i = 0; i < n; i++) { most += 2; }",
        READ + "if (n > most) { return 0; } for (uint32_t i = 0; i < n; i++) { all.push_back(0); }",
        READ + "char * all = new char[n]; for (uint32_t i = 0; i < n; i++) { all[i] = 0; }",
        READ + "std::cout << n;",
        READ + "return 1 << (n % 8);",
        READ + "if (n < 8) { return 0; } return 1 << (n - 8);",
        READ + "try { return all.at(n); } catch (...) { return 0; }",
        "std::map<int, int> all; " + READ + "return all.at(n);",
        "head h; fread(&h, sizeof(h), 1, file); h.n = 3; return table[h.n];",
        "int n = 0; MPI_Bcast(&n, 0, MPI_INT, 0, MPI_COMM_WORLD); return table[n];",
        'auto body = load(); auto n = body.value("n", 0); return table[n];',
        "auto path = base / own; std::filesystem::remove_all(path);",
        "if (!is_number(req.body)) { return 0; } return 1;",
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


READER = "int next(FILE * f, int most) {{ int n = 0; fread(&n, sizeof(n), 1, f); {} return n; }}\n"


@pytest.mark.parametrize(
    ("does", "how"),
    [
        ("", ["index"]),
        ("if (n > most) { n = most; }", []),
        ("if (n < 0) { n = 0; }", ["index"]),
        ("for (int i = 0; i < n; i++) { log(i); }", ["index"]),
    ],
)
def test_a_reader_that_bounds_what_it_reads_hands_on_what_is_checked(does: str, how: list[str]) -> None:
    before = READER.format(does)
    assert [arrival.how for arrival in arrivals("int at = next(file, 9); return table[at];", before)] == how


LAMBDA = "auto grab = [&](size_t size) { return malloc(size); }; "


@pytest.mark.parametrize(
    ("before", "body", "how"),
    [
        ("", READ + LAMBDA + "p = grab(n);", "size"),
        ("", READ + LAMBDA.replace("malloc", "size > 9 ? 0 : malloc") + "p = grab(n);", ""),
        ("", READ + "auto at = [&] { return table[n]; }; return at();", "index"),
        ("struct tensor { int ne[4]; }; ", READ + "for (uint32_t i = 0; i < n; i++) { t->ne[i] = 1; }", "past"),
        ("#define READ(f, v) fread(&(v), sizeof(v), 1, f)\n", "uint32_t n; READ(file, n); return table[n];", "index"),
        (
            "#define READ(f, v) fread(&v, sizeof(v), \\\n 1, f)\n",
            "uint32_t n; bool ok = READ(file, n); return table[n];",
            "index",
        ),
        ("#define GRAB(n) malloc((n) * 4)\n", READ + "p = GRAB(n);", "size"),
        ("#define LIMIT(n) check_size(n)\n", READ + "if (!LIMIT(n)) { return 0; } return table[n];", ""),
        (
            "struct row { int & operator[](size_t i) { return cells[i]; } int * cells; };\n",
            READ + "row r; return r[n];",
            "index",
        ),
        (
            "struct row { int & operator[](size_t i) { if (i > 3) { throw 1; } return cells[i]; } int * cells; };\n",
            READ + "row r; return r[n];",
            "",
        ),
    ],
)
def test_a_lambda_a_macro_and_an_operator_are_passed_as_what_they_do(before: str, body: str, how: str) -> None:
    assert [arrival.how for arrival in arrivals(body, before)] == how.split()


def test_each_step_of_a_value_is_told() -> None:
    (arrival,) = arrivals(READ + "\nuint64_t m = n * 4;\nuint64_t k = m + 1;\np = malloc(k);")
    assert arrival.way == (Passing(3, "m is made of n"), Passing(4, "k is made of m"))


def test_a_value_that_came_in_anew_has_no_steps_behind_it() -> None:
    (arrival,) = arrivals(READ + "uint32_t m = n + 1; fread(&m, sizeof(m), 1, file); p = malloc(m);")
    assert arrival.way == ()
