"""What a sanitizer says of a program, and when that proves a finding."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from benchmarks.native_proofs.proofs import HERE, Crash, Outcome, Proof, crash_of, load_proofs, table
from llmlint.catalogue import load_catalogue
from llmlint.findings import Finding

needs_gcc = pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")

READER = """
#include <vector>

namespace files {
struct reader {
    std::vector<int> values = std::vector<int>(4);
    int read(int at) { return values[at]; }
};
}

int main(int count, char **) {
    files::reader reader;
    return reader.read(count * 4);
}
"""
ADDER = "int main(int count, char **) { return 2147483647 + count; }\n"


def finding(symbol: str, path: str = "src/reader.cpp") -> Finding:
    return Finding(
        rule="LLM946",
        name="unchecked-size",
        causes=("unchecked-size-arithmetic",),
        path=path,
        line=7,
        column=1,
        end_line=7,
        end_column=2,
        symbol=symbol,
        severity="P1",
        confidence="low",
        confidence_reason="",
        message="at is an index into values, and nothing bounds it",
        evidence=(),
        fingerprint="aaaa",
    )


PROOF = Proof("reads-behind", "LLM946", "aaaa", "heap-buffer-overflow", "an index too far", "a bound")


def said_by(source: str, tmp_path: Path) -> tuple[str, Path]:
    """What the sanitizers print of a program that lies at src/reader.cpp, and the program."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "reader.cpp").write_text(source)
    program = tmp_path / "program"
    flags = ["-g1", "-O0", "-no-pie", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    subprocess.run(["g++", *flags, "-o", program, tmp_path / "src" / "reader.cpp"], check=True)
    done = subprocess.run(
        [program], capture_output=True, text=True, check=False, env={"UBSAN_OPTIONS": "print_stacktrace=1"}
    )
    return done.stderr, program


@needs_gcc
def test_a_crash_in_the_function_of_the_finding_proves_it(tmp_path: Path) -> None:
    crash = crash_of(*said_by(READER, tmp_path))
    assert crash is not None and crash.what == "heap-buffer-overflow, READ of size 4"
    outcome = Outcome(PROOF, finding("files.reader.read"), crash)
    assert outcome.frame is not None and outcome.frame.line == 7
    assert outcome.holds


@needs_gcc
def test_undefined_behaviour_is_a_crash_too(tmp_path: Path) -> None:
    crash = crash_of(*said_by(ADDER, tmp_path))
    assert crash is not None and crash.what.startswith("signed integer overflow")
    assert crash.frames[0].function == "main"


@needs_gcc
def test_frames_without_a_line_are_looked_up_in_the_program(tmp_path: Path) -> None:
    said, program = said_by(READER, tmp_path)
    address = next(line.split()[1] for line in said.splitlines() if "reader::read" in line)
    crash = crash_of(f"ERROR: AddressSanitizer: SEGV on x\n    #0 {address} in f (/p+{address})\n", program)
    assert crash is not None and (crash.frames[0].function, crash.frames[0].line) == ("read", 7)


def test_a_crash_elsewhere_or_another_one_proves_nothing() -> None:
    said = "ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\n    #0 0x1 in f(int) /tree/src/reader.cpp:7\n"
    crash = crash_of(said)
    assert Outcome(PROOF, finding("f"), crash).holds
    assert not Outcome(PROOF, finding("g"), crash).holds
    later = crash_of(said.replace("cpp:7", "cpp:9"))
    assert not Outcome(PROOF, finding("f"), later).holds
    assert Outcome(msgspec.structs.replace(PROOF, further_down=True), finding("f"), later).holds
    assert not Outcome(PROOF, finding("f", "src/other.cpp"), crash).holds
    assert not Outcome(msgspec.structs.replace(PROOF, says="stack-overflow"), finding("f"), crash).holds
    assert not Outcome(PROOF, None, crash).holds
    assert not Outcome(PROOF, finding("f"), crash_of("all is well\n")).holds


def test_the_table_says_what_does_not_hold() -> None:
    crash = Crash("SEGV", ())
    told = "\n".join(table([Outcome(PROOF, None, crash), Outcome(PROOF, finding("f"), None, "no compiler")]))
    assert "LLM946 aaaa: not reported" in told
    assert "**elsewhere**: SEGV" in told
    assert "**none**: no compiler" in told


def test_every_proof_has_its_program_and_its_rule() -> None:
    proofs, rules = load_proofs(), load_catalogue()
    assert len({proof.program for proof in proofs}) == len({proof.fingerprint for proof in proofs}) == len(proofs)
    for proof in proofs:
        assert (HERE / "programs" / f"{proof.program}.cpp").is_file()
        assert f"proof({proof.program}" in (HERE / "CMakeLists.txt").read_text()
        assert proof.rule in {rule.code for rule in rules}
