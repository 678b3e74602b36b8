"""The ledger of C functions: what was lent and not given back when a native program had ended."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from native import PROGRAMS, build, compile_c, findings_in, needs_compiler, outcome, run
from test_command_line import llmlint
from tracing import finding

from llmlint.catalogue import load_catalogue
from llmlint.dynamic.native.read import LEDGERS, read_ledgers
from llmlint.dynamic.read import read_run
from llmlint.runtime.block import Block, Target
from llmlint.runtime.native.build import (
    account_of,
    compilation,
    ledger_sources,
    listed,
    machine,
    preloaded,
    watched_functions,
)
from llmlint.runtime.native.native_block import is_watchable
from llmlint.runtime.verdicts import with_verdicts

pytestmark = needs_compiler

MENDED = {"was": "return -1; /* leaks the sampler */", "now": "return llama_sampler_free(chain), -1;"}


def test_what_an_early_return_leaks_is_confirmed_with_numbers_and_place(tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c"), "plain", "5")
    verdict = found.verdicts["answer"]
    assert (verdict.status, verdict.summary) == (
        "confirmed",
        "2 of 5 that llama_sampler_chain_init lent there were still held when the process had ended",
    )
    assert verdict.evidence[0].endswith(": 5 lent, 3 given back, 2 held when it ended in the ordinary way")
    assert verdict.evidence[1].endswith("src/serve.c:19 in answer")
    assert found.status("embed") == "confirmed", "a struct by value is told by a pointer in it"
    assert found.is_unchanged and found.traced.returncode == 3


def test_a_program_without_the_leak_confirms_nothing(tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c", **MENDED), "plain", "5")
    assert found.status("answer") == "exercised-clean"
    assert "5 lent there by llama_sampler_chain_init, 5 given back" in found.verdicts["answer"].summary


def test_a_path_that_was_not_taken_is_not_refuted(tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c"), "plain", "3")
    assert found.status("answer") == "exercised-clean"
    assert "does not see whether the finding's own way was taken" in found.verdicts["answer"].summary


def test_a_program_that_never_calls_is_not_exercised(tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c"), "idle")
    assert found.status("answer") == "not-exercised"
    assert found.verdicts["answer"].summary.startswith("no process called llama_sampler_chain_init")


def test_a_killed_program_confirms_nothing_but_its_numbers_are_kept(tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c"), "kill")
    assert found.traced.returncode == -signal.SIGKILL and found.is_unchanged
    assert found.status("answer") == "not-exercised"
    assert "did not end in the ordinary way (5 lent there by" in found.verdicts["answer"].summary


def test_scan_trace_and_confirm_as_a_user_types_them(tmp_path: Path) -> None:
    build(tmp_path, "serve.c")
    llmlint(tmp_path, "scan", "src", "--no-cache", "--min-confidence", "low", "--output", "json:findings.json")
    traced = llmlint(tmp_path, "trace", "--findings", "findings.json", "--out", "run", "--", "./serve", "plain", "4")
    assert (traced.returncode, traced.stderr) == (3, "served\n")
    confirmed = llmlint(tmp_path, "confirm", "findings.json", "run", "--format", "json")
    found = {one["symbol"]: one for one in json.loads(confirmed.stdout)["findings"] if one["rule"] == "LLM103"}
    assert found["answer"]["confidence"] == "certain"
    assert found["answer"]["verdict"]["reproduce"].endswith("-- ./serve plain 4")


@pytest.mark.parametrize("way", ["exec", "fork"])
def test_children_are_followed(way: str, tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c"), way)
    assert found.status("answer") == "confirmed"
    assert found.verdicts["answer"].summary.startswith("2 of 5"), "a forked child has a ledger of its own"
    assert found.is_unchanged


def test_threads_and_forks_at_once_lose_nothing(tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c"), "threads", "3")
    assert found.is_unchanged
    assert found.verdicts["answer"].summary.startswith(
        "20203 lent there by llama_sampler_chain_init, 20203 given back, 0 held"
    )


def test_a_stack_that_ends_close_above_the_call_is_not_read_beyond_its_end(tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c"), "stack")
    assert found.is_unchanged and found.traced.returncode == 3
    assert found.status("answer") == "confirmed"


@pytest.mark.parametrize("way", ["leave", "stop"])
def test_what_is_in_use_when_the_program_is_left_is_no_leak(way: str, tmp_path: Path) -> None:
    """By a function that calls exit itself, or by another thread that is still in it."""
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c"), way, "3")
    assert found.status("answer") == "exercised-clean"
    assert "may have been in use" in found.verdicts["answer"].summary
    assert found.is_unchanged


def test_a_library_that_comes_late_and_goes_again_is_seen(tmp_path: Path) -> None:
    findings = findings_in("serve.c", tmp_path)
    build(tmp_path, "serve.c")
    linked = ["src/serve.c", "-L.", "-lllama", f"-Wl,-rpath,{tmp_path}", "-lpthread"]
    compile_c(tmp_path, "-g", "-O2", "-shared", "-fPIC", "-o", "engine.so", *linked)
    compile_c(tmp_path, "-o", "late", str(PROGRAMS / "late.c"), "-ldl")
    found = outcome(tmp_path, findings, tmp_path / "late", tmp_path / "engine.so")
    assert found.is_unchanged and found.traced.stdout == "1 -1 made\n" * 3
    assert found.status("answer") == "confirmed", found.verdicts["answer"]


def test_two_copies_of_a_library_each_get_their_own_calls(tmp_path: Path) -> None:
    findings = findings_in("serve.c", tmp_path)
    build(tmp_path, "serve.c")
    for name in ("one", "two"):
        compile_c(tmp_path, "-shared", "-fPIC", "-o", f"lib{name}.so", "src/stand_in.c")
        linked = ["src/serve.c", "-L.", f"-l{name}", f"-Wl,-rpath,{tmp_path}", "-lpthread"]
        compile_c(tmp_path, "-g", "-shared", "-fPIC", "-o", f"engine_{name}.so", *linked)
    compile_c(tmp_path, "-o", "late", str(PROGRAMS / "late.c"), "-ldl")
    found = outcome(tmp_path, findings, *(tmp_path / name for name in ("late", "engine_one.so", "engine_two.so")))
    assert found.is_unchanged and found.traced.stdout == "1\n2\n"
    assert found.status("answer") == "exercised-clean"


def test_a_member_that_the_clean_up_forgets_is_confirmed(tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("trainer.c", tmp_path), build(tmp_path, "trainer.c", "-g", "-O0"))
    assert found.status("trainer_free") == "confirmed"
    assert found.verdicts["trainer_free"].summary.startswith("4 of 4 that ggml_init lent")


@pytest.mark.parametrize("optimised", ["-O0", "-O2"])
def test_constructors_and_destructors_are_known_by_their_names_inlined_or_not(optimised: str, tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("owner.cpp", tmp_path), build(tmp_path, "owner.cpp", "-g", optimised))
    (verdict,) = found.verdicts.values()
    assert verdict.status == "confirmed", verdict
    assert verdict.summary.startswith("3 of 3 that ggml_init lent")
    assert found.is_unchanged


def test_the_member_of_an_owner_that_still_lives_is_no_leak(tmp_path: Path) -> None:
    mended = {"was": "/* and not ctx_copy */", "now": "ggml_free(t->ctx_copy);"}
    program = build(tmp_path, "trainer.c", "-g", "-O0", **mended)
    found = outcome(tmp_path, findings_in("trainer.c", tmp_path), program, "keep")
    assert found.status("trainer_free") == "exercised-clean", found.verdicts["trainer_free"]


def test_what_is_never_given_back_is_a_leak_from_the_second_on(tmp_path: Path) -> None:
    """A single one may be kept for as long as the program runs. The functions are the C library's own."""
    findings, program = findings_in("lines.c", tmp_path), build(tmp_path, "lines.c")
    for rounds, status in (("1", "exercised-clean"), ("2", "confirmed")):
        (tmp_path / rounds).mkdir()
        found = outcome(tmp_path / rounds, findings, program, rounds)
        assert found.is_unchanged
        assert found.status("has_lines") == status, found.verdicts
    assert found.verdicts["has_lines"].summary.startswith("2 of 2 that fopen lent")


