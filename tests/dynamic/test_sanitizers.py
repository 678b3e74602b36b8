"""Logs of real sanitizer runs, joined to findings in C++."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from tracing import finding

from llmlint.findings import Finding
from llmlint.runtime.block import Block
from llmlint.runtime.sanitizers import read_log, with_sightings

COMPILER = shutil.which("g++") or shutil.which("clang++")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="needs a C++ compiler: apt-get install g++")

LEAKS = """
#include <cstdlib>
struct pool {
    char * take(int n) { return (char *) malloc(n); }
    int admit(int n) {
        char * block = take(n);
        if (n > 10) { return -1; }
        free(block);
        return 0;
    }
};
int main() { pool p; volatile int n = 20; return p.admit(n) == 0; }
"""
OVERFLOWS = "int main(int argc, char **) { int size = 2147483647; size += argc; return size > 0; }\n"
RACES = """
#include <thread>
int shared_count = 0;
void count() { for (int i = 0; i < 1000; i++) { shared_count++; } }
int main() { std::thread a(count), b(count); a.join(); b.join(); return 0; }
"""


def seen(folder: Path, source: str, sanitizer: str) -> str:
    (folder / "src").mkdir()
    (folder / "src" / "pool.cpp").write_text(source)
    build = [str(COMPILER), "-g", "-O0", f"-fsanitize={sanitizer}", "-o", "pool", "src/pool.cpp", "-lpthread"]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"this compiler has no {sanitizer} sanitizer: {done.stderr.splitlines()[-1]}")
    run = subprocess.run(["./pool"], cwd=folder, capture_output=True, text=True, env={**os.environ, "LANG": "C"})
    if "FATAL: ThreadSanitizer" in run.stderr or "ptrace" in run.stderr:
        pytest.skip("this kernel does not let the sanitizer run")
    return run.stderr


def in_cpp(name: str, symbol: str, line: int = 1) -> Finding:
    return msgspec.structs.replace(finding(name, Block(), path="src/pool.cpp", symbol=symbol, line=line), runtime=None)


def confirmed(one: Finding, log: str) -> Finding:
    return with_sightings([one], read_log(log), ["run.log"])[0]


@needs_compiler
def test_a_leak_seen_by_a_sanitizer_confirms_the_finding_in_that_function(tmp_path: Path) -> None:
    log = seen(tmp_path, LEAKS, "address")
    found = confirmed(in_cpp("leak-on-error-path", "pool.admit"), log)
    assert found.verdict is not None and found.verdict.status == "confirmed"
    assert found.confidence == "certain"
    assert "pool.cpp:6" in found.verdict.evidence[0]


@needs_compiler
def test_a_report_of_another_function_or_of_another_kind_confirms_nothing(tmp_path: Path) -> None:
    log = seen(tmp_path, LEAKS, "address")
    assert read_log(log)
    assert confirmed(in_cpp("leak-on-error-path", "pool.release", line=90), log).verdict is None
    assert confirmed(in_cpp("lock-order", "pool.admit"), log).verdict is None


@needs_compiler
def test_undefined_behaviour_is_joined_by_its_line(tmp_path: Path) -> None:
    log = seen(tmp_path, OVERFLOWS, "undefined")
    found = confirmed(in_cpp("integer-overflow", "main", line=1), log)
    assert found.verdict is not None and "signed integer overflow" in found.verdict.evidence[0]


@needs_compiler
def test_a_race_is_joined_by_its_function(tmp_path: Path) -> None:
    log = seen(tmp_path, RACES, "thread")
    found = confirmed(in_cpp("unlocked-shared", "count"), log)
    assert found.verdict is not None and "data race" in found.verdict.evidence[0]


VALGRIND = """\
==71== Memcheck, a memory error detector
==71== 20 bytes in 1 blocks are definitely lost in loss record 1 of 1
==71==    at 0x483B7F3: malloc (vg_replace_malloc.c:307)
==71==    by 0x1091A5: pool::take(int) (pool.cpp:4)
==71==    by 0x1091C3: pool::admit(int) (pool.cpp:6)
==71== LEAK SUMMARY:
"""


def test_valgrinds_losses_are_read() -> None:
    found = confirmed(in_cpp("leak-on-error-path", "pool.admit"), VALGRIND)
    assert found.verdict is not None and found.verdict.evidence[0].startswith("valgrind: 20 bytes in 1 blocks")


def test_a_python_finding_is_never_touched() -> None:
    python = msgspec.structs.replace(in_cpp("leak-on-error-path", "pool.admit"), path="src/pool.py")
    assert confirmed(python, VALGRIND) == python
