"""What each mutator of C++ makes of correct code: the lines that go, and the lines that come."""

from __future__ import annotations

import difflib

import pytest

from benchmarks.mutants.cpp_mutators import CppFile
from benchmarks.mutants.cpp_value_mutators import MUTATORS
from benchmarks.mutants.sites import sites


def planted(name: str, text: str) -> list[list[str]]:
    """Of each site of the mutator the lines that differ."""
    found = sites(CppFile(text), "engine.cpp", [mutator for mutator in MUTATORS if mutator.name == f"{name} (C++)"])
    return [
        [
            f"{line[0]} {line[2:].strip()}"
            for line in difflib.ndiff(text.split("\n"), site.planted(text).split("\n"))
            if line[0] in "+-" and line[2:].strip()
        ]
        for site in found
    ]


CASES = {
    "lost-value": (
        """void say(int slot, int left) {
    fprintf(stderr, "slot %d: %d left\\n", slot, left);
}
""",
        ['- fprintf(stderr, "slot %d: %d left\\n", slot, left);', '+ fprintf(stderr, "slot %d: %d left\\n", slot);'],
    ),
    "stale-pointer": (
        """void stop(server * s) {
    delete s->pool;
    s->pool = nullptr;
}
""",
        ["- s->pool = nullptr;"],
    ),
    "stale-iterator": (
        """void sweep(map & tasks) {
    for (auto it = tasks.begin(); it != tasks.end();) {
        it = tasks.erase(it);
    }
}
""",
        ["- it = tasks.erase(it);", "+ tasks.erase(it);"],
    ),
    "unset-member": (
        """struct server {
    context * ctx = nullptr;
    void stop();
};
""",
        ["- context * ctx = nullptr;", "+ context * ctx;"],
    ),
    "unbounded-size": (
        """char * load(FILE * file) {
    uint64_t n = 0;
    fread(&n, sizeof(n), 1, file);
    if (n > LIMIT) {
        return nullptr;
    }
    return (char *) malloc(n);
}
""",
        ["- if (n > LIMIT) {", "- return nullptr;", "- }"],
    ),
    "asserted-input": (
        """int load(FILE * file) {
    int version = 0;
    fread(&version, sizeof(version), 1, file);
    if (version > 3) {
        return -1;
    }
    return version;
}
""",
        ["- if (version > 3) {", "- return -1;", "- }", "+ assert(!(version > 3));"],
    ),
    "unguarded-divisor": (
        """double rate() {
    return queries > 0 ? hits / queries : 0;
}
""",
        ["- return queries > 0 ? hits / queries : 0;", "+ return hits / queries;"],
    ),
    "counted-mark": (
        """std::string tag(const std::string & text) {
    size_t at = text.find('<');
    if (at == std::string::npos) {
        return "";
    }
    return text.substr(at);
}
""",
        ["- if (at == std::string::npos) {", '- return "";', "- }"],
    ),
    "untested-find": (
        """int rank(const map & ranks, int key) {
    auto it = ranks.find(key);
    if (it == ranks.end()) return -1;
    return it->second;
}
""",
        ["- if (it == ranks.end()) return -1;"],
    ),
    "turned-guard": (
        """void open() {
    if (pool == nullptr) {
        pool = make_pool();
    }
}
""",
        ["- if (pool == nullptr) {", "+ if (pool != nullptr) {"],
    ),
    "unchecked-status": (
        """void copy(char * to, char * from, size_t n) {
    CUDA_CHECK(cudaMemcpy(to, from, n, cudaMemcpyDefault));
}
""",
        [
            "- CUDA_CHECK(cudaMemcpy(to, from, n, cudaMemcpyDefault));",
            "+ cudaMemcpy(to, from, n, cudaMemcpyDefault);",
        ],
    ),
    "default-stream": (
        """#include <torch/extension.h>
void scale(float * x, cudaStream_t stream) {
    kernel<<<grid, block, 0, stream>>>(x);
}
""",
        ["- kernel<<<grid, block, 0, stream>>>(x);", "+ kernel<<<grid, block, 0>>>(x);"],
    ),
    "unawaited-event": (
        """void pop(out * o) {
    cudaEventSynchronize(o->copied);
    use(o->ids);
}
""",
        ["- cudaEventSynchronize(o->copied);"],
    ),
    "lost-barrier": (
        """__global__ void turn(float * x) {
    __syncthreads();
    x[threadIdx.x] = 0;
}
""",
        ["- __syncthreads();"],
    ),
    "divided-barrier": (
        """__global__ void turn(float * x) {
    __syncthreads();
    x[threadIdx.x] = 0;
    __syncthreads();
}
""",
        ["- __syncthreads();", "+ if (threadIdx.x % 2 == 0) __syncthreads();"],
    ),
    "unselected-device": (
        """std::thread worker;
void run(int device) {
    CUDA_CHECK(cudaSetDevice(device));
    work();
}
""",
        ["- CUDA_CHECK(cudaSetDevice(device));"],
    ),
    "lost-future": (
        """void start() {
    auto done = std::async(std::launch::async, work);
    other();
    done.wait();
}
""",
        [
            "- auto done = std::async(std::launch::async, work);",
            "+ std::async(std::launch::async, work);",
            "- done.wait();",
        ],
    ),
    "uncounted-depth": (
        """item parse(const char * text, int depth) {
    if (depth > 64) {
        return item();
    }
    return parse(text + 1, depth + 1);
}
""",
        ["- if (depth > 64) {", "- return item();", "- }"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mutator_plants_its_bug_and_nothing_else(name: str) -> None:
    text, lines = CASES[name]
    (only,) = planted(name, text)
    assert sorted(only) == sorted(lines)


def test_a_destructor_forgets_one_of_its_members() -> None:
    text = "pool::~pool() {\n    delete slots;\n    delete rows;\n}\n"
    assert planted("kept-member", text) == [["- delete slots;"], ["- delete rows;"]]
    assert planted("kept-member", text.replace("    delete rows;\n", "")) == []
    assert planted("kept-member", text.replace("~pool", "shrink")) == []


def test_an_answer_goes_unheard_where_the_file_asks_for_it_three_times() -> None:
    asking = (
        "bool f{0}(pool & p) {{\n    if (!p.reserve({0})) {{\n        return false;\n    }}\n    return true;\n}}\n"
    )
    text = "".join(asking.format(number) for number in range(3))
    assert [sorted(lines)[0] for lines in planted("unheard-result", text)] == [f"+ p.reserve({n});" for n in range(3)]
    assert planted("unheard-result", asking.format(0)) == []


def test_a_limit_that_is_none_of_what_was_read_stays() -> None:
    text, _ = CASES["unbounded-size"]
    assert planted("unbounded-size", text.replace("    fread(&n, sizeof(n), 1, file);\n", "")) == []


def test_a_branch_that_goes_on_is_no_guard() -> None:
    text, _ = CASES["counted-mark"]
    assert planted("counted-mark", text.replace('return "";', "at = 0;")) == []