def test_what_is_lent_through_an_argument_counts_when_the_call_succeeds(tmp_path: Path) -> None:
    both = findings_in("scale.c", tmp_path)
    assert len(both) == 2
    program = build(tmp_path, "scale.c")
    for number, one in enumerate(both):
        (tmp_path / str(number)).mkdir()
        found = outcome(tmp_path / str(number), [one], program)
        assert found.is_unchanged
        assert found.verdicts["scale"].summary.startswith("1 of 4 that cuda"), found.verdicts


def test_without_debug_information_the_symbol_tells_the_function(tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c", "-O1"))
    assert found.status("answer") == "confirmed"


def test_a_stripped_program_is_not_exercised_and_told_so(tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c", "-O1", "-s"))
    assert found.status("answer") == "not-exercised"
    assert "where 5 of the calls came from: it is stripped, or was built anew" in found.verdicts["answer"].summary


def test_a_program_that_was_built_anew_since_the_run_is_not_believed(tmp_path: Path) -> None:
    findings, program = findings_in("serve.c", tmp_path), build(tmp_path, "serve.c")
    assert outcome(tmp_path, findings, program).status("answer") == "confirmed"
    later = time.time() + 60
    os.utime(program, (later, later))
    again = with_verdicts(findings, [read_run(str(tmp_path / "run"))], load_catalogue())
    verdict = next(one.verdict for one in again if one.symbol == "answer")
    assert verdict is not None and verdict.status == "not-exercised"
    assert "was built anew since" in verdict.summary


def test_without_a_compiler_the_run_goes_on_and_the_verdict_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = outcome(
        tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c"), "plain", path=str(tmp_path / "empty")
    )
    assert found.is_unchanged and found.traced.returncode == 3
    assert found.status("answer") == "not-exercised"
    assert "there is no C compiler" in found.verdicts["answer"].summary


def test_a_run_folder_that_allows_no_programs_is_said_to_be_one_and_no_process_complains(tmp_path: Path) -> None:
    mount = "mkdir runs && mount -t tmpfs -o noexec,mode=700 none runs"
    if subprocess.run(["unshare", "-m", "sh", "-c", mount], cwd=tmp_path, capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    build(tmp_path, "serve.c")
    llmlint(tmp_path, "scan", "src", "--no-cache", "--min-confidence", "low", "--output", "json:findings.json")
    traced = f"{sys.executable} -P -m llmlint trace --findings findings.json --out runs/one -- ./serve plain 4"
    script = f"{mount.partition('&& ')[2]}; {traced}; echo ended with $?; cat runs/one/native.json"
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == "served\n"
    assert "ended with 3\n" in done.stdout
    assert "whose file system allows no programs" in done.stdout


def test_a_compiler_that_cannot_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    compiler = tmp_path / "tools" / "cc"
    compiler.write_text("#!/bin/sh\necho 'ledger.c:8:10: fatal error: dlfcn.h: No such file' >&2\nexit 1\n")
    compiler.chmod(0o755)
    program, findings = build(tmp_path, "serve.c"), findings_in("serve.c", tmp_path)
    found = outcome(tmp_path, findings, program, path=str(tmp_path / "tools"))
    assert found.is_unchanged
    assert found.verdicts["answer"].summary.startswith("the ledger could not be built: ledger.c:8:10: fatal error")


def test_a_folder_that_cannot_be_preloaded_from_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "two words"
    folder.mkdir()
    found = outcome(folder, findings_in("serve.c", tmp_path), build(folder, "serve.c"))
    assert found.is_unchanged
    assert "no library can be preloaded from" in found.verdicts["answer"].summary


def test_a_run_of_very_many_processes_stops_making_ledgers_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "ledgers").write_text("+" * LEDGERS)
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c"))
    assert found.is_unchanged
    assert found.verdicts["answer"].summary.endswith("; 1 processes had no ledger, as there were too many")


def test_more_than_a_ledger_holds_is_still_a_leak(tmp_path: Path) -> None:
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c"), "many")
    assert found.is_unchanged
    assert found.status("answer") == "confirmed"


def test_a_limit_on_the_size_of_files_costs_the_ledger_and_not_the_program(tmp_path: Path) -> None:
    findings, program = findings_in("serve.c", tmp_path), build(tmp_path, "serve.c")
    limited = tmp_path / "limited.sh"
    limited.write_text(f"ulimit -f 100\nexec {program} plain\n")
    found = outcome(tmp_path, findings, "sh", limited)
    assert found.is_unchanged and found.traced.returncode == 3
    assert found.status("answer") == "not-exercised"


EVERY_SHAPE = finding(
    "leak-on-error-path",
    Block(
        (
            Target("main", "scope"),
            *(Target(f"lend_{how}", "acquire", entity="return") for how in ("all", "written", "or_throw", "small")),
            Target("take_with", "release", entity="arg2"),
        ),
        options={"native": True, "line": 1},
    ),
    path="src/calls.cpp",
)


def test_functions_of_every_shape_get_and_give_what_they_did(tmp_path: Path) -> None:
    """Arguments on the stack, in vector registers and by value, of any number; exceptions; errno; other results."""
    compile_c(tmp_path, "-shared", "-fPIC", "-o", "libcalls.so", str(PROGRAMS / "calls_library.cpp"), "-lstdc++")
    linked = ["-L.", "-lcalls", f"-Wl,-rpath,{tmp_path}", "-lstdc++"]
    compile_c(tmp_path, "-g", "-O1", "-o", "calls", str(PROGRAMS / "calls.cpp"), *linked)
    found = outcome(tmp_path, [EVERY_SHAPE], tmp_path / "calls")
    assert found.is_unchanged, found.traced
    assert "caught: less than nothing" in found.traced.stdout
    ledger = read_ledgers(str(tmp_path / "run"), account_of(tmp_path / "run")["functions"])[0]
    calls = {site.function: (site.calls, site.given_back) for site in ledger.sites if site.function.startswith("lend")}
    assert calls["lend_all"] == (1, 1) and calls["lend_written"] == (1, 1)
    assert ledger.ended and not ledger.lent_unnoted + ledger.given_back_unnoted


PACKAGES = "qemu-user g++-aarch64-linux-gnu libc6-dev-arm64-cross"
CROSS = ("aarch64-linux-gnu-gcc", "aarch64-linux-gnu-g++", "qemu-aarch64")


@pytest.mark.skipif(
    not all(map(shutil.which, CROSS)),
    reason="needs apt-get install qemu-user g++-aarch64-linux-gnu libc6-dev-arm64-cross",
)
def test_the_calls_of_aarch64_are_passed_on_as_well(tmp_path: Path) -> None:
    """Under an emulator: functions of every shape, structs by value, threads and forks, a stack that ends close."""
    c, cpp = CROSS[:2]
    compile_c(tmp_path, "-shared", "-fPIC", "-o", "libllama.so", str(PROGRAMS / "stand_in.c"), compiler=c)
    compile_c(tmp_path, "-shared", "-fPIC", "-o", "libcalls.so", str(PROGRAMS / "calls_library.cpp"), compiler=cpp)
    compile_c(tmp_path, "-O1", "-o", "serve", str(PROGRAMS / "serve.c"), "-L.", "-lllama", "-lpthread", compiler=c)
    compile_c(tmp_path, "-O1", "-o", "calls", str(PROGRAMS / "calls.cpp"), "-L.", "-lcalls", compiler=cpp)
    watched = {
        "lend_all": ("lend", 0, 0), "lend_written": ("lend", 0, 0), "lend_or_throw": ("lend", 0, 0),
        "lend_small": ("lend", 0, 0), "take_with": ("take_back", 2, 0), "llama_batch_init": ("lend", 0, 24),
        "llama_batch_free": ("take_back", 1, 24), "llama_sampler_chain_init": ("lend", 0, 0),
        "llama_sampler_free": ("take_back", 1, 0),
    }  # fmt: skip
    (tmp_path / "watched.h").write_text(listed(watched))
    subprocess.run(compilation(c, tmp_path / "ledger.so", ledger_sources("aarch64", tmp_path)), check=True)
    emulated = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-E", f"LD_LIBRARY_PATH={tmp_path}"]
    ledger = ["-E", f"LD_PRELOAD={tmp_path}/ledger.so", "-E", f"LLMLINT_TRACE={tmp_path}"]
    for command in (["./calls"], ["./serve", "plain"], ["./serve", "threads", "3"], ["./serve", "stack"]):
        plain, traced = (run([*emulated, *more, *command], tmp_path, os.environ) for more in ([], ledger))
        assert (plain.returncode, plain.stdout) == (traced.returncode, traced.stdout), traced
        assert plain.returncode in (3, 4)
    held = {
        site.function: (site.calls, site.given_back, site.held)
        for ledger_ in read_ledgers(str(tmp_path), list(watched))
        for site in ledger_.sites
        if site.calls == 5 or site.function == "lend_all"
    }
    assert held["lend_all"] == (1, 1, 0)
    assert held["llama_batch_init"] == held["llama_sampler_chain_init"] == (5, 3, 2)


def test_a_program_under_a_sanitizer_still_starts(tmp_path: Path) -> None:
    findings = findings_in("serve.c", tmp_path)
    try:
        program = build(tmp_path, "serve.c", "-g", "-fsanitize=address")
    except subprocess.CalledProcessError:
        pytest.skip("this compiler has no address sanitizer")
    found = outcome(tmp_path, findings, program, ASAN_OPTIONS="detect_leaks=0")
    assert found.is_unchanged and found.traced.returncode == 3, found.traced.stderr
    assert found.status("answer") == "confirmed"


def test_a_library_that_is_preloaded_already_stays_first(tmp_path: Path) -> None:
    (tmp_path / "other.c").write_text("int other(void) { return 1; }\n")
    compile_c(tmp_path, "-shared", "-fPIC", "-o", "other.so", "other.c")
    other = str(tmp_path / "other.so")
    found = outcome(tmp_path, findings_in("serve.c", tmp_path), build(tmp_path, "serve.c"), LD_PRELOAD=other)
    assert found.is_unchanged and found.status("answer") == "confirmed"
    assert preloaded(tmp_path / "run", {"LD_PRELOAD": other})["LD_PRELOAD"] == f"{other}:{tmp_path}/run/ledger.so"


def test_only_names_of_c_functions_reach_the_compiler() -> None:
    targets = [
        {"qualname": name, "role": "acquire", "entity": "return"}
        for name in ("good", "x, lend, 0, 0)\n#error", "malloc")
    ]
    assert list(watched_functions([{"targets": targets, "options": {"within": "many"}}])) == ["good"]
    assert not is_watchable("dlsym") and not is_watchable("a.b")


def test_what_the_ledger_itself_calls_is_never_watched(tmp_path: Path) -> None:
    """A stand-in that calls itself would never return."""
    (tmp_path / "watched.h").write_text(listed({"fopen": ("lend", 0, 0)}))
    subprocess.run(compilation("cc", tmp_path / "ledger.so", ledger_sources(machine(), tmp_path)), check=True)
    names = subprocess.run(["nm", "-D", "-u", "ledger.so"], cwd=tmp_path, capture_output=True, text=True).stdout
    called = {line.split()[-1].partition("@")[0] for line in names.splitlines()}
    assert "dlsym" in called
    assert not [name for name in called if is_watchable(name)]
